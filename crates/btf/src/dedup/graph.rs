//! The type graph of a program: one node for each distinct type, numbered in order of first appearance.

use super::base::BaseTypes;
use super::classes::{Class, ClassId, Classes, INDEX_CLASS, VOID_CLASS};
use super::classify::{Classifier, UnitSummary};
use super::describe::{Describer, NO_VERTEX, UnitDetail};
use super::merge::{Merged, merge};
use super::open::{Meaning, OpenPart};
use super::recall::Units;
use super::refine::{Vertex, refine};
use super::settle::Settlement;
use super::shallow::Shallow;
use super::views::{Role, Scope, Views, views};
use crate::unit::{Name, name_hash};
use crate::{Kind, TypeId};
use rustc_hash::FxHashMap as HashMap;
use smallvec::SmallVec;
use std::sync::Arc;

const NO_NODE: u32 = u32::MAX;

/// A type of the program, by its index in the graph; void is [`NodeId::VOID`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

impl NodeId {
    pub const VOID: NodeId = NodeId(0);
}

/// One type of the program, with everything that it refers to.
#[derive(Debug, Clone)]
pub struct NodeView<'a> {
    pub kind: Kind,
    pub flag: bool,
    pub name: Name,
    pub size: u32,
    pub word: u32,
    pub target: NodeId,
    pub members: &'a [NodeMember],
    /// Unit and entry where it was met first.
    pub unit: u32,
    pub at: u32,
}

#[derive(Debug, Clone, Copy)]
pub struct NodeMember {
    pub name: Name,
    /// As in [`LocalMember`](crate::unit::LocalMember).
    pub value: u64,
    pub ty: NodeId,
}

pub struct TypeGraph {
    pub(super) classes: Classes,
    pub(super) settlement: Settlement,
    pub(super) views: Views,
    pub(super) part: OpenPart,
    /// By vertex: the one that is kept for it.
    pub(super) kept: Vec<Vertex>,
    /// By node.
    nodes: Vec<Meaning>,
    /// By class that is settled.
    node_of_class: Vec<u32>,
    /// Of all others.
    node_of_meaning: HashMap<Meaning, u32>,
    /// By unit: its classifier, and what was asked for.
    anchors: Vec<(u32, Box<[ClassId]>)>,
    /// By number of the classifier: its classes' ids.
    ids: Vec<Vec<ClassId>>,
    int: Option<ClassId>,
}

