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
    /// Which units have a vertex or an anchor of a wanted class, and of which.
    pub fn that_have(&self, wanted: &[bool]) -> Vec<(u32, ClassId)> {
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
            unit.listed.each(&mut look);
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

    /// The classes of its anchors.
    pub fn anchors(&self, number: u32) -> impl Iterator<Item = ClassId> {
        let unit = &self.summaries[number as usize];
        let ids = &self.ids[unit.table as usize];
        unit.anchors.iter().map(|&c| ids[c as usize])
    }
}

/// What a unit has by each spelling of a vertex, as far as that matters. Used for one unit after the other.
pub(super) struct Names<'a> {
    classes: &'a Classes,
    settlement: &'a Settlement,
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
        let kind = self.classes.get(class).kind;
        self.settlement.group_of[class as usize] == NO_GROUP && !matches!(kind, Kind::Struct | Kind::Union)
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
        let mut is_whole = units.summaries[number as usize].whole;
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
    /// By class: where its edges are among all.
    known: Vec<Option<(u32, u32)>>,
    all: Vec<(u32, ClassId)>,
}

impl<'a> Edges<'a> {
    pub fn new(classes: &'a Classes, leaves: &'a [ClassId], matters: &'a [bool]) -> Edges<'a> {
        Edges { classes, leaves, matters, known: vec![None; classes.all.len()], all: Vec::new() }
    }

    /// Number of the edge, and the class that it leads to where the content was met.
    pub fn of(&mut self, class: ClassId) -> &[(u32, ClassId)] {
        let (start, end) = match self.known[class as usize] {
            Some(known) => known,
            None => {
                let start = self.all.len() as u32;
                self.find(class);
                *self.known[class as usize].insert((start, self.all.len() as u32))
            }
        };
        &self.all[start as usize..end as usize]
    }

    fn find(&mut self, class: ClassId) {
        let Edges { classes, leaves, matters, all, .. } = self;
        let of = classes.get(class);
        let mut edge = 0;
        let mut see = |leaf: ClassId| {
            if matters[leaf as usize] {
                all.push((edge, leaf));
            }
            edge += 1;
        };
        match of.base {
            _ if !of.vertex => {}
            ty if !ty.is_void() => classes.base_edges(ty, |_, to| see(to.unwrap_or(VOID_CLASS))),
            _ => classes.references(of).filter(|&to| classes.is_leafy(to)).for_each(|to| see(leaves[to as usize])),
        }
    }
}
