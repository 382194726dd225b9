//! The relocations of one debug section of a relocatable file, consulted where a value is read.

use crate::{RelocationError, Symbols};

/// An index over the raw relocation entries of one section. Several threads may read one.
#[derive(Debug, Clone, Default)]
pub struct Relocations<'data> {
    entries: &'data [u8],
    symbols: Option<Symbols<'data>>,
}

/// A place in [`Relocations`] that follows a reader through the section.
#[derive(Debug, Clone)]
pub struct RelocationCursor<'a, 'data> {
    table: &'a Relocations<'data>,
    next: usize,
}

/// What is to be done to the value at one place: one relocation, or several in sequence (RISC-V, LoongArch).
#[derive(Debug, Clone, Copy)]
pub struct Relocation<'a, 'data> {
    table: &'a Relocations<'data>,
    first: usize,
    count: usize,
    offset: u64,
}

impl<'data> Relocations<'data> {
    /// Whether there is nothing to consult: values are in place.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        let _ = &self.symbols;
        todo!()
    }

    pub fn cursor(&self) -> RelocationCursor<'_, 'data> {
        RelocationCursor { table: self, next: 0 }
    }
}

impl<'a, 'data> RelocationCursor<'a, 'data> {
    /// The relocation of the value at exactly this offset of the section, if it has one. Cheapest for offsets not far
    /// ahead of the last one; any jump forward or backward is allowed.
    pub fn lookup(&mut self, offset: u64) -> Option<Relocation<'a, 'data>> {
        let _ = (offset, self.table, self.next);
        todo!()
    }

    /// The relocation `distance` entries ahead of the place of the last lookup: for prefetching what a reader will
    /// come to.
    pub fn ahead(&self, distance: usize) -> Option<Relocation<'a, 'data>> {
        let _ = distance;
        todo!()
    }
}

impl Relocation<'_, '_> {
    /// The place in the section.
    pub fn offset(&self) -> u64 {
        let _ = (self.table, self.first, self.count);
        self.offset
    }

    /// The value at the place, from the `raw` one that the section has there. `size` is its size in bytes (1, 2, 4 or
    /// 8), or 0 for a LEB128.
    ///
    /// None: it is not known before the program or module is loaded (thread-local and undefined symbols).
    pub fn apply(&self, raw: u64, size: u8) -> Result<Option<u64>, RelocationError> {
        let _ = (raw, size);
        todo!()
    }
}