impl TypeGraph {
    /// Merges what the classifiers have found in the units; `units` in the order of their numbers. Those classifiers
    /// are left that stand on a base, ready for another program.
    ///
    /// `describe` is asked, at most twice, to describe the units of these numbers with the [`Describer`]: the few in
    /// which a name means something else than in most, and in rare programs those with types that such a name makes
    /// different from others' types that look alike.
    pub fn build<E>(
        classifiers: &mut Vec<Classifier>,
        units: Vec<UnitSummary>,
        describe: impl FnMut(Describer<'_>, &[u32]) -> Result<Vec<UnitDetail>, E>,
    ) -> Result<TypeGraph, E> {
        TypeGraph::build_within(classifiers, units, describe, Scope::Contested)
    }

    /// The same graph, by comparing exactly whatever reaches a name with several definitions. Slow: for tests, and for
    /// units that refer to types of the base ([`UnitTypes::base`](crate::unit::UnitTypes::base)), which may be unusual
    /// ones.
    #[doc(hidden)]
    pub fn build_by_comparing<E>(
        classifiers: &mut Vec<Classifier>,
        units: Vec<UnitSummary>,
        describe: impl FnMut(Describer<'_>, &[u32]) -> Result<Vec<UnitDetail>, E>,
    ) -> Result<TypeGraph, E> {
        TypeGraph::build_within(classifiers, units, describe, Scope::Ambiguous)
    }

    fn build_within<E>(
        classifiers: &mut Vec<Classifier>,
        units: Vec<UnitSummary>,
        mut describe: impl FnMut(Describer<'_>, &[u32]) -> Result<Vec<UnitDetail>, E>,
        scope: Scope,
    ) -> Result<TypeGraph, E> {
        let mut merged = merge(classifiers);
        let int = program_int(&mut merged.classes);
        let thorough = merged.special || scope == Scope::Ambiguous;
        let mut settlement = Settlement::of(&mut merged.classes, thorough);
        if !settlement.is_plain() {
            merged.complete(classifiers);
        }
        classifiers.iter_mut().for_each(Classifier::reset);
        let Merged { mut classes, ids, mut index, .. } = merged;
        let known = Units { summaries: &units, ids: &ids };
        let mut views = views(&classes, &settlement, known, scope, |numbers| match numbers {
            [] => Ok(Vec::new()),
            _ => {
                index.complete();
                describe(Describer { index: &index, units: known }, numbers)
            }
        })?;
        drop(index);
        if !views.are_all_settled() {
            classes.fill(|class| matches!(views.role(class), Role::Refined | Role::Forked));
        }
        settlement.extend(&classes);
        views.extend(&classes);
        let part = OpenPart::new(&classes, &settlement, &views, known);
        let kept = refine(&classes, &settlement, &part.vertices, part.base.len());
        let mut graph = TypeGraph {
            int,
            node_of_class: vec![NO_NODE; classes.all.len()],
            classes,
            settlement,
            views,
            part,
            kept,
            nodes: vec![Meaning::VOID],
            node_of_meaning: HashMap::default(),
            anchors: units.into_iter().map(|unit| (unit.table, unit.anchors)).collect(),
            ids,
        };
        graph.list_nodes();
        graph.views.graphs = Vec::new();
        Ok(graph)
    }

    /// What the `index`th anchor of a unit means.
    pub fn anchor(&self, unit: u32, index: u32) -> Meaning {
        if let Some(anchors) = self.part.anchors.get(&unit) {
            return anchors[index as usize];
        }
        let (table, anchors) = &self.anchors[unit as usize];
        self.usual_meaning(self.ids[*table as usize][anchors[index as usize] as usize])
    }

    /// The meaning of a class in units that have only usual classes.
    pub(super) fn usual_meaning(&self, class: ClassId) -> Meaning {
        match self.views.role(class) {
            Role::Settled => Meaning::settled(class),
            _ => self.views.meaning(class, self.views.usual_leaf(&self.settlement, class), &self.part),
        }
    }

    /// The meaning with everything resolved that stands for something else.
    pub(super) fn resolve(&self, meaning: Meaning) -> Meaning {
        let class = meaning.class;
        if self.views.role(class) == Role::Settled {
            return Meaning::settled(self.settlement.meaning[class as usize]);
        }
        let Some(&vertex) = self.kept.get(meaning.vertex as usize) else { return meaning };
        match self.classes.get(class).vertex {
            true => Meaning { class: self.part.vertices.class[vertex as usize], vertex },
            false => Meaning { class, vertex },
        }
    }

    /// The type of that meaning; it is added at the end if no unit lists it.
    pub fn node(&mut self, meaning: Meaning) -> NodeId {
        match self.resolve(meaning) {
            Meaning { class: VOID_CLASS, .. } => NodeId::VOID,
            resolved => self.node_of(resolved),
        }
    }

    /// The type of that meaning, unless it would have to be added.
    fn known(&self, meaning: Meaning) -> Option<NodeId> {
        let resolved = self.resolve(meaning);
        if resolved.class == VOID_CLASS {
            return Some(NodeId::VOID);
        }
        let node = match self.views.role(resolved.class) {
            Role::Settled => self.node_of_class[resolved.class as usize],
            _ => *self.node_of_meaning.get(&resolved)?,
        };
        (node != NO_NODE).then_some(NodeId(node))
    }

    pub(super) fn node_of(&mut self, meaning: Meaning) -> NodeId {
        let slot = match self.views.role(meaning.class) {
            Role::Settled => &mut self.node_of_class[meaning.class as usize],
            _ => self.node_of_meaning.entry(meaning).or_insert(NO_NODE),
        };
        if *slot == NO_NODE {
            *slot = self.nodes.len() as u32;
            self.nodes.push(meaning);
        }
        NodeId(*slot)
    }

    pub(super) fn reserve_nodes(&mut self, more: usize) {
        self.nodes.reserve(more);
    }

    /// Number of types, void included. It grows while [`node`](Self::node) and [`view`](Self::view) are asked for
    /// types that no unit lists.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.len() <= 1
    }

    /// A type that the base has not, and what it refers to; `members` is filled anew.
    pub fn view<'a>(&mut self, id: NodeId, members: &'a mut Vec<NodeMember>) -> NodeView<'a> {
        let mut references = Vec::new();
        self.references(id, &mut references);
        self.view_with(id, &references, members)
    }

