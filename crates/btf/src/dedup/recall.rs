//! Units as graphs again, by the classes that they list.
//!
//! Within a unit of C a name means one thing, so that nothing else has to be known of it than what that is: all types of
//! a class are spelled the same, and what the unit has by that spelling is what its type refers to. Prototypes that are of
//! one class are alike down to the names in them, so that one stands for all of them.
//!
//! ```text
//! classes: 1 struct A { u8 x; }   2 u8 = unsigned char   3 u8 = unsigned
//! unit:    lists 3 and 1, so that its A has the second u8
//! ```
//!
//! A unit that has two types of a name that matters is *mixed* (blocks may have types of their own, and a group may be of
//! several units): only its types say which of them is meant, and it has to be described. So is one that has two structs
//! without a name of one class that is refined. They are alike, too, but where several kept types match them, because of a
//! declaration in those or because a base has a type twice, each may have become another one of these: the one was met in
//! a walk from the struct around it, the other is compared with the newest one first.

use super::base::has_name_space;
use super::by_type::ByType;
use super::classes::{ClassId, Classes, VOID_CLASS};
use super::classify::UnitSummary;
use super::settle::{NO_GROUP, Settlement};
use crate::Kind;
use rayon::prelude::*;

/// The units as they were classified.
#[derive(Clone, Copy)]
pub(super) struct Units<'a> {
    pub summaries: &'a [UnitSummary],
    /// By number of the classifier: its classes' ids.
    pub ids: &'a [Vec<ClassId>],
}

impl Units<'_> {
    /// Which units have a vertex or an anchor of a wanted class, and of which. Vertices are looked for only in units that
    /// `lists` names.
    pub fn that_have(&self, wanted: &[bool], lists: impl Fn(u32) -> bool + Sync) -> Vec<(u32, ClassId)> {
        // By the classifiers' own numbers, so that most classes need only one look.
        let wanted: Vec<Vec<bool>> =
            self.ids.iter().map(|ids| ids.iter().map(|&c| wanted[c as usize]).collect()).collect();
        let found = self.summaries.par_iter().enumerate().flat_map_iter(|(number, unit)| {
            let (wanted, ids) = (&wanted[unit.table as usize], &self.ids[unit.table as usize]);
            let mut found = Vec::new();
            let mut look = |c: ClassId| {
                if wanted[c as usize] {
                    found.push((number as u32, ids[c as usize]));
                }
            };
            if lists(number as u32) {
                unit.listed.each(&mut look);
            }
            unit.anchors.iter().copied().for_each(look);
            found
        });
        found.collect()
    }

    /// The classes of the types that a unit lists, in its order: all if it can be recalled, else those of vertices.
    pub fn listed(&self, number: u32, mut see: impl FnMut(ClassId)) {
        let unit = &self.summaries[number as usize];
        let ids = &self.ids[unit.table as usize];
        unit.listed.each(|c| see(ids[c as usize]));
    }

    /// Whether all types that a unit lists are known by their classes, and say what names mean unless it is mixed.
    pub fn is_whole(&self, number: u32) -> bool {
        self.summaries[number as usize].whole
    }

    /// The classes of its anchors.
    pub fn anchors(&self, number: u32) -> impl Iterator<Item = ClassId> {
        let unit = &self.summaries[number as usize];
        let ids = &self.ids[unit.table as usize];
        unit.anchors.iter().map(|&c| ids[c as usize])
    }
}

/// What a unit has by each spelling of a vertex, as far as that matters. Used for one unit after the other.
pub(super) struct Names<'a> {
    pub classes: &'a Classes,
    pub settlement: &'a Settlement,
    /// By group, and then by class of what has no name: the class or whatever stands for it; 0 is none.
    meant: Vec<u32>,
    /// Where something is written.
    used: Vec<u32>,
}

