//! From the offset of a type's entry to its local id, without hashing or searching.
//!
//! One bit for each byte of the group says where a type's entry starts; ids count the bits from the left. A count for
//! each 64 bits makes a look-up two loads, one shift and one population count.

#![allow(unsafe_code, reason = "population counts by one instruction")]

use crate::chains::Chains;
use crate::lower::NOTHING;
use btfkit_btf::unit::{Local, LocalType};

#[derive(Default)]
pub(crate) struct Index {
    /// One for each byte of the group.
    bits: Vec<u64>,
    /// By word of these: the id of the first type after it.
    after: Vec<u32>,
}

impl Index {
    pub fn clear(&mut self, bytes: u32) {
        let words = bytes as usize / 64 + 1;
        self.bits.clear();
        self.bits.resize(words, 0);
        self.after.resize(words.max(self.after.len()), 0);
    }

    #[inline]
    pub fn mark(&mut self, offset: u32) {
        self.bits[offset as usize / 64] |= 1 << (offset % 64);
    }

    /// To be called between the last mark and the first look-up.
    pub fn count(&mut self) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("popcnt") {
            // SAFETY: the processor has the instruction.
            unsafe { self.count_by_popcnt() };
            return;
        }
        self.count_words();
    }

    /// The local ids of the types at these offsets, in their place; `other` says what stands for an offset of none.
    pub fn locals<'o>(&self, offsets: impl Iterator<Item = &'o mut u32>, other: impl FnMut(u32) -> u32) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("popcnt") {
            // SAFETY: the processor has the instruction.
            unsafe { self.locals_by_popcnt(offsets, other) };
            return;
        }
        self.each_local(offsets, other);
    }

    /// The same for the targets of types, which are counted as links of chains then.
    pub fn targets(&self, types: &mut [LocalType], chains: &mut Chains, other: impl FnMut(u32) -> u32) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("popcnt") {
            // SAFETY: the processor has the instruction.
            unsafe { self.targets_by_popcnt(types, chains, other) };
            return;
        }
        self.each_target(types, chains, other);
    }

    /// The local id of the type at that offset: the first has 1.
    #[inline(always)]
    pub fn local(&self, offset: u32) -> Option<Local> {
        let word = offset as usize / 64;
        // Its own bit comes to the bottom, and those before it are gone.
        let from = self.bits.get(word)? >> (offset % 64);
        let after = self.after[..self.bits.len()][word];
        (from & 1 != 0).then(|| after - from.count_ones())
    }

    // Without the instruction a population count takes a dozen others.

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "popcnt")]
    fn count_by_popcnt(&mut self) {
        self.count_words();
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "popcnt")]
    fn locals_by_popcnt<'o>(&self, offsets: impl Iterator<Item = &'o mut u32>, other: impl FnMut(u32) -> u32) {
        self.each_local(offsets, other);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "popcnt")]
    fn targets_by_popcnt(&self, types: &mut [LocalType], chains: &mut Chains, other: impl FnMut(u32) -> u32) {
        self.each_target(types, chains, other);
    }

    #[inline(always)]
    fn count_words(&mut self) {
        let mut next = 1;
        for (bits, after) in self.bits.iter().zip(&mut self.after) {
            next += bits.count_ones();
            *after = next;
        }
    }

    #[inline(always)]
    fn each_local<'o>(&self, offsets: impl Iterator<Item = &'o mut u32>, mut other: impl FnMut(u32) -> u32) {
        for offset in offsets {
            *offset = self.local(*offset).unwrap_or_else(|| other(*offset));
        }
    }

    #[inline(always)]
    fn each_target(&self, types: &mut [LocalType], chains: &mut Chains, mut other: impl FnMut(u32) -> u32) {
        for (i, t) in types.iter_mut().enumerate() {
            // Nearly a half of all types have none, and holes have no target here.
            if t.target != NOTHING {
                t.target = self.local(t.target).unwrap_or_else(|| other(t.target));
            }
            chains.count(i, t);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_count_marks() {
        let mut index = Index::default();
        index.clear(300);
        let marks = [0, 1, 63, 64, 127, 128, 299];
        marks.iter().for_each(|&m| index.mark(m));
        index.count();
        for (i, &m) in marks.iter().enumerate() {
            assert_eq!(index.local(m), Some(i as u32 + 1));
        }
        assert_eq!(index.local(2), None);
        assert_eq!(index.local(5000), None);
        let mut offsets = [299, 2, 64, 0, 5000];
        index.locals(offsets.iter_mut(), |offset| offset + 1000);
        assert_eq!(offsets, [7, 1002, 4, 1, 6000]);
    }

    /// Whatever the processor has: both ways give the same.
    #[test]
    fn counting_without_the_instruction() {
        let marked = || {
            let mut index = Index::default();
            index.clear(1000);
            (0..1000).filter(|n| n * n % 7 == 2).for_each(|n| index.mark(n));
            index
        };
        let (mut by_any, mut by_words) = (marked(), marked());
        by_any.count();
        by_words.count_words();
        let (mut one, mut other): (Vec<u32>, Vec<u32>) = ((0..1100).collect(), (0..1100).collect());
        by_any.locals(one.iter_mut(), |_| 0);
        by_words.each_local(other.iter_mut(), |_| 0);
        assert_eq!(one, other);
        assert_eq!(one.iter().max(), Some(&286));
        let types = |targets: &[u32]| -> Vec<LocalType> {
            targets.iter().map(|&target| LocalType { target, ..LocalType::default() }).collect()
        };
        let offsets: Vec<u32> = (0..1100).collect();
        let (mut one, mut other) = (types(&offsets), types(&offsets));
        by_any.targets(&mut one, &mut Chains::default(), |_| 7);
        by_words.each_target(&mut other, &mut Chains::default(), |_| 7);
        let targets = |types: &[LocalType]| types.iter().map(|t| t.target).collect::<Vec<_>>();
        assert_eq!(targets(&one), targets(&other));
        assert_eq!(targets(&one)[..5], [NOTHING, 7, 7, 1, 2]);
    }
}
