//! A part of a blob that is made apart, so that several threads can write at once.

use crate::records::Records;
use crate::strings::StringTable;
use crate::unit::name_hash;
use crate::{Endian, Type, TypeId, WriteError};

/// Records whose ids are final, while the names in them are numbers of the part's own strings: where these will be in
/// the blob is known once all parts before have been appended ([`crate::Writer::append`]).
pub struct Part {
    pub(crate) records: Records,
    /// Of each string: its hash, and where it ends in `text`.
    strings: Vec<(u64, u32)>,
    text: Vec<u8>,
}

impl Part {
    /// An empty part whose first type will be `first`.
    pub fn new(endian: Endian, first: TypeId) -> Part {
        Part { records: Records::new(endian, first), strings: Vec::new(), text: Vec::new() }
    }

    /// Adds a string and returns what stands for it in this part; 0 stands for none. A string that is added twice costs
    /// time, and is in the blob once.
    pub fn string(&mut self, text: &[u8]) -> u32 {
        self.text.extend_from_slice(text);
        self.strings.push((name_hash(text), self.text.len() as u32));
        self.strings.len() as u32
    }

    /// As [`crate::Writer::push`].
    pub fn push(&mut self, ty: &Type) -> Result<TypeId, WriteError> {
        self.records.push(ty)
    }

    pub(crate) fn string_count(&self) -> usize {
        self.strings.len()
    }

    /// Offsets of the strings, by what stands for them.
    pub(crate) fn intern(&self, table: &mut StringTable) -> Result<Vec<u32>, WriteError> {
        let mut offsets = Vec::with_capacity(self.strings.len() + 1);
        offsets.push(0);
        let mut start = 0;
        for &(hash, end) in &self.strings {
            offsets.push(table.intern(&self.text[start..end as usize], hash)?);
            start = end as usize;
        }
        Ok(offsets)
    }
}
