//! Putting the types of units into classes, on any number of threads: each has a table of its own.
//!
//! On a base, a classifier begins with what that has: such a class has no content, is looked at once in a program, and
//! is told again in the next one from where it stood among others in the last.

use super::base::{BaseTypes, Namesakes, has_name_space};
use super::classes::{Class, ClassId, ClassMember, Classes, INDEX_CLASS, NOWHERE, Place, VOID_CLASS};
use super::graph::TypeGraph;
use super::sequence::{Sequence, SequenceBuilder};
use super::spell::{Key, NO_LEAF, Spelling, by_name};
use super::table::Table;
use crate::prefetch::prefetch;
use crate::unit::{ARRAY_INDEX, Local, LocalMember, LocalType, Members, Name, UnitTypes, VOID};
use crate::{Kind, TypeId};
use rustc_hash::FxHashSet as HashSet;
use std::sync::Arc;

/// What is left of a unit after classification.
#[derive(Debug, Default)]
pub struct UnitSummary {
    pub(super) table: u32,
    /// Classes of the vertices that the unit lists, in its order; of all types that it lists where it is `whole`.
    pub(super) listed: Sequence,
    /// The unit can be made a graph again (`recall`).
    pub(super) whole: bool,
    pub(super) anchors: Box<[ClassId]>,
}

impl UnitSummary {
    /// Bytes that it holds.
    pub fn size(&self) -> usize {
        size_of::<UnitSummary>() + self.listed.size() + size_of_val(&*self.anchors)
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
    pub class: ClassId,
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

/// What the base has of a key, and what all that has this key has in common: thousands of classes of the base are made for
/// each program.
#[derive(Clone, Copy)]
struct InBase {
    /// Void for own classes, of which nothing else is here.
    ty: TypeId,
    kind: Kind,
    flag: bool,
    vertex: bool,
    leafy: bool,
    forward: bool,
    /// It may mean something else than most types that look like it.
    special: bool,
    size: u32,
    word: u32,
}

impl InBase {
    const NOT: InBase = InBase {
        ty: TypeId::VOID,
        kind: Kind::Int,
        flag: false,
        vertex: false,
        leafy: false,
        forward: false,
        special: false,
        size: 0,
        word: 0,
    };

    fn of(ty: TypeId, special: bool, met: &Met<'_>) -> InBase {
        let t = met.of();
        InBase {
            ty,
            kind: t.kind.expect("holes are not listed"),
            flag: t.flag,
            vertex: met.leaf == met.local,
            leafy: met.leaf != NO_LEAF,
            forward: t.is_forward(),
            special,
            size: t.size,
            word: t.word,
        }
    }
}

/// The classes that one thread has met.
pub struct Classifier {
    pub(super) id: u32,
    pub(super) base: Option<Arc<BaseTypes>>,
    /// Own classes by their keys: without a base a slot and its class have one number.
    pub(super) table: Table,
    pub(super) known: Vec<Known>,
    /// By slot.
    types: Vec<InBase>,
    /// By type of the base: its slot.
    slot_of: Vec<Slot>,
    /// How many slots are of programs before this one, all of types of the base.
    before: usize,
    /// By class.
    pub(super) slots: Vec<Slot>,
    pub(super) classes: Vec<Class>,
    pub(super) members: Vec<ClassMember>,
    last: Slot,
    /// What came after the last one before.
    next: Slot,
    /// A name is likely to be ambiguous: the program has one that may mean several things in the base, or has defined one of
    /// its own twice, or has met a special type of the base. Many units are made graphs again then.
    contested: bool,
    /// A type of the base was met that may mean something else than most.
    pub(super) special: bool,
    /// On a base: as in [`Classes`](super::classes::Classes).
    pub(super) own: Vec<ClassId>,
    pub(super) namesakes: Vec<ClassId>,
    /// On a base: the names that the program defines.
    defined: HashSet<u64>,
    /// Types of the base that have one name.
    found: Vec<TypeId>,
    /// By some bits of their keys: what was last looked up.
    recent: Box<[Slot]>,
    spelling: Spelling,
    vertices: SequenceBuilder,
    fresh: Vec<(ClassId, Local)>,
    /// Members of one type.
    contents: Vec<LocalMember>,
}

/// A type of a unit that is put into its class.
struct Met<'a> {
    unit: &'a UnitTypes,
    /// The unit's.
    number: u32,
    local: Local,
    leaf: Local,
    /// Its place in the unit's order; nowhere where it is only asked about.
    place: Place,
}

impl<'a> Met<'a> {
    fn of(&self) -> &'a LocalType {
        &self.unit.types[self.local as usize]
    }

