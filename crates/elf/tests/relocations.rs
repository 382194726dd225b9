//! Relocations of debug sections, consulted where a value is read.

mod common;

use btfkit_elf::{DebugSection, Image, Plain, RelocationCursor, RelocationError};
use common::{KINDS, TestElf};
use object::Endianness;
use object::elf::{self, Machine, RelocationType};

const LITTLE: Endianness = Endianness::Little;
const BIG: Endianness = Endianness::Big;

fn info<'data>(bytes: &'data [u8]) -> DebugSection<'data> {
    Image::parse(bytes).unwrap().debug_sections().unwrap().info
}

/// The value at a place, as a reader takes it: a lookup, and `apply` on what is there.
fn read(section: &DebugSection<'_>, offset: u64, raw: u64, size: u8) -> Result<Option<u64>, RelocationError> {
    section.relocations.cursor().lookup(offset).expect("a relocation").apply(raw, size)
}

#[test]
fn addresses_with_addends_and_without() {
    let cases: [(Machine, bool, Endianness, bool, RelocationType, u8); 16] = [
        (elf::EM_X86_64, true, LITTLE, true, elf::R_X86_64_64, 8),
        (elf::EM_X86_64, true, LITTLE, true, elf::R_X86_64_32, 4),
        (elf::EM_X86_64, true, LITTLE, true, elf::R_X86_64_32S, 4),
        (elf::EM_386, false, LITTLE, false, elf::R_386_32, 4),
        (elf::EM_AARCH64, true, LITTLE, true, elf::R_AARCH64_ABS64, 8),
        (elf::EM_AARCH64, true, BIG, true, elf::R_AARCH64_ABS32, 4),
        (elf::EM_ARM, false, LITTLE, false, elf::R_ARM_ABS32, 4),
        (elf::EM_ARM, false, BIG, true, elf::R_ARM_ABS32, 4),
        (elf::EM_S390, true, BIG, true, elf::R_390_64, 8),
        (elf::EM_PPC64, true, LITTLE, true, elf::R_PPC64_ADDR64, 8),
        (elf::EM_PPC, false, BIG, true, elf::R_PPC_ADDR32, 4),
        (elf::EM_RISCV, true, LITTLE, true, elf::R_RISCV_64, 8),
        (elf::EM_MIPS, false, BIG, false, elf::R_MIPS_32, 4),
        (elf::EM_MIPS, true, BIG, true, elf::R_MIPS_64, 8),
        (elf::EM_MIPS, true, LITTLE, true, elf::R_MIPS_64, 8),
        (elf::EM_LOONGARCH, true, LITTLE, true, elf::R_LARCH_64, 8),
    ];
    for (machine, is_64, endian, is_rela, kind, size) in cases {
        let mut file = TestElf::relocatable(is_64, endian, machine);
        file.allocated(".text", 0, 16, &[0; 40]);
        let data = file.allocated(".data", 0x55, 16, &[0; 40]);
        let strings = file.debug(".debug_str", b"a string");
        let info_section = file.debug(".debug_info", &[0; 64]);
        file.section(info_section).is_rela = is_rela;
        let object = file.symbol("object", elf::STT_OBJECT, data, 8, 8);
        let section = file.symbol("", elf::STT_SECTION, strings, 0, 0);
        let absolute = file.special("absolute", elf::STT_NOTYPE, elf::SHN_ABS, 0x1234);
        for (offset, symbol) in [(8, object), (16, section), (24, absolute), (32, 0)] {
            file.relocate(info_section, offset, kind, symbol, if is_rela { 5 } else { 0 });
        }
        let bytes = file.build();
        let place = Image::parse(&bytes).unwrap().sections()[data].address + 8;
        let section = info(&bytes);
        assert_eq!(section.relocations.len(), 4);
        // Whatever is in place does not count where there is an addend, and is the addend where there is none.
        let raw = if is_rela { 0xdead } else { 5 };
        let found = [8, 16, 24, 32].map(|offset| read(&section, offset, raw, size).unwrap().unwrap());
        assert_eq!(found, [place + 5, 5, 0x1239, 5], "machine {}", machine.0);
        let wrong = read(&section, 8, raw, 2);
        assert_eq!(wrong, Err(RelocationError::Width { offset: 8, width: size, size: 2 }));
    }
}

