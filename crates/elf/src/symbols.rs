//! The symbols of `.symtab`.

use crate::{ElfError, Image};
use std::sync::Arc;

/// The symbol table, read where it lies: making one costs nothing, a symbol is decoded when it is asked for.
/// A copy is cheap, and several threads may read one.
#[derive(Debug, Clone)]
pub struct Symbols<'data> {
    entries: &'data [u8],
    strings: &'data [u8],
    addresses: Arc<[u64]>,
}

#[derive(Debug, Clone, Copy)]
pub struct Symbol<'data> {
    /// The place in the symbol table.
    pub index: usize,
    /// The address. In a relocatable file: the assigned address of the symbol's section plus what the table says.
    pub value: u64,
    pub size: u64,
    pub kind: SymbolKind,
    pub binding: SymbolBinding,
    /// The section that it is defined in; None where it is undefined, absolute, common, or names no section of the file.
    pub section: Option<usize>,
    strings: &'data [u8],
    name_offset: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SymbolKind {
    Untyped,
    Object,
    Function,
    Section,
    File,
    Common,
    ThreadLocal,
    IndirectFunction,
    Other(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SymbolBinding {
    Local,
    Global,
    Weak,
    Other(u8),
}

impl<'data> Symbols<'data> {
    pub(crate) fn of(image: &Image<'data>) -> Result<Option<Symbols<'data>>, ElfError> {
        let _ = image;
        todo!()
    }

    /// Number of symbols, with the null symbol at index 0.
    pub fn len(&self) -> usize {
        todo!()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn get(&self, index: usize) -> Option<Symbol<'data>> {
        let _ = (index, self.entries, self.strings, &self.addresses);
        todo!()
    }

    /// All symbols in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = Symbol<'data>> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

impl<'data> Symbol<'data> {
    /// The name; empty where it has none or the string table ends before it. Looked up when asked for: most symbols
    /// are told apart by kind or section first.
    pub fn name(&self) -> &'data [u8] {
        let _ = (self.strings, self.name_offset);
        todo!()
    }
}
