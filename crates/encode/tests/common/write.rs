//! From trees of entries to the bytes of the debug sections.

// The constants have the standard's own names, in patterns too.
#![allow(non_upper_case_globals)]

use super::entries::{Entry, Op, Place, Value};
use super::profile::{Constants, Profile};
use gimli::constants::*;
use std::collections::{BTreeMap, HashMap};

/// Bytes that grow, in one byte order, and what in them has to be relocated.
#[derive(Debug, Clone, Default)]
pub struct Bytes {
    pub data: Vec<u8>,
    pub big: bool,
    pub relocations: Vec<Relocation>,
}

#[derive(Debug, Clone)]
pub struct Relocation {
    pub at: u64,
    pub size: u8,
    /// To the start of this section …
    pub section: String,
    /// … this is added.
    pub addend: u64,
}

impl Bytes {
    pub fn len(&self) -> u64 {
        self.data.len() as u64
    }

    pub fn u(&mut self, value: u64, size: u8) -> &mut Bytes {
        let at = self.data.len();
        self.data.resize(at + usize::from(size), 0);
        self.put(at, value, size);
        self
    }

    pub fn put(&mut self, at: usize, value: u64, size: u8) {
        for index in 0..usize::from(size) {
            let place = if self.big { usize::from(size) - 1 - index } else { index };
            self.data[at + place] = (value >> (8 * index)) as u8;
        }
    }

    pub fn leb(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.data.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.data.push(value as u8);
    }

    pub fn sleb(&mut self, mut value: i64) {
        loop {
            let byte = value as u8 & 0x7f;
            value >>= 7;
            if (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0) {
                self.data.push(byte);
                return;
            }
            self.data.push(byte | 0x80);
        }
    }

    pub fn text(&mut self, text: &str) -> u64 {
        let at = self.len();
        self.data.extend_from_slice(text.as_bytes());
        self.data.push(0);
        at
    }

    /// A field whose value is the address of a place, known to the linker only.
    pub fn relocated(&mut self, section: &str, addend: u64, size: u8) {
        self.relocations.push(Relocation { at: self.len(), size, section: section.to_owned(), addend });
        self.u(0, size);
    }

    /// A unit's length, to be filled in by `close`.
    fn open(&mut self, dwarf64: bool) -> usize {
        if dwarf64 {
            self.u(0xffff_ffff, 4).u(0, 8);
        } else {
            self.u(0, 4);
        }
        self.data.len()
    }

    fn close(&mut self, opened: usize, dwarf64: bool) {
        let length = (self.data.len() - opened) as u64;
        let size = if dwarf64 { 8 } else { 4 };
        self.put(opened - usize::from(size), length, size);
    }
}

#[derive(Debug, Clone)]
pub struct Unit {
    pub kind: Kind,
    pub root: Entry,
    /// Another version or form than the file's.
    pub profile: Option<Profile>,
}

#[derive(Debug, Clone)]
pub enum Kind {
    Compile,
    Partial,
    Skeleton(u64),
    /// Signature, and label of the type.
    Type(u64, String),
}

impl Unit {
    pub fn with(mut self, children: impl IntoIterator<Item = Entry>) -> Unit {
        self.root = self.root.with(children);
        self
    }

    pub fn at(mut self, name: DwAt, value: impl Into<Value>) -> Unit {
        self.root = self.root.at(name, value);
        self
    }

    pub fn language(self, code: u64) -> Unit {
        self.at(DW_AT_language, code)
    }

    pub fn producer(self, name: &str) -> Unit {
        self.at(DW_AT_producer, name)
    }

    pub fn profile(mut self, profile: Profile) -> Unit {
        self.profile = Some(profile);
        self
    }
}

/// The debug sections of all units, by name.
pub fn write(profile: Profile, units: &[Unit]) -> BTreeMap<&'static str, Bytes> {
    let mut writer = Writer {
        sections: BTreeMap::new(),
        labels: HashMap::new(),
        patches: Vec::new(),
        merged: HashMap::new(),
        big: profile.big,
    };
    for (index, unit) in units.iter().enumerate() {
        let profile = unit.profile.unwrap_or(profile);
        UnitWriter::new(&mut writer, profile, index).unit(unit);
    }
    writer.patch();
    writer.sections
}

