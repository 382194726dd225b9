//! The file as a whole: header and section headers. Nothing is copied; contents are read on demand.

use crate::{DebugSections, DebugSizes, ElfError, Symbols, address, compression, debug_sections};
use object::elf;
use object::endian::Endianness;
use object::pod;
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};
use std::borrow::Cow;
use std::mem;
use std::ops::Range;
use std::sync::Arc;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Endian {
    #[default]
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
    is_relocatable: bool,
    sections: Vec<Section<'data>>,
    /// Where the section header table is in the file.
    table: Range<u64>,
    /// Of the section that has the names of sections; 0 where there is none.
    names_index: u32,
    /// Where the ELF header, the program headers and all that they describe end; None where they are not sound.
    end_of_segments: Option<u64>,
    /// What a symbol's value counts from, by section index; empty where values are addresses already.
    bases: Arc<[u64]>,
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
    name_offset: u32,
}

impl<'data> Image<'data> {
    pub fn parse(data: &'data [u8]) -> Result<Image<'data>, ElfError> {
        if !data.starts_with(&elf::ELFMAG) {
            return Err(ElfError::NotElf { first: data[..data.len().min(16)].to_vec() });
        }
        let Some(&[class, order, version]) = data.get(4..7).and_then(<[u8]>::first_chunk) else {
            return Err(ElfError::Truncated {
                what: "the ELF identification".into(),
                needed: 16,
                have: data.len() as u64,
            });
        };
        let endian = match elf::DataEncoding(order) {
            elf::ELFDATA2LSB => Endian::Little,
            elf::ELFDATA2MSB => Endian::Big,
            _ => return Err(ElfError::ByteOrder { order }),
        };
        if elf::FileVersion(version) != elf::EV_CURRENT {
            return Err(ElfError::Version { version });
        }
        match elf::FileClass(class) {
            elf::ELFCLASS32 => Image::parse_class::<elf::FileHeader32<Endianness>>(data, endian),
            elf::ELFCLASS64 => Image::parse_class::<elf::FileHeader64<Endianness>>(data, endian),
            _ => Err(ElfError::Class { class }),
        }
    }

    fn parse_class<Header: FileHeader<Endian = Endianness>>(
        data: &'data [u8],
        endian: Endian,
    ) -> Result<Image<'data>, ElfError> {
        let order = endian.into();
        let (header, _) = pod::from_bytes::<Header>(data).map_err(|()| ElfError::Truncated {
            what: "the ELF header".into(),
            needed: mem::size_of::<Header>() as u64,
            have: data.len() as u64,
        })?;
        let mut image = Image {
            data,
            endian,
            is_64: header.is_type_64(),
            machine: header.e_machine(order).0,
            is_relocatable: header.e_type(order) == elf::ET_REL,
            sections: Vec::new(),
            table: 0..0,
            names_index: 0,
            end_of_segments: end_of_segments(header, order, data),
            bases: Arc::new([]),
        };
        image.read_sections(header)?;
        if image.is_relocatable {
            address::assign(&mut image.sections, image.is_64)?;
            image.bases = image.sections.iter().map(|section| section.address).collect();
        }
        Ok(image)
    }

    /// Reads the section headers. Where a file has too many sections for the 16-bit fields of its header, their number
    /// and the index of the section name table are in fields of the null section.
    fn read_sections<Header: FileHeader<Endian = Endianness>>(&mut self, header: &Header) -> Result<(), ElfError> {
        let order = self.endian.into();
        let table_offset: u64 = header.e_shoff(order).into();
        if table_offset == 0 {
            return Ok(());
        }
        let expected = mem::size_of::<Header::SectionHeader>() as u64;
        let entry_size = u64::from(header.e_shentsize(order));
        if entry_size != expected {
            return Err(ElfError::EntrySize { what: "the section header table".into(), size: entry_size, expected });
        }
        let headers_from_start = |count: u64| -> Result<&'data [Header::SectionHeader], ElfError> {
            let size = count.checked_mul(expected);
            let end = size.and_then(|size| table_offset.checked_add(size)).unwrap_or(u64::MAX);
            let truncated = || ElfError::Truncated {
                what: format!("the table of {count} section headers"),
                needed: end,
                have: self.data.len() as u64,
            };
            if end > self.data.len() as u64 {
                return Err(truncated());
            }
            let (headers, _) =
                pod::slice_from_bytes(&self.data[table_offset as usize..], count as usize).map_err(|()| truncated())?;
            Ok(headers)
        };
        let null = &headers_from_start(1)?[0];
        let count = match header.e_shnum(order) {
            0 => null.sh_size(order).into(),
            count => u64::from(count),
        };
        let names_index = match header.e_shstrndx(order) {
            elf::SHN_XINDEX => null.sh_link(order),
            index => u32::from(index.0),
        };

