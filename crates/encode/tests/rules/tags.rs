use crate::common::*;

const DECL: &str = "btf_decl_tag";
const TYPE: &str = "btf_type_tag";

fn types() -> [Entry; 4] {
    let members = [
        member("a", "int", 0).tagged(DECL, "on a").tagged(DECL, "more on a"),
        member("b", "int", 4),
        member("c", "int", 8).tagged(DECL, "on c"),
    ];
    [
        base("int", 4, SIGNED),
        structure("s", 12).with(members).tagged(DECL, "on s"),
        union("u", 4).with([member("m", "int", 0).tagged(DECL, "on m")]).tagged(DECL, "on u"),
        typedef("t", "int").tagged(DECL, "on t"),
    ]
}

#[test]
fn declaration_tags_of_types() {
    one(types()).encode().kind(
        "DECL_TAG",
        "DECL_TAG 'on a' -> STRUCT s @0
         DECL_TAG 'more on a' -> STRUCT s @0
         DECL_TAG 'on c' -> STRUCT s @2
         DECL_TAG 'on s' -> STRUCT s @-1
         DECL_TAG 'on m' -> UNION u @0
         DECL_TAG 'on u' -> UNION u @-1
         DECL_TAG 'on t' -> TYPEDEF t @-1",
    );
}

#[test]
fn no_declaration_tags_without_the_feature() {
    one(types()).encode_with("var").kind("DECL_TAG", "");
}

#[test]
fn declaration_tags_of_functions_and_variables() {
    let entries = [
        base("int", 4, SIGNED),
        function("f", "void", 0x10)
            .with([parameter("a", "int"), parameter("b", "int").tagged(DECL, "on b")])
            .tagged(DECL, "on f")
            .tagged(DECL, "again on f"),
        variable("v", "int", place(".data..percpu", 8)).tagged(DECL, "on v"),
    ];
    one(entries).fun("f", 0x10).section(".data..percpu", 0x8000, 0x100).encode().kind(
        "DECL_TAG",
        "DECL_TAG 'on b' -> FUNC f @1
         DECL_TAG 'on f' -> FUNC f @-1
         DECL_TAG 'again on f' -> FUNC f @-1
         DECL_TAG 'on v' -> VAR v @-1",
    );
}

#[test]
fn gnu_annotations() {
    // gcc makes them entries of the unit, and each refers to the next.
    let gnu = |label: &str, kind: &str, text: &str, next: &str| {
        let one = entry(GNU_ANNOTATION).labelled(label).at(DW_AT_name, kind).at(DW_AT_const_value, text);
        if next.is_empty() { one } else { one.at(GNU_ANNOTATION_AT, Value::Ref(next.into())) }
    };
    let chain = |label: &str| Value::Ref(label.into());
    let entries = [
        gnu("d1", DECL, "first", "d2"),
        gnu("d2", DECL, "second", ""),
        gnu("t1", TYPE, "inner", "t2"),
        gnu("t2", TYPE, "outer", "d1"),
        base("int", 4, SIGNED),
        structure("s", 4)
            .with([member("m", "int", 0).at(GNU_ANNOTATION_AT, chain("d2"))])
            .at(GNU_ANNOTATION_AT, chain("d1")),
        function("f", "void", 0x10)
            .with([parameter("a", "int").at(GNU_ANNOTATION_AT, chain("d2"))])
            .at(GNU_ANNOTATION_AT, chain("d1")),
        pointer("p", "int").at(GNU_ANNOTATION_AT, chain("t1")),
        typedef("t", "p"),
    ];
    one(entries).fun("f", 0x10).encode().has("TYPEDEF t = *tag(inner) tag(outer) int").kind(
        "DECL_TAG",
        "DECL_TAG 'second' -> STRUCT s @0
             DECL_TAG 'first' -> STRUCT s @-1
             DECL_TAG 'second' -> STRUCT s @-1
             DECL_TAG 'second' -> FUNC f @0
             DECL_TAG 'first' -> FUNC f @-1
             DECL_TAG 'second' -> FUNC f @-1",
    );
}

#[test]
fn gnu_annotation_as_a_child() {
    let child = entry(GNU_ANNOTATION).at(DW_AT_name, DECL).at(DW_AT_const_value, "x");
    one([structure("s", 4).with([child])]).encode().kind("DECL_TAG", "DECL_TAG 'x' -> STRUCT s @-1");
}

#[test]
fn other_annotations_and_carriers_are_ignored() {
    let entries = [
        structure("s", 4).tagged("other", "x"),
        structure("s2", 4).tagged(TYPE, "x"),
        enumeration("e", 4, &[("A", 1)]).tagged(DECL, "x"),
        forward(DW_TAG_structure_type, "fwd"),
        base("int", 4, SIGNED).tagged(DECL, "x"),
    ];
    one(entries).encode().kind("DECL_TAG", "").kind("TYPE_TAG", "");
}

#[test]
fn forward_carries_no_tag() {
    differs("the tag is put on the FWD, and the kernel refuses all", || {
        one([forward(DW_TAG_structure_type, "s").tagged(DECL, "x")]).encode().expect("FWD struct s");
    });
}

#[test]
fn tag_without_text_is_dropped() {
    differs("libbpf refuses it and all is lost", || {
        let entries = [
            structure("s", 4).tagged(DECL, ""),
            base("int", 4, SIGNED),
            pointer("p", "int").tagged(TYPE, ""),
            typedef("t", "p"),
        ];
        one(entries).encode().expect("STRUCT s size=4 {}\nINT int size=4 bits=32 signed\nTYPEDEF t = *int");
    });
}

