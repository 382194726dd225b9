//! ELF files made in memory, of either class and byte order.

#![allow(dead_code, reason = "each test file uses its part")]

use object::Endianness;
use object::elf;
use object::write::elf::{FileHeader, Rel, SectionHeader, SectionIndex, Sym, Writer};

/// Both classes in both byte orders.
pub const KINDS: [(bool, Endianness); 4] =
    [(true, Endianness::Little), (true, Endianness::Big), (false, Endianness::Little), (false, Endianness::Big)];

pub struct TestElf {
    pub is_64: bool,
    pub endian: Endianness,
    pub machine: elf::Machine,
    pub file_type: elf::FileType,
    sections: Vec<TestSection>,
    symbols: Vec<TestSymbol>,
}

pub struct TestSection {
    pub name: Vec<u8>,
    pub sh_type: elf::SectionType,
    pub sh_flags: u64,
    pub address: u64,
    pub alignment: u64,
    pub data: Vec<u8>,
    /// Size of a section without data (SHT_NOBITS).
    pub nobits: u64,
    /// With addends or without.
    pub is_rela: bool,
    pub relocations: Vec<Rel>,
}

pub struct TestSymbol {
    pub name: Vec<u8>,
    pub kind: elf::SymbolType,
    pub section: Option<usize>,
    /// Where `section` is None.
    pub special: elf::SymbolSection,
    pub value: u64,
    pub size: u64,
}

impl TestElf {
    pub fn relocatable(is_64: bool, endian: Endianness, machine: elf::Machine) -> TestElf {
        TestElf { is_64, endian, machine, file_type: elf::ET_REL, sections: Vec::new(), symbols: Vec::new() }
    }

    pub fn linked(is_64: bool, endian: Endianness, machine: elf::Machine) -> TestElf {
        TestElf { file_type: elf::ET_EXEC, ..TestElf::relocatable(is_64, endian, machine) }
    }

    /// Adds a section that is not allocated, and returns its index.
    pub fn debug(&mut self, name: &str, data: &[u8]) -> usize {
        self.add(TestSection {
            name: name.into(),
            sh_type: elf::SHT_PROGBITS,
            sh_flags: 0,
            address: 0,
            alignment: 1,
            data: data.to_vec(),
            nobits: 0,
            is_rela: true,
            relocations: Vec::new(),
        })
    }

    /// Adds a section that is allocated, and returns its index.
    pub fn allocated(&mut self, name: &str, address: u64, alignment: u64, data: &[u8]) -> usize {
        let index = self.debug(name, data);
        let section = self.section(index);
        section.sh_flags = elf::SHF_ALLOC.0;
        section.address = address;
        section.alignment = alignment;
        index
    }

    pub fn add(&mut self, section: TestSection) -> usize {
        self.sections.push(section);
        self.sections.len()
    }

    pub fn section(&mut self, index: usize) -> &mut TestSection {
        &mut self.sections[index - 1]
    }

    pub fn relocate(
        &mut self,
        section: usize,
        r_offset: u64,
        r_type: elf::RelocationType,
        symbol: usize,
        r_addend: i64,
    ) {
        self.section(section).relocations.push(Rel { r_offset, r_sym: symbol as u32, r_type, r_addend });
    }

    /// Adds a symbol and returns its index.
    pub fn symbol(&mut self, name: &str, kind: elf::SymbolType, section: usize, value: u64, size: u64) -> usize {
        self.symbols.push(TestSymbol {
            name: name.into(),
            kind,
            section: Some(section),
            special: elf::SHN_UNDEF,
            value,
            size,
        });
        self.symbols.len()
    }

    /// Adds a symbol that is in no section: SHN_UNDEF, SHN_ABS, SHN_COMMON.
    pub fn special(&mut self, name: &str, kind: elf::SymbolType, special: elf::SymbolSection, value: u64) -> usize {
        self.symbols.push(TestSymbol { name: name.into(), kind, section: None, special, value, size: 0 });
        self.symbols.len()
    }

