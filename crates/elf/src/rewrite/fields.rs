//! Where the fields are that a rewrite changes, in headers of either class.

use crate::Endian;

#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    pub is_64: bool,
    pub endian: Endian,
}

/// A field of the ELF header, or of a section header.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// `e_shoff`
    TableOffset,
    /// `e_shnum`
    Count,
    /// `e_shstrndx`
    NamesIndex,

    /// `sh_name`
    Name,
    /// `sh_type`
    Type,
    /// `sh_flags`
    Flags,
    /// `sh_offset`
    Offset,
    /// `sh_size`
    Size,
    /// `sh_link`
    Link,
    /// `sh_addralign`
    Alignment,
}

impl Fields {
    pub fn header_size(self) -> usize {
        if self.is_64 { 64 } else { 52 }
    }

    /// Of a section header.
    pub fn entry_size(self) -> usize {
        if self.is_64 { 64 } else { 40 }
    }

    /// First byte and number of bytes.
    fn range(self, place: Place) -> (usize, usize) {
        let word = if self.is_64 { 8 } else { 4 };
        let (at_64, at_32, size) = match place {
            Place::TableOffset => (40, 32, word),
            Place::Count => (60, 48, 2),
            Place::NamesIndex => (62, 50, 2),
            Place::Name => (0, 0, 4),
            Place::Type => (4, 4, 4),
            Place::Flags => (8, 8, word),
            Place::Offset => (24, 16, word),
            Place::Size => (32, 20, word),
            Place::Link => (40, 24, 4),
            Place::Alignment => (48, 32, word),
        };
        (if self.is_64 { at_64 } else { at_32 }, size)
    }

    /// Whoever calls has checked that the value fits.
    pub fn put(self, header: &mut [u8], place: Place, value: u64) {
        let (at, size) = self.range(place);
        let field = &mut header[at..at + size];
        match self.endian {
            Endian::Little => field.copy_from_slice(&value.to_le_bytes()[..size]),
            Endian::Big => field.copy_from_slice(&value.to_be_bytes()[8 - size..]),
        }
    }

    pub fn get(self, header: &[u8], place: Place) -> u64 {
        let (at, size) = self.range(place);
        let byte = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        match self.endian {
            Endian::Little => header[at..at + size].iter().rev().fold(0, byte),
            Endian::Big => header[at..at + size].iter().fold(0, byte),
        }
    }
}
