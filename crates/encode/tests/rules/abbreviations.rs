//! Abbreviation tables that no compiler writes: what they cost follows the size of the file, where it could be the square
//! of it. A test that takes seconds here has found something: tables of these files together, each unit with its own, would
//! have some hundred million declarations, or take some gigabytes.

use crate::common::*;

/// A declaration of a tag without children, whose one attribute is `DW_AT_byte_size` as `DW_FORM_data1`.
fn declaration(code: u16, tag: u8) -> Vec<u8> {
    vec![0x80 | code as u8, 0x80 | (code >> 7) as u8, (code >> 14) as u8, tag, 0, 0x0b, 0x0b, 0, 0]
}

/// A unit of DWARF 4 of one entry.
fn unit_of(table: usize, code: u16) -> Vec<u8> {
    let entries = [0x80 | code as u8, 0x80 | (code >> 7) as u8, (code >> 14) as u8, 4];
    let mut bytes = (7 + entries.len() as u32).to_le_bytes().to_vec();
    bytes.extend(4u16.to_le_bytes());
    bytes.extend((table as u32).to_le_bytes());
    bytes.push(8);
    bytes.extend(entries);
    bytes
}

fn encoded(units: impl Iterator<Item = Vec<u8>>, abbreviations: Vec<u8>) -> Outcome {
    let mut file = file(Profile::default());
    for (name, data) in [(".debug_info", units.flatten().collect()), (".debug_abbrev", abbreviations)] {
        file = file.section(name, 0, 0).unallocated(name).content(name, |bytes: &mut write::Bytes| bytes.data = data);
    }
    file.encode()
}

const BASE_TYPE: u8 = DW_TAG_base_type.0 as u8;
const UNIT: u8 = DW_TAG_compile_unit.0 as u8;

#[test]
fn a_code_far_away_costs_no_more_than_one() {
    ours(|| {
        let mut abbreviations = declaration(16_000, UNIT);
        abbreviations.push(0);
        encoded((0..10_000).map(|_| unit_of(0, 16_000)), abbreviations).failed("NO_TYPES");
        // Each with a table of its own.
        let abbreviations = (0..10_000).flat_map(|_| [declaration(16_000, UNIT), vec![0]].concat()).collect();
        encoded((0..10_000).map(|number| unit_of(number * 10, 16_000)), abbreviations).failed("NO_TYPES");
    });
}

#[test]
fn a_table_of_many_units_is_read_once() {
    ours(|| {
        let abbreviations = (1..=16_000).flat_map(|code| declaration(code, if code == 1 { UNIT } else { BASE_TYPE }));
        encoded((0..20_000).map(|_| unit_of(0, 1)), abbreviations.chain([0]).collect()).failed("NO_TYPES");
    });
}

#[test]
fn tables_that_overlap_are_malformed_where_they_are_many() {
    ours(|| {
        let abbreviations: Vec<u8> = (1..=16_000)
            .flat_map(|code| declaration(code, if code < 16_000 { UNIT } else { BASE_TYPE }))
            .chain([0])
            .collect();
        let units = |count: usize| (0..count).map(|number| unit_of(number * 9, number as u16 + 1));
        encoded(units(4), abbreviations.clone()).failed("NO_TYPES");
        encoded(units(15_000), abbreviations).failed("MALFORMED_DWARF");
    });
}
