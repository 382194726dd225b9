//! Names: where their bytes are, and the hash that stands for them.

use crate::entry::Class;
use crate::plan::Encoding;
use crate::sections::{Bytes, Relocate, Sections};
use btfkit_btf::unit::{Name, NameRef, hash_at, hash_before_nul, name_hash, short_name_hash};
use rustc_hash::FxHashSet;

/// The upper three bits of a [`NameRef`] say where the rest is an offset (or index) into.
const PLACE_SHIFT: u32 = 61;
const OFFSET_MASK: u64 = (1 << PLACE_SHIFT) - 1;
const STR: u64 = 0;
const LINE_STR: u64 = 1;
const INFO: u64 = 2;
const TYPES: u64 = 3;
const LITERAL: u64 = 4;
const MADE: u64 = 5;

/// Names that DWARF does not have.
const LITERALS: [&[u8]; 2] = [b"int", b"__SANITIZED_FAKE_INT__"];

/// The index type of arrays where no unit has an `int`.
pub(crate) const INT: usize = 0;
/// Stands for integers of a size that BTF does not know; so does the reference.
pub(crate) const FAKE_INT: usize = 1;

pub(crate) fn literal(index: usize) -> Name {
    Name { hash: name_hash(LITERALS[index]), at: NameRef(LITERAL << PLACE_SHIFT | index as u64) }
}

/// A name that was put together: `index` in [`crate::Lowered::made_names`] of that group.
pub(crate) fn made(bytes: &[u8], group: u32, index: usize) -> Name {
    Name { hash: name_hash(bytes), at: NameRef(MADE << PLACE_SHIFT | (group as u64) << 28 | index as u64) }
}

/// The bytes of a name. `made` gives those that were put together, by group and index.
pub fn bytes_of<'a>(sections: &Sections<'a>, at: NameRef, made: impl Fn(u32, usize) -> &'a [u8]) -> &'a [u8] {
    let offset = at.0 & OFFSET_MASK;
    let data = match at.0 >> PLACE_SHIFT {
        STR => sections.str.data,
        LINE_STR => sections.line_str.data,
        INFO => sections.info.data,
        TYPES => sections.types.data,
        LITERAL => return LITERALS[offset as usize],
        _ => return made((offset >> 28) as u32, (offset & ((1 << 28) - 1)) as usize),
    };
    Bytes::new(data, false).string(&mut (offset as usize)).unwrap_or_default()
}

/// How names are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identity {
    /// By their bytes.
    Bytes,
    /// By their offsets in `.debug_str`, at the bytes of which nobody looks: linkers merge strings, so that equal
    /// offsets are equal names and the reverse. [`Taken::are_distinct`] tells afterwards whether that was so.
    Offsets,
}

/// Turns string attributes into names, one for each thread.
pub(crate) struct Names<'a> {
    sections: Sections<'a>,
    str_offsets: Option<Box<dyn Relocate + 'a>>,
    identity: Identity,
}

/// The hash of a name that is told by its offset: another one for each offset up to 2^63, and never 0.
#[inline(always)]
pub(crate) fn offset_hash(offset: u64) -> u64 {
    offset.wrapping_mul(0x9e37_79b9_7f4a_7c15) << 1 | 1
}

/// The hash of a name of up to seven bytes: these as a little-endian word, with what follows them. 0 for an empty one.
#[inline(always)]
pub(crate) fn inline_hash(word: u64, length: usize) -> u64 {
    if length == 0 { 0 } else { short_name_hash(u128::from(word & ((1 << (8 * length)) - 1))) }
}

/// A name of up to seven bytes that stands in its entry: its bytes as a little-endian word, with what follows them.
#[inline(always)]
pub(crate) fn inline_name(word: u64, length: usize, at: usize, in_types: bool) -> Name {
    let hash = inline_hash(word, length);
    if hash == 0 {
        return Name::NONE;
    }
    let place = if in_types { TYPES } else { INFO };
    Name { hash, at: NameRef(place << PLACE_SHIFT | at as u64 & OFFSET_MASK) }
}