#[test]
fn values_are_cut_to_their_size() {
    let mut file = TestElf::relocatable(true, LITTLE, elf::EM_X86_64);
    let section = file.debug(".debug_info", &[0; 16]);
    let symbol = file.special("absolute", elf::STT_NOTYPE, elf::SHN_ABS, 0xffff_ffff_8000_0000);
    file.relocate(section, 0, elf::R_X86_64_32S, symbol, 1);
    file.relocate(section, 8, elf::R_X86_64_64, symbol, 1);
    let bytes = file.build();
    assert_eq!(read(&info(&bytes), 0, 0, 4), Ok(Some(0x8000_0001)));
    assert_eq!(read(&info(&bytes), 8, 0, 8), Ok(Some(0xffff_ffff_8000_0001)));
}

#[test]
fn differences_take_several_relocations_at_one_place() {
    let mut file = TestElf::relocatable(true, LITTLE, elf::EM_RISCV);
    let text = file.allocated(".text", 0, 2, &[0; 0x200]);
    let section = file.debug(".debug_info", &[0; 64]);
    let start = file.symbol(".L0", elf::STT_NOTYPE, text, 0x10, 0);
    let end = file.symbol(".L1", elf::STT_NOTYPE, text, 0x1a4, 0);
    for (offset, add, subtract) in [
        (0, elf::R_RISCV_ADD32, elf::R_RISCV_SUB32),
        (8, elf::R_RISCV_ADD64, elf::R_RISCV_SUB64),
        (16, elf::R_RISCV_ADD16, elf::R_RISCV_SUB16),
        (20, elf::R_RISCV_ADD8, elf::R_RISCV_SUB8),
        (21, elf::R_RISCV_SET8, elf::R_RISCV_SUB8),
        (22, elf::R_RISCV_SET6, elf::R_RISCV_SUB6),
        (24, elf::R_RISCV_SET_ULEB128, elf::R_RISCV_SUB_ULEB128),
        (28, elf::R_RISCV_SET32, elf::R_RISCV_SUB32),
        (32, elf::R_RISCV_NONE, elf::R_RISCV_RELAX),
    ] {
        file.relocate(section, offset, add, end, 0);
        file.relocate(section, offset, subtract, start, 0);
    }
    file.relocate(section, 40, elf::R_RISCV_ADD32, end, 1);
    let bytes = file.build();
    let info = info(&bytes);
    assert_eq!(read(&info, 0, 0, 4), Ok(Some(0x194)));
    assert_eq!(read(&info, 8, 2, 8), Ok(Some(0x196)));
    assert_eq!(read(&info, 16, 0, 2), Ok(Some(0x194)));
    assert_eq!(read(&info, 20, 0, 1), Ok(Some(0x94)));
    assert_eq!(read(&info, 21, 0xff, 1), Ok(Some(0x94)));
    // The upper two bits are an opcode and stay.
    assert_eq!(read(&info, 22, 0xc0, 1), Ok(Some(0xc0 | 0x14)));
    assert_eq!(read(&info, 24, 0x80, 0), Ok(Some(0x194)));
    assert_eq!(read(&info, 28, 7, 4), Ok(Some(0x194)));
    assert_eq!(read(&info, 32, 7, 4), Ok(Some(7)));
    let text = Image::parse(&bytes).unwrap().sections()[1].address;
    assert_eq!(read(&info, 40, 1, 4), Ok(Some(text + 0x1a4 + 2)));

    let mut file = TestElf::relocatable(true, LITTLE, elf::EM_LOONGARCH);
    let text = file.allocated(".text", 0, 2, &[0; 0x200]);
    let section = file.debug(".debug_info", &[0; 64]);
    let start = file.symbol(".L0", elf::STT_NOTYPE, text, 0x10, 0);
    let end = file.symbol(".L1", elf::STT_NOTYPE, text, 0x1a4, 0);
    file.relocate(section, 4, elf::R_LARCH_ADD_ULEB128, end, 0);
    file.relocate(section, 4, elf::R_LARCH_SUB_ULEB128, start, 0);
    let bytes = file.build();
    assert_eq!(read(&self::info(&bytes), 4, 0, 0), Ok(Some(0x194)));
}

