//! The kernel refuses all of a BTF for one name that is no identifier ([A-Za-z_.][A-Za-z0-9_.]*).

use crate::common::*;

const BAD: [&str; 4] = ["Option<u32>", "operator+", "9lives", "with space"];

#[test]
fn structs_unions_and_enums_become_anonymous() {
    differs("bad names are written, and the kernel refuses all", || {
        for bad in BAD {
            let entries = [
                structure(bad, 4).labelled("s"),
                typedef("ts", "s"),
                union(bad, 8).labelled("u"),
                typedef("tu", "u"),
                enumeration(bad, 4, &[("A", 1)]).labelled("e"),
                typedef("te", "e"),
                enumeration(bad, 8, &[("B", 1 << 32)]).labelled("e64"),
                typedef("te64", "e64"),
            ];
            one(entries).encode().expect(
                "STRUCT (anon) size=4 {}
                 TYPEDEF ts = struct {}
                 UNION (anon) size=8 {}
                 TYPEDEF tu = union {}
                 ENUM (anon) size=4 unsigned { A=1 }
                 TYPEDEF te = enum { A=1 }
                 ENUM64 (anon) size=8 unsigned { B=4294967296 }
                 TYPEDEF te64 = enum64 { B=4294967296 }",
            );
        }
    });
}

#[test]
fn forwards_become_void() {
    differs("bad names are written, and the kernel refuses all", || {
        let entries = [
            forward(DW_TAG_structure_type, BAD[0]).labelled("s"),
            pointer("ps", "s"),
            typedef("ts", "ps"),
            forward(DW_TAG_union_type, BAD[0]).labelled("u"),
            pointer("pu", "u"),
            typedef("tu", "pu"),
        ];
        one(entries).encode().expect("TYPEDEF ts = *void\nTYPEDEF tu = *void");
    });
}

#[test]
fn typedefs_become_their_targets() {
    differs("bad names are written, and the kernel refuses all", || {
        let entries = [
            base("int", 4, SIGNED),
            typedef(BAD[0], "int"),
            typedef("t", BAD[0]),
            structure("s", 4).with([member("m", BAD[0], 0)]),
        ];
        one(entries).encode().expect("INT int size=4 bits=32 signed\nTYPEDEF t = int\nSTRUCT s size=4 { m:int@0 }");
    });
}

#[test]
fn members_lose_their_names() {
    differs("bad names are written, and the kernel refuses all", || {
        let type_ = structure("s", 8).with([member("0", "int", 0), member("ok", "int", 4)]);
        one([base("int", 4, SIGNED), type_]).encode().has("STRUCT s size=8 { _:int@0 ok:int@32 }");
    });
}

#[test]
fn parameters_of_a_prototype_lose_their_names() {
    differs("bad names are written, and the kernel refuses all", || {
        let prototype =
            entry(DW_TAG_subroutine_type).labelled("f").with([parameter("a b", "int"), parameter("c", "int")]);
        one([base("int", 4, SIGNED), prototype, typedef("t", "f")]).encode().has("TYPEDEF t = (int c:int) -> void");
    });
}

#[test]
fn functions_are_left_out() {
    differs("bad names are written, and the kernel refuses all", || {
        let entries = [
            base("int", 4, SIGNED),
            function("operator+", "int", 0x10),
            function("f", "int", 0x20).with([parameter("a b", "int")]),
            function("g", "int", 0x30),
        ];
        let file = one(entries).fun("operator+", 0x10).fun("f", 0x20).fun("g", 0x30);
        let outcome = file.encode();
        outcome.no_function("operator+", "invalid-name").no_function("f", "invalid-name");
        outcome.kind("FUNC", "FUNC g static () -> int");
    });
}

fn variables() -> File {
    let at = |offset| place(".data..percpu", offset);
    let entries = [base("int", 4, SIGNED), variable("bad$name", "int", at(4)), variable("good", "int", at(8))];
    one(entries).section(".data..percpu", 0x8000, 0x100)
}

#[test]
fn variables_are_left_out() {
    let outcome = variables().encode();
    outcome.no_variable("bad$name", "invalid-name").kind("VAR", "VAR good global : int");
}

#[test]
fn variables_are_refused_without_encode_force() {
    variables().encode_with("var").failed(ANY);
}