#[test]
fn equal_tags_are_one() {
    let entries = || [structure("s", 4).tagged(DECL, "x").tagged(DECL, "x")];
    one(entries()).unit(unit("two.c").with(entries())).encode().kind("DECL_TAG", "DECL_TAG 'x' -> STRUCT s @-1");
}

#[test]
fn tags_of_both_instances_of_a_struct_are_kept() {
    let second = unit("two.c").with([structure("s", 4).tagged(DECL, "second")]);
    let outcome = one([structure("s", 4).tagged(DECL, "first")]).unit(second).encode();
    outcome.expect(
        "STRUCT s size=4 {}
         DECL_TAG 'first' -> STRUCT s @-1
         DECL_TAG 'second' -> STRUCT s @-1",
    );
}

#[test]
fn long_texts_are_whole() {
    differs("a function's tags and parameters' names are cut at 127 bytes", || {
        let (tag, name) = ("t".repeat(300), "p".repeat(200));
        let entries = [
            base("int", 4, SIGNED),
            function("f", "int", 0x10).with([parameter(&name, "int").tagged(DECL, &tag)]).tagged(DECL, &tag),
            structure("s", 4).tagged(DECL, &tag),
        ];
        one(entries).fun("f", 0x10).encode().function("f", &format!("({name}:int) -> int")).kind(
            "DECL_TAG",
            &format!("DECL_TAG '{tag}' -> FUNC f @0\nDECL_TAG '{tag}' -> FUNC f @-1\nDECL_TAG '{tag}' -> STRUCT s @-1"),
        );
    });
}

#[test]
fn tags_of_an_abstract_instance_belong_to_the_function() {
    differs("tags of a function that was also inlined are lost", || {
        let entries = [
            base("int", 4, SIGNED),
            inlined("f", "int")
                .with([parameter("a", "int").labelled("a of f").tagged(DECL, "on a")])
                .tagged(DECL, "on f"),
            instance("f", 0x10).with([parameter_of("a of f").location(register(5))]),
        ];
        one(entries)
            .fun("f", 0x10)
            .encode()
            .kind("FUNC", "FUNC f static (a:int) -> int")
            .kind("DECL_TAG", "DECL_TAG 'on a' -> FUNC f @0\nDECL_TAG 'on f' -> FUNC f @-1");
    });
}

#[test]
fn components_are_those_of_the_btf() {
    differs("base classes and members that come out elsewhere are counted too", || {
        let inheritance = entry(DW_TAG_inheritance).typed("b").at(DW_AT_data_member_location, 0);
        let derived = structure("d", 8).with([inheritance, member("m", "int", 4).tagged(DECL, "x")]);
        let gap = structure("g", 8).with([
            member("bad", "@0xfffff", 0),
            member("n", "int", 4).tagged(DECL, "y"),
            member("o", "void", 8).tagged(DECL, "z"),
        ]);
        one([base("int", 4, SIGNED), structure("b", 4), derived, gap])
            .encode()
            .kind("DECL_TAG", "DECL_TAG 'x' -> STRUCT d @0\nDECL_TAG 'y' -> STRUCT g @0");
    });
}

#[test]
fn type_tags_from_the_pointer_outwards() {
    // struct s __tag("outer") __tag("inner") *p: the children are in the order of the source.
    let entries = [
        structure("s", 4),
        pointer("p", "s").tagged(TYPE, "outer").tagged(TYPE, "inner"),
        typedef("t", "p"),
        pointer("pv", "void").tagged(TYPE, "user"),
        typedef("tv", "pv"),
        pointer("pc", "c").tagged(TYPE, "rcu"),
        constant("c", "s"),
        typedef("tc", "pc"),
    ];
    let file = one(entries);
    file.encode().expect(
        "STRUCT s size=4 {}
         TYPEDEF t = *tag(inner) tag(outer) struct s
         TYPEDEF tv = *tag(user) void
         TYPEDEF tc = *tag(rcu) const struct s",
    );
    file.encode_with("var,decl_tag").expect(
        "STRUCT s size=4 {}
         TYPEDEF t = *struct s
         TYPEDEF tv = *void
         TYPEDEF tc = *const struct s",
    );
}

#[test]
fn type_tags_elsewhere_are_ignored() {
    let entries = [
        base("int", 4, SIGNED).tagged("btf:type_tag", "x"),
        constant("c", "int").tagged(TYPE, "x"),
        pointer("p", "c").tagged("btf:type_tag", "x"),
        typedef("t", "p"),
    ];
    one(entries).encode().expect("INT int size=4 bits=32 signed\nTYPEDEF t = *const int").kind("TYPE_TAG", "");
}

#[test]
fn equal_type_tags_are_one() {
    let entries = || [base("int", 4, SIGNED), pointer("p", "int").tagged(TYPE, "user"), typedef("t", "p")];
    let outcome = one(entries()).unit(unit("two.c").with(entries())).encode();
    assert_eq!([outcome.ok().count("TYPE_TAG"), outcome.ok().count("PTR")], [1, 1]);
}

#[test]
fn pointers_with_other_tags_keep_structs_apart() {
    let with = |tag: &str| {
        unit(tag).with([
            base("int", 4, SIGNED),
            pointer("p", "int").tagged(TYPE, tag),
            structure("s", 8).with([member("p", "p", 0)]),
        ])
    };
    file(Profile::default()).unit(with("a")).unit(with("b")).encode().kind(
        "STRUCT",
        "STRUCT s size=8 { p:*tag(a) int@0 }
         STRUCT s size=8 { p:*tag(b) int@0 }",
    );
}
