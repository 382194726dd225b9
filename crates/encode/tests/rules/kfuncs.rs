//! `.BTF_ids`: functions that BPF programs may call are marked by tags.

use crate::common::*;

const KFUNC_SET: u64 = 1;
const FASTCALL: u64 = 1 << 12;
const ARENA_RET: u64 = 1 << 13;
const ARENA_ARG1: u64 = 1 << 14;
const ARENA_ARG2: u64 = 1 << 15;

/// A file with functions `k0`, `k1`, …, each in the set with these flags, all of this prototype.
fn set(profile: Profile, set_flags: u64, flags: &[u64], parameters: &[(&str, &str)], result: &str) -> File {
    let names: Vec<String> = (0..flags.len()).map(|index| format!("k{index}")).collect();
    let functions = names.iter().zip(1..).map(|(name, at)| {
        function(name, result, at * 0x10).with(parameters.iter().map(|(name, target)| parameter(name, target)))
    });
    let entries =
        bases().into_iter().chain([pointer("p", "void"), pointer("pi", "int"), typedef("tp", "p")]).chain(functions);
    let mut file = file(profile).unit(unit("one.c").with(entries)).section(".BTF_ids", 0x6000, 0x100);
    // A word before the set, so that its place in the section counts.
    file = file.content(".BTF_ids", |bytes| {
        bytes.u(0, 4).u(flags.len() as u64, 4).u(set_flags, 4);
        for flag in flags {
            bytes.u(0, 4).u(*flag, 4);
        }
        bytes.u(0, 4);
    });
    let size = 8 + 8 * flags.len() as u64;
    file = file.symbol("__BTF_ID__set8__my_set", OBJECT, Some(place(".BTF_ids", 4)), size);
    for (index, name) in names.iter().enumerate() {
        let at = place(".BTF_ids", 12 + 8 * index as u64);
        file = file.symbol(&format!("__BTF_ID__func__{name}__{}", index + 77), OBJECT, Some(at), 4);
        file = file.fun(name, (index as u64 + 1) * 0x10);
    }
    file
}

#[test]
fn functions_of_a_kfunc_set() {
    for machine in [X86_64, S390X, AARCH64] {
        for relocatable in [false, true] {
            let profile = Profile { relocatable, ..Profile::of(machine) };
            let file = set(profile, KFUNC_SET, &[0, FASTCALL, 4], &[("a", "int")], "int");
            file.encode().kind(
                "DECL_TAG",
                "DECL_TAG 'bpf_kfunc' -> FUNC k0 @-1
                 DECL_TAG 'bpf_kfunc' -> FUNC k1 @-1
                 DECL_TAG 'bpf_fastcall' -> FUNC k1 @-1
                 DECL_TAG 'bpf_kfunc' -> FUNC k2 @-1",
            );
        }
    }
}

#[test]
fn both_features_are_needed() {
    let file = set(Profile::default(), KFUNC_SET, &[0], &[], "int");
    file.encode_with("decl_tag").kind("DECL_TAG", "");
    file.encode_with("decl_tag_kfuncs").kind("DECL_TAG", "");
    file.encode_with("decl_tag,decl_tag_kfuncs").kind("DECL_TAG", "DECL_TAG 'bpf_kfunc' -> FUNC k0 @-1");
}

#[test]
fn other_sets_do_not_count() {
    set(Profile::default(), 0, &[0, FASTCALL], &[], "int").encode().kind("DECL_TAG", "");
    set(Profile::default(), 2, &[0], &[], "int").encode().kind("DECL_TAG", "");
}

#[test]
fn ids_outside_of_a_set_do_not_count() {
    let file = set(Profile::default(), KFUNC_SET, &[0], &[], "int").fun("loose", 0x100);
    let more = unit("two.c").with([function("loose", "void", 0x100)]);
    let outside = file.unit(more).symbol("__BTF_ID__func__loose__5", OBJECT, Some(place(".BTF_ids", 0)), 4);
    outside.encode().kind("DECL_TAG", "DECL_TAG 'bpf_kfunc' -> FUNC k0 @-1");
}

