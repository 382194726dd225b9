//! Findings: everything that is wrong, where, and what to do about it.

use crate::notation;
use btfkit_btf::validate::{Context, Errno, Finding, Release, Rules, Severity, Verdict};
use btfkit_btf::{Btf, Endian};
use std::sync::Arc;

fn judge(context: Context, text: &str) -> Verdict {
    Rules { release: Release::V6_15, ..Rules::new(context) }.judge(&notation::blob(text, Endian::Little, None), None)
}

/// Rule, path and whether the kernel that was asked minds.
fn told(verdict: &Verdict) -> Vec<(&str, &str, bool)> {
    let tell = |f: &'_ Finding| f.severity == Severity::Error;
    verdict.findings.iter().map(|f| (f.rule.as_str(), f.path.as_str(), tell(f))).collect()
}

const WRONG: &str = "
[1] INT 'int' size=4 bits=32 signed
[2] STRUCT 's' size=4 { 'a':1@0, 'b':1@32 }
[3] FUNC_PROTO ret=4 (_:1)
[4] FWD 'f' struct
[5] FUNC 'g' static -> 3
[6] CONST -> 7
[7] CONST -> 6
[8] PTR -> 6
[9] STRUCT 'outer' size=8 { 'inner':10@0 }
[10] ARRAY elem=4 index=1 n=2
[11] TYPEDEF 'fine' -> 1
";

#[test]
fn a_kernel_takes_what_programs_must_not_load() {
    let verdict = judge(Context::Vmlinux, WRONG);
    // A loop of modifiers is what every kernel looks for.
    assert_eq!(
        verdict.refusal.as_ref().map(|r| (r.errno, r.message.as_str())),
        Some((Errno::ELOOP, "Max chain length or cycle detected"))
    );
    let without_loop = WRONG.replace("[7] CONST -> 6", "[7] CONST -> 1");
    let verdict = judge(Context::Vmlinux, &without_loop);
    assert!(verdict.is_accepted());
    assert_eq!(
        told(&verdict),
        [
            ("member-exceeds-struct-size", "STRUCT 's'", false),
            ("invalid-return-type", "FUNC 'g' > FUNC_PROTO [3]", false),
            ("invalid-arg", "FUNC 'g'", false),
            ("invalid-elem", "STRUCT 'outer' member 'inner' > ARRAY [10]", false),
        ]
    );
    let first = &verdict.findings[0];
    assert_eq!((first.type_id.map(|id| id.0), first.name.as_str()), (Some(2), "s"));
    assert_eq!(first.message, "[2] STRUCT s size=4 vlen=2: b type_id=1 bits_offset=32 Member exceeds struct_size");
    assert!(first.source.contains("BPF_BTF_LOAD") && first.advice.contains("size"));
}

#[test]
fn what_is_loaded_is_refused_for_the_first_and_told_the_others() {
    let verdict = judge(Context::Load, WRONG);
    assert_eq!(verdict.refusal.as_ref().map(|r| r.message.as_str()), Some("Member exceeds struct_size"));
    let rules: Vec<_> = told(&verdict).into_iter().map(|(rule, _, error)| (rule, error)).collect();
    assert_eq!(
        rules,
        [
            ("member-exceeds-struct-size", true),
            ("invalid-return-type", true),
            ("invalid-arg", true),
            ("loop-detected", true),
            ("invalid-elem", true),
        ]
    );
}

#[test]
fn among_many_types_the_wrong_one_is_told_wherever_it_stands() {
    // So many that several threads look at them.
    const MANY: u32 = 20_000;
    for place in [2, MANY / 2, MANY / 2 + 1, MANY, MANY + 1] {
        let line = |id| match id {
            1 => "[1] INT 'int' size=4 bits=32 signed\n".to_owned(),
            _ if id == place => format!("[{id}] STRUCT 's' size=2 {{ 'a':1@0 }}\n"),
            _ => format!("[{id}] TYPEDEF 't{id}' -> 1\n"),
        };
        let verdict = judge(Context::Vmlinux, &(1..=MANY).map(line).collect::<String>());
        let wrong = [("member-exceeds-struct-size", "STRUCT 's'", false)];
        assert_eq!(told(&verdict), wrong[..(place <= MANY) as usize]);
    }
}

#[test]
fn dangling_references_are_told_where_the_kernel_does_not_look() {
    let verdict = judge(Context::Vmlinux, "[1] PTR -> 9\n[2] STRUCT 's' size=8 { 'p':1@0 }\n[3] VAR 'v' static -> 7\n");
    assert!(verdict.is_accepted());
    assert_eq!(
        told(&verdict),
        [("dangling-reference", "STRUCT 's' member 'p' > PTR [1]", true), ("dangling-reference", "VAR 'v'", true)]
    );
    assert_eq!(verdict.findings[0].message, "refers to type 9, the last one is 3");
}