/// The name at an offset of `.debug_str`, where it is known that there is one. It is compared with no other.
#[inline(always)]
pub(crate) fn at_str_offset(offset: u64) -> Name {
    Name { hash: offset_hash(offset), at: NameRef(STR << PLACE_SHIFT | offset & OFFSET_MASK) }
}

/// The names that were kept, to find out whether all that were taken as different ones are different.
pub struct Taken {
    /// A bit for each offset of `.debug_str` that tells a name.
    offsets: Vec<u64>,
    /// Hashes of names that are told by their bytes.
    others: FxHashSet<u64>,
    /// An offset is beyond the section.
    astray: bool,
}

impl Taken {
    /// Equal names may come again and again.
    pub fn of(sections: &Sections<'_>, names: impl Iterator<Item = Name>) -> Taken {
        let offsets = vec![0u64; sections.str.data.len() / 64 + 1];
        let mut taken = Taken { offsets, others: FxHashSet::default(), astray: false };
        for name in names.filter(|name| !name.is_none()) {
            let offset = name.at.0 & OFFSET_MASK;
            if name.at.0 >> PLACE_SHIFT != STR || name.hash != offset_hash(offset) {
                taken.others.insert(name.hash);
                continue;
            }
            match taken.offsets.get_mut(offset as usize / 64) {
                Some(word) => *word |= 1 << (offset % 64),
                None => taken.astray = true,
            }
        }
        taken
    }

    /// What both have.
    pub fn and(mut self, other: Taken) -> Taken {
        self.offsets.iter_mut().zip(other.offsets).for_each(|(word, other)| *word |= other);
        self.others.extend(other.others);
        self.astray |= other.astray;
        self
    }

    /// Is no name there twice, and are those that are told by their offsets neither empty nor unreadable?
    pub fn are_distinct(&self, sections: &Sections<'_>) -> bool {
        let words = self.offsets.iter().enumerate().filter(|(_, word)| **word != 0);
        let offsets =
            words.flat_map(|(at, &word)| (0..64).filter(move |bit| word & 1 << bit != 0).map(move |bit| at * 64 + bit));
        let hash = |mut offset: usize| {
            let bytes = Bytes::new(sections.str.data, false).string(&mut offset).ok()?;
            (!bytes.is_empty()).then(|| name_hash(bytes))
        };
        let Some(mut hashes) = offsets.map(hash).collect::<Option<Vec<u64>>>() else { return false };
        hashes.sort_unstable();
        !self.astray
            && hashes.windows(2).all(|pair| pair[0] != pair[1])
            && !hashes.iter().any(|hash| self.others.contains(hash))
    }
}

