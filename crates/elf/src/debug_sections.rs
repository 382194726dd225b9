//! The sections that DWARF is read from.

use crate::{ElfError, Image, Relocations, Section};
use object::elf;
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
    let of = |name: &str| debug_section(image, name.as_bytes());
    Ok(DebugSections {
        info: of("info")?,
        abbrev: of("abbrev")?,
        str: of("str")?,
        line_str: of("line_str")?,
        str_offsets: of("str_offsets")?,
        addr: of("addr")?,
        loc: of("loc")?,
        loclists: of("loclists")?,
        ranges: of("ranges")?,
        rnglists: of("rnglists")?,
        types: of("types")?,
    })
}

fn debug_section<'data>(image: &Image<'data>, name: &[u8]) -> Result<DebugSection<'data>, ElfError> {
    let mut sections = find(image, name);
    let Some(section) = sections.next() else { return Ok(DebugSection::default()) };
    let first = DebugSection { data: image.data(section)?, relocations: Relocations::of(image, section)? };
    let Some(second) = sections.next() else { return Ok(first) };
    // The type units of an object file are in sections of their own, of which a linker keeps one each: put together,
    // with the values in place, they read like a linked file's.
    let mut data = Vec::new();
    let mut append = |piece: DebugSection<'data>| -> Result<(), ElfError> {
        let start = data.len();
        data.extend_from_slice(&piece.data);
        Ok(piece.relocations.apply_to(&mut data[start..])?)
    };
    append(first)?;
    for section in std::iter::once(second).chain(sections) {
        append(DebugSection { data: image.data(section)?, relocations: Relocations::of(image, section)? })?;
    }
    Ok(DebugSection { data: Cow::Owned(data), relocations: Relocations::default() })
}

/// The sections `.debug_NAME`, or `.zdebug_NAME`, the old way to say that it is compressed.
fn find<'a, 'data>(image: &'a Image<'data>, name: &[u8]) -> impl Iterator<Item = &'a Section<'data>> {
    image.sections().iter().filter(move |section| {
        let rest = section.name.strip_prefix(b".debug_").or_else(|| section.name.strip_prefix(b".zdebug_"));
        rest == Some(name) && section.sh_type != elf::SHT_NOBITS.0
    })
}