#[test]
fn what_only_the_loader_knows_is_not_a_value() {
    let mut file = TestElf::relocatable(true, LITTLE, elf::EM_X86_64);
    let section = file.debug(".debug_info", &[0; 64]);
    let storage = file.allocated(".tdata", 0, 8, &[0; 8]);
    let thread_local = file.symbol("thread_local", elf::STT_TLS, storage, 0, 8);
    let undefined = file.special("undefined", elf::STT_NOTYPE, elf::SHN_UNDEF, 0);
    let common = file.special("common", elf::STT_OBJECT, elf::SHN_COMMON, 8);
    file.relocate(section, 0, elf::R_X86_64_DTPOFF64, thread_local, 0);
    file.relocate(section, 8, elf::R_X86_64_TPOFF32, thread_local, 0);
    file.relocate(section, 16, elf::R_X86_64_64, undefined, 0);
    file.relocate(section, 24, elf::R_X86_64_64, common, 0);
    file.relocate(section, 32, elf::R_X86_64_PC32, thread_local, 0);
    file.relocate(section, 40, elf::R_X86_64_64, 99, 0);
    let bytes = file.build();
    let info = info(&bytes);
    for offset in [0, 16, 24] {
        assert_eq!(read(&info, offset, 0, 8), Ok(None), "{offset}");
    }
    assert_eq!(read(&info, 8, 0, 4), Ok(None));
    let kind = elf::R_X86_64_PC32.0;
    assert_eq!(read(&info, 32, 0, 4), Err(RelocationError::Unsupported { machine: 62, kind, offset: 32 }));
    assert_eq!(read(&info, 40, 0, 8), Err(RelocationError::NoSuchSymbol { offset: 40, symbol: 99, symbols: 4 }));
}

/// A cursor, wherever it stands, finds what a search through all entries finds.
#[test]
fn a_cursor_finds_what_is_there_in_any_order_of_lookups() {
    // Some far from one another, some side by side, some places with several, from 0 on.
    let mut offsets: Vec<u64> = Vec::new();
    let mut offset = 0;
    for number in 0..3000u64 {
        offsets.push(offset);
        offset += [4, 4, 8, 0, 1, 4, 300, 4, 5000][(number * number % 9) as usize % 9];
    }
    let last = *offsets.last().unwrap();
    for sorted in [true, false] {
        for (is_64, endian) in KINDS {
            let mut file = TestElf::relocatable(is_64, endian, elf::EM_RISCV);
            let section = file.debug(".debug_info", &[0; 16]);
            let mut written = offsets.clone();
            if !sorted {
                // Pieces in another order, as when sections were put together by a tool that does not sort.
                written.rotate_left(1234);
                written.swap(7, 99);
            }
            for offset in &written {
                file.relocate(section, *offset, elf::R_RISCV_ADD32, 0, 1);
            }
            let bytes = file.build();
            let info = info(&bytes);
            let times = |offset: u64| offsets.iter().filter(|&&other| other == offset).count() as u64;
            let mut cursor = info.relocations.cursor();
            let mut check = |offset: u64| {
                let expected = times(offset);
                match cursor.lookup(offset) {
                    Some(found) if expected != 0 => {
                        assert_eq!(found.offset(), offset);
                        if expected <= 8 {
                            assert_eq!(found.apply(100, 4), Ok(Some(100 + expected)), "{offset}");
                        }
                    }
                    None if expected == 0 => {}
                    other => panic!("at {offset}: {other:?} instead of {expected}"),
                }
            };
            // In order, in order with gaps, backward, back and forth, behind the end.
            offsets.iter().step_by(3).for_each(|&offset| check(offset));
            check(last + 1);
            check(0);
            offsets.iter().step_by(97).for_each(|&offset| check(offset + 2));
            offsets.iter().rev().step_by(5).for_each(|&offset| check(offset));
            let mut random = 0x9e37_79b9_7f4a_7c15u64;
            for _ in 0..2000 {
                random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                check((random >> 33) % (last + 50));
                check(offsets[(random >> 40) as usize % offsets.len()]);
            }
        }
    }
}

