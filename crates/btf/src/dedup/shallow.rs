//! Types by their classes, for comparisons that do not care what names mean.

use super::base::BaseTypes;
use super::classes::{ClassId, ClassMember, Classes, VOID_CLASS};
use super::lower::{members, name_of};
use crate::unit::Name;
use crate::{Kind, TypeId};
use std::slice;

/// A type by its class: what it says, with names standing for themselves.
#[derive(Clone, Copy)]
pub struct Shallow<'a>(Of<'a>);

#[derive(Clone, Copy)]
enum Of<'a> {
    Class(&'a Classes, ClassId),
    /// What the base has is read there.
    Base(&'a BaseTypes, TypeId),
}

impl<'a> Shallow<'a> {
    #[inline]
    pub(super) fn new(classes: &'a Classes, id: ClassId) -> Shallow<'a> {
        match (&classes.base, classes.all.get(id as usize)) {
            (Some(base), Some(class)) if !class.base.is_void() => Shallow(Of::Base(base, class.base)),
            _ => Shallow(Of::Class(classes, id)),
        }
    }

    fn to(self, target: TypeId) -> Shallow<'a> {
        match self.0 {
            Of::Base(base, _) => Shallow(Of::Base(base, target)),
            of => Shallow(of),
        }
    }

    #[inline]
    pub fn is_void(self) -> bool {
        match self.0 {
            Of::Class(_, id) => id == VOID_CLASS,
            Of::Base(_, id) => id.is_void(),
        }
    }

    /// Equal classes are equal in all but what names mean.
    pub fn same(self, other: Shallow<'_>) -> bool {
        match (self.0, other.0) {
            (Of::Class(_, one), Of::Class(_, other)) => one == other,
            (Of::Base(_, one), Of::Base(_, other)) => one == other,
            _ => self.is_void() && other.is_void(),
        }
    }

    #[inline]
    pub fn kind(self) -> Kind {
        match self.0 {
            Of::Class(classes, id) => classes.get(id).kind,
            Of::Base(base, id) => base.kind(id),
        }
    }

    pub fn flag(self) -> bool {
        match self.0 {
            Of::Class(classes, id) => classes.get(id).flag,
            Of::Base(base, id) => base.record(id).kind_flag(),
        }
    }

    pub fn name(self) -> Name {
        match self.0 {
            Of::Class(classes, id) => classes.get(id).name,
            Of::Base(base, id) => name_of(base.btf(), base.record(id).name()),
        }
    }

    /// Size in bytes, or number of elements.
    pub fn size(self) -> u32 {
        match self.0 {
            Of::Class(classes, id) => classes.get(id).size,
            Of::Base(base, id) => match (base.kind(id), base.record(id)) {
                (Kind::Array, record) => record.word(5),
                (_, record) => record.size_or_type(),
            },
        }
    }

    pub fn word(self) -> u32 {
        match self.0 {
            Of::Class(classes, id) => classes.get(id).word,
            Of::Base(base, id) => base.record(id).word(3),
        }
    }

    #[inline]
    pub fn target(self) -> Shallow<'a> {
        match self.0 {
            Of::Class(classes, id) => Shallow::new(classes, classes.get(id).target),
            Of::Base(base, id) => self.to(base.target(id)),
        }
    }

    #[inline]
    pub fn members(self) -> impl ExactSizeIterator<Item = (Name, Shallow<'a>)> {
        match self.0 {
            Of::Class(classes, id) => Members::Class(classes, classes.members_of(classes.get(id)).iter()),
            Of::Base(base, id) => {
                let of_record = members(base.btf(), base.record(id));
                Members::Base(Box::new(of_record.map(move |m| (m.name, self.to(TypeId(m.ty))))))
            }
        }
    }
}

/// Nearly all that are asked for are of classes, and that often: of the base's nothing but that they can be had.
enum Members<'a> {
    Class(&'a Classes, slice::Iter<'a, ClassMember>),
    Base(Box<dyn ExactSizeIterator<Item = (Name, Shallow<'a>)> + 'a>),
}

impl<'a> Iterator for Members<'a> {
    type Item = (Name, Shallow<'a>);

    #[inline]
    fn next(&mut self) -> Option<(Name, Shallow<'a>)> {
        match self {
            Members::Class(classes, members) => members.next().map(|m| (m.name, Shallow::new(classes, m.class))),
            Members::Base(members) => members.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Members::Class(_, members) => members.size_hint(),
            Members::Base(members) => members.size_hint(),
        }
    }
}

impl ExactSizeIterator for Members<'_> {}
