//! Spelling: what a type looks like to those that refer to it.
//!
//! A spelling goes through pointers, arrays, qualifiers, tags and prototypes down to a named struct, union, enum or
//! typedef and stops there at its kind and name; anonymous types are spelled out in full, and a forward declaration is
//! spelled like what it declares. So `struct list_head *const [4]` has one spelling in every unit, whatever that unit
//! knows of `list_head`, and a spelling never runs in circles in C: every circle there goes through a name.
//!
//! Along with its spelling each type gets its *leaf*: the first type on the way down that the meaning of the spelling
//! may depend on. A leaf is a *vertex*: a named or anonymous STRUCT or UNION, a FWD, a TYPEDEF, a named ENUM, or a type
//! that joins several leaves (FUNC_PROTO, DATASEC, an ARRAY whose index type has one). INT has none.
//!
//! A kernel has millions of types to spell: types with names come first, which takes no look at others. A second pass
//! over the unit does the rest, as nearly every chain ends in a name after a few steps. Only longer ones are followed with
//! a stack.

use super::hash::{Mix, Mix2};
use crate::Kind;
use crate::unit::{ARRAY_INDEX, Local, LocalType, UnitTypes};

/// No leaf.
pub(super) const NO_LEAF: Local = 0;
/// In the place of a leaf: not spelled yet, or about to be.
const NEW: Local = Local::MAX;
const BEGUN: Local = Local::MAX - 1;

const SPELL_VOID: u64 = 0x5bd1_e995_7b93_1c4d;
const SPELL_INDEX: u64 = 0x2545_f491_4f6c_dd1d;
const SPELL_CIRCLE: u64 = 0x6c62_272e_07bb_0142;

/// A type as others see it.
#[derive(Clone, Copy)]
pub(super) struct Spelled {
    pub hash: u64,
    /// The local id of the leaf, or NO_LEAF.
    pub leaf: Local,
}

const VOID_SPELLED: Spelled = Spelled { hash: SPELL_VOID, leaf: NO_LEAF };
const INDEX_SPELLED: Spelled = Spelled { hash: SPELL_INDEX, leaf: NO_LEAF };
const NOT_YET: Spelled = Spelled { hash: 0, leaf: NEW };

impl Spelled {
    #[inline]
    fn is_known(self) -> bool {
        self.leaf < BEGUN
    }
}

/// How far what a type refers to is spelled with it. Only chains that are longer need a stack.
const DEPTH: u32 = 8;

/// The identity of a class: equal keys are taken to be equal classes.
pub(super) type Key = (u64, u64);

#[derive(Default)]
pub(super) struct Spelling {
    /// By local id.
    spelled: Vec<Spelled>,
    stack: Vec<(Local, u32)>,
    /// Types that are part of a circle without a name in it: only malformed or foreign input has them.
    pub circles: Vec<Local>,
}

const fn kinds(all: &[Kind]) -> u32 {
    let (mut set, mut i) = (0, 0);
    while i < all.len() {
        set |= 1 << all[i] as u32;
        i += 1;
    }
    set
}

/// With a name they are spelled by it. Which of them has content beside, a key tells.
const NAMED: u32 = kinds(&[Kind::Struct, Kind::Union, Kind::Fwd, Kind::Typedef, Kind::Enum, Kind::Enum64]);
const FULL: u32 = NAMED & !kinds(&[Kind::Fwd]);
const LINKS: u32 =
    kinds(&[Kind::Ptr, Kind::Const, Kind::Volatile, Kind::Restrict, Kind::TypeTag, Kind::Func, Kind::DeclTag]);

#[inline]
fn is_one_of(kinds: u32, kind: Kind) -> bool {
    kinds >> kind as u32 & 1 != 0
}

/// Is this type a vertex by its kind alone?
#[inline]
fn is_vertex(kind: Kind, anonymous: bool) -> bool {
    is_one_of(NAMED, kind) && !(anonymous && matches!(kind, Kind::Enum | Kind::Enum64))
}