/// One entry that stands too late is found wherever it is, in blocks and behind the last of them.
#[test]
fn entries_are_handed_out_as_they_stand_only_where_all_are_in_order() {
    for count in 0..40u64 {
        for wrong in 0..=count {
            let mut file = TestElf::relocatable(true, LITTLE, elf::EM_X86_64);
            let section = file.debug(".debug_info", &[0; 16]);
            for number in 0..count {
                // Two at each place; one entry is of a place before that of the entry in front of it.
                let offset = 100 + number / 2 - if number == wrong { 50 } else { 0 };
                file.relocate(section, offset, elf::R_X86_64_32, 0, 1);
            }
            let bytes = file.build();
            let info = info(&bytes);
            let expected = if wrong == 0 || wrong == count { count } else { 0 };
            assert_eq!(info.relocations.sorted_entries().len() as u64, expected, "{wrong} of {count}");
        }
    }
}

#[test]
fn a_flood_of_relocations_for_one_place_is_refused_not_worked_through() {
    let mut file = TestElf::relocatable(true, LITTLE, elf::EM_RISCV);
    let section = file.debug(".debug_info", &[0; 16]);
    for offset in [0; 50].into_iter().chain([4]) {
        file.relocate(section, offset, elf::R_RISCV_ADD32, 0, 1);
    }
    let bytes = file.build();
    let info = info(&bytes);
    let mut cursor = info.relocations.cursor();
    assert_eq!(cursor.lookup(0).unwrap().apply(0, 4), Err(RelocationError::TooMany { offset: 0 }));
    assert_eq!(cursor.lookup(4).unwrap().apply(0, 4), Ok(Some(1)));
    assert_eq!(from(&mut cursor, 0, 9), [(0, None), (4, None)]);
}

#[test]
fn a_flood_of_relocations_for_the_last_place_there_can_be() {
    let mut file = TestElf::relocatable(true, LITTLE, elf::EM_X86_64);
    let section = file.debug(".debug_info", &[0; 16]);
    for offset in [4].into_iter().chain([u64::MAX; 50]) {
        file.relocate(section, offset, elf::R_X86_64_64, 0, 1);
    }
    let bytes = file.build();
    let info = info(&bytes);
    let plain = Plain { value: 1, size: 8, in_place: false };
    assert_eq!(from(&mut info.relocations.cursor(), 0, 9), [(4, Some(plain)), (u64::MAX, None)]);
}

fn from(cursor: &mut RelocationCursor<'_, '_>, offset: u64, most: usize) -> Vec<(u64, Option<Plain>)> {
    let mut found = Vec::new();
    cursor.each_from(offset, most, |offset, plain| found.push((offset, plain)));
    found
}

