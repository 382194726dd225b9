//! Refinement: which types of classes that may mean several are one type.
//!
//! The problem. Two units define a private `struct node` differently, and both have `struct list { struct node *head; }`.
//! The two `list`s are of one class, yet they are two types, and so is all that reaches them. A third unit only declares
//! `struct node`: its `list` goes with either.
//!
//! The rule is that of libbpf's `btf__dedup` (its steps are numbered in `spec`: primitive types, structs, forward
//! declarations), carried out on vertices only: the types between them are alike by class already.
//!
//! 1. Forward declarations of one name and kind are one vertex. Enums of one name are one where their values are; a
//!    forward enum goes with the newest full one.
//! 2. Structs, unions and (without a base) typedefs, in the order of their units: a candidate is compared with the
//!    types already kept of its class, newest first, by walking both graphs side by side. Two vertices match when they
//!    are kept as one already, when one of them is a forward declaration, or when they are of one class and all that
//!    they refer to matches; what is being compared is taken to match. A candidate that matches is kept as that type,
//!    and the pairs of the walk are recorded: a forward declaration now stands for the definition it was paired with.
//!    Structs that were paired with each other are one from now on. (libbpf does that too where a declaration was paired
//!    with one definition and means another one by now: it loses the latter.)
//! 3. A forward declaration that was never paired goes with the only struct or union of its name, if there is one.
//! 4. Joints (prototypes; on a base, typedefs too) are one where they are of one class and what they refer to is one.
//!
//! On a base, typedefs are joints: they are taken from it where they refer to the same type, not where they look the
//! same. A declaration that has come to mean the program's definition would let a typedef match that of the base, while
//! the struct behind it, which was compared before, is the program's own.
//!
//! Vertices of a base come first, each is kept, and none ever becomes another: where types match only if a forward
//! declaration of the base stands for a definition that it has not, they are two. But from then on that definition is
//! what the program's own declarations mean, as they are one with the base's.
//!
//! ```text
//! base:    struct wdev; struct net { struct wdev *w; };
//! unit:    struct wdev { int a; }; struct net { struct wdev *w; }; struct dev { struct net *n; };
//! result:  the unit's net is a type of its own
//! ```
//!
//! Invariant: `map` leads from each vertex to one that was kept before it in its group, or to a definition of what it
//! declares, so that following it ends.

use super::base::has_name_space;
use super::classes::{ClassId, Classes};
use super::settle::{NO_GROUP, Settlement};
use crate::Kind;
use rustc_hash::FxHashMap as HashMap;

/// A vertex of a class that is refined or named, numbered in the order of units and their items.
pub(super) type Vertex = u32;

const UNMAPPED: Vertex = u32::MAX;

/// How far two candidates that are paired with the same type are compared by content: structs within structs (libbpf's
/// limit), and typedefs on the way, which libbpf does not count.
const IDENTICAL_DEPTH: u32 = 16 * TYPEDEFS_PER_STRUCT;
const TYPEDEFS_PER_STRUCT: u32 = 64;
/// A bound on the vertices that such a comparison visits: without it, a malformed graph takes exponential time.
const IDENTICAL_VISITS: u32 = 1 << 16;

/// The vertices of such classes, and their edges to one another. Vertices of one class have equally many edges.
#[derive(Default)]
pub(super) struct Vertices {
    pub class: Vec<ClassId>,
    /// By vertex: index of its first edge; one more entry at the end.
    pub first: Vec<u32>,
    pub edges: Vec<Vertex>,
}

impl Vertices {
    pub fn edges_of(&self, v: Vertex) -> &[Vertex] {
        &self.edges[self.first[v as usize] as usize..self.first[v as usize + 1] as usize]
    }
}

