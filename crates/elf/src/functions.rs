//! The functions that the symbol table knows, by base name.

use crate::{ElfError, Symbols};

/// Function symbols grouped by base name: the name up to its first `.`, so that `foo`, `foo.isra.0` and
/// `foo.llvm.123` are one entry `foo`.
#[derive(Debug, Clone)]
pub struct FunctionTable<'data> {
    symbols: Vec<FunctionSymbol<'data>>,
}

/// An entry of a [`FunctionTable`]. Indexes are dense and in strcmp order of base names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionIndex(pub u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FunctionSymbol<'data> {
    /// The full name.
    pub name: &'data [u8],
    pub address: u64,
    /// Whether the name has a suffix that the base name has not.
    pub suffixed: bool,
}

impl<'data> FunctionTable<'data> {
    /// `hash` must be good in all 64 bits; two base names with equal hashes are an error.
    pub fn build(symbols: &Symbols<'data>, hash: impl Fn(&[u8]) -> u64) -> Result<FunctionTable<'data>, ElfError> {
        let _ = (symbols, hash);
        todo!()
    }

    /// The entry whose base name has this hash.
    pub fn get(&self, hash: u64) -> Option<FunctionIndex> {
        let _ = hash;
        todo!()
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        todo!()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All entries, in strcmp order of base names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = FunctionIndex> + use<> {
        (0..self.len() as u32).map(FunctionIndex)
    }

    /// The base name.
    pub fn name(&self, index: FunctionIndex) -> &'data [u8] {
        let _ = index;
        todo!()
    }

    /// The symbols of an entry, in the order of the symbol table.
    pub fn symbols(&self, index: FunctionIndex) -> &[FunctionSymbol<'data>] {
        let _ = index;
        &self.symbols
    }

    /// Whether the symbols of an entry are at different addresses, so that its name does not tell which is meant.
    pub fn ambiguous(&self, index: FunctionIndex) -> bool {
        let _ = index;
        todo!()
    }
}