/// What is decoded ahead is what a lookup gives, or is left to it.
#[test]
fn places_are_told_ahead_as_they_are_looked_up() {
    let machines = [
        (elf::EM_X86_64, [elf::R_X86_64_64, elf::R_X86_64_32, elf::R_X86_64_DTPOFF64, elf::R_X86_64_PC32], true),
        (elf::EM_386, [elf::R_386_32, elf::R_386_16, elf::R_386_TLS_LE, elf::R_386_PC32], false),
        (elf::EM_RISCV, [elf::R_RISCV_64, elf::R_RISCV_32, elf::R_RISCV_ADD32, elf::R_RISCV_SET8], true),
        (elf::EM_MIPS, [elf::R_MIPS_64, elf::R_MIPS_32, elf::R_MIPS_NONE, elf::R_MIPS_TLS_DTPMOD64], true),
    ];
    for (machine, kinds, addends) in machines {
        for (is_64, endian) in KINDS {
            for sorted in [true, false] {
                let mut file = TestElf::relocatable(is_64, endian, machine);
                let text = file.allocated(".text", 0, 2, &[0; 0x200]);
                let section = file.debug(".debug_info", &[0; 16]);
                file.section(section).is_rela = addends;
                let mut symbols: Vec<usize> =
                    (0..20).map(|n| file.symbol("s", elf::STT_NOTYPE, text, n * 16, 0)).collect();
                symbols.push(file.special("undefined", elf::STT_NOTYPE, elf::SHN_UNDEF, 0));
                symbols.push(999);
                let (mut offset, mut places) = (4, Vec::new());
                let mut random = 0x9e37_79b9_7f4a_7c15u64;
                let mut next = |below: usize| {
                    random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    (random >> 40) as usize % below
                };
                for _ in 0..400 {
                    places.push((offset, kinds[next(kinds.len())], symbols[next(symbols.len())], next(1000) as i64));
                    offset += [4, 8, 0, 40, 4, 4][next(6)];
                }
                let mut expected: Vec<u64> = places.iter().map(|place| place.0).collect();
                expected.dedup();
                if !sorted {
                    places.rotate_left(123);
                }
                for (offset, kind, symbol, addend) in places {
                    file.relocate(section, offset, kind, symbol, addend);
                }
                let bytes = file.build();
                let info = info(&bytes);
                let mut cursor = info.relocations.cursor();
                let mut lookups = info.relocations.cursor();
                let starts = [0, 4, 5, 200, 9, 0, 1 << 40, expected[expected.len() - 1], 40];
                for (from_here, most) in starts.into_iter().zip([1000, 1, 7, 64, 0, 3, 5, 5, 1000]) {
                    let found = from(&mut cursor, from_here, most);
                    let offsets: Vec<u64> = found.iter().map(|found| found.0).collect();
                    let wanted = expected.iter().copied().filter(|&offset| offset >= from_here).take(most);
                    assert_eq!(offsets, wanted.collect::<Vec<_>>());
                    for (offset, told) in found {
                        let Some(told) = told else { continue };
                        let raw = 0x1234;
                        let value = told.value.wrapping_add(if told.in_place { raw } else { 0 });
                        let bits = 8 * u32::from(told.size);
                        let value = value & (u64::MAX >> (64 - bits));
                        let looked_up = lookups.lookup(offset).expect("a relocation").apply(raw, told.size);
                        assert_eq!(looked_up, Ok(Some(value)), "{machine:?} {offset}");
                    }
                }
                let all = from(&mut cursor, 0, usize::MAX);
                assert!(all.iter().any(|(_, told)| told.is_some()) && all.iter().any(|(_, told)| told.is_none()));
            }
        }
    }
}

#[test]
fn linked_files_have_their_values_in_place() {
    let mut file = TestElf::linked(true, LITTLE, elf::EM_X86_64);
    let section = file.debug(".debug_info", &[0; 16]);
    let symbol = file.special("absolute", elf::STT_NOTYPE, elf::SHN_ABS, 1);
    file.relocate(section, 0, elf::R_X86_64_64, symbol, 0);
    let bytes = file.build();
    let info = info(&bytes);
    assert!(info.relocations.is_empty());
    assert!(info.relocations.cursor().lookup(0).is_none());
}
