//! What ambiguous names mean to those that use them.
//!
//! The problem. A name with several definitions means different things in different units, and what uses it may, too.
//! But that rarely comes to pass. If one file has a `u8` of its own, thousands of classes reach some `u8`; still each of
//! them is met only where `u8` is the one, or only where it is the other. Such a class is one type, as if its reference
//! said which definition it means.
//!
//! ```text
//! units 1, 2:  typedef unsigned char u8;  struct A { u8 x; };  struct B { struct A *a; };
//! unit 3:      typedef unsigned u8;       struct C { u8 x; };
//! result:      A means the first u8 and C the second one, in every unit; A, B and C are types
//! ```
//!
//! Only a class that is met with different definitions behind one of its references is *contested*. What reaches a
//! contested class may differ from unit to unit, and has to be compared exactly (`refine`). On the kernels that were
//! tried no class is contested, or a handful that three units have.
//!
//! The passes:
//!
//! 1. Of each ambiguous name, the class that most units have for it is the *usual* one, or, if the base has the name, the
//!    one that most types of the base mean. Units that have another are made graphs again: from the classes that they
//!    list where that was kept and says it all (`recall`), else they are described in full. (In all other units, all
//!    references to the name lead to the usual class.) So are those in which the usual class comes first, so that nodes
//!    can be numbered in the order of first appearance.
//! 2. In those units, each edge to an ambiguous name is noted: class, number of the edge, what it leads to. An edge
//!    that leads to one class only is *pinned* to it, unless another unit has the class, where the edge leads to the usual one. An edge to a forward enum is never pinned, as such an enum stands for the newest full one.
//!    A base is like a unit that comes before all others: what its types lead to counts, too.
//! 3. What reaches a contested class is *refined*: units that have such a type are made graphs as well.
//!
//! Invariant: two graphs that are walked side by side from types of one class come to pairs of one class, or of a
//! declaration and what it declares, until they pass a contested class. So types of a class that is not refined always
//! match, and the walk over the refined ones alone decides as the walk over all does.

use super::base::has_name_space;
use super::classes::{ClassId, Classes, INDEX_CLASS, NOWHERE, VOID_CLASS};
use super::describe::{UNLISTED, UnitDetail};
use super::reach::{leaves, reaching};
use super::recall::{Edges, Names, Units};
use super::settle::{GroupId, Settlement};
use crate::{Kind, TypeId};
use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

/// What a class means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// One type, wherever it is met.
    Settled,
    /// One of the definitions or declarations of an ambiguous name: one type, but others refer to it by that name.
    Named,
    /// A vertex that may mean different types in different units.
    Refined,
    /// No vertex; what it means depends on its leaf.
    Forked,
}

pub(super) struct Views {
    /// By class.
    pub roles: Vec<Role>,
    /// By class: the vertex at the end of its spelling, as the place has it that the class was met first.
    leaves: Vec<ClassId>,
    /// By ambiguous group.
    usual: HashMap<GroupId, ClassId>,
    /// By class and number of the edge: where it leads, if not to the usual class.
    pinned: HashMap<(ClassId, u32), ClassId>,
    /// Units that differ from most, in the order of their numbers; with what they were described as, where they could not
    /// be recalled.
    pub graphs: Vec<(u32, Option<UnitDetail>)>,
}

/// Which classes are compared exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Those that reach a contested class.
    Contested,
    /// Those that reach an ambiguous name: what the reference does, for comparing with it.
    Ambiguous,
}

