//! Files that no compiler writes: whatever they hold, the outcome is BTF that a kernel takes or an error with a code,
//! never a panic, never an endless loop.

use crate::common::*;
use crate::forms::program;
use btfkit_btf::Context;

/// What may be said of a damaged file.
const CODES: [&str; 8] =
    ["NOT_ELF", "MALFORMED_ELF", "TRUNCATED", "NO_DWARF", "NO_SYMTAB", "MALFORMED_DWARF", "INVALID_BTF", "UNSUPPORTED"];

/// Collects what went wrong, so that one test tells all of it.
struct Calm {
    wrong: Vec<String>,
    context: Context,
}

impl Calm {
    /// The outcome must be what a kernel takes from programs too, where it looks into every corner.
    fn strictly() -> Calm {
        Calm { wrong: Vec::new(), context: Context::Load }
    }

    /// The outcome must be what a kernel takes at boot and with modules.
    fn new() -> Calm {
        Calm { wrong: Vec::new(), context: Context::Vmlinux }
    }

    fn bytes(&mut self, bytes: &[u8], what: impl FnOnce() -> String) -> Option<Outcome> {
        let path = scratch("hostile.elf");
        std::fs::write(&path, bytes).expect("a written file");
        let outcome = std::panic::catch_unwind(|| encode(&path, &options("default,global_var,attributes")));
        let wrong = match &outcome {
            Err(_) => Some("a panic".to_owned()),
            Ok(Outcome { btf: Err((code, message)), .. }) if !CODES.contains(&code.as_str()) => {
                Some(format!("{code}: {message}"))
            }
            Ok(outcome) => {
                outcome.validity(self.context, 8).err().map(|refusal| format!("the kernel refuses it: {refusal}"))
            }
        };
        match wrong {
            Some(wrong) => self.wrong.push(format!("{}: {wrong} ({})", what(), path.display())),
            None => std::fs::remove_file(&path).expect("a removed file"),
        }
        outcome.ok().filter(|outcome| outcome.btf.is_ok())
    }

    fn file(&mut self, file: &File, what: &str) -> Option<Outcome> {
        self.bytes(&file.bytes(), || what.to_owned())
    }

    fn end(self) {
        assert!(
            self.wrong.is_empty(),
            "{} of them, the first:\n{}",
            self.wrong.len(),
            self.wrong[..self.wrong.len().min(12)].join("\n")
        );
    }
}

fn profiles() -> [Profile; 4] {
    let x86 = Profile::default();
    [x86, x86.version(4).relocatable(), Profile::clang(), Profile::of(S390X).version(3)]
}

#[test]
fn every_debug_section_cut_short() {
    ours(|| {
        let mut calm = Calm::new();
        for profile in profiles() {
            let file = program(profile);
            for (name, content) in write::write(profile, &file.units) {
                for keep in 0..content.len() {
                    let cut = |had: &str, bytes: &mut write::Bytes| {
                        if had == name {
                            bytes.data.truncate(keep as usize);
                        }
                    };
                    calm.bytes(&file.damaged(cut), || format!("{name} cut to {keep} with {profile:?}"));
                }
            }
        }
        calm.end();
    });
}

#[test]
fn every_byte_of_the_debug_sections_changed() {
    ours(|| {
        let mut calm = Calm::new();
        for profile in profiles() {
            let file = program(profile);
            for (name, content) in write::write(profile, &file.units) {
                for at in 0..content.data.len() {
                    for value in [0, 0xff, content.data[at].wrapping_add(1), content.data[at] ^ 0x80] {
                        let change = |had: &str, bytes: &mut write::Bytes| {
                            if had == name {
                                bytes.data[at] = value;
                            }
                        };
                        calm.bytes(&file.damaged(change), || format!("{name} with {value:#x} at {at:#x}, {profile:?}"));
                    }
                }
            }
        }
        calm.end();
    });
}

