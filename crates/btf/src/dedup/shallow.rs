//! Types by their classes, for comparisons that do not care what names mean.

use super::classes::{ClassId, Classes, VOID_CLASS};
use crate::Kind;
use crate::unit::Name;

/// A type by its class: what it says, with names standing for themselves.
#[derive(Clone, Copy)]
pub struct Shallow<'a> {
    pub(super) classes: &'a Classes,
    pub(super) id: ClassId,
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
