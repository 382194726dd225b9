//! The type graph of a program: one node for each distinct type, numbered in order of first appearance.

use super::classes::{Anchor, ClassId, Classes, Classifier, INDEX_CLASS, NOWHERE, Place, UnitGraph, VOID_CLASS, merge};
use super::refine::{Vertex, Vertices, refine};
use super::settle::Settlement;
use crate::Kind;
use crate::unit::{Name, name_hash};
use rayon::prelude::*;
use rustc_hash::FxHashMap as HashMap;

const NO_VERTEX: Vertex = u32::MAX;
const NO_NODE: u32 = u32::MAX;

/// What a type of some unit means in the whole program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Meaning {
    class: ClassId,
    /// The vertex that it is or leads to, where the class is open.
    vertex: Vertex,
}

/// A type of the program, by its index in [`TypeGraph::nodes`]; void is [`NodeId::VOID`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

impl NodeId {
    pub const VOID: NodeId = NodeId(0);
}

#[derive(Debug, Clone, Copy)]
struct Node {
    meaning: Meaning,
    place: Place,
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
    pub value: u64,
    pub ty: NodeId,
}

pub struct TypeGraph {
    classes: Classes,
    settlement: Settlement,
    vertices: Vertices,
    /// By vertex: the one that is kept for it.
    kept: Vec<Vertex>,
    nodes: Vec<Node>,
    node_of_class: Vec<u32>,
    node_of_vertex: HashMap<Vertex, u32>,
    node_of_reference: HashMap<(ClassId, Vertex), u32>,
    anchors: Vec<Vec<Meaning>>,
    int: Option<ClassId>,
}

/// Types of open classes that are no vertices: class, leaf, and where they are.
type OpenReferences = Vec<(ClassId, Vertex, Place)>;

impl TypeGraph {
    /// Merges what the classifiers have found in the units; `units` in the order of their numbers.
    pub fn build(classifiers: Vec<Classifier>, units: Vec<UnitGraph>) -> TypeGraph {
        let classes = merge(classifiers);
        let settlement = Settlement::of(&classes);
        let (vertices, places, references, anchors) = open_part(&classes, &settlement, units);
        let kept = refine(&classes, &settlement, &vertices);
        let int = program_int(&classes);
        let mut graph = TypeGraph {
            node_of_class: vec![NO_NODE; classes.all.len()],
            classes,
            settlement,
            vertices,
            kept,
            nodes: vec![Node { meaning: Meaning { class: VOID_CLASS, vertex: NO_VERTEX }, place: NOWHERE }],
            node_of_vertex: HashMap::default(),
            node_of_reference: HashMap::default(),
            anchors,
            int,
        };
        graph.list_nodes(&places, references);
        graph
    }

    fn list_nodes(&mut self, places: &[Place], references: OpenReferences) {
        let mut listed: Vec<Node> = Vec::new();
        for (id, class) in self.classes.all.iter().enumerate().skip(1) {
            let class_id = id as ClassId;
            if class.place != NOWHERE && !self.settlement.open[id] && self.settlement.meaning[id] == class_id {
                listed.push(Node { meaning: Meaning { class: class_id, vertex: NO_VERTEX }, place: class.place });
            }
        }
        for (v, &place) in places.iter().enumerate() {
            if self.kept[v] == v as Vertex && place != NOWHERE {
                let class = self.vertices.class[v];
                listed.push(Node { meaning: Meaning { class, vertex: v as Vertex }, place });
            }
        }
        let mut seen: HashMap<(ClassId, Vertex), ()> = HashMap::default();
        for (class, leaf, place) in references {
            let leaf = self.kept[leaf as usize];
            if seen.insert((class, leaf), ()).is_none() {
                listed.push(Node { meaning: Meaning { class, vertex: leaf }, place });
            }
        }
        listed.sort_unstable_by_key(|n| n.place);
        for node in listed {
            let index = self.nodes.len() as u32;
            *self.slot(node.meaning) = index;
            self.nodes.push(node);
        }
    }

    /// Where the node of a meaning is noted. The class is not void and stands for itself; the vertex is a kept one.
    fn slot(&mut self, meaning: Meaning) -> &mut u32 {
        let class = meaning.class as usize;
        if !self.settlement.open[class] {
            &mut self.node_of_class[class]
        } else if self.classes.all[class].vertex {
            self.node_of_vertex.entry(meaning.vertex).or_insert(NO_NODE)
        } else {
            self.node_of_reference.entry((meaning.class, meaning.vertex)).or_insert(NO_NODE)
        }
    }

