//! BTF, the compact type information of the Linux kernel: reading, writing, validation, deduplication, and carrying
//! split BTF from one base to another.
//!
//! The crate works on bytes: it knows no DWARF, no ELF and no files.

mod append;
pub mod checksum;
pub mod dedup;
pub mod distill;
pub mod dump;
mod endian;
pub mod fits;
mod header;
mod kind;
pub mod names;
mod part;
pub mod prefetch;
mod read;
mod records;
pub mod relocate;
mod strings;
pub mod text;
mod ty;
pub mod unit;
pub mod validate;
mod write;

pub use append::{AppendError, append};
pub use endian::Endian;
pub use header::{MAX_STRING_OFFSET, MAX_TYPE_ID, MAX_VLEN};
pub use kind::{Kind, Shape};
pub use part::Part;
pub use read::{Btf, ReadError, Record};
pub use ty::{Aggregate, Member, Param, SecVar, Type, TypeId, UnknownRecord, encoding, linkage};
pub use validate::{Context, Refusal, validate};
pub use write::{WriteError, Writer};
