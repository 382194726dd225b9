//! The walk: one pass over the entries of a group of units.
//!
//! It notes types (in the order of their entries, which gives the local ids), functions and variables. What refers to
//! an entry keeps that entry's offset; [`crate::settle`] turns offsets into ids once all entries are known.
//!
//! Entries nest, so there is a stack of frames, one for each open entry with children. Bodies of functions are walked
//! too, because types are declared in them.

use crate::abbreviations::Abbreviations;
use crate::chains::Chains;
use crate::codes::{Codes, Table};
use crate::convention::Convention;
use crate::entry::{Class, Cursor, Entry};
use crate::error::{DwarfError, Fault};
use crate::function::{KnownFunction, RawFunction, RawParameter};
use crate::index::Index;
use crate::location::Op;
use crate::members::{OldBitfield, OpenAggregate, OpenEnumeration, OpenPrototype};
use crate::names::{Identity, Names, StringTable};
use crate::plan::{Attr, Plan, Role};
use crate::sections::{Bytes, Relocate, Sections};
use crate::tables::ReadTables;
use crate::unit::{Group, Unit, Units};
use crate::variable::RawVariable;
use crate::{Diagnostic, Lowered};
use btfkit_btf::unit::{Local, LocalMember, LocalType, Name, UnitTypes, name_hash};
use gimli::constants as dw;
use rustc_hash::FxHashMap;

/// What lowering asks of the program that the units are part of.
pub trait Program: Sync {
    /// The number of the function symbol with this base name (by [`btfkit_btf::unit::name_hash`]), if there is one.
    fn function(&self, name: u64) -> Option<u32>;
    /// A unit declares that function without defining it.
    fn declares(&self, function: u32);
    /// Are variables at this address wanted?
    fn wants_variable(&self, address: u64) -> bool;
}

/// How units are lowered.
#[derive(Debug, Clone)]
pub struct Settings {
    pub float: bool,
    pub decl_tag: bool,
    pub type_tag: bool,
    pub enum64: bool,
    pub true_signature: bool,
    /// DW_LANG codes.
    pub excluded_languages: Vec<u16>,
    pub convention: Convention,
}

/// A reference as the walk notes it: an offset in the group, or a local id that is known already.
///
/// Offset 0 is a unit's header, so 0 can stand for void.
pub(crate) const NOTHING: u32 = 0;
/// Refers to what is not there.
pub(crate) const UNRESOLVED: u32 = (1 << 31) - 1;
/// The other bits are the position among [`Lowering::extra`] types.
pub(crate) const EXTRA: u32 = 1 << 31;

