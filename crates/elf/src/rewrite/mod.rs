//! Sections added to a file, replaced or removed, without moving anything else that is in it.
//!
//! The problem: offsets in the file are in program headers, in other sections, in whatever somebody appended; indices of
//! sections are in symbols, in relocations, in groups. So neither may change. The new file is the old one, byte for byte,
//! with some fields of its first header changed and a tail behind it: what the changed sections hold, the names of
//! sections, and the section header table.
//!
//! ```text
//! before:          | header | .text … .strtab | .shstrtab | table |
//! once:            | header | .text … .strtab | (names)   | (table) | .BTF | .shstrtab | table |
//! once more:       | header | .text … .strtab | (names)   | (table) | .BTF | .shstrtab | table |
//! ```
//!
//! What is in parentheses is there still, but nothing refers to it. A file that has a tail already gets the new one in
//! its place ([`tail`]): the same changes give the same bytes however often they are made, and files do not grow.
//!
//! A section that is removed leaves an inactive header (SHT_NULL) behind, which is used when a section is added.

mod fields;
mod tail;

use crate::constants::{SHF_COMPRESSED, SHN_LORESERVE, SHN_XINDEX};
use crate::constants::{SHT_NULL, SHT_PROGBITS, SHT_REL, SHT_RELA, SHT_STRTAB};
use crate::{Image, RewriteError, Section};
use fields::{Fields, Place};
use memchr::memmem;
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Seek, Write};

/// What is to happen to the sections of one name. Of several with that name the first is replaced; the others go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<'a> {
    /// A section that is added is SHT_PROGBITS without flags. One that is replaced keeps its flags, so that a module's
    /// section that is loaded stays one that is loaded.
    Put {
        name: &'a str,
        bytes: &'a [u8],
        alignment: u64,
    },
    Remove {
        name: &'a str,
    },
}

impl<'a> Change<'a> {
    pub fn name(&self) -> &'a str {
        match self {
            Change::Put { name, .. } | Change::Remove { name } => name,
        }
    }
}

/// The new file, as what is kept of the old one and what is new.
#[derive(Debug)]
pub struct Rewrite<'a> {
    /// The ELF header, for the start of the file.
    header: Vec<u8>,
    /// Bytes of the old file, header included.
    kept: u64,
    /// What comes behind them.
    tail: Vec<Cow<'a, [u8]>>,
}

/// The kernel's build puts this behind a module with its signature.
const SIGNATURE: &[u8] = b"~Module signature appended~\n";

/// Of what has no alignment of its own. Nothing in a file needs more.
const ALIGNMENT: u64 = 8;

impl<'a> Rewrite<'a> {
    /// Whether [`Rewrite::plan`] will take the file, known before there is anything to put into it.
    pub fn check(image: &Image<'_>, names: &[&str]) -> Result<(), RewriteError> {
        let changes: Vec<Change<'_>> = names.iter().map(|name| Change::Remove { name }).collect();
        Rewrite::plan(image, &changes).map(|_| ())
    }

