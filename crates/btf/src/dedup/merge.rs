//! One table of the tables of several classifiers.

use super::classes::{Class, ClassId, ClassMember, Classes, INDEX_CLASS, VOID_CLASS};
use super::classify::{Classifier, Slot};
use super::spell::Key;
use super::table::Table;
use rayon::prelude::*;

pub(super) struct Merged {
    pub classes: Classes,
    /// By number of the classifier: its classes' ids here.
    pub ids: Vec<Vec<ClassId>>,
    pub index: ClassIndex,
    /// Types of the base were met that may mean something else than most.
    pub special: bool,
}

/// Classes by their keys.
pub(super) struct ClassIndex {
    table: Table,
    keys: Vec<Key>,
    /// The table is filled. On a base that is done when it is needed, which few programs do.
    complete: bool,
}

impl ClassIndex {
    pub fn find(&self, key: Key) -> Option<ClassId> {
        self.table.find(key, |c| self.keys[c as usize] == key)
    }

    /// Without this, nothing may be found.
    pub fn complete(&mut self) {
        if std::mem::replace(&mut self.complete, true) {
            return;
        }
        let keys = &self.keys;
        for (id, &key) in keys.iter().enumerate().skip(1) {
            self.table.insert(key, id as ClassId, |c| keys[c as usize].0);
        }
    }
}

impl Merged {
    /// Counts and keys of classes, from the one classifier that they are of. Most programs on a base can do without.
    pub fn complete(&mut self, tables: &[Classifier]) {
        if let ([table], true) = (tables, self.index.keys.is_empty()) {
            self.index.keys = table.slots.iter().map(|&slot| table.known[slot as usize].key).collect();
            for (class, &slot) in self.classes.all.iter_mut().zip(&table.slots) {
                class.listed = table.known[slot as usize].listed;
            }
        }
    }
}

/// The content of a class is that of the place where it was met first. Only classifiers that stand on a base are left;
/// before another program, they have to be reset.
pub(super) fn merge(tables: &mut Vec<Classifier>) -> Merged {
    let mut ids = vec![Vec::new(); tables.iter().map(|t| t.id as usize + 1).max().unwrap_or(0)];
    // The largest one stays as it is, and the others are added to it.
    tables.sort_by_key(|t| (std::cmp::Reverse(t.classes.len()), t.id));
    let special = tables.iter().any(|t| t.special);
    let mut rest = std::mem::take(tables).into_iter();
    let mut keep = |table: Classifier| {
        if table.base.is_some() {
            tables.push(table);
        }
    };
    let Some(mut largest) = rest.next() else {
        let classes = Classes { all: vec![Class::VOID], ..Classes::default() };
        let index = ClassIndex { table: Table::default(), keys: vec![(0, 0)], complete: true };
        return Merged { classes, ids, index, special };
    };
    ids[largest.id as usize] = (0..largest.classes.len() as ClassId).collect();
    let base = largest.base.clone();
    let (all, members) = (std::mem::take(&mut largest.classes), std::mem::take(&mut largest.members));
    let (own, namesakes) = (std::mem::take(&mut largest.own), std::mem::take(&mut largest.namesakes));
    // On a base it is of the classifier's slots, not of classes.
    let table = if base.is_some() { Table::default() } else { std::mem::take(&mut largest.table) };
    let mut merged = Merged {
        classes: Classes { base, all, members, own, namesakes, ..Classes::default() },
        ids,
        index: ClassIndex { keys: Vec::new(), table, complete: largest.base.is_none() },
        special,
    };
    if largest.base.is_none() || rest.len() != 0 {
        merged.complete(std::slice::from_ref(&largest));
    }
    keep(largest);
    for table in rest {
        merged.index.complete();
        merged.add(&table);
        keep(table);
    }
    merged.classes.namesakes.sort_unstable();
    merged.classes.namesakes.dedup();
    merged
}

impl Merged {
    /// Adds another table.
    fn add(&mut self, from: &Classifier) {
        let Classes { all, members, own, namesakes, .. } = &mut self.classes;
        let mut map = Vec::with_capacity(from.classes.len());
        map.push(VOID_CLASS);
        // Classes whose content is taken from there.
        let mut taken = Vec::new();
        // Most are here already: they are looked for on all threads.
        let index = &self.index;
        let find = |&slot: &Slot| index.find(from.known[slot as usize].key);
        let found: Vec<Option<ClassId>> = from.slots.par_iter().with_min_len(1 << 12).map(find).collect();
        let known = from.slots.iter().map(|&slot| &from.known[slot as usize]);
        for ((class, known), found) in from.classes.iter().zip(known).zip(found).skip(1) {
            let ClassIndex { table, keys, .. } = &mut self.index;
            let (id, take) = match found {
                Some(id) => {
                    let have = &mut all[id as usize];
                    have.listed += known.listed;
                    // Met nowhere (only asked about): the lower unit decides, so that the result is always the same.
                    (id, class.origin() < have.origin())
                }
                None => {
                    let id = all.len() as ClassId;
                    keys.push(known.key);
                    table.insert(known.key, id, |c| keys[c as usize].0);
                    all.push(Class { listed: known.listed, ..Class::VOID });
                    (id, true)
                }
            };
            if take {
                taken.push((id, map.len() as ClassId, found.is_none()));
            }
            map.push(id);
        }
        let here = |c: ClassId| if c == INDEX_CLASS { c } else { map[c as usize] };
        for (id, index, fresh) in taken {
            let class = &from.classes[index as usize];
            let contents = &from.members[class.first as usize..][..class.count as usize];
            let contents = contents.iter().map(|m| ClassMember { class: here(m.class), ..*m });
            let have = &mut all[id as usize];
            // Where another place has given as many members before, these take their room.
            let first = if fresh || have.count != class.count { members.len() as u32 } else { have.first };
            *have = Class { listed: have.listed, first, target: here(class.target), ..*class };
            if first as usize == members.len() {
                members.extend(contents);
            } else {
                let room = &mut members[first as usize..][..class.count as usize];
                room.iter_mut().zip(contents).for_each(|(room, m)| *room = m);
            }
        }
        let is_new = |id: &ClassId| own.last().is_none_or(|last| last < id);
        let more: Vec<ClassId> = from.own.iter().map(|&class| here(class)).filter(is_new).collect();
        own.extend(more);
        namesakes.extend(from.namesakes.iter().map(|&class| here(class)));
        self.ids[from.id as usize] = map;
    }
}
