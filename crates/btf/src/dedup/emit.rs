//! Writing the nodes of a graph as BTF.
//!
//! The kernel refuses a whole BTF for one name that is no identifier (C++ and Rust have many). Such a name costs only
//! what bears it: a struct, union or enum becomes anonymous, a member too; a typedef gives way to its target; an
//! enumerator is left out; a forward declaration becomes void.

use super::graph::{NodeId, NodeMember, NodeView, TypeGraph};
use crate::names::is_identifier;
use crate::unit::{Name, NameRef};
use crate::{Aggregate, Kind, Member, Param, SecVar, Type, TypeId, WriteError, Writer};
use rustc_hash::FxHashMap as HashMap;

/// A name that the kernel would not take, and what has become of its bearer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadName {
    pub kind: Kind,
    pub name: Vec<u8>,
    /// Of a member or enumerator of the type.
    pub member: bool,
    /// Unit and entry of the type.
    pub unit: u32,
    pub at: u32,
}

/// What was written: ids by node, and what had to change.
pub struct Emitted {
    pub ids: Vec<TypeId>,
    pub bad_names: Vec<BadName>,
}

impl Emitted {
    pub fn id(&self, node: NodeId) -> TypeId {
        self.ids[node.0 as usize]
    }
}

/// Appends every type of the graph. `name` gives the bytes of a name.
pub fn emit<'n>(
    graph: &mut TypeGraph,
    writer: &mut Writer,
    name: impl Fn(NameRef) -> &'n [u8],
) -> Result<Emitted, WriteError> {
    let mut emitter = Emitter { name, names: HashMap::default(), bad_names: Vec::new() };
    let links = Links::of(graph);
    let ids = emitter.ids(graph, &links, writer.next_id());
    let mut members = Vec::new();
    for node in (1..ids.len() as u32).map(NodeId) {
        let view = graph.view_with(node, links.of_node(node), &mut members);
        if emitter.stand_in(view.kind, view.name, view.target).is_none() {
            let ty = emitter.record(&view, &ids, writer)?;
            writer.push(&ty)?;
        }
    }
    Ok(Emitted { ids, bad_names: emitter.bad_names })
}

/// What each node refers to.
struct Links {
    /// By node: index of its first reference; one more at the end.
    first: Vec<u32>,
    to: Vec<NodeId>,
}

impl Links {
    /// Of all nodes, those too that are added on the way.
    fn of(graph: &mut TypeGraph) -> Links {
        let mut links = Links { first: vec![0], to: Vec::new() };
        while links.first.len() < graph.len() {
            let node = NodeId(links.first.len() as u32);
            links.first.push(links.to.len() as u32);
            graph.references(node, &mut links.to);
        }
        links.first.push(links.to.len() as u32);
        links
    }

    fn of_node(&self, node: NodeId) -> &[NodeId] {
        &self.to[self.first[node.0 as usize] as usize..self.first[node.0 as usize + 1] as usize]
    }
}

/// A name that was met before: few are looked at twice as bytes.
#[derive(Clone, Copy)]
struct Met {
    valid: bool,
    /// Where the string is, once it is written.
    offset: Option<u32>,
}

struct Emitter<F> {
    name: F,
    /// By hash.
    names: HashMap<u64, Met>,
    bad_names: Vec<BadName>,
}

impl<'n, F: Fn(NameRef) -> &'n [u8]> Emitter<F> {
    /// Ids in the order of nodes; a type that gives way to another has that one's id.
    fn ids(&mut self, graph: &TypeGraph, links: &Links, first: TypeId) -> Vec<TypeId> {
        let mut ways: Vec<Option<NodeId>> = vec![None];
        let mut ids = vec![TypeId::VOID];
        let mut next = first.0;
        for node in (1..graph.len() as u32).map(NodeId) {
            let (kind, name) = graph.kind_and_name(node);
            let way = self.stand_in(kind, name, links.of_node(node)[0]);
            if way.is_some() {
                let ((unit, at), name) = (graph.origin(node), (self.name)(name.at).to_vec());
                self.bad_names.push(BadName { kind, name, member: false, unit, at });
            }
            ids.push(TypeId(if way.is_some() { 0 } else { next }));
            next += way.is_none() as u32;
            ways.push(way);
        }
        for node in 1..ids.len() {
            let mut to = NodeId(node as u32);
            // A circle of such typedefs means nothing: void.
            for _ in 0..ids.len() {
                match ways[to.0 as usize] {
                    Some(way) => to = way,
                    None => break,
                }
            }
            if to.0 as usize != node && ways[to.0 as usize].is_none() {
                ids[node] = ids[to.0 as usize];
            }
        }
        ids
    }

    fn met(&mut self, name: Name) -> &mut Met {
        let bytes = &self.name;
        self.names.entry(name.hash).or_insert_with(|| Met { valid: is_identifier(bytes(name.at)), offset: None })
    }

