//! Graphs of types made up from nothing: each record by itself is one that the kernel takes, what they refer to is
//! left to chance. They come to where real types, which are sound, never lead: loops, missing sizes, bad prototypes.

use crate::parts::{Parts, info};
use crate::random::Random;
use btfkit_btf::Kind;

/// Kinds by how often they are made; structs and chains of modifiers make the walks long.
const KINDS: [Kind; 32] = [
    Kind::Int,
    Kind::Int,
    Kind::Int,
    Kind::Ptr,
    Kind::Ptr,
    Kind::Ptr,
    Kind::Array,
    Kind::Array,
    Kind::Array,
    Kind::Struct,
    Kind::Struct,
    Kind::Struct,
    Kind::Union,
    Kind::Union,
    Kind::Enum,
    Kind::Enum64,
    Kind::Fwd,
    Kind::Typedef,
    Kind::Typedef,
    Kind::Volatile,
    Kind::Const,
    Kind::Const,
    Kind::Restrict,
    Kind::Func,
    Kind::FuncProto,
    Kind::FuncProto,
    Kind::Var,
    Kind::Datasec,
    Kind::Float,
    Kind::DeclTag,
    Kind::TypeTag,
    Kind::TypeTag,
];

/// Names that mean something to the kernel or to pass C, and some that are only names.
const NAMES: [&[u8]; 8] = [b"a", b"b", b"t_1", b".L", b"_", b"int", b"\xc4\xd6", b"x.isra.0"];

pub(crate) fn invented(random: &mut Random) -> Parts {
    let mut parts = Parts { records: Vec::new(), strings: vec![0] };
    let names: Vec<u32> = NAMES.iter().map(|name| parts.string(name)).collect();
    let most = if random.once_in(8) { 60 } else { 10 };
    let count = 2 + random.below(most);
    let kinds: Vec<Kind> = (0..count).map(|_| *random.pick(&KINDS)).collect();
    let mut maker = Maker { random, names, kinds: &kinds };
    for id in 1..=count as u32 {
        let words = maker.record(id, kinds[id as usize - 1]);
        parts.records.push(words);
    }
    parts
}

struct Maker<'r> {
    random: &'r mut Random,
    names: Vec<u32>,
    kinds: &'r [Kind],
}

