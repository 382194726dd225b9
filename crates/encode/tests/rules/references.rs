//! Prototypes, typedefs, pointers, qualifiers, and the tags that BTF has no kind for.

use crate::common::*;

#[test]
fn typedefs_pointers_and_qualifiers() {
    let entries = [
        base("int", 4, SIGNED),
        typedef("t", "r"),
        reference(DW_TAG_restrict_type, "r", "p"),
        pointer("p", "c"),
        constant("c", "v"),
        reference(DW_TAG_volatile_type, "v", "int"),
    ];
    one(entries).encode().expect("INT int size=4 bits=32 signed\nTYPEDEF t = restrict *const volatile int");
}

#[test]
fn absent_types_are_void() {
    let entries = [
        typedef("nothing", "void"),
        typedef("p", "pv"),
        pointer("pv", "void"),
        typedef("pc", "pcv"),
        pointer("pcv", "cv"),
        constant("cv", "void"),
    ];
    one(entries).encode().expect("TYPEDEF nothing = void\nTYPEDEF p = *void\nTYPEDEF pc = *const void");
}

#[test]
fn types_that_nothing_refers_to_count() {
    let outcome =
        one([base("int", 4, SIGNED), pointer("p", "int"), constant("c", "int"), prototype("f", "int", &[])]).encode();
    let btf = outcome.ok();
    assert_eq!([btf.count("PTR"), btf.count("CONST"), btf.count("FUNC_PROTO")], [1, 1, 1]);
}

#[test]
fn prototypes() {
    let old = entry(DW_TAG_subroutine_type).labelled("old").typed("int").with([variadic()]);
    let named_parameter = entry(DW_TAG_subroutine_type).labelled("named").with([parameter("x", "int")]);
    let entries = [
        base("int", 4, SIGNED),
        prototype("f1", "void", &[]),
        prototype("f2", "int", &["int", "p"]),
        prototype("f3", "int", &["int"]).with([variadic()]),
        old,
        named_parameter,
        pointer("p", "f1"),
        typedef("t1", "f1"),
        typedef("t2", "f2"),
        typedef("t3", "f3"),
        typedef("t4", "old"),
        typedef("t5", "named"),
    ];
    one(entries).encode().expect(
        "INT int size=4 bits=32 signed
         TYPEDEF t1 = () -> void
         TYPEDEF t2 = (int *() -> void) -> int
         TYPEDEF t3 = (int ...) -> int
         TYPEDEF t4 = (...) -> int
         TYPEDEF t5 = (x:int) -> void",
    );
}

#[test]
fn types_inside_prototypes_functions_and_blocks_count() {
    let entries = [
        base("int", 4, SIGNED),
        prototype("f", "void", &[]).with([structure("in_prototype", 1)]),
        function("g", "void", 0x10)
            .with([structure("in_function", 2), entry(DW_TAG_lexical_block).with([structure("in_block", 3)])]),
        named(DW_TAG_namespace, "ns").with([structure("in_namespace", 4)]),
    ];
    one(entries).fun("g", 0x10).encode().expect(
        "INT int size=4 bits=32 signed
         STRUCT in_prototype size=1 {}
         STRUCT in_function size=2 {}
         STRUCT in_block size=3 {}
         STRUCT in_namespace size=4 {}
         FUNC g static () -> void",
    );
}

/// What an inlined function declares is below its abstract instance; what is below a copy is jumped over.
#[test]
fn types_inside_inlined_functions_do_not_count() {
    let inlined = |size, name| {
        entry(DW_TAG_inlined_subroutine).with([
            structure(name, size),
            entry(DW_TAG_lexical_block).with([structure("deeper", size)]),
            entry(DW_TAG_call_site).with([entry(DW_TAG_call_site_parameter)]),
        ])
    };
    differs("they count", || {
        let entries = [
            base("int", 4, SIGNED),
            function("f", "void", 0x10).with([
                inlined(1, "first"),
                structure("between", 2),
                entry(DW_TAG_lexical_block).with([inlined(3, "second"), structure("behind", 4)]),
                inlined(5, "last"),
            ]),
            structure("after", 6),
        ];
        one(entries).fun("f", 0x10).encode().expect(
            "INT int size=4 bits=32 signed
             STRUCT between size=2 {}
             STRUCT behind size=4 {}
             STRUCT after size=6 {}
             FUNC f static () -> void",
        );
    });
}

#[test]
fn unspecified_type_is_void() {
    let entries =
        [named(DW_TAG_unspecified_type, "decltype(nullptr)"), pointer("p", "decltype(nullptr)"), typedef("t", "p")];
    one(entries).encode().expect("TYPEDEF t = *void");
}

#[test]
fn atomic_is_its_target() {
    differs("the tag ends the encoding", || {
        let entries = [
            base("int", 4, SIGNED),
            reference(DW_TAG_atomic_type, "ai", "int"),
            typedef("t", "ai"),
            structure("s", 4).with([member("m", "ai", 0)]),
            variable("v", "ai", place(".data..percpu", 8)),
        ];
        one(entries).section(".data..percpu", 0x8000, 0x100).encode().expect(
            "INT int size=4 bits=32 signed
             TYPEDEF t = int
             STRUCT s size=4 { m:int@0 }
             VAR v global : int
             DATASEC .data..percpu size=12 { v@8+4 }",
        );
    });
}

#[test]
fn references_are_pointers() {
    differs("the tags end the encoding", || {
        for tag in [DW_TAG_reference_type, DW_TAG_rvalue_reference_type] {
            let entries =
                [base("int", 4, SIGNED), reference(tag, "r", "int").at(DW_AT_byte_size, 8), typedef("t", "r")];
            one(entries).encode().expect("INT int size=4 bits=32 signed\nTYPEDEF t = *int");
        }
    });
}