    pub fn word(&self, value: u32) -> [u8; 4] {
        match self.endian {
            Endianness::Little => value.to_le_bytes(),
            Endianness::Big => value.to_be_bytes(),
        }
    }

    pub fn long(&self, value: u64) -> [u8; 8] {
        match self.endian {
            Endianness::Little => value.to_le_bytes(),
            Endianness::Big => value.to_be_bytes(),
        }
    }

    /// Order in the file: the sections added, those of their relocations, and the symbol table.
    pub fn build(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(self.endian, self.is_64, &mut bytes);
        writer.reserve_file_header();
        writer.reserve_null_section_index();

        let relocated = || self.sections.iter().zip(1..).filter(|(section, _)| !section.relocations.is_empty());
        let relocation_names: Vec<Vec<u8>> = relocated()
            .map(|(section, _)| [if section.is_rela { b".rela".as_slice() } else { b".rel" }, &section.name].concat())
            .collect();

        let mut headers = Vec::new();
        for section in &self.sections {
            let name = writer.add_section_name(&section.name);
            writer.reserve_section_index();
            let offset = writer.reserve(section.data.len() as u64, 1);
            headers.push((name, offset));
        }
        let mut relocation_headers = Vec::new();
        for ((section, target), name) in relocated().zip(&relocation_names) {
            let name = writer.add_section_name(name);
            writer.reserve_section_index();
            let offset = writer.reserve_relocations(section.relocations.len(), section.is_rela);
            relocation_headers.push((name, offset, section, SectionIndex(target)));
        }
        let mut names = Vec::new();
        writer.reserve_null_symbol_index();
        for symbol in &self.symbols {
            names.push(writer.add_string(&symbol.name));
            writer.reserve_symbol_index(symbol.section.map(|section| SectionIndex(section as u32)));
        }
        let symtab = writer.reserve_symtab_section_index();
        writer.reserve_symtab();
        if writer.symtab_shndx_needed() {
            writer.reserve_symtab_shndx_section_index();
        }
        writer.reserve_symtab_shndx();
        writer.reserve_strtab_section_index();
        writer.reserve_strtab().unwrap();
        writer.reserve_shstrtab_section_index();
        writer.reserve_shstrtab().unwrap();
        writer.reserve_section_headers();

        let header = FileHeader { e_type: self.file_type, e_machine: self.machine, ..FileHeader::default() };
        writer.write_file_header(&header).unwrap();
        for section in &self.sections {
            writer.write(&section.data);
        }
        for (_, _, section, _) in &relocation_headers {
            writer.write_align_relocation();
            for relocation in &section.relocations {
                writer.write_relocation(section.is_rela, relocation);
            }
        }
        writer.write_null_symbol();
        for (symbol, name) in self.symbols.iter().zip(names) {
            let st_name = writer.string_offset(Some(name));
            writer.write_symbol(&Sym {
                section: symbol.section.map(|section| section as u32),
                st_name,
                st_info: elf::SymbolInfo::new(elf::STB_GLOBAL, symbol.kind),
                st_other: elf::SymbolOther(0),
                st_shndx: symbol.special,
                st_value: symbol.value,
                st_size: symbol.size,
            });
        }
        writer.write_symtab_shndx();
        writer.write_strtab();
        writer.write_shstrtab();

        writer.write_null_section_header();
        for (section, (name, sh_offset)) in self.sections.iter().zip(headers) {
            let header = SectionHeader {
                sh_name: writer.section_name_offset(Some(name)),
                sh_type: section.sh_type,
                sh_flags: elf::SectionFlags(section.sh_flags),
                sh_addr: section.address,
                sh_offset,
                sh_size: section.nobits + section.data.len() as u64,
                sh_addralign: section.alignment,
                ..SectionHeader::default()
            };
            writer.write_section_header(&header);
        }
        for (name, offset, section, target) in relocation_headers {
            let count = section.relocations.len();
            writer.write_relocation_section_header(name, target, symtab, offset, count, section.is_rela);
        }
        writer.write_symtab_section_header(1);
        writer.write_symtab_shndx_section_header();
        writer.write_strtab_section_header();
        writer.write_shstrtab_section_header();
        bytes
    }
}
