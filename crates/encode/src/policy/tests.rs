//! The policy as a table.

use super::release::SINCE;
use super::*;

const WHOLE: &str = "whole";

fn told(plan: Result<Plan, Refused>) -> &'static str {
    match plan {
        Ok(Plan::Whole) => WHOLE,
        Ok(Plan::Split { distilled: false, checksum: false }) => "split",
        Ok(Plan::Split { distilled: true, checksum: false }) => "split+base",
        Ok(Plan::Split { distilled: false, checksum: true }) => "split+checksum",
        Ok(Plan::Split { distilled: true, checksum: true }) => "split+base+checksum",
        Ok(Plan::Nothing(omission)) => omission.code(),
        Err(Refused::BaseMissing) => "error",
    }
}

fn yes_no(text: &str) -> Option<bool> {
    match text {
        "-" => None,
        "yes" => Some(true),
        "no" => Some(false),
        _ => panic!("{text}"),
    }
}

/// Columns: base; base_ref; given as out of tree; KBUILD_EXTMOD; the module says that it is in the tree; lies outside;
/// target; missing_base; checksum; what comes of it.
const TABLE: &str = "
none     always  yes  yes  -    -    -     error  yes  whole
none     out     -    -    -    -    -     error  no   whole
missing  out     -    -    -    -    -     error  no   error
missing  out     -    -    -    -    -     skip   no   base-missing
missing  never   -    -    -    -    5.10  skip   no   base-missing
present  out     -    -    -    -    -     error  no   split
present  out     -    -    -    no   -     error  no   split
present  out     -    -    -    yes  -     error  no   split+base
present  out     -    -    yes  yes  -     error  no   split
present  out     -    -    no   no   -     error  no   split+base
present  out     -    yes  yes  no   -     error  no   split+base
present  out     no   yes  no   yes  -     error  no   split
present  out     yes  -    yes  no   -     error  no   split+base
present  never   yes  yes  no   yes  -     error  no   split
present  always  no   -    yes  no   -     error  no   split+base
present  always  no   -    yes  no   6.10  error  no   split
present  always  no   -    yes  no   6.11  error  no   split+base
present  out     yes  -    -    -    5.15  error  no   split
present  out     yes  -    -    -    7.2   error  yes  split+base+checksum
present  always  -    -    -    -    5.10  error  yes  no-module-btf
present  always  -    -    -    -    5.11  error  yes  split+checksum
present  never   -    -    -    -    -     skip   yes  split+checksum
";

#[test]
fn the_table() {
    for line in TABLE.lines().filter(|line| !line.is_empty()) {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [base, wanted, given, extmod, says, outside, target, missing, checksum, expected] = columns[..] else {
            panic!("{line}")
        };
        let facts = Facts {
            base: match base {
                "none" => BaseState::None,
                "missing" => BaseState::Missing,
                _ => BaseState::Present,
            },
            extmod: yes_no(extmod) == Some(true),
            says_in_tree: yes_no(says),
            outside: yes_no(outside),
        };
        let wishes = Wishes {
            base_ref: if wanted == "out" { "out-of-tree" } else { wanted }.parse().unwrap(),
            base_checksum: yes_no(checksum) == Some(true),
            missing_base: if missing == "skip" { MissingBase::Skip } else { MissingBase::Error },
            on_invalid: OnInvalid::Error,
            out_of_tree: yes_no(given),
            target: (target != "-").then(|| target.parse().unwrap()),
        };
        assert_eq!(told(decide(&facts, &wishes, &Features::default())), expected, "{line}");
    }
}

#[test]
fn the_feature_asks_for_a_distilled_base_too() {
    let facts = Facts { base: BaseState::Present, extmod: false, says_in_tree: Some(true), outside: Some(false) };
    for name in ["distilled_base", "base_ref"] {
        let features = Features::parse(&format!("+{name}")).unwrap();
        assert_eq!(told(decide(&facts, &Wishes::default(), &features)), "split+base");
        let wishes = Wishes { target: Some(Release::new(6, 6)), ..Wishes::default() };
        assert_eq!(told(decide(&facts, &wishes, &features)), "split");
    }
}

#[test]
fn a_release_leaves_out_what_came_later() {
    let all = Features::parse(&Features::NAMES.join(",")).unwrap();
    let left_out = |release: &str| {
        let mut limited = limit(&all, release.parse().unwrap());
        let is_off = |name: &&str| !*limited.switch(name).unwrap();
        Features::NAMES.into_iter().filter(is_off).collect::<Vec<_>>().join(" ")
    };
    let newer = "type_tag enum64 distilled_base attributes layout";
    assert_eq!(left_out("5.2"), "float decl_tag type_tag enum64 decl_tag_kfuncs distilled_base attributes layout");
    assert_eq!(left_out("5.15"), "decl_tag type_tag enum64 decl_tag_kfuncs distilled_base attributes layout");
    assert_eq!(left_out("5.16"), newer);
    assert_eq!(left_out("6.1"), "distilled_base attributes layout");
    assert_eq!(left_out("6.12"), "attributes layout");
    assert_eq!(left_out("7.1"), "");
    assert!(SINCE.iter().all(|(name, _)| Features::NAMES.contains(name)));
    // Nothing is added.
    assert_eq!(limit(&Features::NONE, Release::V7_1), Features::NONE);
}
