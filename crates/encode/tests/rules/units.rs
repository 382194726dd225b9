//! Kinds of units, their languages, and references from one to another.

use crate::common::*;

const ASSEMBLER: u16 = 0x8001;
const RUST: u16 = 0x1c;

#[test]
fn units_without_entries() {
    one([]).unit(unit("two.c").with([base("int", 4, SIGNED)])).encode().expect("INT int size=4 bits=32 signed");
}

fn assembler() -> File {
    let mut bare = function("asmfn", "void", 0x10);
    bare.children.clear();
    one([base("int", 4, SIGNED), function("f", "int", 0x20)])
        .unit(unit("as.s").language(ASSEMBLER.into()).with([bare]))
        .fun("asmfn", 0x10)
        .fun("f", 0x20)
}

#[test]
fn functions_of_assembler() {
    assembler().encode().kind("FUNC", "FUNC asmfn static () -> void\nFUNC f static () -> int");
}

#[test]
fn excluded_languages() {
    let rust = unit("lib.rs").language(RUST.into()).with([base("u32", 4, UNSIGNED)]);
    let file = assembler().unit(rust);
    let with =
        |codes: &[u16]| file.encode_as(&btfkit_encode::Options { lang_exclude: codes.to_vec(), ..options("default") });
    let outcome = with(&[ASSEMBLER]);
    outcome
        .kind("FUNC", "FUNC f static () -> int")
        .kind("INT", "INT int size=4 bits=32 signed\nINT u32 size=4 bits=32");
    if let Some(report) = &outcome.report {
        assert_eq!((report.units, report.units_excluded), (2, 1));
    }
    with(&[RUST, ASSEMBLER]).kind("FUNC", "FUNC f static () -> int").kind("INT", "INT int size=4 bits=32 signed");
    with(&[]).kind("INT", "INT int size=4 bits=32 signed\nINT u32 size=4 bits=32");
}

#[test]
fn everything_excluded() {
    ours(|| {
        let options = btfkit_encode::Options { lang_exclude: vec![0x1d], ..options("default") };
        let outcome = one([base("int", 4, SIGNED)]).encode_as(&options);
        // Either BTF without types or an error, but nothing of the excluded unit.
        assert!(outcome.btf.is_err() || outcome.lines().is_empty());
    });
}

#[test]
fn units_without_a_language_are_kept() {
    let mut bare = unit("two.c").with([base("int", 4, SIGNED)]);
    bare.root = bare.root.without(DW_AT_language);
    let options = btfkit_encode::Options { lang_exclude: vec![RUST], ..options("default") };
    file(Profile::default()).unit(bare).encode_as(&options).expect("INT int size=4 bits=32 signed");
}

fn far(label: &str) -> Value {
    Value::Far(label.to_owned())
}

#[test]
fn references_to_other_units() {
    // As link-time optimization writes them, in both directions.
    let early = [
        base("int", 4, SIGNED),
        structure("s", 16).with([member("a", "int", 0), member("t", "late", 8).at(DW_AT_type, far("late"))]),
    ];
    let later = [
        typedef("late", "pb"),
        pointer("pb", "void").at(DW_AT_type, far("s")),
        instance("f", 0x10)
            .at(DW_AT_abstract_origin, far("fn f"))
            .with([entry(DW_TAG_formal_parameter).at(DW_AT_abstract_origin, far("p of f")).location(register(5))]),
        variable("v", "void", place(".data..percpu", 8)).at(DW_AT_type, far("s")),
    ];
    let abstract_one = [inlined("f", "int").with([parameter("p", "int").labelled("p of f")])];
    for relocatable in [false, true] {
        let profile = Profile { relocatable, ..Profile::default() };
        file(profile)
            .unit(unit("early.c").with(early.clone()).with(abstract_one.clone()))
            .unit(unit("late.c").with(later.clone()))
            .section(".data..percpu", 0x8000, 0x100)
            .fun("f", 0x10)
            .encode()
            .expect(
                "INT int size=4 bits=32 signed
                 STRUCT s size=16 { a:int@0 t:late@64 }
                 TYPEDEF late = *struct s
                 FUNC f static (p:int) -> int
                 VAR v global : struct s
                 DATASEC .data..percpu size=24 { v@8+16 }",
            );
    }
}

