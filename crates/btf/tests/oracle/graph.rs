//! Structs, unions and typedefs: are two graphs the same?
//!
//! Example: `struct s { struct s *next; int a; }` in two units. To find out whether both are one, walk both at once and
//! note each pair that is met, `(s, s')`, `(s *, s' *)`. When the walk comes back to `s` the pair is known already, so
//! the answer depends only on the rest, `int a`. If the whole walk finds no difference, the notes are true and can be
//! used: a forward declaration on one side means the definition on the other.

use super::{Dedup, is_forward_enum};
use btfkit_btf::{Kind, Type};

/// How deep a unit's own copies of a type are compared: arrays, prototypes, structs and unions count.
const COPY_DEPTH: u32 = 16;
/// Pointers and modifiers between two of those; only a loop of them has more.
const COPY_LINKS: u32 = 64;

impl Dedup {
    pub(super) fn graphs(&mut self) {
        for id in self.own() {
            let graph = match self.kind(id) {
                Some(Kind::Struct | Kind::Union) => true,
                Some(Kind::Typedef) => !self.is_split(),
                _ => false,
            };
            if graph && self.map[id].is_none() {
                let same = self.candidates().into_iter().find(|other| self.is_one_graph(id, *other));
                self.settle(id, same.unwrap_or(id));
            }
        }
    }

    fn is_one_graph(&mut self, id: usize, canonical: usize) -> bool {
        if self.node(id).shell != self.node(canonical).shell {
            return false;
        }
        self.hypothesis.clear();
        self.changes_base = false;
        if !self.is_equivalent(id, canonical) {
            return false;
        }
        self.accept_hypothesis();
        !self.changes_base
    }

    /// Walks the graph of a candidate and that of a canonical type.
    fn is_equivalent(&mut self, candidate: usize, canonical: usize) -> bool {
        if self.resolve(candidate) == self.resolve(canonical) {
            return true;
        }
        let canonical = self.definition_of(canonical);
        if let Some((_, partner)) = self.hypothesis.iter().find(|(known, _)| *known == canonical) {
            // A compiler may describe one array or pointer twice in one unit: then the partner is another copy.
            return *partner == candidate || self.is_copy(*partner, candidate, COPY_DEPTH, COPY_LINKS);
        }
        self.hypothesis.push((canonical, candidate));
        let (Some(new), Some(old)) = (&self.nodes[candidate], &self.nodes[canonical]) else { return false };
        if new.name != old.name {
            return false;
        }
        if (new.kind == Kind::Fwd) != (old.kind == Kind::Fwd) {
            let (forward, definition) = if new.kind == Kind::Fwd { (new, old) } else { (old, new) };
            let declares = declares(&forward.ty, definition.kind);
            if declares && old.kind == Kind::Fwd && canonical < self.start {
                self.changes_base = true;
            }
            return declares;
        }
        if matches!((new.kind, old.kind), (Kind::Enum, Kind::Enum) | (Kind::Enum64, Kind::Enum64)) {
            return new.ty == old.ty || is_forward_enum(&new.ty) || is_forward_enum(&old.ty);
        }
        if new.shell != old.shell {
            return false;
        }
        let (mut new, mut old) = (new.references.clone(), old.references.clone());
        if self.kind(candidate) == Some(Kind::Array) {
            // The index before the element; which comes first can matter for what is noted.
            new.reverse();
            old.reverse();
        }
        new.into_iter().zip(old).all(|(new, old)| self.is_equivalent(new, old))
    }

    /// The struct or union that a forward declaration was found to mean, else the type itself.
    fn definition_of(&self, id: usize) -> usize {
        if self.kind(id) != Some(Kind::Fwd) {
            return id;
        }
        let end = self.resolve(id);
        if self.kind(end) == Some(Kind::Fwd) { id } else { end }
    }

    /// Whether two types of one unit are alike down to a depth, without any hypothesis.
    fn is_copy(&self, a: usize, b: usize, depth: u32, links: u32) -> bool {
        if a == b {
            return true;
        }
        let (Some(first), Some(second)) = (&self.nodes[a], &self.nodes[b]) else { return false };
        if depth == 0 || links == 0 || first.kind != second.kind {
            return false;
        }
        if matches!(first.kind, Kind::Enum | Kind::Enum64) {
            return self.may_be_one_enum(a, b);
        }
        let deeper = matches!(first.kind, Kind::Array | Kind::FuncProto | Kind::Struct | Kind::Union);
        let (depth, links) = if deeper { (depth - 1, COPY_LINKS) } else { (depth, links - 1) };
        let alike = |(a, b): (&usize, &usize)| self.is_copy(*a, *b, depth, links);
        first.shell == second.shell && first.references.iter().zip(&second.references).all(alike)
    }

    fn accept_hypothesis(&mut self) {
        for (canonical, candidate) in self.hypothesis.clone() {
            let (new, old) = (self.resolve(candidate), self.resolve(canonical));
            let is_forward = |id| self.kind(id) == Some(Kind::Fwd);
            let (new_forward, old_forward) = (is_forward(new), is_forward(old));
            if !new_forward && old_forward {
                // Also in a base: own forward declarations were made one with it and must follow.
                self.map[old] = Some(new);
            }
            if self.changes_base {
                continue;
            }
            if new_forward && !old_forward {
                self.map[new] = Some(old);
            }
            // Only what was walked. A declaration goes with any definition, also if by now it means another one.
            let walked = self.kind(candidate) != Some(Kind::Fwd) && self.kind(canonical) != Some(Kind::Fwd);
            let aggregate = matches!(self.kind(new), Some(Kind::Struct | Kind::Union));
            if walked && aggregate && self.map[old].is_some() && self.map[new].is_none() {
                self.map[new] = Some(old);
            }
        }
    }
}

fn declares(forward: &Type, kind: Kind) -> bool {
    let Type::Fwd { union, .. } = forward else { return false };
    kind == if *union { Kind::Union } else { Kind::Struct }
}