    /// The section headers of the file and what is named in them are copied; contents are not.
    pub fn plan(image: &Image<'_>, changes: &[Change<'a>]) -> Result<Rewrite<'a>, RewriteError> {
        if image.file().ends_with(SIGNATURE) {
            return Err(RewriteError::Signed);
        }
        let mut table = Table::of(image)?;
        let mut put = Vec::new();
        let mut gives_way = Vec::new();
        for change in changes {
            let first = gives_way.len();
            gives_way.extend(named(image, change.name()));
            may_change(image, &gives_way[first..])?;
            let mut indices = gives_way[first..].iter().copied();
            if let Change::Put { name, bytes, alignment } = *change {
                let index = indices.next().unwrap_or_else(|| table.add(name));
                put.push((index, bytes, alignment));
            }
            indices.for_each(|index| table.clear(index));
        }
        let names_index = names_of_their_own(image).unwrap_or_else(|| table.add(".shstrtab"));

        let kept = tail::start(image, &gives_way);
        let mut tail = Tail { end: kept, pieces: Vec::new() };
        for (index, bytes, alignment) in put {
            let offset = tail.push(Cow::Borrowed(bytes), alignment.max(ALIGNMENT));
            let flags = image.sections().get(index).map_or(0, |old| old.sh_flags & !SHF_COMPRESSED.0);
            table.fill(index, SHT_PROGBITS.0, flags, offset, bytes.len(), alignment);
        }
        let names = std::mem::take(&mut table.names);
        let names_size = names.len();
        let offset = tail.push(Cow::Owned(names), 1);
        table.fill(names_index, SHT_STRTAB.0, 0, offset, names_size, 1);
        let count = table.count();
        table.number(count, names_index);
        let fields = table.fields;
        let mut header = image.file()[..fields.header_size()].to_vec();
        let table_offset = tail.push(Cow::Owned(table.headers), ALIGNMENT);
        if !image.is_64() && tail.end > u64::from(u32::MAX) {
            return Err(RewriteError::TooLarge { size: tail.end });
        }

        fields.put(&mut header, Place::TableOffset, table_offset);
        fields.put(&mut header, Place::Count, if is_reserved(count) { 0 } else { count as u64 });
        let index = if is_reserved(names_index) { u64::from(SHN_XINDEX.0) } else { names_index as u64 };
        fields.put(&mut header, Place::NamesIndex, index);
        Ok(Rewrite { header, kept, tail: tail.pieces })
    }

    /// Bytes of the new file.
    pub fn size(&self) -> u64 {
        self.kept + self.tail.iter().map(|piece| piece.len() as u64).sum::<u64>()
    }

    /// Writes the new file. What is kept goes from file to file without being held here; some file systems share it.
    pub fn write(&self, mut old: &File, new: &mut File) -> io::Result<()> {
        old.rewind()?;
        let copied = io::copy(&mut old.take(self.kept), new)?;
        if copied != self.kept {
            let what = format!("the file was cut to {copied} bytes while it was read");
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
        }
        for piece in &self.tail {
            new.write_all(piece)?;
        }
        new.rewind()?;
        new.write_all(&self.header)
    }

    /// The new file in memory; `old` is what the image was parsed from.
    pub fn apply(&self, old: &[u8]) -> Vec<u8> {
        let mut new = Vec::with_capacity(self.size() as usize);
        new.extend_from_slice(&self.header);
        new.extend_from_slice(&old[self.header.len()..self.kept as usize]);
        new.extend(self.tail.iter().flat_map(|piece| piece.iter()));
        new
    }
}

/// Section headers and their names while they are changed.
struct Table {
    fields: Fields,
    headers: Vec<u8>,
    /// What the names count in: all that the old table had, and new names behind.
    names: Vec<u8>,
}

impl Table {
    fn of(image: &Image<'_>) -> Result<Table, RewriteError> {
        let names = image.names_index();
        if image.sections().is_empty() || names == 0 {
            return Err(RewriteError::NoSections);
        }
        let fields = Fields { is_64: image.is_64(), endian: image.endian() };
        let range = image.table_range();
        let headers = image.file()[range.start as usize..range.end as usize].to_vec();
        let mut names = image.file_bytes(image.section(names, "the ELF header")?)?.to_vec();
        // Each name ends with a NUL.
        if names.last() != Some(&0) {
            names.push(0);
        }
        Ok(Table { fields, headers, names })
    }

    fn count(&self) -> usize {
        self.headers.len() / self.fields.entry_size()
    }

    fn entry(&mut self, index: usize) -> &mut [u8] {
        let size = self.fields.entry_size();
        &mut self.headers[index * size..][..size]
    }