    fn is_listed(&self) -> bool {
        self.place.item != NOWHERE.item
    }
}

/// Room for the classes of a kernel and for their members, which is not touched where they are fewer: to let tables
/// grow by and by means to copy them, into pages that are new.
const CLASSES: usize = 1 << 16;
const MEMBERS: usize = 1 << 18;

/// Lines of the cache, two slots in each, that are called for behind one that was come to from elsewhere: most slots are
/// followed by those that were new after them.
const AHEAD: u64 = 3;

/// The upper twelve bits of a key tell its place among the recent ones.
const RECENT_SHIFT: u32 = 52;

impl Classifier {
    /// `id` numbers the classifiers whose results are merged, from 0.
    pub fn new(id: u32) -> Classifier {
        let mut known = Vec::with_capacity(CLASSES);
        known.push(Known::new((0, 0), VOID_CLASS));
        let mut classifier = Classifier::with(id, None, known, Table::with_capacity(CLASSES));
        classifier.types.reserve(CLASSES);
        classifier.slots.reserve(CLASSES);
        classifier.classes.reserve(CLASSES);
        classifier.members.reserve(MEMBERS);
        classifier
    }

    /// A classifier that looks for types in a base first.
    pub fn on(id: u32, base: Arc<BaseTypes>) -> Classifier {
        let slot_of = vec![NO_SLOT; base.keys.len()];
        let known = vec![Known::new((0, 0), VOID_CLASS)];
        Classifier { slot_of, ..Classifier::with(id, Some(base), known, Table::default()) }
    }