/// `describe` is asked for units by their numbers, at most twice.
pub(super) fn views<E>(
    classes: &Classes,
    settlement: &Settlement,
    units: Units<'_>,
    scope: Scope,
    mut describe: impl FnMut(&[u32]) -> Result<Vec<UnitDetail>, E>,
) -> Result<Views, E> {
    let mut views = Views {
        roles: vec![Role::Settled; classes.all.len()],
        leaves: Vec::new(),
        usual: HashMap::default(),
        pinned: HashMap::default(),
        graphs: Vec::new(),
    };
    let torn = if settlement.conflicts { classes.torn() } else { Vec::new() };
    if torn.is_empty() && !settlement.groups.iter().any(|group| group.ambiguous) {
        return Ok(views);
    }
    let ambiguous: Vec<bool> = (0..classes.all.len()).map(|c| settlement.is_ambiguous(c as ClassId)).collect();
    views.leaves = leaves(classes);
    let mut numbers = views.find_usual(classes, settlement, &units.that_have(&ambiguous, |_| true));
    numbers.extend(views.first_usual_units(classes, settlement, &numbers));
    numbers.sort_unstable();
    numbers.dedup();
    let mut names = Names::new(classes, settlement);
    let mixed: Vec<u32> = numbers.iter().copied().filter(|&unit| !names.read(units, unit, &ambiguous)).collect();
    let mut details: HashMap<u32, UnitDetail> = HashMap::default();
    let mut describe_all = |mixed: &[u32], details: &mut HashMap<u32, UnitDetail>| {
        details.extend(describe(mixed)?.into_iter().map(|detail| (detail.number, detail)));
        Ok(())
    };
    describe_all(&mixed, &mut details)?;
    // By class: how many types of it were seen in these units.
    let mut seen: Vec<u32> = vec![0; classes.all.len()];
    let mut seeds = match scope {
        Scope::Contested => views.contested(&ambiguous, units, &numbers, &details, &mut names, &mut seen),
        Scope::Ambiguous => settlement.groups.iter().filter(|g| g.ambiguous).flat_map(|g| g.classes()).collect(),
    };
    seeds.extend(torn);
    let refined = reaching(classes, settlement, seeds);
    if refined.contains(&true) {
        let elsewhere = is_elsewhere(classes, &refined, &seen);
        let is_graph = |unit: u32| numbers.binary_search(&unit).is_ok();
        let found = units.that_have(&refined, |unit| elsewhere && !is_graph(unit));
        numbers.extend(found.into_iter().map(|(unit, _)| unit));
        numbers.sort_unstable();
        numbers.dedup();
        let open: Vec<bool> = refined.iter().zip(&ambiguous).map(|(refined, ambiguous)| refined | ambiguous).collect();
        let is_mixed = |unit: &u32| !details.contains_key(unit) && !names.read(units, *unit, &open);
        let mixed: Vec<u32> = numbers.iter().copied().filter(is_mixed).collect();
        describe_all(&mixed, &mut details)?;
    }
    views.graphs = numbers.into_iter().map(|unit| (unit, details.remove(&unit))).collect();
    for c in classes.ids() {
        let class = classes.get(c);
        let (refined, leaf) = (refined[c as usize], views.leaves[c as usize]);
        views.roles[c as usize] = match class.vertex {
            true if refined => Role::Refined,
            true if ambiguous[c as usize] => Role::Named,
            false if class.leafy && (refined || ambiguous[leaf as usize]) => Role::Forked,
            _ => Role::Settled,
        };
    }
    Ok(views)
}

/// Whether types of these classes are listed beside those that were seen.
fn is_elsewhere(classes: &Classes, wanted: &[bool], seen: &[u32]) -> bool {
    classes.ids().any(|c| wanted[c as usize] && classes.get(c).listed != seen[c as usize])
}

impl Views {
    /// For classes that have come since: settled ones of the base.
    pub fn extend(&mut self, classes: &Classes) {
        self.roles.resize(classes.all.len(), Role::Settled);
        if !self.leaves.is_empty() {
            self.leaves.resize(classes.all.len(), VOID_CLASS);
        }
    }

    pub fn role(&self, class: ClassId) -> Role {
        if class == INDEX_CLASS { Role::Settled } else { self.roles[class as usize] }
    }

    /// Where the `edge`th edge of a class that is not refined leads, if to an ambiguous name.
    pub fn pinned(&self, settlement: &Settlement, class: ClassId, edge: u32, to: ClassId) -> Option<ClassId> {
        self.pinned.get(&(class, edge)).copied().or_else(|| self.usual_leaf(settlement, to))
    }

    /// Every class is one type.
    pub fn are_all_settled(&self) -> bool {
        self.leaves.is_empty()
    }

    /// The vertex at the end of a class's spelling, as the place has it that the class was met first.
    pub fn leaf(&self, class: ClassId) -> ClassId {
        self.leaves[class as usize]
    }

    /// The leaf of a type in the units that have only usual classes.
    pub fn usual_leaf(&self, settlement: &Settlement, class: ClassId) -> Option<ClassId> {
        self.usual.get(&settlement.group_of[self.leaves[class as usize] as usize]).copied()
    }

    /// Joints of the base that refer to what the base declares and the program defines. The program's own declarations
    /// may come to mean its definition, and then the joints that it has are others.
    fn redefined(&self, classes: &Classes, settlement: &Settlement) -> Vec<ClassId> {
        let groups = settlement.groups.iter().filter(|g| g.ambiguous);
        let of_base = |c: &ClassId| !classes.get(*c).base.is_void();
        let forwards: HashSet<ClassId> = groups.flat_map(|g| g.forwards.iter().copied().filter(of_base)).collect();
        if forwards.is_empty() {
            return Vec::new();
        }
        let is_joint = |c: &ClassId| {
            let class = classes.get(*c);
            class.vertex && (class.kind == Kind::Typedef || !has_name_space(class.kind))
        };
        let refers = |c: &ClassId| {
            let mut any = false;
            for ty in classes.base_types(classes.get(*c)) {
                classes.base_edges(ty, |_, to| any |= classes.find_base(to).is_some_and(|to| forwards.contains(&to)));
            }
            any
        };
        classes.ids().filter(|c| of_base(c) && is_joint(c) && refers(c)).collect()
    }