/// Lowers groups of units, one after the other; each thread has one.
pub struct Lowering<'a> {
    pub(crate) sections: Sections<'a>,
    pub(crate) units: &'a Units,
    pub(crate) settings: &'a Settings,
    pub(crate) program: &'a dyn Program,
    pub(crate) info_len: u64,
    pub(crate) names: Names<'a>,
    pub(crate) addr: Option<Box<dyn Relocate + 'a>>,
    /// For addresses of variables, which come one after the other: of `.debug_info` and `.debug_types`.
    pub(crate) static_addresses: [Option<Box<dyn Relocate + 'a>>; 2],
    tables: ReadTables,
    pub(crate) abbreviations: Abbreviations,
    pub(crate) stack: Vec<Frame>,
    pub(crate) open_functions: Vec<OpenFunction>,
    pub(crate) aggregates: Vec<OpenAggregate>,
    pub(crate) enumerations: Vec<OpenEnumeration>,
    pub(crate) prototypes: Vec<OpenPrototype>,
    /// What the members and parameters of the types that are open refer to.
    pub(crate) pending: Vec<u32>,
    pending_parameters: Vec<RawParameter>,
    pub(crate) index: Index,
    pub(crate) types: UnitTypes,
    /// Members of types that are not as their entries say, or that have no entry; `made` tells where the first one is.
    pub(crate) members: Vec<LocalMember>,
    pub(crate) made: FxHashMap<Local, u32>,
    /// Types without an entry of their own; they get the ids after all others.
    pub(crate) extra: Vec<LocalType>,
    pub(crate) holes: Vec<Hole>,
    pub(crate) old_bitfields: Vec<OldBitfield>,
    pub(crate) wide_enums: Vec<(Local, u32)>,
    pub(crate) copied_names: Vec<(Local, u32)>,
    pub(crate) alignments: Vec<(Local, u64)>,
    /// Types of floating point numbers, in ascending order: they are passed in registers of their own.
    pub(crate) floats: Vec<Local>,
    /// Base types without a size (Rust's `()`): integers to BTF, for which members of such a type have no room.
    pub(crate) sizeless: Vec<Local>,
    /// Aggregates that have more than BTF can say.
    pub(crate) too_large: Vec<Local>,
    /// Types that settling has to look at closely.
    pub(crate) care: Vec<Local>,
    pub(crate) chains: Chains,
    pub(crate) has_int: bool,
    pub(crate) has_array: bool,
    pub(crate) tags: Vec<RawTag>,
    pub(crate) gnu_carriers: Vec<(Carrier, u32)>,
    pub(crate) gnu_annotations: Vec<GnuAnnotation>,
    pub(crate) functions: Vec<RawFunction>,
    pub(crate) parameters: Vec<RawParameter>,
    pub(crate) variables: Vec<RawVariable>,
    /// Declarations that definitions may refer to.
    pub(crate) declarations: Vec<RawVariable>,
    pub(crate) contexts: Vec<Context>,
    /// By which members were read again the last time: what is new in a unit is asked for in ascending order. With the
    /// `base` of that unit.
    pub(crate) rereading: Option<(u32, Cursor<'a>)>,
    pub(crate) group: u32,
    pub(crate) start: u64,
    pub(crate) length: u32,
    /// By hash of the offset of their names.
    pub(crate) recent_functions: Vec<KnownFunction>,
    /// Of one expression.
    pub(crate) ops: Vec<Op>,
    pub(crate) lowered: Lowered,
}

/// An entry that has an id and gives no type: it stands for its target.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hole {
    pub local: Local,
    pub target: u32,
}

/// A unit while its entries are read, and afterwards for those who read more of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context {
    pub unit: Unit,
    pub name: Name,
    /// Of the unit's first byte from the start of the group.
    pub base: u32,
    pub clang: bool,
    pub sorts_members: bool,
    pub strings: StringTable,
    pub addr_base: u64,
    pub loclists_base: u64,
}