impl Spelling {
    pub fn run(&mut self, unit: &UnitTypes) {
        self.spelled.clear();
        self.spelled.extend((0..).zip(&unit.types).map(|(local, t)| by_itself(t, local)));
        self.circles.clear();
        for i in 1..unit.types.len() as Local {
            if self.spelled[i as usize].leaf == NEW && !self.spell(unit, i, DEPTH).is_known() {
                self.follow(unit, i);
            }
        }
    }

    #[inline]
    pub fn of(&self, local: Local) -> Spelled {
        // What is beyond the types is the index of arrays.
        self.spelled.get(local as usize).copied().unwrap_or(INDEX_SPELLED)
    }

    /// What makes a class: the content of a named type, the spelling of any other.
    #[inline(always)]
    pub fn key(&self, unit: &UnitTypes, local: Local, number: u32) -> Key {
        let t = &unit.types[local as usize];
        let kind = t.kind.expect("holes are not listed");
        let plain = plain(kind, t.flag);
        let key = if is_one_of(FULL, kind) && !t.name.is_none() {
            let word = ((t.size as u64) << 32 | t.count as u64).wrapping_add(self.of(t.target).hash);
            let mut h = Mix2::of((t.content.0, t.content.1), t.name.hash, plain, word);
            for &to in unit.references_of(t) {
                h = h.with(self.of(to).hash);
            }
            h.get()
        } else {
            // Beside a spelling, which other kinds share: less than any hash is likely to be.
            (self.of(local).hash, plain)
        };
        if self.circles.is_empty() { key } else { self.key_beside_circles(key, local, number) }
    }

    /// With a circle that no name cuts, spellings say less than contents, and prove nothing: in such a unit, which no
    /// compiler of C writes, each type is like nothing but itself.
    #[cold]
    fn key_beside_circles(&self, key: Key, local: Local, number: u32) -> Key {
        Mix2::of(key, number as u64, 0, local as u64).get()
    }

    /// The spelling of a type, which it gets now where it has none and where nothing that is needed for it is more than
    /// `depth` steps away.
    #[inline]
    fn reach(&mut self, unit: &UnitTypes, local: Local, depth: u32) -> Spelled {
        match self.of(local) {
            Spelled { leaf: NEW, .. } if depth > 0 => self.spell(unit, local, depth - 1),
            spelled => spelled,
        }
    }

    /// Spells a type, unless what it refers to is farther away, or about to be spelled.
    fn spell(&mut self, unit: &UnitTypes, i: Local, depth: u32) -> Spelled {
        let t = &unit.types[i as usize];
        let kind = t.kind.expect("holes are spelled from the start");
        let plain = plain(kind, t.flag);
        let target = self.reach(unit, t.target, depth);
        if !target.is_known() {
            return NOT_YET;
        }
        let sizes = (t.size as u64) << 32 | t.count as u64;
        let spelled = match kind {
            _ if is_one_of(LINKS, kind) => {
                let to = target.hash.wrapping_add(t.word as u64) ^ t.name.hash.rotate_left(32);
                Spelled { hash: Mix::of(plain, to).get(), leaf: target.leaf }
            }
            Kind::Int | Kind::Float => {
                let sizes = (t.size as u64) << 32 | t.word as u64;
                Spelled { hash: Mix::of(plain, t.name.hash).with(sizes).get(), leaf: NO_LEAF }
            }
            Kind::Array => {
                let index = self.reach(unit, unit.references_of(t).first().copied().unwrap_or(ARRAY_INDEX), depth);
                if !index.is_known() {
                    return NOT_YET;
                }
                let leaf = if index.leaf != NO_LEAF { i } else { target.leaf };
                let h = Mix::of(plain, t.name.hash).with(t.size as u64).with(target.hash).with(index.hash);
                Spelled { hash: h.get(), leaf }
            }
            // Never merged: each is like nothing but itself.
            Kind::Var | Kind::Datasec | Kind::Fwd | Kind::Typedef => {
                let h = Mix::of(plain, t.name.hash).with((i as u64) << 32 | t.at as u64);
                Spelled { hash: h.get(), leaf: i }
            }
            _ => {
                let mut h = Mix::of(plain, t.name.hash ^ t.content.0).with(t.content.1).with(sizes).with(target.hash);
                let mut leaves = target.leaf;
                for &child in unit.references_of(t) {
                    let child = self.reach(unit, child, depth);
                    if !child.is_known() {
                        return NOT_YET;
                    }
                    h = h.with(child.hash);
                    leaves |= child.leaf;
                }
                let leaf = match kind {
                    Kind::Struct | Kind::Union => i,
                    Kind::FuncProto if leaves != NO_LEAF => i,
                    _ => NO_LEAF,
                };
                Spelled { hash: h.get(), leaf }
            }
        };
        self.spelled[i as usize] = spelled;
        spelled
    }

