//! Walks through the graph of classes: what a class leads to, and what reaches it.

use super::classes::{ClassId, Classes, INDEX_CLASS, VOID_CLASS};
use super::settle::{GroupId, NO_GROUP, Settlement};
use rustc_hash::FxHashSet as HashSet;

/// By class: the vertex at the end of its spelling, or void.
pub(super) fn leaves(classes: &Classes) -> Vec<ClassId> {
    const UNKNOWN: ClassId = ClassId::MAX;
    let mut leaves = vec![UNKNOWN; classes.all.len()];
    leaves[VOID_CLASS as usize] = VOID_CLASS;
    let mut path = Vec::new();
    for c in classes.ids() {
        let mut at = c;
        while leaves[at as usize] == UNKNOWN {
            let class = classes.get(at);
            if let Some(base) = classes.base.as_ref().filter(|_| !class.vertex && !class.base.is_void()) {
                leaves[at as usize] = classes.find_base(base.leaf(class.base)).unwrap_or(VOID_CLASS);
                break;
            }
            let ends = class.vertex || !class.leafy || class.target == INDEX_CLASS;
            // Void until its end is known, so that a circle ends there.
            leaves[at as usize] = if class.vertex { at } else { VOID_CLASS };
            if ends {
                break;
            }
            path.push(at);
            at = class.target;
        }
        let leaf = leaves[at as usize];
        path.drain(..).for_each(|c| leaves[c as usize] = leaf);
    }
    leaves
}

/// No reference.
const NONE: u32 = u32::MAX;

/// By class: whether it reaches one of the seeds.
pub(super) fn reaching(classes: &Classes, settlement: &Settlement, seeds: Vec<ClassId>) -> Vec<bool> {
    let n = classes.all.len();
    let (mut reaches, mut work) = (vec![false; n], seeds);
    if work.is_empty() {
        return reaches;
    }
    // Who refers to whom, backwards: by what is referred to, the last one that does, and for each the one before.
    let (mut last, mut from) = (vec![NONE; n], Vec::<(ClassId, u32)>::new());
    let mut note = |id: ClassId, to: ClassId| {
        // Most classes refer to one several times.
        if from.get(last[to as usize] as usize).is_some_and(|&(before, _)| before == id) {
            return;
        }
        from.push((id, last[to as usize]));
        last[to as usize] = from.len() as u32 - 1;
    };
    for id in classes.ids() {
        let class = classes.get(id);
        for to in classes.references(class).filter(|&to| to != VOID_CLASS && to != INDEX_CLASS) {
            note(id, to);
        }
        if let Some(base) = classes.base.as_ref().filter(|_| !class.base.is_void()) {
            for ty in classes.base_types(class) {
                match class.vertex {
                    true => {
                        classes.base_edges(ty, |_, to| classes.find_base(to).into_iter().for_each(|to| note(id, to)))
                    }
                    false => classes.find_base(base.leaf(ty)).into_iter().for_each(|to| note(id, to)),
                }
            }
        }
    }
    let mut groups_done: HashSet<GroupId> = HashSet::default();
    while let Some(class) = work.pop() {
        if std::mem::replace(&mut reaches[class as usize], true) {
            continue;
        }
        let mut at = last[class as usize];
        while let Some(&(id, before)) = from.get(at as usize) {
            work.push(id);
            at = before;
        }
        // Others refer to a name, whichever class of it the content that we keep happens to have met.
        let group = settlement.group_of[class as usize];
        if group != NO_GROUP && groups_done.insert(group) {
            work.extend(settlement.groups[group as usize].classes());
        }
    }
    reaches
}
