//! The sections that DWARF is read from.

use crate::{ElfError, Image, Relocations};
use std::borrow::Cow;

/// What a section holds is empty where the file has no such section.
#[derive(Debug, Clone, Default)]
pub struct DebugSections<'data> {
    pub info: DebugSection<'data>,
    pub abbrev: DebugSection<'data>,
    pub str: DebugSection<'data>,
    pub line_str: DebugSection<'data>,
    pub str_offsets: DebugSection<'data>,
    pub addr: DebugSection<'data>,
    pub loc: DebugSection<'data>,
    pub loclists: DebugSection<'data>,
    pub ranges: DebugSection<'data>,
    pub rnglists: DebugSection<'data>,
    pub types: DebugSection<'data>,
}

#[derive(Debug, Clone, Default)]
pub struct DebugSection<'data> {
    /// Borrowed from the file, or owned where the file has it compressed.
    pub data: Cow<'data, [u8]>,
    /// To be consulted where a value is read; empty for linked files, whose values are in place.
    pub relocations: Relocations<'data>,
}

pub(crate) fn debug_sections<'data>(image: &Image<'data>) -> Result<DebugSections<'data>, ElfError> {
    let _ = image;
    todo!()
}
