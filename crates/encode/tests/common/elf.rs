//! An ELF file around the debug sections: sections, symbols and, for ET_REL, relocations; else everything resolved.

use super::entries::{Entry, Place, entry};
use super::profile::Profile;
use super::write::{Bytes, Kind, Relocation, Unit, write};
use gimli::constants::*;

#[derive(Debug, Clone)]
pub struct File {
    pub profile: Profile,
    pub units: Vec<Unit>,
    pub sections: Vec<Section>,
    pub symbols: Vec<Symbol>,
    pub symtab: bool,
}

#[derive(Debug, Clone)]
pub struct Section {
    pub name: String,
    pub kind: u32,
    pub flags: u64,
    pub address: u64,
    pub size: u64,
    pub content: Bytes,
}

#[derive(Debug, Clone)]
pub struct Symbol {
    pub name: String,
    /// None is SHN_UNDEF.
    pub place: Option<Place>,
    pub kind: u8,
    pub size: u64,
}

pub const NOTYPE: u8 = 0;
pub const OBJECT: u8 = 1;
pub const FUNC: u8 = 2;
pub const IFUNC: u8 = 10;

const PROGBITS: u32 = 1;
const NOBITS: u32 = 8;
const ALLOC: u64 = 2;

pub fn file(profile: Profile) -> File {
    let file = File { profile, units: Vec::new(), sections: Vec::new(), symbols: Vec::new(), symtab: true };
    // Something at the very start: a place of offset 0 in .text is not the address 0.
    file.section(".text", 0x1000, 0x1000).section(".data", 0x4000, 0x1000)
}

/// A linked x86-64 file of DWARF 5 with one C unit of these entries.
pub fn one(entries: impl IntoIterator<Item = Entry>) -> File {
    file(Profile::default()).unit(unit("one.c").with(entries))
}

pub fn unit(name: &str) -> Unit {
    let root = entry(DW_TAG_compile_unit).at(DW_AT_name, name).at(DW_AT_producer, "GNU C11 12.2.0 -g -O2");
    Unit { kind: Kind::Compile, root: root.at(DW_AT_language, u64::from(DW_LANG_C11.0)), profile: None }
}

pub fn partial_unit(name: &str) -> Unit {
    let mut unit = unit(name);
    unit.kind = Kind::Partial;
    unit.root.tag = DW_TAG_partial_unit;
    unit
}

/// The unit of the type with that label.
pub fn type_unit(signature: u64, label: &str) -> Unit {
    let mut unit = unit(label);
    unit.kind = Kind::Type(signature, label.to_owned());
    unit.root = entry(DW_TAG_type_unit).at(DW_AT_language, u64::from(DW_LANG_C11.0));
    unit
}

impl File {
    pub fn unit(mut self, unit: Unit) -> File {
        self.units.push(unit);
        self
    }

    pub fn section(mut self, name: &str, address: u64, size: u64) -> File {
        let kind = if name.ends_with("bss") { NOBITS } else { PROGBITS };
        let content = Bytes { data: vec![0; size as usize], big: self.profile.big, relocations: Vec::new() };
        self.sections.push(Section { name: name.to_owned(), kind, flags: ALLOC, address, size, content });
        self
    }

    pub fn content(mut self, name: &str, fill: impl FnOnce(&mut Bytes)) -> File {
        let section = self.sections.iter_mut().find(|section| section.name == name).expect("a section of that name");
        section.content.data.clear();
        fill(&mut section.content);
        section.size = section.content.len();
        self
    }

    /// Not part of the program's memory, like .comment.
    pub fn unallocated(mut self, name: &str) -> File {
        self.sections.iter_mut().filter(|section| section.name == name).for_each(|section| section.flags = 0);
        self
    }

    pub fn symbol(mut self, name: &str, kind: u8, place: Option<Place>, size: u64) -> File {
        self.symbols.push(Symbol { name: name.to_owned(), place, kind, size });
        self
    }

    /// A function's symbol, so far into .text.
    pub fn fun(self, name: &str, offset: u64) -> File {
        self.symbol(name, FUNC, Some(super::entries::place(".text", offset)), 8)
    }

