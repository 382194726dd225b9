//! Deduplication: from the types of many units to one graph with one node for each distinct type.
//!
//! The problem. A kernel's compile units describe more than four million types, of which eighty thousand are distinct.
//! Types refer to one another, structs in circles, so that no type can be told apart by itself. Some units know a type only
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
//! 1. `spell` and `classify`, for each unit on any thread: each type gets a spelling and a class. Equal classes are equal
//!    in all but what the names in them mean. Units are forgotten but for the numbers of their vertices' classes.
//! 2. `merge`: the threads' tables become one.
//! 3. `settle`: a name that has one definition in the whole program means that one. Others are ambiguous.
//! 4. `views`: which of the classes that use an ambiguous name do so with different meanings; for that, the few units
//!    which differ from most are described in full, `describe`. Nearly always there is no such class.
//! 5. `open` and `refine`: what reaches a class with different meanings is compared exactly, unit by unit, as libbpf
//!    does.
//! 6. `graph` and `emit`: nodes are numbered in order of first appearance, and written.
//!
//! The invariant: two types end as one node exactly when libbpf's algorithm, run on all units in order, makes them one,
//! save where its comparison of arrays is wrong; where one unit has two types of a name that differ in what is declared
//! only; where it loses a definition because of a declaration that was paired with another one (`refine`); and where
//! several kept types would do: libbpf's order of candidates then depends on how its hash table has grown, here the
//! newest comes first. No kernel that was tried shows that. The result depends on neither the number of threads nor
//! their luck.
//!
//! What is held grows with the number of classes, of which a kernel has sixty thousand, and by a byte or two for each
//! vertex of a unit, of which it has two million; other types, four million in all, leave nothing.

mod base;
mod by_type;
mod classes;
mod classify;
mod describe;
mod emit;
mod graph;
mod hash;
mod listing;
mod lower;
mod merge;
mod of_btf;
mod open;
mod reach;
mod recall;
mod record;
mod refine;
mod sequence;
mod settle;
mod shallow;
mod spell;
mod table;
mod usual;
mod views;

pub use base::BaseTypes;
pub use classify::{Classifier, UnitSummary};
pub use describe::{Describer, UnitDetail};
pub use emit::{BadName, Emitted, emit};
pub use graph::{NodeId, NodeMember, NodeView, TypeGraph};
pub(crate) use hash::mix_member;
pub use of_btf::{DedupError, dedup};
pub use open::Meaning;
pub use shallow::Shallow;
