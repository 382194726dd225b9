//! The function table and the kfuncs of `.BTF_ids`.

mod common;

use btfkit_elf::{ElfError, FunctionTable, Image, Kfunc, SkippedId, kfuncs};
use common::{KINDS, TestElf};
use object::{Endianness, elf};

/// FNV-1a.
fn hash(name: &[u8]) -> u64 {
    name.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Base name, whether ambiguous, and of each symbol: full name, address, whether suffixed.
type Entry = (String, bool, Vec<(String, u64, bool)>);

/// Sorted by base name.
fn table_of(file: &TestElf) -> Vec<Entry> {
    let bytes = file.build();
    let symbols = Image::parse(&bytes).unwrap().symbols().unwrap().unwrap();
    let table = FunctionTable::build(&symbols, hash).unwrap();
    assert_eq!(table.iter().len(), table.len());
    assert_eq!(table.hashes().count(), table.len());
    let text = |name: &[u8]| String::from_utf8(name.to_vec()).unwrap();
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|index| {
            assert_eq!(table.get(hash(table.name(index))), Some(index));
            let symbols = table.symbols(index).iter().map(|s| (text(s.name), s.address, s.suffixed)).collect();
            (text(table.name(index)), table.ambiguous(index), symbols)
        })
        .collect();
    entries.sort();
    entries
}

#[test]
fn functions_are_grouped_by_base_name() {
    let mut file = TestElf::linked(true, Endianness::Little, elf::EM_X86_64);
    let text = file.allocated(".text", 0x1000, 16, &[0; 64]);
    for (name, address) in [
        ("vfs_read_and_something_longer", 0x1010),
        ("foo.isra.0", 0x1020),
        ("bar", 0x1030),
        ("foo", 0x1020),
        ("foo.cold", 0x1039),
        ("foo.part.0.isra.0", 0x1038),
        ("foo.constprop.0.cold", 0x1037),
        ("bar.llvm.123", 0x1031),
        ("cold.bar", 0x1032),
        ("vfs_read", 0x1001),
        ("vfs_read_", 0x1002),
        ("vfs_read\u{e9}", 0x1003),
        ("", 0x1004),
        ("part", 0x1005),
    ] {
        file.symbol(name, elf::STT_FUNC, text, address, 1);
    }
    file.symbol("object", elf::STT_OBJECT, text, 0x1000, 1);
    file.symbol("resolver", elf::STT_GNU_IFUNC, text, 0x1000, 1);
    file.special("elsewhere", elf::STT_FUNC, elf::SHN_UNDEF, 0);

    let table = table_of(&file);
    let names: Vec<&str> = table.iter().map(|entry| entry.0.as_str()).collect();
    let expected = [
        "",
        "bar",
        "cold",
        "elsewhere",
        "foo",
        "part",
        "vfs_read",
        "vfs_read_",
        "vfs_read_and_something_longer",
        "vfs_read\u{e9}",
    ];
    assert_eq!(names, expected);
    assert_eq!(table[1].2, [("bar".into(), 0x1030, false), ("bar.llvm.123".into(), 0x1031, true)]);
    assert_eq!(table[4].2, [("foo.isra.0".into(), 0x1020, true), ("foo".into(), 0x1020, false)]);
    assert!(table[1].1, "a suffixed symbol elsewhere");
    assert!(!table[4].1, "a suffixed symbol at the same place");
}

#[test]
fn a_name_at_several_addresses_is_ambiguous() {
    for (addresses, expected) in [
        (&[0x1000][..], false),
        (&[0x1000, 0x1000], false),
        (&[0x1000, 0x1008], true),
        (&[0x1000, 0x1000, 0x1008], true),
        (&[0, 0x1000], false),
        (&[0, 0, 0x1000, 0x1000], false),
        (&[0x1000, 0], true),
        (&[0, 0x1000, 0x1008], true),
        (&[0, 0x1000, 0], true),
        (&[0], false),
    ] {
        let mut file = TestElf::linked(true, Endianness::Little, elf::EM_X86_64);
        let text = file.allocated(".text", 0, 16, &[0; 64]);
        file.symbol("a", elf::STT_FUNC, text, 0x1000, 1);
        // As the last of all names, too.
        for &address in addresses {
            file.symbol("zz", elf::STT_FUNC, text, address, 1);
        }
        let table = table_of(&file);
        assert_eq!((table.len(), table[0].1, table[1].1), (2, false, expected), "{addresses:x?}");
    }
}

#[test]
fn functions_at_the_start_of_two_sections_of_a_relocatable_file_are_ambiguous() {
    for (is_64, endian) in KINDS {
        let mut file = TestElf::relocatable(is_64, endian, elf::EM_X86_64);
        let first = file.allocated(".text", 0, 16, &[0; 64]);
        let second = file.allocated(".text.unlikely", 0, 16, &[0; 64]);
        file.symbol("twice", elf::STT_FUNC, first, 0, 1);
        file.symbol("twice", elf::STT_FUNC, second, 0, 1);
        file.symbol("once", elf::STT_FUNC, second, 8, 1);
        file.symbol("once.isra.0", elf::STT_FUNC, second, 8, 1);
        let table = table_of(&file);
        assert_eq!((table[0].1, table[1].1), (false, true));
        assert!(table.iter().flat_map(|entry| &entry.2).all(|symbol| symbol.1 != 0));
    }
}