#[test]
fn every_byte_of_the_file_around_them_changed() {
    ours(|| {
        let mut calm = Calm::new();
        for profile in profiles() {
            let bytes = program(profile).bytes();
            let header = if profile.address == 8 { 64 } else { 52 };
            // The header, and the section header table at the end with what precedes it: symbols, names, relocations.
            for at in (0..header).chain(bytes.len().saturating_sub(2500)..bytes.len()) {
                for value in [0, 0xff, bytes[at].wrapping_add(1)] {
                    let mut changed = bytes.clone();
                    changed[at] = value;
                    calm.bytes(&changed, || format!("the file with {value:#x} at {at:#x}, {profile:?}"));
                }
            }
        }
        calm.end();
    });
}

#[test]
fn every_file_cut_short() {
    ours(|| {
        let mut calm = Calm::new();
        let bytes = program(Profile::default()).bytes();
        for keep in (0..bytes.len()).step_by(7) {
            calm.bytes(&bytes[..keep], || format!("the file cut to {keep}"));
        }
        calm.end();
    });
}

#[test]
fn cycles() {
    ours(|| {
        let mut calm = Calm::new();
        let int = || base("int", 4, SIGNED);
        let member_of = |target: &str| structure("s", 8).with([member("m", target, 0)]);
        let origin = |label: &str, to: &str| {
            entry(DW_TAG_subprogram).labelled(label).origin(to).at(DW_AT_low_pc, place(".text", 0x10))
        };
        let specified = |label: &str, to: &str| {
            entry(DW_TAG_variable)
                .labelled(label)
                .at(DW_AT_specification, Value::Ref(to.into()))
                .location(vec![Op::Addr(place(".data", 8))])
        };
        let annotation = |label: &str, to: &str| {
            entry(GNU_ANNOTATION)
                .labelled(label)
                .at(DW_AT_name, "btf_decl_tag")
                .at(DW_AT_const_value, "x")
                .at(GNU_ANNOTATION_AT, Value::Ref(to.into()))
        };
        let cycles: Vec<(&str, Vec<Entry>)> = vec![
            ("a typedef of itself", vec![typedef("a", "a")]),
            ("two typedefs", vec![typedef("a", "b"), typedef("b", "a"), member_of("a")]),
            ("a pointer to itself", vec![pointer("p", "p"), member_of("p")]),
            ("two pointers", vec![pointer("p", "q"), pointer("q", "p"), typedef("t", "q")]),
            ("qualifiers", vec![constant("c", "v"), reference(DW_TAG_volatile_type, "v", "c"), member_of("c")]),
            ("an array of itself", vec![array("a", "a", &[3]), member_of("a"), variable("v", "a", place(".data", 8))]),
            (
                "an array behind a typedef",
                vec![array("a", "t", &[3]), typedef("t", "a"), variable("v", "t", place(".data", 8))],
            ),
            ("a prototype that returns itself", vec![prototype("f", "f", &["f"]), typedef("t", "f")]),
            ("a struct inside itself", vec![member_of("s")]),
            (
                "structs inside one another",
                vec![structure("a", 8).with([member("b", "b", 0)]), structure("b", 8).with([member("a", "a", 0)])],
            ),
            ("a tagged pointer to itself", vec![pointer("p", "p").tagged("btf_type_tag", "user"), typedef("t", "p")]),
            (
                "atomics and references",
                vec![
                    reference(DW_TAG_atomic_type, "a", "r"),
                    reference(DW_TAG_reference_type, "r", "a"),
                    typedef("t", "a"),
                ],
            ),
            (
                "only atomics",
                vec![
                    reference(DW_TAG_atomic_type, "a", "b"),
                    reference(DW_TAG_atomic_type, "b", "a"),
                    typedef("t", "a"),
                ],
            ),
            (
                "typedefs without names",
                vec![reference(DW_TAG_typedef, "a", "b"), reference(DW_TAG_typedef, "b", "a"), typedef("t", "a")],
            ),
            ("abstract origins", vec![origin("a", "b"), origin("b", "a")]),
            ("an abstract origin", vec![origin("a", "a")]),
            (
                "origins of parameters",
                vec![
                    function("f", "int", 0x10).with([parameter_of("p").labelled("q"), parameter_of("q").labelled("p")]),
                ],
            ),
            ("specifications", vec![specified("a", "b"), specified("b", "a")]),
            (
                "annotations",
                vec![
                    annotation("a", "b"),
                    annotation("b", "a"),
                    structure("s", 4).at(GNU_ANNOTATION_AT, Value::Ref("a".into())),
                ],
            ),
            ("an enum of itself", vec![enumeration("e", 8, &[("A", -1)]).typed("e")]),
            ("a bit field of itself", vec![typedef("t", "t"), structure("s", 4).with([old_bits("b", "t", 0, 3, 4)])]),
            (
                "a parameter of itself",
                vec![typedef("t", "t"), function("f", "t", 0x10).with([parameter("a", "t").location(register(5))])],
            ),
            (
                "specified structs",
                vec![
                    entry(DW_TAG_structure_type).labelled("a").at(DW_AT_specification, Value::Ref("b".into())),
                    entry(DW_TAG_structure_type).labelled("b").at(DW_AT_specification, Value::Ref("a".into())),
                ],
            ),
        ];
        for (what, entries) in cycles {
            let file =
                one(entries).unit(unit("two.c").with([int(), structure("innocent", 4)])).fun("f", 0x10).fun("a", 0x20);
            calm.file(&file, what);
        }
        let signature = |own: u64, other: u64| {
            let skeleton =
                entry(DW_TAG_structure_type).declaration().labelled("s").at(DW_AT_signature, Value::Sig(other));
            type_unit(own, "s").with([skeleton])
        };
        for version in [4, 5] {
            let file = file(Profile::default().version(version))
                .unit(signature(1, 2))
                .unit(signature(2, 1))
                .unit(signature(3, 3));
            calm.file(&file.unit(unit("one.c").with([int()])), "type units");
        }
        let import = |to: &str| entry(DW_TAG_imported_unit).at(DW_AT_import, Value::Far(to.into()));
        let mut importing = unit("a.c").with([import("unit b")]);
        importing.root.label = "unit a".into();
        let mut imported = partial_unit("b.c").with([import("unit a"), import("unit b"), int()]);
        imported.root.label = "unit b".into();
        calm.file(&file(Profile::default()).unit(importing).unit(imported), "imported units");
        calm.end();
    });
}