    /// What a type gives way to, for want of a valid name.
    fn stand_in(&mut self, kind: Kind, name: Name, target: NodeId) -> Option<NodeId> {
        match kind {
            Kind::Typedef if !self.met(name).valid => Some(target),
            Kind::Fwd if !self.met(name).valid => Some(NodeId::VOID),
            _ => None,
        }
    }

    /// The string of a name, whether the kernel takes it as an identifier or not.
    fn string(&mut self, name: Name, writer: &mut Writer) -> Result<u32, WriteError> {
        match self.met(name).offset {
            Some(offset) => Ok(offset),
            None => {
                let offset = writer.string((self.name)(name.at))?;
                self.met(name).offset = Some(offset);
                Ok(offset)
            }
        }
    }

    fn record(&mut self, view: &NodeView<'_>, ids: &[TypeId], writer: &mut Writer) -> Result<Type, WriteError> {
        let id = |node: NodeId| ids[node.0 as usize];
        let target = id(view.target);
        Ok(match view.kind {
            Kind::Int => Type::Int {
                name: if view.name.is_none() { 0 } else { self.string(view.name, writer)? },
                size: view.size,
                encoding: (view.word >> 24) as u8 & 0xf,
                offset: (view.word >> 16) as u8,
                bits: view.word as u8,
            },
            Kind::Float => Type::Float { name: self.string(view.name, writer)?, size: view.size },
            Kind::Ptr => Type::Ptr(target),
            Kind::Const => Type::Const(target),
            Kind::Volatile => Type::Volatile(target),
            Kind::Restrict => Type::Restrict(target),
            Kind::Typedef => Type::Typedef { name: self.string(view.name, writer)?, ty: target },
            Kind::Fwd => Type::Fwd { name: self.string(view.name, writer)?, union: view.flag },
            Kind::Array => Type::Array { elem: target, index: id(view.members[0].ty), nelems: view.size },
            Kind::TypeTag => Type::TypeTag { value: self.string(view.name, writer)?, ty: target, attribute: view.flag },
            Kind::DeclTag => Type::DeclTag {
                value: self.string(view.name, writer)?,
                ty: target,
                component: view.word as i32,
                attribute: view.flag,
            },
            Kind::Func => Type::Func { name: self.string(view.name, writer)?, linkage: view.word, proto: target },
            Kind::Var => Type::Var { name: self.string(view.name, writer)?, ty: target, linkage: view.word },
            Kind::Datasec => {
                let var =
                    |m: &NodeMember| SecVar { var: id(m.ty), offset: (m.value >> 32) as u32, size: m.value as u32 };
                let vars = view.members.iter().map(var).collect();
                Type::Datasec { name: self.string(view.name, writer)?, size: view.size, vars }
            }
            Kind::FuncProto => {
                let mut params = Vec::with_capacity(view.members.len());
                for m in view.members {
                    params.push(Param { name: self.checked(view, m.name, true, writer)?, ty: id(m.ty) });
                }
                Type::FuncProto { ret: target, params }
            }
            Kind::Struct | Kind::Union => {
                let name = self.checked(view, view.name, false, writer)?;
                let mut members = Vec::with_capacity(view.members.len());
                for m in view.members.iter().filter(|m| id(m.ty) != TypeId::VOID) {
                    let name = self.checked(view, m.name, true, writer)?;
                    members.push(Member { name, ty: id(m.ty), offset: packed(m.value, view.flag) });
                }
                let aggregate = Aggregate { name, size: view.size, kind_flag: view.flag, members };
                if view.kind == Kind::Struct { Type::Struct(aggregate) } else { Type::Union(aggregate) }
            }
            Kind::Enum | Kind::Enum64 => {
                let name = self.checked(view, view.name, false, writer)?;
                let mut values = Vec::with_capacity(view.members.len());
                for m in view.members {
                    match self.checked(view, m.name, true, writer)? {
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
        })
    }

    /// The name if the kernel takes it, else none.
    fn checked(
        &mut self,
        view: &NodeView<'_>,
        name: Name,
        member: bool,
        writer: &mut Writer,
    ) -> Result<u32, WriteError> {
        if name.is_none() {
            return Ok(0);
        }
        if self.met(name).valid {
            return self.string(name, writer);
        }
        let name = (self.name)(name.at).to_vec();
        self.bad_names.push(BadName { kind: view.kind, name, member, unit: view.unit, at: view.at });
        Ok(0)
    }
}

/// An offset in bits, beside the width of a bitfield where the aggregate has kind_flag (24 and 8 bits).
fn packed(value: u64, kind_flag: bool) -> u32 {
    let (offset, width) = (value as u32, (value >> 32) as u32);
    if kind_flag { offset & 0xff_ffff | width << 24 } else { offset }
}
