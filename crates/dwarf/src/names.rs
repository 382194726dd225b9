//! Names: where their bytes are, and the hash that stands for them.

use crate::entry::Class;
use crate::plan::Encoding;
use crate::sections::{Bytes, Relocate, Sections, short_length};
use btfkit_btf::unit::{Name, NameRef, name_hash, short_name_hash};
use rustc_hash::FxHashMap;

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

/// Turns string attributes into names, one for each thread.
///
/// Most names come from `.debug_str` by offset, and units include the same headers: after one name comes the one that
/// came after it last time, more often than not. What is known of names is therefore kept in the order in which they
/// came, each with the number of its successor; where the guess is wrong, a table by offset tells.
pub(crate) struct Names<'a> {
    sections: Sections<'a>,
    str_offsets: Option<Box<dyn Relocate + 'a>>,
    known: Vec<Known>,
    by_key: FxHashMap<u64, u32>,
    last: u32,
}

#[derive(Clone, Copy)]
struct Known {
    key: u64,
    hash: u64,
    next: u32,
}

/// Names beyond this are not remembered: no honest file has as many.
const MAX_KNOWN: usize = 1 << 22;

impl<'a> Names<'a> {
    pub fn new(sections: Sections<'a>) -> Names<'a> {
        Names {
            sections,
            str_offsets: sections.str_offsets.relocations.map(|r| r.cursor()),
            known: vec![Known { key: u64::MAX, hash: 0, next: 0 }],
            by_key: FxHashMap::default(),
            last: 0,
        }
    }

    /// The name that a form of class `class` states; none for an empty or unreadable one.
    #[inline]
    pub fn name(&mut self, class: Class, value: u64, in_types: bool, strings: StringTable) -> Name {
        match class {
            Class::Str => self.by_offset(STR, self.sections.str.data, value),
            Class::LineStr => self.by_offset(LINE_STR, self.sections.line_str.data, value),
            Class::InlineStr => {
                let (place, data) =
                    if in_types { (TYPES, self.sections.types.data) } else { (INFO, self.sections.info.data) };
                name_at(place, data, value)
            }
            Class::StrIndex => match self.str_offset(value, strings) {
                Some(offset) => self.by_offset(STR, self.sections.str.data, offset),
                None => Name::NONE,
            },
            _ => Name::NONE,
        }
    }

    fn by_offset(&mut self, place: u64, data: &'a [u8], offset: u64) -> Name {
        let key = place << PLACE_SHIFT | offset & OFFSET_MASK;
        let guess = self.known[self.last as usize].next;
        let known = self.known[guess as usize];
        if known.key == key {
            self.last = guess;
            return Name { hash: known.hash, at: NameRef(key) };
        }
        self.look_up(place, data, key, offset)
    }

    #[inline(never)]
    fn look_up(&mut self, place: u64, data: &'a [u8], key: u64, offset: u64) -> Name {
        let next = self.known.len() as u32;
        let found = *self.by_key.entry(key).or_insert(next);
        if found == next {
            let hash = name_at(place, data, offset).hash;
            if self.known.len() > MAX_KNOWN {
                self.by_key.remove(&key);
                return Name { hash, at: NameRef(key) };
            }
            self.known.push(Known { key, hash, next: 0 });
        }
        self.known[self.last as usize].next = found;
        self.last = found;
        Name { hash: self.known[found as usize].hash, at: NameRef(key) }
    }

    fn str_offset(&mut self, index: u64, strings: StringTable) -> Option<u64> {
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

#[inline]
fn name_at(place: u64, data: &[u8], offset: u64) -> Name {
    let mut at = usize::try_from(offset).unwrap_or(usize::MAX);
    // Short ones need neither a search nor a copy.
    if let Some(word) = data.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*word);
        match short_length(word) {
            0 => return Name::NONE,
            len @ 1..=7 => {
                let hash = short_name_hash(word & ((1 << (8 * len)) - 1));
                return Name { hash, at: NameRef(place << PLACE_SHIFT | offset & OFFSET_MASK) };
            }
            _ => {}
        }
    }
    match Bytes::new(data, false).string(&mut at) {
        Ok(bytes) if !bytes.is_empty() => {
            Name { hash: name_hash(bytes), at: NameRef(place << PLACE_SHIFT | offset & OFFSET_MASK) }
        }
        _ => Name::NONE,
    }
}