#[test]
fn cycles_of_pointers_to_structs_are_fine() {
    ours(|| {
        let mut calm = Calm::strictly();
        let file = one([pointer("p", "s"), structure("s", 8).with([member("p", "p", 0)])]);
        calm.file(&file, "a list").expect("BTF").expect("STRUCT s size=8 { p:*struct s@0 }");
        calm.end();
    });
}

/// Makes an entry of a label that refers to another.
type Link<'a> = &'a dyn Fn(&str, &str) -> Entry;

#[test]
fn depth() {
    ours(|| {
        let mut calm = Calm::new();
        const DEEP: usize = 100_000;
        let deep = |tag| Entry { nested: DEEP, ..entry(tag) }.with([base("int", 4, SIGNED)]);
        for tag in [
            DW_TAG_namespace,
            DW_TAG_lexical_block,
            DW_TAG_structure_type,
            DW_TAG_subroutine_type,
            DW_TAG_inlined_subroutine,
            DwTag(0x5555),
        ] {
            for siblings in [false, true] {
                let profile = Profile { siblings, ..Profile::default() };
                let deep_file = file(profile).unit(unit("deep.c").with([deep(tag), base("char", 1, SIGNED)]));
                calm.file(&deep_file, "nested entries");
            }
        }
        let chain = |make: Link| {
            let links = (0..DEEP).map(|index| {
                make(
                    &format!("t{index}"),
                    &if index + 1 == DEEP { "int".to_owned() } else { format!("t{}", index + 1) },
                )
            });
            unit("chain.c").with([base("int", 4, SIGNED)]).with(links)
        };
        let chains: [Link; 6] = [
            &typedef,
            &pointer,
            &|label, target| array(label, target, &[2]),
            &|label, target| prototype(label, target, &[]),
            &|label, target| structure("", 4).labelled(label).with([member("", target, 0)]),
            &|label, target| structure(label, 4).with([member("m", target, 0)]),
        ];
        for make in chains {
            calm.file(&file(Profile::default()).unit(chain(make)), "a long chain");
            // And twice, so that the two are compared.
            calm.file(&file(Profile::default()).unit(chain(make)).unit(chain(make)), "two long chains");
        }
        calm.end();
    });
}

