//! Which classes are settled: whatever refers to them by name means the same type in every unit.
//!
//! A *group* is a name in its name space: all structs called `foo` and the forward declarations of `struct foo`; the
//! unions; the enums (and forward enums) of a name; the typedefs of a name. A group with one definition means that
//! definition. A group with several is *open*, and so is one whose forward declaration might be taken for a struct and
//! for a union of its name. What reaches an open group through any chain of references is open too, because it may mean
//! different things in different units. On kernels a few dozen names have several definitions; what
//! they open goes from next to nothing (51 of 54,000 classes of Debian's 6.1) to more than half (38,000 of 64,000 of its
//! 6.12, for a second `u8`).

use super::classes::{ClassId, Classes, INDEX_CLASS, VOID_CLASS};
use crate::Kind;
use rustc_hash::FxHashMap as HashMap;

pub(super) type GroupId = u32;

pub(super) const NO_GROUP: GroupId = u32::MAX;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Space {
    Struct,
    Union,
    Enum,
    Typedef,
}

#[derive(Default)]
pub(super) struct Group {
    /// Classes that define the name.
    pub definitions: Vec<ClassId>,
    /// Classes that only declare it: one FWD, or forward enums.
    pub forwards: Vec<ClassId>,
    /// For structs and unions: the group of the other kind and the same name.
    pub twin: Option<GroupId>,
}

pub(super) struct Settlement {
    pub groups: Vec<Group>,
    /// By class.
    pub group_of: Vec<GroupId>,
    /// By class: it may mean different types in different units.
    pub open: Vec<bool>,
    /// By class that is not open: the class that stands for it (a forward declaration's definition), or itself.
    pub meaning: Vec<ClassId>,
}

impl Settlement {
    pub fn of(classes: &Classes) -> Settlement {
        let (groups, group_of) = groups(classes);
        let open = open(classes, &groups, &group_of);
        let mut meaning: Vec<ClassId> = (0..classes.all.len() as ClassId).collect();
        for group in &groups {
            let Some(&stands) = group.definitions.first().or(group.forwards.first()) else { continue };
            for &forward in &group.forwards {
                if !open[forward as usize] {
                    meaning[forward as usize] = stands;
                }
            }
        }
        Settlement { groups, group_of, open, meaning }
    }
}

fn groups(classes: &Classes) -> (Vec<Group>, Vec<GroupId>) {
    // Looked up, never iterated: the order of groups is that of classes.
    let mut index: HashMap<(Space, u64), GroupId> = HashMap::default();
    let mut groups: Vec<Group> = Vec::new();
    let mut group_of = vec![NO_GROUP; classes.all.len()];
    for (id, class) in classes.all.iter().enumerate().skip(1) {
        if class.name.is_none() {
            continue;
        }
        let (space, forward) = match class.kind {
            Kind::Struct => (Space::Struct, false),
            Kind::Union => (Space::Union, false),
            Kind::Fwd if class.flag => (Space::Union, true),
            Kind::Fwd => (Space::Struct, true),
            Kind::Enum | Kind::Enum64 => (Space::Enum, class.count == 0),
            Kind::Typedef => (Space::Typedef, false),
            _ => continue,
        };
        let group = *index.entry((space, class.name.hash)).or_insert_with(|| {
            groups.push(Group::default());
            groups.len() as GroupId - 1
        });
        group_of[id] = group;
        let list = &mut groups[group as usize];
        if forward { list.forwards.push(id as ClassId) } else { list.definitions.push(id as ClassId) }
    }
    for (&(space, name), &group) in &index {
        let other = match space {
            Space::Struct => Space::Union,
            Space::Union => Space::Struct,
            _ => continue,
        };
        groups[group as usize].twin = index.get(&(other, name)).copied();
    }
    for group in &mut groups {
        // The earliest forward enum stands for the others where nothing defines them.
        group.forwards.sort_by_key(|&c| classes.get(c).place);
    }
    (groups, group_of)
}

fn open(classes: &Classes, groups: &[Group], group_of: &[GroupId]) -> Vec<bool> {
    let n = classes.all.len();
    let mut open = vec![false; n];
    let mut work: Vec<ClassId> = Vec::new();
    let mark = |class: ClassId, open: &mut Vec<bool>, work: &mut Vec<ClassId>| {
        if !std::mem::replace(&mut open[class as usize], true) {
            work.push(class);
        }
    };
    for group in groups {
        let defined = |g: &Group| !g.definitions.is_empty();
        let torn =
            !group.forwards.is_empty() && defined(group) && group.twin.is_some_and(|t| defined(&groups[t as usize]));
        if group.definitions.len() > 1 || torn {
            for &class in group.definitions.iter().chain(&group.forwards) {
                mark(class, &mut open, &mut work);
            }
        }
    }
    if work.is_empty() {
        return open;
    }
    // Who refers to whom, backwards: counted, then filled.
    let mut start = vec![0u32; n + 1];
    let each = |f: &mut dyn FnMut(ClassId, ClassId)| {
        for (id, class) in classes.all.iter().enumerate().skip(1) {
            for to in classes.references(class) {
                if to != VOID_CLASS && to != INDEX_CLASS {
                    f(id as ClassId, to);
                }
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
    while let Some(class) = work.pop() {
        for &user in &from[start[class as usize] as usize..start[class as usize + 1] as usize] {
            mark(user, &mut open, &mut work);
        }
        // Others refer to a name, whichever class of it the content that we keep happens to have met.
        if let Some(group) = groups.get(group_of[class as usize] as usize) {
            for &other in group.definitions.iter().chain(&group.forwards) {
                mark(other, &mut open, &mut work);
            }
        }
    }
    open
}
