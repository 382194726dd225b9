//! Where the base of a split BTF ends, as told by the split BTF alone.
//!
//! Nothing in split BTF says which base it was made on. But its own strings and types go on where the base's ended, and
//! what refers to them gives the place away:
//!
//! ```text
//! own strings      "f1\0" "f2\0"      names in use   3, 7, 100, 103     so the base's strings end at 100
//! own prototypes   the 2nd, the 5th   FUNC refers to 71, 74             so the base's types end at 70
//! ```
//!
//! 1. The base that is given is believed if it agrees: every name past its end starts an own string, every name before
//!    starts one of its strings, and references lead to what they must lead to.
//!    It is no proof where the names in use would agree as well at another place.
//! 2. Otherwise a place is looked for where all of that agrees for what is past it.

use crate::{Btf, Kind, Record, TypeId};
use rustc_hash::{FxHashMap, FxHashSet};

/// The end of a base: its strings and types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Anchor {
    pub string: u32,
    pub id: TypeId,
}

/// What a split BTF says of its base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Testimony {
    /// All agrees with the base that was given.
    Agrees,
    /// It was made on a base that ends there.
    Elsewhere(Anchor),
    /// It does not agree with the base that was given, and nothing tells where its own ended.
    Contradicts,
    /// Too little refers to its own strings.
    Silent,
}

/// How many own strings must be in use for their agreement to mean something.
const ENOUGH: usize = 3;

/// How many of the last own strings may be out of use, so that the highest name is another one's.
const UNUSED: usize = 256;

/// How many functions are asked for where types start, and how many places they may name: one for every prototype.
const VOTERS: usize = 128;
const VOTES: usize = 1 << 20;

/// Asks `split`, which was parsed without a look at its links, about the base that it stands on.
pub(super) fn ask(split: &Btf, base: &Btf) -> Testimony {
    let own = starts(split.string_section());
    let names = names(split);
    let string = split.start_string();
    let strings_agree = names.iter().all(|&name| match name.checked_sub(string) {
        Some(place) => own.contains(&place),
        None => starts_string(base, name),
    });
    let in_use = names.iter().filter(|name| **name >= string).count();
    let types_agree = links_hold(split, split.start_id());
    let found = string_anchor(&own, &names);
    // Short names of one length agree at many places. They say something if no other would be as good.
    let strings_tell = strings_agree && in_use >= ENOUGH && found.is_none_or(|found| found == string);
    if strings_agree && types_agree {
        return if strings_tell { Testimony::Agrees } else { Testimony::Silent };
    }
    let string = match strings_agree && in_use >= ENOUGH {
        true => Some(string).filter(|_| strings_tell),
        false => found,
    };
    let Some(string) = string else { return Testimony::Contradicts };
    let id = if types_agree { None } else { type_anchor(split) };
    let anchor = Anchor { string, id: id.unwrap_or(split.start_id()) };
    match anchor == (Anchor { string: split.start_string(), id: split.start_id() }) {
        true => Testimony::Contradicts,
        false => Testimony::Elsewhere(anchor),
    }
}

/// Where strings start in a section.
fn starts(section: &[u8]) -> FxHashSet<u32> {
    let ends = memchr::memchr_iter(0, section).map(|end| end as u32 + 1);
    std::iter::once(0).chain(ends).filter(|start| (*start as usize) < section.len()).collect()
}

fn names(split: &Btf) -> FxHashSet<u32> {
    let mut names = FxHashSet::default();
    for (_, record) in split.records() {
        record.names(|name| {
            if name != 0 {
                names.insert(name);
            }
        });
    }
    names
}

/// Whether a string of the base starts there, and not one's middle.
fn starts_string(base: &Btf, name: u32) -> bool {
    match base.base().filter(|_| name < base.start_string()) {
        Some(below) => starts_string(below, name),
        None => {
            let place = (name - base.start_string()) as usize;
            let section = base.string_section();
            place == 0 || section.get(place - 1) == Some(&0) && place < section.len()
        }
    }
}

fn string_anchor(own: &FxHashSet<u32>, names: &FxHashSet<u32>) -> Option<u32> {
    let mut own_in_order: Vec<u32> = own.iter().copied().collect();
    own_in_order.sort_unstable();
    let mut names: Vec<u32> = names.iter().copied().collect();
    names.sort_unstable();
    let highest = *names.last()?;
    own_in_order.iter().rev().take(UNUSED).find_map(|last| {
        let anchor = highest.checked_sub(*last)?;
        let own_names = &names[names.partition_point(|name| *name < anchor)..];
        let holds = own_names.len() >= ENOUGH && own_names.iter().all(|name| own.contains(&(name - anchor)));
        holds.then_some(anchor)
    })
}

/// Whether functions refer to prototypes, sections to variables, and nothing else to functions, variables and sections,
/// where own types start at `start`.
fn links_hold(split: &Btf, start: TypeId) -> bool {
    let kind = |id: TypeId| -> Option<Kind> {
        match id.0.checked_sub(start.0) {
            Some(place) => split.record(TypeId(split.start_id().0.checked_add(place)?))?.kind(),
            None => split.base()?.kind(id),
        }
    };
    let last = start.0 as u64 + split.len() as u64;
    split.records().all(|(_, record)| {
        let mut holds = true;
        record.references(|target| {
            let target_kind = kind(target);
            let is_symbol = matches!(target_kind, Some(Kind::Func | Kind::Var | Kind::Datasec));
            holds &= u64::from(target.0) < last;
            holds &= match record.kind() {
                Some(Kind::Func) => target_kind == Some(Kind::FuncProto),
                Some(Kind::Datasec) => target_kind == Some(Kind::Var),
                Some(Kind::DeclTag) => target_kind != Some(Kind::Datasec),
                _ => !is_symbol,
            };
        });
        holds
    })
}

/// Where own types start, by what functions refer to.
fn type_anchor(split: &Btf) -> Option<TypeId> {
    let of = |kind: Kind| split.records().filter(move |(_, record): &(TypeId, Record<'_>)| record.kind() == Some(kind));
    let place = |id: TypeId| id.0 - split.start_id().0;
    let prototypes: FxHashSet<u32> = of(Kind::FuncProto).map(|(id, _)| place(id)).collect();
    let targets: Vec<u32> = of(Kind::Func).map(|(_, record)| record.size_or_type()).collect();
    let mut votes: FxHashMap<u32, usize> = FxHashMap::default();
    for target in targets.iter().take(VOTERS.min(1 + VOTES / prototypes.len().max(1))) {
        prototypes.iter().filter_map(|place| target.checked_sub(*place)).for_each(|start| {
            *votes.entry(start).or_default() += 1;
        });
    }
    let holds = |start: u32| {
        targets.iter().all(|target| target.checked_sub(start).is_none_or(|place| prototypes.contains(&place)))
    };
    let mut candidates: Vec<_> = votes.into_iter().filter(|(_, votes)| *votes > 1).collect();
    // Most votes first; of equals the lowest, so that nothing depends on the order of the table.
    candidates.sort_unstable_by_key(|(start, votes)| (std::cmp::Reverse(*votes), *start));
    candidates.into_iter().take(VOTERS).find(|(start, _)| holds(*start)).map(|(start, _)| TypeId(start))
}