    /// A header with that name and nothing else, in the place of an inactive one if there is one.
    fn add(&mut self, name: &str) -> usize {
        let (fields, wanted) = (self.fields, [name.as_bytes(), &[0]].concat());
        let name_offset = memmem::find(&self.names, &wanted).unwrap_or_else(|| {
            self.names.extend_from_slice(&wanted);
            self.names.len() - wanted.len()
        });
        let is_free = |entry: &[u8]| fields.get(entry, Place::Type) == u64::from(SHT_NULL.0);
        let mut entries = self.headers.chunks_exact(fields.entry_size()).skip(1);
        let index = entries.position(is_free).map_or(self.count(), |place| place + 1);
        let end = (index + 1) * fields.entry_size();
        self.headers.resize(self.headers.len().max(end), 0);
        self.clear(index);
        let entry = self.entry(index);
        fields.put(entry, Place::Name, name_offset as u64);
        // Taken, so that the next one goes elsewhere.
        fields.put(entry, Place::Type, u64::from(SHT_PROGBITS.0));
        index
    }

    /// Makes a header inactive.
    fn clear(&mut self, index: usize) {
        self.entry(index).fill(0);
    }

    fn fill(&mut self, index: usize, sh_type: u32, flags: u64, offset: u64, size: usize, alignment: u64) {
        let fields = self.fields;
        let entry = self.entry(index);
        fields.put(entry, Place::Type, u64::from(sh_type));
        fields.put(entry, Place::Flags, flags);
        fields.put(entry, Place::Offset, offset);
        fields.put(entry, Place::Size, size as u64);
        fields.put(entry, Place::Alignment, alignment);
    }

    /// Where the fields of the ELF header are too small for these numbers, they are in the null section.
    fn number(&mut self, count: usize, names_index: usize) {
        let fields = self.fields;
        let reserved = |number: usize| if is_reserved(number) { number as u64 } else { 0 };
        fields.put(self.entry(0), Place::Size, reserved(count));
        fields.put(self.entry(0), Place::Link, reserved(names_index));
    }
}

/// Numbers of sections from this on mean something else in 16-bit fields.
fn is_reserved(number: usize) -> bool {
    number >= usize::from(SHN_LORESERVE)
}

struct Tail<'a> {
    end: u64,
    pieces: Vec<Cow<'a, [u8]>>,
}

impl<'a> Tail<'a> {
    /// Returns the offset in the file.
    fn push(&mut self, bytes: Cow<'a, [u8]>, alignment: u64) -> u64 {
        let padding = tail::padding(self.end, alignment);
        self.pieces.push(Cow::Owned(vec![0; padding as usize]));
        let offset = self.end + padding;
        self.end = offset + bytes.len() as u64;
        self.pieces.push(bytes);
        offset
    }
}

fn named<'i>(image: &'i Image<'_>, name: &'i str) -> impl Iterator<Item = usize> + 'i {
    let active = image.sections().iter().skip(1).filter(|section| section.sh_type != SHT_NULL.0);
    active.filter(move |section| section.name == name.as_bytes()).map(|section| section.index)
}

fn may_change(image: &Image<'_>, indices: &[usize]) -> Result<(), RewriteError> {
    let sections = image.sections();
    let name = |section: &Section<'_>| section.display_name().into_owned();
    if let Some(index) = indices.iter().find(|&&index| sections[index].is_allocated() && !image.is_relocatable()) {
        return Err(RewriteError::Allocated { section: name(&sections[*index]) });
    }
    // In ascending order, and many in a file that somebody made for that.
    let relocated = |section: &Section<'_>| indices.binary_search(&(section.sh_info as usize)).ok();
    let relocations = sections.iter().filter(|section| [SHT_REL.0, SHT_RELA.0].contains(&section.sh_type));
    match relocations.filter_map(|by| Some((by, relocated(by)?))).next() {
        Some((by, found)) => Err(RewriteError::Relocated { section: name(&sections[indices[found]]), by: name(by) }),
        None => Ok(()),
    }
}

/// The index of the section name table where that holds nothing else. Compilers of the LLVM family put names of symbols
/// into the same table, and that one stays where it is.
fn names_of_their_own(image: &Image<'_>) -> Option<usize> {
    let index = image.names_index();
    let section = image.sections().get(index as usize)?;
    let is_shared = image.sections().iter().any(|other| other.sh_link == index && other.sh_type != SHT_NULL.0);
    (!is_shared && !section.is_allocated()).then_some(section.index)
}
