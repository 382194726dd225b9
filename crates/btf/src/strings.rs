//! A string section under construction, and looking strings up in a finished one.

use crate::unit::name_hash;
use crate::{Btf, WriteError, header::MAX_STRING_OFFSET};
use hashbrown::HashTable;
use std::sync::Arc;

/// One slot of the index: part of the hash, so that most unequal strings are told apart without touching them, and
/// where the string starts.
#[derive(Clone, Copy)]
struct Slot {
    hash: u32,
    start: u32,
}

/// From a string to where it starts in a section.
pub(crate) struct StringIndex {
    slots: HashTable<Slot>,
}

fn table_hash(hash: u32) -> u64 {
    // The table takes its tag from the top bits and the bucket from the low ones: spread 32 bits over both.
    u64::from(hash) << 32 | u64::from(hash)
}

/// What a slot keeps of [`name_hash`], whose last bit is always set.
fn short_hash(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// Whether the NUL-terminated string at `start` is `text`.
fn is_at(section: &[u8], start: u32, text: &[u8]) -> bool {
    let rest = &section[start as usize..];
    rest.starts_with(text) && rest.get(text.len()) == Some(&0)
}

impl StringIndex {
    fn with_capacity(strings: usize) -> StringIndex {
        StringIndex { slots: HashTable::with_capacity(strings) }
    }

    /// Index of a whole section that ends with NUL. Of equal strings the first is found.
    pub fn of(section: &[u8]) -> StringIndex {
        let mut index = StringIndex::with_capacity(section.len() / 14);
        let mut start = 0;
        for end in memchr::memchr_iter(0, section) {
            let (text, hash) = (&section[start..end], short_hash(name_hash(&section[start..end])));
            let same = |slot: &Slot| slot.hash == hash && is_at(section, slot.start, text);
            let entry = index.slots.entry(table_hash(hash), same, |slot| table_hash(slot.hash));
            entry.or_insert(Slot { hash, start: start as u32 });
            start = end + 1;
        }
        index
    }

    /// `hash` is the text's [`name_hash`].
    pub fn find(&self, section: &[u8], text: &[u8], hash: u64) -> Option<u32> {
        self.find_short(section, text, short_hash(hash))
    }

    fn find_short(&self, section: &[u8], text: &[u8], hash: u32) -> Option<u32> {
        let same = |slot: &Slot| slot.hash == hash && is_at(section, slot.start, text);
        self.slots.find(table_hash(hash), same).map(|slot| slot.start)
    }

    fn insert(&mut self, hash: u32, start: u32) {
        self.slots.insert_unique(table_hash(hash), Slot { hash, start }, |slot| table_hash(slot.hash));
    }
}

/// Strings in the order of first use, each once; strings of the base are not repeated.
pub(crate) struct StringTable {
    base: Option<Arc<Btf>>,
    /// Offset of this section's first byte, which follows the base's last one.
    start: u32,
    section: Vec<u8>,
    index: StringIndex,
}

impl StringTable {
    pub fn new() -> StringTable {
        let mut table = StringTable { base: None, start: 0, section: vec![0], index: StringIndex::with_capacity(0) };
        table.index.insert(short_hash(name_hash(b"")), 0);
        table
    }

    pub fn split(base: Arc<Btf>) -> StringTable {
        let start = base.end_string();
        StringTable { base: Some(base), start, section: Vec::new(), index: StringIndex::with_capacity(0) }
    }

    /// Offset of a string, which is added when it is new; `hash` is its [`name_hash`].
    pub fn intern(&mut self, text: &[u8], hash: u64) -> Result<u32, WriteError> {
        if let Some(start) = self.index.find(&self.section, text, hash) {
            return Ok(self.start + start);
        }
        if let Some(offset) = self.base.as_ref().and_then(|base| base.find_hashed_string(text, hash)) {
            return Ok(offset);
        }
        let hash = short_hash(hash);
        if let Some(position) = memchr::memchr(0, text) {
            return Err(WriteError::NulInString { position });
        }
        let start = self.section.len();
        let end = self.start as usize + start + text.len();
        if end > MAX_STRING_OFFSET as usize {
            return Err(WriteError::StringsTooLong { size: end + 1, limit: MAX_STRING_OFFSET as usize + 1 });
        }
        self.section.extend_from_slice(text);
        self.section.push(0);
        self.index.insert(hash, start as u32);
        Ok(self.start + start as u32)
    }

    /// Makes room for so many more strings.
    pub fn reserve(&mut self, strings: usize) {
        self.index.slots.reserve(strings, |slot| table_hash(slot.hash));
    }

    pub fn bytes(&self) -> &[u8] {
        &self.section
    }
}