    /// Spells what a type refers to, and then the type.
    fn follow(&mut self, unit: &UnitTypes, start: Local) {
        self.stack.push((start, 0));
        self.spelled[start as usize].leaf = BEGUN;
        while let Some((i, from)) = self.stack.pop() {
            let t = &unit.types[i as usize];
            let Some((child, next)) = self.first_new(unit, t, from, i) else {
                self.finish(unit, i);
                continue;
            };
            self.stack.push((i, next));
            self.stack.push((child, 0));
            self.spelled[child as usize].leaf = BEGUN;
        }
    }

    /// The first child from the `from`th on that has no spelling yet, and the number to go on from afterwards.
    fn first_new(&mut self, unit: &UnitTypes, t: &LocalType, from: u32, me: Local) -> Option<(Local, u32)> {
        let target = if from == 0 { Some(t.target) } else { None };
        let references = unit.references_of(t).iter().skip(from.saturating_sub(1) as usize).copied();
        let offset = from.max(1) - target.is_some() as u32;
        for (k, child) in target.into_iter().chain(references).enumerate() {
            match self.of(child).leaf {
                NEW => return Some((child, offset + k as u32 + 1)),
                BEGUN => self.circles.push(me),
                _ => {}
            }
        }
        None
    }

    fn finish(&mut self, unit: &UnitTypes, i: Local) {
        self.spelled[i as usize].leaf = NEW;
        if !self.spell(unit, i, 0).is_known() {
            // Part of a circle, of which this is the end.
            let t = &unit.types[i as usize];
            let kind = t.kind.expect("holes are spelled from the start");
            let references = unit.references_of(t).iter().map(|&child| self.leaf_in_circle(unit, child));
            let leaves = references.fold(NO_LEAF, |any, leaf| any | leaf);
            let target = self.leaf_in_circle(unit, t.target);
            let leaf = match kind {
                _ if is_vertex(kind, t.name.is_none()) => i,
                Kind::FuncProto if leaves | target != NO_LEAF => i,
                Kind::Array if leaves != NO_LEAF => i,
                _ => target,
            };
            self.spelled[i as usize] = Spelled { hash: Mix::of(kind as u64, SPELL_CIRCLE).get(), leaf };
        }
    }

    fn leaf_in_circle(&self, unit: &UnitTypes, local: Local) -> Local {
        match self.of(local).leaf {
            NEW | BEGUN => {
                let t = &unit.types[local as usize];
                if t.kind.is_some_and(|kind| is_vertex(kind, t.name.is_none())) { local } else { NO_LEAF }
            }
            leaf => leaf,
        }
    }
}

/// What is known of a type without a look at others: names and holes.
#[inline]
fn by_itself(t: &LocalType, local: Local) -> Spelled {
    match t.kind {
        None => VOID_SPELLED,
        Some(kind) if is_one_of(NAMED, kind) && !t.name.is_none() => {
            Spelled { hash: by_name(kind, t.flag, t.name.hash), leaf: local }
        }
        _ => NOT_YET,
    }
}

#[inline]
fn plain(kind: Kind, flag: bool) -> u64 {
    (kind as u64) << 1 | flag as u64
}

/// A name in its name space, as all types spell it that go by it.
#[inline]
pub(super) fn by_name(kind: Kind, flag: bool, name: u64) -> u64 {
    let space = match kind {
        Kind::Fwd if flag => Kind::Union,
        Kind::Fwd => Kind::Struct,
        Kind::Enum64 => Kind::Enum,
        kind => kind,
    };
    Mix::of(space as u64, name).first()
}
