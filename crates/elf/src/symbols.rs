//! The symbols of `.symtab`.

use crate::image::string_at;
use crate::{ElfError, Endian, Image, Section};
use object::elf::{self, Sym32, Sym64};
use object::endian::{Endianness, U32};
use object::pod;
use object::read::elf::Sym;
use std::mem;
use std::ops::Range;
use std::sync::Arc;

/// The symbol table, read where it lies: making one costs next to nothing, and a symbol is decoded when it is asked for.
/// A copy is cheap, and several threads may read one.
#[derive(Debug, Clone)]
pub struct Symbols<'data> {
    entries: Entries<'data>,
    strings: &'data [u8],
    /// Section indexes that do not fit into the 16 bits of an entry, by symbol (SHT_SYMTAB_SHNDX).
    wide_sections: &'data [U32<Endianness>],
    /// What values count from, by section; empty where they are addresses already.
    bases: Arc<[u64]>,
    section_count: usize,
    endian: Endian,
    machine: u16,
}

#[derive(Debug, Clone, Copy)]
enum Entries<'data> {
    Elf32(&'data [Sym32<Endianness>]),
    Elf64(&'data [Sym64<Endianness>]),
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

/// What a relocation learns of the symbol that it refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Address(u64),
    /// Undefined, common, or in no section of this file.
    Unknown,
    NoSuchSymbol,
}

impl<'data> Symbols<'data> {
    pub(crate) fn of(image: &Image<'data>) -> Result<Option<Symbols<'data>>, ElfError> {
        let table = image.sections().iter().find(|section| section.sh_type == elf::SHT_SYMTAB.0);
        table.map(|section| Symbols::in_section(image, section)).transpose()
    }

    pub(crate) fn in_section(image: &Image<'data>, table: &Section<'data>) -> Result<Symbols<'data>, ElfError> {
        let expected =
            if image.is_64() { mem::size_of::<Sym64<Endianness>>() } else { mem::size_of::<Sym32<Endianness>>() };
        if table.entry_size != 0 && table.entry_size != expected as u64 {
            return Err(ElfError::EntrySize {
                what: format!("section {} ({})", table.index, table.display_name()),
                size: table.entry_size,
                expected: expected as u64,
            });
        }
        let bytes = image.file_bytes(table)?;
        let entries =
            if image.is_64() { Entries::Elf64(whole_entries(bytes)) } else { Entries::Elf32(whole_entries(bytes)) };
        let strings = match table.sh_link {
            0 => &[],
            link => image.file_bytes(image.section(link, "the symbol table")?)?,
        };
        let wide_sections = image
            .sections()
            .iter()
            .find(|section| section.sh_type == elf::SHT_SYMTAB_SHNDX.0 && section.sh_link as usize == table.index)
            .map(|section| image.file_bytes(section))
            .transpose()?
            .unwrap_or_default();
        Ok(Symbols {
            entries,
            strings,
            wide_sections: whole_entries(wide_sections),
            bases: image.bases(),
            section_count: image.sections().len(),
            endian: image.endian(),
            machine: image.machine(),
        })
    }

    /// Number of symbols, with the null symbol at index 0.
    pub fn len(&self) -> usize {
        match self.entries {
            Entries::Elf32(entries) => entries.len(),
            Entries::Elf64(entries) => entries.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn get(&self, index: usize) -> Option<Symbol<'data>> {
        match self.entries {
            Entries::Elf32(entries) => Some(self.decode(index, entries.get(index)?)),
            Entries::Elf64(entries) => Some(self.decode(index, entries.get(index)?)),
        }
    }

    /// All symbols in the order of the table.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Symbol<'data>> + '_ {
        self.range(0..self.len())
    }

    /// Some symbols, as far as the table goes.
    fn range(&self, range: Range<usize>) -> impl ExactSizeIterator<Item = Symbol<'data>> + '_ {
        (range.start..range.end.min(self.len())).map(|index| match self.entries {
            Entries::Elf32(entries) => self.decode(index, &entries[index]),
            Entries::Elf64(entries) => self.decode(index, &entries[index]),
        })
    }

    /// The symbols of one kind. Those of others are not decoded.
    pub fn of_kind(&self, kind: SymbolKind) -> impl Iterator<Item = Symbol<'data>> + '_ {
        self.of_kind_in(0..self.len(), kind)
    }

    /// The same among some symbols, as far as the table goes.
    pub(crate) fn of_kind_in(&self, range: Range<usize>, kind: SymbolKind) -> impl Iterator<Item = Symbol<'data>> + '_ {
        let is_of_kind = move |raw| SymbolKind::from_raw(raw) == kind;
        (range.start..range.end.min(self.len())).filter_map(move |index| match self.entries {
            Entries::Elf32(entries) => self.decode_if(index, &entries[index], is_of_kind(entries[index].st_type())),
            Entries::Elf64(entries) => self.decode_if(index, &entries[index], is_of_kind(entries[index].st_type())),
        })
    }

    /// The symbols that are defined in one section. Those of others are not decoded.
    pub(crate) fn of_section(&self, section: usize) -> impl Iterator<Item = Symbol<'data>> + '_ {
        (0..self.len()).filter_map(move |index| match self.entries {
            Entries::Elf32(entries) => {
                self.decode_if(index, &entries[index], self.section(index, &entries[index]) == Some(section))
            }
            Entries::Elf64(entries) => {
                self.decode_if(index, &entries[index], self.section(index, &entries[index]) == Some(section))
            }
        })
    }

    #[inline]
    fn decode_if<S: Sym<Endian = Endianness>>(&self, index: usize, entry: &S, wanted: bool) -> Option<Symbol<'data>> {
        wanted.then(|| self.decode(index, entry))
    }

    pub(crate) fn machine(&self) -> u16 {
        self.machine
    }

    /// The address that relocations against this symbol mean. Symbol 0 stands for "no symbol" and is 0.
    #[inline]
    pub(crate) fn target(&self, index: u32) -> Target {
        if index == 0 {
            return Target::Address(0);
        }
        match self.entries {
            Entries::Elf32(entries) => self.target_of(index, entries.get(index as usize)),
            Entries::Elf64(entries) => self.target_of(index, entries.get(index as usize)),
        }
    }

    #[inline]
    fn target_of<S: Sym<Endian = Endianness>>(&self, index: u32, entry: Option<&S>) -> Target {
        let Some(entry) = entry else { return Target::NoSuchSymbol };
        let section = self.section(index as usize, entry);
        if section.is_none() && entry.st_shndx(self.endian.into()) != elf::SHN_ABS {
            return Target::Unknown;
        }
        Target::Address(self.address(entry, section))
    }

    #[inline]
    fn decode<S: Sym<Endian = Endianness>>(&self, index: usize, entry: &S) -> Symbol<'data> {
        let order = self.endian.into();
        let section = self.section(index, entry);
        Symbol {
            index,
            value: self.address(entry, section),
            size: entry.st_size(order).into(),
            kind: SymbolKind::from_raw(entry.st_type()),
            binding: SymbolBinding::from_raw(entry.st_bind()),
            section,
            strings: self.strings,
            name_offset: entry.st_name(order),
        }
    }

    #[inline]
    fn section<S: Sym<Endian = Endianness>>(&self, index: usize, entry: &S) -> Option<usize> {
        let order = self.endian.into();
        let section = match entry.st_shndx(order) {
            elf::SHN_XINDEX => self.wide_sections.get(index)?.get(order) as usize,
            narrow => usize::from(narrow.index()?),
        };
        (section != 0 && section < self.section_count).then_some(section)
    }

    /// Arithmetic wraps, as the address computations of the machine do.
    #[inline]
    fn address<S: Sym<Endian = Endianness>>(&self, entry: &S, section: Option<usize>) -> u64 {
        let value: u64 = entry.st_value(self.endian.into()).into();
        let base = section.and_then(|section| self.bases.get(section)).copied().unwrap_or(0);
        match self.entries {
            Entries::Elf32(_) => u64::from((value as u32).wrapping_add(base as u32)),
            Entries::Elf64(_) => value.wrapping_add(base),
        }
    }
}