#[test]
fn an_excluded_first_unit_takes_nothing_along() {
    differs("when units refer to one another, the language of the first is that of all", || {
        let first = unit("as.s").language(ASSEMBLER.into()).with([function("asmfn", "void", 0x30)]);
        let second = unit("one.c").with([base("int", 4, SIGNED)]);
        let third = unit("two.c").with([typedef("t", "void").at(DW_AT_type, far("int"))]);
        let file = file(Profile::default()).unit(first).unit(second).unit(third).fun("asmfn", 0x30);
        let options = btfkit_encode::Options { lang_exclude: vec![ASSEMBLER], ..options("default") };
        file.encode_as(&options).expect("INT int size=4 bits=32 signed\nTYPEDEF t = int");
    });
}

#[test]
fn the_producer_is_each_units_own() {
    differs("when units refer to one another, the producer of the first is that of all", || {
        // A parameter that is gone from a function whose signature clang has changed; gcc never says so.
        let changed = |name: &str, offset| {
            let parameters = [parameter("a", "int").location(register(5)), parameter("b", "int")];
            function(name, "int", offset).at(DW_AT_calling_convention, 3).with(parameters)
        };
        let with = |producer: &str, name: &str, offset| {
            let far = typedef("t", "void").at(DW_AT_type, Value::Far("int".into()));
            unit(name).producer(producer).with([base("int", 4, SIGNED), far, changed(name, offset)])
        };
        let (gcc, clang) = (with("GNU C11 12.2.0", "of_gcc", 0x10), with("clang version 22.1", "of_clang", 0x20));
        let outcome = file(Profile::default()).unit(gcc).unit(clang).fun("of_gcc", 0x10).fun("of_clang", 0x20).encode();
        outcome.function("of_gcc", "(a:int b:int) -> int").no_function("of_clang", "optimized-parameters");
    });
}

#[test]
fn partial_units() {
    // As dwz makes them: what several units share is moved to a unit that they import.
    let shared = partial_unit("shared").with([base("int", 4, SIGNED), structure("s", 4).with([member("a", "int", 0)])]);
    let import = || entry(DW_TAG_imported_unit).at(DW_AT_import, far("unit shared"));
    let mut shared = shared;
    shared.root.label = "unit shared".to_owned();
    let user = |name: &str| {
        let pointer = pointer("p", "void").at(DW_AT_type, far("s"));
        unit(name).with([import(), pointer, typedef(&format!("{}_t", &name[..3]), "p")])
    };
    differs("an imported unit ends the encoding", || {
        for relocatable in [false, true] {
            let profile = Profile { relocatable, ..Profile::default() };
            file(profile).unit(shared.clone()).unit(user("one.c")).unit(user("two.c")).encode().expect(
                "INT int size=4 bits=32 signed
                 STRUCT s size=4 { a:int@0 }
                 TYPEDEF one_t = *struct s
                 TYPEDEF two_t = *struct s",
            );
        }
    });
}

#[test]
fn imported_units_that_are_not_there() {
    differs("an imported unit ends the encoding, and what was read by then is written", || {
        let import = entry(DW_TAG_imported_unit).at(DW_AT_import, Value::Raw(DW_FORM_ref4, vec![0xb, 0, 0, 0]));
        one([import, base("int", 4, SIGNED)]).unit(unit("two.c").with([base("char", 1, SIGNED)])).encode().expect(
            "INT int size=4 bits=32 signed
             INT char size=1 bits=8 signed",
        );
    });
}

const SIGNATURE: u64 = 0x0123_4567_89ab_cdef;

/// A type in a unit of its own, used by two units, one of which has a skeleton of it.
fn with_type_unit(profile: Profile, first: bool) -> File {
    let type_ = structure("ts", 16).with([member("a", "int", 0), member("next", "pts", 8)]);
    let own = type_unit(SIGNATURE, "ts").with([base("int", 4, SIGNED), type_, pointer("pts", "ts")]);
    let skeleton =
        entry(DW_TAG_structure_type).declaration().at(DW_AT_signature, Value::Sig(SIGNATURE)).labelled("skeleton");
    let by_skeleton = unit("one.c").with([skeleton, pointer("p", "skeleton"), typedef("t1", "p")]);
    let direct = unit("two.c").with([pointer("p", "void").at(DW_AT_type, Value::Sig(SIGNATURE)), typedef("t2", "p")]);
    let file = file(profile);
    if first { file.unit(own).unit(by_skeleton).unit(direct) } else { file.unit(by_skeleton).unit(direct).unit(own) }
}

