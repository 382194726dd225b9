//! Walks through the graph of classes: what a class leads to, and what reaches it.

use super::classes::{Class, ClassId, Classes, INDEX_CLASS, VOID_CLASS};
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

/// By class: whether it reaches one of the seeds.
pub(super) fn reaching(classes: &Classes, settlement: &Settlement, seeds: Vec<ClassId>) -> Vec<bool> {
    let n = classes.all.len();
    let (mut reaches, mut work) = (vec![false; n], seeds);
    if work.is_empty() {
        return reaches;
    }
    // Who refers to whom, backwards: counted, then filled.
    let mut start = vec![0u32; n + 1];
    let ends = |class: &Class, f: &mut dyn FnMut(ClassId)| match class.vertex {
        true => classes.base_edges(class).into_iter().flatten().flatten().for_each(f),
        false => {
            let leaf = |ty| classes.base.as_ref().and_then(|base| classes.find_base(base.leaf(ty)));
            classes.base_types(class).filter_map(leaf).for_each(f);
        }
    };
    let each = |f: &mut dyn FnMut(ClassId, ClassId)| {
        for id in classes.ids() {
            let class = classes.get(id);
            for to in classes.references(class).filter(|&to| to != VOID_CLASS && to != INDEX_CLASS) {
                f(id, to);
            }
            if !class.base.is_void() {
                ends(class, &mut |to| f(id, to));
            }
        }
    };
    each(&mut |_, to| start[to as usize + 1] += 1);
    for i in 0..n {
        start[i + 1] += start[i];
    }
    let (mut next, mut from) = (start.clone(), vec![0 as ClassId; start[n] as usize]);
    each(&mut |id, to| {
        from[next[to as usize] as usize] = id;
        next[to as usize] += 1;
    });
    let mut groups_done: HashSet<GroupId> = HashSet::default();
    while let Some(class) = work.pop() {
        if std::mem::replace(&mut reaches[class as usize], true) {
            continue;
        }
        work.extend(&from[start[class as usize] as usize..start[class as usize + 1] as usize]);
        // Others refer to a name, whichever class of it the content that we keep happens to have met.
        let group = settlement.group_of[class as usize];
        if group != NO_GROUP && groups_done.insert(group) {
            work.extend(settlement.groups[group as usize].classes());
        }
    }
    reaches
}
