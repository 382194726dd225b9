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

#[derive(Default)]
pub(super) struct Usual {
    unusual: Bits,
    astray: Bits,
    /// Spellings of names that have several definitions or declarations.
    pub ambiguous: Vec<u64>,
}

#[derive(Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn for_each_of(types: usize) -> Bits {
        Bits(vec![0; types / 64 + 1])
    }

    fn has(&self, id: u32) -> bool {
        self.0.get(id as usize / 64).is_some_and(|word| word & 1 << (id % 64) != 0)
    }

    fn put(&mut self, id: u32, is: bool) {
        let word = &mut self.0[id as usize / 64];
        *word = *word & !(1 << (id % 64)) | (is as u64) << (id % 64);
    }
}

impl Usual {
    pub fn is_unusual(&self, id: u32) -> bool {
        self.unusual.has(id)
    }

    pub fn is_astray(&self, id: u32) -> bool {
        self.astray.has(id)
    }

    /// Finds out, given the types by their names and the sets of types of one key; the first of each set becomes the one
    /// that stands for it.
    pub fn of(
        unit: &UnitTypes,
        leaves: &[u32],
        named: impl Iterator<Item = (u64, u32)>,
        alike: &mut [Vec<u32>],
    ) -> Usual {
        let types = unit.types.len();
        let mut usual =
            Usual { unusual: Bits::for_each_of(types), astray: Bits::for_each_of(types), ambiguous: Vec::new() };
        let mut named: Vec<(u64, u32)> = named.collect();
        named.sort_unstable();
        let groups = || named.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1);
        if alike.is_empty() && groups().next().is_none() {
            return usual;
        }
        let mut users: HashMap<u32, u32> = groups().flatten().map(|&(_, id)| (id, 0)).collect();
        let edges = |id: u32| {
            let t = &unit.types[id as usize];
            std::iter::once(t.target)
                .chain(unit.references_of(t).iter().copied())
                .map(|to| leaves.get(to as usize).copied().unwrap_or(NO_LEAF))
        };
        for to in (1..types as u32).flat_map(edges) {
            if let Some(users) = users.get_mut(&to) {
                *users += 1;
            }
        }
        for group in groups() {
            usual.ambiguous.push(group[0].0);
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
        for id in 1..types as u32 {
            let strays = match leaves[id as usize] == id {
                true => edges(id).any(|to| usual.unusual.has(to)),
                false => usual.unusual.has(leaves[id as usize]),
            };
            usual.astray.put(id, strays);
        }
        usual
    }
}

const ROUNDS: usize = 4;