#[test]
fn pointers_to_members_ruin_nothing() {
    differs("the tag ends the encoding", || {
        let pointer =
            reference(DW_TAG_ptr_to_member_type, "pm", "int").at(DW_AT_containing_type, Value::Ref("s".into()));
        let entries = [
            base("int", 4, SIGNED),
            structure("s", 4).with([member("m", "int", 0)]),
            pointer,
            structure("holder", 16).with([member("pm", "pm", 0), member("n", "int", 8)]),
        ];
        let outcome = one(entries).encode();
        outcome.has("STRUCT s size=4 { m:int@0 }");
        let btf = outcome.ok();
        let holder = btf.types.iter().find(|one| one.name == "holder").expect("the struct that holds it");
        let members: Vec<_> = holder.items.iter().map(|(name, _, offset, _)| (name.as_str(), *offset)).collect();
        assert_eq!(members, [("pm", 0), ("n", 64)]);
    });
}

#[test]
fn other_kinds_of_types_are_void() {
    differs("the first of them ends the encoding", || {
        for tag in [DW_TAG_string_type, DW_TAG_interface_type] {
            let entries = [
                named(tag, "odd").at(DW_AT_byte_size, 8),
                pointer("p", "odd"),
                typedef("t", "p"),
                structure("s", 8).with([member("p", "p", 0)]),
            ];
            one(entries).encode().has("STRUCT s size=8 { p:*void@0 }\nTYPEDEF t = *void").diagnostic("unsupported-tag");
        }
    });
}

#[test]
fn tags_that_are_skipped() {
    for tag in [DW_TAG_file_type, DW_TAG_set_type, DwTag(0x5123)] {
        let entries = [
            reference(tag, "odd", "int"),
            base("int", 4, SIGNED),
            pointer("p", "odd"),
            typedef("t", "p"),
            typedef("after", "int"),
        ];
        one(entries)
            .encode()
            .expect("INT int size=4 bits=32 signed\nTYPEDEF t = *void\nTYPEDEF after = int")
            .diagnostic(ANY);
    }
}

#[test]
fn qualifiers_that_btf_has_not_are_their_targets() {
    differs("they are void", || {
        for tag in [DW_TAG_packed_type, DW_TAG_shared_type, DW_TAG_immutable_type] {
            let entries =
                [base("int", 4, SIGNED), reference(tag, "odd", "int"), pointer("p", "odd"), typedef("t", "p")];
            one(entries).encode().expect("INT int size=4 bits=32 signed\nTYPEDEF t = *int");
        }
    });
}

#[test]
fn entries_that_are_no_types_are_ignored() {
    let entries = [
        base("int", 4, SIGNED),
        named(DW_TAG_constant, "c").typed("int").at(DW_AT_const_value, 3),
        named(DW_TAG_label, "l"),
        entry(DW_TAG_imported_declaration).at(DW_AT_import, Value::Ref("int".into())),
        entry(DW_TAG_imported_module).at(DW_AT_import, Value::Ref("int".into())),
        entry(DW_TAG_dwarf_procedure),
    ];
    one(entries).encode().expect("INT int size=4 bits=32 signed");
}

#[test]
fn typedef_without_a_name_is_its_target() {
    differs("libbpf refuses it and all is lost", || {
        let entries = [base("int", 4, SIGNED), reference(DW_TAG_typedef, "anon", "int"), typedef("t", "anon")];
        one(entries).encode().expect("INT int size=4 bits=32 signed\nTYPEDEF t = int");
    });
}

#[test]
fn equal_types_of_two_units_are_one() {
    let entries = || {
        [
            base("int", 4, SIGNED),
            structure("s", 16).with([member("a", "int", 0), member("next", "p", 8)]),
            pointer("p", "s"),
            typedef("t", "c"),
            constant("c", "p"),
        ]
    };
    let outcome = one(entries()).unit(unit("two.c").with(entries())).encode();
    outcome.expect(
        "INT int size=4 bits=32 signed
         STRUCT s size=16 { a:int@0 next:*struct s@64 }
         TYPEDEF t = const *struct s",
    );
    assert_eq!(outcome.ok().count("PTR"), 1);
}

#[test]
fn equal_names_of_different_meaning_stay_two() {
    let second = [
        base("int", 4, SIGNED),
        structure("s", 4).with([member("b", "int", 0)]),
        pointer("p", "s"),
        typedef("t2", "p"),
    ];
    one([base("int", 4, SIGNED), structure("s", 4).with([member("a", "int", 0)])])
        .unit(unit("two.c").with(second))
        .encode()
        .expect(
            "INT int size=4 bits=32 signed
             STRUCT s size=4 { a:int@0 }
             STRUCT s size=4 { b:int@0 }
             TYPEDEF t2 = *struct s",
        );
}

#[test]
fn arrays_of_different_elements_keep_structs_apart() {
    differs("inside one struct only the counts of arrays are compared", || {
        let with = |second: &str, name: &str| {
            let entries = [
                pointer("pi", "int"),
                pointer("pl", "long int"),
                array("ai", "pi", &[4]),
                array("al", "pl", &[4]),
                structure("foo", 64).with([member("a", "ai", 0), member("b", second, 32)]),
            ];
            unit(name).with(bases()).with(entries)
        };
        file(Profile::default()).unit(with("ai", "one.c")).unit(with("al", "two.c")).encode().kind(
            "STRUCT",
            "STRUCT foo size=64 { a:[4]*int@0 b:[4]*int@256 }
             STRUCT foo size=64 { a:[4]*int@0 b:[4]*long int@256 }",
        );
    });
}
