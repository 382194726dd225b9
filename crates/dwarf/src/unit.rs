//! Unit headers, and which units must be read together.

use crate::abbreviations::{Abbreviations, may_refer_out};
use crate::codes::Codes;
use crate::entry::{Class, Cursor, Entry};
use crate::error::{DwarfError, Fault};
use crate::plan::{Encoding, FOLLOWED};
use crate::relocations::Relocations;
use crate::sections::{Bytes, Section, Sections};
use crate::tables::{ReadTables, Tables};
use gimli::constants as dw;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

#[derive(Debug, Clone, Copy)]
pub struct Unit {
    /// In `.debug_types` (DWARF 4) instead of `.debug_info`.
    pub(crate) in_types: bool,
    /// Offset of the header in its section, and of the first byte behind the unit.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Offset of the root entry.
    pub(crate) entries: usize,
    pub(crate) encoding: Encoding,
    pub(crate) abbrev: u64,
    /// Of a type unit: its signature, and the type's offset from `start`.
    pub(crate) signature: Option<(u64, u64)>,
}

/// Units that refer to one another, in ascending order: nearly always one.
pub struct Group {
    pub(crate) units: Vec<Unit>,
    /// Position of the group's first byte in the sections `.debug_info` and `.debug_types` put together, and length.
    pub(crate) start: u64,
    pub(crate) length: u32,
}

/// All units of a file, in the order in which they are to be read.
pub struct Units {
    pub groups: Vec<Group>,
    /// Types by signature.
    pub(crate) signatures: FxHashMap<u64, u64>,
    pub(crate) tables: Tables,
}

impl Units {
    pub fn read(sections: &Sections<'_>) -> Result<Units, DwarfError> {
        let mut units = headers(sections, &sections.info, false)?;
        units.extend(headers(sections, &sections.types, true)?);
        let info_len = sections.info.data.len() as u64;
        let mut signatures = FxHashMap::default();
        for unit in &units {
            if let Some((signature, offset)) = unit.signature {
                signatures.entry(signature).or_insert(unit.position(info_len) + offset);
            }
        }
        let tables = Tables::of(&units);
        let groups = group(sections, units, &signatures, &tables)?;
        Ok(Units { groups, signatures, tables })
    }
}

impl Unit {
    /// Where the unit starts in both sections put together.
    pub(crate) fn position(&self, info_len: u64) -> u64 {
        self.start as u64 + if self.in_types { info_len } else { 0 }
    }

    pub(crate) fn section<'s, 'a>(&self, sections: &'s Sections<'a>) -> &'s Section<'a> {
        if self.in_types { &sections.types } else { &sections.info }
    }

    pub(crate) fn error(&self, at: usize, fault: Fault) -> DwarfError {
        let section = if self.in_types { ".debug_types" } else { ".debug_info" };
        DwarfError { section, unit: self.start as u64, at: at as u64, fault }
    }

    pub(crate) fn cursor<'a>(&self, sections: &Sections<'a>) -> Cursor<'a> {
        let section = self.section(sections);
        Cursor {
            bytes: Bytes::new(&section.data[..self.end], sections.big_endian),
            at: self.entries,
            end: self.end,
            relocations: Relocations::of(section, &sections.str),
        }
    }
}

fn headers(sections: &Sections<'_>, section: &Section<'_>, in_types: bool) -> Result<Vec<Unit>, DwarfError> {
    let mut units = Vec::new();
    let mut cursor = Cursor {
        bytes: Bytes::new(section.data, sections.big_endian),
        at: 0,
        end: section.data.len(),
        relocations: Relocations::of(section, &sections.str),
    };
    while cursor.at < section.data.len() {
        let start = cursor.at;
        let header = header(&mut cursor, in_types).map_err(|fault| DwarfError {
            section: if in_types { ".debug_types" } else { ".debug_info" },
            unit: start as u64,
            at: cursor.at as u64,
            fault,
        })?;
        cursor.at = header.end;
        // A unit of length 0 is padding.
        if header.entries <= header.end {
            units.push(header);
        }
    }
    Ok(units)
}

