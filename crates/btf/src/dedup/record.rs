//! Writing nodes as records of a part.

use super::emit::BadName;
use super::graph::{NodeId, NodeMember, NodeView};
use crate::names::is_identifier;
use crate::unit::{Name, NameRef};
use crate::{Aggregate, Kind, Member, Param, Part, SecVar, Type, TypeId, WriteError};
use rustc_hash::{FxBuildHasher, FxHashMap};

/// Writes some nodes, one after the other.
pub(super) struct Recorder<'a, F> {
    part: Part,
    ids: &'a [TypeId],
    name: &'a F,
    /// By hash: a name's bytes are looked at once.
    known: FxHashMap<u64, Known>,
    bad_names: Vec<BadName>,
    /// Room of the types before.
    params: Vec<Param>,
    members: Vec<Member>,
}

#[derive(Default)]
struct Known {
    /// What stands for it in the part, once it is there.
    number: u32,
    /// Whether the kernel takes it, once that was asked.
    valid: Option<bool>,
}

impl<'a, 'n, F: Fn(NameRef) -> &'n [u8]> Recorder<'a, F> {
    /// `references` are how many the nodes have: these mostly have a name, of which every other one was there before.
    pub fn new(mut part: Part, ids: &'a [TypeId], name: &'a F, references: usize) -> Recorder<'a, F> {
        let known = FxHashMap::with_capacity_and_hasher(references / 2, FxBuildHasher);
        part.reserve_strings(references / 2);
        part.reserve_records(references);
        Recorder { part, ids, name, known, bad_names: Vec::new(), params: Vec::new(), members: Vec::new() }
    }

    pub fn push(&mut self, view: &NodeView<'_>) -> Result<(), WriteError> {
        let ty = self.record(view);
        self.part.push(&ty)?;
        match ty {
            Type::FuncProto { params, .. } => self.params = params,
            Type::Struct(aggregate) | Type::Union(aggregate) => self.members = aggregate.members,
            _ => {}
        }
        Ok(())
    }

    /// The part, and names that are not in it because the kernel would not take them.
    pub fn finish(self) -> (Part, Vec<BadName>) {
        (self.part, self.bad_names)
    }

    fn record(&mut self, view: &NodeView<'_>) -> Type {
        let ids = self.ids;
        let id = |node: NodeId| ids[node.0 as usize];
        let target = id(view.target);
        match view.kind {
            Kind::Int => Type::Int {
                name: if view.name.is_none() { 0 } else { self.plain(view.name) },
                size: view.size,
                encoding: (view.word >> 24) as u8 & 0xf,
                offset: (view.word >> 16) as u8,
                bits: view.word as u8,
            },
            Kind::Float => Type::Float { name: self.plain(view.name), size: view.size },
            Kind::Ptr => Type::Ptr(target),
            Kind::Const => Type::Const(target),
            Kind::Volatile => Type::Volatile(target),
            Kind::Restrict => Type::Restrict(target),
            Kind::Typedef => Type::Typedef { name: self.plain(view.name), ty: target },
            Kind::Fwd => Type::Fwd { name: self.plain(view.name), union: view.flag },
            Kind::Array => Type::Array { elem: target, index: id(view.members[0].ty), nelems: view.size },
            Kind::TypeTag => Type::TypeTag { value: self.plain(view.name), ty: target, attribute: view.flag },
            Kind::DeclTag => Type::DeclTag {
                value: self.plain(view.name),
                ty: target,
                component: view.word as i32,
                attribute: view.flag,
            },
            Kind::Func => Type::Func { name: self.plain(view.name), linkage: view.word, proto: target },
            Kind::Var => Type::Var { name: self.plain(view.name), ty: target, linkage: view.word },
            Kind::Datasec => {
                let var =
                    |m: &NodeMember| SecVar { var: id(m.ty), offset: (m.value >> 32) as u32, size: m.value as u32 };
                let vars = view.members.iter().map(var).collect();
                Type::Datasec { name: self.plain(view.name), size: view.size, vars }
            }
            Kind::FuncProto => {
                let mut params = std::mem::take(&mut self.params);
                params.clear();
                for m in view.members {
                    params.push(Param { name: self.checked(view, m.name, true), ty: id(m.ty) });
                }
                Type::FuncProto { ret: target, params }
            }
            Kind::Struct | Kind::Union => {
                let name = self.checked(view, view.name, false);
                let mut members = std::mem::take(&mut self.members);
                members.clear();
                for m in view.members.iter().filter(|m| id(m.ty) != TypeId::VOID) {
                    let name = self.checked(view, m.name, true);
                    members.push(Member { name, ty: id(m.ty), offset: packed(m.value, view.flag) });
                }
                let aggregate = Aggregate { name, size: view.size, kind_flag: view.flag, members };
                if view.kind == Kind::Struct { Type::Struct(aggregate) } else { Type::Union(aggregate) }
            }
            Kind::Enum | Kind::Enum64 => {
                let name = self.checked(view, view.name, false);
                let mut values = Vec::with_capacity(view.members.len());
                for m in view.members {
                    match self.checked(view, m.name, true) {
                        0 => {}
                        name => values.push((name, m.value)),
                    }
                }
                let (size, signed) = (view.size, view.flag);
                if view.kind == Kind::Enum64 {
                    Type::Enum64 { name, size, signed, values }
                } else {
                    let values = values.into_iter().map(|(name, value)| (name, value as u32)).collect();
                    Type::Enum { name, size, signed, values }
                }
            }
        }
    }

    /// The name as it stands.
    fn plain(&mut self, name: Name) -> u32 {
        let known = self.known.entry(name.hash).or_default();
        if known.number == 0 {
            known.number = self.part.string((self.name)(name.at));
        }
        known.number
    }

    /// The name if the kernel takes it, else none.
    fn checked(&mut self, view: &NodeView<'_>, name: Name, member: bool) -> u32 {
        if name.is_none() {
            return 0;
        }
        let known = self.known.entry(name.hash).or_default();
        if known.valid == Some(true) && known.number != 0 {
            return known.number;
        }
        let text = (self.name)(name.at);
        if !*known.valid.get_or_insert_with(|| is_identifier(text)) {
            let name = text.to_vec();
            self.bad_names.push(BadName { kind: view.kind, name, member, unit: view.unit, at: view.at });
            return 0;
        }
        if known.number == 0 {
            known.number = self.part.string(text);
        }
        known.number
    }
}

/// An offset in bits, beside the width of a bitfield where the aggregate has kind_flag (24 and 8 bits).
fn packed(value: u64, kind_flag: bool) -> u32 {
    let (offset, width) = (value as u32, (value >> 32) as u32);
    if kind_flag { offset & 0xff_ffff | width << 24 } else { offset }
}
