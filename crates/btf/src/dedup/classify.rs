//! Putting the types of units into classes, on any number of threads: each has a table of its own.

use super::classes::{Class, ClassId, ClassMember, INDEX_CLASS, NOWHERE, Place, VOID_CLASS};
use super::sequence::{Sequence, SequenceBuilder};
use super::spell::{Key, NO_LEAF, Spelling};
use crate::unit::{ARRAY_INDEX, Local, LocalMember, Members, Name, UnitTypes, VOID};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// What is left of a unit after classification.
#[derive(Debug, Default)]
pub struct UnitSummary {
    pub(super) table: u32,
    /// Classes of the vertices that the unit lists, in its order.
    pub(super) vertices: Sequence,
    pub(super) anchors: Box<[ClassId]>,
}

impl UnitSummary {
    /// Bytes that it holds.
    pub fn size(&self) -> usize {
        size_of::<UnitSummary>() + self.vertices.size() + size_of_val(&*self.anchors)
    }
}

/// What is looked at for each type of each unit, apart from the rest of its class: half a line of the cache.
#[derive(Clone, Copy)]
#[repr(align(32))]
pub(super) struct Known {
    pub key: Key,
    /// The class that followed this one in the last unit that had it, and another one that did before. Units include the
    /// same headers in the same order, so that it is nearly always one of them again, and all are near in memory, while
    /// a look into the table misses the cache.
    next: ClassId,
    other: ClassId,
    pub listed: u32,
}

impl Known {
    fn new(key: Key) -> Known {
        Known { key, next: VOID_CLASS, other: VOID_CLASS, listed: 0 }
    }

    fn follow(&mut self, class: ClassId) {
        (self.other, self.next) = (self.next, class);
    }
}

/// The classes that one thread has met.
pub struct Classifier {
    pub(super) id: u32,
    pub(super) table: HashTable<ClassId>,
    /// By class.
    pub(super) known: Vec<Known>,
    pub(super) classes: Vec<Class>,
    pub(super) members: Vec<ClassMember>,
    last: ClassId,
    /// By some bits of their keys: classes that were last looked up.
    recent: Box<[ClassId]>,
    spelling: Spelling,
    /// By local id.
    class_of: Vec<ClassId>,
    vertices: SequenceBuilder,
    fresh: Vec<(ClassId, Local)>,
    /// Members of one type.
    contents: Vec<LocalMember>,
}

/// The upper twelve bits of a key tell its place among the recent ones.
const RECENT_SHIFT: u32 = 52;

impl Classifier {
    /// `id` numbers the classifiers whose results are merged, from 0.
    pub fn new(id: u32) -> Classifier {
        Classifier {
            id,
            table: HashTable::with_capacity(1 << 15),
            known: vec![Known::new((0, 0))],
            classes: vec![Class::VOID],
            members: Vec::new(),
            last: VOID_CLASS,
            recent: vec![VOID_CLASS; 1 << (64 - RECENT_SHIFT)].into(),
            spelling: Spelling::default(),
            class_of: Vec::new(),
            vertices: SequenceBuilder::default(),
            fresh: Vec::new(),
            contents: Vec::new(),
        }
    }

    /// Puts each type of a unit into its class. `anchors` are types that the caller will ask for later on; `members` is
    /// asked for the members of types that are new.
    ///
    /// Units must come in ascending order of their numbers (others may go to other classifiers).
    pub fn classify(
        &mut self,
        number: u32,
        unit: &UnitTypes,
        anchors: &[Local],
        members: &mut dyn Members,
    ) -> UnitSummary {
        self.spelling.run(unit);
        self.class_of.clear();
        self.class_of.resize(unit.types.len(), VOID_CLASS);
        self.fresh.clear();
        self.vertices.clear();
        for (item, &local) in unit.order.iter().enumerate() {
            let class = self.class(unit, local, Place { unit: number, item: item as u32 }, number);
            self.class_of[local as usize] = class;
            if self.spelling.of(local).leaf == local {
                self.vertices.push(class);
            }
        }
        let anchors = anchors.iter().map(|&local| match local {
            ARRAY_INDEX => VOID_CLASS,
            _ => self.class_for(unit, local, number),
        });
        let anchors = anchors.collect();
        self.fill(unit, members);
        UnitSummary { table: self.id, vertices: self.vertices.finish(), anchors }
    }

    /// The names of all classes and of their members, again and again.
    pub fn names(&self) -> impl Iterator<Item = Name> {
        self.classes.iter().map(|class| class.name).chain(self.members.iter().map(|member| member.name))
    }