#[test]
fn new_kernels_want_names_in_order() {
    let blob = notation::blob("[1] STRUCT 'b' size=0 {}\n[2] STRUCT 'a' size=0 {}\n", Endian::Big, None);
    for (release, rules) in [(Release::V6_15, vec![]), (Release::V7_0, vec!["unsorted-names"])] {
        let verdict = Rules { release, ..Rules::new(Context::Vmlinux) }.judge(&blob, None);
        assert!(verdict.is_accepted());
        assert_eq!(told(&verdict).iter().map(|told| told.0).collect::<Vec<_>>(), rules, "{release}");
    }
    let sorted = notation::blob(
        "[1] INT size=4 bits=32\n[2] STRUCT 'a' size=0 {}\n[3] STRUCT 'b' size=0 {}\n",
        Endian::Big,
        None,
    );
    assert!(Rules { release: Release::V7_0, ..Rules::new(Context::Vmlinux) }.judge(&sorted, None).findings.is_empty());
}

#[test]
fn a_module_is_told_of_its_own_types_alone() {
    let base = "[1] INT 'int' size=4 bits=32 signed\n[2] STRUCT 'wrong' size=1 { 'a':1@0 }\n[3] CONST -> 2\n";
    let base = Arc::new(Btf::parse(notation::blob(base, Endian::Little, None)).unwrap());
    let split = "[4] STRUCT 'own' size=1 { 'a':3@0 }\n[5] STRUCT 'bad' size=2 { 'a':1@0 }\n[6] PTR -> 99\n";
    let split = notation::blob(split, Endian::Little, Some(&base));
    let verdict = Rules::new(Context::Module).judge(&split, Some(&base));
    let rules: Vec<_> =
        told(&verdict).into_iter().filter(|told| told.0 != "unsorted-names").map(|t| (t.0, t.1)).collect();
    assert_eq!(rules, [("dangling-reference", "PTR [6]"), ("member-exceeds-struct-size", "STRUCT 'bad'")]);
}

#[test]
fn older_kernels_know_less() {
    let first_word = |release: &str, text: &str| {
        let rules = Rules { release: release.parse().unwrap(), ..Rules::new(Context::Load) };
        rules.check(&notation::blob(text, Endian::Little, None), None).err().map(|refusal| refusal.message)
    };
    let cases = [
        ("[1] FUNC_PROTO ret=0 ()", "4.18", "5.0", "Invalid kind:13"),
        ("[1] INT 'i' size=4 bits=32\n[2] VAR 'v' static -> 1", "5.1", "5.2", "Invalid kind:14"),
        ("[1] FLOAT 'f' size=4", "5.12", "5.13", "Invalid btf_info:10000000"),
        ("[1] STRUCT 's' size=0 {}\n[2] DECL_TAG 't' -> 1", "5.15", "5.16", "Invalid kind:17"),
        ("[1] TYPE_TAG 't' -> 0", "5.16", "5.17", "Invalid kind:18"),
        ("[1] ENUM64 'e' size=8 unsigned { 'a'=1 }", "5.19", "6.0", "Invalid kind:19"),
        ("[1] ENUM 'e' size=4 signed { 'a'=1 }", "5.19", "6.0", "Invalid btf_info kind_flag"),
        ("[1] TYPE_TAG 't' -> 0 attr", "6.14", "6.15", "Invalid btf_info kind_flag"),
        ("[1] STRUCT 's' size=4 kflag {}", "4.18", "5.0", "Invalid btf_info:84000000"),
    ];
    for (text, old, new, message) in cases {
        assert_eq!(first_word(old, text).as_deref(), Some(message), "{old}: {text}");
        assert_eq!(first_word(new, text), None, "{new}: {text}");
    }
    let long = format!("[1] STRUCT '{}' size=0 {{}}", "n".repeat(200));
    assert_eq!(first_word("6.0", &long).as_deref(), Some("Invalid name"));
    assert_eq!(first_word("6.1", &long), None);
    let section = "[1] DATASEC '?odd name' size=1 {}";
    assert_eq!(first_word("6.1", section).as_deref(), Some("Invalid name"));
    assert_eq!(first_word("6.12", section), None);
}

#[test]
fn from_7_2_on_a_record_may_have_more_elements() {
    let many = "[1] ENUM 'e' size=4 info=0x06010000";
    let word = |release: &str| {
        let rules = Rules { release: release.parse().unwrap(), ..Rules::new(Context::Load) };
        rules.check(&notation::blob(many, Endian::Little, None), None).unwrap_err().message
    };
    assert_eq!(word("7.1"), "Invalid btf_info:6010000");
    assert_eq!(word("7.2"), "meta_left:0 meta_needed:524288");
}