struct Writer {
    sections: BTreeMap<&'static str, Bytes>,
    /// Where an entry is: (unit, label) to (section, offset of the unit, offset of the entry).
    labels: HashMap<(usize, String), (&'static str, u64, u64)>,
    patches: Vec<Patch>,
    /// Where in `.debug_str` a text can be had.
    merged: HashMap<String, u64>,
    big: bool,
}

/// A reference whose target's offset was not known when it was written.
struct Patch {
    section: &'static str,
    at: usize,
    form: DwForm,
    size: u8,
    unit: usize,
    label: String,
    relocatable: bool,
}

impl Writer {
    fn section(&mut self, name: &'static str) -> &mut Bytes {
        let big = self.big;
        self.sections.entry(name).or_insert_with(|| Bytes { big, ..Bytes::default() })
    }

    /// "@0x123" is that offset whatever lies there; another label is looked for in the unit, then in all of them.
    fn find(&self, unit: usize, label: &str) -> (&'static str, u64, u64) {
        if let Some(offset) = label.strip_prefix("@0x") {
            return (".debug_info", 0, u64::from_str_radix(offset, 16).expect("an offset"));
        }
        let near = self.labels.get(&(unit, label.to_owned()));
        let far = || {
            let mut all: Vec<_> = self.labels.iter().filter(|((_, name), _)| name == label).collect();
            all.sort_by_key(|((unit, _), _)| *unit);
            all.first().map(|(_, place)| *place)
        };
        *near.or_else(far).unwrap_or_else(|| panic!("no entry is labelled {label}"))
    }

    fn patch(&mut self) {
        for patch in std::mem::take(&mut self.patches) {
            let (section, unit, offset) = self.find(patch.unit, &patch.label);
            let value = if patch.form == DW_FORM_ref_addr { offset } else { offset - unit };
            let bytes = self.section(patch.section);
            if patch.form == DW_FORM_ref_udata {
                for index in 0..4 {
                    bytes.data[patch.at + index] =
                        (value >> (7 * index)) as u8 & 0x7f | if index < 3 { 0x80 } else { 0 };
                }
            } else if patch.form == DW_FORM_ref_addr && patch.relocatable {
                let (at, size) = (patch.at as u64, patch.size);
                bytes.relocations.push(Relocation { at, size, section: section.to_owned(), addend: value });
            } else {
                bytes.put(patch.at, value, patch.size);
            }
        }
    }
}

/// Tag, whether it has children, attributes with form and implicit constant.
type Abbreviation = (DwTag, bool, Vec<(DwAt, DwForm, Option<i64>)>);

struct UnitWriter<'a> {
    writer: &'a mut Writer,
    profile: Profile,
    index: usize,
    section: &'static str,
    start: u64,
    abbreviations: Vec<Abbreviation>,
    codes: HashMap<Abbreviation, usize>,
    strings: Vec<u64>,
    addresses: Vec<Place>,
    lists: Bytes,
    list_offsets: Vec<u64>,
}