/// What a `btf_decl_tag` is on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Carrier {
    Pointer(Local),
    Type(Local, i32),
    /// Offset of the subprogram's entry.
    Function(u32, i32),
    /// Offset of the variable's entry.
    Variable(u32),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct RawTag {
    pub on: Carrier,
    pub text: Name,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct GnuAnnotation {
    pub at: u32,
    pub kind: Name,
    pub text: Name,
    pub next: u32,
}

/// An open entry.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Frame {
    /// Unit, namespace and the like: variables here are global.
    Scope {
        global: bool,
    },
    /// Inside of a function: only types count.
    Body,
    /// The last of [`Lowering::open_functions`]; kept: its parameters are read.
    Function {
        kept: bool,
    },
    /// The last of [`Lowering::aggregates`].
    Aggregate,
    /// The last of [`Lowering::enumerations`].
    Enumeration,
    Array {
        local: Local,
        elements: u32,
    },
    /// The last of [`Lowering::prototypes`].
    Prototype,
    /// A type whose children can only be annotations; the pointer's tags are chained as they come.
    Annotated(Carrier),
    /// Nothing in here counts.
    Ignored,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct OpenFunction {
    pub function: RawFunction,
    pub first: u32,
    pub count: u32,
}

/// Where the children of an entry are dealt with.
pub(crate) enum Children {
    None,
    Frame(Frame),
}

impl<'a> Lowering<'a> {
    pub fn new(
        sections: Sections<'a>,
        units: &'a Units,
        settings: &'a Settings,
        program: &'a dyn Program,
        identity: Identity,
    ) -> Lowering<'a> {
        Lowering {
            sections,
            units,
            settings,
            program,
            info_len: sections.info.data.len() as u64,
            names: Names::new(sections, identity),
            addr: sections.addr.relocations.map(|r| r.cursor()),
            static_addresses: [sections.info, sections.types].map(|s| s.relocations.map(|r| r.cursor())),
            tables: ReadTables::default(),
            abbreviations: Abbreviations::default(),
            stack: Vec::new(),
            open_functions: Vec::new(),
            aggregates: Vec::new(),
            enumerations: Vec::new(),
            prototypes: Vec::new(),
            pending: Vec::new(),
            pending_parameters: Vec::new(),
            index: Index::default(),
            types: UnitTypes::default(),
            members: Vec::new(),
            made: FxHashMap::default(),
            extra: Vec::new(),
            holes: Vec::new(),
            old_bitfields: Vec::new(),
            wide_enums: Vec::new(),
            copied_names: Vec::new(),
            alignments: Vec::new(),
            floats: Vec::new(),
            sizeless: Vec::new(),
            too_large: Vec::new(),
            care: Vec::new(),
            chains: Chains::default(),
            has_int: false,
            has_array: false,
            tags: Vec::new(),
            gnu_carriers: Vec::new(),
            gnu_annotations: Vec::new(),
            functions: Vec::new(),
            parameters: Vec::new(),
            variables: Vec::new(),
            declarations: Vec::new(),
            contexts: Vec::new(),
            rereading: None,
            group: 0,
            start: 0,
            length: 0,
            recent_functions: Vec::new(),
            ops: Vec::new(),
            lowered: Lowered::default(),
        }
    }

    /// Lowers a group of [`Units::groups`]. Until the next call, its [`Members`](btfkit_btf::unit::Members) can be asked
    /// for.
    pub fn lower(&mut self, number: u32) -> Result<Lowered, DwarfError> {
        let units = self.units;
        let group: &'a Group = &units.groups[number as usize];
        self.clear(number, group);
        for unit in &group.units {
            self.unit(unit)?;
        }
        self.settle();
        self.lowered.start = group.start;
        self.lowered.unit_names.extend(self.contexts.iter().map(|c| (c.base, c.name)));
        Ok(std::mem::take(&mut self.lowered))
    }

    /// Takes the room of types that are done with for those of the next group.
    pub fn recycle(&mut self, types: UnitTypes) {
        self.types = types;
    }

    fn clear(&mut self, number: u32, group: &Group) {
        (self.group, self.start, self.length) = (number, group.start, group.length);
        self.lowered = Lowered::default();
        self.tables.next_group();
        self.index.clear(group.length);
        self.types.clear();
        self.members.clear();
        self.made.clear();
        self.extra.clear();
        self.holes.clear();
        self.old_bitfields.clear();
        self.wide_enums.clear();
        self.copied_names.clear();
        self.alignments.clear();
        self.floats.clear();
        self.sizeless.clear();
        self.too_large.clear();
        self.care.clear();
        (self.has_int, self.has_array) = (false, false);
        self.tags.clear();
        self.gnu_carriers.clear();
        self.gnu_annotations.clear();
        self.functions.clear();
        self.parameters.clear();
        self.variables.clear();
        self.declarations.clear();
        self.contexts.clear();
        self.rereading = None;
    }

    fn unit(&mut self, unit: &Unit) -> Result<(), DwarfError> {
        let mut cursor = unit.cursor(&self.sections);
        self.entries(unit, &mut cursor).map_err(|fault| unit.error(cursor.at, fault))
    }

    fn entries(&mut self, unit: &Unit, cursor: &mut Cursor<'a>) -> Result<(), Fault> {
        self.with_codes(unit, |me, codes| {
            let table = Table::new(codes, unit.end - unit.start);
            match me.sections.big_endian {
                true => me.walk::<true>(unit, &table, cursor),
                false => me.walk::<false>(unit, &table, cursor),
            }
        })
    }

    /// Does something with the unit's table. Meanwhile the plans are with it, so that no other table can be read.
    #[inline(always)]
    pub(crate) fn with_codes<T>(
        &mut self,
        unit: &Unit,
        work: impl FnOnce(&mut Self, Codes<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let abbrev = Bytes::new(self.sections.abbrev.data, self.sections.big_endian);
        let mut plans = std::mem::take(&mut self.abbreviations);
        let numbers = self.tables.numbers_of(unit, &self.units.tables, abbrev, &mut plans);
        let result = numbers.and_then(|numbers| work(self, plans.codes(&numbers)));
        self.abbreviations = plans;
        result
    }

    #[inline(never)]
    fn walk<const BIG: bool>(&mut self, unit: &Unit, table: &Table<'_>, cursor: &mut Cursor<'a>) -> Result<(), Fault> {
        let mut entry = Entry::new();
        let base = (unit.position(self.info_len) - self.start) as u32;
        let start = unit.start;
        self.stack.clear();
        self.open_functions.clear();
        self.aggregates.clear();
        self.enumerations.clear();
        self.prototypes.clear();
        self.pending.clear();
        self.pending_parameters.clear();
        entry.at = cursor.at;
        // A header may be followed by nothing.
        let code = if cursor.at < unit.end { cursor.bytes.uleb(&mut cursor.at)? } else { 0 };
        if code == 0 {
            return Ok(());
        }
        let plan = table.get(code).ok_or(Fault::Abbreviation { code, table: unit.abbrev })?;
        cursor.read(plan, unit.encoding, &mut entry)?;
        let Some(context) = self.root(unit, plan, &entry, base).filter(|_| plan.children) else { return Ok(()) };
        self.stack.push(Frame::Scope { global: true });
        let commons = self.commons(&context, table, cursor);
        while cursor.at < unit.end {
            let at = cursor.at;
            let code = cursor.bytes.uleb(&mut cursor.at)?;
            if code == 0 {
                if let Some(frame) = self.stack.pop() {
                    self.close(frame);
                }
                if self.stack.is_empty() {
                    break;
                }
                continue;
            }
            let plan = table.get(code).ok_or(Fault::Abbreviation { code, table: unit.abbrev })?;
            let offset = base + (at - start) as u32;
            if self.quick::<BIG>(&context, table, commons.as_ref(), plan, cursor, offset)? {
                continue;
            }
            if !self.matters(plan.role) {
                if plan.children {
                    if let Some(next) = plan.behind_children(cursor, start) {
                        cursor.at = next;
                        continue;
                    }
                    self.stack.push(Frame::Ignored);
                }
                plan.pass(cursor, unit.encoding)?;
                continue;
            }
            // Of a block nothing is read.
            if plan.role == Role::Block {
                plan.pass(cursor, unit.encoding)?;
                if plan.children {
                    self.stack.push(Frame::Body);
                }
                continue;
            }
            entry.at = at;
            let behind = if plan.role == Role::Function { plan.behind_children(cursor, start) } else { None };
            cursor.read(plan, unit.encoding, &mut entry)?;
            if plan.role == Role::Function && cursor.relocations.is_none() {
                self.call_for_function(table, cursor.bytes, behind.unwrap_or(cursor.at));
            }
            match (self.open(&context, plan, &entry, offset), plan.children) {
                (Children::Frame(frame), true) => self.stack.push(frame),
                (Children::Frame(frame), false) => self.close(frame),
                (Children::None, true) => self.stack.push(Frame::Ignored),
                (Children::None, false) => {}
            }
        }
        // What a truncated unit leaves open is as complete as it will be.
        while let Some(frame) = self.stack.pop() {
            self.close(frame);
        }
        Ok(())
    }

    /// The root entry: what the rest of the unit depends on, or None where the unit has nothing to give.
    fn root(&mut self, unit: &Unit, plan: &Plan, entry: &Entry, base: u32) -> Option<Context> {
        let encoding = unit.encoding;
        let offset = |attr| entry.get(attr).map(|(_, value)| value);
        // DWARF 5 units have bases; the first entry of the tables follows their header.
        let header = if encoding.version >= 5 { if encoding.offset_size == 8 { 16 } else { 8 } } else { 0 };
        let strings = StringTable { base: offset(Attr::StrOffsetsBase).unwrap_or(header), encoding };
        let mut context = Context {
            unit: *unit,
            name: Name::NONE,
            base,
            clang: false,
            sorts_members: false,
            strings,
            addr_base: offset(Attr::AddrBase).unwrap_or(header),
            loclists_base: offset(Attr::LoclistsBase).unwrap_or(if encoding.offset_size == 8 { 20 } else { 12 }),
        };
        let name = self.name_by_bytes(&context, entry, Attr::Name);
        let producer = self.name_by_bytes(&context, entry, Attr::Producer);
        context.name = name;
        let at = entry.at as u64;
        match plan.tag {
            dw::DW_TAG_compile_unit | dw::DW_TAG_partial_unit | dw::DW_TAG_type_unit => {}
            dw::DW_TAG_skeleton_unit => {
                let message = "the unit's types are in a separate file (.dwo); build without -gsplit-dwarf".to_owned();
                self.lowered.diagnostics.push(Diagnostic { unit: name, at, code: "split-dwarf", message });
                return None;
            }
            other => {
                let message = format!("a unit starts with {other}, which is no unit");
                self.lowered.diagnostics.push(Diagnostic { unit: name, at, code: "unsupported-unit", message });
                return None;
            }
        }
        let language = entry.number(Attr::Language).unwrap_or(0);
        if self.settings.excluded_languages.iter().any(|&l| l as u64 == language) {
            self.lowered.excluded += 1;
            return None;
        }
        self.lowered.units += 1;
        if !producer.is_none() {
            let bytes = crate::names::bytes_of(&self.sections, producer.at, |_, _| b"");
            context.clang = memchr::memmem::find(bytes, b"clang").is_some();
        }
        context.sorts_members = language == dw::DW_LANG_Rust.0 as u64;
        self.contexts.push(context);
        Some(context)
    }

    /// A name that is compared with others than those of DWARF; see [`Names::by_bytes`].
    pub(crate) fn name_by_bytes(&mut self, context: &Context, entry: &Entry, attr: Attr) -> Name {
        match entry.get(attr) {
            Some((class, value)) => self.names.by_bytes(class, value, context.unit.in_types, context.strings),
            None => Name::NONE,
        }
    }

    #[inline]
    pub(crate) fn name(&mut self, context: &Context, entry: &Entry, attr: Attr) -> Name {
        match entry.get(attr) {
            Some((class, value)) => self.names.name(class, value, context.unit.in_types, context.strings),
            None => Name::NONE,
        }
    }

    /// What an attribute refers to, as an offset in the group.
    #[inline]
    pub(crate) fn reference(&self, context: &Context, entry: &Entry, attr: Attr) -> u32 {
        let Some((class, value)) = entry.get(attr) else { return NOTHING };
        let position = match class {
            Class::UnitRef => value.checked_add(context.base as u64),
            Class::InfoRef => value.checked_sub(self.start),
            Class::Signature => self.units.signatures.get(&value).and_then(|at| at.checked_sub(self.start)),
            _ => None,
        };
        match position {
            Some(offset) if offset < self.length as u64 && offset != 0 => offset as u32,
            _ => UNRESOLVED,
        }
    }

    pub(crate) fn diagnose(&mut self, context: &Context, at: usize, code: &'static str, message: String) {
        self.lowered.diagnostics.push(Diagnostic { unit: context.name, at: at as u64, code, message });
    }

    /// Where entries of this tag stand now, do they say anything? (Their children are walked or ignored as a whole.)
    #[inline]
    fn matters(&mut self, role: Role) -> bool {
        if role == Role::Nothing {
            return false;
        }
        match self.stack.last() {
            Some(Frame::Ignored) | None => false,
            Some(Frame::Body) => !matches!(role, Role::Variable | Role::Parameter),
            Some(Frame::Function { kept }) => match role {
                Role::Parameter => *kept,
                role => role != Role::Variable,
            },
            _ => true,
        }
    }

    fn open(&mut self, context: &Context, plan: &Plan, entry: &Entry, offset: u32) -> Children {
        match plan.role {
            Role::Member => self.member(context, entry),
            Role::Enumerator => self.enumerator(context, entry),
            Role::Parameter => self.formal_parameter(context, entry, offset),
            Role::Dots => {
                self.unspecified_parameters();
                Children::None
            }
            Role::Subrange if matches!(self.stack.last(), Some(Frame::Array { .. })) => {
                self.dimension(entry);
                Children::None
            }
            Role::Function => self.subprogram(context, entry, offset),
            Role::Variable => self.variable(context, entry, offset),
            Role::Block => Children::Frame(Frame::Body),
            Role::Scope => Children::Frame(Frame::Scope { global: false }),
            Role::Annotation => {
                self.annotation(context, entry);
                Children::None
            }
            Role::GnuAnnotation => {
                self.annotation(context, entry);
                let annotation = GnuAnnotation {
                    at: offset,
                    kind: self.name_by_bytes(context, entry, Attr::Name),
                    text: self.name(context, entry, Attr::ConstValue),
                    next: self.reference(context, entry, Attr::GnuAnnotation),
                };
                self.gnu_annotations.push(annotation);
                Children::None
            }
            Role::Subrange | Role::Type | Role::Nothing => self.type_entry(context, plan.tag, entry, offset),
        }
    }

    pub(crate) fn close(&mut self, frame: Frame) {
        match frame {
            Frame::Aggregate => self.close_aggregate(),
            Frame::Enumeration => self.close_enumeration(),
            Frame::Array { local, elements } => self.close_array(local, elements),
            Frame::Prototype => self.close_prototype(),
            Frame::Function { kept } => self.close_function(kept),
            Frame::Annotated(Carrier::Pointer(local)) => self.types.order.push(local),
            Frame::Annotated(Carrier::Type(local, -1)) => self.types.order.push(local),
            Frame::Annotated(_) | Frame::Scope { .. } | Frame::Body | Frame::Ignored => {}
        }
    }

    /// A child entry that annotates its parent.
    fn annotation(&mut self, context: &Context, entry: &Entry) {
        let on = match self.stack.last() {
            Some(Frame::Annotated(carrier)) => *carrier,
            Some(Frame::Aggregate) => match self.aggregates.last() {
                Some(open) => Carrier::Type(open.local, -1),
                None => return,
            },
            Some(Frame::Function { .. }) => match self.open_functions.last() {
                Some(open) => Carrier::Function(open.function.at, -1),
                None => return,
            },
            _ => return,
        };
        let kind = self.name_by_bytes(context, entry, Attr::Name);
        let text = self.name(context, entry, Attr::ConstValue);
        self.annotate(on, kind, text);
    }

    pub(crate) fn annotate(&mut self, on: Carrier, kind: Name, text: Name) {
        if text.is_none() {
            return;
        }
        match on {
            Carrier::Pointer(local) => {
                if kind.hash == tag_kinds().type_tag && self.settings.type_tag {
                    self.tag_pointer(local, text);
                }
            }
            on => {
                if kind.hash == tag_kinds().decl_tag && self.settings.decl_tag {
                    self.tags.push(RawTag { on, text });
                }
            }
        }
    }

    /// Puts a TYPE_TAG between a pointer and what it points to.
    fn tag_pointer(&mut self, pointer: Local, text: Name) {
        let target = self.types.types[pointer as usize].target;
        let at = self.types.types[pointer as usize].at;
        let tag = LocalType { kind: Some(btfkit_btf::Kind::TypeTag), name: text, target, at, ..LocalType::default() };
        let id = EXTRA | self.extra.len() as u32;
        self.extra.push(tag);
        self.types.order.push(id);
        self.types.types[pointer as usize].target = id;
    }

    pub(crate) fn section_bytes(&self, context: &Context) -> Bytes<'a> {
        Bytes::new(context.unit.section(&self.sections).data, self.sections.big_endian)
    }

    /// The context of the unit that an offset of the group lies in.
    pub(crate) fn context_of(&self, offset: u32) -> Option<Context> {
        let after = self.contexts.partition_point(|c| c.base <= offset);
        self.contexts.get(after.checked_sub(1)?).copied()
    }

    pub(crate) fn diagnose_type(&mut self, offset: u32, code: &'static str, message: String) {
        let Some(context) = self.context_of(offset) else { return };
        let at = context.unit.start + (offset - context.base) as usize;
        self.diagnose(&context, at, code, message);
    }

    #[inline]
    pub(crate) fn parent(&self) -> Option<&Frame> {
        self.stack.last()
    }

    #[inline]
    pub(crate) fn pending_parameters(&mut self) -> &mut Vec<RawParameter> {
        &mut self.pending_parameters
    }
}

/// Hashes of the names that annotations have.
pub(crate) struct TagKinds {
    pub type_tag: u64,
    pub decl_tag: u64,
}

pub(crate) fn tag_kinds() -> &'static TagKinds {
    static KINDS: std::sync::LazyLock<TagKinds> = std::sync::LazyLock::new(|| TagKinds {
        type_tag: name_hash(b"btf_type_tag"),
        decl_tag: name_hash(b"btf_decl_tag"),
    });
    &KINDS
}
