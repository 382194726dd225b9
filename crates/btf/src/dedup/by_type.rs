//! Numbers by types of a base: a hash table for ids, which are many look-ups of few types.

use crate::TypeId;

/// Types and their numbers; void is a free place. As many as a power of two, or none, and a half of them is always free.
#[derive(Default)]
pub(super) struct ByType {
    entries: Vec<(TypeId, u32)>,
    len: usize,
}

/// 2³² divided by the golden ratio: ids that follow one another come to lie apart.
const SPREAD: u32 = 0x9e37_79b9;

impl ByType {
    /// Makes room for as many more.
    pub fn reserve(&mut self, more: usize) {
        let wanted = ((self.len + more) * 2).next_power_of_two();
        if wanted <= self.entries.len() {
            return;
        }
        let old = std::mem::replace(&mut self.entries, vec![(TypeId::VOID, 0); wanted]);
        for entry in old.into_iter().filter(|(ty, _)| !ty.is_void()) {
            let at = self.place(entry.0);
            self.entries[at] = entry;
        }
    }

    /// Where a type is, or would be. There must be a free place.
    #[inline]
    fn place(&self, ty: TypeId) -> usize {
        let mask = self.entries.len() - 1;
        let mut at = ((u64::from(ty.0.wrapping_mul(SPREAD)) * self.entries.len() as u64) >> 32) as usize;
        loop {
            let (other, _) = self.entries[at & mask];
            if other == ty || other.is_void() {
                return at & mask;
            }
            at += 1;
        }
    }

    #[inline]
    pub fn get(&self, ty: TypeId) -> Option<u32> {
        if self.entries.is_empty() {
            return None;
        }
        let (found, number) = self.entries[self.place(ty)];
        (!found.is_void()).then_some(number)
    }

    /// The number of a type, which is this one if it had none.
    pub fn get_or_put(&mut self, ty: TypeId, number: u32) -> u32 {
        debug_assert!(!ty.is_void());
        self.reserve(1);
        let at = self.place(ty);
        if self.entries[at].0.is_void() {
            self.entries[at] = (ty, number);
            self.len += 1;
        }
        self.entries[at].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_found() {
        let mut numbers = ByType::default();
        assert_eq!(numbers.get(TypeId(1)), None);
        for ty in (1..4000).step_by(3) {
            assert_eq!(numbers.get_or_put(TypeId(ty), ty + 1), ty + 1);
            assert_eq!(numbers.get_or_put(TypeId(ty), 0), ty + 1);
        }
        for ty in 0..4000 {
            assert_eq!(numbers.get(TypeId(ty)), (ty % 3 == 1).then_some(ty + 1), "{ty}");
        }
    }
}
