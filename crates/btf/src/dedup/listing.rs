//! Which types units list, in order of first appearance. Those of the base have their places.
//!
//! A settled type comes where its class does. Of a forked class there is a type for each leaf, and where it comes first
//! is told by the units that were described, or, for the usual leaf, by where the class comes first, unless that unit was
//! described and means another leaf.

use super::classes::{ClassId, NOWHERE, Place};
use super::graph::TypeGraph;
use super::open::Meaning;
use super::refine::Vertex;
use super::views::Role;
use rayon::prelude::*;
use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

impl TypeGraph {
    /// Numbers the types that units list.
    pub(super) fn list_nodes(&mut self) {
        // Where a type comes first; if that is not known, what it must come after, and where its class comes first.
        let mut listed: Vec<(Place, Option<Place>, Meaning)> = Vec::new();
        let mut seen: HashMap<ClassId, u32> = HashMap::default();
        let mut known: HashSet<Meaning> = HashSet::default();
        for (meaning, place) in std::mem::take(&mut self.part.references) {
            let meaning = self.resolve(meaning);
            listed.push((place, None, meaning));
            *seen.entry(meaning.class).or_default() += 1;
            known.insert(meaning);
        }
        // Of the base, only what may be another type in this program.
        let ids: Vec<ClassId> = match self.views.are_all_settled() {
            true => self.classes.own().collect(),
            false => self.classes.ids().collect(),
        };
        listed.reserve(ids.len());
        for id in ids {
            let class = self.classes.get(id);
            match self.views.role(id) {
                Role::Settled if !class.base.is_void() => {}
                Role::Settled if class.place != NOWHERE && self.settlement.meaning[id as usize] == id => {
                    listed.push((class.place, None, Meaning::settled(id)));
                }
                // Units that were not described list it, too, and mean the usual leaf.
                Role::Forked if class.listed > seen.get(&id).copied().unwrap_or(0) => {
                    let meaning = self.resolve(self.usual_meaning(id));
                    let leaf = self.views.usual_leaf(&self.settlement, id).unwrap_or(id);
                    let leaf_place = self.classes.get(leaf).place;
                    match self.part.anchors.contains_key(&class.place.unit) {
                        false => listed.push((class.place, None, meaning)),
                        true if known.contains(&meaning) => {}
                        true => listed.push((class.place.max(leaf_place), Some(class.place), meaning)),
                    }
                }
                _ => {}
            }
        }
        for (v, &place) in self.part.places.iter().enumerate() {
            if self.kept[v] == v as Vertex && place != NOWHERE {
                let class = self.part.vertices.class[v];
                listed.push((place, None, Meaning { class, vertex: v as Vertex }));
            }
        }
        listed.retain(|&(.., meaning)| self.base_type(meaning).is_none());
        listed.par_sort_unstable_by_key(|&(place, class_place, _)| (place, class_place));
        self.reserve_nodes(listed.len());
        for (.., meaning) in listed {
            self.node_of(meaning);
        }
    }
}