#[test]
fn thumb_functions_are_at_even_addresses() {
    let mut file = TestElf::linked(false, Endianness::Little, elf::EM_ARM);
    let text = file.allocated(".text", 0x1000, 2, &[0; 64]);
    file.symbol("thumb", elf::STT_FUNC, text, 0x1003, 2);
    assert_eq!(table_of(&file)[0].2[0].1, 0x1002);
}

#[test]
fn names_that_a_hash_cannot_tell_apart_are_an_error() {
    let mut file = TestElf::linked(true, Endianness::Little, elf::EM_X86_64);
    let text = file.allocated(".text", 0x1000, 16, &[0; 64]);
    for name in ["one", "one.isra.0", "two"] {
        file.symbol(name, elf::STT_FUNC, text, 0x1000, 1);
    }
    let bytes = file.build();
    let symbols = Image::parse(&bytes).unwrap().symbols().unwrap().unwrap();
    match FunctionTable::build(&symbols, |_| 5) {
        Err(ElfError::HashCollision { hash: 5, first, second }) => {
            assert_eq!((first.as_str(), second.as_str()), ("one", "two"))
        }
        other => panic!("{other:?}"),
    }
}

/// Two sets, one of kfuncs; `base` is where the section is, as far as symbols' values count from it.
fn with_btf_ids(mut file: TestElf, base: u64) -> TestElf {
    let words: Vec<u8> =
        [2, 1, 0, 0x1005, 0, 7, 1, 0, 0, 9, 0xaaaa, 0].into_iter().flat_map(|word| file.word(word)).collect();
    file.allocated(".text", 0x9000, 16, &[0; 64]);
    let ids = file.allocated(".BTF_ids", 0x8000, 4, &words);
    let other = file.allocated(".other", 0x8100, 4, &words);
    let symbols: [(&str, usize, u64, u64); 10] = [
        ("__BTF_ID__func__bpf_two__18", ids, 16, 4),
        ("__BTF_ID__set8__kfuncs", ids, 0, 24),
        ("__BTF_ID__set8__others", ids, 24, 16),
        ("__BTF_ID__func__bpf_one__with__parts__17", ids, 8, 4),
        ("__BTF_ID__func__not_a_kfunc__19", ids, 32, 4),
        ("__BTF_ID__func__alone__20", ids, 40, 4),
        ("__BTF_ID__struct__file__21", ids, 8, 4),
        ("__BTF_ID__func__nonsense_22", ids, 8, 4),
        ("__BTF_ID__func__elsewhere__23", other, 8, 4),
        ("__BTF_ID__set8__elsewhere", other, 0, 24),
    ];
    for (name, section, value, size) in symbols {
        let base = if base == 0 { 0 } else { base + if section == other { 0x100 } else { 0 } };
        file.symbol(name, elf::STT_OBJECT, section, base + value, size);
    }
    file
}

#[test]
fn kfuncs_are_the_functions_in_sets_of_kfuncs() {
    for (is_64, endian) in KINDS {
        for (file, base) in [
            (TestElf::relocatable(is_64, endian, elf::EM_X86_64), 0),
            (TestElf::linked(is_64, endian, elf::EM_X86_64), 0x8000),
        ] {
            let bytes = with_btf_ids(file, base).build();
            let found = kfuncs(&Image::parse(&bytes).unwrap()).unwrap();
            let kfunc = |name: &str, flags| Kfunc { name: name.into(), flags };
            assert_eq!(found.functions, [kfunc("bpf_two", 7), kfunc("bpf_one__with__parts", 0x1005)]);
            let reason = found.skipped[0].reason;
            assert_eq!(found.skipped, [SkippedId { symbol: "__BTF_ID__func__nonsense_22".into(), reason }]);
        }
    }
}

#[test]
fn no_section_and_no_symbols_are_no_kfuncs() {
    let mut file = TestElf::relocatable(true, Endianness::Little, elf::EM_X86_64);
    file.allocated(".text", 0, 1, &[0]);
    assert_eq!(kfuncs(&Image::parse(&file.build()).unwrap()).unwrap(), Default::default());
}

#[test]
fn btf_ids_that_reach_out_of_their_section_are_an_error() {
    for (name, value, size) in [
        ("__BTF_ID__set8__far", 0x7fff_fff0, 8),
        ("__BTF_ID__set8__before", u64::MAX, 8),
        ("__BTF_ID__set8__cut", 41, u64::MAX),
        ("__BTF_ID__func__cut__1", 41, 8),
    ] {
        let mut file = with_btf_ids(TestElf::relocatable(true, Endianness::Little, elf::EM_X86_64), 0);
        // The whole section and more.
        file.symbol("__BTF_ID__set8__huge", elf::STT_OBJECT, 2, 0, u64::MAX);
        file.symbol(name, elf::STT_OBJECT, 2, value, size);
        let bytes = file.build();
        match kfuncs(&Image::parse(&bytes).unwrap()) {
            Err(ElfError::BtfIds { symbol, needed, size }) => {
                assert_eq!((symbol.as_str(), size), (name, 48));
                assert!(needed > 48);
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}
