//! Slots and classes by their keys: a hash table that reads one line of the cache for most look-ups, and can call for it
//! beforehand.
//!
//! Hundreds of thousands of types are looked up while a kernel is walked, each somewhere else in a table that is larger
//! than the caches, and a fifth of them are new. An entry is eight bytes, half of the key's first hash beside the number,
//! and stands at the first free place from the one on that the upper bits of that hash say: whether a key is not there is
//! told without a look at any other key.

use super::spell::Key;
use crate::prefetch::prefetch;

/// No entry. Not 0: the system would show one page of zeros wherever the table is read first, and for each page that is
/// then written interrupt the other threads to tell them that another one stands there now. On two threads that took 7 ms
/// of a kernel's run.
const FREE: u64 = u64::MAX;

/// A table from keys to numbers less than the largest. Who has it has the keys, by number.
#[derive(Default)]
pub(super) struct Table {
    /// The lower half of a hash << 32 and the number, or [`FREE`]. As many as a power of two, or none.
    entries: Vec<u64>,
    len: usize,
}

impl Table {
    pub fn with_capacity(numbers: usize) -> Table {
        Table { entries: vec![FREE; (numbers * 2).next_power_of_two().max(SMALLEST)], len: 0 }
    }

    /// Bytes.
    pub fn size(&self) -> usize {
        size_of_val(&*self.entries)
    }

    /// The first place at which the entry may be; where there are none, the first of all.
    #[inline]
    fn home(&self, hash: u64) -> usize {
        (hash >> 1 >> (63 - self.entries.len().trailing_zeros() % 64)) as usize
    }

    /// Calls for what [`Table::find`] will read.
    #[inline]
    pub fn call_for(&self, key: Key) {
        prefetch(&self.entries, self.home(key.0) as u64);
    }

    /// The number of a key; `is_it` says whether a number's key is this one.
    #[inline]
    pub fn find(&self, key: Key, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        if self.entries.is_empty() {
            return None;
        }
        let (mask, tag) = (self.entries.len() - 1, key.0 as u32);
        let mut at = self.home(key.0);
        loop {
            let entry = self.entries[at & mask];
            if entry == FREE {
                return None;
            }
            if entry >> 32 == u64::from(tag) && is_it(entry as u32) {
                return Some(entry as u32);
            }
            at += 1;
        }
    }

    /// Adds a key that is not there; `hash_of` tells the hashes of those that are.
    pub fn insert(&mut self, key: Key, number: u32, hash_of: impl Fn(u32) -> u64) {
        // A half of them is always free.
        if self.len * 2 >= self.entries.len() {
            let larger = vec![FREE; (self.entries.len() * 2).max(SMALLEST)];
            let old = std::mem::replace(&mut self.entries, larger);
            old.into_iter()
                .filter(|&entry| entry != FREE)
                .for_each(|entry| self.put(hash_of(entry as u32), entry as u32));
        }
        self.len += 1;
        self.put(key.0, number);
    }

    fn put(&mut self, hash: u64, number: u32) {
        let mask = self.entries.len() - 1;
        let mut at = self.home(hash);
        while self.entries[at & mask] != FREE {
            at += 1;
        }
        self.entries[at & mask] = hash << 32 | u64::from(number);
    }

    /// Takes out all keys, which are these: few may be in a table that was made for many.
    pub fn clear(&mut self, keys: impl Iterator<Item = Key>) {
        let Some(mask) = self.entries.len().checked_sub(1) else { return };
        for key in keys {
            // Whatever follows without a gap goes as well, so that what remains is found from its own place on.
            let mut at = self.home(key.0);
            while self.entries[at & mask] != FREE {
                self.entries[at & mask] = FREE;
                at += 1;
            }
        }
        self.len = 0;
    }
}

const SMALLEST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys that crowd at few places and share their lower halves, round the table's end, too.
    fn keys() -> Vec<Key> {
        (0..2000u64).map(|n| (((n % 16) << 60) | (n % 5), n)).collect()
    }

    #[test]
    fn finds_what_was_put_in_and_nothing_else() {
        for capacity in [0, 1, 5000] {
            let keys = keys();
            let mut table = if capacity == 0 { Table::default() } else { Table::with_capacity(capacity) };
            for round in 0..3 {
                // Some of them each time, so that what is taken out is less than what there is room for.
                let some: Vec<usize> = (0..keys.len()).filter(|n| n % (round + 1) == 0).collect();
                for &n in &some {
                    assert_eq!(table.find(keys[n], |number| keys[number as usize - 1] == keys[n]), None);
                    table.insert(keys[n], n as u32 + 1, |number| keys[number as usize - 1].0);
                }
                for (n, key) in keys.iter().enumerate() {
                    let found = table.find(*key, |number| keys[number as usize - 1] == *key);
                    assert_eq!(found, (n % (round + 1) == 0).then_some(n as u32 + 1));
                }
                table.clear(some.iter().map(|&n| keys[n]));
                assert!(table.entries.iter().all(|&entry| entry == FREE));
            }
        }
    }
}
