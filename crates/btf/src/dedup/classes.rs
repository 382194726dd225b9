//! Classes: one for each distinct type, found by hash while units are read.
//!
//! Two types are of one class when they are alike in all but what the names in them mean: same kind, name, size,
//! members and spellings. Each thread keeps a table of its own; [`merge`] makes one of them.

use super::hash::Mix2;
use super::spell::{NO_LEAF, Spelling};
use crate::Kind;
use crate::unit::{ARRAY_INDEX, Local, LocalMember, LocalType, Members, Name, UnitTypes, VOID};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

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
    key: (u64, u64),
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
    pub place: Place,
    /// Unit and entry that the content was taken from.
    pub unit: u32,
    pub at: u32,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct ClassMember {
    pub name: Name,
    pub value: u64,
    pub class: ClassId,
}

/// One type of a unit, as far as deduplication needs it after the unit is gone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    pub class: ClassId,
    /// For a vertex: index of its first edge. Otherwise: item of its leaf + 1, or 0.
    pub arg: u32,
}

/// A type of a unit that something outside of the type graph refers to (a variable, a function).
#[derive(Debug, Clone, Copy, Default)]
pub struct Anchor {
    pub(super) class: ClassId,
    /// Its own item + 1 where the unit lists it, else 0.
    pub(super) item: u32,
    /// As in [`Item`]; counts where the unit does not list it.
    pub(super) arg: u32,
}

/// One unit after classification: small, and free of the unit's own arrays.
#[derive(Debug, Default)]
pub struct UnitGraph {
    pub(super) table: u32,
    pub(super) items: Vec<Item>,
    /// Items (+ 1) of the leaves that vertices refer to.
    pub(super) edges: Vec<u32>,
    pub anchors: Vec<Anchor>,
}

/// The classes that one thread has met.
pub struct Classifier {
    id: u32,
    table: HashTable<ClassId>,
    /// By class: its key, and the class that followed it in the last unit that had it. Units include the same headers in
    /// the same order, so that this is nearly always the next one again, and both are near in memory, while a look
    /// into the table misses the cache. (With the same for names and a filter of functions: minus 3 % of the walk.)
    keys: Vec<((u64, u64), ClassId)>,
    last: ClassId,
    pub(super) classes: Vec<Class>,
    pub(super) members: Vec<ClassMember>,
    /// Classes that have no place yet.
    only_asked: u32,
    spelling: Spelling,
    /// By local id: class, and item + 1.
    class_of: Vec<ClassId>,
    item_of: Vec<u32>,
    fresh: Vec<(ClassId, Local)>,
    edges: Vec<u32>,
    /// Members of one type.
    contents: Vec<LocalMember>,
}

impl Classifier {
    /// `id` numbers the classifiers whose results are merged, from 0.
    pub fn new(id: u32) -> Classifier {
        Classifier {
            id,
            table: HashTable::with_capacity(1 << 15),
            keys: vec![((0, 0), VOID_CLASS)],
            last: VOID_CLASS,
            classes: vec![void()],
            members: Vec::new(),
            only_asked: 0,
            spelling: Spelling::default(),
            class_of: Vec::new(),
            item_of: Vec::new(),
            fresh: Vec::new(),
            edges: Vec::new(),
            contents: Vec::new(),
        }
    }

    /// The names of all classes and of their members, again and again.
    pub fn names(&self) -> impl Iterator<Item = Name> {
        self.classes.iter().map(|class| class.name).chain(self.members.iter().map(|member| member.name))
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
    ) -> UnitGraph {
        self.spelling.run(unit);
        self.class_of.clear();
        self.class_of.resize(unit.types.len(), VOID_CLASS);
        self.item_of.clear();
        self.item_of.resize(unit.types.len(), 0);
        self.fresh.clear();
        self.edges.clear();
        for (item, &local) in unit.order.iter().enumerate() {
            self.item_of[local as usize] = item as u32 + 1;
        }
        let mut items = Vec::with_capacity(unit.order.len());
        for (item, &local) in unit.order.iter().enumerate() {
            let class = self.class(unit, local, Place { unit: number, item: item as u32 }, number);
            self.class_of[local as usize] = class;
            let arg = self.arg(unit, local);
            items.push(Item { class, arg });
        }
        let anchors = anchors.iter().map(|&local| self.anchor(unit, number, local)).collect();
        self.fill(unit, members);
        UnitGraph { table: self.id, items, edges: self.edges.as_slice().to_vec(), anchors }
    }

    fn anchor(&mut self, unit: &UnitTypes, number: u32, local: Local) -> Anchor {
        if local == VOID {
            return Anchor::default();
        }
        let class = self.class_for(unit, local, number);
        match self.item_of[local as usize] {
            0 => Anchor { class, item: 0, arg: self.arg(unit, local) },
            item => Anchor { class, item, arg: 0 },
        }
    }

    /// Edges of a vertex are noted; other types know their leaf.
    #[inline]
    fn arg(&mut self, unit: &UnitTypes, local: Local) -> u32 {
        match self.spelling.of(local).leaf {
            NO_LEAF => return 0,
            leaf if leaf != local => return self.item_of[leaf as usize],
            _ => {}
        }
        let first = self.edges.len() as u32;
        let t = &unit.types[local as usize];
        let (spelling, item_of) = (&self.spelling, &self.item_of);
        let mut edge = |target: Local| match spelling.of(target).leaf {
            NO_LEAF => {}
            leaf => self.edges.push(item_of[leaf as usize]),
        };
        edge(t.target);
        unit.references_of(t).iter().for_each(|&to| edge(to));
        first
    }