    /// What the `index`th anchor of a unit means.
    pub fn anchor(&self, unit: u32, index: u32) -> Meaning {
        self.anchors[unit as usize][index as usize]
    }

    /// The meaning with everything resolved that stands for something else.
    fn resolve(&self, meaning: Meaning) -> Meaning {
        let class = meaning.class;
        if class == VOID_CLASS || !self.settlement.open[class as usize] {
            return Meaning { class: self.settlement.meaning[class as usize], vertex: NO_VERTEX };
        }
        let vertex = self.kept[meaning.vertex as usize];
        if self.classes.get(class).vertex {
            return Meaning { class: self.vertices.class[vertex as usize], vertex };
        }
        Meaning { class, vertex }
    }

    /// The type of that meaning; it is added at the end if no unit lists it.
    pub fn node(&mut self, meaning: Meaning) -> NodeId {
        let meaning = self.resolve(meaning);
        if meaning.class == VOID_CLASS {
            return NodeId::VOID;
        }
        let next = self.nodes.len() as u32;
        let slot = self.slot(meaning);
        if *slot == NO_NODE {
            *slot = next;
            self.nodes.push(Node { meaning, place: NOWHERE });
            return NodeId(next);
        }
        NodeId(*slot)
    }

    /// Number of types, void included. It grows while [`node`](Self::node) and [`view`](Self::view) are asked for
    /// types that no unit lists.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.len() <= 1
    }

    /// A type and what it refers to; `members` is filled anew.
    pub fn view<'a>(&mut self, id: NodeId, members: &'a mut Vec<NodeMember>) -> NodeView<'a> {
        let Meaning { class: class_id, vertex } = self.nodes[id.0 as usize].meaning;
        let class = *self.classes.get(class_id);
        members.clear();
        // The children in order; the open ones that have a leaf take the next edge of the vertex, or share its leaf.
        let mut edge = 0;
        let mut target = NodeId::VOID;
        for k in 0..=class.count as usize {
            let (child, member) = match k {
                0 => (class.target, None),
                k => {
                    let member = self.classes.members[class.first as usize + k - 1];
                    (member.class, Some(member))
                }
            };
            let node = match child {
                VOID_CLASS => NodeId::VOID,
                INDEX_CLASS => self.program_int(),
                _ if !self.settlement.open[child as usize] => self.node(Meaning { class: child, vertex: NO_VERTEX }),
                _ => {
                    let leaf = if class.vertex {
                        edge += 1;
                        self.vertices.edges_of(vertex)[edge - 1]
                    } else {
                        vertex
                    };
                    self.node(Meaning { class: child, vertex: leaf })
                }
            };
            match member {
                None => target = node,
                Some(m) => members.push(NodeMember { name: m.name, value: m.value, ty: node }),
            }
        }
        NodeView {
            kind: class.kind,
            flag: class.flag,
            name: class.name,
            size: class.size,
            word: class.word,
            target,
            members,
            unit: class.unit,
            at: class.at,
        }
    }

    /// The index type of arrays: the first INT called `int`, or none.
    fn program_int(&mut self) -> NodeId {
        match self.int {
            Some(class) => self.node(Meaning { class, vertex: NO_VERTEX }),
            None => NodeId::VOID,
        }
    }

    /// The class behind a type, for comparisons that do not care what names mean.
    pub fn shallow(&self, meaning: Meaning) -> Shallow<'_> {
        Shallow { classes: &self.classes, id: meaning.class }
    }
}

/// A type by its class: what it says, with names standing for themselves.
#[derive(Clone, Copy)]
pub struct Shallow<'a> {
    classes: &'a Classes,
    id: ClassId,
}

impl<'a> Shallow<'a> {
    pub fn is_void(self) -> bool {
        self.id == VOID_CLASS
    }

    /// Equal classes are equal in all but what names mean.
    pub fn same(self, other: Shallow<'_>) -> bool {
        self.id == other.id
    }

    pub fn kind(self) -> Kind {
        self.classes.get(self.id).kind
    }

    pub fn flag(self) -> bool {
        self.classes.get(self.id).flag
    }

    pub fn name(self) -> Name {
        self.classes.get(self.id).name
    }

