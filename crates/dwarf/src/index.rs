//! From the offset of a type's entry to its local id, without hashing or searching.
//!
//! One bit for each byte of the group says where a type's entry starts; ids count the bits from the left. A count for
//! each 64 bits makes a look-up one load, one mask and one population count.

#![allow(unsafe_code, reason = "population counts by one instruction")]

use btfkit_btf::unit::Local;

#[derive(Default)]
pub(crate) struct Index {
    words: Vec<Word>,
}

/// 64 bytes of the group.
#[derive(Debug, Clone, Copy, Default)]
struct Word {
    bits: u64,
    /// Bits set before these.
    before: u32,
}

impl Index {
    pub fn clear(&mut self, bytes: u32) {
        self.words.clear();
        self.words.resize(bytes as usize / 64 + 1, Word::default());
    }

    #[inline]
    pub fn mark(&mut self, offset: u32) {
        self.words[offset as usize / 64].bits |= 1 << (offset % 64);
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

    /// The local id of the type at that offset: the first has 1.
    #[inline(always)]
    pub fn local(&self, offset: u32) -> Option<Local> {
        let word = self.words.get(offset as usize / 64)?;
        // Its own bit comes to the top, and those after it are gone.
        let up_to = word.bits << (63 - offset % 64);
        ((up_to as i64) < 0).then(|| word.before + up_to.count_ones())
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

    #[inline(always)]
    fn count_words(&mut self) {
        let mut sum = 0;
        for word in &mut self.words {
            word.before = sum;
            sum += word.bits.count_ones();
        }
    }

    #[inline(always)]
    fn each_local<'o>(&self, offsets: impl Iterator<Item = &'o mut u32>, mut other: impl FnMut(u32) -> u32) {
        for offset in offsets {
            *offset = self.local(*offset).unwrap_or_else(|| other(*offset));
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
    }
}
