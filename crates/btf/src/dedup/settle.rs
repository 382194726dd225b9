//! What names stand for.
//!
//! A *group* is a name in its name space: all structs called `foo` and the forward declarations of `struct foo`; the
//! unions; the enums (and forward enums) of a name; the typedefs of a name. A group with one definition means that
//! definition, in each unit. A group is *ambiguous* with several, and so is one whose forward declaration might be taken
//! for a struct and for a union of its name. On kernels one or two dozen of 40,000 names are.

use super::classes::{ClassId, Classes};
use crate::Kind;
use rustc_hash::FxHashMap as HashMap;

pub(super) type GroupId = u32;

pub(super) const NO_GROUP: GroupId = u32::MAX;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Space {
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
    pub ambiguous: bool,
}

impl Group {
    pub fn classes(&self) -> impl Iterator<Item = ClassId> {
        self.definitions.iter().chain(&self.forwards).copied()
    }
}

pub(super) struct Settlement {
    pub groups: Vec<Group>,
    /// By class.
    pub group_of: Vec<GroupId>,
    /// By class whose meaning does not depend on units: the class that stands for it (a forward declaration's
    /// definition), or itself.
    pub meaning: Vec<ClassId>,
}

impl Settlement {
    pub fn of(classes: &Classes) -> Settlement {
        // Looked up, never iterated for an order: that of groups is that of classes.
        let mut index: HashMap<(Space, u64), GroupId> = HashMap::default();
        index.reserve(classes.all.len() / 2);
        let mut groups: Vec<Group> = Vec::new();
        let mut group_of = vec![NO_GROUP; classes.all.len()];
        for id in classes.ids() {
            let class = classes.get(id);
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
            group_of[id as usize] = group;
            let list = &mut groups[group as usize];
            if forward { list.forwards.push(id) } else { list.definitions.push(id) }
        }
        for (&(space, name), &group) in &index {
            let other = match space {
                Space::Struct => Space::Union,
                Space::Union => Space::Struct,
                _ => continue,
            };
            groups[group as usize].twin = index.get(&(other, name)).copied();
        }
        let defined = |groups: &[Group], g: &Group| g.twin.is_some_and(|t| !groups[t as usize].definitions.is_empty());
        for g in 0..groups.len() {
            // The earliest forward enum stands for the others where nothing defines them.
            groups[g].forwards.sort_by_key(|&c| classes.get(c).place);
            let group = &groups[g];
            let torn = !group.forwards.is_empty() && !group.definitions.is_empty() && defined(&groups, group);
            groups[g].ambiguous = groups[g].definitions.len() > 1 || torn;
        }
        let mut meaning: Vec<ClassId> = (0..classes.all.len() as ClassId).collect();
        for group in &groups {
            if let Some(&stands) = group.definitions.first().or(group.forwards.first()) {
                group.forwards.iter().for_each(|&forward| meaning[forward as usize] = stands);
            }
        }
        Settlement { groups, group_of, meaning }
    }

    pub fn group(&self, class: ClassId) -> Option<&Group> {
        self.groups.get(self.group_of[class as usize] as usize)
    }

    pub fn is_ambiguous(&self, class: ClassId) -> bool {
        self.group(class).is_some_and(|g| g.ambiguous)
    }
}
