//! Classes: one for each distinct type, found by hash while units are read.
//!
//! Two types are of one class when they are alike in all but what the names in them mean: same kind, name, size,
//! members and spellings.

use crate::Kind;
use crate::unit::Name;

/// A class, by its index in a table; 0 is void.
pub(super) type ClassId = u32;

pub(super) const VOID_CLASS: ClassId = 0;
/// Stands for the program's `int` as the index type of arrays.
pub(super) const INDEX_CLASS: ClassId = u32::MAX;

/// Where a type was met first: unit and place in that unit's order. `NOWHERE`: only asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub unit: u32,
    pub item: u32,
}

pub(super) const NOWHERE: Place = Place { unit: u32::MAX, item: u32::MAX };

#[derive(Debug, Clone, Copy)]
pub(super) struct Class {
    pub kind: Kind,
    pub flag: bool,
    /// Its types are vertices: they have edges of their own.
    pub vertex: bool,
    /// There is a vertex at the end of its spelling (itself, for a vertex).
    pub leafy: bool,
    pub name: Name,
    pub size: u32,
    pub word: u32,
    pub target: ClassId,
    pub first: u32,
    pub count: u32,
    /// How many types that units list are of this class.
    pub listed: u32,
    pub place: Place,
    /// Unit and entry that the content was taken from.
    pub unit: u32,
    pub at: u32,
}

impl Class {
    pub const VOID: Class = Class {
        kind: Kind::Int,
        flag: false,
        vertex: false,
        leafy: false,
        name: Name::NONE,
        size: 0,
        word: 0,
        target: VOID_CLASS,
        first: 0,
        count: 0,
        listed: 0,
        place: NOWHERE,
        unit: 0,
        at: 0,
    };

    /// Of several places where a class was met, the least is the one that counts.
    pub fn origin(&self) -> (Place, u32, u32) {
        (self.place, self.unit, self.at)
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct ClassMember {
    pub name: Name,
    pub value: u64,
    pub class: ClassId,
}

/// The classes of a whole program.
pub(super) struct Classes {
    pub all: Vec<Class>,
    pub members: Vec<ClassMember>,
}

impl Classes {
    pub fn members_of(&self, class: &Class) -> &[ClassMember] {
        &self.members[class.first as usize..][..class.count as usize]
    }

    /// The classes that a class refers to, void and the array index among them.
    pub fn references(&self, class: &Class) -> impl Iterator<Item = ClassId> {
        std::iter::once(class.target).chain(self.members_of(class).iter().map(|m| m.class))
    }

    pub fn get(&self, id: ClassId) -> &Class {
        &self.all[id as usize]
    }

    pub fn is_leafy(&self, id: ClassId) -> bool {
        id != INDEX_CLASS && self.get(id).leafy
    }

    pub fn ids(&self) -> std::ops::Range<ClassId> {
        1..self.all.len() as ClassId
    }
}