    /// Size in bytes, or number of elements.
    pub fn size(self) -> u32 {
        self.classes.get(self.id).size
    }

    pub fn word(self) -> u32 {
        self.classes.get(self.id).word
    }

    pub fn target(self) -> Shallow<'a> {
        Shallow { id: self.classes.get(self.id).target, ..self }
    }

    pub fn members(self) -> impl ExactSizeIterator<Item = (Name, Shallow<'a>)> {
        self.classes
            .members_of(self.classes.get(self.id))
            .iter()
            .map(move |m| (m.name, Shallow { id: m.class, ..self }))
    }
}

fn program_int(classes: &Classes) -> Option<ClassId> {
    let name = name_hash(b"int");
    (1..classes.all.len() as ClassId)
        .filter(|&c| classes.get(c).kind == Kind::Int && classes.get(c).name.hash == name)
        .min_by_key(|&c| (classes.get(c).place, classes.get(c).unit, classes.get(c).at))
}

/// Takes what is open out of the units, on as many threads as there are: vertices with their places and edges, other
/// types, and the units' anchors.
fn open_part(
    classes: &Classes,
    settlement: &Settlement,
    units: Vec<UnitGraph>,
) -> (Vertices, Vec<Place>, OpenReferences, Vec<Vec<Meaning>>) {
    let open_part = OpenPart::new(classes, settlement);
    // How much room each unit needs, so that all can write at once.
    let sizes: Vec<Size> = units.par_iter().map(|unit| open_part.size(unit)).collect();
    let total = sizes.iter().fold(Size::default(), |sum, size| sum + *size);
    let mut class = vec![VOID_CLASS; total.vertices];
    let mut first = vec![0u32; total.vertices + 1];
    let mut edges = vec![NO_VERTEX; total.edges];
    let mut places = vec![NOWHERE; total.vertices];
    let mut references = vec![(VOID_CLASS, NO_VERTEX, NOWHERE); total.references];
    first[total.vertices] = total.edges as u32;

    let mut parts = Vec::with_capacity(units.len());
    let mut before = Size::default();
    let mut left = (&mut class[..], &mut first[..], &mut edges[..], &mut places[..], &mut references[..]);
    for (unit, size) in units.iter().zip(&sizes) {
        let (class, rest) = left.0.split_at_mut(size.vertices);
        left.0 = rest;
        let (first, rest) = left.1.split_at_mut(size.vertices);
        left.1 = rest;
        let (edges, rest) = left.2.split_at_mut(size.edges);
        left.2 = rest;
        let (places, rest) = left.3.split_at_mut(size.vertices);
        left.3 = rest;
        let (references, rest) = left.4.split_at_mut(size.references);
        left.4 = rest;
        parts.push(Part { unit, before, class, first, edges, places, references });
        before = before + *size;
    }
    let anchors = parts.into_par_iter().enumerate().map(|(n, part)| open_part.fill(n as u32, part)).collect();
    (Vertices { class, first, edges }, places, references, anchors)
}

/// Room for vertices, their edges, and types of open classes that are no vertices.
#[derive(Clone, Copy, Default)]
struct Size {
    vertices: usize,
    edges: usize,
    references: usize,
}

impl std::ops::Add for Size {
    type Output = Size;

    fn add(self, other: Size) -> Size {
        Size {
            vertices: self.vertices + other.vertices,
            edges: self.edges + other.edges,
            references: self.references + other.references,
        }
    }
}

/// A unit, and where its share goes.
struct Part<'a> {
    unit: &'a UnitGraph,
    before: Size,
    class: &'a mut [ClassId],
    first: &'a mut [u32],
    edges: &'a mut [Vertex],
    places: &'a mut [Place],
    references: &'a mut [(ClassId, Vertex, Place)],
}

struct OpenPart<'a> {
    classes: &'a Classes,
    /// By class. Beside the classes, which are large, this stays in the cache.
    roles: Vec<OpenRole>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OpenRole {
    Settled,
    Reference,
    /// With so many edges in its unit, of which so many lead to open classes (the same in each unit).
    Vertex {
        edges: u32,
        open_edges: u32,
    },
}

