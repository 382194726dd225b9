use crate::common::*;

#[test]
fn unsigned_and_signed() {
    let types = [
        enumeration("u", 4, &[("A", 0), ("B", 0x7fff_ffff)]),
        enumeration("s", 4, &[("C", -1), ("D", 2)]),
        enumeration("wide", 4, &[("E", 0xffff_ffff)]),
    ];
    one(types).encode().expect(
        "ENUM u size=4 unsigned { A=0 B=2147483647 }
         ENUM s size=4 signed { C=-1 D=2 }
         ENUM wide size=4 unsigned { E=4294967295 }",
    );
}

#[test]
fn constants_in_every_form() {
    let values = [
        enumerator("data1", Value::Raw(DW_FORM_data1, vec![0xff])),
        enumerator("data2", Value::Raw(DW_FORM_data2, vec![0xff, 0xff])),
        enumerator("data4", Value::Raw(DW_FORM_data4, vec![0xff, 0xff, 0xff, 0x7f])),
        enumerator("data8", Value::Raw(DW_FORM_data8, vec![1, 0, 0, 0, 0, 0, 0, 0])),
        enumerator("udata", Value::Raw(DW_FORM_udata, vec![0x80, 0x01])),
        enumerator("sdata", Value::Raw(DW_FORM_sdata, vec![0x3f])),
    ];
    one([enumeration("e", 4, &[]).with(values)])
        .encode()
        .expect("ENUM e size=4 unsigned { data1=255 data2=65535 data4=2147483647 data8=1 udata=128 sdata=63 }");
    let implicit = Profile { constants: Constants::Implicit, ..Profile::default() };
    let type_ = enumeration("e", 4, &[("A", -7), ("B", 300)]);
    file(implicit).unit(unit("one.c").with([type_])).encode().expect("ENUM e size=4 signed { A=-7 B=300 }");
}

#[test]
fn sizes() {
    let types = [
        enumeration("e1", 1, &[("A", 1)]),
        enumeration("e2", 2, &[("B", 1)]),
        enumeration("e0", 4, &[("C", 1)]).without(DW_AT_byte_size),
    ];
    one(types).encode().expect(
        "ENUM e1 size=1 unsigned { A=1 }
         ENUM e2 size=2 unsigned { B=1 }
         ENUM e0 size=4 unsigned { C=1 }",
    );
}

fn wide() -> [Entry; 5] {
    [
        base("long int", 8, SIGNED),
        base("long unsigned int", 8, UNSIGNED),
        enumeration("u", 8, &[("A", 0x1_0000_0000), ("B", 1)]).typed("long unsigned int"),
        enumeration("s", 8, &[("C", -0x1_0000_0000), ("D", 1)]).typed("long int"),
        // DWARF 2 has no underlying type.
        enumeration("old", 8, &[("E", 0x1_0000_0000)]),
    ]
}

#[test]
fn eight_bytes_with_enum64() {
    one(wide()).encode().kind(
        "ENUM64",
        "ENUM64 u size=8 unsigned { A=4294967296 B=1 }
         ENUM64 s size=8 signed { C=-4294967296 D=1 }
         ENUM64 old size=8 unsigned { E=4294967296 }",
    );
}

#[test]
fn eight_bytes_without_enum64_lose_their_upper_half() {
    one(wide()).encode_with("var").kind("ENUM64", "").kind(
        "ENUM",
        "ENUM u size=8 unsigned { A=0 B=1 }
         ENUM s size=8 unsigned { C=0 D=1 }
         ENUM old size=8 unsigned { E=0 }",
    );
}

#[test]
fn without_enum64_nothing_says_that_an_enum_is_signed() {
    // The flag that says so came with ENUM64: kernels before 6.0 refuse it.
    let file = one([enumeration("e", 4, &[("A", -1), ("B", 1)])]);
    file.encode_with("var").expect("ENUM e size=4 unsigned { A=4294967295 B=1 }");
    file.encode_with("enum64").expect("ENUM e size=4 signed { A=-1 B=1 }");
}

#[test]
fn four_bytes_are_no_enum64() {
    one([enumeration("e", 4, &[("A", 1)])]).encode().expect("ENUM e size=4 unsigned { A=1 }");
}

#[test]
fn declaration_is_an_enum_without_values() {
    one([forward(DW_TAG_enumeration_type, "e")]).encode().expect("ENUM e size=4 unsigned {}");
}

#[test]
fn declaration_in_one_unit_is_the_definition_of_another() {
    let declared = [forward(DW_TAG_enumeration_type, "e"), pointer("pe", "e"), typedef("t", "pe")];
    one(declared).unit(unit("two.c").with([enumeration("e", 4, &[("A", 1)])])).encode().expect(
        "ENUM e size=4 unsigned { A=1 }
         TYPEDEF t = *enum e",
    );
}

#[test]
fn declaration_may_turn_out_an_enum64() {
    let declared = [forward(DW_TAG_enumeration_type, "e"), pointer("pe", "e"), typedef("t", "pe")];
    let defined = [enumeration("e", 8, &[("A", 0x1_0000_0000)])];
    one(declared).unit(unit("two.c").with(defined)).encode().expect(
        "ENUM64 e size=8 unsigned { A=4294967296 }
         TYPEDEF t = *enum64 e",
    );
}

#[test]
fn anonymous() {
    one([enumeration("", 4, &[("A", 1)]).labelled("e"), typedef("t", "e")]).encode().expect(
        "ENUM (anon) size=4 unsigned { A=1 }
         TYPEDEF t = enum { A=1 }",
    );
}

#[test]
fn enumerators_without_a_usable_name_are_dropped() {
    differs("an empty name ends the encoding, a bad one makes the kernel refuse all", || {
        let values = [
            enumerator("A", 1),
            enumerator("", 2),
            entry(DW_TAG_enumerator).at(DW_AT_const_value, 3),
            enumerator("not$one", 4),
            enumerator("B", 5),
        ];
        one([enumeration("e", 4, &[]).with(values)]).encode().expect("ENUM e size=4 unsigned { A=1 B=5 }");
    });
}

#[test]
fn more_enumerators_than_btf_can_count() {
    differs("the count wraps at 65536", || {
        let names: Vec<String> = (0..66000).map(|index| format!("E{index}")).collect();
        let values = names.iter().zip(0..).map(|(name, value): (_, i64)| enumerator(name, value));
        let file = one([enumeration("e", 4, &[]).with(values), base("int", 4, SIGNED)]);
        file.encode().expect("ENUM e size=4 unsigned {}\nINT int size=4 bits=32 signed").diagnostic(ANY);
    });
}

#[test]
fn as_many_enumerators_as_btf_can_count() {
    let names: Vec<String> = (0..65535).map(|index| format!("E{index}")).collect();
    let values = names.iter().zip(0..).map(|(name, value): (_, i64)| enumerator(name, value));
    let outcome = one([enumeration("e", 4, &[]).with(values)]).encode();
    assert_eq!(outcome.ok().get(1).items.len(), 65535);
}

#[test]
fn sizes_and_values_that_btf_has_not() {
    differs("libbpf refuses them and all is lost", || {
        for type_ in [
            enumeration("e", 3, &[("A", 1)]),
            enumeration("e", 16, &[("A", 1)]),
            enumeration("e", 4, &[("A", 0x1_0000_0000)]),
            enumeration("e", 4, &[("A", -0x8000_0001)]),
        ] {
            one([type_, base("int", 4, SIGNED)]).encode().has("INT int size=4 bits=32 signed").diagnostic(ANY);
        }
    });
}
