//! Headers, sections, symbols, assigned addresses.

mod common;

use btfkit_elf::{ElfError, Endian, Image, InputFile, SymbolKind};
use common::{KINDS, TestElf, TestSection};
use object::{Endianness, elf};

fn small(is_64: bool, endian: Endianness, relocatable: bool) -> TestElf {
    let mut file = if relocatable {
        TestElf::relocatable(is_64, endian, elf::EM_PPC64)
    } else {
        TestElf::linked(is_64, endian, elf::EM_PPC64)
    };
    let text = file.allocated(".text", 0x1000, 16, &[1; 33]);
    let empty = file.allocated(".empty", 0x2000, 4, &[]);
    let data = file.allocated(".data", 0x3000, 64, &[2; 8]);
    let debug = file.debug(".debug_info", &[3; 5]);
    file.add(TestSection {
        name: b".bss".to_vec(),
        sh_type: elf::SHT_NOBITS,
        sh_flags: elf::SHF_ALLOC.0,
        address: 0x4000,
        alignment: 0,
        data: Vec::new(),
        nobits: 1 << 20,
        is_rela: true,
        relocations: Vec::new(),
    });
    let base = |address| if relocatable { 0 } else { address };
    file.symbol("function", elf::STT_FUNC, text, base(0x1000) + 4, 8);
    file.symbol("end_of_text", elf::STT_NOTYPE, text, base(0x1000) + 33, 0);
    file.symbol("empty", elf::STT_OBJECT, empty, base(0x2000), 0);
    file.symbol("object", elf::STT_OBJECT, data, base(0x3000), 8);
    file.symbol("", elf::STT_SECTION, debug, 0, 0);
    file.special("absolute", elf::STT_NOTYPE, elf::SHN_ABS, 77);
    file.special("undefined", elf::STT_FUNC, elf::SHN_UNDEF, 0);
    file
}

#[test]
fn reads_headers_sections_and_symbols_of_all_kinds() {
    for (is_64, endian) in KINDS {
        let bytes = small(is_64, endian, false).build();
        let image = Image::parse(&bytes).unwrap();
        assert_eq!(image.is_64(), is_64);
        assert_eq!(image.endian() == Endian::Little, endian == Endianness::Little);
        assert_eq!(image.machine(), elf::EM_PPC64.0);
        assert!(!image.is_relocatable());

        let names: Vec<&[u8]> = image.sections().iter().map(|section| section.name).collect();
        let expected: [&[u8]; 9] =
            [b"", b".text", b".empty", b".data", b".debug_info", b".bss", b".symtab", b".strtab", b".shstrtab"];
        assert_eq!(names, expected);
        assert!(image.sections().iter().enumerate().all(|(index, section)| section.index == index));

        let data = image.section_by_name(b".data").unwrap();
        assert_eq!((data.address, data.size, data.alignment), (0x3000, 8, 64));
        assert!(data.is_allocated() && data.is_program_data());
        assert_eq!(*image.data(data).unwrap(), [2; 8]);
        let bss = image.section_by_name(b".bss").unwrap();
        assert_eq!((bss.size, image.data(bss).unwrap().len()), (1 << 20, 0));
        assert!(image.section_by_name(b".dat").is_none());

        let symbols = image.symbols().unwrap().unwrap();
        let found: Vec<_> = symbols.iter().map(|s| (s.name(), s.kind, s.section, s.value, s.size)).collect();
        assert_eq!(found.len(), 8);
        assert_eq!(found[1], (b"function".as_slice(), SymbolKind::Function, Some(1), 0x1004, 8));
        assert_eq!(found[4], (b"object".as_slice(), SymbolKind::Object, Some(3), 0x3000, 8));
        assert_eq!(found[6], (b"absolute".as_slice(), SymbolKind::Untyped, None, 77, 0));
        assert_eq!(found[7], (b"undefined".as_slice(), SymbolKind::Function, None, 0, 0));
        assert_eq!(symbols.get(4).unwrap().name(), b"object");
        assert!(symbols.get(8).is_none());
    }
}

#[test]
fn allocated_sections_of_relocatable_files_get_addresses_that_tell_places_apart() {
    for (is_64, endian) in KINDS {
        let bytes = small(is_64, endian, true).build();
        let image = Image::parse(&bytes).unwrap();
        assert!(image.is_relocatable());
        let mut end = 0;
        for section in image.sections() {
            if !section.is_allocated() {
                assert_eq!(section.address, 0, "{}", section.display_name());
                continue;
            }
            assert!(section.address >= 0x10000 && section.address > end, "{}", section.display_name());
            assert_eq!(section.address % section.alignment.max(1), 0);
            end = section.address + section.size;
        }
        let symbols: Vec<_> = image.symbols().unwrap().unwrap().iter().collect();
        let address = |name: &[u8]| image.section_by_name(name).unwrap().address;
        assert_eq!(symbols[1].value, address(b".text") + 4);
        assert_eq!(symbols[2].value, address(b".text") + 33);
        assert_eq!(symbols[3].value, address(b".empty"));
        assert_eq!(symbols[4].value, address(b".data"));
        assert_eq!(symbols[5].value, 0);
        assert_eq!(symbols[6].value, 77);
        assert_eq!(symbols[7].value, 0);
        // The end of one section, an empty one, and the start of the next are three places.
        let mut values: Vec<_> = symbols[2..5].iter().map(|symbol| symbol.value).collect();
        values.dedup();
        assert_eq!(values.len(), 3);
    }
}

