//! Errors, the report, and that the same input always gives the same bytes.

use crate::common::*;
use btfkit_encode::{Options, encode_file};
use std::sync::atomic::AtomicBool;

fn int() -> Entry {
    base("int", 4, SIGNED)
}

fn code_of(bytes: &[u8]) -> &'static str {
    let path = scratch("file.elf");
    std::fs::write(&path, bytes).expect("a written file");
    encode_file(&path, &Options::default(), None, &AtomicBool::new(false)).err().map_or("encoded", |error| {
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        assert!(error.message.contains(name), "the message does not name the file: {}", error.message);
        error.code
    })
}

#[test]
fn codes_of_errors() {
    ours(|| {
        assert_eq!(code_of(b"not an ELF file at all"), "NOT_ELF");
        assert!(["NOT_ELF", "TRUNCATED"].contains(&code_of(b"")));
        let whole = one([int()]).bytes();
        assert_eq!(code_of(&whole[..whole.len() - 100]), "TRUNCATED");
        assert_eq!(code_of(&file(Profile::default()).bytes()), "NO_DWARF");
        assert_eq!(code_of(&one([int()]).without_symtab().bytes()), "NO_SYMTAB");
        let broken = |name: &str, bytes: &mut write::Bytes| {
            if name == ".debug_abbrev" {
                bytes.data.clear();
            }
        };
        assert_eq!(code_of(&one([int()]).damaged(broken)), "MALFORMED_DWARF");
    });
}

#[test]
fn a_file_that_is_not_there() {
    ours(|| {
        let path = scratch("absent.elf");
        let error = encode_file(&path, &Options::default(), None, &AtomicBool::new(false)).err().expect("an error");
        assert_eq!(error.code, "NOT_FOUND");
    });
}

#[test]
fn aborted() {
    ours(|| {
        let path = scratch("file.elf");
        std::fs::write(&path, one([int()]).bytes()).expect("a written file");
        let error = encode_file(&path, &Options::default(), None, &AtomicBool::new(true)).err().expect("an error");
        assert_eq!(error.code, "ABORTED");
    });
}

#[test]
fn strict_turns_diagnostics_into_failure() {
    ours(|| {
        let strict = |entries: Vec<Entry>| one(entries).encode_as(&Options { strict: true, ..options("default") });
        strict(vec![int()]).expect("INT int size=4 bits=32 signed");
        strict(vec![int(), pointer("p", "@0xffffff")]).failed("STRICT");
    });
}

#[test]
fn diagnostics_name_the_unit_and_the_entry() {
    ours(|| {
        let first = unit("fine.c").with([int()]);
        let outcome =
            file(Profile::default()).unit(first).unit(unit("bad.c").with([pointer("p", "@0xffffff")])).encode();
        let report = outcome.report.expect("a report");
        let said = report.diagnostics.first().expect("a diagnostic");
        assert_eq!(said.unit, "bad.c");
        let start = write::write(Profile::default(), &[unit("fine.c").with([int()])])[".debug_info"].len();
        assert!(said.offset > start, "{} is in the first unit, which ends at {start}", said.offset);
    });
}

#[test]
fn what_only_a_program_could_not_load_is_a_diagnostic_with_its_place() {
    ours(|| {
        let told = |entries: Vec<Entry>| {
            let path = scratch("file.elf");
            std::fs::write(&path, one(entries).fun("f", 0x10).bytes()).expect("a written file");
            let encoded = encode_file(&path, &Options::default(), None, &AtomicBool::new(false)).map_err(|e| e.message);
            let report = encoded.map(|encoded| encoded.report).expect("BTF that a kernel takes");
            let told = report.diagnostics.into_iter().filter(|diagnostic| diagnostic.code == "only-loaded");
            told.map(|diagnostic| diagnostic.message).collect::<Vec<_>>()
        };
        let hidden = told(vec![forward(DW_TAG_structure_type, "hidden"), function("f", "hidden", 0x10)]);
        assert!(
            matches!(&hidden[..], [one] if one.starts_with("FUNC 'f' > FUNC_PROTO [2]: ") && one.contains("Invalid return type")),
            "{hidden:?}"
        );
        assert!(told(vec![structure("hidden", 4), function("f", "hidden", 0x10)]).is_empty());
    });
}

#[test]
fn the_report_counts() {
    ours(|| {
        let entries =
            [int(), structure("s", 4).with([member("a", "int", 0)]), typedef("t", "s"), function("f", "int", 0x10)];
        let outcome = one(entries).unit(unit("two.c").with([int()])).fun("f", 0x10).encode();
        let report = outcome.report.as_ref().expect("a report");
        assert_eq!(report.counts, [("INT", 1), ("STRUCT", 1), ("TYPEDEF", 1), ("FUNC", 1), ("FUNC_PROTO", 1)]);
        assert_eq!((report.types, report.size, report.units), (5, outcome.bytes.len() as u64, 2));
        assert!(report.skipped.is_empty() && report.diagnostics.is_empty());
    });
}

#[test]
fn who_is_left_out_is_said_once_and_in_order() {
    ours(|| {
        let functions = ["d", "b", "c", "a"].map(|name| function(name, "int", 0x10));
        let outcome = one([int()])
            .unit(unit("one.c").with([int()]).with(functions.clone()))
            .unit(unit("two.c").with([int()]).with(functions))
            .fun("g", 0x20)
            .encode();
        let report = outcome.report.expect("a report");
        let names: Vec<&str> = report.skipped.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c", "d"]);
    });
}