impl OpenPart<'_> {
    fn new<'a>(classes: &'a Classes, settlement: &Settlement) -> OpenPart<'a> {
        let role = |id: ClassId| {
            let class = classes.get(id);
            if !settlement.open[id as usize] {
                return OpenRole::Settled;
            }
            if !class.vertex {
                return OpenRole::Reference;
            }
            let leafy = |&c: &ClassId| c != VOID_CLASS && c != INDEX_CLASS && classes.get(c).leafy;
            let (mut edges, mut open_edges) = (0, 0);
            for target in classes.references(class).filter(leafy) {
                edges += 1;
                open_edges += settlement.open[target as usize] as u32;
            }
            OpenRole::Vertex { edges, open_edges }
        };
        OpenPart { classes, roles: (0..classes.all.len() as ClassId).map(role).collect() }
    }

    fn ids(&self, unit: &UnitGraph) -> &[ClassId] {
        &self.classes.ids[unit.table as usize]
    }

    fn size(&self, unit: &UnitGraph) -> Size {
        let ids = self.ids(unit);
        let unlisted = unit.anchors.iter().filter(|a| a.item == 0 && self.is_vertex(ids[a.class as usize]));
        let mut size = Size::default();
        for class in unit.items.iter().map(|item| item.class).chain(unlisted.map(|a| a.class)) {
            match self.roles[ids[class as usize] as usize] {
                OpenRole::Settled => {}
                OpenRole::Reference => size.references += 1,
                OpenRole::Vertex { open_edges, .. } => {
                    size.vertices += 1;
                    size.edges += open_edges as usize;
                }
            }
        }
        size
    }

    fn is_vertex(&self, class: ClassId) -> bool {
        matches!(self.roles[class as usize], OpenRole::Vertex { .. })
    }

    /// Writes one unit's share; returns what its anchors mean.
    fn fill(&self, number: u32, mut part: Part<'_>) -> Vec<Meaning> {
        let (unit, ids) = (part.unit, self.ids(part.unit));
        // By item + 1: its vertex.
        let mut vertex_of = Vec::with_capacity(unit.items.len() + 1);
        vertex_of.push(NO_VERTEX);
        let mut next = part.before.vertices as Vertex;
        for item in &unit.items {
            let vertex = self.is_vertex(ids[item.class as usize]);
            vertex_of.push(if vertex { next } else { NO_VERTEX });
            next += vertex as Vertex;
        }
        let mut done = Size::default();
        for (index, item) in unit.items.iter().enumerate() {
            let (class, place) = (ids[item.class as usize], Place { unit: number, item: index as u32 });
            match self.roles[class as usize] {
                OpenRole::Settled => {}
                OpenRole::Reference => {
                    part.references[done.references] = (class, vertex_of[item.arg as usize], place);
                    done.references += 1;
                }
                OpenRole::Vertex { .. } => self.add_vertex(&mut part, &mut done, class, item.arg, place, &vertex_of),
            }
        }
        let mean = |anchor: &Anchor| {
            let class = ids[anchor.class as usize];
            let vertex = match (self.roles[class as usize], anchor.item) {
                (OpenRole::Settled, _) => NO_VERTEX,
                (OpenRole::Vertex { .. }, 0) => {
                    self.add_vertex(&mut part, &mut done, class, anchor.arg, NOWHERE, &vertex_of);
                    (part.before.vertices + done.vertices) as Vertex - 1
                }
                (OpenRole::Reference, 0) => vertex_of[anchor.arg as usize],
                (OpenRole::Vertex { .. }, item) => vertex_of[item as usize],
                (OpenRole::Reference, item) => vertex_of[unit.items[item as usize - 1].arg as usize],
            };
            Meaning { class, vertex }
        };
        unit.anchors.iter().map(mean).collect()
    }

    fn add_vertex(
        &self,
        part: &mut Part<'_>,
        done: &mut Size,
        class: ClassId,
        arg: u32,
        place: Place,
        vertex_of: &[Vertex],
    ) {
        let OpenRole::Vertex { edges, open_edges } = self.roles[class as usize] else { return };
        part.class[done.vertices] = class;
        part.places[done.vertices] = place;
        part.first[done.vertices] = (part.before.edges + done.edges) as u32;
        let targets = part.unit.edges[arg as usize..][..edges as usize].iter();
        let open = targets.map(|&item| vertex_of[item as usize]).filter(|&v| v != NO_VERTEX);
        let room = &mut part.edges[done.edges..done.edges + open_edges as usize];
        room.iter_mut().zip(open).for_each(|(slot, vertex)| *slot = vertex);
        done.vertices += 1;
        done.edges += open_edges as usize;
    }
}
