//! Classes: one for each distinct type, found by hash while units are read.
//!
//! Two types are of one class when they are alike in all but what the names in them mean: same kind, name, size,
//! members and spellings.

use super::base::BaseTypes;
use super::by_type::ByType;
use super::lower::members;
use crate::unit::Name;
use crate::{Kind, TypeId};
use std::sync::Arc;

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
    /// Declares a name that others may define: a FWD, an enum without values.
    pub forward: bool,
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
    /// The type of the base that stands for it. Such a class has no target and no members here.
    pub base: TypeId,
}

impl Class {
    pub const VOID: Class = Class {
        kind: Kind::Int,
        flag: false,
        vertex: false,
        leafy: false,
        forward: false,
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
        base: TypeId::VOID,
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
#[derive(Default)]
pub(super) struct Classes {
    pub base: Option<Arc<BaseTypes>>,
    /// By type of the base that stands for a key: its class here. Filled by who needs it, see [`Classes::find_base`].
    pub of_base: ByType,
    /// On a base: the program's own classes, and of these the ones that have a name in common with the base, in ascending
    /// order.
    pub own: Vec<ClassId>,
    pub namesakes: Vec<ClassId>,
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

    /// Adds the class of a type of the base, unless it is known to be here.
    pub fn adopt(&mut self, ty: TypeId) -> ClassId {
        self.adopt_with(ty, BaseTypes::name_of)
    }

    /// The same where its name is known: what the base says of it is far away.
    pub fn adopt_named(&mut self, ty: TypeId, name: Name) -> ClassId {
        self.adopt_with(ty, |_, _| name)
    }

    fn adopt_with(&mut self, ty: TypeId, name: impl FnOnce(&BaseTypes, TypeId) -> Name) -> ClassId {
        let base = self.base.as_ref().expect("there is a base");
        let ty = base.stands(ty);
        let next = self.all.len() as ClassId;
        let class = self.of_base.get_or_put(ty, next);
        if class == next {
            self.all.push(base.class_of(ty, name(base, ty)));
        }
        class
    }

    /// From now on all classes of the base are known by their types.
    pub fn index_base(&mut self) {
        self.of_base = ByType::default();
        self.of_base.reserve(self.all.len() - self.own.len());
        // Where a type is here twice, the class that was added last stands for it.
        for id in self.ids().rev() {
            let ty = self.get(id).base;
            if !ty.is_void() {
                self.of_base.get_or_put(ty, id);
            }
        }
    }

    /// The class here of a type of the base. What was not adopted is found once there is an index.
    pub fn find_base(&self, ty: TypeId) -> Option<ClassId> {
        self.of_base.get(self.base.as_ref()?.stands(ty))
    }

    /// The types of the base that are of a class.
    pub fn base_types(&self, class: &Class) -> impl Iterator<Item = TypeId> + Clone {
        let base = self.base.as_ref().filter(|_| !class.base.is_void());
        base.into_iter().flat_map(|base| base.alike(class.base))
    }

    /// Calls for the number of each edge of a type of the base, and the vertex that it leads to.
    pub fn base_edges(&self, ty: TypeId, mut see: impl FnMut(u32, TypeId)) {
        let Some(base) = &self.base else { return };
        let mut edge = 0;
        base.edges(ty, |to| {
            see(edge, to);
            edge += 1;
        });
    }

    /// Vertices that the base has several types of.
    pub fn torn(&self) -> Vec<ClassId> {
        let Some(base) = &self.base else { return Vec::new() };
        let several = |class: &Class| class.vertex && base.has_alike(class.base);
        self.ids().filter(|&c| several(self.get(c))).collect()
    }

    /// Vertices whose types of the base refer to others than most do.
    pub fn astray(&self) -> impl Iterator<Item = ClassId> {
        let base = self.base.as_ref();
        let is_astray = move |c: &ClassId| base.is_some_and(|base| base.is_astray(self.get(*c).base));
        self.ids().filter(|&c| self.get(c).vertex).filter(is_astray)
    }

    /// Reads the content of classes of the base, for types that look like the base's and are others.
    pub fn fill(&mut self, wanted: impl Fn(ClassId) -> bool) {
        let Some(base) = self.base.clone() else { return };
        let mut content = Vec::new();
        for id in self.ids().filter(|&id| wanted(id)) {
            let class = *self.get(id);
            if class.base.is_void() {
                continue;
            }
            let mut class_of = |to: TypeId| match to {
                TypeId::VOID => VOID_CLASS,
                to => self.adopt(to),
            };
            let record = base.record(class.base);
            let target = class_of(base.target(class.base));
            if class.kind == Kind::Array {
                let index = Some(TypeId(record.word(4)));
                let class = if index == base.int() { INDEX_CLASS } else { class_of(TypeId(record.word(4))) };
                content.push(ClassMember { name: Name::NONE, value: 0, class });
            }
            for m in members(base.btf(), record) {
                content.push(ClassMember { name: m.name, value: m.value, class: class_of(TypeId(m.ty)) });
            }
            let filled = &mut self.all[id as usize];
            (filled.target, filled.first, filled.count) = (target, self.members.len() as u32, content.len() as u32);
            self.members.append(&mut content);
        }
    }

    /// What a program brought that the base has not.
    pub fn own(&self) -> impl Iterator<Item = ClassId> {
        let all = if self.base.is_none() { self.ids() } else { 0..0 };
        all.chain(self.own.iter().copied())
    }

    pub fn ids(&self) -> std::ops::Range<ClassId> {
        1..self.all.len() as ClassId
    }
}
