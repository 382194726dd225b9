//! That nothing is wrong with what own types refer to, which is nearly always so, without the steps of pass D.
//!
//! `resolve` goes the kernel's way: a stack, a mode, types that are not resolved yet. Which of these ways is taken decides
//! what is said about a type that is wrong, but a type that is sound is so on each of them. Here each type is looked at
//! once, together with all that it holds by value, and what comes of it is kept: the kind and the size at its end, and how
//! deep a walk from it goes at most. That of the base is kept with the base, for all modules on it. What cannot be told to
//! be sound here is asked of `resolve`.
//!
//! ```text
//! struct A { struct B b; struct A *a; };    as deep as B, and one more; where a pointer leads is no part of it
//! typedef struct A *T;                      as deep as the chain of pointers and modifiers: 2
//! ```
//!
//! The invariant: where this says yes, `resolve` would refuse neither the type nor what it has to resolve before, whatever
//! is resolved already. A walk is never deeper than told here, as it follows nothing else; and the size that it has of an
//! array is this one, or 0 before the array is resolved, which fits wherever this one does.

use super::Rules;
use super::blob::{Blob, InfoBits, Rec};
use super::members::{End, Place};
use super::resolve::DEEPEST;
use crate::{Btf, Endian, Kind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What is at the end of a type, behind modifiers. From the lowest bit: size (of a prototype, whether all parameters have
/// names), number of the kind, bits and offset of an integer (8 each), how deep (6), whether the pointer there leads to
/// something (1), whether anything is known (1).
#[derive(Clone, Copy)]
struct Fact(u64);

const SOUND_POINTER: u64 = 1 << 62;
const KNOWN: u64 = 1 << 63;
/// Deeper than any that is sound.
const UNSOUND: Fact = Fact(KNOWN | 63 << 56);

impl Fact {
    /// Of a type that is its own end.
    fn own(kind: u8, size: u32) -> Fact {
        Fact(KNOWN | u64::from(kind) << 32 | u64::from(size))
    }

    fn with_bits(self, bits: u32, offset: u32) -> Fact {
        Fact(self.0 | u64::from(bits) << 40 | u64::from(offset) << 48)
    }

    /// The same by so many steps; none if these are too many.
    fn by(self, steps: usize) -> Option<Fact> {
        let rest = self.0 & !(63 << 56 | SOUND_POINTER);
        (steps <= DEEPEST).then_some(Fact(rest | (steps as u64) << 56))
    }

    fn is_known(self) -> bool {
        self.0 & KNOWN != 0
    }

    fn size(self) -> u32 {
        self.0 as u32
    }

    fn kind(self) -> Option<Kind> {
        Kind::from_u8((self.0 >> 32) as u8)
    }

    fn depth(self) -> usize {
        (self.0 >> 56 & 63) as usize
    }

    /// The end, if it is an object.
    fn object(self) -> Option<End> {
        let kind = self.kind().filter(|kind| !matches!(kind, Kind::Fwd | Kind::FuncProto))?;
        let (bits, bits_offset) = ((self.0 >> 40) as u8, (self.0 >> 48) as u8);
        Some(End { kind: Some(kind), size: self.size(), bits: bits.into(), bits_offset: bits_offset.into() })
    }
}

/// What was found of the types of a base, by any thread; it depends on nothing but the base and how it is read.
pub(super) struct BaseFacts {
    facts: Box<[AtomicU64]>,
    read_as: (Endian, InfoBits, u8),
}

impl BaseFacts {
    pub fn of(rules: &Rules, base: &Btf) -> BaseFacts {
        let facts = vec![0; base.end_id().index()].into_iter().map(AtomicU64::new).collect();
        BaseFacts { facts, read_as: read_as(rules, base.endian()) }
    }
}

fn read_as(rules: &Rules, endian: Endian) -> (Endian, InfoBits, u8) {
    (endian, InfoBits::of(rules.release), rules.pointer_size)
}

pub(super) struct Prover<'b, 'a> {
    blob: &'b Blob<'a>,
    pointer_size: u8,
    own: Vec<u64>,
    base: &'b [AtomicU64],
    /// Types that are looked at.
    way: Vec<u32>,
}

impl<'b, 'a> Prover<'b, 'a> {
    /// None where what is kept of the base was read in another way.
    pub fn new(rules: &Rules, blob: &'b Blob<'a>) -> Option<Prover<'b, 'a>> {
        let base = blob.base.map(|base| base.remembered().facts.get_or_init(|| BaseFacts::of(rules, base)));
        if base.is_some_and(|base| base.read_as != read_as(rules, blob.endian)) {
            return None;
        }
        let own = vec![0; blob.records.len()];
        let base = base.map_or(&[][..], |base| &base.facts);
        Some(Prover { blob, pointer_size: rules.pointer_size, own, base, way: Vec::with_capacity(DEEPEST) })
    }

    /// Whether an own type is sound; false if `resolve` has to say.
    pub fn holds(&mut self, id: u32, rec: &Rec) -> bool {
        match rec.kind {
            Some(Kind::Int | Kind::Enum | Kind::Enum64 | Kind::Float | Kind::Fwd) => true,
            Some(Kind::Array | Kind::Struct | Kind::Union) => self.fact(id).is_some(),
            Some(Kind::Func) => self.fact(rec.word).is_some_and(|proto| proto.0 == Fact::own(PROTO, 1).0),
            Some(Kind::FuncProto) => self.prototype(rec),
            Some(Kind::Var | Kind::Datasec | Kind::DeclTag) | None => false,
            Some(_) => self.alone(id).is_some(),
        }
    }

    /// As of what another type holds.
    #[inline]
    fn fact(&mut self, id: u32) -> Option<Fact> {
        let known = match id.checked_sub(self.blob.start_id) {
            Some(own) => Fact(*self.own.get(own as usize)?),
            None => Fact(self.base.get(id as usize).map_or(0, |fact| fact.load(Relaxed))),
        };
        let fact = if known.is_known() { known } else { self.find(id) };
        (fact.depth() <= DEEPEST).then_some(fact)
    }

    /// As of what is asked about by itself: pointers have to lead to something.
    fn alone(&mut self, id: u32) -> Option<Fact> {
        let fact = self.fact(id)?;
        if fact.kind() == Some(Kind::Ptr) && fact.0 & SOUND_POINTER == 0 {
            self.chain(id)?;
            self.note(id, Fact(fact.0 | SOUND_POINTER));
        }
        Some(fact)
    }

    /// Follows a chain of pointers and modifiers.
    fn chain(&self, mut id: u32) -> Option<()> {
        for _ in 0..=DEEPEST {
            let rec = self.blob.get(id)?;
            if !(rec.is(Kind::Ptr) || rec.is_modifier()) {
                let is_target = match rec.kind {
                    None => id == 0,
                    Some(kind) => !matches!(kind, Kind::Func | Kind::Var | Kind::Datasec | Kind::DeclTag),
                };
                return is_target.then_some(());
            }
            id = rec.word;
        }
        None
    }

    fn find(&mut self, id: u32) -> Fact {
        // What holds itself is met on the way.
        if self.way.len() > DEEPEST || self.way.contains(&id) {
            return UNSOUND;
        }
        self.way.push(id);
        let fact = self.look(id).unwrap_or(UNSOUND);
        self.way.pop();
        self.note(id, fact);
        fact
    }

    fn note(&mut self, id: u32, fact: Fact) {
        match id.checked_sub(self.blob.start_id) {
            Some(own) => self.own[own as usize] = fact.0,
            None => self.base.get(id as usize).into_iter().for_each(|known| known.store(fact.0, Relaxed)),
        }
    }

    fn look(&mut self, id: u32) -> Option<Fact> {
        if id == 0 {
            return Some(Fact::own(0, 0));
        }
        let rec = self.blob.get(id)?;
        let kind = rec.kind?;
        let own = |size: u32| Fact::own(kind as u8, size);
        match kind {
            Kind::Int => Some(own(rec.word).with_bits(rec.int_bits(), rec.int_offset())),
            Kind::Enum | Kind::Enum64 | Kind::Float => Some(own(rec.word)),
            Kind::Ptr => Some(own(self.pointer_size.into())),
            Kind::Fwd => Some(own(0)),
            Kind::FuncProto => Some(own((0..rec.vlen()).all(|index| !matches!(rec.param(index), (0, 1..))).into())),
            Kind::Typedef | Kind::Const | Kind::Volatile | Kind::Restrict | Kind::TypeTag => {
                let end = self.fact(rec.word)?;
                end.by(end.depth() + 1)
            }
            Kind::Array => {
                let index = self.fact(rec.body(1))?;
                index.object().filter(|index| index.kind == Some(Kind::Int) && index.is_regular())?;
                let element = self.fact(rec.body(0))?;
                let one = element.object()?;
                if one.kind == Some(Kind::Int) && !one.is_regular() {
                    return None;
                }
                own(one.size.checked_mul(rec.body(2))?).by(index.depth().max(element.depth()) + 1)
            }
            Kind::Struct | Kind::Union => {
                let mut depth = 0;
                for index in 0..rec.vlen() {
                    let member = rec.member(index);
                    let fact = self.fact(member.ty)?;
                    Place::of(&rec, member, self.pointer_size.into()).takes(&fact.object()?).ok()?;
                    depth = depth.max(fact.depth());
                }
                own(rec.word).by(depth + 1)
            }
            Kind::Func | Kind::Var | Kind::Datasec | Kind::DeclTag => None,
        }
    }

    fn prototype(&mut self, rec: &Rec) -> bool {
        let blob = self.blob;
        let mut is_object = |id: u32| self.alone(id).is_some_and(|fact| fact.object().is_some());
        let good_name = |name: u32| name == 0 || blob.has_string(name) && blob.is_identifier(name);
        let last = rec.vlen().wrapping_sub(1);
        let mut good_param = |index: u32| match rec.param(index) {
            // The dots of a variadic function.
            (name, 0) => index == last && name == 0,
            (name, ty) => good_name(name) && is_object(ty),
        };
        (0..rec.vlen()).all(&mut good_param) && (rec.word == 0 || is_object(rec.word))
    }
}

const PROTO: u8 = Kind::FuncProto as u8;
