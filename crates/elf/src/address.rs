//! Addresses for the sections of relocatable files.
//!
//! In a relocatable file (ET_REL: `.o`, `.ko`) sections have no address yet, and a symbol's value counts from the start
//! of its section. Two functions at the start of two sections would both be "at 0". So each allocated section is given
//! an address of its own, and a symbol's value becomes that address plus what the file says: then one number tells a
//! place, and the numbers that relocations put into DWARF are comparable with those of symbols.
//!
//! Invariants: sections do not overlap or touch (the address behind the last byte of one is never the first of
//! another, also where sections are empty), none is at 0, and sections that are not allocated, such as debug sections,
//! stay at 0, because DWARF counts offsets from their start.

use crate::{ElfError, Section};

/// Away from 0, which means "no address" in DWARF.
const FIRST_ADDRESS: u64 = 0x10000;

/// An alignment above this comes from a broken file; honouring it would waste the address space.
const LARGEST_ALIGNMENT: u64 = 1 << 32;

pub(crate) fn assign(sections: &mut [Section<'_>], is_64: bool) -> Result<(), ElfError> {
    let bits = if is_64 { 64 } else { 32 };
    let last = if is_64 { u64::MAX } else { u64::from(u32::MAX) };
    let mut next = FIRST_ADDRESS;
    for section in sections {
        if !section.is_allocated() {
            section.address = 0;
            continue;
        }
        let alignment = if section.alignment.is_power_of_two() && section.alignment <= LARGEST_ALIGNMENT {
            section.alignment
        } else {
            1
        };
        let place = next.checked_next_multiple_of(alignment).and_then(|start| {
            let end = start.checked_add(section.size)?;
            (end < last).then_some((start, end))
        });
        let (start, end) = place.ok_or(ElfError::AddressSpace { bits })?;
        section.address = start;
        next = end + 1;
    }
    Ok(())
}
