//! One table of the tables of several classifiers.

use super::classes::{Class, ClassId, ClassMember, Classes, INDEX_CLASS, VOID_CLASS};
use super::classify::{Classifier, Known};
use super::spell::Key;
use hashbrown::HashTable;
use rayon::prelude::*;

pub(super) struct Merged {
    pub classes: Classes,
    /// By number of the classifier: its classes' ids here.
    pub ids: Vec<Vec<ClassId>>,
    pub index: ClassIndex,
}

/// Classes by their keys.
pub(super) struct ClassIndex {
    table: HashTable<ClassId>,
    keys: Vec<Key>,
}

impl ClassIndex {
    pub fn find(&self, key: Key) -> Option<ClassId> {
        self.table.find(key.0, |&c| self.keys[c as usize] == key).copied()
    }
}

/// The content of a class is that of the place where it was met first.
pub(super) fn merge(mut tables: Vec<Classifier>) -> Merged {
    let mut ids = vec![Vec::new(); tables.iter().map(|t| t.id as usize + 1).max().unwrap_or(0)];
    // The largest one stays as it is, and the others are added to it.
    tables.sort_by_key(|t| (std::cmp::Reverse(t.classes.len()), t.id));
    let mut tables = tables.into_iter();
    let Some(largest) = tables.next() else {
        let classes = Classes { all: vec![Class::VOID], members: Vec::new() };
        return Merged { classes, ids, index: ClassIndex { table: HashTable::new(), keys: vec![(0, 0)] } };
    };
    ids[largest.id as usize] = (0..largest.classes.len() as ClassId).collect();
    let mut merging = Merging {
        table: largest.table,
        keys: largest.known.iter().map(|k| k.key).collect(),
        all: largest.classes,
        members: largest.members,
    };
    merging.all.iter_mut().zip(&largest.known).for_each(|(class, known)| class.listed = known.listed);
    for table in tables {
        ids[table.id as usize] = merging.add(&table);
    }
    let Merging { table, keys, all, members } = merging;
    Merged { classes: Classes { all, members }, ids, index: ClassIndex { table, keys } }
}

struct Merging {
    table: HashTable<ClassId>,
    keys: Vec<Key>,
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
        let (table, keys) = (&self.table, &self.keys);
        let find = |known: &Known| table.find(known.key.0, |&c| keys[c as usize] == known.key).copied();
        let found: Vec<Option<ClassId>> = from.known.par_iter().with_min_len(1 << 12).map(find).collect();
        for ((class, known), found) in from.classes.iter().zip(&from.known).zip(found).skip(1) {
            let keys = &mut self.keys;
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
                    self.table.insert_unique(known.key.0, id, |&c| keys[c as usize].0);
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
