//! A small writer of DWARF and ELF for tests, an independent reader of BTF, and the means to compare.

pub mod btf;
pub mod elf;
pub mod entries;
pub mod profile;
pub mod run;
pub mod write;

pub use elf::*;
pub use entries::*;
pub use gimli::constants::*;
pub use profile::*;
pub use run::*;
