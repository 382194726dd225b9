use crate::common::*;

#[test]
fn members_in_order() {
    let entries = [
        structure("s", 24).with([
            member("a", "char", 0),
            member("b", "int", 4),
            member("c", "long int", 8),
            member("d", "char", 16),
        ]),
        union("u", 8).with([member("a", "char", 0), member("b", "long int", 0)]),
    ];
    one(bases()).unit(unit("two.c").with(bases()).with(entries)).encode().has(
        "STRUCT s size=24 { a:char@0 b:int@32 c:long int@64 d:char@128 }
         UNION u size=8 { a:char@0 b:long int@0 }",
    );
}

#[test]
fn no_members_or_no_size() {
    one([
        structure("empty", 0),
        union("nothing", 0),
        structure("opaque", 8),
        structure("unsized", 0).without(DW_AT_byte_size),
    ])
    .encode()
    .expect(
        "STRUCT empty size=0 {}
             UNION nothing size=0 {}
             STRUCT opaque size=8 {}
             STRUCT unsized size=0 {}",
    );
}

#[test]
fn class_is_a_struct() {
    let mut class = structure("Kl", 4).with([member("a", "int", 0)]);
    class.tag = DW_TAG_class_type;
    one([base("int", 4, SIGNED), class, forward(DW_TAG_class_type, "Fwd")]).encode().has(
        "STRUCT Kl size=4 { a:int@0 }
         FWD struct Fwd",
    );
}

#[test]
fn declarations_are_forwards() {
    one([forward(DW_TAG_structure_type, "s"), forward(DW_TAG_union_type, "u")])
        .encode()
        .expect("FWD struct s\nFWD union u");
}

#[test]
fn declaration_that_says_false_is_a_definition() {
    one([structure("s", 4).at(DW_AT_declaration, false)]).encode().expect("STRUCT s size=4 {}");
}

#[test]
fn forward_of_one_unit_is_the_definition_of_another() {
    let declared = [forward(DW_TAG_structure_type, "s"), pointer("ps", "s"), typedef("t", "ps")];
    one(declared)
        .unit(unit("two.c").with([structure("s", 4)]))
        .encode()
        .expect("STRUCT s size=4 {}\nTYPEDEF t = *struct s");
}

#[test]
fn forward_of_a_struct_is_no_union() {
    let declared = [forward(DW_TAG_structure_type, "s"), pointer("ps", "s"), typedef("t", "ps")];
    one(declared).unit(unit("two.c").with([union("s", 4)])).encode().expect(
        "FWD struct s
         UNION s size=4 {}
         TYPEDEF t = *fwd struct s",
    );
}

#[test]
fn forward_of_a_name_with_two_meanings_stays() {
    let declared = [forward(DW_TAG_structure_type, "s"), pointer("ps", "s"), typedef("t", "ps")];
    let (first, second) = (unit("two.c").with([structure("s", 4)]), unit("three.c").with([structure("s", 8)]));
    one(declared).unit(first).unit(second).encode().expect(
        "FWD struct s
         STRUCT s size=4 {}
         STRUCT s size=8 {}
         TYPEDEF t = *fwd struct s",
    );
}

#[test]
fn forward_without_a_name_is_void() {
    differs("libbpf refuses it and all is lost", || {
        let nameless = entry(DW_TAG_structure_type).declaration().labelled("s");
        one([nameless, pointer("ps", "s"), typedef("t", "ps")]).encode().expect("TYPEDEF t = *void");
    });
}

#[test]
fn anonymous_members() {
    let inner = union("", 4).labelled("inner").with([member("x", "int", 0), member("y", "char", 0)]);
    let outer = structure("outer", 8).with([inner, member("", "inner", 0), member("z", "int", 4)]);
    one(bases()).unit(unit("two.c").with(bases()).with([outer])).encode().has(
        "STRUCT outer size=8 { _:union { x:int@0 y:char@0 }@0 z:int@32 }
         UNION (anon) size=4 { x:int@0 y:char@0 }",
    );
}

#[test]
fn recursion_through_pointers() {
    let entries = [
        structure("a", 8).with([member("b", "pb", 0)]),
        pointer("pb", "b"),
        structure("b", 16).with([member("a", "a", 0), member("self", "pb", 8)]),
    ];
    one(entries)
        .encode()
        .expect("STRUCT a size=8 { b:*struct b@0 }\nSTRUCT b size=16 { a:struct a@0 self:*struct b@64 }");
}