    /// Finds the usual class of each ambiguous name, and the units that have another one.
    fn find_usual(&mut self, classes: &Classes, settlement: &Settlement, found: &[(u32, ClassId)]) -> Vec<u32> {
        let mut pairs = found.to_vec();
        pairs.sort_unstable();
        pairs.dedup();
        let mut units_with: HashMap<ClassId, u32> = HashMap::default();
        pairs.iter().for_each(|&(_, class)| *units_with.entry(class).or_default() += 1);
        for (id, group) in settlement.groups.iter().enumerate().filter(|(_, g)| g.ambiguous) {
            let count = |c: ClassId| units_with.get(&c).copied().unwrap_or(0);
            let usual = group.classes().max_by_key(|&c| {
                let class = classes.get(c);
                // All types of the base mean its own.
                let bases = classes.base.as_ref().filter(|_| !class.base.is_void());
                let bases = bases.map(|base| !base.usual().is_unusual(class.base.0));
                (bases, count(c), std::cmp::Reverse(class.origin()))
            });
            self.usual.insert(id as GroupId, usual.expect("a group has classes"));
        }
        pairs.retain(|&(_, class)| self.usual[&settlement.group_of[class as usize]] != class);
        let mut unusual: Vec<u32> = pairs.into_iter().map(|(unit, _)| unit).collect();
        unusual.dedup();
        unusual
    }

    /// Where an unusual unit is the first that lists a type which leads to an ambiguous name, others follow in which the
    /// same words mean the usual class: most likely first in the unit that this class comes from.
    fn first_usual_units(&self, classes: &Classes, settlement: &Settlement, unusual: &[u32]) -> Vec<u32> {
        let later = classes.ids().filter(|&c| unusual.binary_search(&classes.get(c).place.unit).is_ok());
        let usual = later.filter(|&c| !classes.get(c).vertex).filter_map(|c| self.usual_leaf(settlement, c));
        let units = usual.map(|leaf| classes.get(leaf).place.unit);
        units.filter(|&unit| unit != NOWHERE.unit).collect()
    }

    /// Pins edges, and returns the classes that have one which leads to different classes in different places.
    fn contested(
        &mut self,
        ambiguous: &[bool],
        units: Units<'_>,
        numbers: &[u32],
        details: &HashMap<u32, UnitDetail>,
        names: &mut Names<'_>,
        seen: &mut [u32],
    ) -> Vec<ClassId> {
        let (classes, settlement) = (names.classes, names.settlement);
        let mut contested: HashSet<ClassId> = HashSet::default();
        let mut edges = Edges::new(classes, &self.leaves, ambiguous);
        for &number in numbers {
            if let Some(detail) = details.get(&number) {
                for (v, vertex) in detail.vertices.iter().enumerate() {
                    seen[vertex.class as usize] += (vertex.item != UNLISTED) as u32;
                    for (edge, &to) in detail.edges_of(v as u32).iter().enumerate() {
                        let to = detail.vertices[to as usize].class;
                        if ambiguous[to as usize] && !edges.lead(vertex.class, edge as u32, to) {
                            contested.insert(vertex.class);
                        }
                    }
                }
                detail.references.iter().for_each(|reference| seen[reference.class as usize] += 1);
                continue;
            }
            names.read(units, number, ambiguous);
            let mut see = |class: ClassId| {
                edges.of(class, |edge| {
                    if !edge.lead(names.get(edge.leaf).unwrap_or(edge.leaf)) {
                        contested.insert(class);
                    }
                });
            };
            units.listed(number, |class| {
                seen[class as usize] += 1;
                see(class);
            });
            units.anchors(number).for_each(see);
        }
        let (mut is_usual, mut wanted) = (vec![false; classes.all.len()], vec![false; classes.all.len()]);
        self.usual.values().for_each(|&class| is_usual[class as usize] = true);
        for edges in edges.all.chunk_by(|one, other| one.class == other.class) {
            let class = edges[0].class;
            let leads = || edges.iter().filter(|edge| edge.leads != VOID_CLASS);
            let leads_there = |ty: TypeId| {
                let (mut next, mut all) = (leads().peekable(), true);
                classes.base_edges(ty, |number, to| {
                    if let Some(edge) = next.next_if(|edge| edge.number == number) {
                        all &= classes.find_base(to) == Some(edge.leads);
                    }
                });
                all && next.next().is_none()
            };
            if !classes.base_types(classes.get(class)).all(leads_there) {
                contested.insert(class);
            }
            for edge in leads().filter(|edge| !is_usual[edge.leads as usize]) {
                self.pinned.insert((class, edge.number), edge.leads);
                wanted[class as usize] = true;
            }
        }
        let is_graph = |unit: u32| numbers.binary_search(&unit).is_ok();
        let elsewhere = is_elsewhere(classes, &wanted, seen);
        let found = units.that_have(&wanted, |unit| elsewhere && !is_graph(unit));
        contested.extend(found.into_iter().filter(|&(unit, _)| !is_graph(unit)).map(|(_, class)| class));
        let forward_enums = settlement.groups.iter().filter(|g| g.ambiguous).flat_map(|group| {
            let enums = group.forwards.iter().any(|&c| classes.get(c).kind != Kind::Fwd);
            group.classes().filter(move |_| enums)
        });
        contested.extend(forward_enums);
        contested.extend(classes.astray());
        contested.extend(self.redefined(classes, settlement));
        contested.into_iter().collect()
    }
}
