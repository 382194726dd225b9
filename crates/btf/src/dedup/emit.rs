//! Writing the nodes of a graph as BTF.
//!
//! The kernel refuses a whole BTF for one name that is no identifier (C++ and Rust have many). Such a name costs only
//! what bears it: a struct, union or enum becomes anonymous, a member too; a typedef gives way to its target; an
//! enumerator is left out; a forward declaration becomes void.

use super::graph::{NodeId, TypeGraph};
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
///
/// Strings go into the writer one by one, but the records of types are made on all threads before theirs are known. That
/// leaves time for other strings: `beside` is done meanwhile, and adds those, but no types.
pub fn emit<'n, T: Send>(
    graph: &mut TypeGraph,
    writer: &mut Writer,
    name: impl Fn(NameRef) -> &'n [u8] + Sync,
    beside: impl FnOnce(&mut Writer) -> T + Send,
) -> Result<(Emitted, T), WriteError> {
    let links = Links::of(graph);
    let graph = &*graph;
    let nodes = || (1..graph.len() as u32).map(NodeId);
    let ways: Vec<Option<NodeId>> =
        std::iter::once(None).chain(nodes().map(|node| way(graph, node, &links, &name))).collect();
    let ids = ids(graph, &ways, writer.next_id());
    let given_way = nodes().filter(|node| ways[node.0 as usize].is_some());
    let mut bad_names: Vec<BadName> = given_way
        .map(|node| {
            let ((kind, bad), (unit, at)) = (graph.kind_and_name(node), graph.origin(node));
            BadName { kind, name: name(bad.at).to_vec(), member: false, unit, at }
        })
        .collect();

    let (endian, next) = (writer.endian(), writer.next_id());
    let write = |piece: Range<u32>| {
        let is_written = |node: &NodeId| ways[node.0 as usize].is_none() && graph.in_base(*node).is_none();
        let references = links.of_nodes(&piece);
        let mut kept = piece.map(NodeId).filter(is_written).peekable();
        let first = kept.peek().map_or(next, |node| ids[node.0 as usize]);
        let mut recorder = Recorder::new(Part::new(endian, first), &ids, &name, references.len());
        let mut members = Vec::new();
        kept.try_for_each(|node| recorder.push(&graph.view_with(node, links.of_node(node), &mut members)))?;
        Ok(recorder.finish())
    };
    let write_all = || pieces(ids.len() as u32).into_par_iter().map(write).collect::<Vec<_>>();
    let (written, beside) = rayon::join(write_all, || beside(writer));
    let mut parts = Vec::with_capacity(written.len());
    for part in written {
        let (part, mut bad) = part?;
        parts.push(part);
        bad_names.append(&mut bad);
    }
    writer.append(parts)?;
    Ok((Emitted { ids, bad_names }, beside))
}

/// All nodes but void, in pieces.
fn pieces(nodes: u32) -> Vec<Range<u32>> {
    (1..nodes).step_by(PIECE).map(|start| start..nodes.min(start + PIECE as u32)).collect()
}

/// What each node refers to. To find that may add nodes to the graph; with it, nodes can be viewed on all threads.
struct Links {
    /// By node: index of its first reference; one more at the end.
    first: Vec<u32>,
    to: Vec<NodeId>,
}

impl Links {
    /// Of all nodes, those too that are added on the way. Nearly always none is, and pieces are done on all threads; one
    /// that would add some is done again when it is its turn.
    fn of(graph: &mut TypeGraph) -> Links {
        let known = &*graph;
        let pieces: Vec<_> =
            pieces(graph.len() as u32).into_par_iter().map(|piece| Links::known(known, piece)).collect();
        let mut links = Links { first: vec![0], to: Vec::new() };
        for piece in pieces {
            match piece {
                Ok(piece) => links.append(piece),
                Err(nodes) => nodes.for_each(|node| links.add(graph, NodeId(node))),
            }
        }
        while links.first.len() < graph.len() {
            let node = NodeId(links.first.len() as u32);
            links.add(graph, node);
        }
        links.first.push(links.to.len() as u32);
        links
    }

    /// Of some nodes; these again where something would have to be added.
    fn known(graph: &TypeGraph, nodes: Range<u32>) -> Result<Links, Range<u32>> {
        let mut links = Links { first: Vec::with_capacity(nodes.len()), to: Vec::new() };
        for node in nodes.clone().map(NodeId) {
            links.first.push(links.to.len() as u32);
            if graph.in_base(node).is_none() && !graph.known_references(node, &mut links.to) {
                return Err(nodes);
            }
        }
        Ok(links)
    }

    fn append(&mut self, more: Links) {
        let end = self.to.len() as u32;
        self.first.extend(more.first.into_iter().map(|first| end + first));
        self.to.extend(more.to);
    }

    /// Of the next node.
    fn add(&mut self, graph: &mut TypeGraph, node: NodeId) {
        self.first.push(self.to.len() as u32);
        if graph.in_base(node).is_none() {
            graph.references(node, &mut self.to);
        }
    }

    fn of_node(&self, node: NodeId) -> &[NodeId] {
        self.of_nodes(&(node.0..node.0 + 1))
    }

    fn of_nodes(&self, nodes: &Range<u32>) -> &[NodeId] {
        &self.to[self.first[nodes.start as usize] as usize..self.first[nodes.end as usize] as usize]
    }
}

/// What a type gives way to, for want of a valid name.
fn way<'n>(graph: &TypeGraph, node: NodeId, links: &Links, bytes: &impl Fn(NameRef) -> &'n [u8]) -> Option<NodeId> {
    let (kind, name) = graph.kind_and_name(node);
    let to = match kind {
        _ if graph.in_base(node).is_some() => return None,
        Kind::Typedef => links.of_node(node)[0],
        Kind::Fwd => NodeId::VOID,
        _ => return None,
    };
    (!is_identifier(bytes(name.at))).then_some(to)
}

/// Ids in the order of nodes; a type that gives way to another has that one's id, and one of the base its own.
fn ids(graph: &TypeGraph, ways: &[Option<NodeId>], first: TypeId) -> Vec<TypeId> {
    let mut next = first.0;
    let mut ids = vec![TypeId::VOID];
    ids.extend((1..).zip(&ways[1..]).map(|(node, way)| match (way, graph.in_base(NodeId(node))) {
        (Some(_), _) => TypeId::VOID,
        (None, Some(ty)) => ty,
        (None, None) => {
            next += 1;
            TypeId(next - 1)
        }
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