fn many_units() -> File {
    let mut file = file(Profile::default()).section(".data..percpu", 0x8000, 0x1_0000);
    for index in 0u64..60 {
        let name = |what: &str| format!("{what}{}", index % 17);
        let entries = [
            int(),
            pointer("p", "s"),
            structure("s", 16).with([member("a", "int", 0), member("p", "p", 8)]),
            structure(&name("t"), 8).with([member("a", "s", 0)]).at(DW_AT_byte_size, 16),
            enumeration(&name("e"), 4, &[("A", index as i64 % 3)]),
            typedef(&name("td"), "p"),
            function(&name("f"), "int", 16 * (index % 17)).with([parameter("a", "p").tagged("btf_decl_tag", "x")]),
            variable(&format!("v{index}"), "int", place(".data..percpu", 4 + 4 * index)),
        ];
        file = file.unit(unit(&format!("{index}.c")).with(entries));
    }
    for index in 0..17 {
        file = file.fun(&format!("f{index}"), 16 * index);
    }
    file
}

#[test]
fn the_same_bytes_with_any_number_of_threads() {
    ours(|| {
        let file = many_units();
        let with = |jobs| file.encode_as(&Options { jobs, ..options("default") }).bytes;
        let one = with(Some(1));
        assert!(!one.is_empty());
        for jobs in [Some(1), Some(2), Some(3), Some(8), None] {
            assert!(with(jobs) == one, "other bytes with {jobs:?}");
        }
    });
}

#[test]
fn the_same_types_whatever_order_the_units_have() {
    ours(|| {
        let sorted = |file: &File| {
            let mut lines = file.encode().lines();
            lines.sort();
            lines
        };
        let mut file = many_units();
        let before = sorted(&file);
        file.units.reverse();
        assert_eq!(sorted(&file), before);
    });
}

#[test]
fn byte_order_follows_the_file() {
    for machine in [X86_64, S390X] {
        let outcome = file(Profile::of(machine)).unit(unit("one.c").with([int()])).encode();
        let magic = if machine.big { [0xeb, 0x9f] } else { [0x9f, 0xeb] };
        assert_eq!(outcome.bytes[..2], magic);
    }
}

#[test]
fn the_header_is_as_short_as_it_can_be() {
    differs("always 32 bytes, which older readers of the other byte order refuse", || {
        let outcome = one([int()]).encode();
        assert_eq!(outcome.bytes[4..8], 24u32.to_le_bytes());
    });
}

#[test]
fn no_string_is_there_for_nothing() {
    differs("names of what was left out stay", || {
        let left_out = function("left_out", "int", 0x10).with([parameter("its_parameter", "int")]);
        let outcome = one([int(), left_out, function("f", "int", 0x20)])
            .fun("f", 0x20)
            .fun("left_out", 0x30)
            .fun("left_out", 0x40)
            .fun("z", 0x50)
            .encode();
        let strings = String::from_utf8(outcome.ok().strings.clone()).expect("text");
        let mut names: Vec<&str> = strings.split('\0').filter(|one| !one.is_empty()).collect();
        names.sort_unstable();
        assert_eq!(names, ["f", "int"]);
    });
}

#[test]
fn layout() {
    ours(|| {
        let outcome = one([int()]).encode_with("default,layout");
        let word = |at: usize| u32::from_le_bytes(outcome.bytes[at..at + 4].try_into().expect("four bytes"));
        let [header, type_len, str_off, layout_off, layout_len] = [word(4), word(12), word(16), word(24), word(28)];
        assert_eq!((header, layout_off, layout_len, str_off), (32, type_len, 80, type_len + 80));
        // {u8 size of what follows the record, u8 size of each element, u16 flags} by kind.
        let table = &outcome.bytes[(header + layout_off) as usize..(header + layout_off + layout_len) as usize];
        let sizes: Vec<(u8, u8)> = table.chunks(4).map(|one| (one[0], one[1])).collect();
        let mut wanted = [(0, 0); 20];
        for (kind, entry) in [
            (1, (4, 0)),
            (3, (12, 0)),
            (4, (0, 12)),
            (5, (0, 12)),
            (6, (0, 8)),
            (13, (0, 8)),
            (14, (4, 0)),
            (15, (0, 12)),
            (17, (4, 0)),
            (19, (0, 12)),
        ] {
            wanted[kind] = entry;
        }
        assert_eq!(sizes, wanted);
    });
}

#[test]
fn the_input_is_left_alone() {
    ours(|| {
        let path = scratch("file.elf");
        let bytes = one([int()]).bytes();
        std::fs::write(&path, &bytes).expect("a written file");
        let first = encode_file(&path, &Options::default(), None, &AtomicBool::new(false)).expect("BTF").btf;
        let second = encode_file(&path, &Options::default(), None, &AtomicBool::new(false)).expect("BTF").btf;
        assert!(first == second);
        assert!(std::fs::read(&path).expect("the file") == bytes);
    });
}

#[test]
fn names_of_languages() {
    ours(|| {
        for (name, code) in [
            ("c89", 0x01),
            ("c", 0x02),
            ("c++", 0x04),
            ("fortran90", 0x08),
            ("modula2", 0x0a),
            ("c99", 0x0c),
            ("objc++", 0x11),
            ("python", 0x14),
            ("go", 0x16),
            ("haskell", 0x18),
            ("c++11", 0x1a),
            ("rust", 0x1c),
            ("Rust", 0x1c),
            ("C11", 0x1d),
            ("swift", 0x1e),
            ("c++14", 0x21),
            ("renderscript", 0x24),
            ("bliss", 0x25),
            ("asm", 0x8001),
            ("ASM", 0x8001),
        ] {
            assert_eq!(btfkit_encode::language_code(name), Some(code), "{name}");
        }
        for unknown in ["", "klingon", "c ", "0x1c"] {
            assert_eq!(btfkit_encode::language_code(unknown), None, "{unknown}");
        }
    });
}
