//! The vertices that are compared exactly: those of the base, those of the units that were described, and one for each
//! definition of an ambiguous name that only other units have.
//!
//! They are numbered in this order, that of units and their items, on which the outcome of the comparison depends. What
//! other units have beside is of these same definitions, or of classes that are not compared. Of the base there are the
//! types of classes that the program has, too: with others nothing is compared.

use super::by_type::ByType;
use super::classes::{ClassId, Classes, NOWHERE, Place, VOID_CLASS};
use super::describe::{DetailVertex, NO_VERTEX, UNLISTED, UnitDetail};
use super::recall::{Names, Units};
use super::refine::{Vertex, Vertices};
use super::settle::Settlement;
use super::views::{Role, Views};
use crate::TypeId;
use rustc_hash::FxHashMap as HashMap;

/// What a type of some unit means in the whole program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Meaning {
    pub(super) class: ClassId,
    /// The vertex that it is or leads to, where the class is not settled.
    pub(super) vertex: Vertex,
}

impl Meaning {
    pub(super) const VOID: Meaning = Meaning::settled(VOID_CLASS);

    pub(super) const fn settled(class: ClassId) -> Meaning {
        Meaning { class, vertex: NO_VERTEX }
    }
}

#[derive(Default)]
pub(super) struct OpenPart {
    pub vertices: Vertices,
    /// By vertex of the base, which are the first ones: its type.
    pub base: Vec<TypeId>,
    /// By vertex.
    pub places: Vec<Place>,
    /// By class: its first vertex.
    first_of: Vec<Vertex>,
    /// Listed types of forked classes, by place.
    pub references: Vec<(Meaning, Place)>,
    /// By number of the unit, of those that were described.
    pub anchors: HashMap<u32, Vec<Meaning>>,
}

impl OpenPart {
    pub fn new(classes: &Classes, settlement: &Settlement, views: &Views, units: Units<'_>) -> OpenPart {
        let mut part = OpenPart::default();
        if views.are_all_settled() {
            return part;
        }
        part.first_of = vec![NO_VERTEX; classes.all.len()];
        part.of_base(classes, views);
        let known = |unit: u32| views.graphs.binary_search_by_key(&unit, |(number, _)| *number).is_ok();
        let named = classes.ids().filter(|&c| {
            let class = classes.get(c);
            views.role(c) == Role::Named && class.base.is_void() && !known(class.place.unit)
        });
        let mut others: Vec<(Place, ClassId)> = named.map(|c| (classes.get(c).place, c)).collect();
        others.sort_unstable();
        let mut others = others.into_iter().peekable();
        let mut names = Names::new(classes, settlement);
        for (number, detail) in &views.graphs {
            while let Some((place, class)) = others.next_if(|(place, _)| place.unit < *number) {
                part.add(class, place);
            }
            match detail {
                Some(detail) => part.described(detail, views),
                None => part.recalled(*number, classes, views, units, &mut names),
            }
        }
        others.for_each(|(place, class)| _ = part.add(class, place));
        part.vertices.first.push(part.vertices.edges.len() as u32);
        part
    }

    fn add(&mut self, class: ClassId, place: Place) -> Vertex {
        let vertex = self.places.len() as Vertex;
        self.vertices.class.push(class);
        self.vertices.first.push(self.vertices.edges.len() as u32);
        self.places.push(place);
        let first = &mut self.first_of[class as usize];
        *first = vertex.min(*first);
        vertex
    }

    fn of_base(&mut self, classes: &Classes, views: &Views) {
        let Some(base) = &classes.base else { return };
        let is_open = |c: &ClassId| matches!(views.role(*c), Role::Refined | Role::Named);
        let of_class = |c: ClassId| classes.base_types(classes.get(c)).map(move |ty| (ty, c));
        let mut types: Vec<(TypeId, ClassId)> = classes.ids().filter(is_open).flat_map(of_class).collect();
        types.sort_unstable();
        types.dedup_by_key(|(ty, _)| *ty);
        self.base = types.iter().map(|&(ty, _)| ty).collect();
        let mut vertex_of = ByType::default();
        vertex_of.reserve(types.len());
        (0..).zip(&self.base).for_each(|(v, &ty)| _ = vertex_of.get_or_put(ty, v));
        for (ty, class) in types {
            self.add(class, NOWHERE);
            if views.role(class) == Role::Refined {
                base.edges(ty, |to| self.vertices.edges.extend(vertex_of.get(to)));
            }
        }
    }