/// By vertex: the one that is kept for it.
///
/// The first `base` of them are the base's.
pub(super) fn refine(classes: &Classes, settlement: &Settlement, vertices: &Vertices, base: usize) -> Vec<Vertex> {
    if vertices.class.is_empty() {
        return Vec::new();
    }
    let kinds = classes.all.iter().map(|class| class.kind).collect();
    let mut refinement = Refinement {
        classes,
        settlement,
        vertices,
        kinds,
        map: vec![UNMAPPED; vertices.class.len()],
        kept: Kept::new(classes.all.len(), vertices.class.len()),
        kept_enums: HashMap::default(),
        partner: vec![UNMAPPED; vertices.class.len()],
        pairs: Vec::new(),
        stack: Vec::new(),
        base: base as Vertex,
        redefines: false,
    };
    refinement.of_base();
    refinement.forwards_and_enums();
    refinement.structs();
    refinement.leftover_forwards();
    refinement.joints()
}

struct Refinement<'a> {
    classes: &'a Classes,
    settlement: &'a Settlement,
    vertices: &'a Vertices,
    /// By class; beside the classes, which are large, this stays in the cache.
    kinds: Vec<Kind>,
    map: Vec<Vertex>,
    kept: Kept,
    /// By group.
    kept_enums: HashMap<u32, Vec<Vertex>>,
    /// By kept vertex: what it is paired with in this walk.
    partner: Vec<Vertex>,
    /// The kept vertices that have a partner.
    pairs: Vec<Vertex>,
    stack: Vec<(Vertex, Vertex)>,
    /// Vertices before this one are the base's.
    base: Vertex,
    /// The last match would have a forward declaration of the base defined.
    redefines: bool,
}

/// The vertices kept of each class, without a list for each.
struct Kept {
    /// By class.
    oldest: Vec<Vertex>,
    newest: Vec<Vertex>,
    /// By kept vertex: the one of its class that was kept before.
    before: Vec<Vertex>,
}

impl Kept {
    fn new(classes: usize, vertices: usize) -> Kept {
        let none = |count: usize| vec![UNMAPPED; count];
        Kept { oldest: none(classes), newest: none(classes), before: none(vertices) }
    }

    fn push(&mut self, class: ClassId, v: Vertex) {
        self.before[v as usize] = std::mem::replace(&mut self.newest[class as usize], v);
        if self.oldest[class as usize] == UNMAPPED {
            self.oldest[class as usize] = v;
        }
    }

    fn oldest(&self, class: ClassId) -> Option<Vertex> {
        Some(self.oldest[class as usize]).filter(|&v| v != UNMAPPED)
    }

    fn newest(&self, class: ClassId) -> Option<Vertex> {
        Some(self.newest[class as usize]).filter(|&v| v != UNMAPPED)
    }

    fn before(&self, v: Vertex) -> Option<Vertex> {
        Some(self.before[v as usize]).filter(|&v| v != UNMAPPED)
    }
}

