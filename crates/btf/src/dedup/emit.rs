//! Writing the nodes of a graph as BTF.
//!
//! The kernel refuses a whole BTF for one name that is no identifier (C++ and Rust have many). Such a name costs only
//! what bears it: a struct, union or enum becomes anonymous, a member too; a typedef gives way to its target; an
//! enumerator is left out; a forward declaration becomes void.

use super::graph::{NodeId, NodeMember, NodeView, TypeGraph};
use super::record::Recorder;
use crate::names::is_identifier;
use crate::unit::NameRef;
use crate::{Kind, Part, TypeId, WriteError, Writer};
use rayon::prelude::*;
use std::ops::Range;

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

/// Nodes that a thread writes at a time. Small parts have more strings in common, and each of these is looked up again.
const PIECE: usize = 1 << 13;

/// Appends every type of the graph. `name` gives the bytes of a name.
pub fn emit<'n>(
    graph: &mut TypeGraph,
    writer: &mut Writer,
    name: impl Fn(NameRef) -> &'n [u8] + Sync,
) -> Result<Emitted, WriteError> {
    let nodes = Drawn::of(graph);
    let ways: Vec<Option<NodeId>> = (0..nodes.len()).map(|node| way(nodes.view(node), &name)).collect();
    let ids = ids(&ways, writer.next_id());
    let mut bad_names: Vec<BadName> = (0..nodes.len())
        .filter(|&node| ways[node].is_some())
        .map(|node| {
            let view = nodes.view(node);
            let name = name(view.name.at).to_vec();
            BadName { kind: view.kind, name, member: false, unit: view.unit, at: view.at }
        })
        .collect();

    let written: Vec<_> = pieces(nodes.len())
        .into_par_iter()
        .map(|piece| {
            let mut kept = piece.filter(|&node| ways[node].is_none()).peekable();
            let first = kept.peek().map_or(writer.next_id(), |&node| ids[node]);
            let mut recorder = Recorder::new(Part::new(writer.endian(), first), &ids, &name);
            kept.try_for_each(|node| recorder.push(&nodes.view(node)))?;
            Ok(recorder.finish())
        })
        .collect();
    let mut parts = Vec::with_capacity(written.len());
    for part in written {
        let (part, mut bad) = part?;
        parts.push(part);
        bad_names.append(&mut bad);
    }
    writer.append(parts)?;
    Ok(Emitted { ids, bad_names })
}

/// All nodes but void, in pieces.
fn pieces(nodes: usize) -> Vec<Range<usize>> {
    (1..nodes).step_by(PIECE).map(|start| start..nodes.min(start + PIECE)).collect()
}

/// All nodes with what they refer to. Viewing a node may add others to the graph; these can be viewed on all threads.
struct Drawn {
    /// Their members are a range of `members`.
    nodes: Vec<(NodeView<'static>, Range<u32>)>,
    members: Vec<NodeMember>,
}

impl Drawn {
    fn of(graph: &mut TypeGraph) -> Drawn {
        let mut drawn = Drawn { nodes: Vec::with_capacity(graph.len()), members: Vec::new() };
        let mut members = Vec::new();
        while drawn.len() < graph.len() {
            let view = graph.view(NodeId(drawn.len() as u32), &mut members);
            let first = drawn.members.len() as u32;
            drawn.members.extend_from_slice(view.members);
            drawn.nodes.push((NodeView { members: &[], ..view }, first..drawn.members.len() as u32));
        }
        drawn
    }

    /// Void included.
    fn len(&self) -> usize {
        self.nodes.len()
    }

    fn view(&self, node: usize) -> NodeView<'_> {
        let (view, Range { start, end }) = &self.nodes[node];
        NodeView { members: &self.members[*start as usize..*end as usize], ..*view }
    }
}

/// What a type gives way to, for want of a valid name.
fn way<'n>(view: NodeView<'_>, name: &impl Fn(NameRef) -> &'n [u8]) -> Option<NodeId> {
    let to = match view.kind {
        Kind::Typedef => view.target,
        Kind::Fwd => NodeId::VOID,
        _ => return None,
    };
    (!is_identifier(name(view.name.at))).then_some(to)
}

/// Ids in the order of nodes; a type that gives way to another has that one's id.
fn ids(ways: &[Option<NodeId>], first: TypeId) -> Vec<TypeId> {
    let mut next = first.0;
    let mut ids = vec![TypeId::VOID];
    ids.extend(ways[1..].iter().map(|way| {
        let id = if way.is_some() { 0 } else { next };
        next += way.is_none() as u32;
        TypeId(id)
    }));
    for node in 1..ids.len() {
        let Some(mut to) = ways[node] else { continue };
        // A circle of such typedefs means nothing: void.
        for _ in 0..ids.len() {
            match ways[to.0 as usize] {
                Some(way) => to = way,
                None => break,
            }
        }
        if ways[to.0 as usize].is_none() {
            ids[node] = ids[to.0 as usize];
        }
    }
    ids
}
