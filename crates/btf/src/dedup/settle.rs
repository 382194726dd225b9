//! What names stand for.
//!
//! A *group* is a name in its name space: all structs called `foo` and the forward declarations of `struct foo`; the
//! unions; the enums (and forward enums) of a name; the typedefs of a name. A group with one definition means that
//! definition, in each unit. A group is *ambiguous* with several, and so is one whose forward declaration might be taken
//! for a struct and for a union of its name. On kernels one or two dozen of 40,000 names are.
//!
//! On a base, a group has what the base defines and declares, too, and is also ambiguous where the base only declares
//! what the program defines: nothing that the base has ever changes, so that its types mean no definition by that name.
//! Most modules have no such name. They have declarations of what the base defines, and no more is looked at.

use super::base::Namesakes;
use super::classes::{ClassId, Classes};
use crate::unit::Name;
use crate::{Kind, TypeId};
use rustc_hash::FxHashMap as HashMap;
use smallvec::SmallVec;

pub(super) type GroupId = u32;

pub(super) const NO_GROUP: GroupId = u32::MAX;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Space {
    Struct,
    Union,
    Enum,
    Typedef,
}

/// Nearly all have one class: nothing is allocated for each name.
type Few = SmallVec<[ClassId; 4]>;

#[derive(Default)]
pub(super) struct Group {
    /// Classes that define the name.
    pub definitions: Few,
    /// Classes that only declare it: one FWD, or forward enums.
    pub forwards: Few,
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
    /// Own names and those of the base are in each other's way.
    pub conflicts: bool,
}

impl Settlement {
    /// Adds classes of the base: those that own types may be taken for, or mean. With `thorough`, also where no own name
    /// is in the way of the base's: so it has to be where special types of the base were met.
    pub fn of(classes: &mut Classes, thorough: bool) -> Settlement {
        let (brought, conflicts) = bring_names(classes, thorough);
        let classes = &*classes;
        // Types of the base that are there anyway, and have no name in common with others, need no look.
        let mut ids: Vec<ClassId> = classes.own().chain(brought).collect();
        if conflicts {
            ids.sort_unstable();
            ids.dedup();
        }
        // Looked up, never iterated for an order: that of groups is that of classes.
        let mut index: HashMap<(Space, u64), GroupId> = HashMap::default();
        index.reserve(ids.len() / 2);
        let mut groups: Vec<Group> = Vec::with_capacity(ids.len() / 2);
        let mut group_of = vec![NO_GROUP; classes.all.len()];
        for id in ids {
            let class = classes.get(id);
            if class.name.is_none() {
                continue;
            }
            let (space, forward) = match class.kind {
                Kind::Struct => (Space::Struct, false),
                Kind::Union => (Space::Union, false),
                Kind::Fwd if class.flag => (Space::Union, true),
                Kind::Fwd => (Space::Struct, true),
                Kind::Enum | Kind::Enum64 => (Space::Enum, class.forward),
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
            // The base's, else the earliest forward enum stands for the others where nothing defines them.
            groups[g].forwards.sort_by_key(|&c| (classes.get(c).base.is_void(), classes.get(c).place));
            let group = &groups[g];
            let declared = group.forwards.iter().any(|&c| !classes.get(c).base.is_void());
            let declared = declared && !group.definitions.is_empty();
            let torn = !group.forwards.is_empty() && !group.definitions.is_empty() && defined(&groups, group);
            groups[g].ambiguous = groups[g].definitions.len() > 1 || torn || declared;
        }
        let mut meaning: Vec<ClassId> = (0..classes.all.len() as ClassId).collect();
        for group in &groups {
            if let Some(&stands) = group.definitions.first().or(group.forwards.first()) {
                group.forwards.iter().for_each(|&forward| meaning[forward as usize] = stands);
            }
        }
        Settlement { groups, group_of, meaning, conflicts }
    }

    /// For classes that have come since: each means itself.
    pub fn extend(&mut self, classes: &Classes) {
        let known = self.meaning.len() as ClassId;
        self.meaning.extend(known..classes.all.len() as ClassId);
        self.group_of.resize(classes.all.len(), NO_GROUP);
    }

    pub fn group(&self, class: ClassId) -> Option<&Group> {
        self.groups.get(self.group_of[class as usize] as usize)
    }

    /// Whether each class is one type, wherever it is met.
    pub fn is_plain(&self) -> bool {
        !self.conflicts && !self.groups.iter().any(|group| group.ambiguous)
    }

    pub fn is_ambiguous(&self, class: ClassId) -> bool {
        self.group(class).is_some_and(|g| g.ambiguous)
    }
}

/// Adds the classes of the base that own types share a name with, and those of names that the base has several types of:
/// gives which these are, and whether own names and those of the base are in each other's way.
fn bring_names(classes: &mut Classes, thorough: bool) -> (Vec<ClassId>, bool) {
    let Some(base) = classes.base.clone() else { return (Vec::new(), false) };
    let mut conflicts = thorough;
    // Most names are declared here and defined there, or the other way round.
    let some = classes.namesakes.len();
    let (mut wanted, mut names): (Vec<TypeId>, Vec<Name>) = (Vec::with_capacity(some), Vec::with_capacity(some));
    for &id in &classes.namesakes {
        let class = classes.get(id);
        conflicts |= base.namesakes(class, &mut wanted) == Namesakes::Several;
        names.resize(wanted.len(), class.name);
    }
    if conflicts {
        classes.index_base();
        for class in classes.all.iter().filter(|class| base.usual().is_ambiguous(class.base.0)) {
            base.named(class.kind, class.flag, class.name.hash, &mut wanted);
            names.resize(wanted.len(), class.name);
        }
    }
    classes.all.reserve(wanted.len());
    classes.of_base.reserve(wanted.len());
    let mut brought: Vec<ClassId> = Vec::with_capacity(wanted.len());
    for (ty, name) in wanted.into_iter().zip(names) {
        let class = classes.adopt_named(ty, name);
        // Without an index, what is new comes one after the other, and again only what was new.
        if conflicts || brought.last().is_none_or(|&last| last < class) {
            brought.push(class);
        }
    }
    (brought, conflicts)
}
