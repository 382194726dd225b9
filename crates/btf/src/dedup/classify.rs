//! Putting the types of units into classes, on any number of threads: each has a table of its own.
//!
//! On a base, a classifier begins with what that has: such a class has no content, is looked at once in a program, and
//! is told again in the next one from where it stood among others in the last.

use super::base::BaseTypes;
use super::classes::{Class, ClassId, ClassMember, INDEX_CLASS, NOWHERE, Place, VOID_CLASS};
use super::sequence::{Sequence, SequenceBuilder};
use super::spell::{Key, NO_LEAF, Spelling};
use crate::TypeId;
use crate::unit::{ARRAY_INDEX, Local, LocalMember, Members, Name, UnitTypes, VOID};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::sync::Arc;

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

/// A key that is known, by its index in the order in which keys were met. Of the base, those are known that some program
/// has met.
pub(super) type Slot = u32;

const NO_SLOT: Slot = 0;

/// What is looked at for each type of each unit, apart from the rest of its class: half a line of the cache.
#[derive(Clone, Copy)]
#[repr(align(32))]
pub(super) struct Known {
    pub key: Key,
    /// The one that followed this one in the last unit that had it, and another one that did before. Units include the
    /// same headers in the same order, so that it is nearly always one of them again, and all are near in memory, while
    /// a look into the table misses the cache. May be beyond the end: of a program before this one.
    next: Slot,
    other: Slot,
    /// None yet of what only programs before have met.
    class: ClassId,
    pub listed: u32,
}

impl Known {
    fn new(key: Key, class: ClassId) -> Known {
        Known { key, next: NO_SLOT, other: NO_SLOT, class, listed: 0 }
    }

    fn follow(&mut self, slot: Slot) {
        (self.other, self.next) = (self.next, slot);
    }
}

