//! Split BTF: what the base has is found there, and only what is new is written.

use crate::common::*;
use btfkit_btf::dump::Dump;
use btfkit_btf::{Aggregate, Btf, Endian, Kind, Member, Type, TypeId, Writer};
use btfkit_elf::InputFile;
use btfkit_encode::{Base, EncodeError, Encoded, Scratch, encode_file, encode_module};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

static NEVER: AtomicBool = AtomicBool::new(false);

fn written(file: &File) -> PathBuf {
    let path = scratch("file.elf");
    std::fs::write(&path, file.bytes()).expect("a written file");
    path
}

/// The BTF of a file, as a file.
fn encoded(file: &File, base: Option<&Base>) -> PathBuf {
    let path = written(file);
    let Encoded { btf, .. } = encode_file(&path, &options("default"), base, &NEVER).expect("BTF");
    let target = path.with_extension("btf");
    std::fs::write(&target, btf).expect("a written file");
    target
}

fn open(paths: &[&Path]) -> Base {
    Base::open(paths).expect("a base")
}

fn on(base: &Base, file: &File) -> Btf {
    let split = std::fs::read(encoded(file, Some(base))).expect("the file");
    Btf::parse_split(split, Arc::clone(base.btf())).expect("split BTF")
}

fn failure(result: Result<Encoded, EncodeError>) -> EncodeError {
    result.err().expect("an error")
}

/// Has a struct that refers to itself, a bitfield, an enum, an array, a typedef and a function.
fn kernel() -> File {
    one([
        base("int", 4, SIGNED),
        structure("list", 16).with([member("next", "*list", 0), member("head", "array", 8)]),
        pointer("*list", "list"),
        array("array", "int", &[2]),
        typedef("list_t", "list"),
        pointer("*list_t", "list_t"),
        structure("flags", 4).with([bits("a", "int", 0, 3), bits("b", "int", 3, 5)]),
        enumeration("mode", 4, &[("NONE", -1), ("ALL", 1)]),
        forward(DW_TAG_structure_type, "device"),
        pointer("*device", "device"),
        structure("driver", 8).with([member("device", "*device", 0)]),
        function("walk", "int", 0x10).with([parameter("list", "*list_t")]),
    ])
    .fun("walk", 0x10)
}

#[test]
fn what_the_base_has_is_not_repeated() {
    ours(|| {
        for machine in [X86_64, I386, S390X] {
            let with_profile = |file: File| File { profile: Profile::of(machine), ..file };
            let base = open(&[&encoded(&with_profile(kernel()), None)]);
            let same = on(&base, &with_profile(kernel()));
            assert_eq!(Dump(&same).to_string(), "");
            assert!(same.string_section().is_empty());
        }
    });
}

#[test]
fn new_types_refer_to_the_base() {
    ours(|| {
        let base = open(&[&encoded(&kernel(), None)]);
        let module = one([
            base_int(),
            structure("list", 16).with([member("next", "*list", 0), member("head", "array", 8)]),
            pointer("*list", "list"),
            array("array", "int", &[2]),
            structure("own", 8).with([member("list", "*list", 0)]),
        ]);
        let split = on(&base, &module);
        assert_eq!((split.len(), split.kind(split.start_id())), (1, Some(Kind::Struct)));
        // "list", the name of its member, is one of the base's.
        assert_eq!(split.string_section(), b"own\0");
    });
}

fn base_int() -> Entry {
    base("int", 4, SIGNED)
}

#[test]
fn a_declaration_of_the_base_is_not_redefined() {
    ours(|| {
        let base = open(&[&encoded(&kernel(), None)]);
        let module = one([
            base_int(),
            structure("device", 4).with([member("id", "int", 0)]),
            pointer("*device", "device"),
            structure("driver", 8).with([member("device", "*device", 0)]),
        ]);
        let kinds: Vec<_> = on(&base, &module).types().map(|(_, ty)| ty.kind().expect("a kind")).collect();
        assert_eq!(kinds, [Kind::Struct, Kind::Ptr, Kind::Struct]);
    });
}