impl<'a> Names<'a> {
    pub fn new(sections: Sections<'a>, identity: Identity) -> Names<'a> {
        Names { sections, str_offsets: sections.str_offsets.relocations.map(|r| r.cursor()), identity }
    }

    /// The name that a form of class `class` states; none for an empty or unreadable one.
    #[inline]
    pub fn name(&mut self, class: Class, value: u64, in_types: bool, strings: StringTable) -> Name {
        match class {
            Class::Str => self.in_str(value),
            Class::StrIndex => self.by_index(value, strings),
            _ => self.by_bytes(class, value, in_types, strings),
        }
    }

    #[inline]
    pub fn are_told_by_offset(&self) -> bool {
        self.identity == Identity::Offsets
    }

    /// The name at an offset of `.debug_str`.
    #[inline(always)]
    pub fn in_str(&self, offset: u64) -> Name {
        match self.identity {
            Identity::Bytes => name_at(STR, self.sections.str.data, offset),
            Identity::Offsets => at_str_offset(offset & OFFSET_MASK),
        }
    }

    /// The name at an index of `.debug_str_offsets`.
    #[inline(always)]
    pub fn by_index(&mut self, index: u64, strings: StringTable) -> Name {
        self.str_offset(index, strings).map_or(Name::NONE, |offset| self.in_str(offset))
    }

    /// As [`name`](Self::name), but always told by its bytes: to be compared with names that are not from DWARF, and
    /// with no others.
    pub fn by_bytes(&mut self, class: Class, value: u64, in_types: bool, strings: StringTable) -> Name {
        let (place, section) = match class {
            Class::Str | Class::StrIndex => (STR, self.sections.str),
            Class::LineStr => (LINE_STR, self.sections.line_str),
            Class::InlineStr if in_types => (TYPES, self.sections.types),
            Class::InlineStr => (INFO, self.sections.info),
            _ => return Name::NONE,
        };
        let offset = if class == Class::StrIndex { self.str_offset(value, strings) } else { Some(value) };
        offset.map_or(Name::NONE, |offset| name_at(place, section.data, offset))
    }

    /// A unit's string offsets, if these have 4 bytes each and are in place.
    pub fn offsets_of(&self, strings: StringTable) -> &'a [u8] {
        let plain = self.str_offsets.is_none() && strings.encoding.offset_size == 4;
        let base = usize::try_from(strings.base).ok().filter(|_| plain);
        base.and_then(|base| self.sections.str_offsets.data.get(base..)).unwrap_or_default()
    }

    #[inline(always)]
    fn str_offset(&mut self, index: u64, strings: StringTable) -> Option<u64> {
        // What there is nearly always: 32-bit DWARF in a linked file, and a table that lies in its section.
        if self.str_offsets.is_none() && strings.encoding.offset_size == 4 && index <= u32::MAX as u64 {
            let data = self.sections.str_offsets.data;
            let at = strings.base.checked_add(index * 4)?;
            let raw = *data.get(usize::try_from(at).ok()?..)?.first_chunk::<4>()?;
            let raw = if self.sections.big_endian { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) };
            return Some(raw as u64);
        }
        self.any_str_offset(index, strings)
    }

    #[inline(never)]
    fn any_str_offset(&mut self, index: u64, strings: StringTable) -> Option<u64> {
        let size = strings.encoding.offset_size;
        let at = strings.base.checked_add(index.checked_mul(size as u64)?)?;
        let bytes = Bytes::new(self.sections.str_offsets.data, self.sections.big_endian);
        let raw = bytes.sized(usize::try_from(at).ok()?, size).ok()?;
        match &mut self.str_offsets {
            None => Some(raw),
            Some(relocations) => relocations.value(at, size, raw).ok(),
        }
    }
}

/// Where a unit's string offsets are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StringTable {
    pub base: u64,
    pub encoding: Encoding,
}

#[inline(always)]
fn name_at(place: u64, data: &[u8], offset: u64) -> Name {
    let at = usize::try_from(offset).unwrap_or(usize::MAX);
    match data.get(at..).and_then(hash_before_nul) {
        Some(0) => Name::NONE,
        Some(hash) => Name { hash, at: NameRef(place << PLACE_SHIFT | offset & OFFSET_MASK) },
        None => long_name_at(place, data, at),
    }
}

/// The name at an offset of `.debug_str`, told by its bytes; None for an empty or unreadable one.
#[inline(always)]
pub(crate) fn name_in(data: &[u8], offset: u32) -> Option<Name> {
    match hash_at(data, offset) {
        Some(hash) => Some(Name { hash, at: NameRef(STR << PLACE_SHIFT | offset as u64) }),
        None => Some(long_name_at(STR, data, offset as usize)).filter(|name| !name.is_none()),
    }
}

#[inline(never)]
fn long_name_at(place: u64, data: &[u8], offset: usize) -> Name {
    match Bytes::new(data, false).string(&mut { offset }) {
        Ok(bytes) if !bytes.is_empty() => {
            Name { hash: name_hash(bytes), at: NameRef(place << PLACE_SHIFT | offset as u64 & OFFSET_MASK) }
        }
        _ => Name::NONE,
    }
}
