//! A string section under construction, and looking strings up in a finished one.

use crate::prefetch::prefetch;
use crate::unit::name_hash;
use crate::{Btf, WriteError, header::MAX_STRING_OFFSET};
use std::sync::Arc;

/// No slot: no string starts there.
const FREE: u64 = u64::MAX;

const SMALLEST: usize = 64;

/// From a string to where it starts in a section.
///
/// A base's index is larger than the caches that a module's other work leaves, and each string stands somewhere else in
/// it: look-ups that come in a row call for both the slot and the string beforehand. Slots stand at the first free place
/// from the one on that the upper bits of their hash say.
pub(crate) struct StringIndex {
    /// Part of a hash << 32, so that most unequal strings are told apart without touching them, and where the string
    /// starts; or [`FREE`]. As many as a power of two, of which three of eight are free at least.
    slots: Vec<u64>,
    len: usize,
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
        StringIndex { slots: vec![FREE; slots_for(strings)], len: 0 }
    }

    /// Index of a whole section that ends with NUL. Of equal strings the first is found.
    pub fn of(section: &[u8]) -> StringIndex {
        let mut index = StringIndex::with_capacity(section.len() / 14);
        let mut start = 0;
        for end in memchr::memchr_iter(0, section) {
            let (text, hash) = (&section[start..end], name_hash(&section[start..end]));
            if index.find(section, text, hash).is_none() {
                index.insert(hash, start as u32);
            }
            start = end + 1;
        }
        index
    }

    /// `hash` is the text's [`name_hash`].
    #[inline]
    pub fn find(&self, section: &[u8], text: &[u8], hash: u64) -> Option<u32> {
        let (mask, mut at) = (self.slots.len() - 1, self.home(hash));
        loop {
            let slot = self.slots[at & mask];
            if slot == FREE {
                return None;
            }
            if (slot >> 32) as u32 == short_hash(hash) && is_at(section, slot as u32, text) {
                return Some(slot as u32);
            }
            at += 1;
        }
    }

    #[inline]
    fn home(&self, hash: u64) -> usize {
        (hash >> (64 - self.slots.len().trailing_zeros())) as usize
    }

    /// Calls for what will be read of the index.
    #[inline]
    pub fn call_for_slot(&self, hash: u64) {
        prefetch(&self.slots, self.home(hash) as u64);
    }

    /// Calls for what will be read of the section, where the slot is near already. Most have the first place that they
    /// may have.
    #[inline]
    pub fn call_for_text(&self, section: &[u8], hash: u64) {
        let slot = self.slots[self.home(hash)];
        if (slot >> 32) as u32 == short_hash(hash) {
            prefetch(section, slot & u64::from(u32::MAX));
        }
    }

    /// Adds a string that is not there.
    fn insert(&mut self, hash: u64, start: u32) {
        if self.len * 8 >= self.slots.len() * 5 {
            self.reserve(self.len);
        }
        self.len += 1;
        self.put(u64::from(short_hash(hash)) << 32 | u64::from(start));
    }

    fn put(&mut self, slot: u64) {
        let mask = self.slots.len() - 1;
        let mut at = self.home(slot);
        while self.slots[at & mask] != FREE {
            at += 1;
        }
        self.slots[at & mask] = slot;
    }

    #[cold]
    fn reserve(&mut self, more: usize) {
        let wanted = slots_for(self.len + more);
        if wanted > self.slots.len() {
            let old = std::mem::replace(&mut self.slots, vec![FREE; wanted]);
            old.into_iter().filter(|&slot| slot != FREE).for_each(|slot| self.put(slot));
        }
    }
}

fn slots_for(strings: usize) -> usize {
    (strings * 8).div_ceil(5).next_power_of_two().max(SMALLEST)
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
        table.index.insert(name_hash(b""), 0);
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

    /// Makes room for so many more strings, and their bytes.
    pub fn reserve(&mut self, strings: usize, bytes: usize) {
        self.index.reserve(strings);
        self.section.reserve(bytes);
    }

    /// Calls for what [`intern`](Self::intern) reads for a string with this hash.
    #[inline]
    pub fn call_for_slot(&self, hash: u64) {
        self.index.call_for_slot(hash);
        self.base.iter().for_each(|base| base.call_for_string(|index, _| index.call_for_slot(hash)));
    }

    /// The same of what that then leads to in the base.
    #[inline]
    pub fn call_for_text(&self, hash: u64) {
        self.base.iter().for_each(|base| base.call_for_string(|index, section| index.call_for_text(section, hash)));
    }

    pub fn bytes(&self) -> &[u8] {
        &self.section
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_put_in_and_nothing_else() {
        let text = |number: usize| format!("string {number}").into_bytes();
        // At few places, at the table's end above all, and of one hash some, beside those that strings have.
        let crowded = |number: usize| u64::MAX - ((number as u64 % 40) << 33);
        for hash in [&crowded as &dyn Fn(usize) -> u64, &|number| name_hash(&text(number))] {
            for capacity in [0, 300] {
                let (mut index, mut section) = (StringIndex::with_capacity(capacity), Vec::new());
                let starts: Vec<u32> = (0..500)
                    .map(|number| {
                        let start = section.len() as u32;
                        assert_eq!(index.find(&section, &text(number), hash(number)), None);
                        index.insert(hash(number), start);
                        section.extend(text(number));
                        section.push(0);
                        start
                    })
                    .collect();
                for (number, &start) in starts.iter().enumerate() {
                    index.call_for_slot(hash(number));
                    index.call_for_text(&section, hash(number));
                    assert_eq!(index.find(&section, &text(number), hash(number)), Some(start));
                    assert_eq!(index.find(&section, &text(number + 500), hash(number)), None);
                }
            }
        }
    }
}