    /// How many members, parameters or values a type has.
    pub fn count(&self, id: NodeId) -> usize {
        match (&self.classes.base, self.in_base(id)) {
            (Some(base), Some(ty)) => base.record(ty).vlen() as usize,
            _ => self.classes.get(self.nodes[id.0 as usize].class).count as usize,
        }
    }

    /// The base that types are found in.
    pub fn base(&self) -> Option<&Arc<BaseTypes>> {
        self.classes.base.as_ref()
    }

    /// The type of the base that it is.
    pub fn in_base(&self, id: NodeId) -> Option<TypeId> {
        self.base_type(self.nodes[id.0 as usize])
    }

    /// The type of the base that a meaning is, where everything is resolved that stands for something else.
    pub(super) fn base_type(&self, meaning: Meaning) -> Option<TypeId> {
        let class = self.classes.get(meaning.class);
        let base = self.classes.base.as_ref().filter(|_| !class.base.is_void())?;
        let vertex = || self.part.base.get(meaning.vertex as usize).copied();
        match (self.views.role(meaning.class), class.vertex) {
            (Role::Settled, _) => Some(class.base),
            (_, true) => vertex(),
            // Of the types that look like it, the one that leads there.
            (_, false) => vertex().and_then(|leaf| self.classes.base_types(class).find(|&ty| base.leaf(ty) == leaf)),
        }
    }

    /// Appends what a type refers to: its target, and the types of its members. Types that no unit lists are added.
    pub(super) fn references(&mut self, id: NodeId, into: &mut Vec<NodeId>) {
        let start = into.len();
        // Nearly all types refer to nothing but settled ones.
        let TypeGraph { classes, settlement, views, node_of_class, nodes, int, .. } = self;
        let class = classes.get(nodes[id.0 as usize].class);
        into.extend(classes.references(class).map_while(|to| {
            let to = if to == INDEX_CLASS { (*int)? } else { to };
            let meaning = settlement.meaning[to as usize];
            if views.role(to) != Role::Settled || views.role(meaning) != Role::Settled {
                return None;
            }
            let node = &mut node_of_class[meaning as usize];
            if *node == NO_NODE && meaning != VOID_CLASS {
                *node = nodes.len() as u32;
                nodes.push(Meaning::settled(meaning));
            }
            Some(if meaning == VOID_CLASS { NodeId::VOID } else { NodeId(*node) })
        }));
        if into.len() - start < class.count as usize + 1 {
            into.truncate(start);
            let meanings: SmallVec<[Meaning; 8]> = self.meanings(id).collect();
            into.extend(meanings.into_iter().map(|meaning| self.node(meaning)));
        }
    }

    /// The same while nothing is added. False where something would have to be: then what was appended is of no use.
    pub(super) fn known_references(&self, id: NodeId, into: &mut Vec<NodeId>) -> bool {
        let start = into.len();
        // Nearly all types refer to nothing but settled ones.
        let class = self.classes.get(self.nodes[id.0 as usize].class);
        for to in self.classes.references(class) {
            match self.settled_node(to) {
                Some(node) => into.push(node),
                None => break,
            }
        }
        if into.len() - start == class.count as usize + 1 {
            return true;
        }
        into.truncate(start);
        self.meanings(id).all(|meaning| self.known(meaning).map(|node| into.push(node)).is_some())
    }