impl<'data> Symbol<'data> {
    /// The name; empty where it has none or the string table ends before it. Looked up when asked for: most symbols
    /// are told apart by kind or section first.
    pub fn name(&self) -> &'data [u8] {
        string_at(self.strings, self.name_offset).unwrap_or_default()
    }
}

impl SymbolKind {
    fn from_raw(raw: elf::SymbolType) -> SymbolKind {
        match raw {
            elf::STT_NOTYPE => SymbolKind::Untyped,
            elf::STT_OBJECT => SymbolKind::Object,
            elf::STT_FUNC => SymbolKind::Function,
            elf::STT_SECTION => SymbolKind::Section,
            elf::STT_FILE => SymbolKind::File,
            elf::STT_COMMON => SymbolKind::Common,
            elf::STT_TLS => SymbolKind::ThreadLocal,
            elf::STT_GNU_IFUNC => SymbolKind::IndirectFunction,
            other => SymbolKind::Other(other.0),
        }
    }
}

impl SymbolBinding {
    fn from_raw(raw: elf::SymbolBind) -> SymbolBinding {
        match raw {
            elf::STB_LOCAL => SymbolBinding::Local,
            elf::STB_GLOBAL => SymbolBinding::Global,
            elf::STB_WEAK => SymbolBinding::Weak,
            other => SymbolBinding::Other(other.0),
        }
    }
}

/// As many entries as there are whole ones.
pub(crate) fn whole_entries<T: pod::Pod>(bytes: &[u8]) -> &[T] {
    pod::slice_from_bytes(bytes, bytes.len() / mem::size_of::<T>()).map(|(entries, _)| entries).unwrap_or_default()
}
