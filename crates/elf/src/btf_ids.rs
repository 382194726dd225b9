//! The kernel functions that `.BTF_ids` lists.

use crate::{ElfError, Image};

/// A function that BPF programs may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kfunc {
    pub name: Vec<u8>,
    /// KF_* flags.
    pub flags: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kfuncs {
    /// In the order of the symbol table. A function may occur more than once; the last one counts.
    pub functions: Vec<Kfunc>,
    pub skipped: Vec<SkippedId>,
}

/// A symbol of `.BTF_ids` that could not be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedId {
    pub symbol: String,
    pub reason: &'static str,
}

/// The functions of those `.BTF_ids` sets that are flagged as sets of kfuncs. Empty where the file has no such section
/// or no symbols.
pub fn kfuncs(image: &Image<'_>) -> Result<Kfuncs, ElfError> {
    let _ = image;
    todo!()
}