        self.table = table_offset..table_offset.saturating_add(count.saturating_mul(expected));
        self.names_index = names_index;
        self.sections = headers_from_start(count)?
            .iter()
            .enumerate()
            .map(|(index, header)| Section {
                index,
                name: &[],
                sh_type: header.sh_type(order).0,
                sh_flags: header.sh_flags(order).0,
                address: header.sh_addr(order).into(),
                offset: header.sh_offset(order).into(),
                size: header.sh_size(order).into(),
                alignment: header.sh_addralign(order).into(),
                entry_size: header.sh_entsize(order).into(),
                sh_link: header.sh_link(order),
                sh_info: header.sh_info(order),
                name_offset: header.sh_name(order),
            })
            .collect();
        if names_index == 0 {
            return Ok(());
        }
        let names = self.file_bytes(self.section(names_index, "the ELF header")?)?;
        for section in self.sections.iter_mut().skip(1) {
            section.name = string_at(names, section.name_offset)
                .ok_or(ElfError::SectionName { section: section.index, offset: section.name_offset })?;
        }
        Ok(())
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
        self.is_relocatable
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
        if section.sh_type == elf::SHT_NOBITS.0 {
            return Ok(&[]);
        }
        let end = section.offset.saturating_add(section.size);
        if end > self.data.len() as u64 {
            return Err(ElfError::Truncated {
                what: format!("section {} ({})", section.index, section.display_name()),
                needed: end,
                have: self.data.len() as u64,
            });
        }
        Ok(&self.data[section.offset as usize..end as usize])
    }

    /// The section that a header field refers to; `what` names whose field.
    pub(crate) fn section(&self, index: u32, what: &str) -> Result<&Section<'data>, ElfError> {
        self.sections.get(index as usize).ok_or_else(|| ElfError::NoSuchSection {
            what: what.into(),
            index,
            sections: self.sections.len(),
        })
    }

    /// The whole file.
    pub(crate) fn file(&self) -> &'data [u8] {
        self.data
    }

    pub(crate) fn table_range(&self) -> Range<u64> {
        self.table.clone()
    }

    pub(crate) fn names_index(&self) -> u32 {
        self.names_index
    }

    pub(crate) fn end_of_segments(&self) -> Option<u64> {
        self.end_of_segments
    }

    pub(crate) fn bases(&self) -> Arc<[u64]> {
        self.bases.clone()
    }

    /// The symbols of `.symtab`; None where the file was stripped of them. Dynamic symbols never count.
    pub fn symbols(&self) -> Result<Option<Symbols<'data>>, ElfError> {
        Symbols::of(self)
    }

    /// How large the sections are that DWARF is read from.
    pub fn debug_sizes(&self) -> Result<DebugSizes, ElfError> {
        DebugSizes::of(self)
    }

    /// The sections that DWARF is read from.
    pub fn debug_sections(&self) -> Result<DebugSections<'data>, ElfError> {
        debug_sections::debug_sections(self)
    }
}

impl<'data> Section<'data> {
    /// Whether the section occupies memory when the program or module is loaded (SHF_ALLOC).
    pub fn is_allocated(&self) -> bool {
        self.sh_flags & elf::SHF_ALLOC.0 != 0
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

impl From<Endian> for Endianness {
    fn from(endian: Endian) -> Endianness {
        match endian {
            Endian::Little => Endianness::Little,
            Endian::Big => Endianness::Big,
        }
    }
}

fn end_of_segments<Header: FileHeader<Endian = Endianness>>(
    header: &Header,
    order: Endianness,
    data: &[u8],
) -> Option<u64> {
    let segments = header.program_headers(order, data).ok()?;
    let table = header.e_phoff(order).into().saturating_add(mem::size_of_val(segments) as u64);
    let table = table.max(mem::size_of::<Header>() as u64);
    let end = |segment: &Header::ProgramHeader| {
        let (offset, size): (u64, u64) = (segment.p_offset(order).into(), segment.p_filesz(order).into());
        offset.saturating_add(size)
    };
    Some(segments.iter().map(end).max().unwrap_or(0).max(table))
}

/// The string at an offset of a string table, without the NUL that ends it.
pub(crate) fn string_at(table: &[u8], offset: u32) -> Option<&[u8]> {
    let rest = table.get(offset as usize..)?;
    let end = memchr::memchr(0, rest)?;
    Some(&rest[..end])
}
