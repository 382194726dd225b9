//! Units in full: what only those units are asked for whose types may mean something else than in other units.

use super::classes::{ClassId, VOID_CLASS};
use super::merge::ClassIndex;
use super::recall::Units;
use super::spell::{NO_LEAF, Spelling};
use crate::TypeId;
use crate::unit::{ARRAY_INDEX, Local, UnitTypes, VOID};

/// A vertex of a unit, by its number there.
pub(super) type UnitVertex = u32;

pub(super) const NO_VERTEX: u32 = u32::MAX;
/// The place of what a unit refers to and does not list.
pub(super) const UNLISTED: u32 = u32::MAX;

/// One unit as a graph of classes. Vertices are numbered in the order of the unit; those that it does not list come last.
#[derive(Debug, Default)]
pub struct UnitDetail {
    pub(super) number: u32,
    pub(super) vertices: Vec<DetailVertex>,
    pub(super) edges: Vec<UnitVertex>,
    /// The listed types that are no vertices and lead to one.
    pub(super) references: Vec<DetailReference>,
    pub(super) anchors: Vec<(ClassId, UnitVertex)>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct DetailVertex {
    pub class: ClassId,
    /// The type of the base that the unit refers to, with no edges here; void for others.
    pub base: TypeId,
    pub item: u32,
    /// Index of its first edge.
    pub first: u32,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct DetailReference {
    pub class: ClassId,
    pub leaf: UnitVertex,
    pub item: u32,
}

impl UnitDetail {
    pub(super) fn edges_of(&self, v: UnitVertex) -> &[UnitVertex] {
        let end = self.vertices.get(v as usize + 1).map_or(self.edges.len(), |next| next.first as usize);
        &self.edges[self.vertices[v as usize].first as usize..end]
    }
}

/// Tells of units that were classified before what has not been kept of them. Any thread may use it.
#[derive(Clone, Copy)]
pub struct Describer<'a> {
    pub(super) index: &'a ClassIndex,
    pub(super) units: Units<'a>,
}

impl Describer<'_> {
    /// The same unit that [`Classifier::classify`](super::Classifier::classify) was given under this number.
    pub fn describe(&self, number: u32, unit: &UnitTypes, anchors: &[Local]) -> UnitDetail {
        let mut description = Description {
            index: self.index,
            known: Vec::new(),
            number,
            unit,
            spelling: Spelling::default(),
            vertex_of: vec![NO_VERTEX; unit.types.len()],
            locals: Vec::new(),
            detail: UnitDetail { number, ..UnitDetail::default() },
        };
        description.spelling.run(unit);
        description.know(self.units);
        description.listed();
        description.detail.anchors = anchors.iter().map(|&local| description.anchor(local)).collect();
        description.edges();
        description.detail
    }
}

struct Description<'a> {
    index: &'a ClassIndex,
    /// By item: the class, where that was kept; void elsewhere.
    known: Vec<ClassId>,
    number: u32,
    unit: &'a UnitTypes,
    spelling: Spelling,
    /// By local id.
    vertex_of: Vec<UnitVertex>,
    /// By vertex.
    locals: Vec<Local>,
    detail: UnitDetail,
}

impl Description<'_> {
    /// A class that was never met is that of a type which neither the unit lists nor any class refers to.
    fn class(&self, local: Local) -> ClassId {
        match local {
            VOID | ARRAY_INDEX => VOID_CLASS,
            _ => self.index.find(self.spelling.key(self.unit, local, self.number)).unwrap_or(VOID_CLASS),
        }
    }

    /// Classes that were kept need not be looked up again: those of all listed types, or of vertices.
    fn know(&mut self, units: Units<'_>) {
        let (unit, is_whole) = (self.unit, units.is_whole(self.number));
        let mut kept = unit.order.iter().enumerate();
        self.known.resize(unit.order.len(), VOID_CLASS);
        units.listed(self.number, |class| {
            let is_kept = |local: Local| is_whole || self.spelling.of(local).leaf == local;
            if let Some((item, _)) = kept.find(|&(_, &local)| is_kept(local)) {
                self.known[item] = class;
            }
        });
    }

    /// The class of a listed type.
    fn class_of_item(&self, item: usize, local: Local) -> ClassId {
        match self.known[item] {
            VOID_CLASS => self.class(local),
            known => known,
        }
    }

    fn listed(&mut self) {
        let unit = self.unit;
        for (item, &local) in unit.order.iter().enumerate() {
            if self.spelling.of(local).leaf == local {
                self.add(local, self.class_of_item(item, local), item as u32);
            }
        }
        for (item, &local) in unit.order.iter().enumerate() {
            let leaf = self.spelling.of(local).leaf;
            if leaf != local && leaf != NO_LEAF {
                let (class, leaf) = (self.class_of_item(item, local), self.vertex(leaf));
                self.detail.references.push(DetailReference { class, leaf, item: item as u32 });
            }
        }
    }

    fn add(&mut self, local: Local, class: ClassId, item: u32) {
        self.vertex_of[local as usize] = self.locals.len() as UnitVertex;
        self.locals.push(local);
        let base = self.unit.in_base(local).unwrap_or(TypeId::VOID);
        self.detail.vertices.push(DetailVertex { class, base, item, first: 0 });
    }

    fn vertex(&mut self, local: Local) -> UnitVertex {
        if self.vertex_of[local as usize] == NO_VERTEX {
            self.add(local, self.class(local), UNLISTED);
        }
        self.vertex_of[local as usize]
    }

    fn anchor(&mut self, local: Local) -> (ClassId, UnitVertex) {
        match self.spelling.of(local).leaf {
            NO_LEAF => (self.class(local), NO_VERTEX),
            leaf => (self.class(local), self.vertex(leaf)),
        }
    }

    /// Of all vertices, those too that are found on the way.
    fn edges(&mut self) {
        let unit = self.unit;
        let mut v = 0;
        while v < self.locals.len() {
            let t = &unit.types[self.locals[v] as usize];
            let vertex = &mut self.detail.vertices[v];
            vertex.first = self.detail.edges.len() as u32;
            v += 1;
            if !vertex.base.is_void() {
                continue;
            }
            for &to in std::iter::once(&t.target).chain(unit.references_of(t)) {
                match self.spelling.of(to).leaf {
                    NO_LEAF => {}
                    leaf => {
                        let to = self.vertex(leaf);
                        self.detail.edges.push(to);
                    }
                }
            }
        }
    }
}