    fn described(&mut self, detail: &UnitDetail, views: &Views) {
        let is_open = |class: ClassId| matches!(views.role(class), Role::Refined | Role::Named);
        let mut next = self.places.len() as Vertex;
        let number = |v: &DetailVertex| match is_open(v.class) {
            true if !v.base.is_void() => self.base.binary_search(&v.base).map_or(NO_VERTEX, |v| v as Vertex),
            true => {
                next += 1;
                next - 1
            }
            false => NO_VERTEX,
        };
        let vertex_of: Vec<Vertex> = detail.vertices.iter().map(number).collect();
        let is_own = |v: &DetailVertex| v.base.is_void() && is_open(v.class);
        for (v, vertex) in detail.vertices.iter().enumerate().filter(|(_, v)| is_own(v)) {
            let listed = Place { unit: detail.number, item: vertex.item };
            self.add(vertex.class, if vertex.item == UNLISTED { NOWHERE } else { listed });
            if views.role(vertex.class) == Role::Refined {
                let edges = detail.edges_of(v as u32).iter().map(|&to| vertex_of[to as usize]);
                self.vertices.edges.extend(edges.filter(|&to| to != NO_VERTEX));
            }
        }
        for r in detail.references.iter().filter(|r| views.role(r.class) == Role::Forked) {
            let meaning = Meaning { class: r.class, vertex: vertex_of[r.leaf as usize] };
            self.references.push((meaning, Place { unit: detail.number, item: r.item }));
        }
        let mean = |&(class, leaf): &(ClassId, u32)| match views.role(class) {
            Role::Settled => Meaning::settled(class),
            _ => Meaning { class, vertex: vertex_of.get(leaf as usize).copied().unwrap_or(NO_VERTEX) },
        };
        self.anchors.insert(detail.number, detail.anchors.iter().map(mean).collect());
    }

    /// The same of a unit by what it lists. What it does not list comes behind, as it is found.
    fn recalled(&mut self, number: u32, classes: &Classes, views: &Views, units: Units<'_>, names: &mut Names<'_>) {
        names.clear();
        // Vertices and their items; names tell their numbers here, from 1.
        let mut found: Vec<(ClassId, u32)> = Vec::new();
        let mut forked: Vec<(ClassId, u32)> = Vec::new();
        let mut item = 0;
        units.listed(number, |class| {
            match views.role(class) {
                Role::Settled => {}
                Role::Forked => forked.push((class, item)),
                Role::Refined | Role::Named => {
                    if names.put(class, found.len() as u32 + 1) {
                        found.push((class, item));
                    }
                }
            }
            item += 1;
        });
        let start = self.places.len() as Vertex;
        let mut vertex = |leaf: ClassId, found: &mut Vec<(ClassId, u32)>| {
            if names.put(leaf, found.len() as u32 + 1) {
                found.push((leaf, UNLISTED));
            }
            start + names.get(leaf).map_or(0, |place| place - 1)
        };
        for (class, item) in forked {
            let meaning = Meaning { class, vertex: vertex(views.leaf(class), &mut found) };
            self.references.push((meaning, Place { unit: number, item }));
        }
        let anchors = units.anchors(number).map(|class| match views.role(class) {
            Role::Settled => Meaning::settled(class),
            _ => Meaning { class, vertex: vertex(views.leaf(class), &mut found) },
        });
        let anchors = anchors.collect();
        self.anchors.insert(number, anchors);
        let mut next = 0;
        while let Some(&(class, item)) = found.get(next) {
            next += 1;
            self.add(class, if item == UNLISTED { NOWHERE } else { Place { unit: number, item } });
            if views.role(class) == Role::Refined {
                let is_open = |to: &ClassId| classes.is_leafy(*to) && views.role(*to) != Role::Settled;
                for to in classes.references(classes.get(class)).filter(is_open) {
                    let to = vertex(views.leaf(to), &mut found);
                    self.vertices.edges.push(to);
                }
            }
        }
    }
}

impl Views {
    /// What a class means where its leaf is known: it is not refined.
    pub fn meaning(&self, class: ClassId, leaf: Option<ClassId>, part: &OpenPart) -> Meaning {
        let vertex = match self.role(class) {
            Role::Settled => NO_VERTEX,
            Role::Named => part.first_of[class as usize],
            _ => leaf.map_or(NO_VERTEX, |leaf| part.first_of[leaf as usize]),
        };
        Meaning { class, vertex }
    }
}