    fn with(id: u32, base: Option<Arc<BaseTypes>>, known: Vec<Known>, table: Table) -> Classifier {
        Classifier {
            id,
            base,
            table,
            before: known.len(),
            types: vec![InBase::NOT; known.len()],
            slot_of: Vec::new(),
            known,
            slots: vec![NO_SLOT],
            classes: vec![Class::VOID],
            members: Vec::new(),
            last: NO_SLOT,
            next: NO_SLOT,
            contested: false,
            special: false,
            own: Vec::new(),
            namesakes: Vec::new(),
            defined: HashSet::default(),
            found: Vec::new(),
            recent: vec![NO_SLOT; 1 << (64 - RECENT_SHIFT)].into(),
            spelling: Spelling::default(),
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
        let own = (self.before..self.known.len()).filter(|&slot| self.types[slot].ty.is_void());
        self.table.clear(own.map(|slot| self.known[slot].key));
        // What was met of the base stays, and moves up to what was known before.
        let mut moved = vec![NO_SLOT; self.known.len() - self.before];
        let mut next = self.before;
        for slot in self.before..self.known.len() {
            if self.types[slot].ty.is_void() {
                continue;
            }
            moved[slot - self.before] = next as Slot;
            self.slot_of[self.types[slot].ty.index()] = next as Slot;
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
        self.clear();
        (self.last, self.next) = (NO_SLOT, self.known[NO_SLOT as usize].next);
        (self.contested, self.special) = (false, false);
        self.defined.clear();
    }

    /// Takes the room that the classes of a program have, once that is done with, for those of the next one: it was used
    /// lately and is large enough. What few programs need is let go.
    pub fn recycle(&mut self, graph: &mut TypeGraph) {
        debug_assert_eq!(self.classes.len(), 1);
        let Classes { all, members, own, namesakes, .. } = std::mem::take(&mut graph.classes);
        if all.capacity() <= CLASSES && members.capacity() <= MEMBERS {
            (self.classes, self.members, self.own, self.namesakes) = (all, members, own, namesakes);
            self.clear();
        }
    }

    fn clear(&mut self) {
        self.classes.clear();
        self.classes.push(Class::VOID);
        self.members.clear();
        self.own.clear();
        self.namesakes.clear();
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
        // Apart from the rest while that may change: where things are need not be asked again and again.
        let mut spelling = std::mem::take(&mut self.spelling);
        spelling.run(unit);
        self.fresh.clear();
        self.vertices.clear();
        let mut order = unit.order.iter();
        let (mut last, mut next) = (self.last, self.next);
        let mut met = Met { unit, number, local: VOID, leaf: NO_LEAF, place: Place { unit: number, item: 0 } };
        while let Some(&local) = order.next() {
            let (key, leaf) = (spelling.key(unit, local, number), spelling.of(local).leaf);
            let class = match self.known.get_mut(next as usize) {
                // What is no slot is not listed.
                Some(known) if known.key == key && known.listed != 0 => {
                    known.listed += 1;
                    (last, next) = (next, known.next);
                    known.class
                }
                known => {
                    let item = unit.order.len() - order.len() - 1;
                    (met.local, met.leaf, met.place.item) = (local, leaf, item as u32);
                    match known {
                        // Most of what a program meets for the first time follows as in programs before.
                        Some(known) if known.key == key && next != NO_SLOT => {
                            (last, next) = (next, known.next);
                            self.met_unlisted(last, &met)
                        }
                        _ => {
                            (self.last, self.next) = (last, next);
                            let class = self.jump(key, &met);
                            (last, next) = (self.last, self.next);
                            class
                        }
                    }
                }
            };
            spelling.put_into(local, class);
            if leaf == local {
                self.vertices.push(class);
            }
        }
        (self.last, self.next, self.spelling) = (last, next, spelling);
        let anchors = anchors.iter().map(|&local| match local {
            ARRAY_INDEX => VOID_CLASS,
            _ => self.class_for(unit, local, number),
        });
        let anchors = anchors.collect();
        self.fill(unit, members);
        let whole = self.contested && unit.base == 0 && self.spelling.circles.is_empty();
        if whole {
            self.vertices.clear();
            let classes = unit.order.iter().filter_map(|&local| self.spelling.of(local).class());
            classes.for_each(|class| self.vertices.push(class));
        }
        UnitSummary { table: self.id, listed: self.vertices.finish(), whole, anchors }
    }

    /// The names of all classes and of their members, again and again.
    pub fn names(&self) -> impl Iterator<Item = Name> {
        self.classes.iter().map(|class| class.name).chain(self.members.iter().map(|member| member.name))
    }

    /// Bytes that the classes, their members, and what they are looked up by take.
    pub fn sizes(&self) -> [usize; 3] {
        let lookup = self.known.capacity() * size_of::<Known>() + self.table.size();
        [self.classes.capacity() * size_of::<Class>(), self.members.capacity() * size_of::<ClassMember>(), lookup]
    }

    /// Finds the class of a type that does not come after the one that it came after the last time, or is new.
    #[inline(never)]
    fn jump(&mut self, key: Key, met: &Met<'_>) -> ClassId {
        let is_it = |slot: &Slot| *slot != NO_SLOT && self.known.get(*slot as usize).is_some_and(|k| k.key == key);
        let recent = (key.0 >> RECENT_SHIFT) as usize;
        let guesses = [self.next, self.known[self.last as usize].other, self.recent[recent]];
        // None of what is needed is near, and all of it is called for before the first is looked at.
        self.table.call_for(key);
        guesses.iter().for_each(|&slot| prefetch(&self.known, slot.into()));
        let slot = guesses.into_iter().find(is_it).unwrap_or_else(|| self.look_up(key, met));
        (1..=AHEAD).for_each(|line| prefetch(&self.known, u64::from(slot) + line * 2));
        if slot != self.next {
            self.recent[recent] = slot;
            self.known[self.last as usize].follow(slot);
        }
        self.come_to(slot, met)
    }

    fn come_to(&mut self, slot: Slot, met: &Met<'_>) -> ClassId {
        let known = &mut self.known[slot as usize];
        (self.last, self.next) = (slot, known.next);
        if known.listed == 0 {
            return self.met_unlisted(slot, met);
        }
        known.listed += met.is_listed() as u32;
        known.class
    }

    /// Where that key is, with a class that is made if there is none.
    fn look_up(&mut self, key: Key, met: &Met<'_>) -> Slot {
        if let Some(found) = self.base.as_ref().and_then(|base| base.find(key)) {
            return self.slot_of_base(found, key, met);
        }
        if let Some(slot) = self.table.find(key, |slot| self.known[slot as usize].key == key) {
            return slot;
        }
        let (id, slot) = (self.classes.len() as ClassId, self.known.len() as Slot);
        self.table.insert(key, slot, |slot| self.known[slot as usize].key.0);
        self.known.push(Known::new(key, id));
        self.types.push(InBase::NOT);
        let of = InBase::of(TypeId::VOID, false, met);
        self.add(slot, of, met);
        self.fresh.push((id, met.local));
        self.note_name(id);
        slot
    }

    /// Looks for the name of a class of the program, which is new, in the base and in what the program has defined.
    fn note_name(&mut self, id: ClassId) {
        let class = &self.classes[id as usize];
        let Some(base) = &self.base else { return };
        self.own.push(id);
        self.found.clear();
        let namesakes = base.namesakes(class, &mut self.found);
        if namesakes != Namesakes::None {
            self.namesakes.push(id);
        }
        let defines = !class.forward && !class.name.is_none() && has_name_space(class.kind);
        let again = defines && !self.defined.insert(by_name(class.kind, class.flag, class.name.hash));
        self.contested |= again || namesakes == Namesakes::Several;
    }

    /// The slot of a type of the base, which stands for its key.
    fn slot_of_base(&mut self, ty: TypeId, key: Key, met: &Met<'_>) -> Slot {
        let slot = &mut self.slot_of[ty.index()];
        if *slot == NO_SLOT {
            *slot = self.known.len() as Slot;
            self.known.push(Known::new(key, VOID_CLASS));
            let special = self.base.as_ref().is_some_and(|base| base.is_special(ty));
            self.types.push(InBase::of(ty, special, met));
        }
        *slot
    }

    /// Adds a class without its content.
    #[inline(always)]
    fn add(&mut self, slot: Slot, of: InBase, met: &Met<'_>) {
        let InBase { ty, kind, flag, vertex, leafy, forward, size, word, .. } = of;
        let LocalType { name, at, .. } = *met.of();
        let (place, unit) = (met.place, met.number);
        self.slots.push(slot);
        let class = Class { kind, flag, vertex, leafy, forward, name, size, word, place, unit, at, ..Class::VOID };
        self.classes.push(Class { base: ty, ..class });
    }

    /// The class of a type that is new, or was only asked about so far.
    #[inline(never)]
    fn met_unlisted(&mut self, slot: Slot, met: &Met<'_>) -> ClassId {
        let known = &mut self.known[slot as usize];
        known.listed = met.is_listed() as u32;
        if known.class == VOID_CLASS {
            let class = self.classes.len() as ClassId;
            known.class = class;
            let of = self.types[slot as usize];
            self.special |= of.special;
            self.contested |= self.special;
            self.add(slot, of, met);
            return class;
        }
        let class = known.class;
        if met.is_listed() {
            let of = &mut self.classes[class as usize];
            (of.place, of.unit, of.at) = (met.place, met.number, met.of().at);
        }
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
            _ => {
                let spelled = self.spelling.of(local);
                if let Some(class) = spelled.class() {
                    return class;
                }
                let met = Met { unit, number, local, leaf: spelled.leaf, place: NOWHERE };
                // Those of the base are never listed.
                let in_base = unit.in_base(local).zip(self.base.as_ref()).map(|(ty, base)| {
                    let stands = base.stands(ty);
                    (stands, base.keys[stands.index()])
                });
                let class = match in_base {
                    Some((ty, key)) => {
                        let slot = self.slot_of_base(ty, key, &met);
                        self.come_to(slot, &met)
                    }
                    None => self.jump(self.spelling.key(unit, local, number), &met),
                };
                self.spelling.put_into(local, class);
                class
            }
        }
    }
}