fn header(cursor: &mut Cursor<'_>, in_types: bool) -> Result<Unit, Fault> {
    let start = cursor.at;
    let short = cursor.bytes.u32(cursor.at)?;
    cursor.at += 4;
    let (length, offset_size) = match short {
        0xffff_ffff => {
            let length = cursor.bytes.u64(cursor.at)?;
            cursor.at += 8;
            (length, 8)
        }
        0xffff_fff0.. => return Err(Fault::UnitTooLong { length: short as u64, left: cursor.end as u64 }),
        length => (length as u64, 4),
    };
    let left = (cursor.end - cursor.at) as u64;
    if length > left {
        return Err(Fault::UnitTooLong { length, left });
    }
    let end = cursor.at + length as usize;
    let mut encoding = Encoding { version: 0, address_size: 0, offset_size };
    if length == 0 {
        return Ok(Unit { in_types, start, end, entries: usize::MAX, encoding, abbrev: 0, signature: None });
    }
    encoding.version = cursor.bytes.u16(cursor.at)?;
    cursor.at += 2;
    if !(2..=5).contains(&encoding.version) {
        return Err(Fault::Version(encoding.version));
    }
    let mut kind = if in_types { dw::DW_UT_type } else { dw::DW_UT_compile };
    let abbrev;
    if encoding.version == 5 {
        kind = gimli::DwUt(cursor.bytes.u8(cursor.at)?);
        encoding.address_size = cursor.bytes.u8(cursor.at + 1)?;
        cursor.at += 2;
        abbrev = cursor.relocated(offset_size)?;
    } else {
        abbrev = cursor.relocated(offset_size)?;
        encoding.address_size = cursor.bytes.u8(cursor.at)?;
        cursor.at += 1;
    }
    if !matches!(encoding.address_size, 4 | 8) {
        return Err(Fault::AddressSize(encoding.address_size));
    }
    let mut signature = None;
    match kind {
        dw::DW_UT_compile | dw::DW_UT_partial => {}
        dw::DW_UT_skeleton | dw::DW_UT_split_compile => cursor.at += 8,
        dw::DW_UT_type | dw::DW_UT_split_type => {
            let id = cursor.bytes.u64(cursor.at)?;
            cursor.at += 8;
            signature = Some((id, cursor.relocated(offset_size)?));
        }
        other => return Err(Fault::UnitType(other.0)),
    }
    if cursor.at > end {
        return Err(Fault::End);
    }
    Ok(Unit { in_types, start, end, entries: cursor.at, encoding, abbrev, signature })
}

/// Unites what refers to one another: by offset from the start of `.debug_info` (LTO, dwz), or by signature.
fn group(
    sections: &Sections<'_>,
    units: Vec<Unit>,
    signatures: &FxHashMap<u64, u64>,
    tables: &Tables,
) -> Result<Vec<Group>, DwarfError> {
    let info_len = sections.info.data.len() as u64;
    let abbrev = Bytes::new(sections.abbrev.data, sections.big_endian);
    let mut leader: Vec<usize> = (0..units.len()).collect();
    // By unit: those that it refers to.
    let links: Result<Vec<Vec<usize>>, DwarfError> = match may_refer_out(abbrev.data) {
        true => {
            let of = |(read, plans): &mut (ReadTables, Abbreviations), index: usize| {
                read.next_group();
                // What is wrong with one is said by who lowers the unit.
                match read.numbers_of(&units[index], tables, abbrev, plans) {
                    Ok(numbers) => links(sections, &units, index, signatures, plans.codes(&numbers)),
                    Err(_) => Ok(Vec::new()),
                }
            };
            (0..units.len()).into_par_iter().map_init(Default::default, of).collect()
        }
        false => Ok(Vec::new()),
    };
    for (index, others) in links?.into_iter().enumerate() {
        for other in others {
            let (a, b) = (find(&mut leader, index), find(&mut leader, other));
            leader[a.max(b)] = a.min(b);
        }
    }
    let mut members: Vec<Vec<Unit>> = vec![Vec::new(); units.len()];
    for (index, unit) in units.iter().enumerate() {
        let first = find(&mut leader, index);
        members[first].push(*unit);
    }
    let mut groups = Vec::with_capacity(units.len());
    for units in members.into_iter().filter(|m| !m.is_empty()) {
        let (first, last) = (&units[0], &units[units.len() - 1]);
        let start = first.position(info_len);
        let end = last.position(info_len) + (last.end - last.start) as u64;
        // Offsets within a group are kept in 32 bits, with one to spare.
        let length = u32::try_from(end - start).ok().filter(|&l| l < 1 << 31);
        let length = length.ok_or_else(|| first.error(first.start, Fault::GroupTooLarge))?;
        groups.push(Group { units, start, length });
    }
    Ok(groups)
}