    /// Bytes that the classes, their members, and what they are looked up by take.
    pub fn sizes(&self) -> [usize; 3] {
        let lookup = self.known.capacity() * size_of::<Known>() + self.table.allocation_size();
        [self.classes.capacity() * size_of::<Class>(), self.members.capacity() * size_of::<ClassMember>(), lookup]
    }

    #[inline]
    fn class(&mut self, unit: &UnitTypes, local: Local, place: Place, number: u32) -> ClassId {
        let key = self.spelling.key(unit, local, number);
        let id = self.known[self.last as usize].next;
        if self.known[id as usize].key != key || id == VOID_CLASS {
            return self.jump(key, unit, local, place, number);
        }
        self.met(id, unit, local, place, number);
        id
    }

    /// Finds the class of a type that does not come after the one that it came after the last time.
    fn jump(&mut self, key: Key, unit: &UnitTypes, local: Local, place: Place, number: u32) -> ClassId {
        let recent = (key.0 >> RECENT_SHIFT) as usize;
        let guesses = [self.known[self.last as usize].other, self.recent[recent]];
        let guess = guesses.into_iter().find(|&id| id != VOID_CLASS && self.known[id as usize].key == key);
        let id = guess.unwrap_or_else(|| self.look_up(key, unit, local, number));
        self.recent[recent] = id;
        self.known[self.last as usize].follow(id);
        self.met(id, unit, local, place, number);
        id
    }

    /// The class of that key, which is made if there is none.
    fn look_up(&mut self, key: Key, unit: &UnitTypes, local: Local, number: u32) -> ClassId {
        let known = &mut self.known;
        match self.table.entry(key.0, |&c| known[c as usize].key == key, |&c| known[c as usize].key.0) {
            Entry::Occupied(found) => *found.get(),
            Entry::Vacant(free) => {
                let id = self.classes.len() as ClassId;
                free.insert(id);
                known.push(Known::new(key));
                let t = &unit.types[local as usize];
                let leaf = self.spelling.of(local).leaf;
                self.classes.push(Class {
                    kind: t.kind.expect("holes are not listed"),
                    flag: t.flag,
                    vertex: leaf == local,
                    leafy: leaf != NO_LEAF,
                    name: t.name,
                    size: t.size,
                    word: t.word,
                    unit: number,
                    at: t.at,
                    ..Class::VOID
                });
                self.fresh.push((id, local));
                id
            }
        }
    }

    #[inline]
    fn met(&mut self, id: ClassId, unit: &UnitTypes, local: Local, place: Place, number: u32) {
        self.last = id;
        if place == NOWHERE {
            return;
        }
        let known = &mut self.known[id as usize];
        known.listed += 1;
        if known.listed == 1 {
            // It is new, or was only asked about so far.
            let class = &mut self.classes[id as usize];
            (class.place, class.unit, class.at) = (place, number, unit.types[local as usize].at);
        }
    }

    /// The content of the classes that this unit has brought, once every type of it has its class.
    fn fill(&mut self, unit: &UnitTypes, members: &mut dyn Members) {
        let mut next = 0;
        // Classes of types that nothing listed but a fresh class refers to are made on the way.
        while next < self.fresh.len() {
            let (id, local) = self.fresh[next];
            next += 1;
            let t = unit.types[local as usize];
            let number = self.classes[id as usize].unit;
            let target = self.class_for(unit, t.target, number);
            let first = self.members.len() as u32;
            let mut contents = std::mem::take(&mut self.contents);
            contents.clear();
            if t.count != 0 {
                members.members(unit, local, &mut contents);
            }
            for m in &contents {
                let class = self.class_for(unit, m.ty, number);
                self.members.push(ClassMember { name: m.name, value: m.value, class });
            }
            self.contents = contents;
            let count = self.members.len() as u32 - first;
            let class = &mut self.classes[id as usize];
            (class.target, class.first, class.count) = (target, first, count);
        }
    }

    fn class_for(&mut self, unit: &UnitTypes, local: Local, number: u32) -> ClassId {
        match local {
            VOID => VOID_CLASS,
            ARRAY_INDEX => INDEX_CLASS,
            _ => match self.class_of[local as usize] {
                VOID_CLASS => {
                    let class = self.class(unit, local, NOWHERE, number);
                    self.class_of[local as usize] = class;
                    class
                }
                class => class,
            },
        }
    }
}
