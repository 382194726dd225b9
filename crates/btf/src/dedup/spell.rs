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
//! A kernel has millions of types to spell: types with names come first, which takes no look at others, then the rest in
//! their order, as nearly all of it refers to names and to what stands before it. What does not is tried once more, and
//! only what is left then is followed with a stack.

use super::classes::{ClassId, VOID_CLASS};
use super::hash::{Mix, Mix2};
use crate::Kind;
use crate::unit::{ARRAY_INDEX, Local, LocalType, UnitTypes, VOID};
use std::cell::Cell;

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
    /// Its class, once it was put into one; before that [`UNMET`], its kind and flag, and whether there may be [`MORE`] to
    /// its key than they and the hash. So most types are classified by a look at this alone.
    class: ClassId,
}

const VOID_SPELLED: Spelled = Spelled { hash: SPELL_VOID, leaf: NO_LEAF, class: VOID_CLASS };
const INDEX_SPELLED: Spelled = Spelled { hash: SPELL_INDEX, leaf: NO_LEAF, class: VOID_CLASS };

/// In the place of a class: it has none yet. No program has as many classes.
const UNMET: u32 = 1 << 31;
/// Beside it: the type may have a name and content, which are its key then.
const MORE: u32 = 1;

impl Spelled {
    #[inline]
    fn is_known(self) -> bool {
        self.leaf < BEGUN
    }

    /// Of what has no class yet: the spelling, and beside it, as other kinds share that, the kind. This is less than any
    /// hash is likely to be.
    #[inline]
    fn as_key(self) -> Key {
        (self.hash, self.class.into())
    }

    /// The class that it was put into.
    #[inline]
    pub fn class(self) -> Option<ClassId> {
        (self.class & UNMET == 0).then_some(self.class)
    }
}

/// Of the types of a kernel that have no name a sixth is left by the first pass, next to nothing by the second.
const PASSES: u32 = 2;

/// The identity of a class: equal keys are taken to be equal classes.
pub(super) type Key = (u64, u64);

