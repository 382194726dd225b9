//! The file as a whole: header and section headers. Nothing is copied; contents are read on demand.

use crate::{DebugSections, ElfError, Symbols, address, compression, debug_sections};
use object::elf;
use object::endian::Endianness;
use object::pod::{self, Pod};
use object::read::elf::{FileHeader, SectionHeader};
use std::borrow::Cow;
use std::mem;
use std::ops::Range;
use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endian {
    Little,
    Big,
}

/// An ELF file: what its headers say.
#[derive(Debug, Clone)]
pub struct Image<'data> {
    data: &'data [u8],
    endian: Endian,
    is_64: bool,
    machine: u16,
    file_type: u16,
    sections: Vec<Section<'data>>,
    /// By section index; shared with all that turns symbols into addresses.
    addresses: Arc<[u64]>,
}

/// A section header. Names of fields with `sh_` hold what the ELF specification says of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section<'data> {
    pub index: usize,
    pub name: &'data [u8],
    pub sh_type: u32,
    pub sh_flags: u64,
    /// Where the section lies in memory. In a relocatable file this is assigned here: see [`Image::sections`].
    pub address: u64,
    /// Place in the file, meaningless for SHT_NOBITS.
    pub offset: u64,
    /// Bytes in memory; of a compressed section, compressed bytes in the file.
    pub size: u64,
    pub alignment: u64,
    pub entry_size: u64,
    pub sh_link: u32,
    pub sh_info: u32,
}

impl<'data> Image<'data> {
    pub fn parse(data: &'data [u8]) -> Result<Image<'data>, ElfError> {
        let _ = data;
        todo!()
    }

    pub fn endian(&self) -> Endian {
        self.endian
    }

    pub fn is_64(&self) -> bool {
        self.is_64
    }

    /// `e_machine`, such as [`constants::EM_X86_64`](crate::constants::EM_X86_64).
    pub fn machine(&self) -> u16 {
        self.machine
    }

    /// Whether this is a relocatable file (ET_REL), such as a kernel module or an object file before linking.
    pub fn is_relocatable(&self) -> bool {
        self.file_type == elf::ET_REL.0
    }

    /// All sections; the place in the slice is the section's index, and 0 is the null section.
    ///
    /// Of a relocatable file the allocated sections have addresses assigned by this crate, none overlapping, none 0;
    /// all others have address 0. Symbols' values and relocated debug sections agree with them.
    pub fn sections(&self) -> &[Section<'data>] {
        &self.sections
    }

    /// The first section of that name.
    pub fn section_by_name(&self, name: &[u8]) -> Option<&Section<'data>> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// The contents of a section of this file: decompressed where they are compressed, empty for SHT_NOBITS.
    pub fn data(&self, section: &Section<'data>) -> Result<Cow<'data, [u8]>, ElfError> {
        compression::decompress(self, section)
    }

    /// The bytes of a section as they are in the file.
    pub(crate) fn file_bytes(&self, section: &Section<'_>) -> Result<&'data [u8], ElfError> {
        let _ = section;
        todo!()
    }

    /// The symbols of `.symtab`; None where the file was stripped of them. Dynamic symbols never count.
    pub fn symbols(&self) -> Result<Option<Symbols<'data>>, ElfError> {
        Symbols::of(self)
    }

    /// The sections that DWARF is read from.
    pub fn debug_sections(&self) -> Result<DebugSections<'data>, ElfError> {
        debug_sections::debug_sections(self)
    }
}

impl<'data> Section<'data> {
    /// Whether the section occupies memory when the program or module is loaded (SHF_ALLOC).
    pub fn is_allocated(&self) -> bool {
        self.sh_flags & u64::from(elf::SHF_ALLOC.0) != 0
    }

    /// Whether the section holds the program's own code or data (SHT_PROGBITS), or room for it (SHT_NOBITS).
    pub fn is_program_data(&self) -> bool {
        self.sh_type == elf::SHT_PROGBITS.0 || self.sh_type == elf::SHT_NOBITS.0
    }

    /// The name for messages.
    pub fn display_name(&self) -> Cow<'data, str> {
        String::from_utf8_lossy(self.name)
    }
}