#[test]
fn locations_in_every_form() {
    let at = |value| member("m", "int", 0).at(DW_AT_data_member_location, value);
    for (value, bits) in [
        (Value::Raw(DW_FORM_data1, vec![0x80]), 0x400),
        (Value::Raw(DW_FORM_data2, vec![0, 1]), 0x800),
        (Value::Raw(DW_FORM_data4, vec![0, 0, 1, 0]), 0x80000),
        (Value::Raw(DW_FORM_udata, vec![0x80, 0x01]), 0x400),
        (Value::Raw(DW_FORM_sdata, vec![0x04]), 32),
        (Value::Expr(bytes(&[DW_OP_plus_uconst.0, 0x90, 0x01])), 0x90 * 8),
        (Value::Expr(bytes(&[DW_OP_constu.0, 0x0c])), 0x60),
    ] {
        let outcome = one([base("int", 4, SIGNED), structure("s", 0x20000).with([at(value)])]).encode();
        outcome.has(&format!("STRUCT s size=131072 {{ m:int@{bits} }}"));
    }
    let implicit = Profile { constants: Constants::Implicit, ..Profile::default() };
    let type_ = structure("s", 16).with([member("m", "int", 8)]);
    file(implicit)
        .unit(unit("one.c").with([base("int", 4, SIGNED), type_]))
        .encode()
        .has("STRUCT s size=16 { m:int@64 }");
}

#[test]
fn absent_location_is_the_start() {
    let bare = || member("m", "int", 0).without(DW_AT_data_member_location);
    one([base("int", 4, SIGNED), structure("s", 4).with([bare()]), union("u", 4).with([bare()])])
        .encode()
        .has("STRUCT s size=4 { m:int@0 }\nUNION u size=4 { m:int@0 }");
}

#[test]
fn large_offsets_without_bitfields() {
    let entries = [
        base("int", 4, SIGNED),
        structure("s", 0x1000_0000).with([member("a", "int", 0), member("far", "int", 0x0fff_fff8)]),
    ];
    one(entries).encode().has("STRUCT s size=268435456 { a:int@0 far:int@2147483584 }");
}

#[test]
fn offset_beyond_what_btf_can_say() {
    differs("the bit offset wraps at 2^32", || {
        let entries = [
            base("int", 4, SIGNED),
            structure("s", 0x2000_0010).with([member("a", "int", 0), member("far", "int", 0x2000_0004)]),
        ];
        one(entries).encode().expect("INT int size=4 bits=32 signed\nFWD struct s").diagnostic("struct-too-large");
    });
}

fn many_members(tag: DwTag, count: u32) -> Entry {
    let names: Vec<String> = (0..count).map(|index| format!("m{index}")).collect();
    let mut type_ = structure("s", 1).with(names.iter().map(|name| member(name, "char", 0)));
    type_.tag = tag;
    type_
}

#[test]
fn as_many_members_as_btf_can_count() {
    let outcome = one([base("char", 1, SIGNED), many_members(DW_TAG_union_type, 65535)]).encode();
    assert_eq!(outcome.ok().types.iter().map(|one| one.items.len()).max(), Some(65535));
}

#[test]
fn more_members_than_btf_can_count() {
    differs("the count wraps at 65536", || {
        for (tag, word) in [(DW_TAG_structure_type, "struct"), (DW_TAG_union_type, "union")] {
            let outcome = one([base("char", 1, SIGNED), many_members(tag, 65536)]).encode();
            outcome.expect(&format!("INT char size=1 bits=8 signed\nFWD {word} s")).diagnostic(ANY);
        }
    });
}

#[test]
fn base_classes_are_no_members() {
    let inheritance = entry(DW_TAG_inheritance).typed("b").at(DW_AT_data_member_location, 0);
    let entries =
        [base("int", 4, SIGNED), structure("b", 4), structure("d", 8).with([inheritance, member("m", "int", 4)])];
    one(entries).encode().has("STRUCT d size=8 { m:int@32 }");
}

