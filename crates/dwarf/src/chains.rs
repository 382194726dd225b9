//! Chains of typedefs, qualifiers and tags, which may not be longer than the kernel follows them, nor lead back to
//! themselves.
//!
//! In C no chain is ever too long. So while targets are resolved, steps are counted to where a chain ends or leads to a
//! type that comes later; of the few links that do the latter, the chains are followed from there. The longest of both
//! together is at least as long as any chain: only where that is too much, and where types were resolved to others
//! afterwards, are all chains walked.

use crate::lower::Lowering;
use btfkit_btf::Kind;
use btfkit_btf::unit::{Local, LocalType, VOID};

/// The kernel follows chains of qualifiers, typedefs and tags for 32 steps (`btf_check_type_tags`).
const LIMIT: u32 = 31;

/// What the kernel counts as one chain, a bit for each kind.
const LINKS: u32 = 1 << Kind::Typedef as u32
    | 1 << Kind::Const as u32
    | 1 << Kind::Volatile as u32
    | 1 << Kind::Restrict as u32
    | 1 << Kind::TypeTag as u32;

fn is_link(t: &LocalType) -> bool {
    LINKS >> t.kind.map_or(0, |kind| kind as u32) & 1 != 0
}

#[derive(Default)]
pub(crate) struct Chains {
    /// By local id: links from here on, up to the first that leads to a later type.
    steps: Vec<u8>,
    longest: u8,
    /// Links that lead to later types.
    forward: Vec<Local>,
}

impl Chains {
    pub fn clear(&mut self, types: usize) {
        self.steps.clear();
        self.steps.resize(types, 0);
        self.longest = 0;
        self.forward.clear();
    }

    /// To be called for all types in their order, with their targets.
    #[inline(always)]
    pub fn count(&mut self, i: usize, t: &LocalType) {
        if !is_link(t) {
            return;
        }
        let target = t.target as usize;
        let steps = if target < i {
            self.steps[target].saturating_add(1)
        } else {
            self.forward.push(i as Local);
            1
        };
        self.steps[i] = steps;
        self.longest = self.longest.max(steps);
    }

    /// Whether no chain can be too long.
    fn are_short(&self, types: &[LocalType]) -> bool {
        let beyond = |&link: &Local| {
            let (mut at, mut count) = (types[link as usize].target, 0);
            while count <= LIMIT && is_link(&types[at as usize]) {
                at = types[at as usize].target;
                count += 1;
            }
            count
        };
        let furthest = self.forward.iter().map(beyond).max().unwrap_or(0);
        self.longest as u32 + furthest <= LIMIT
    }
}

impl Lowering<'_> {
    /// Ends circles of qualifiers and typedefs, and shortens chains that the kernel would not follow.
    pub(crate) fn cut_chains(&mut self) {
        if !self.holes.is_empty() || !self.chains.are_short(&self.types.types) {
            self.cut_long_chains();
        }
    }

    fn cut_long_chains(&mut self) {
        let n = self.types.types.len();
        // Steps to the end of the chain; 0: not a link.
        let mut steps = vec![0u32; n];
        let mut path: Vec<Local> = Vec::new();
        const OPEN: u32 = u32::MAX;
        for start in 1..n as Local {
            let mut at = start;
            while at != VOID && is_link(&self.types.types[at as usize]) && steps[at as usize] == 0 {
                steps[at as usize] = OPEN;
                path.push(at);
                at = self.types.types[at as usize].target;
            }
            if at != VOID && steps[at as usize] == OPEN {
                let last = *path.last().expect("an open link is on the path");
                let from = self.types.types[last as usize].at;
                self.diagnose_type(
                    from,
                    "circle",
                    "a typedef or qualifier that leads back to itself ends in void".to_owned(),
                );
                self.types.types[last as usize].target = VOID;
                at = VOID;
            }
            let (mut count, mut end) = (if at == VOID { 0 } else { steps[at as usize] }, None);
            while let Some(local) = path.pop() {
                count += 1;
                if count > LIMIT {
                    let end = *end.get_or_insert_with(|| self.end_of_chain(local));
                    let from = self.types.types[local as usize].at;
                    let message = format!("a chain of more than {LIMIT} qualifiers and typedefs is shortened");
                    self.diagnose_type(from, "long-chain", message);
                    self.types.types[local as usize].target = end;
                    count = 1;
                }
                steps[local as usize] = count;
            }
        }
    }

    pub(crate) fn end_of_chain(&self, mut local: Local) -> Local {
        while local != VOID {
            let t = &self.types.types[local as usize];
            if !is_link(t) {
                break;
            }
            local = t.target;
        }
        local
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(types: &[LocalType]) -> Chains {
        let mut chains = Chains::default();
        chains.clear(types.len());
        types.iter().enumerate().for_each(|(i, t)| chains.count(i, t));
        chains
    }

    fn ty(kind: Kind, target: Local) -> LocalType {
        LocalType { kind: Some(kind), target, ..LocalType::default() }
    }

    /// Void, a chain of so many links whose targets come before them or behind them, and what it ends in.
    fn chain(links: u32, forward: bool) -> Vec<LocalType> {
        let link = |n: u32| match (n, forward) {
            (1, false) => VOID,
            (n, true) => n + 1,
            (n, false) => n - 1,
        };
        let links = (1..=links).map(|n| ty(if n % 2 == 0 { Kind::Const } else { Kind::Typedef }, link(n)));
        std::iter::once(LocalType::default()).chain(links).chain([ty(Kind::Struct, VOID)]).collect()
    }

    #[test]
    fn as_long_as_the_kernel_follows_and_one_longer() {
        for forward in [false, true] {
            let (short, long) = (chain(LIMIT, forward), chain(LIMIT + 1, forward));
            assert!(counted(&short).are_short(&short), "{forward}");
            assert!(!counted(&long).are_short(&long), "{forward}");
        }
        let circle = [LocalType::default(), ty(Kind::Typedef, 2), ty(Kind::Const, 1)];
        assert!(!counted(&circle).are_short(&circle));
    }

    /// Whatever leads where: what is called short is short.
    #[test]
    fn none_that_is_too_long_is_overlooked() {
        let mut seed = 1u64;
        let mut random = |below: u64| {
            seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            (seed >> 33) % below
        };
        let (mut short, mut long) = (0, 0);
        for round in 0..2000 {
            let count = 40 + round % 40;
            let types: Vec<_> = (0..count)
                .map(|i| match (i, random(12)) {
                    (0, _) => LocalType::default(),
                    (_, 0) => ty(Kind::Struct, VOID),
                    // Mostly the neighbour before, so that there are long ones; rarely one behind.
                    (i, 1) => ty(Kind::Volatile, (i + random(count - i)) as Local),
                    (i, 2) => ty(Kind::Ptr, i as Local - 1),
                    (i, _) => ty(Kind::Typedef, i as Local - random(round % 3 + 1).min(i - 1) as Local - 1),
                })
                .collect();
            let links = |start: Local| {
                let (types, mut at) = (&types, start);
                (0..=LIMIT).take_while(move |_| {
                    let t = &types[at as usize];
                    at = t.target;
                    is_link(t)
                })
            };
            let longest = (0..count as Local).map(|at| links(at).count()).max().unwrap() as u32;
            let said = counted(&types).are_short(&types);
            assert!(!said || longest <= LIMIT, "{longest} in round {round}");
            *(if said { &mut short } else { &mut long }) += 1;
        }
        assert!(short > 100 && long > 100, "{short} short, {long} long");
    }
}