impl<'a> UnitWriter<'a> {
    fn new(writer: &'a mut Writer, profile: Profile, index: usize) -> UnitWriter<'a> {
        UnitWriter {
            lists: Bytes { big: profile.big, ..Bytes::default() },
            writer,
            profile,
            index,
            section: ".debug_info",
            start: 0,
            abbreviations: Vec::new(),
            codes: HashMap::new(),
            strings: Vec::new(),
            addresses: Vec::new(),
            list_offsets: Vec::new(),
        }
    }

    fn out(&mut self) -> &mut Bytes {
        self.writer.section(self.section)
    }

    /// A field that holds an offset into another debug section.
    fn offset(&mut self, into: &'static str, value: u64) {
        let (size, relocatable) = (self.profile.offset(), self.profile.relocatable);
        if relocatable {
            self.out().relocated(into, value, size);
        } else {
            self.out().u(value, size);
        }
    }

    fn unit(mut self, unit: &Unit) {
        let profile = self.profile;
        if matches!(unit.kind, Kind::Type(..)) && profile.version < 5 {
            self.section = ".debug_types";
        }
        self.start = self.out().len();
        let opened = self.out().open(profile.dwarf64);
        self.out().u(profile.version.into(), 2);
        let abbreviations = self.writer.section(".debug_abbrev").len();
        if profile.version >= 5 {
            let kind = match unit.kind {
                Kind::Compile => DW_UT_compile,
                Kind::Partial => DW_UT_partial,
                Kind::Skeleton(_) => DW_UT_skeleton,
                Kind::Type(..) => DW_UT_type,
            };
            self.out().u(kind.0.into(), 1).u(profile.address.into(), 1);
            self.offset(".debug_abbrev", abbreviations);
        } else {
            self.offset(".debug_abbrev", abbreviations);
            self.out().u(profile.address.into(), 1);
        }
        match &unit.kind {
            Kind::Skeleton(id) if profile.version >= 5 => {
                self.out().u(*id, 8);
            }
            Kind::Type(signature, label) => {
                self.out().u(*signature, 8);
                self.reference(DW_FORM_sec_offset, profile.offset(), label);
            }
            _ => {}
        }
        let mut root = unit.root.clone();
        for (attribute, wanted, section, header) in [
            (DW_AT_str_offsets_base, strx(profile.strings), ".debug_str_offsets", 8),
            (DW_AT_addr_base, profile.indexed_addresses, ".debug_addr", 8),
            (DW_AT_loclists_base, profile.indexed_lists, ".debug_loclists", 12),
        ] {
            if wanted {
                let base = self.writer.section(section).len() + header + if profile.dwarf64 { 8 } else { 0 };
                root.attributes.insert(0, (attribute, Value::Far(format!("{section}:{base:x}"))));
            }
        }
        self.entry(&root);
        self.out().close(opened, profile.dwarf64);
        self.finish();
    }

    /// What the unit keeps in other sections.
    fn finish(mut self) {
        let profile = self.profile;
        let mut section = std::mem::take(self.writer.section(".debug_abbrev"));
        for (index, (tag, children, attributes)) in self.abbreviations.iter().enumerate() {
            section.leb(index as u64 + 1);
            section.leb(tag.0.into());
            section.u((*children).into(), 1);
            for (name, form, constant) in attributes {
                section.leb(name.0.into());
                section.leb(form.0.into());
                if let Some(constant) = constant {
                    section.sleb(*constant);
                }
            }
            section.u(0, 2);
        }
        section.u(0, 1);
        *self.writer.section(".debug_abbrev") = section;

        if strx(profile.strings) {
            self.section = ".debug_str_offsets";
            let opened = self.out().open(profile.dwarf64);
            self.out().u(5, 2).u(0, 2);
            for string in std::mem::take(&mut self.strings) {
                self.offset(".debug_str", string);
            }
            self.out().close(opened, profile.dwarf64);
        }
        if profile.indexed_addresses {
            self.section = ".debug_addr";
            let opened = self.out().open(profile.dwarf64);
            self.out().u(5, 2).u(profile.address.into(), 1).u(0, 1);
            for place in std::mem::take(&mut self.addresses) {
                self.out().relocated(&place.section, place.offset, profile.address);
            }
            self.out().close(opened, profile.dwarf64);
        }
        if profile.version >= 5 && (profile.indexed_lists || self.lists.len() > 0) {
            let lists = std::mem::take(&mut self.lists);
            let offsets = if profile.indexed_lists { std::mem::take(&mut self.list_offsets) } else { Vec::new() };
            self.section = ".debug_loclists";
            let opened = self.out().open(profile.dwarf64);
            self.out().u(5, 2).u(profile.address.into(), 1).u(0, 1).u(offsets.len() as u64, 4);
            for offset in &offsets {
                let base = offsets.len() as u64 * u64::from(profile.offset());
                self.out().u(base + offset, profile.offset());
            }
            self.append(lists);
            self.out().close(opened, profile.dwarf64);
        } else if self.lists.len() > 0 {
            let lists = std::mem::take(&mut self.lists);
            self.section = ".debug_loc";
            self.append(lists);
        }
    }

    fn append(&mut self, bytes: Bytes) {
        let out = self.out();
        let start = out.len();
        out.data.extend_from_slice(&bytes.data);
        out.relocations.extend(bytes.relocations.into_iter().map(|one| Relocation { at: one.at + start, ..one }));
    }

    fn entry(&mut self, entry: &Entry) {
        let (section, start) = (self.section, self.start);
        let at = self.out().len();
        if !entry.label.is_empty() {
            self.writer.labels.insert((self.index, entry.label.clone()), (section, start, at));
        }
        let children = !entry.children.is_empty();
        let mut values: Vec<(DwAt, DwForm, &Value)> = Vec::new();
        let mut shape: Vec<(DwAt, DwForm, Option<i64>)> = Vec::new();
        for (name, value) in &entry.attributes {
            if self.profile.version < 4 && *name == DW_AT_high_pc {
                continue;
            }
            let (form, constant) = self.form(*name, value);
            shape.push((*name, form, constant));
            values.push((*name, form, value));
        }
        let sibling = self.profile.siblings && children && entry.nested == 1;
        if sibling {
            shape.insert(0, (DW_AT_sibling, DW_FORM_ref4, None));
        }
        let mut codes = Vec::new();
        for inner in (0..entry.nested).rev() {
            codes.push(self.code((entry.tag, children || inner > 0, shape.clone())));
        }
        let mut patch = None;
        for code in &codes {
            self.out().leb(*code as u64);
            if sibling {
                patch = Some(self.out().len() as usize);
                self.out().u(0, 4);
            }
            for (name, form, value) in &values {
                self.value(*name, *form, value);
            }
        }
        if children {
            for child in &entry.children {
                self.entry(child);
            }
            self.out().u(0, 1);
        }
        for _ in 1..entry.nested {
            self.out().u(0, 1);
        }
        if let Some(patch) = patch {
            let next = self.out().len() - start;
            self.out().put(patch, next, 4);
        }
    }

    fn code(&mut self, abbreviation: Abbreviation) -> usize {
        if let Some(code) = self.codes.get(&abbreviation) {
            return *code;
        }
        self.abbreviations.push(abbreviation.clone());
        self.codes.insert(abbreviation, self.abbreviations.len());
        self.abbreviations.len()
    }

    fn form(&self, name: DwAt, value: &Value) -> (DwForm, Option<i64>) {
        let profile = &self.profile;
        let block = if profile.version < 4 { DW_FORM_block1 } else { DW_FORM_exprloc };
        let form = match value {
            Value::U(_) if name == DW_AT_data_member_location && profile.version == 2 => DW_FORM_block1,
            Value::U(value) => match profile.constants {
                Constants::Implicit if *value <= i64::MAX as u64 => {
                    return (DW_FORM_implicit_const, Some(*value as i64));
                }
                Constants::Fixed if name != DW_AT_data_member_location || *value < 0x10000 => match value {
                    0..=0xff => DW_FORM_data1,
                    0..=0xffff => DW_FORM_data2,
                    0..=0xffff_ffff => DW_FORM_data4,
                    _ => DW_FORM_data8,
                },
                _ => DW_FORM_udata,
            },
            Value::S(value) if profile.constants == Constants::Implicit => {
                return (DW_FORM_implicit_const, Some(*value));
            }
            Value::S(_) => DW_FORM_sdata,
            Value::Flag(true) if profile.implicit_flags => DW_FORM_flag_present,
            Value::Flag(_) => DW_FORM_flag,
            Value::Str(_) => profile.strings,
            Value::Ref(_) => profile.references,
            Value::Far(label) if label.starts_with('.') => DW_FORM_sec_offset,
            Value::Far(_) => DW_FORM_ref_addr,
            Value::Sig(_) => DW_FORM_ref_sig8,
            Value::Addr(_) => {
                if profile.indexed_addresses {
                    DW_FORM_addrx
                } else {
                    DW_FORM_addr
                }
            }
            Value::Expr(_) => block,
            Value::List(_) if profile.version < 4 && profile.dwarf64 => DW_FORM_data8,
            Value::List(_) if profile.version < 4 => DW_FORM_data4,
            Value::List(_) if profile.indexed_lists => DW_FORM_loclistx,
            Value::List(_) => DW_FORM_sec_offset,
            Value::Raw(form, _) => *form,
        };
        (form, None)
    }

    fn value(&mut self, _: DwAt, form: DwForm, value: &Value) {
        let profile = self.profile;
        match value {
            Value::U(value) => match form {
                DW_FORM_block1 => {
                    let mut block = Bytes::default();
                    block.u(DW_OP_plus_uconst.0.into(), 1).leb(*value);
                    self.out().u(block.len(), 1).data.extend_from_slice(&block.data);
                }
                DW_FORM_data1 => _ = self.out().u(*value, 1),
                DW_FORM_data2 => _ = self.out().u(*value, 2),
                DW_FORM_data4 => _ = self.out().u(*value, 4),
                DW_FORM_data8 => _ = self.out().u(*value, 8),
                DW_FORM_udata => self.out().leb(*value),
                _ => {}
            },
            Value::S(value) if form == DW_FORM_sdata => self.out().sleb(*value),
            Value::S(_) => {}
            Value::Flag(value) if form == DW_FORM_flag => _ = self.out().u((*value).into(), 1),
            Value::Flag(_) => {}
            Value::Str(text) => self.string(form, text),
            Value::Ref(label) => {
                let size = match form {
                    DW_FORM_ref2 => 2,
                    DW_FORM_ref8 => 8,
                    DW_FORM_ref_addr => self.reference_size(),
                    _ => 4,
                };
                self.reference(form, size, label);
            }
            Value::Far(label) => match label.split_once(':') {
                Some((section, base)) if section.starts_with('.') => {
                    let base = u64::from_str_radix(base, 16).expect("an offset");
                    let section = match section {
                        ".debug_addr" => ".debug_addr",
                        ".debug_loclists" => ".debug_loclists",
                        _ => ".debug_str_offsets",
                    };
                    self.offset(section, base);
                }
                _ => self.reference(form, self.reference_size(), label),
            },
            Value::Sig(signature) => _ = self.out().u(*signature, 8),
            Value::Addr(place) if form == DW_FORM_addrx => {
                let index = self.address(place);
                self.out().leb(index);
            }
            Value::Addr(place) => self.out().relocated(&place.section, place.offset, profile.address),
            Value::Expr(operations) => {
                let block = self.expression(operations);
                if form == DW_FORM_block1 {
                    self.out().u(block.len(), 1);
                } else {
                    self.out().leb(block.len());
                }
                self.append(block);
            }
            Value::List(entries) => self.list(form, entries),
            Value::Raw(_, bytes) => self.out().data.extend_from_slice(bytes),
        }
    }

    fn reference_size(&self) -> u8 {
        if self.profile.version == 2 { self.profile.address } else { self.profile.offset() }
    }

    fn reference(&mut self, form: DwForm, size: u8, label: &str) {
        let at = self.out().data.len();
        let (section, unit, relocatable) = (self.section, self.index, self.profile.relocatable);
        self.out().u(0, size);
        self.writer.patches.push(Patch { section, at, form, size, unit, label: label.to_owned(), relocatable });
    }

    fn string(&mut self, form: DwForm, text: &str) {
        match form {
            DW_FORM_string => {
                self.out().text(text);
            }
            DW_FORM_line_strp => {
                let at = self.writer.section(".debug_line_str").text(text);
                self.offset(".debug_line_str", at);
            }
            DW_FORM_strp => {
                let at = self.str_text(text);
                self.offset(".debug_str", at);
            }
            _ => {
                let at = self.str_text(text);
                let index = self.strings.len() as u64;
                self.strings.push(at);
                match form {
                    DW_FORM_strx1 => _ = self.out().u(index, 1),
                    DW_FORM_strx2 => _ = self.out().u(index, 2),
                    DW_FORM_strx3 => _ = self.out().u(index, 3),
                    DW_FORM_strx4 => _ = self.out().u(index, 4),
                    _ => self.out().leb(index),
                }
            }
        }
    }

    fn str_text(&mut self, text: &str) -> u64 {
        let merged = self.profile.merged_strings && !self.profile.relocatable;
        if let Some(&at) = self.writer.merged.get(text).filter(|_| merged) {
            return at;
        }
        let at = self.writer.section(".debug_str").text(text);
        // As a linker does, which keeps each string once, and has strings end in one another.
        for (start, _) in text.char_indices().take(16) {
            self.writer.merged.entry(text[start..].to_owned()).or_insert(at + start as u64);
        }
        at
    }

    fn address(&mut self, place: &Place) -> u64 {
        let known = self.addresses.iter().position(|had| had == place);
        known.unwrap_or_else(|| {
            self.addresses.push(place.clone());
            self.addresses.len() - 1
        }) as u64
    }

    fn expression(&mut self, operations: &[Op]) -> Bytes {
        let mut block = Bytes { big: self.profile.big, ..Bytes::default() };
        for operation in operations {
            match operation {
                Op::Bytes(bytes) => block.data.extend_from_slice(bytes),
                Op::Addr(place) if self.profile.indexed_addresses => {
                    block.u(DW_OP_addrx.0.into(), 1);
                    block.leb(self.address(place));
                }
                Op::Addr(place) => {
                    block.u(DW_OP_addr.0.into(), 1);
                    block.relocated(&place.section, place.offset, self.profile.address);
                }
            }
        }
        block
    }

    fn list(&mut self, form: DwForm, entries: &[Vec<Op>]) {
        let profile = self.profile;
        let start = self.lists.len();
        for (index, operations) in entries.iter().enumerate() {
            let block = self.expression(operations);
            let (low, high) = (index as u64 * 16, index as u64 * 16 + 16);
            if profile.version < 5 {
                self.lists.relocated(".text", low, profile.address);
                self.lists.relocated(".text", high, profile.address);
                self.lists.u(block.len(), 2);
            } else {
                if profile.indexed_addresses {
                    let address = self.address(&super::entries::place(".text", low));
                    self.lists.u(DW_LLE_startx_length.0.into(), 1);
                    self.lists.leb(address);
                } else {
                    self.lists.u(DW_LLE_start_length.0.into(), 1);
                    self.lists.relocated(".text", low, profile.address);
                }
                self.lists.leb(high - low);
                self.lists.leb(block.len());
            }
            self.lists.data.extend_from_slice(&block.data);
        }
        if profile.version < 5 {
            self.lists.u(0, profile.address).u(0, profile.address);
            let at = self.writer.section(".debug_loc").len() + start;
            self.offset(".debug_loc", at);
        } else {
            self.lists.u(DW_LLE_end_of_list.0.into(), 1);
            if form == DW_FORM_loclistx {
                self.list_offsets.push(start);
                let index = self.list_offsets.len() as u64 - 1;
                self.out().leb(index);
            } else {
                let header = if profile.dwarf64 { 20 } else { 12 };
                let at = self.writer.section(".debug_loclists").len() + header + start;
                self.offset(".debug_loclists", at);
            }
        }
    }
}

fn strx(form: DwForm) -> bool {
    matches!(form, DW_FORM_strx | DW_FORM_strx1 | DW_FORM_strx2 | DW_FORM_strx3 | DW_FORM_strx4)
}
