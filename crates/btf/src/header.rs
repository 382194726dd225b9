//! The header of a blob and the section that tells how long each kind's records are.

use crate::{Endian, Kind};

pub(crate) const MAGIC: u16 = 0xeb9f;
pub(crate) const VERSION: u8 = 1;

/// Length of the header that every kernel knows.
pub(crate) const CLASSIC_HEADER: usize = 24;
/// Length of the header with the fields of the layout section.
pub(crate) const LAYOUT_HEADER: usize = 32;

/// Words of a record's head: name, info, size or type.
pub(crate) const HEAD: usize = 12;

/// The most elements that a record can have: `vlen` has 16 bits.
pub const MAX_VLEN: u32 = 0xffff;
/// The highest type id that a kernel takes.
pub const MAX_TYPE_ID: u32 = 0xf_ffff;
/// The highest string offset that a kernel takes; in split BTF the base's strings count too.
pub const MAX_STRING_OFFSET: u32 = 0xff_ffff;

/// A record's `info` word taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Info(pub u32);

impl Info {
    pub fn new(kind: Kind, vlen: u32, kind_flag: bool) -> Info {
        Info(vlen | (kind as u32) << 24 | u32::from(kind_flag) << 31)
    }

    pub fn kind(self) -> u8 {
        (self.0 >> 24) as u8 & 0x1f
    }

    pub fn vlen(self) -> u32 {
        self.0 & MAX_VLEN
    }

    pub fn kind_flag(self) -> bool {
        self.0 >> 31 != 0
    }

    /// Bits that no kernel before 7.2 gives a meaning.
    pub fn reserved(self) -> u32 {
        self.0 & 0x60ff_0000
    }
}

/// The layout section's entries of every kind from 0 on: bytes once per record, bytes per element, flags.
pub(crate) fn layout_section(endian: Endian) -> Vec<u8> {
    let mut section = vec![0; 4];
    for kind in Kind::ALL {
        let shape = kind.shape();
        section.extend([4 * shape.fixed_words as u8, 4 * shape.element_words as u8]);
        section.extend(endian.u16_bytes(0));
    }
    section
}
