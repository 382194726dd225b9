//! Making a blob, one record after the other.

use crate::header::{self, CLASSIC_HEADER, LAYOUT_HEADER, MAX_VLEN};
use crate::part::Part;
use crate::records::Records;
use crate::strings::StringTable;
use crate::unit::name_hash;
use crate::{Btf, Endian, Kind, Type, TypeId};
use rayon::prelude::*;
use std::sync::Arc;
use thiserror::Error;

/// Why something cannot be written; BTF has no room for it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WriteError {
    #[error("the strings would take {size} bytes (with the base's), more than the {limit} that a kernel takes")]
    StringsTooLong { size: usize, limit: usize },
    #[error("a string has a NUL byte at position {position}")]
    NulInString { position: usize },
    #[error("type {id} is past {limit}, the last one that a kernel takes")]
    TooManyTypes { id: u32, limit: u32 },
    #[error("{} {id} has {count} elements, more than {MAX_VLEN}", kind.name())]
    TooManyElements { id: TypeId, kind: Kind, count: usize },
    #[error("function {id} has linkage {linkage}, more than {MAX_VLEN}")]
    LinkageTooLarge { id: TypeId, linkage: u32 },
    #[error("integer {id} has encoding {encoding:#x}, which needs more than four bits")]
    EncodingTooLarge { id: TypeId, encoding: u8 },
    #[error("type {id} is of kind {kind}, which this version cannot write")]
    UnknownKind { id: TypeId, kind: u8 },
}

/// A blob under construction: strings and records are appended, and an id or offset once given never changes.
pub struct Writer {
    records: Records,
    strings: StringTable,
}

impl Writer {
    /// An empty BTF whose first type will be 1.
    pub fn new(endian: Endian) -> Writer {
        Writer { records: Records::new(endian, TypeId(1)), strings: StringTable::new() }
    }

    /// An empty BTF on top of `base`: ids and string offsets go on where the base's end, and strings that the base has
    /// are taken from it.
    pub fn split(base: &Arc<Btf>) -> Writer {
        Writer { records: Records::new(base.endian(), base.end_id()), strings: StringTable::split(Arc::clone(base)) }
    }

    pub fn endian(&self) -> Endian {
        self.records.endian
    }

    /// Offset of a string, which is added when it is new. The empty string is 0.
    pub fn string(&mut self, text: &[u8]) -> Result<u32, WriteError> {
        self.hashed_string(text, name_hash(text))
    }

    /// As [`string`](Self::string), for who has the [`name_hash`] of it.
    pub fn hashed_string(&mut self, text: &[u8], hash: u64) -> Result<u32, WriteError> {
        if text.is_empty() { Ok(0) } else { self.strings.intern(text, hash) }
    }

    /// Makes room for so many more strings.
    pub fn reserve_strings(&mut self, strings: usize) {
        self.strings.reserve(strings, 0);
    }

    /// The id that the next type will get.
    pub fn next_id(&self) -> TypeId {
        self.records.next_id()
    }

    /// How many types were added (void and the base's types are not counted).
    pub fn len(&self) -> usize {
        self.records.count as usize
    }

    pub fn is_empty(&self) -> bool {
        self.records.count == 0
    }

    /// How many types of each kind were added, in the order of the kinds' numbers, without kinds that do not occur.
    pub fn counts(&self) -> impl Iterator<Item = (Kind, u32)> {
        let count = |kind: Kind| (kind, self.records.kinds[kind as usize]);
        Kind::ALL.into_iter().map(count).filter(|&(_, count)| count != 0)
    }

    /// Appends a type. What it refers to may still be to come: neither ids nor names are checked here.
    pub fn push(&mut self, ty: &Type) -> Result<TypeId, WriteError> {
        self.records.push(ty)
    }

    /// Appends what was made apart, in this order.
    pub fn append(&mut self, mut parts: Vec<Part>) -> Result<(), WriteError> {
        let room = parts.iter().map(Part::string_room).fold((0, 0), |(n, bytes), more| (n + more.0, bytes + more.1));
        self.strings.reserve(room.0, room.1);
        let offsets = parts.iter().map(|part| part.intern(&mut self.strings)).collect::<Result<Vec<_>, _>>()?;
        parts
            .par_iter_mut()
            .zip(offsets)
            .for_each(|(part, offsets)| part.records.rename(|name| offsets[name as usize]));
        parts.into_iter().for_each(|part| self.records.append(part.records));
        Ok(())
    }

    /// The blob: header, types, the layout section if asked for, strings. A layout section is for kernels from 7.1
    /// on; older ones refuse the blob.
    pub fn finish(self, layout: bool) -> Vec<u8> {
        let Writer { records: Records { endian, bytes: types, .. }, strings } = self;
        let strings = strings.bytes();
        let section = if layout { header::layout_section(endian) } else { Vec::new() };
        let header_len = if layout { LAYOUT_HEADER } else { CLASSIC_HEADER };
        let mut header = Vec::with_capacity(header_len);
        header.extend(endian.u16_bytes(header::MAGIC));
        header.extend([header::VERSION, 0]);
        let type_len = types.len() as u32;
        let layout_len = section.len() as u32;
        let words = [header_len as u32, 0, type_len, type_len + layout_len, strings.len() as u32];
        header.extend(words.into_iter().flat_map(|word| endian.u32_bytes(word)));
        if layout {
            header.extend([type_len, layout_len].into_iter().flat_map(|word| endian.u32_bytes(word)));
        }
        // The types move up to make room: that costs less than fresh memory for all.
        let mut blob = types;
        blob.reserve_exact(header.len() + section.len() + strings.len());
        blob.splice(..0, header);
        blob.extend(section);
        blob.extend_from_slice(strings);
        blob
    }
}