#[test]
fn static_members_take_no_place() {
    // DWARF 4 has them as members that are declared only, DWARF 5 as variables.
    let old = member("count", "int", 0).without(DW_AT_data_member_location).external().declaration();
    let new = named(DW_TAG_variable, "other").labelled("").typed("int").external().declaration();
    differs("a static member comes out at offset 0, and the kernel refuses decreasing offsets", || {
        let entries =
            [base("int", 4, SIGNED), structure("s", 8).with([member("a", "int", 0), member("b", "int", 4), old, new])];
        one(entries).encode().has("STRUCT s size=8 { a:int@0 b:int@32 }");
    });
}

#[test]
fn types_inside_a_struct_count() {
    let inner = structure("inner", 4).with([member("n", "int", 0)]);
    one([base("int", 4, SIGNED), structure("outer", 4).with([inner, member("m", "inner", 0)])])
        .encode()
        .has("STRUCT inner size=4 { n:int@0 }\nSTRUCT outer size=4 { m:struct inner@0 }");
}

#[test]
fn specification_lends_its_name() {
    let declared = structure("s", 0).without(DW_AT_byte_size).declaration();
    let defined = entry(DW_TAG_structure_type).at(DW_AT_byte_size, 4).at(DW_AT_specification, Value::Ref("s".into()));
    one([base("int", 4, SIGNED), declared, defined.with([member("m", "int", 0)])])
        .encode()
        .has("STRUCT s size=4 { m:int@0 }");
}

#[test]
fn members_of_rust_structs_are_sorted() {
    let type_ = structure("s", 16).with([member("b", "u32", 8), member("a", "u32", 0), member("c", "u32", 12)]);
    let rust = unit("lib.rs").language(DW_LANG_Rust.0.into()).with([base("u32", 4, UNSIGNED), type_]);
    file(Profile::default()).unit(rust).encode().has("STRUCT s size=16 { a:u32@0 b:u32@64 c:u32@96 }");
}

#[test]
fn variants_of_rust_enums_are_left_out() {
    let variants = entry(DW_TAG_variant_part).with([entry(DW_TAG_variant).with([member("v", "u32", 4)])]);
    let rust = unit("lib.rs").language(DW_LANG_Rust.0.into());
    let type_ = structure("e", 8).with([variants, member("tail", "u32", 0)]);
    file(Profile::default())
        .unit(rust.with([base("u32", 4, UNSIGNED), type_]))
        .encode()
        .has("STRUCT e size=8 { tail:u32@0 }");
}

#[test]
fn member_of_an_unresolved_type_is_dropped() {
    differs("its type becomes the last type of the unit before", || {
        let bad = || member("bad", "@0xfffff", 4);
        let first = unit("before.c").with([structure("innocent", 1)]);
        let entries =
            [base("int", 4, SIGNED), structure("s", 12).with([member("a", "int", 0), bad(), member("c", "int", 8)])];
        let outcome = file(Profile::default()).unit(first).unit(unit("one.c").with(entries)).encode();
        outcome.has("STRUCT s size=12 { a:int@0 c:int@64 }").diagnostic(ANY);
    });
}

#[test]
fn member_of_an_unspecified_type_is_dropped() {
    differs("its type becomes the last type of the unit before", || {
        let first = unit("before.c").with([structure("innocent", 1)]);
        let entries = [
            named(DW_TAG_unspecified_type, "decltype(nullptr)"),
            structure("s", 8).with([member("n", "decltype(nullptr)", 0)]),
        ];
        file(Profile::default()).unit(first).unit(unit("one.c").with(entries)).encode().has("STRUCT s size=8 {}");
    });
}

#[test]
fn nested_unspecified_type_disturbs_nothing() {
    differs("it shifts the ids of what follows", || {
        let nested = named(DW_TAG_unspecified_type, "nothing");
        let entries = [
            base("int", 4, SIGNED),
            structure("s", 8).with([nested, member("p", "pn", 0)]),
            pointer("pn", "nothing"),
            structure("after", 4).with([member("m", "int", 0)]),
        ];
        one(entries).encode().expect(
            "INT int size=4 bits=32 signed
             STRUCT s size=8 { p:*void@0 }
             STRUCT after size=4 { m:int@0 }",
        );
    });
}