    /// The type that a class is in all units.
    #[inline]
    fn settled_node(&self, class: ClassId) -> Option<NodeId> {
        if class == VOID_CLASS {
            return Some(NodeId::VOID);
        }
        let class = if class == INDEX_CLASS { self.int? } else { class };
        let is_settled = self.views.role(class) == Role::Settled;
        let node = self.node_of_class[self.settlement.meaning[class as usize] as usize];
        (is_settled && node != NO_NODE).then_some(NodeId(node))
    }

    /// What a type's target and the types of its members mean.
    fn meanings(&self, id: NodeId) -> impl Iterator<Item = Meaning> {
        let of = self.nodes[id.0 as usize];
        let Class { target, first, count, .. } = *self.classes.get(of.class);
        let members = self.classes.members[first as usize..(first + count) as usize].iter().map(|member| member.class);
        let mut edges = Edges::default();
        std::iter::once(target).chain(members).map(move |to| self.reference(of, to, &mut edges))
    }

    /// A type, given what it refers to.
    pub(super) fn view_with<'a>(
        &self,
        id: NodeId,
        references: &[NodeId],
        members: &'a mut Vec<NodeMember>,
    ) -> NodeView<'a> {
        let class = self.classes.get(self.nodes[id.0 as usize].class);
        let content = self.classes.members_of(class).iter().zip(&references[1..]);
        members.clear();
        members.extend(content.map(|(m, &ty)| NodeMember { name: m.name, value: m.value, ty }));
        NodeView {
            kind: class.kind,
            flag: class.flag,
            name: class.name,
            size: class.size,
            word: class.word,
            target: references[0],
            members,
            unit: class.unit,
            at: class.at,
        }
    }

    pub(super) fn kind_and_name(&self, id: NodeId) -> (Kind, Name) {
        let class = self.classes.get(self.nodes[id.0 as usize].class);
        (class.kind, class.name)
    }

    /// Unit and entry where a type was met first.
    pub(super) fn origin(&self, id: NodeId) -> (u32, u32) {
        let class = self.classes.get(self.nodes[id.0 as usize].class);
        (class.unit, class.at)
    }

    /// What a type refers to, one reference after the other.
    fn reference(&self, of: Meaning, to: ClassId, edges: &mut Edges) -> Meaning {
        let (edge, open) = (edges.all, edges.open);
        let role = self.views.role(to);
        if self.classes.is_leafy(to) {
            edges.all += 1;
            edges.open += (role != Role::Settled) as u32;
        }
        match (to, self.views.role(of.class)) {
            (VOID_CLASS, _) => Meaning::VOID,
            // Of arrays: the first INT called `int`, or none.
            (INDEX_CLASS, _) => self.int.map_or(Meaning::VOID, Meaning::settled),
            _ if role == Role::Settled => Meaning::settled(to),
            // It has the same leaf.
            (_, Role::Forked) => Meaning { class: to, vertex: of.vertex },
            (_, Role::Refined) if of.vertex != NO_VERTEX => {
                let vertex = self.part.vertices.edges_of(of.vertex).get(open as usize);
                Meaning { class: to, vertex: vertex.copied().unwrap_or(NO_VERTEX) }
            }
            _ => {
                let leaf = self.views.pinned(&self.settlement, of.class, edge, to);
                self.views.meaning(to, leaf, &self.part)
            }
        }
    }

    /// The class behind a type, for comparisons that do not care what names mean.
    pub fn shallow(&self, meaning: Meaning) -> Shallow<'_> {
        Shallow::new(&self.classes, meaning.class)
    }
}

/// How many references were passed that lead to a vertex, and to one that is not settled.
#[derive(Default)]
struct Edges {
    all: u32,
    open: u32,
}

fn program_int(classes: &mut Classes) -> Option<ClassId> {
    if let Some(int) = classes.base.as_ref().and_then(|base| base.int()) {
        return Some(classes.adopt(int));
    }
    let name = name_hash(b"int");
    let ints = classes.ids().filter(|&c| classes.get(c).kind == Kind::Int && classes.get(c).name.hash == name);
    ints.min_by_key(|&c| classes.get(c).origin())
}