    fn class(&mut self, unit: &UnitTypes, local: Local, place: Place, number: u32) -> ClassId {
        let t = &unit.types[local as usize];
        let key = self.key(unit, local, t, number);
        let guess = self.keys[self.last as usize].1;
        if self.keys[guess as usize].0 == key && guess != VOID_CLASS {
            return self.met(guess, place, number, t.at);
        }
        let classes = &mut self.classes;
        let keys = &mut self.keys;
        match self.table.entry(key.0, |&c| keys[c as usize].0 == key, |&c| keys[c as usize].0.0) {
            Entry::Occupied(found) => {
                let id = *found.get();
                self.keys[self.last as usize].1 = id;
                self.met(id, place, number, t.at)
            }
            Entry::Vacant(free) => {
                let id = classes.len() as ClassId;
                free.insert(id);
                keys.push((key, VOID_CLASS));
                keys[self.last as usize].1 = id;
                self.last = id;
                let leaf = self.spelling.of(local).leaf;
                classes.push(Class {
                    key,
                    kind: t.kind.expect("holes are not listed"),
                    flag: t.flag,
                    vertex: leaf == local,
                    leafy: leaf != NO_LEAF,
                    name: t.name,
                    size: t.size,
                    word: t.word,
                    target: VOID_CLASS,
                    first: 0,
                    count: t.count,
                    place,
                    unit: number,
                    at: t.at,
                });
                self.only_asked += (place == NOWHERE) as u32;
                self.fresh.push((id, local));
                id
            }
        }
    }

    #[inline]
    fn met(&mut self, id: ClassId, place: Place, number: u32, at: u32) -> ClassId {
        self.last = id;
        // Only asked about so far, and now met.
        if place != NOWHERE && self.only_asked != 0 {
            let class = &mut self.classes[id as usize];
            if class.place == NOWHERE {
                (class.place, class.unit, class.at) = (place, number, at);
                self.only_asked -= 1;
            }
        }
        id
    }

    /// What makes a class: the content of a named type, the spelling of any other.
    #[inline]
    fn key(&self, unit: &UnitTypes, local: Local, t: &LocalType, number: u32) -> (u64, u64) {
        let kind = t.kind.expect("holes are not listed");
        // Beside a spelling, which other kinds share: less than any hash is likely to be.
        let plain = (kind as u64) << 1 | t.flag as u64;
        let key = match kind {
            Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64 if !t.name.is_none() => {
                let h = Mix2::after((t.content.0, t.content.1)).with(t.name.hash);
                let mut h = h.with((t.size as u64) << 32 | t.count as u64).with(plain);
                for &to in unit.references_of(t) {
                    h = h.with(self.spelling.of(to).hash);
                }
                h.get()
            }
            Kind::Typedef => Mix2::new(plain).with(t.name.hash).with(self.spelling.of(t.target).hash).get(),
            _ => (self.spelling.of(local).hash, plain),
        };
        if self.spelling.circles.is_empty() {
            return key;
        }
        // With a circle that no name cuts, spellings say less than contents, and prove nothing: in such a unit, which
        // no compiler of C writes, each type is like nothing but itself.
        Mix2::after(key).with(number as u64).with(local as u64).get()
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

fn void() -> Class {
    Class {
        key: (0, 0),
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
        place: NOWHERE,
        unit: 0,
        at: 0,
    }
}

/// The classes of a whole program.
pub(super) struct Classes {
    pub all: Vec<Class>,
    pub members: Vec<ClassMember>,
    /// By number of the classifier: its classes' ids here.
    pub ids: Vec<Vec<ClassId>>,
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
}

/// Makes one table of several. The content of a class is that of the place where it was met first.
pub(super) fn merge(mut tables: Vec<Classifier>) -> Classes {
    tables.sort_by_key(|t| t.id);
    let mut table: HashTable<ClassId> =
        HashTable::with_capacity(tables.iter().map(|t| t.classes.len()).max().unwrap_or(0));
    let mut all = vec![void()];
    // Whose content the class has: table and index there.
    let mut owner = vec![(0u32, 0u32)];
    let mut ids = Vec::with_capacity(tables.len());
    for (number, from) in tables.iter().enumerate() {
        let mut map = Vec::with_capacity(from.classes.len());
        map.push(VOID_CLASS);
        for (index, class) in from.classes.iter().enumerate().skip(1) {
            let entry = table.entry(class.key.0, |&c| all[c as usize].key == class.key, |&c| all[c as usize].key.0);
            let id = match entry {
                Entry::Occupied(found) => {
                    let id = *found.get();
                    let have = &mut all[id as usize];
                    // Met nowhere (only asked about): the lower unit decides, so that the result is always the same.
                    if (class.place, class.unit, class.at) < (have.place, have.unit, have.at) {
                        *have = *class;
                        owner[id as usize] = (number as u32, index as u32);
                    }
                    id
                }
                Entry::Vacant(free) => {
                    let id = all.len() as ClassId;
                    free.insert(id);
                    all.push(*class);
                    owner.push((number as u32, index as u32));
                    id
                }
            };
            map.push(id);
        }
        ids.push(map);
    }
    let mut members = Vec::with_capacity(tables.iter().map(|t| t.members.len()).max().unwrap_or(0));
    for (class, &(number, _)) in all.iter_mut().zip(&owner).skip(1) {
        let (from, map) = (&tables[number as usize], &ids[number as usize]);
        let here = |c: ClassId| if c == INDEX_CLASS { c } else { map[c as usize] };
        class.target = here(class.target);
        let first = members.len() as u32;
        members.extend(
            from.members[class.first as usize..][..class.count as usize]
                .iter()
                .map(|m| ClassMember { class: here(m.class), ..*m }),
        );
        class.first = first;
    }
    Classes { all, members, ids }
}
