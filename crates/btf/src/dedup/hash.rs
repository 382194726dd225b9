//! Mixing of 64-bit words.
//!
//! Each round is a bijection of the state for a given word, so no state absorbs what came before it (a folded multiply
//! has such a state, 0), and the word goes in before a multiplication, so that neighbours (arrays of n and n + 1
//! elements) part. A weaker mixer merged such arrays on a real kernel, and only the counts of types showed it.

const A: u64 = 0x9e37_79b9_7f4a_7c15;
const B: u64 = 0xd6e8_feb8_6659_fd93;
const C: u64 = 0xa076_1d64_78bd_642f;
const D: u64 = 0xe703_7ed1_a0b4_28db;

/// 64 bits: what a type looks like to those that refer to it.
#[derive(Clone, Copy)]
pub(super) struct Mix(u64);

impl Mix {
    /// Starts with a small number and a hash.
    #[inline]
    pub fn of(small: u64, word: u64) -> Mix {
        Mix::onto(Mix::seed(small), word)
    }

    /// What [`Mix::onto`] takes for a small number.
    pub const fn seed(small: u64) -> u64 {
        small.wrapping_mul(A) ^ B
    }

    #[inline]
    pub fn onto(seed: u64, word: u64) -> Mix {
        Mix(seed).with(word)
    }

    #[inline]
    pub fn with(self, word: u64) -> Mix {
        let h = (self.0 ^ word).wrapping_mul(A);
        Mix(h ^ (h >> 32))
    }

    #[inline]
    pub fn get(self) -> u64 {
        let h = self.0.wrapping_mul(B);
        h ^ (h >> 29)
    }

    /// The state itself, which is enough after one word.
    #[inline]
    pub fn first(self) -> u64 {
        self.0
    }
}

/// 128 bits, in two lanes that see the words differently: the identity of a type.
#[derive(Clone, Copy)]
pub(super) struct Mix2(u64, u64);

impl Mix2 {
    /// Starts with a digest, a name's hash, a small number, and a word.
    #[inline]
    pub fn of((a, b): (u64, u64), name: u64, small: u64, word: u64) -> Mix2 {
        let a = (a ^ name ^ small.wrapping_mul(D)).wrapping_mul(A);
        let b = (b.rotate_left(23) ^ word.wrapping_mul(D)).wrapping_mul(C);
        Mix2(a ^ a >> 32, b ^ b >> 31)
    }

    /// Adds a hash: its bits are mixed already.
    #[inline]
    pub fn with(self, hash: u64) -> Mix2 {
        let (a, b) = mix(self.0 ^ hash, self.1);
        Mix2(a, b)
    }

    /// Both lanes, as they are: the first one is mixed well enough to be looked up by.
    #[inline]
    pub fn get(self) -> (u64, u64) {
        (self.0, self.1)
    }
}

/// One round by one wide product, of the first lane. Its lower half, which tells that lane, becomes the second one; both
/// halves go to what the second one was.
#[inline]
fn mix(a: u64, b: u64) -> (u64, u64) {
    let product = u128::from(a) * u128::from(A);
    let (high, low) = ((product >> 64) as u64, product as u64);
    (b ^ high ^ low, low)
}

/// One round for a member: its name is a hash, its value mostly a small number, which goes to both lanes.
#[inline]
pub(crate) fn mix_member(a: u64, b: u64, name: u64, value: u64) -> (u64, u64) {
    let (a, b) = mix(a ^ name ^ C, b);
    let value = value.wrapping_mul(D);
    (a ^ value, b.wrapping_add(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn neighbours_do_not_collide() {
        let (mut one, mut two) = (HashSet::new(), HashSet::new());
        for kind in 0..20u64 {
            for n in 0..20_000u64 {
                assert!(one.insert(Mix::of(kind, n).with(n ^ 1).get()));
                assert!(two.insert(Mix2::of((kind, n), n, kind, n + 1).get()));
            }
        }
    }

    #[test]
    fn order_counts() {
        assert_ne!(Mix::of(1, 2).with(3).get(), Mix::of(1, 3).with(2).get());
        let start = Mix2::of((1, 1), 1, 1, 1);
        assert_ne!(start.with(2).with(3).get(), start.with(3).with(2).get());
    }

    #[test]
    fn both_lanes_of_a_member_depend_on_each_of_its_parts() {
        let base = mix_member(0, 0, 1 << 40, 64);
        let others = [((0, 0), (1 << 40) + 1, 64), ((0, 0), 1 << 40, 65), ((1, 0), 1 << 40, 64), ((1, 1), 1 << 40, 64)];
        for other in others.map(|((a, b), name, value)| mix_member(a, b, name, value)) {
            assert_ne!(base.0, other.0);
            assert_ne!(base.1, other.1);
        }
    }

    #[test]
    fn what_came_before_is_never_lost() {
        let states: Vec<_> = (0..64).flat_map(|bit| [(1 << bit, 0), (0, 1 << bit), (1 << bit, 1 << bit)]).collect();
        let after: HashSet<_> = states.iter().map(|&(a, b)| mix_member(a, b, 1 << 40, 64)).collect();
        assert_eq!(after.len(), states.len());
    }

    #[test]
    fn members_differ_by_name_by_value_and_by_what_came_before() {
        let mut seen = HashSet::new();
        // A name of none and an offset of zero are a member, too.
        assert!(seen.insert((0, 0)));
        for name in (0..100).map(|n| if n == 0 { 0 } else { crate::unit::name_hash(format!("m{n}").as_bytes()) }) {
            for value in (0..100).flat_map(|v| [v, v << 3, v << 32, v << 32 | 64, u64::MAX - v]).collect::<HashSet<_>>()
            {
                let one = mix_member(0, 0, name, value);
                assert!(seen.insert(one));
                assert!(seen.insert(mix_member(one.0, one.1, 0, 0)));
            }
        }
    }
}