impl Refinement<'_> {
    fn kind(&self, v: Vertex) -> Kind {
        self.kinds[self.vertices.class[v as usize] as usize]
    }

    /// Whether types of that kind are compared by what they refer to, when that is settled.
    fn is_joint(&self, kind: Kind) -> bool {
        match kind {
            Kind::Typedef => self.classes.base.is_some(),
            kind => !has_name_space(kind),
        }
    }

    fn all(&self) -> std::ops::Range<Vertex> {
        0..self.vertices.class.len() as Vertex
    }

    fn own(&self) -> std::ops::Range<Vertex> {
        self.base..self.vertices.class.len() as Vertex
    }

    fn of_base(&mut self) {
        for v in 0..self.base {
            let id = self.vertices.class[v as usize];
            self.map[v as usize] = v;
            self.kept.push(id, v);
            if matches!(self.kind(v), Kind::Enum | Kind::Enum64) {
                self.kept_enums.entry(self.settlement.group_of[id as usize]).or_default().push(v);
            }
        }
    }

    fn resolve(&self, mut v: Vertex) -> Vertex {
        loop {
            match self.map[v as usize] {
                UNMAPPED => return v,
                to if to == v => return v,
                to => v = to,
            }
        }
    }

    /// The definition that a forward declaration stands for by now, or the vertex itself.
    fn resolve_forward(&self, v: Vertex) -> Vertex {
        if self.kind(v) != Kind::Fwd {
            return v;
        }
        let to = self.resolve(v);
        if self.kind(to) == Kind::Fwd { v } else { to }
    }

    fn forwards_and_enums(&mut self) {
        for v in self.own() {
            let id = self.vertices.class[v as usize];
            match self.kinds[id as usize] {
                Kind::Fwd => {
                    if self.kept.oldest(id).is_none() {
                        self.kept.push(id, v);
                    }
                    self.map[v as usize] = self.kept.oldest(id).unwrap_or(v);
                }
                Kind::Enum | Kind::Enum64 => self.enumeration(v, id),
                _ => {}
            }
        }
    }

    fn enumeration(&mut self, v: Vertex, id: ClassId) {
        let forward = self.classes.get(id).forward;
        let kept = self.kept_enums.entry(self.settlement.group_of[id as usize]).or_default();
        for &have in kept.iter().rev() {
            let class = self.vertices.class[have as usize];
            if class == id || forward {
                self.map[v as usize] = have;
                return;
            }
            if self.classes.get(class).forward {
                self.map[have as usize] = v;
            }
        }
        self.map[v as usize] = v;
        kept.push(v);
    }

    fn structs(&mut self) {
        for v in self.own() {
            if self.map[v as usize] != UNMAPPED {
                continue;
            }
            let id = self.vertices.class[v as usize];
            let kind = self.kinds[id as usize];
            if !matches!(kind, Kind::Struct | Kind::Union | Kind::Typedef) || self.is_joint(kind) {
                continue;
            }
            let mut found = UNMAPPED;
            let mut next = self.kept.newest(id);
            while let Some(have) = next {
                next = self.kept.before(have);
                if self.matches(v, have) {
                    self.record();
                    if !self.redefines {
                        found = have;
                        break;
                    }
                }
            }
            if found == UNMAPPED {
                self.kept.push(id, v);
                found = v;
            }
            self.map[v as usize] = found;
        }
    }

    /// Walks both graphs; leaves the pairs of the walk in `pairs` and `partner`.
    fn matches(&mut self, candidate: Vertex, kept: Vertex) -> bool {
        for &v in &self.pairs {
            self.partner[v as usize] = UNMAPPED;
        }
        self.pairs.clear();
        self.redefines = false;
        self.stack.clear();
        self.stack.push((candidate, kept));
        while let Some((new, have)) = self.stack.pop() {
            if self.resolve(new) == self.resolve(have) {
                continue;
            }
            let have = self.resolve_forward(have);
            // Two types of the base, which one unit refers to and another means: it has them apart.
            if new.max(have) < self.base && self.kind(new) != Kind::Fwd && self.kind(have) != Kind::Fwd {
                return false;
            }
            let partner = self.partner[have as usize];
            if partner != UNMAPPED {
                if partner == new || self.identical(partner, new, IDENTICAL_DEPTH, &mut IDENTICAL_VISITS.clone()) {
                    continue;
                }
                return false;
            }
            self.partner[have as usize] = new;
            self.pairs.push(have);
            let (new_class, have_class) = (self.vertices.class[new as usize], self.vertices.class[have as usize]);
            let (new_kind, have_kind) = (self.kind(new), self.kind(have));
            if new_kind != have_kind && (new_kind == Kind::Fwd || have_kind == Kind::Fwd) {
                // Their spellings are the same, so name and kind of what is declared are.
                self.redefines |= have_kind == Kind::Fwd && have < self.base;
                continue;
            }
            if new_class != have_class {
                if matches!((new_kind, have_kind), (Kind::Enum, Kind::Enum) | (Kind::Enum64, Kind::Enum64))
                    && (self.classes.get(new_class).forward || self.classes.get(have_class).forward)
                {
                    continue;
                }
                return false;
            }
            let (a, b) = (self.vertices.edges_of(new), self.vertices.edges_of(have));
            self.stack.extend(a.iter().copied().zip(b.iter().copied()).rev());
        }
        true
    }

    /// Two types of one unit that are paired with one kept type: compilers write the same type twice at times.
    fn identical(&self, a: Vertex, b: Vertex, depth: u32, visits: &mut u32) -> bool {
        if a == b {
            return true;
        }
        if depth == 0 || *visits == 0 || self.vertices.class[a as usize] != self.vertices.class[b as usize] {
            return false;
        }
        *visits -= 1;
        let deeper = depth.saturating_sub(if self.kind(a) == Kind::Typedef { 1 } else { TYPEDEFS_PER_STRUCT });
        let (x, y) = (self.vertices.edges_of(a), self.vertices.edges_of(b));
        x.iter().zip(y).all(|(&x, &y)| self.identical(x, y, deeper, visits))
    }

    fn record(&mut self) {
        for k in 0..self.pairs.len() {
            let kept = self.pairs[k];
            let partner = self.partner[kept as usize];
            let (new, have) = (self.resolve(partner), self.resolve(kept));
            let (new_kind, have_kind) = (self.kind(new), self.kind(have));
            if new_kind != Kind::Fwd && have_kind == Kind::Fwd {
                self.map[have as usize] = new;
            }
            if self.redefines {
                continue;
            }
            if new_kind == Kind::Fwd && have_kind != Kind::Fwd {
                self.map[new as usize] = have;
            }
            // Only what was walked: a declaration goes with any definition, also if by now it means another one.
            if self.kind(partner) != Kind::Fwd
                && self.kind(kept) != Kind::Fwd
                && matches!(new_kind, Kind::Struct | Kind::Union)
                && self.map[have as usize] != UNMAPPED
                && self.map[new as usize] == UNMAPPED
            {
                self.map[new as usize] = have;
            }
        }
    }

    fn leftover_forwards(&mut self) {
        for (group, list) in self.settlement.groups.iter().enumerate() {
            let Some(&forward) = list.forwards.first() else { continue };
            if self.classes.get(forward).kind != Kind::Fwd {
                continue;
            }
            let Some(v) = self.kept.oldest(forward) else { continue };
            if self.map[v as usize] != v || v < self.base {
                continue;
            }
            let twin = list.twin.map_or(NO_GROUP, |t| t);
            let definitions = |g: usize| self.settlement.groups.get(g).into_iter().flat_map(|g| &g.definitions);
            let kept = |c: &ClassId| std::iter::successors(self.kept.newest(*c), |&v| self.kept.before(v));
            let mut own = definitions(group).flat_map(kept);
            let (only, more) = (own.next(), own.next().is_some());
            // A settled twin is not among the vertices, and is there all the same.
            let contested = definitions(twin as usize).next().is_some();
            if let (Some(only), false, false) = (only, more, contested) {
                self.map[v as usize] = only;
            }
        }
    }

    /// The kept vertex of each, joints included.
    fn joints(self) -> Vec<Vertex> {
        let mut result: Vec<Vertex> = self.all().map(|v| self.resolve(v)).collect();
        let mut same: HashMap<(ClassId, Vec<Vertex>), Vertex> = HashMap::default();
        let mut state = vec![false; result.len()];
        let mut stack: Vec<(Vertex, bool)> = Vec::new();
        let joint = |v: Vertex| self.is_joint(self.kind(v));
        // What the base's types refer to never changes.
        for v in 0..self.base {
            state[v as usize] = true;
            if !joint(v) {
                continue;
            }
            same.entry((self.vertices.class[v as usize], self.vertices.edges_of(v).to_vec())).or_insert(v);
        }
        for v in self.own().filter(|&v| joint(v)) {
            stack.push((v, false));
            while let Some((v, ready)) = stack.pop() {
                if ready {
                    let means = self.vertices.edges_of(v).iter().map(|&e| result[e as usize]).collect();
                    result[v as usize] = *same.entry((self.vertices.class[v as usize], means)).or_insert(v);
                    continue;
                }
                if std::mem::replace(&mut state[v as usize], true) {
                    continue;
                }
                stack.push((v, true));
                stack.extend(self.vertices.edges_of(v).iter().filter(|&&e| joint(e)).map(|&e| (e, false)));
            }
        }
        result
    }
}