impl Maker<'_> {
    fn name(&mut self) -> u32 {
        *self.random.pick(&self.names)
    }

    fn name_if_any(&mut self) -> u32 {
        if self.random.once_in(4) { 0 } else { self.name() }
    }

    /// An id that exists, mostly one before `id`, so that not everything is a loop.
    fn target(&mut self, id: u32) -> u32 {
        let count = self.kinds.len() as u32;
        match self.random.below(16) {
            0 => 1 + self.random.word(count),
            1..6 if id < count => id + 1 + self.random.word(count - id),
            _ if id > 1 => 1 + self.random.word(id - 1),
            _ => 1 + self.random.word(count),
        }
    }

    fn target_of(&mut self, id: u32, wanted: impl Fn(Kind) -> bool) -> u32 {
        let tries = if self.random.once_in(30) { 0 } else { 40 };
        let kinds = self.kinds;
        (0..tries).map(|_| self.target(id)).find(|id| wanted(kinds[*id as usize - 1])).unwrap_or(1)
    }

    fn target_or_void(&mut self, id: u32) -> u32 {
        if self.random.once_in(6) { 0 } else { self.target(id) }
    }

    /// A type that a member, element or parameter may be of, mostly.
    fn object(&mut self, id: u32) -> u32 {
        let is_no_object =
            |kind| matches!(kind, Kind::Fwd | Kind::Func | Kind::FuncProto | Kind::Var | Kind::Datasec | Kind::DeclTag);
        self.target_of(id, |kind| !is_no_object(kind))
    }

    fn record(&mut self, id: u32, kind: Kind) -> Vec<u32> {
        match kind {
            Kind::Int => {
                let size = *self.random.pick(&[1, 1, 2, 4, 4, 4, 8, 8, 16]);
                let bits = if self.random.once_in(6) { 1 + self.random.word(8 * size) } else { 8 * size };
                let offset = if self.random.once_in(6) { self.random.word(8 * size - bits + 1) } else { 0 };
                let encoding = *self.random.pick(&[0, 1, 2, 4]);
                vec![self.name_if_any(), info(kind, 0, false), size, encoding << 24 | offset << 16 | bits]
            }
            Kind::Float => vec![self.name(), info(kind, 0, false), *self.random.pick(&[2, 4, 8, 12, 16])],
            Kind::Ptr | Kind::Const | Kind::Volatile | Kind::Restrict => {
                vec![0, info(kind, 0, false), self.target_or_void(id)]
            }
            Kind::Typedef | Kind::TypeTag => vec![self.name(), info(kind, 0, false), self.target_or_void(id)],
            Kind::Array => {
                let index = self.target_of(id, |kind| kind == Kind::Int);
                let count = *self.random.pick(&[0, 1, 2, 3, 16, 0x1000_0000, u32::MAX]);
                vec![0, info(kind, 0, false), 0, self.object(id), index, count]
            }
            Kind::Struct | Kind::Union => self.aggregate(id, kind),
            Kind::Enum | Kind::Enum64 => {
                let vlen = self.random.word(3);
                let mut words = vec![
                    self.name_if_any(),
                    info(kind, vlen, self.random.once_in(2)),
                    *self.random.pick(&[1, 2, 4, 8]),
                ];
                for _ in 0..vlen {
                    words.extend([self.name(), self.random.next() as u32]);
                    words.extend((kind == Kind::Enum64).then_some(0));
                }
                words
            }
            Kind::Fwd => vec![self.name(), info(kind, 0, self.random.once_in(2)), 0],
            Kind::Func => {
                let linkage = self.random.word(2);
                vec![self.name(), info(kind, linkage, false), self.target_of(id, |kind| kind == Kind::FuncProto)]
            }
            Kind::FuncProto => {
                let vlen = self.random.word(4);
                let ret = if self.random.once_in(3) { 0 } else { self.object(id) };
                let mut words = vec![0, info(kind, vlen, false), ret];
                for at in 0..vlen {
                    let varargs = at + 1 == vlen && self.random.once_in(4);
                    let param = if varargs { [0, 0] } else { [self.name_if_any(), self.object(id)] };
                    words.extend(param);
                }
                words
            }
            Kind::Var => vec![self.name(), info(kind, 0, false), self.object(id), self.random.word(2)],
            Kind::Datasec => {
                let vlen = self.random.word(4);
                let mut words = vec![self.name(), info(kind, vlen, false), 64];
                let mut offset = 0;
                for _ in 0..vlen {
                    let size = *self.random.pick(&[1, 4, 8, 16]);
                    words.extend([self.target_of(id, |kind| kind == Kind::Var), offset, size]);
                    offset += size;
                }
                words
            }
            Kind::DeclTag => {
                let taggable =
                    |kind| matches!(kind, Kind::Func | Kind::Struct | Kind::Union | Kind::Var | Kind::Typedef);
                let component = if self.random.once_in(2) { u32::MAX } else { self.random.word(4) };
                vec![self.name(), info(kind, 0, self.random.once_in(8)), self.target_of(id, taggable), component]
            }
        }
    }

    fn aggregate(&mut self, id: u32, kind: Kind) -> Vec<u32> {
        let vlen = self.random.word(5);
        let flag = self.random.once_in(3);
        let size = *self.random.pick(&[0, 4, 8, 16, 16, 32, 64, 100, 1000]);
        let mut words = vec![self.name_if_any(), info(kind, vlen, flag), size];
        let mut offset = 0;
        for _ in 0..vlen {
            let width = if flag && self.random.once_in(2) { self.random.word(40) } else { 0 };
            words.extend([self.name_if_any(), self.object(id), offset | width << 24]);
            if kind == Kind::Struct && offset < 8 * size {
                let step = *self.random.pick(&[0, 1, 3, 8, 32, 32, 64, 64, 128]);
                offset = (offset + step).min(8 * size);
            }
        }
        words
    }
}
