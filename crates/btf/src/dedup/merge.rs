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

/// The content of a class is that of the place where it was met first. Only classifiers that stand on a base are left,
/// ready for another program.
pub(super) fn merge(tables: &mut Vec<Classifier>) -> Merged {
    let mut ids = vec![Vec::new(); tables.iter().map(|t| t.id as usize + 1).max().unwrap_or(0)];
    // The largest one stays as it is, and the others are added to it.
    tables.sort_by_key(|t| (std::cmp::Reverse(t.classes.len()), t.id));
    let special = tables.iter().any(|t| t.special);
    let mut rest = std::mem::take(tables).into_iter();
    let mut keep = |mut table: Classifier| {
        if table.base.is_some() {
            table.reset();
            tables.push(table);
        }
    };
    let Some(mut largest) = rest.next() else {
        let classes = Classes { all: vec![Class::VOID], ..Classes::default() };
        let index = ClassIndex { table: Table::default(), keys: vec![(0, 0)], complete: true };
        return Merged { classes, ids, index, special };
    };
    ids[largest.id as usize] = (0..largest.classes.len() as ClassId).collect();
    // On a base it is of the classifier's slots, not of classes.
    let table = if largest.base.is_some() { Table::default() } else { std::mem::take(&mut largest.table) };
    let (mut all, members) = largest.take_classes();
    let known = |slot: &Slot| largest.known[*slot as usize];
    all.iter_mut().zip(&largest.slots).for_each(|(class, slot)| class.listed = known(slot).listed);
    let mut merging = Merging {
        index: ClassIndex {
            keys: largest.slots.iter().map(|slot| known(slot).key).collect(),
            table,
            complete: largest.base.is_none(),
        },
        all,
        members,
    };
    let base = largest.base.clone();
    keep(largest);
    for table in rest {
        merging.index.complete();
        ids[table.id as usize] = merging.add(&table);
        keep(table);
    }
    let Merging { index, all, members } = merging;
    Merged { classes: Classes { base, all, members, ..Classes::default() }, ids, index, special }
}

struct Merging {
    index: ClassIndex,
    all: Vec<Class>,
    members: Vec<ClassMember>,
}

impl Merging {
    /// Adds another table; returns its classes' ids.
    fn add(&mut self, from: &Classifier) -> Vec<ClassId> {
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
                    let have = &mut self.all[id as usize];
                    have.listed += known.listed;
                    // Met nowhere (only asked about): the lower unit decides, so that the result is always the same.
                    (id, class.origin() < have.origin())
                }
                None => {
                    let id = self.all.len() as ClassId;
                    keys.push(known.key);
                    table.insert(known.key, id, |c| keys[c as usize].0);
                    self.all.push(Class { listed: known.listed, ..Class::VOID });
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
            let have = &mut self.all[id as usize];
            // Where another place has given as many members before, these take their room.
            let first = if fresh || have.count != class.count { self.members.len() as u32 } else { have.first };
            *have = Class { listed: have.listed, first, target: here(class.target), ..*class };
            if first as usize == self.members.len() {
                self.members.extend(contents);
            } else {
                let room = &mut self.members[first as usize..][..class.count as usize];
                room.iter_mut().zip(contents).for_each(|(room, m)| *room = m);
            }
        }
        map
    }
}
