//! Bytes that are no honest file: an error or a value, never a panic.

mod common;

use btfkit_elf::{Change, DebugSection, FunctionTable, Image, Rewrite, kfuncs};
use common::{KINDS, TestElf};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use object::{Endianness, elf};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::io::Write;

/// All that this crate reads from a file.
fn read_everything(bytes: &[u8]) {
    let Ok(image) = Image::parse(bytes) else { return };
    for section in image.sections() {
        let _ = (image.data(section), section.display_name());
    }
    if let Ok(Some(symbols)) = image.symbols() {
        assert_eq!(symbols.iter().len(), symbols.len());
        for symbol in symbols.iter() {
            assert!(symbol.section.is_none_or(|section| section < image.sections().len()));
            symbol.name();
        }
        let hash = |name: &[u8]| name.iter().fold(7u64, |hash, &byte| hash.wrapping_mul(31) ^ u64::from(byte));
        if let Ok(table) = FunctionTable::build(&symbols, hash) {
            assert!(table.iter().all(|index| !table.symbols(index).is_empty()));
        }
    }
    let _ = kfuncs(&image);
    let changes = [Change::Put { name: ".BTF", bytes: &[1; 9], alignment: 1 }, Change::Remove { name: ".other" }];
    if let Ok(rewrite) = Rewrite::plan(&image, &changes) {
        let new = rewrite.apply(bytes);
        assert!(new.len() <= 3 * bytes.len() + 1000);
        assert!(Image::parse(&new).is_ok());
    }
    let Ok(sections) = image.debug_sections() else { return };
    for section in [&sections.info, &sections.str, &sections.addr, &sections.types] {
        read_values(section);
    }
}

fn read_values(section: &DebugSection<'_>) {
    let mut cursor = section.relocations.cursor();
    for offset in (0..80).chain([u64::MAX, 3, 0]) {
        if let Some(relocation) = cursor.lookup(offset) {
            for size in [0, 1, 2, 4, 8, 255] {
                let _ = relocation.apply(u64::MAX, size);
            }
        }
        cursor.each_from(offset, 3, |_, _| ());
    }
}

/// A file with something of everything.
fn rich(is_64: bool, endian: Endianness) -> Vec<u8> {
    let mut file = TestElf::relocatable(is_64, endian, elf::EM_RISCV);
    let text = file.allocated(".text", 0, 16, &[0; 64]);
    let ids: Vec<u8> = [1, 1, 0, 5].into_iter().flat_map(|word| file.word(word)).collect();
    let ids = file.allocated(".BTF_ids", 0, 4, &ids);
    let info = file.debug(".debug_info", &[7; 64]);
    let zstd = compress_to_vec(&b"strings"[..], CompressionLevel::Fastest);
    let header = if is_64 {
        [&file.word(elf::ELFCOMPRESS_ZSTD.0)[..], &[0; 4], &file.long(7), &file.long(1)].concat()
    } else {
        [file.word(elf::ELFCOMPRESS_ZSTD.0), file.word(7), file.word(1)].concat()
    };
    let strings = file.debug(".debug_str", &[header, zstd].concat());
    file.section(strings).sh_flags = elf::SHF_COMPRESSED.0;
    let mut zlib = ZlibEncoder::new(b"ZLIB\0\0\0\0\0\0\0\x09".to_vec(), Compression::default());
    zlib.write_all(b"addresses").unwrap();
    file.debug(".zdebug_addr", &zlib.finish().unwrap());
    let function = file.symbol("function.isra.0", elf::STT_FUNC, text, 4, 8);
    file.symbol("function", elf::STT_FUNC, text, 4, 8);
    file.symbol("__BTF_ID__set8__kfuncs", elf::STT_OBJECT, ids, 0, 16);
    file.symbol("__BTF_ID__func__function__1", elf::STT_OBJECT, ids, 8, 4);
    for offset in [4, 4, 8, 16, 16, 40] {
        file.relocate(info, offset, elf::R_RISCV_ADD32, function, 1);
    }
    file.build()
}

#[test]
fn without_damage_all_of_it_is_read() {
    for (is_64, endian) in KINDS {
        let bytes = rich(is_64, endian);
        let image = Image::parse(&bytes).unwrap();
        let sections = image.debug_sections().unwrap();
        assert_eq!((&*sections.str.data, &*sections.addr.data), (&b"strings"[..], &b"addresses"[..]));
        assert_eq!(sections.info.relocations.len(), 6);
        assert!(sections.info.relocations.cursor().lookup(40).unwrap().apply(0, 4).unwrap().is_some());
        assert_eq!(kfuncs(&image).unwrap().functions.len(), 1);
    }
}

#[test]
fn a_file_cut_anywhere() {
    for (is_64, endian) in KINDS {
        let bytes = rich(is_64, endian);
        read_everything(&bytes);
        for len in 0..bytes.len() {
            read_everything(&bytes[..len]);
        }
    }
}

/// Each byte of the file set to values that make sizes, offsets and indexes small, huge and negative.
#[test]
fn a_file_with_any_byte_changed() {
    for (is_64, endian) in KINDS {
        let bytes = rich(is_64, endian);
        for index in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff, bytes[index] ^ 1, bytes[index].wrapping_add(4)] {
                let mut changed = bytes.clone();
                changed[index] = value;
                read_everything(&changed);
            }
        }
    }
}

/// Whole fields, which single bytes do not reach: each aligned word, set to extremes.
#[test]
fn a_file_with_any_word_changed() {
    for (is_64, endian) in KINDS {
        let bytes = rich(is_64, endian);
        for index in (0..bytes.len() - 8).step_by(4) {
            for width in [4, 8] {
                for value in [0u64, u64::MAX, u64::MAX / 2, 1 << 31, bytes.len() as u64 - 1] {
                    let mut changed = bytes.clone();
                    let word = if endian == Endianness::Little {
                        value.to_le_bytes()[..width].to_vec()
                    } else {
                        value.to_be_bytes()[8 - width..].to_vec()
                    };
                    changed[index..index + width].copy_from_slice(&word);
                    read_everything(&changed);
                }
            }
        }
    }
}

#[test]
fn a_count_of_sections_past_all_numbers() {
    let mut bytes = TestElf::relocatable(true, Endianness::Little, elf::EM_X86_64).build();
    let table = u64::from_le_bytes(bytes[40..48].try_into().unwrap()) as usize;
    // The count is in the first section header where the ELF header has none.
    bytes[60..62].fill(0);
    bytes[table + 32..table + 40].fill(0xff);
    assert!(Image::parse(&bytes).is_err());
}
