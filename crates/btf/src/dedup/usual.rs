//! Which types of a base go without saying.
//!
//! The problem. A base that was made of many units may define a name twice, and have types that look alike and mean the
//! one or the other: two `typedef`s called `u8`, pointers to both. A module that says `u8 *` nearly always means the one
//! that most of the base means. That must be seen at once; only what is different is worth a closer look.
//!
//! So of all definitions of a name the one that most types refer to is the *usual* one, and of all types of one key the
//! one that refers to usual types only. A type is *astray* if it refers to one that is not usual. A module none of whose
//! own types has a name of the base, and whose types of the base are usual and not astray, means just these.

use super::spell::NO_LEAF;
use crate::unit::UnitTypes;
use rustc_hash::FxHashMap as HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[derive(Default)]
pub(super) struct Usual {
    unusual: Bits,
    astray: Once,
    /// Types that define or declare a name with several definitions or declarations.
    ambiguous: Bits,
}

/// A bit for each type.
#[derive(Default)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    pub fn for_each_of(types: usize) -> Bits {
        Bits(vec![0; types / 64 + 1])
    }

    #[inline]
    pub fn has(&self, id: u32) -> bool {
        self.0.get(id as usize / 64).is_some_and(|word| word & 1 << (id % 64) != 0)
    }

    pub fn put(&mut self, id: u32, is: bool) {
        let word = &mut self.0[id as usize / 64];
        *word = *word & !(1 << (id % 64)) | (is as u64) << (id % 64);
    }
}

/// What is asked once of each type, by any thread: two bits for each, "it was asked" and "it is so".
#[derive(Default)]
struct Once(Vec<AtomicU64>);

impl Once {
    fn get(&self, id: u32, ask: impl FnOnce() -> bool) -> bool {
        let Some(word) = self.0.get(id as usize / 32) else { return false };
        let shift = id % 32 * 2;
        match word.load(Relaxed) >> shift & 3 {
            0 => {
                let is = ask();
                word.fetch_or((1 | (is as u64) << 1) << shift, Relaxed);
                is
            }
            bits => bits == 3,
        }
    }
}

impl Usual {
    pub fn is_unusual(&self, id: u32) -> bool {
        self.unusual.has(id)
    }

    /// Whether the base has other types that define or declare the name of this one.
    pub fn is_ambiguous(&self, id: u32) -> bool {
        self.ambiguous.has(id)
    }

    /// Whether a type refers to one that is not usual; `refers` says whether it refers to one of which this is true. A
    /// base has many types, and few of them are ever asked about.
    pub fn is_astray(&self, id: u32, refers: impl FnOnce(&dyn Fn(u32) -> bool) -> bool) -> bool {
        self.astray.get(id, || refers(&|to| self.unusual.has(to)))
    }

    /// Finds out, given the types of ambiguous names (spelling and id, in this order) and the sets of types of one key;
    /// the first of each set becomes the one that stands for it.
    pub fn of(unit: &UnitTypes, leaves: &[u32], ambiguous: &[(u64, u32)], alike: &mut [Vec<u32>]) -> Usual {
        let types = unit.types.len();
        if alike.is_empty() && ambiguous.is_empty() {
            return Usual::default();
        }
        let mut usual = Usual {
            unusual: Bits::for_each_of(types),
            astray: Once((0..types / 32 + 1).map(|_| AtomicU64::new(0)).collect()),
            ambiguous: Bits::for_each_of(types),
        };
        let groups = || ambiguous.chunk_by(|a, b| a.0 == b.0);
        let mut users: HashMap<u32, u32> = ambiguous.iter().map(|&(_, id)| (id, 0)).collect();
        ambiguous.iter().for_each(|&(_, id)| usual.ambiguous.put(id, true));
        let edges = |id: u32| {
            let t = &unit.types[id as usize];
            std::iter::once(t.target)
                .chain(unit.references_of(t).iter().copied())
                .map(|to| leaves.get(to as usize).copied().unwrap_or(NO_LEAF))
        };
        for to in (1..types as u32).flat_map(edges).filter(|&to| usual.ambiguous.has(to)) {
            *users.entry(to).or_default() += 1;
        }
        for group in groups() {
            let most = group.iter().map(|&(_, id)| id).max_by_key(|id| (users[id], std::cmp::Reverse(*id)));
            group.iter().for_each(|&(_, id)| usual.unusual.put(id, Some(id) != most));
        }
        // What contains others of these comes to rest after them: a few rounds do for types within types.
        for _ in 0..ROUNDS {
            for set in alike.iter_mut() {
                let is_vertex = leaves[set[0] as usize] == set[0];
                let strays = |id: &u32| match is_vertex {
                    true => edges(*id).any(|to| usual.unusual.has(to)),
                    false => usual.unusual.has(leaves[*id as usize]),
                };
                let named = users.contains_key(&set[0]);
                set.sort_by_key(|id| (strays(id), named && usual.unusual.has(*id), *id));
                if is_vertex && !named {
                    set.iter().enumerate().for_each(|(place, &id)| usual.unusual.put(id, place != 0));
                }
            }
        }
        usual
    }
}

const ROUNDS: usize = 4;
