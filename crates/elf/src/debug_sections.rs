//! The sections that DWARF is read from.

use crate::compression::decompressed_size;
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

impl DebugSections<'_> {
    /// Whether there are no entries at all.
    pub fn is_empty(&self) -> bool {
        self.info.data.is_empty() && self.types.data.is_empty()
    }
}

#[derive(Debug, Clone, Default)]
pub struct DebugSection<'data> {
    /// Borrowed from the file, or owned where the file has it compressed.
    pub data: Cow<'data, [u8]>,
    /// To be consulted where a value is read; empty for linked files, whose values are in place.
    pub relocations: Relocations<'data>,
}

/// How much there is to read, known before anything is decompressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DebugSizes {
    /// Bytes of entries: `.debug_info` and `.debug_types`, decompressed.
    pub entries: u64,
    /// Bytes of `.debug_str`, decompressed.
    pub strings: u64,
    /// Bytes that [`Image::debug_sections`] will hold in memory of its own, because the file has them compressed or
    /// (type units of object files) in pieces. All others are borrowed from the file.
    pub held: u64,
}

impl DebugSizes {
    pub(crate) fn of(image: &Image<'_>) -> Result<DebugSizes, ElfError> {
        let mut sizes = DebugSizes::default();
        for name in NAMES {
            let (mut size, mut held, mut pieces) = (0u64, 0u64, 0);
            for section in find(image, name.as_bytes()) {
                let decompressed = decompressed_size(image, section)?;
                size = size.saturating_add(decompressed.unwrap_or(section.size));
                held = held.saturating_add(decompressed.unwrap_or(0));
                pieces += 1;
            }
            sizes.held = sizes.held.saturating_add(if pieces > 1 { size } else { held });
            match name {
                "info" | "types" => sizes.entries = sizes.entries.saturating_add(size),
                "str" => sizes.strings = size,
                _ => {}
            }
        }
        Ok(sizes)
    }
}

/// Of the sections that [`DebugSections`] has.
const NAMES: [&str; 11] =
    ["info", "abbrev", "str", "line_str", "str_offsets", "addr", "loc", "loclists", "ranges", "rnglists", "types"];

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