/// The classes that one thread has met.
pub struct Classifier {
    pub(super) id: u32,
    pub(super) base: Option<Arc<BaseTypes>>,
    pub(super) table: HashTable<ClassId>,
    pub(super) known: Vec<Known>,
    /// By slot: the type of the base; void for own classes.
    types: Vec<TypeId>,
    /// By type of the base: its slot.
    slot_of: Vec<Slot>,
    /// How many slots are of programs before this one, all of types of the base.
    before: usize,
    /// By class.
    pub(super) slots: Vec<Slot>,
    pub(super) classes: Vec<Class>,
    pub(super) members: Vec<ClassMember>,
    last: Slot,
    /// By some bits of their keys: what was last looked up.
    recent: Box<[Slot]>,
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
        let table = HashTable::with_capacity(1 << 15);
        Classifier::with(id, None, vec![Known::new((0, 0), VOID_CLASS)], table)
    }

    /// A classifier that looks for types in a base first.
    pub fn on(id: u32, base: Arc<BaseTypes>) -> Classifier {
        let slot_of = vec![NO_SLOT; base.keys.len()];
        let known = vec![Known::new((0, 0), VOID_CLASS)];
        Classifier { slot_of, ..Classifier::with(id, Some(base), known, HashTable::new()) }
    }

    fn with(id: u32, base: Option<Arc<BaseTypes>>, known: Vec<Known>, table: HashTable<ClassId>) -> Classifier {
        Classifier {
            id,
            base,
            table,
            before: known.len(),
            types: vec![TypeId::VOID; known.len()],
            slot_of: Vec::new(),
            known,
            slots: vec![NO_SLOT],
            classes: vec![Class::VOID],
            members: Vec::new(),
            last: NO_SLOT,
            recent: vec![NO_SLOT; 1 << (64 - RECENT_SHIFT)].into(),
            spelling: Spelling::default(),
            class_of: Vec::new(),
            vertices: SequenceBuilder::default(),
            fresh: Vec::new(),
            contents: Vec::new(),
        }
    }

    pub fn is_on(&self, base: &Arc<BaseTypes>) -> bool {
        self.base.as_ref().is_some_and(|own| Arc::ptr_eq(own, base))
    }

    /// The same under another number, before it has met any unit.
    pub fn numbered(mut self, id: u32) -> Classifier {
        debug_assert_eq!(self.classes.len(), 1);
        self.id = id;
        self
    }

    /// Forgets the program, for the next one on the same base; what was learned of the base's types stays.
    pub(super) fn reset(&mut self) {
        // What was met of the base stays, and moves up to what was known before.
        let mut moved = vec![NO_SLOT; self.known.len() - self.before];
        let mut next = self.before;
        for slot in self.before..self.known.len() {
            if self.types[slot].is_void() {
                continue;
            }
            moved[slot - self.before] = next as Slot;
            self.slot_of[self.types[slot].index()] = next as Slot;
            (self.known[next], self.types[next]) = (self.known[slot], self.types[slot]);
            next += 1;
        }
        self.known.truncate(next);
        self.types.truncate(next);
        let before = self.before;
        let to = |slot: Slot| match (slot as usize).checked_sub(before) {
            Some(late) => moved.get(late).copied().unwrap_or(NO_SLOT),
            None => slot,
        };
        // Only what this program has met knows of what was met in it.
        for slot in self.slots.drain(1..).map(to).filter(|&slot| slot != NO_SLOT).chain([NO_SLOT]) {
            let known = &mut self.known[slot as usize];
            (known.class, known.listed) = (VOID_CLASS, 0);
            (known.next, known.other) = (to(known.next), to(known.other));
        }
        self.before = next;
        self.classes.clear();
        self.classes.push(Class::VOID);
        self.members.clear();
        self.table.clear();
        self.last = NO_SLOT;
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
        if let (Some(ty), Some(base)) = (unit.in_base(local), &self.base) {
            let stands = base.stands(ty);
            let key = base.keys[stands.index()];
            let slot = self.slot_of_base(stands, key);
            return self.met(slot, unit, local, place, number);
        }
        let key = self.spelling.key(unit, local, number);
        let slot = self.known[self.last as usize].next;
        if !self.is_at(slot, key) {
            return self.jump(key, unit, local, place, number);
        }
        self.met(slot, unit, local, place, number)
    }

    #[inline]
    fn is_at(&self, slot: Slot, key: Key) -> bool {
        slot != NO_SLOT && self.known.get(slot as usize).is_some_and(|known| known.key == key)
    }

    /// Finds the class of a type that does not come after the one that it came after the last time.
    fn jump(&mut self, key: Key, unit: &UnitTypes, local: Local, place: Place, number: u32) -> ClassId {
        let recent = (key.0 >> RECENT_SHIFT) as usize;
        let guesses = [self.known[self.last as usize].other, self.recent[recent]];
        let guess = guesses.into_iter().find(|&slot| self.is_at(slot, key));
        let slot = guess.unwrap_or_else(|| self.look_up(key, unit, local, number));
        self.recent[recent] = slot;
        self.known[self.last as usize].follow(slot);
        self.met(slot, unit, local, place, number)
    }

    /// Where that key is, with a class that is made if there is none.
    fn look_up(&mut self, key: Key, unit: &UnitTypes, local: Local, number: u32) -> Slot {
        if let Some(found) = self.base.as_ref().and_then(|base| base.find(key)) {
            return self.slot_of_base(found, key);
        }
        let (known, slots) = (&mut self.known, &self.slots);
        let key_of = |c: ClassId| slots[c as usize];
        match self.table.entry(key.0, |&c| known[key_of(c) as usize].key == key, |&c| known[key_of(c) as usize].key.0) {
            Entry::Occupied(found) => key_of(*found.get()),
            Entry::Vacant(free) => {
                let id = self.classes.len() as ClassId;
                free.insert(id);
                let slot = known.len() as Slot;
                known.push(Known::new(key, id));
                self.types.push(TypeId::VOID);
                self.add(slot, TypeId::VOID, unit, local, number);
                self.fresh.push((id, local));
                slot
            }
        }
    }

    /// The slot of a type of the base, which stands for its key.
    fn slot_of_base(&mut self, ty: TypeId, key: Key) -> Slot {
        let slot = &mut self.slot_of[ty.index()];
        if *slot == NO_SLOT {
            *slot = self.known.len() as Slot;
            self.known.push(Known::new(key, VOID_CLASS));
            self.types.push(ty);
        }
        *slot
    }

    /// Adds a class without its content.
    fn add(&mut self, slot: Slot, base: TypeId, unit: &UnitTypes, local: Local, number: u32) {
        let t = &unit.types[local as usize];
        let leaf = self.spelling.of(local).leaf;
        self.slots.push(slot);
        self.classes.push(Class {
            kind: t.kind.expect("holes are not listed"),
            flag: t.flag,
            vertex: leaf == local,
            leafy: leaf != NO_LEAF,
            forward: t.is_forward(),
            name: t.name,
            size: t.size,
            word: t.word,
            unit: number,
            at: t.at,
            base,
            ..Class::VOID
        });
    }

    #[inline]
    fn met(&mut self, slot: Slot, unit: &UnitTypes, local: Local, place: Place, number: u32) -> ClassId {
        self.last = slot;
        let known = &mut self.known[slot as usize];
        if known.listed == 0 {
            return self.met_unlisted(slot, unit, local, place, number);
        }
        known.listed += (place != NOWHERE) as u32;
        known.class
    }

    /// The class of a type that is new, or was only asked about so far.
    #[cold]
    fn met_unlisted(&mut self, slot: Slot, unit: &UnitTypes, local: Local, place: Place, number: u32) -> ClassId {
        let mut class = self.known[slot as usize].class;
        if class == VOID_CLASS {
            class = self.classes.len() as ClassId;
            self.known[slot as usize].class = class;
            self.add(slot, self.types[slot as usize], unit, local, number);
        }
        if place == NOWHERE {
            return class;
        }
        self.known[slot as usize].listed = 1;
        let at = unit.types[local as usize].at;
        let of = &mut self.classes[class as usize];
        (of.place, of.unit, of.at) = (place, number, at);
        class
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