/// The units that a unit refers to.
fn links(
    sections: &Sections<'_>,
    units: &[Unit],
    index: usize,
    signatures: &FxHashMap<u64, u64>,
    codes: Codes<'_>,
) -> Result<Vec<usize>, DwarfError> {
    let info_len = sections.info.data.len() as u64;
    let unit = &units[index];
    let mut links = Vec::new();
    if !codes.lead_out() {
        return Ok(links);
    }
    let mut cursor = unit.cursor(sections);
    let bytes = |u: &Unit| (u.position(info_len), (u.end - u.start) as u64);
    let holds = |(start, length): (u64, u64), to: u64| to.wrapping_sub(start) < length;
    let own = bytes(unit);
    let mut last = own;
    outward(unit, codes, &mut cursor, |class, value| {
        let to = match class {
            Class::InfoRef => value,
            _ => match signatures.get(&value) {
                Some(&to) => to,
                None => return,
            },
        };
        // Several references in a row go to the same unit.
        if holds(last, to) || holds(own, to) {
            return;
        }
        if let Some(found) = units.partition_point(|u| u.position(info_len) <= to).checked_sub(1)
            && holds(bytes(&units[found]), to)
        {
            last = bytes(&units[found]);
            links.push(found);
        }
    })
    .map_err(|fault| unit.error(cursor.at, fault))?;
    links.sort_unstable();
    links.dedup();
    Ok(links)
}

fn find(leader: &mut [usize], mut index: usize) -> usize {
    while leader[index] != index {
        leader[index] = leader[leader[index]];
        index = leader[index];
    }
    index
}

/// Calls back for each reference that lowering would follow out of the unit.
fn outward(
    unit: &Unit,
    codes: Codes<'_>,
    cursor: &mut Cursor<'_>,
    mut found: impl FnMut(Class, u64),
) -> Result<(), Fault> {
    let mut entry = Entry::new();
    let in_place = cursor.relocations.is_none();
    let leaps = codes.leaps();
    let data = cursor.bytes.data;
    while cursor.at < unit.end {
        // What leads nowhere and has a fixed length costs two loads.
        while let Some(&code) = data.get(cursor.at)
            && let leap @ 1.. = leaps[code as usize] as usize
            && leap <= data.len() - cursor.at
        {
            cursor.at += leap;
        }
        if cursor.at == unit.end {
            break;
        }
        let code = cursor.bytes.uleb(&mut cursor.at)?;
        if code == 0 {
            continue;
        }
        let plan = codes.get(code).ok_or(Fault::Abbreviation { code, table: unit.abbrev })?;
        if plan.links.is_none() {
            plan.pass(cursor, unit.encoding)?;
            continue;
        }
        if let (true, Some(length), Some(far)) = (in_place, plan.length, &plan.far) {
            for &distance in far {
                found(Class::InfoRef, cursor.bytes.u32(cursor.at + distance as usize)? as u64);
            }
            cursor.advance(length as usize)?;
            continue;
        }
        let Some(links) = &plan.links else { continue };
        cursor.read_steps(links, unit.encoding, &mut entry)?;
        for attr in FOLLOWED {
            if let Some((class @ (Class::InfoRef | Class::Signature), value)) = entry.get(attr) {
                found(class, value);
            }
        }
    }
    Ok(())
}