#[test]
fn names_end_at_the_last_two_underscores() {
    let mut file = set(Profile::default(), KFUNC_SET, &[0], &[], "int").fun("a__b", 0x10);
    file.units.push(unit("two.c").with([function("a__b", "void", 0x10)]));
    let symbol = file.symbols.iter_mut().find(|one| one.name.starts_with("__BTF_ID__func__")).expect("a symbol");
    symbol.name = "__BTF_ID__func__a__b__12".to_owned();
    file.encode().kind("DECL_TAG", "DECL_TAG 'bpf_kfunc' -> FUNC a__b @-1");
}

#[test]
fn functions_that_are_left_out_have_no_tags() {
    let mut file = set(Profile::default(), KFUNC_SET, &[0, 0], &[], "int").fun("z", 0x300);
    file = file.fun("k0", 0x200);
    let outcome = file.encode();
    outcome.no_function("k0", "ambiguous-address").kind("DECL_TAG", "DECL_TAG 'bpf_kfunc' -> FUNC k1 @-1");
}

#[test]
fn arena_pointers() {
    let file = set(
        Profile::default(),
        KFUNC_SET,
        &[ARENA_RET, ARENA_ARG1, ARENA_ARG2, ARENA_RET | ARENA_ARG1 | ARENA_ARG2],
        &[("a", "p"), ("b", "pi")],
        "p",
    );
    file.encode_with("default,attributes").kind(
        "FUNC",
        "FUNC k0 static (a:*void b:*int) -> *tag(address_space(1) attr) void
         FUNC k1 static (a:*tag(address_space(1) attr) void b:*int) -> *void
         FUNC k2 static (a:*void b:*tag(address_space(1) attr) int) -> *void
         FUNC k3 static (a:*tag(address_space(1) attr) void b:*tag(address_space(1) attr) int) -> *tag(address_space(1) attr) void",
    );
    file.encode().kind("TYPE_TAG", "");
}

#[test]
fn equal_arena_prototypes_are_one() {
    let file = set(Profile::default(), KFUNC_SET, &[ARENA_RET, ARENA_RET, 0], &[("a", "int")], "p");
    let outcome = file.encode_with("default,attributes");
    let btf = outcome.ok();
    // One with the tag, one without.
    assert_eq!([btf.count("FUNC"), btf.count("FUNC_PROTO"), btf.count("TYPE_TAG")], [3, 2, 1]);
}

#[test]
fn arena_flags_on_what_is_no_pointer() {
    differs("the encoding fails", || {
        let file = set(Profile::default(), KFUNC_SET, &[ARENA_RET, ARENA_ARG2, 0], &[("a", "tp")], "int");
        let outcome = file.encode_with("default,attributes");
        outcome.kind("TYPE_TAG", "").has("DECL_TAG 'bpf_kfunc' -> FUNC k2 @-1").diagnostic(ANY);
    });
}

#[test]
fn nothing_to_read() {
    let plain = || one([base("int", 4, SIGNED), function("f", "int", 0x10)]).fun("f", 0x10);
    plain().encode().kind("DECL_TAG", "");
    plain().section(".BTF_ids", 0x6000, 0x10).encode().kind("DECL_TAG", "");
}

#[test]
fn damaged_sets_ruin_nothing() {
    ours(|| {
        let file = |size: u64, at: u64, content: usize| {
            one([base("int", 4, SIGNED), function("f", "int", 0x10)])
                .fun("f", 0x10)
                .section(".BTF_ids", 0x6000, 0x100)
                .content(".BTF_ids", |bytes| {
                    bytes.u(1, 4).u(1, 4).u(0, 4).u(0, 4);
                    bytes.data.truncate(content);
                })
                .symbol("__BTF_ID__set8__s", OBJECT, Some(place(".BTF_ids", at)), size)
                .symbol("__BTF_ID__func__f__1", OBJECT, Some(place(".BTF_ids", at.wrapping_add(8))), 4)
                .symbol("__BTF_ID__func__f", OBJECT, Some(place(".BTF_ids", at.wrapping_add(8))), 4)
                .symbol("__BTF_ID__func__", OBJECT, Some(place(".BTF_ids", at.wrapping_add(8))), 4)
        };
        for (size, at, content) in [
            (u64::MAX, 0, 16),
            (16, 4, 16),
            (16, 0, 15),
            (16, 0, 12),
            (16, 0, 6),
            (16, 0, 0),
            (16, 0xffff_ffff_0000, 16),
            (16, 0u64.wrapping_sub(0x10), 16),
        ] {
            file(size, at, content).encode().function("f", "() -> int");
        }
    });
}