#[test]
fn type_units() {
    differs("DWARF 4's end in a crash, DWARF 5's are not found", || {
        for version in [4, 5] {
            for relocatable in [false, true] {
                for first in [false, true] {
                    let profile = Profile { relocatable, ..Profile::default() }.version(version);
                    with_type_unit(profile, first).encode().expect(
                        "INT int size=4 bits=32 signed
                         STRUCT ts size=16 { a:int@0 next:*struct ts@64 }
                         TYPEDEF t1 = *struct ts
                         TYPEDEF t2 = *struct ts",
                    );
                }
            }
        }
    });
}

#[test]
fn type_units_that_are_not_there() {
    let entries = [base("int", 4, SIGNED), pointer("p", "void").at(DW_AT_type, Value::Sig(7)), typedef("t", "p")];
    one(entries).encode().expect("INT int size=4 bits=32 signed\nTYPEDEF t = *void").diagnostic(ANY);
}

#[test]
fn skeleton_units() {
    let mut skeleton = unit("split.c");
    skeleton.kind = write::Kind::Skeleton(0x1234);
    skeleton.root.tag = DW_TAG_skeleton_unit;
    let skeleton = skeleton.at(DW_AT_dwo_name, "split.dwo");
    let outcome = one([base("int", 4, SIGNED)])
        .unit(skeleton.clone())
        .unit(unit("two.c").with([base("char", 1, SIGNED)]))
        .encode();
    outcome.expect("INT int size=4 bits=32 signed\nINT char size=1 bits=8 signed").diagnostic(ANY);
    // Alone, there is nothing to encode, and that must not look like success.
    let alone = file(Profile::default()).unit(skeleton).encode();
    assert!(alone.btf.is_err() || alone.lines().is_empty());
}

#[test]
fn unresolved_references_are_void() {
    for target in ["@0xffffff", "@0x3"] {
        let entries = [
            base("int", 4, SIGNED),
            pointer("p", target),
            typedef("t", "p"),
            typedef("u", target),
            prototype("f", target, &["int"]),
            typedef("tf", "f"),
        ];
        let outcome = one(entries).encode();
        outcome.expect(
            "INT int size=4 bits=32 signed
             TYPEDEF t = *void
             TYPEDEF u = void
             TYPEDEF tf = (int) -> void",
        );
        outcome.diagnostic(ANY);
    }
}

#[test]
fn unresolved_parameters_of_a_prototype() {
    differs("they are written as void, and the kernel refuses all", || {
        let entries = [
            base("int", 4, SIGNED),
            prototype("f", "int", &["int", "@0xffffff", "int"]),
            typedef("tf", "f"),
            typedef("t", "int"),
        ];
        one(entries).encode().has("TYPEDEF t = int").diagnostic(ANY);
    });
}

#[test]
fn references_to_entries_that_are_no_types_are_void() {
    let entries = [base("int", 4, SIGNED), function("f", "int", 0x10), pointer("p", "fn f"), typedef("t", "p")];
    one(entries).fun("f", 0x10).encode().has("TYPEDEF t = *void");
}

#[test]
fn units_of_different_versions_side_by_side() {
    let mut file = file(Profile::default());
    for (index, profile) in [
        Profile::default().version(2),
        Profile::default().version(3),
        Profile::default().version(4),
        Profile { dwarf64: true, ..Profile::default() },
        Profile::clang(),
    ]
    .into_iter()
    .enumerate()
    {
        let type_ = structure(&format!("s{index}"), 8).with([member("a", "int", 4)]);
        file = file.unit(unit(&format!("{index}.c")).profile(profile).with([base("int", 4, SIGNED), type_]));
    }
    file.encode().expect(
        "INT int size=4 bits=32 signed
         STRUCT s0 size=8 { a:int@32 }
         STRUCT s1 size=8 { a:int@32 }
         STRUCT s2 size=8 { a:int@32 }
         STRUCT s3 size=8 { a:int@32 }
         STRUCT s4 size=8 { a:int@32 }",
    );
}
