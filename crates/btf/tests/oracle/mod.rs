//! Deduplication of a parsed BTF in the plainest way, for comparing with the product's.
//!
//! The problem: a BTF made by putting units after one another has each type once per unit. Two types are one when
//! everything that can be reached from them is the same; structs refer to themselves, so that cannot be found out
//! bottom up; and where one unit has only `struct s;`, another one's definition of `s` is as good.
//!
//! The passes, each over all own types in the order of their ids. `map` has for each type the one that stands for it,
//! itself if it is the first of its like ("canonical"):
//!
//! 1. primitives (integers, floats, enums, forward declarations): by content; a forward enum gives way to a full one;
//! 2. structs, unions and (without a base) typedefs (`graph`): by walking both graphs at once under the hypothesis that they are equal;
//! 3. forward declarations that are left, to the only struct or union of that name;
//! 4. all others (`references`): by content, once what they refer to is settled. On a base typedefs are among them, as
//!    in libbpf up to 1.6: later ones compare them as graphs, but find none in a base.
//!
//! Of several candidates the newest is tried first. Types of a base stand for themselves always.
//!
//! Written from the description of libbpf's algorithm, with its 'identical' comparison of arrays as it is meant: by
//! element and index type, and without losing a definition because of a declaration that was paired with another one.
//! Slow: every candidate is found by a scan.

mod graph;
mod output;
mod references;

use btfkit_btf::{Btf, Kind, Type, TypeId};
use std::collections::HashMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OracleError {
    /// References form a loop that no struct or typedef is part of.
    Loop { id: usize },
}

/// The deduplicated blob; of split BTF only the own part.
pub fn dedup(btf: &Btf) -> Result<Vec<u8>, OracleError> {
    Ok(dedup_and_map(btf)?.0)
}

/// The same, and by id of the input: the id there.
pub fn dedup_and_map(btf: &Btf) -> Result<(Vec<u8>, Vec<TypeId>), OracleError> {
    let mut dedup = Dedup::new(btf);
    dedup.primitives();
    dedup.graphs();
    dedup.forwards();
    dedup.references()?;
    Ok(output::write(&dedup, btf))
}

/// One type; names are numbers that are equal for equal strings, references are indices.
struct Node {
    ty: Type,
    kind: Kind,
    name: u32,
    references: Vec<usize>,
    /// The type with all references made void: what can be compared by content alone.
    shell: Type,
}

struct Dedup {
    /// By id; of void there is none.
    nodes: Vec<Option<Node>>,
    /// First own id.
    start: usize,
    map: Vec<Option<usize>>,
    /// Canonical types in the order in which they became so.
    canonical: Vec<usize>,
    /// Pairs of the current hypothesis: canonical type, candidate.
    hypothesis: Vec<(usize, usize)>,
    /// Whether the hypothesis would have to change a type of the base.
    changes_base: bool,
}

impl Dedup {
    fn new(btf: &Btf) -> Dedup {
        let mut names = HashMap::new();
        let count = btf.end_id().index();
        let nodes: Vec<_> = (0..count).map(|id| node(btf, id, &mut names)).collect();
        let start = btf.start_id().index();
        let stays = |id: usize| id < start || matches!(kind_of(&nodes, id), Some(Kind::Var | Kind::Datasec));
        let map = (0..count).map(|id| stays(id).then_some(id)).collect();
        Dedup { start, map, canonical: (1..start).collect(), hypothesis: Vec::new(), changes_base: false, nodes }
    }

    fn kind(&self, id: usize) -> Option<Kind> {
        kind_of(&self.nodes, id)
    }

    /// The node of a type that is not void.
    fn node(&self, id: usize) -> &Node {
        self.nodes[id].as_ref().expect("not void")
    }

    fn is_split(&self) -> bool {
        self.start > 1
    }

    fn own(&self) -> std::ops::Range<usize> {
        self.start..self.nodes.len()
    }

    /// Canonical types, newest first.
    fn candidates(&self) -> Vec<usize> {
        self.canonical.iter().rev().copied().collect()
    }