    pub fn object(self, name: &str, section: &str, offset: u64) -> File {
        self.symbol(name, OBJECT, Some(super::entries::place(section, offset)), 4)
    }

    pub fn without_symtab(mut self) -> File {
        self.symtab = false;
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.damaged(|_, _| {})
    }

    /// With the debug sections, by name, changed before the rest is built around them.
    pub fn damaged(&self, damage: impl FnMut(&str, &mut Bytes)) -> Vec<u8> {
        Writer::new(self, damage).finish()
    }
}

struct Writer<'a> {
    file: &'a File,
    wide: bool,
    /// As in the section header table, from index 1.
    sections: Vec<Section>,
    links: Vec<(u32, u32, u64)>,
}

impl<'a> Writer<'a> {
    fn new(file: &'a File, mut damage: impl FnMut(&str, &mut Bytes)) -> Writer<'a> {
        let mut sections = file.sections.clone();
        for (name, mut content) in write(file.profile, &file.units) {
            damage(name, &mut content);
            let kept = content.len();
            content.relocations.retain(|one| one.at + u64::from(one.size) <= kept);
            let size = content.len();
            sections.push(Section { name: name.to_owned(), kind: PROGBITS, flags: 0, address: 0, size, content });
        }
        if file.profile.relocatable {
            sections.iter_mut().for_each(|section| section.address = 0);
        }
        let links = vec![(0, 0, 0); sections.len()];
        Writer { file, wide: file.profile.machine.address == 8, sections, links }
    }

    fn big(&self) -> Bytes {
        Bytes { big: self.file.profile.big, ..Bytes::default() }
    }

    /// The width of an address in the file's own structures.
    fn word(&self) -> u8 {
        if self.wide { 8 } else { 4 }
    }

    fn index(&self, name: &str) -> usize {
        self.sections.iter().position(|section| section.name == name).unwrap_or_else(|| panic!("no section {name}")) + 1
    }

    fn add(&mut self, name: &str, kind: u32, content: Bytes, link: (u32, u32, u64)) {
        let size = content.len();
        self.sections.push(Section { name: name.to_owned(), kind, flags: 0, address: 0, size, content });
        self.links.push(link);
    }

    fn resolve(&mut self) {
        for at in 0..self.sections.len() {
            for relocation in std::mem::take(&mut self.sections[at].content.relocations) {
                let target = &self.sections[self.index(&relocation.section) - 1];
                let value = target.address + relocation.addend;
                self.sections[at].content.put(relocation.at as usize, value, relocation.size);
            }
        }
    }

    fn relocation_sections(&mut self, symtab: u32) {
        let machine = self.file.profile.machine;
        for at in 0..self.sections.len() {
            let relocations = std::mem::take(&mut self.sections[at].content.relocations);
            if relocations.is_empty() {
                continue;
            }
            let mut table = self.big();
            for Relocation { at: offset, size, section, addend } in relocations {
                // Section symbols come first in the symbol table, in the order of the sections.
                let symbol = self.index(&section) as u64;
                let kind =
                    u64::from(if size == 8 || !self.wide { machine.relocations.1 } else { machine.relocations.0 });
                table.u(offset, self.word());
                if self.wide {
                    table.u(symbol << 32 | kind, 8);
                } else {
                    table.u(symbol << 8 | kind, 4);
                }
                if machine.addends {
                    table.u(addend, self.word());
                } else {
                    self.sections[at].content.put(offset as usize, addend, size);
                }
            }
            let name = self.sections[at].name.clone();
            let (prefix, kind, fields) = if machine.addends { (".rela", 4, 3) } else { (".rel", 9, 2) };
            let entry = fields * u64::from(self.word());
            self.add(&format!("{prefix}{name}"), kind, table, (symtab, at as u32 + 1, entry));
        }
    }

    fn symbol(&self, table: &mut Bytes, name: u64, value: u64, size: u64, info: u8, section: u16) {
        table.u(name, 4);
        if self.wide {
            table.u(info.into(), 1).u(0, 1).u(section.into(), 2).u(value, 8).u(size, 8);
        } else {
            table.u(value, 4).u(size, 4).u(info.into(), 1).u(0, 1).u(section.into(), 2);
        }
    }

    fn symbol_table(&mut self) {
        let (mut table, mut names) = (self.big(), self.big());
        names.text("");
        self.symbol(&mut table, 0, 0, 0, 0, 0);
        for (at, section) in self.sections.iter().enumerate() {
            self.symbol(&mut table, 0, section.address, 0, 3, at as u16 + 1);
        }
        for symbol in &self.file.symbols {
            let name = names.text(&symbol.name);
            let (value, section) = match &symbol.place {
                Some(place) => {
                    let index = self.index(&place.section);
                    (self.sections[index - 1].address.wrapping_add(place.offset), index as u16)
                }
                None => (0, 0),
            };
            self.symbol(&mut table, name, value, symbol.size, 1 << 4 | symbol.kind, section);
        }
        let locals = self.sections.len() as u32 + 1;
        let symtab = self.sections.len() as u32 + 1;
        let entry = if self.wide { 24 } else { 16 };
        self.add(".symtab", 2, table, (symtab + 1, locals, entry));
        self.add(".strtab", 3, names, (0, 0, 0));
        if self.file.profile.relocatable {
            self.relocation_sections(symtab);
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if !self.file.profile.relocatable {
            self.resolve();
        }
        if self.file.symtab {
            self.symbol_table();
        }
        let mut names = self.big();
        names.text("");
        let mut offsets: Vec<u64> = self.sections.iter().map(|section| names.text(&section.name)).collect();
        offsets.push(names.text(".shstrtab"));
        self.add(".shstrtab", 3, names, (0, 0, 0));

        let (header, segment, row) = if self.wide { (64, 56, 64) } else { (52, 32, 40) };
        let segments: u64 = if self.file.profile.relocatable { 0 } else { 1 };
        let mut out = self.big();
        out.data.resize((header + segments * segment) as usize, 0);
        let mut table = self.big();
        table.data.resize(row, 0);
        for ((section, link), name) in self.sections.iter().zip(&self.links).zip(&offsets) {
            out.data.resize(out.data.len().next_multiple_of(8), 0);
            let (at, word) = (out.len(), self.word());
            if section.kind != NOBITS {
                out.data.extend_from_slice(&section.content.data);
            }
            table.u(*name, 4).u(section.kind.into(), 4).u(section.flags, word).u(section.address, word);
            table.u(at, word).u(section.size, word).u(link.0.into(), 4).u(link.1.into(), 4).u(1, word).u(link.2, word);
        }
        out.data.resize(out.data.len().next_multiple_of(8), 0);
        let table_at = out.len();
        out.data.extend_from_slice(&table.data);
        let head = self.header(table_at, segments);
        out.data[..head.data.len()].copy_from_slice(&head.data);
        out.data
    }

    fn header(&self, table: u64, segments: u64) -> Bytes {
        let (header, segment, row) = if self.wide { (64, 56, 64) } else { (52, 32, 40) };
        let word = self.word();
        let mut out = self.big();
        out.data.extend_from_slice(b"\x7fELF");
        out.u(if self.wide { 2 } else { 1 }, 1).u(if self.file.profile.big { 2 } else { 1 }, 1).u(1, 1).u(0, 8).u(0, 1);
        let kind = if self.file.profile.relocatable { 1 } else { 2 };
        out.u(kind, 2).u(self.file.profile.machine.number.into(), 2).u(1, 4).u(0, word);
        out.u(if segments > 0 { header } else { 0 }, word).u(table, word).u(0, 4).u(header, 2);
        out.u(segment, 2)
            .u(segments, 2)
            .u(row, 2)
            .u(self.sections.len() as u64 + 1, 2)
            .u(self.sections.len() as u64, 2);
        if segments > 0 {
            // One segment from address 0 over everything: what reads the sections does not look closer.
            let memory = 0x0100_0000;
            if self.wide {
                out.u(1, 4).u(7, 4).u(0, 8).u(0, 8).u(0, 8).u(table, 8).u(memory, 8).u(0x1000, 8);
            } else {
                out.u(1, 4).u(0, 4).u(0, 4).u(0, 4).u(table, 4).u(memory, 4).u(7, 4).u(0x1000, 4);
            }
        }
        out
    }
}