#[derive(Default)]
pub(super) struct Spelling {
    /// By local id.
    spelled: Vec<Spelled>,
    /// Room for what is not spelled by a name.
    others: Vec<Local>,
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
/// They say nothing but what they refer to.
const POINTERS: u32 = kinds(&[Kind::Ptr, Kind::Const, Kind::Volatile, Kind::Restrict]);

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
        let types = unit.types.len();
        self.circles.clear();
        self.spelled.resize(types, Spelled { leaf: NEW, ..VOID_SPELLED });
        self.others.resize(types.max(self.others.len()), VOID);
        // What has a name and what has not comes in no order that a processor could foresee. So there is no branch: each
        // is put into the list, and the next one over it where it does not belong there.
        let mut count = 0;
        for (i, (t, spelled)) in (0..).zip(unit.types.iter().zip(&mut self.spelled)) {
            let named;
            (*spelled, named) = by_itself(t, i);
            self.others[count] = i;
            count += !named as usize;
        }
        self.spelled[VOID as usize] = VOID_SPELLED;
        for _ in 0..PASSES {
            count = self.pass(unit, count);
        }
        for k in 0..count {
            let i = self.others[k];
            // Something before it may have needed it.
            if self.spelled[i as usize].leaf == NEW {
                self.follow(unit, i);
            }
        }
        if !self.circles.is_empty() {
            self.spelled.iter_mut().for_each(|spelled| spelled.class |= MORE);
        }
    }

    /// Spells those of the first `count` of the list that refer to nothing but what is spelled; gives how many are left,
    /// which stand first in the list then.
    fn pass(&mut self, unit: &UnitTypes, count: usize) -> usize {
        let list = Cell::from_mut(&mut self.others[..count]).as_slice_of_cells();
        // Of one length, so that it is asked once whether a type is one.
        let (types, spelled) = (&unit.types[..], &mut self.spelled[..unit.types.len()]);
        let mut left = 0;
        for i in list.iter().map(Cell::get) {
            match spell(spelled, unit, &types[i as usize], i) {
                Some(found) => put(&mut spelled[i as usize], found),
                None => {
                    list[left].set(i);
                    left += 1;
                }
            }
        }
        left
    }

    #[inline]
    pub fn of(&self, local: Local) -> Spelled {
        of(&self.spelled, local)
    }

    #[inline]
    pub fn put_into(&mut self, local: Local, class: ClassId) {
        self.spelled[local as usize].class = class;
    }

    /// What makes a class: the content of a named type, the spelling of any other. Of a type that was not put into one.
    #[inline(always)]
    pub fn key(&self, unit: &UnitTypes, local: Local, number: u32) -> Key {
        let spelled = self.spelled[local as usize];
        debug_assert!(spelled.class().is_none(), "listed once");
        if spelled.class & MORE != 0 {
            return self.key_of_more(unit, local, number);
        }
        spelled.as_key()
    }

    #[inline(always)]
    fn key_of_more(&self, unit: &UnitTypes, local: Local, number: u32) -> Key {
        let t = &unit.types[local as usize];
        let kind = t.kind.expect("holes are not listed");
        let key = if is_one_of(FULL, kind) && !t.name.is_none() {
            let word = ((t.size as u64) << 32 | t.count as u64).wrapping_add(self.of(t.target).hash);
            let h = Mix2::of((t.content.0, t.content.1), t.name.hash, plain(kind, t.flag), word);
            let h = if t.count == 0 { h } else { with_all(h, &self.spelled, unit.references_of(t)) };
            h.get()
        } else {
            self.of(local).as_key()
        };
        if self.circles.is_empty() { key } else { self.key_beside_circles(key, local, number) }
    }

    /// With a circle that no name cuts, spellings say less than contents, and prove nothing: in such a unit, which no
    /// compiler of C writes, each type is like nothing but itself.
    #[cold]
    fn key_beside_circles(&self, key: Key, local: Local, number: u32) -> Key {
        Mix2::of(key, number as u64, 0, local as u64).get()
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
        let t = &unit.types[i as usize];
        let found = spell(&self.spelled, unit, t, i).unwrap_or_else(|| {
            // Part of a circle, of which this is the end.
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
            (Mix::of(kind as u64, SPELL_CIRCLE).get(), leaf)
        });
        put(&mut self.spelled[i as usize], found);
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

#[inline(always)]
fn put(spelled: &mut Spelled, (hash, leaf): (u64, Local)) {
    (spelled.hash, spelled.leaf) = (hash, leaf);
}

#[inline(always)]
fn of(spelled: &[Spelled], local: Local) -> Spelled {
    // What is beyond the types is the index of arrays.
    spelled.get(local as usize).copied().unwrap_or(INDEX_SPELLED)
}

/// The spelling of a type, if all that it refers to is spelled.
#[inline(always)]
fn spell(spelled: &[Spelled], unit: &UnitTypes, t: &LocalType, i: Local) -> Option<(u64, Local)> {
    let target = of(spelled, t.target);
    if !target.is_known() {
        return None;
    }
    if POINTERS >> kind_number(t) & 1 != 0 {
        return Some((pointer(kind_number(t), target.hash), target.leaf));
    }
    let Some(kind) = t.kind else { return Some((SPELL_VOID, NO_LEAF)) };
    let plain = plain(kind, t.flag);
    let (hash, leaf) = match kind {
        Kind::TypeTag | Kind::Func | Kind::DeclTag => {
            let to = target.hash.wrapping_add(t.word as u64) ^ t.name.hash.rotate_left(32);
            (Mix::of(plain, to), target.leaf)
        }
        Kind::Int | Kind::Float => {
            let sizes = (t.size as u64) << 32 | t.word as u64;
            (Mix::of(plain, t.name.hash).with(sizes), NO_LEAF)
        }
        Kind::Array => {
            let index = of(spelled, unit.references_of(t).first().copied().unwrap_or(ARRAY_INDEX));
            if !index.is_known() {
                return None;
            }
            let leaf = if index.leaf != NO_LEAF { i } else { target.leaf };
            (Mix::of(plain, t.name.hash).with(t.size as u64).with(target.hash).with(index.hash), leaf)
        }
        // Never merged: each is like nothing but itself.
        Kind::Var | Kind::Datasec | Kind::Fwd | Kind::Typedef => {
            (Mix::of(plain, t.name.hash).with((i as u64) << 32 | t.at as u64), i)
        }
        _ => {
            let sizes = (t.size as u64) << 32 | t.count as u64;
            let content = t.content.1.wrapping_add(sizes);
            let mut h = Mix::of(plain, t.name.hash ^ t.content.0).with(content).with(target.hash);
            // Of what is not spelled it is beyond all types.
            let mut highest = target.leaf;
            for &child in unit.references_of(t) {
                let child = of(spelled, child);
                h = h.with(child.hash);
                highest = highest.max(child.leaf);
            }
            if highest >= BEGUN {
                return None;
            }
            let leaf = match kind {
                Kind::Struct | Kind::Union => i,
                Kind::FuncProto if highest != NO_LEAF => i,
                _ => NO_LEAF,
            };
            (h, leaf)
        }
    };
    Some((hash.get(), leaf))
}

/// Adds what references look like. Most types that have a name have none, and for the others this is better done where
/// nothing else has to be kept at hand.
#[inline(never)]
fn with_all(mut h: Mix2, spelled: &[Spelled], references: &[Local]) -> Mix2 {
    for &to in references {
        h = h.with(of(spelled, to).hash);
    }
    h
}

#[inline(always)]
fn kind_number(t: &LocalType) -> u32 {
    t.kind.map_or(0, |kind| kind as u32)
}

/// A pointer or qualifier by its kind and by the hash of what it refers to, which is mixed already.
#[inline(always)]
fn pointer(kind: u32, target: u64) -> u64 {
    Mix::onto(POINTER_SEEDS[kind as usize % 32], target).first()
}

/// Unlike all others.
const POINTER_SEEDS: [u64; 32] = {
    let (mut seeds, mut kind) = ([0; 32], 0);
    while kind < seeds.len() {
        seeds[kind] = Mix::seed(64 + kind as u64);
        kind += 1;
    }
    seeds
};

/// The spelling of a type with a name, and whether it is one: what else there is, is spelled later.
#[inline(always)]
fn by_itself(t: &LocalType, i: Local) -> (Spelled, bool) {
    let kind = kind_number(t);
    let named = NAMED >> kind & !t.name.is_none() as u32 != 0;
    let plain = (kind << 1 | t.flag as u32) as usize % 64;
    let hash = Mix::onto(SPACES[plain], t.name.hash).first();
    (Spelled { hash, leaf: if named { i } else { NEW }, class: MARKS[plain] }, named)
}

/// By kind << 1 and flag: what stands in the place of a class.
const MARKS: [u32; 64] = {
    let (mut marks, mut plain) = ([0; 64], 0);
    while plain < marks.len() {
        let more = if FULL >> (plain / 2) & 1 != 0 { MORE } else { 0 };
        marks[plain] = UNMET | (plain as u32) << 1 | more;
        plain += 1;
    }
    marks
};

/// By kind << 1 and flag: what begins the hash of a name in the name space of such types.
const SPACES: [u64; 64] = {
    let (mut seeds, mut plain) = ([0; 64], 0);
    while plain < seeds.len() {
        let space = match plain {
            FWD => Kind::Struct as u64,
            FWD_UNION => Kind::Union as u64,
            ENUM64 | SIGNED_ENUM64 => Kind::Enum as u64,
            plain => plain as u64 >> 1,
        };
        seeds[plain] = Mix::seed(space);
        plain += 1;
    }
    seeds
};
const FWD: usize = (Kind::Fwd as usize) << 1;
const FWD_UNION: usize = FWD | 1;
const ENUM64: usize = (Kind::Enum64 as usize) << 1;
const SIGNED_ENUM64: usize = ENUM64 | 1;

#[inline]
fn plain(kind: Kind, flag: bool) -> u64 {
    (kind as u64) << 1 | flag as u64
}

/// A name in its name space, as all types spell it that go by it.
#[inline]
pub(super) fn by_name(kind: Kind, flag: bool, name: u64) -> u64 {
    Mix::onto(SPACES[(kind as usize) << 1 | flag as usize], name).first()
}