    /// The type that stands for this one, through all that stand for one another.
    fn resolve(&self, mut id: usize) -> usize {
        while let Some(next) = self.map[id].filter(|next| *next != id) {
            id = next;
        }
        id
    }

    /// Lets `target` stand for `id`; a type that stands for itself is a candidate from now on.
    fn settle(&mut self, id: usize, target: usize) {
        self.map[id] = Some(target);
        if id == target {
            self.canonical.push(id);
        }
    }

    fn primitives(&mut self) {
        for id in self.own() {
            match self.kind(id) {
                Some(Kind::Int | Kind::Float | Kind::Fwd) => {
                    let same = self.candidates().into_iter().find(|other| self.node(*other).ty == self.node(id).ty);
                    self.settle(id, same.unwrap_or(id));
                }
                Some(Kind::Enum | Kind::Enum64) => self.enumeration(id),
                _ => {}
            }
        }
    }

    fn enumeration(&mut self, id: usize) {
        for other in self.candidates() {
            if self.node(other).ty == self.node(id).ty {
                return self.settle(id, other);
            }
            if self.may_be_one_enum(id, other) {
                if is_forward_enum(&self.node(id).ty) {
                    return self.settle(id, other);
                }
                // The candidate is the forward declaration: this one takes its place, others are tried still.
                self.map[other] = Some(id);
            }
        }
        self.settle(id, id);
    }

    /// Whether two enums are equal, or one is a forward declaration that could mean the other.
    fn may_be_one_enum(&self, a: usize, b: usize) -> bool {
        let is_enum = |id| matches!(self.kind(id), Some(Kind::Enum | Kind::Enum64));
        if !is_enum(a) || !is_enum(b) {
            return false;
        }
        let (a, b) = (self.node(a), self.node(b));
        a.ty == b.ty || (is_forward_enum(&a.ty) || is_forward_enum(&b.ty)) && a.name == b.name
    }

    fn forwards(&mut self) {
        let mut definitions: HashMap<u32, Option<usize>> = HashMap::new();
        for id in 1..self.nodes.len() {
            let defines = matches!(self.kind(id), Some(Kind::Struct | Kind::Union)) && self.map[id] == Some(id);
            if defines {
                // A name that several structs or unions have says nothing.
                let first = !definitions.contains_key(&self.node(id).name);
                definitions.insert(self.node(id).name, first.then_some(id));
            }
        }
        for id in self.own() {
            let Type::Fwd { name, union } = self.node(id).ty else { continue };
            if self.map[id] != Some(id) {
                continue;
            }
            let wanted = if union { Kind::Union } else { Kind::Struct };
            if let Some(Some(definition)) = definitions.get(&name)
                && self.kind(*definition) == Some(wanted)
            {
                self.map[id] = Some(*definition);
            }
        }
    }
}

fn kind_of(nodes: &[Option<Node>], id: usize) -> Option<Kind> {
    nodes[id].as_ref().map(|node| node.kind)
}

fn is_forward_enum(ty: &Type) -> bool {
    match ty {
        Type::Enum { values, .. } => values.is_empty(),
        Type::Enum64 { values, .. } => values.is_empty(),
        _ => false,
    }
}

fn node(btf: &Btf, id: usize, names: &mut HashMap<Vec<u8>, u32>) -> Option<Node> {
    let mut ty = btf.get(TypeId(id as u32))?;
    ty.names_mut(|name| {
        let text = btf.string(*name).expect("a parsed BTF has its strings");
        let next = names.len() as u32 + 1;
        *name = if text.is_empty() { 0 } else { *names.entry(text.to_vec()).or_insert(next) };
    });
    let mut references = Vec::new();
    ty.references(|target| references.push(target.index()));
    let mut shell = ty.clone();
    shell.references_mut(|target| *target = TypeId::VOID);
    Some(Node { kind: ty.kind().expect("a known kind"), name: ty.name(), ty, references, shell })
}
