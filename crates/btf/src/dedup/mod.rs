//! Deduplication: from the types of many units to one graph with one node for each distinct type.
//!
//! The problem. A kernel's compile units describe five million types, of which a hundred thousand are distinct. Types
//! by name (a forward declaration), and different units may use one name for different types.
//!
//! A small example:
//!
//! ```text
//! unit 1:  struct S; struct A { int a; struct A *self; struct S *s; };
//! unit 2:  struct A; struct S { struct A *a; };
//! unit 3:  struct S { struct A *a; }; struct A { int a; struct A *self; struct S *s; };
//! result:  int, struct A, struct A *, struct S, struct S *
//! ```
//!
//! The passes:
//!
//! 1. `spell` and `classes`, for each unit on any thread: each type gets a spelling and a class. Equal classes are equal
//!    in all but what the names in them mean. Units are forgotten but for class numbers.
//! 2. `settle`: a name that has one definition in the whole program means that one. Classes that reach only such names
//!    are settled: a class is a type.
//! 3. `refine`: what reaches a name with several definitions is compared exactly, unit by unit, as libbpf does.
//! 4. `graph`: nodes are numbered in order of first appearance.
//!
//! The invariant: two types end as one node exactly when libbpf's algorithm, run on all units in order, makes them one,
//! save where its comparison of arrays is wrong, and where several kept types would do: libbpf's order of candidates
//! then depends on how its hash table has grown, here the newest comes first. No kernel that was tried shows that. The
//! result depends on neither the number of threads nor their luck.

mod classes;
mod classify;
mod describe;
mod emit;
mod graph;
mod hash;
mod merge;
mod of_btf;
mod open;
mod record;
mod refine;
mod settle;
mod shallow;
mod spell;
mod views;

pub use classify::{Classifier, UnitSummary};
pub use describe::{Describer, UnitDetail};
pub use emit::{BadName, Emitted, emit};
pub use graph::{NodeId, NodeMember, NodeView, TypeGraph};
pub(crate) use hash::mix_member;
pub use of_btf::{DedupError, dedup};
pub use open::Meaning;
pub use shallow::Shallow;
