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

use super::hash::Mix;
use crate::Kind;
use crate::unit::{ARRAY_INDEX, Local, LocalType, UnitTypes, VOID};

/// No leaf.
pub(super) const NO_LEAF: u32 = 0;

const SPELL_VOID: u64 = 0x5bd1_e995_7b93_1c4d;
const SPELL_INDEX: u64 = 0x2545_f491_4f6c_dd1d;
const SPELL_CIRCLE: u64 = 0x6c62_272e_07bb_0142;

#[derive(Default)]
pub(super) struct Spelling {
    /// By local id.
    pub spelled: Vec<u64>,
    /// By local id: the local id of the leaf, or NO_LEAF.
    pub leaf: Vec<Local>,
    state: Vec<State>,
    stack: Vec<(Local, u32)>,
    /// Types that are part of a circle without a name in it: only malformed or foreign input has them.
    pub circles: Vec<Local>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
}

/// Is this type a vertex by its kind alone?
pub(super) fn is_vertex(kind: Kind, anonymous: bool) -> bool {
    match kind {
        Kind::Struct | Kind::Union | Kind::Fwd | Kind::Typedef => true,
        Kind::Enum | Kind::Enum64 => !anonymous,
        _ => false,
    }
}

impl Spelling {
    pub fn run(&mut self, unit: &UnitTypes) {
        let n = unit.types.len();
        self.spelled.clear();
        self.spelled.resize(n, SPELL_VOID);
        self.leaf.clear();
        self.leaf.resize(n, NO_LEAF);
        self.state.clear();
        self.state.resize(n, State::New);
        self.circles.clear();
        self.state[VOID as usize] = State::Done;
        // Names first: they end nearly every chain, so that the chains find them done.
        for (i, t) in unit.types.iter().enumerate().skip(1) {
            let Some(kind) = t.kind else {
                self.state[i] = State::Done;
                continue;
            };
            if is_vertex(kind, t.name.is_none()) {
                self.leaf[i] = i as Local;
                if !t.name.is_none() {
                    self.spelled[i] = by_name(kind, t.flag, t.name.hash);
                    self.state[i] = State::Done;
                }
            }
        }
        for i in 1..n as Local {
            if self.state[i as usize] == State::New {
                self.spell(unit, i);
            }
        }
    }

    pub fn of(&self, local: Local) -> u64 {
        if local == ARRAY_INDEX { SPELL_INDEX } else { self.spelled[local as usize] }
    }

    pub fn leaf_of(&self, local: Local) -> Local {
        if local == ARRAY_INDEX { NO_LEAF } else { self.leaf[local as usize] }
    }

    fn spell(&mut self, unit: &UnitTypes, start: Local) {
        self.stack.push((start, 0));
        self.state[start as usize] = State::Open;
        while let Some((i, from)) = self.stack.pop() {
            let t = &unit.types[i as usize];
            let Some(open) = self.first_open(unit, t, from, i) else {
                self.finish(unit, i, t);
                continue;
            };
            let (child, next) = open;
            self.stack.push((i, next));
            self.stack.push((child, 0));
            self.state[child as usize] = State::Open;
        }
    }

    /// The first child from the `from`th on that has no spelling yet, and the number to go on from afterwards.
    fn first_open(&mut self, unit: &UnitTypes, t: &LocalType, from: u32, me: Local) -> Option<(Local, u32)> {
        let children = if from == 0 { Some(t.target) } else { None };
        let members = unit.members_of(t).iter().skip(from.saturating_sub(1) as usize).map(|m| m.ty);
        for (k, child) in children.into_iter().chain(members).enumerate() {
            if child == ARRAY_INDEX {
                continue;
            }
            match self.state[child as usize] {
                State::Done => {}
                State::New => return Some((child, from + k as u32 + 1)),
                State::Open => self.circles.push(me),
            }
        }
        None
    }

    fn finish(&mut self, unit: &UnitTypes, i: Local, t: &LocalType) {
        let kind = t.kind.expect("holes are done from the start");
        let mut h = Mix::new(kind as u64).with(t.name.hash ^ t.flag as u64);
        let mut leaf = if is_vertex(kind, t.name.is_none()) { i } else { NO_LEAF };
        match kind {
            Kind::Int | Kind::Float => h = h.with((t.size as u64) << 32 | t.word as u64),
            Kind::Ptr | Kind::Const | Kind::Volatile | Kind::Restrict | Kind::TypeTag | Kind::Func | Kind::DeclTag => {
                h = h.with(self.spelled_or_circle(t.target)).with(t.word as u64);
                leaf = self.leaf_of(t.target);
            }
            Kind::Var | Kind::Datasec => {
                // Never merged: each is like nothing but itself.
                h = h.with(i as u64).with(t.at as u64);
                leaf = i;
            }
            Kind::Array => {
                let index = unit.members_of(t)[0].ty;
                h = h.with(self.spelled_or_circle(t.target)).with(self.spelled_or_circle(index)).with(t.size as u64);
                leaf = if self.leaf_of(index) != NO_LEAF { i } else { self.leaf_of(t.target) };
            }
            Kind::FuncProto => {
                h = h.with(self.spelled_or_circle(t.target)).with(t.count as u64);
                let mut any = self.leaf_of(t.target);
                for m in unit.members_of(t) {
                    h = h.with(m.name.hash).with(self.spelled_or_circle(m.ty));
                    any |= self.leaf_of(m.ty);
                }
                leaf = if any != NO_LEAF { i } else { NO_LEAF };
            }
            Kind::Struct | Kind::Union => {
                h = h.with((t.size as u64) << 32 | t.count as u64);
                for m in unit.members_of(t) {
                    h = h.with(m.name.hash).with(m.value).with(self.spelled_or_circle(m.ty));
                }
            }
            Kind::Enum | Kind::Enum64 => {
                h = h.with((t.size as u64) << 32 | t.count as u64);
                for m in unit.members_of(t) {
                    h = h.with(m.name.hash).with(m.value);
                }
            }
            Kind::Fwd | Kind::Typedef => h = h.with(t.at as u64),
        }
        self.spelled[i as usize] = h.get();
        self.leaf[i as usize] = leaf;
        self.state[i as usize] = State::Done;
    }

    fn spelled_or_circle(&self, local: Local) -> u64 {
        if local != ARRAY_INDEX && self.state[local as usize] != State::Done {
            return SPELL_CIRCLE;
        }
        self.of(local)
    }
}

fn by_name(kind: Kind, flag: bool, name: u64) -> u64 {
    let space = match kind {
        Kind::Fwd if flag => Kind::Union,
        Kind::Fwd => Kind::Struct,
        Kind::Enum64 => Kind::Enum,
        kind => kind,
    };
    Mix::new(0x100 | space as u64).with(name).get()
}