#[test]
fn sections_that_do_not_fit_the_address_space_are_refused() {
    for (is_64, size) in [(true, u64::MAX - 5), (false, u64::from(u32::MAX) - 5)] {
        let mut file = small(is_64, Endianness::Little, true);
        file.section(5).nobits = size;
        let bytes = file.build();
        let bits = if is_64 { 64 } else { 32 };
        assert!(matches!(Image::parse(&bytes), Err(ElfError::AddressSpace { bits: found }) if found == bits));
    }
    // A linked file is believed.
    let mut file = small(true, Endianness::Little, false);
    file.section(5).nobits = u64::MAX - 5;
    let bytes = file.build();
    assert_eq!(Image::parse(&bytes).unwrap().section_by_name(b".bss").unwrap().size, u64::MAX - 5);
}

#[test]
fn more_sections_than_sixteen_bits_can_count() {
    const MANY: usize = 65_400;
    for (is_64, endian) in KINDS {
        let mut file = TestElf::relocatable(is_64, endian, elf::EM_X86_64);
        for number in 1..=MANY {
            // Addresses are assigned to the last two only.
            if number < MANY - 1 {
                file.debug("x", &[])
            } else {
                file.allocated("y", 0, 1, &[0; 7])
            };
        }
        let near = file.symbol("near", elf::STT_OBJECT, 5, 3, 1);
        let last = file.symbol("last", elf::STT_FUNC, MANY, 3, 1);
        file.special("absolute", elf::STT_NOTYPE, elf::SHN_ABS, 9);
        let bytes = file.build();
        let image = Image::parse(&bytes).unwrap();
        assert_eq!(image.sections().len(), MANY + 5);
        assert_eq!(image.sections().last().unwrap().name, b".shstrtab");
        let symbols = image.symbols().unwrap().unwrap();
        let (near, last) = (symbols.get(near).unwrap(), symbols.get(last).unwrap());
        assert_eq!((near.section, near.value), (Some(5), 3));
        assert_eq!((last.section, last.value), (Some(MANY), image.sections()[MANY].address + 3));
        assert_eq!(image.sections()[MANY].address, 0x10000 + 7 + 1);
        assert_eq!(symbols.get(3).unwrap().section, None);
    }
}

#[test]
fn what_is_not_elf_says_how_it_begins() {
    for bytes in [&b""[..], b"\x7fEL", b"#!/bin/sh\nexit 0 # a script", b"MZ"] {
        let Err(ElfError::NotElf { first }) = Image::parse(bytes) else { panic!("{bytes:?} is no ELF file") };
        assert_eq!(first, bytes[..bytes.len().min(16)]);
    }
    let mut bytes = small(true, Endianness::Little, false).build();
    bytes[4] = 3;
    assert!(matches!(Image::parse(&bytes), Err(ElfError::Class { class: 3 })));
    bytes[4] = 2;
    bytes[5] = 0;
    assert!(matches!(Image::parse(&bytes), Err(ElfError::ByteOrder { order: 0 })));
    bytes[5] = 1;
    bytes[6] = 9;
    assert!(matches!(Image::parse(&bytes), Err(ElfError::Version { version: 9 })));
}

#[test]
fn a_cut_file_says_what_is_missing() {
    let bytes = small(true, Endianness::Little, false).build();
    for (len, expected) in
        [(4, "the ELF identification"), (63, "the ELF header"), (bytes.len() - 1, "the table of 9 section headers")]
    {
        match Image::parse(&bytes[..len]) {
            Err(ElfError::Truncated { what, needed, have }) => {
                assert_eq!(what, expected);
                assert!(needed > have && have == len as u64, "{needed} {have}");
            }
            other => panic!("{len}: {other:?}"),
        }
    }
    // Without section headers there is nothing to miss.
    let mut bytes = bytes;
    bytes[0x28..0x30].fill(0);
    let image = Image::parse(&bytes[..64]).unwrap();
    assert!(image.sections().is_empty() && image.symbols().unwrap().is_none());
    assert!(image.debug_sections().unwrap().info.data.is_empty());
}

#[test]
fn open_tells_the_reasons_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    assert!(matches!(InputFile::open(&path), Err(ElfError::NotFound { .. })));
    std::fs::write(&path, b"").unwrap();
    assert!(matches!(InputFile::open(&path), Err(ElfError::Empty { .. })));
    assert!(matches!(InputFile::open(folder.path()), Err(ElfError::Directory { .. })));
    assert!(matches!(InputFile::open(&path.join("below")), Err(ElfError::Io { .. })));
    #[cfg(unix)]
    assert!(matches!(InputFile::open("/dev/null".as_ref()), Err(ElfError::NotRegular { .. })));
    std::fs::write(&path, b"abc").unwrap();
    assert_eq!(InputFile::open(&path).unwrap().bytes(), b"abc");
    assert!(InputFile::open(&folder.path().join("gone")).unwrap_err().to_string().ends_with("gone: no such file"));
}

#[test]
fn what_is_read_can_be_shared_by_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<(Image<'_>, btfkit_elf::Symbols<'_>, btfkit_elf::DebugSections<'_>, btfkit_elf::FunctionTable<'_>)>();
}