#[test]
fn forms_that_hold_too_much_or_nothing() {
    ours(|| {
        let mut calm = Calm::new();
        let long_leb = vec![0xff; 20];
        let values: Vec<(DwForm, Vec<u8>)> = vec![
            (DW_FORM_udata, long_leb.clone()),
            (DW_FORM_sdata, long_leb.clone()),
            (DW_FORM_ref_udata, long_leb.clone()),
            (DW_FORM_exprloc, vec![0xff, 0xff, 0xff, 0xff, 0x0f]),
            (DW_FORM_exprloc, vec![0]),
            (DW_FORM_exprloc, vec![1, DW_OP_addr.0]),
            (DW_FORM_exprloc, vec![2, DW_OP_plus_uconst.0, 0x80]),
            (DW_FORM_exprloc, vec![3, DW_OP_entry_value.0, 0x7f, 0x55]),
            (DW_FORM_exprloc, vec![2, DW_OP_piece.0, 0xff]),
            (DW_FORM_exprloc, vec![2, DW_OP_addrx.0, 0x7f]),
            (DW_FORM_exprloc, vec![1, 0xff]),
            (DW_FORM_block, vec![0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
            (DW_FORM_block1, vec![0xff]),
            (DW_FORM_block2, vec![0xff, 0xff]),
            (DW_FORM_block4, vec![0xff, 0xff, 0xff, 0xff]),
            (DW_FORM_strp, vec![0xff, 0xff, 0xff, 0xff]),
            (DW_FORM_line_strp, vec![0, 0, 0, 0]),
            (DW_FORM_strx, vec![0x7f]),
            (DW_FORM_strx4, vec![0xff, 0xff, 0xff, 0xff]),
            (DW_FORM_addrx, vec![0x7f]),
            (DW_FORM_loclistx, vec![0x7f]),
            (DW_FORM_sec_offset, vec![0xff, 0xff, 0xff, 0xff]),
            (DW_FORM_ref1, vec![0]),
            (DW_FORM_ref4, vec![0xff, 0xff, 0xff, 0xff]),
            (DW_FORM_ref8, vec![0xff; 8]),
            (DW_FORM_ref_addr, vec![0xff, 0xff, 0xff, 0xff]),
            (DW_FORM_ref_sig8, vec![0xff; 8]),
            (DW_FORM_ref_sup4, vec![1, 0, 0, 0]),
            (DW_FORM_GNU_ref_alt, vec![1, 0, 0, 0]),
            (DW_FORM_GNU_strp_alt, vec![1, 0, 0, 0]),
            (DW_FORM_data16, vec![0xff; 16]),
            (DW_FORM_indirect, vec![DW_FORM_indirect.0 as u8, DW_FORM_udata.0 as u8, 5]),
            (DW_FORM_indirect, vec![DW_FORM_indirect.0 as u8; 64]),
            (DW_FORM_null, vec![]),
            (DwForm(0x7777), vec![1]),
        ];
        let attributes = [
            DW_AT_name,
            DW_AT_byte_size,
            DW_AT_type,
            DW_AT_data_member_location,
            DW_AT_data_bit_offset,
            DW_AT_bit_size,
            DW_AT_location,
            DW_AT_low_pc,
            DW_AT_sibling,
            DW_AT_declaration,
            DW_AT_encoding,
            DW_AT_const_value,
            DW_AT_upper_bound,
            DW_AT_count,
            DW_AT_abstract_origin,
            DW_AT_specification,
            DW_AT_signature,
            DW_AT_alignment,
            GNU_ANNOTATION_AT,
        ];
        for (form, bytes) in &values {
            for attribute in attributes {
                let value = || Value::Raw(*form, bytes.clone());
                let entries = [
                    base("int", 4, SIGNED).at(attribute, value()),
                    structure("s", 8).at(attribute, value()).with([member("m", "int", 0).at(attribute, value())]),
                    enumeration("e", 4, &[]).at(attribute, value()).with([enumerator("A", 1).at(attribute, value())]),
                    array("a", "int", &[]).with([entry(DW_TAG_subrange_type).at(attribute, value())]),
                    pointer("p", "int").at(attribute, value()),
                    function("f", "int", 0x10)
                        .at(attribute, value())
                        .with([parameter("x", "int").at(attribute, value())]),
                    variable("v", "int", place(".data", 8)).at(attribute, value()),
                ];
                let what = format!("{attribute} in {form} with {bytes:x?}");
                calm.file(&one(entries.clone()).fun("f", 0x10), &what);
                let mut unit = unit("one.c").with(entries);
                unit.root = unit.root.at(attribute, value());
                calm.file(&file(Profile::default()).unit(unit), &what);
            }
        }
        calm.end();
    });
}

#[test]
fn indirect_forms_are_read() {
    let indirect = Value::Raw(DW_FORM_indirect, vec![DW_FORM_udata.0 as u8, 8]);
    one([base("int", 4, SIGNED), structure("s", 4).at(DW_AT_byte_size, indirect)]).encode().has("STRUCT s size=8 {}");
}

#[test]
fn headers_of_units() {
    ours(|| {
        let mut calm = Calm::new();
        // Offset in the first unit's header, and what is put there.
        let changes: Vec<(usize, Vec<u8>)> = vec![
            (0, vec![0, 0, 0, 0]),
            (0, vec![1, 0, 0, 0]),
            (0, vec![0xff, 0xff, 0xff, 0xff]),
            (0, vec![0xf0, 0xff, 0xff, 0xff]),
            (0, vec![0xfe, 0xff, 0xff, 0xff]),
            (4, vec![0, 0]),
            (4, vec![1, 0]),
            (4, vec![6, 0]),
            (4, vec![0xff, 0xff]),
            (6, vec![0]),
            (6, vec![0x80]),
            (7, vec![0]),
            (7, vec![3]),
            (7, vec![16]),
            (8, vec![0xff, 0xff, 0xff, 0xff]),
            (12, vec![0x7f]),
            (12, vec![0xff; 12]),
        ];
        for (at, value) in changes {
            let damage = |name: &str, bytes: &mut write::Bytes| {
                if name == ".debug_info" {
                    bytes.data[at..at + value.len()].copy_from_slice(&value);
                }
            };
            calm.bytes(&program(Profile::default()).damaged(damage), || {
                format!("{value:x?} at {at} of a unit's header")
            });
        }
        calm.end();
    });
}

#[test]
fn broken_dwarf_is_no_success_without_a_word() {
    ours(|| {
        let mut calm = Calm::new();
        // The second unit's entries are cut off: what comes out is an error or says so.
        let file = one([base("int", 4, SIGNED)]).unit(unit("two.c").with([base("char", 1, SIGNED), structure("s", 8)]));
        let cut = |name: &str, bytes: &mut write::Bytes| {
            if name == ".debug_info" {
                let keep = bytes.data.len() - 6;
                bytes.data.truncate(keep);
            }
        };
        if let Some(outcome) = calm.bytes(&file.damaged(cut), || "a cut unit".to_owned()) {
            outcome.diagnostic(ANY);
        }
        // An abbreviation that is not in the table.
        let unknown = |name: &str, bytes: &mut write::Bytes| {
            if name == ".debug_info" {
                let last = bytes.data.len() - 1;
                bytes.data[last] = 0x7e;
            }
        };
        if let Some(outcome) = calm.bytes(&file.damaged(unknown), || "an unknown abbreviation".to_owned()) {
            outcome.diagnostic(ANY);
        }
        calm.end();
    });
}

#[test]
fn siblings_that_lead_astray() {
    ours(|| {
        let mut calm = Calm::new();
        for value in [0u32, 1, 0xb, 0xffff_ffff, 0x7fff_ffff] {
            let astray = Value::Raw(DW_FORM_ref4, value.to_le_bytes().to_vec());
            let entries = [
                structure("s", 8).at(DW_AT_sibling, astray.clone()).with([base("int", 4, SIGNED)]),
                function("f", "int", 0x10).at(DW_AT_sibling, astray.clone()).with([entry(DW_TAG_lexical_block)
                    .at(DW_AT_sibling, astray.clone())
                    .with([base("char", 1, SIGNED)])]),
                entry(DW_TAG_inlined_subroutine).at(DW_AT_sibling, astray).with([structure("t", 8)]),
                base("long int", 8, SIGNED),
            ];
            let profile = Profile { siblings: false, ..Profile::default() };
            calm.file(&file(profile).unit(unit("one.c").with(entries)).fun("f", 0x10), "a sibling");
        }
        calm.end();
    });
}

#[test]
fn sizes_that_overflow() {
    ours(|| {
        let mut calm = Calm::strictly();
        let big = u64::MAX / 2;
        let entries = [
            base("int", 4, SIGNED),
            structure("s", big).with([
                member("m", "int", big),
                bits("b", "int", big, 255),
                bits("c", "int", 0, 300),
                old_bits("d", "int", big, big, 9),
            ]),
            union("u", u64::MAX).with([member("m", "s", 0)]),
            array("a", "s", &[0x8000_0000, 0x8000_0000, 0x8000_0000]),
            enumeration("e", u64::MAX, &[("A", i64::MIN), ("B", i64::MAX)]),
            base("wide", u64::MAX, SIGNED),
            base("wide float", u64::MAX, DW_ATE_float),
            variable("v", "a", place(".data", 8)),
            variable("w", "s", place(".data", 16)),
            variable("x", "int", place(".data", 0)).location(vec![
                Op::Addr(place(".data", 8)),
                Op::Bytes([&[DW_OP_plus_uconst.0][..], &[0xff; 9], &[1]].concat()),
            ]),
            function("f", "s", 0x10).with([
                parameter("a", "a"),
                parameter("s", "s").location(register(5)),
                parameter("u", "u"),
            ]),
        ];
        calm.file(&one(entries).fun("f", 0x10), "sizes");
        calm.end();
    });
}

#[test]
fn unequal_members_do_not_make_invalid_structs() {
    ours(|| {
        let mut calm = Calm::new();
        let odd = [
            structure("backwards", 12).with([member("c", "int", 8), member("b", "int", 4), member("a", "int", 0)]),
            structure("beyond", 4).with([member("a", "int", 0), member("b", "int", 400)]),
            structure("unsized", 0).without(DW_AT_byte_size).with([member("a", "int", 0)]),
            structure("bits_beyond", 4).with([bits("a", "int", 20, 30)]),
            structure("wide_bits", 8).with([bits("a", "int", 0, 40)]),
            structure("of_forward", 8).with([member("f", "fwd", 0)]),
            structure("of_function", 8).with([member("f", "proto", 0)]),
            structure("bits_of_pointer", 8).with([bits("p", "ptr", 0, 5)]),
            array("of_functions", "proto", &[3]),
            array("of_forwards", "fwd", &[3]),
            union("small", 1).with([member("m", "int", 0)]),
            variable("of_function", "proto", place(".data", 8)),
            variable("of_forward", "fwd", place(".data", 8)),
        ];
        for type_ in odd {
            let what = format!("{:?}", type_.attributes.first());
            let rest = [
                base("int", 4, SIGNED),
                forward(DW_TAG_structure_type, "fwd"),
                prototype("proto", "void", &[]),
                pointer("ptr", "int"),
                typedef("t", "int"),
                type_,
            ];
            calm.file(&one(rest), &what).expect("BTF").has("TYPEDEF t = int");
        }
        calm.end();
    });
}

#[test]
fn memory_follows_the_size_of_the_input() {
    ours(|| {
        let mut calm = Calm::new();
        // Counts in headers that promise more than the sections hold.
        let file = program(Profile::clang());
        for section in [".debug_str_offsets", ".debug_addr", ".debug_loclists"] {
            let damage = |name: &str, bytes: &mut write::Bytes| {
                if name == section {
                    bytes.data[0..4].copy_from_slice(&0xffff_ff00u32.to_le_bytes());
                    if name == ".debug_loclists" {
                        bytes.data[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
                    }
                }
            };
            calm.bytes(&file.damaged(damage), || format!("the length of {section}"));
        }
        calm.end();
    });
}