impl<'a> Names<'a> {
    pub fn new(classes: &'a Classes, settlement: &'a Settlement) -> Names<'a> {
        let meant = vec![0; settlement.groups.len() + classes.all.len()];
        Names { classes, settlement, meant, used: Vec::new() }
    }

    pub fn clear(&mut self) {
        self.used.drain(..).for_each(|at| self.meant[at as usize] = 0);
    }

    /// Where what is spelled like a vertex of this class is.
    fn at(&self, class: ClassId) -> usize {
        match self.settlement.group_of[class as usize] {
            NO_GROUP => self.settlement.groups.len() + class as usize,
            group => group as usize,
        }
    }

    /// Whether it is a vertex, but neither a struct or union nor of a name.
    fn is_joint(&self, class: ClassId) -> bool {
        let class = self.classes.get(class);
        let has_name = has_name_space(class.kind) && !class.name.is_none();
        !has_name && !matches!(class.kind, Kind::Struct | Kind::Union)
    }

    /// What is there for the spelling of a vertex of this class.
    pub fn get(&self, class: ClassId) -> Option<u32> {
        Some(self.meant[self.at(class)]).filter(|&what| what != 0)
    }

    /// Puts it there, unless there is something.
    pub fn put(&mut self, class: ClassId, what: u32) -> bool {
        let at = self.at(class);
        let is_free = self.meant[at] == 0;
        if is_free {
            self.meant[at] = what;
            self.used.push(at as u32);
        }
        is_free
    }

    /// Reads what each of these names means in a unit. False if that cannot be told without its types.
    pub fn read(&mut self, units: Units<'_>, number: u32, matters: &[bool]) -> bool {
        self.clear();
        let mut is_whole = units.is_whole(number);
        if is_whole {
            units.listed(number, |c| {
                if matters[c as usize] && !self.is_joint(c) {
                    is_whole &= self.put(c, c);
                }
            });
        }
        is_whole
    }
}

/// Of classes that are vertices, the edges to names that matter; found when first asked for.
pub(super) struct Edges<'a> {
    classes: &'a Classes,
    /// By class: the vertex at the end of its spelling.
    leaves: &'a [ClassId],
    /// By class.
    matters: &'a [bool],
    /// Types of the base that are of classes which matter: few, while its types have many edges.
    types: ByType,
    /// By class: where its edges are among all, `UNASKED` or `WITHOUT`.
    known: Vec<u32>,
    /// Those of a class follow one another, in the order of their numbers.
    pub all: Vec<Edge>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    pub class: ClassId,
    pub number: u32,
    /// The class that it leads to where the content was met.
    pub leaf: ClassId,
    /// The one that it was found to lead to; void until then.
    pub leads: ClassId,
}

/// What is known of a class's edges before it was asked for, and of one that has none.
const UNASKED: u32 = u32::MAX;
const WITHOUT: u32 = u32::MAX - 1;

impl Edge {
    /// Notes where it leads; false if it has been found to lead elsewhere.
    #[inline]
    pub fn lead(&mut self, to: ClassId) -> bool {
        if self.leads == VOID_CLASS {
            self.leads = to;
        }
        self.leads == to
    }
}

impl<'a> Edges<'a> {
    pub fn new(classes: &'a Classes, leaves: &'a [ClassId], matters: &'a [bool]) -> Edges<'a> {
        let mut types = ByType::default();
        for id in classes.ids().filter(|&id| matters[id as usize]) {
            classes.base_types(classes.get(id)).for_each(|ty| _ = types.get_or_put(ty, id));
        }
        Edges { classes, leaves, matters, types, known: vec![UNASKED; classes.all.len()], all: Vec::new() }
    }

    /// Calls for each edge of a class.
    #[inline]
    pub fn of(&mut self, class: ClassId, mut see: impl FnMut(&mut Edge)) {
        if self.known[class as usize] == UNASKED {
            self.find(class);
        }
        match self.known[class as usize] {
            WITHOUT => {}
            start => self.all[start as usize..].iter_mut().take_while(|edge| edge.class == class).for_each(&mut see),
        }
    }

    /// As [`Edge::lead`], of the edge of that number. All types of a class lead to the same names, so that it is there.
    pub fn lead(&mut self, class: ClassId, number: u32, to: ClassId) -> bool {
        let mut agrees = true;
        self.of(class, |edge| agrees &= edge.number != number || edge.lead(to));
        agrees
    }

    fn find(&mut self, class: ClassId) {
        let Edges { classes, leaves, matters, types, all, known } = self;
        let of = classes.get(class);
        let start = all.len();
        let mut number = 0;
        let mut see = |leaf: ClassId| {
            if matters[leaf as usize] {
                all.push(Edge { class, number, leaf, leads: VOID_CLASS });
            }
            number += 1;
        };
        match of.base {
            _ if !of.vertex => {}
            ty if !ty.is_void() => classes.base_edges(ty, |_, to| {
                let leaf = types.get(to).and_then(|_| classes.find_base(to));
                see(leaf.unwrap_or(VOID_CLASS));
            }),
            _ => classes.references(of).filter(|&to| classes.is_leafy(to)).for_each(|to| see(leaves[to as usize])),
        }
        known[class as usize] = if all.len() == start { WITHOUT } else { start as u32 };
    }
}