#[test]
fn dots_and_digits_are_allowed() {
    let entries = [
        base("int", 4, SIGNED),
        structure(".s.1", 4).with([member("_m.2", "int", 0)]),
        typedef("t.0", "int"),
        function("_f9", "int", 0x10),
        variable("v.1", "int", place(".data..percpu", 4)),
    ];
    one(entries).section(".data..percpu", 0x8000, 0x100).fun("_f9", 0x10).encode().expect(
        "INT int size=4 bits=32 signed
         STRUCT .s.1 size=4 { _m.2:int@0 }
         TYPEDEF t.0 = int
         FUNC _f9 static () -> int
         VAR v.1 global : int
         DATASEC .data..percpu size=8 { v.1@4+4 }",
    );
}

/// In a linked file names are told by where they are; functions are told by their bytes.
#[test]
fn no_name_is_stored_twice() {
    let entries = [
        base("int", 4, SIGNED),
        structure("open", 4).with([member("close", "int", 0)]),
        function("open", "int", 0x10).with([parameter("close", "int")]),
        function("close", "int", 0x20),
    ];
    let outcome = one(entries).fun("open", 0x10).fun("close", 0x20).encode();
    let mut names: Vec<&[u8]> = outcome.ok().strings.split(|&byte| byte == 0).collect();
    names.pop();
    names.sort_unstable();
    assert_eq!(names, [&b""[..], b"close", b"int", b"open"]);
}

#[test]
fn names_of_base_types_are_no_identifiers() {
    let entries = [
        base("long unsigned int", 8, UNSIGNED),
        base("_BitInt(7)", 1, SIGNED),
        base("double _Complex?", 8, DW_ATE_float),
    ];
    one(entries).encode().expect(
        "INT long unsigned int size=8 bits=64
         INT _BitInt(7) size=1 bits=8 signed
         FLOAT double _Complex? size=8",
    );
}

#[test]
fn names_that_are_too_long() {
    differs("they are written, and the kernel refuses all", || {
        let long = "n".repeat(5000);
        let outcome = one([structure(&long, 4).labelled("s"), typedef("t", "s")]).encode();
        outcome.expect("STRUCT (anon) size=4 {}\nTYPEDEF t = struct {}");
    });
}

#[test]
fn names_that_are_no_text() {
    differs("they are written, and the kernel refuses all", || {
        let raw = Value::Raw(DW_FORM_string, vec![b'x', 0x80, 0x9f, 0]);
        let outcome = one([structure("s", 4).at(DW_AT_name, raw), typedef("t", "s")]).encode();
        outcome.expect("STRUCT (anon) size=4 {}\nTYPEDEF t = struct {}");
    });
}

/// Three units that say the same, but for how their names are written.
fn in_three_ways(profiles: [Profile; 3]) -> File {
    let entries = || {
        [
            base("int", 4, SIGNED),
            structure("pair", 8).with([member("a", "int", 0), member("second", "int", 4)]),
            typedef("t", "pair"),
            enumeration("color", 4, &[("RED", 0), ("GREEN", 1)]),
        ]
    };
    let [first, second, third] = profiles;
    file(first)
        .unit(unit("1.c").with(entries()))
        .unit(unit("2.c").with(entries()).profile(second))
        .unit(unit("3.c").with(entries()).profile(third))
}

const IN_ANY_WAY: &str = "
    INT int size=4 bits=32 signed
    STRUCT pair size=8 { a:int@0 second:int@32 }
    TYPEDEF t = struct pair
    ENUM color size=4 unsigned { RED=0 GREEN=1 }
";

#[test]
fn equal_names_are_one_wherever_they_stand() {
    let plain = Profile::default();
    let unmerged = Profile { merged_strings: false, ..plain };
    let inline = Profile { strings: DW_FORM_string, ..plain };
    let indexed = Profile { strings: DW_FORM_strx1, ..plain };
    for profiles in [
        [plain, plain, plain],
        [unmerged, unmerged, unmerged],
        [plain, inline, plain],
        [inline, inline, unmerged],
        [indexed, plain, inline],
        [indexed, unmerged, indexed],
    ] {
        in_three_ways(profiles).encode().expect(IN_ANY_WAY);
        in_three_ways(profiles.map(Profile::relocatable)).encode().expect(IN_ANY_WAY);
    }
}

#[test]
fn an_empty_name_is_none() {
    for merged_strings in [true, false] {
        let profile = Profile { merged_strings, ..Profile::default() };
        let empty = |e: Entry| e.at(DW_AT_name, "");
        let entries = [
            base("int", 4, SIGNED),
            empty(structure("s", 4).with([empty(member("m", "int", 0))])).labelled("s"),
            typedef("t", "s"),
        ];
        let file = file(profile).unit(unit("a.c").with(entries));
        file.encode()
            .expect("INT int size=4 bits=32 signed\nTYPEDEF t = struct { _:int@0 }\nSTRUCT (anon) size=4 { _:int@0 }");
    }
}