#[test]
fn a_base_that_was_not_deduplicated() {
    ours(|| {
        // The same twice: int, a struct that refers to itself, and the pointer that it does that by.
        let mut writer = Writer::new(Endian::Little);
        let names = [&b"int"[..], b"list", b"id", b"next"].map(|name| writer.string(name).expect("room"));
        for first in [0, 3] {
            let at = |id: u32| TypeId(first + id);
            let member = |name, ty, offset| Member { name, ty, offset };
            let members = vec![member(names[2], at(1), 0), member(names[3], at(3), 64)];
            let list = Type::Struct(Aggregate { name: names[1], size: 16, kind_flag: false, members });
            let int = Type::Int { name: names[0], size: 4, encoding: 1, offset: 0, bits: 32 };
            for ty in [int, list, Type::Ptr(at(2))] {
                writer.push(&ty).expect("room");
            }
        }
        let twice = Arc::new(Btf::parse(writer.finish(false)).expect("BTF"));
        let base = Base::of(twice, Path::new("twice")).expect("a base");
        let module = one([
            base_int(),
            structure("list", 16).with([member("id", "int", 0), member("next", "*list", 8)]),
            pointer("*list", "list"),
            structure("own", 24).with([member("list", "list", 0), member("id", "int", 16)]),
        ]);
        let split = on(&base, &module);
        let mut references = Vec::new();
        split.types().for_each(|(_, ty)| ty.references(|to| references.push(to)));
        assert_eq!((split.len(), references), (1, vec![TypeId(2), TypeId(1)]));
    });
}

#[test]
fn units_that_define_it_are_told_from_those_that_declare_it_as_well() {
    ours(|| {
        let base = open(&[&encoded(&kernel(), None)]);
        let driver = || structure("driver", 8).with([member("device", "*device", 0)]);
        let declares = || {
            unit("declares.c").with([forward(DW_TAG_structure_type, "device"), pointer("*device", "device"), driver()])
        };
        let defines = |name: &str| {
            let device = structure("device", 4).with([member("id", "int", 0)]);
            let bus = structure("bus", 8).with([member("driver", "driver", 0)]);
            unit(name).with([base_int(), device, pointer("*device", "device"), driver(), bus])
        };
        // The first one that defines it shows that others may have to be described.
        let module = file(Profile::default());
        let module = module.unit(defines("first.c")).unit(declares()).unit(defines("second.c"));
        let alone = file(Profile::default()).unit(defines("first.c"));
        let (several, alone) = (on(&base, &module), on(&base, &alone));
        assert_eq!(several.len(), 4);
        assert_eq!(Dump(&several).to_string(), Dump(&alone).to_string());
    });
}

#[test]
fn bases_on_one_another() {
    ours(|| {
        let kernel = encoded(&kernel(), None);
        let first = one([base_int(), structure("first", 4).with([member("a", "int", 0)])]);
        let below = open(&[&kernel]);
        let module = encoded(&first, Some(&below));
        let second = one([
            base_int(),
            structure("first", 4).with([member("a", "int", 0)]),
            structure("second", 4).with([member("first", "first", 0)]),
        ]);
        let both = open(&[&kernel, &module]);
        assert_eq!((on(&below, &second).len(), on(&both, &second).len()), (2, 1));
        let error = Base::open(&[&module]).err().expect("an error");
        assert_eq!(error.code, "MALFORMED_BTF");
        assert!(error.message.contains("base"), "{}", error.message);
    });
}

#[test]
fn a_base_of_another_machine() {
    ours(|| {
        let base = open(&[&encoded(&one([base_int(), base("long int", 8, SIGNED)]), None)]);
        for machine in [S390X, I386] {
            let file = File { profile: Profile::of(machine), ..one([base_int()]) };
            let error = failure(encode_file(&written(&file), &options("default"), Some(&base), &NEVER));
            assert_eq!(error.code, "BASE_MISMATCH", "{}", error.message);
        }
    });
}

#[test]
fn modules_one_after_the_other_are_what_they_are_alone() {
    ours(|| {
        let base = open(&[&encoded(&kernel(), None)]);
        let own = |name: &str| one([base_int(), structure(name, 4).with([member("a", "int", 0)])]);
        let files = [own("one"), kernel(), own("two"), own("one"), kernel()];
        let mut scratch = Scratch::new(Path::new("modules")).expect("a thread");
        let mut module = |file: &File| {
            let path = written(file);
            let input = InputFile::open(&path).expect("the file");
            let done = encode_module(&path, &input, &options("default"), Some(&base), &mut scratch, &NEVER);
            done.expect("BTF").btf
        };
        let together: Vec<Vec<u8>> = files.iter().map(&mut module).collect();
        for (file, together) in files.iter().zip(together) {
            assert_eq!(std::fs::read(encoded(file, Some(&base))).expect("the file"), together);
        }
    });
}
