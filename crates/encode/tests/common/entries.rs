//! Debugging information entries, written down as trees.
//!
//! `structure("s", 8).with([member("a", "int", 0)])` is the entry of `struct s { int a; }`; what refers to an entry
//! does so by its label, which is its name unless `labelled` gives another. How an attribute is written (its form) is
//! the profile's choice, so that one tree can be written in every version and form of DWARF.

use gimli::constants::*;

#[derive(Debug, Clone)]
pub struct Entry {
    pub tag: DwTag,
    pub label: String,
    pub attributes: Vec<(DwAt, Value)>,
    pub children: Vec<Entry>,
    /// So many entries of this kind inside one another; the children belong to the innermost.
    pub nested: usize,
}

#[derive(Debug, Clone)]
pub enum Value {
    U(u64),
    S(i64),
    Flag(bool),
    Str(String),
    /// An entry of the same unit.
    Ref(String),
    /// An entry of any unit, through `DW_FORM_ref_addr`.
    Far(String),
    /// The type unit of that signature.
    Sig(u64),
    Addr(Place),
    Expr(Vec<Op>),
    /// A location list: one expression for each of as many ranges.
    List(Vec<Vec<Op>>),
    /// That form with those bytes.
    Raw(DwForm, Vec<u8>),
}

/// A section's name and an offset in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub section: String,
    pub offset: u64,
}

#[derive(Debug, Clone)]
pub enum Op {
    Bytes(Vec<u8>),
    /// DW_OP_addr or DW_OP_addrx.
    Addr(Place),
}

pub fn entry(tag: DwTag) -> Entry {
    Entry { tag, label: String::new(), attributes: Vec::new(), children: Vec::new(), nested: 1 }
}

pub fn named(tag: DwTag, name: &str) -> Entry {
    entry(tag).at(DW_AT_name, name).labelled(name)
}

pub fn place(section: &str, offset: u64) -> Place {
    Place { section: section.to_owned(), offset }
}

impl Entry {
    pub fn at(mut self, name: DwAt, value: impl Into<Value>) -> Entry {
        self.attributes.retain(|(had, _)| *had != name);
        self.attributes.push((name, value.into()));
        self
    }

    pub fn without(mut self, name: DwAt) -> Entry {
        self.attributes.retain(|(had, _)| *had != name);
        self
    }

    pub fn with(mut self, children: impl IntoIterator<Item = Entry>) -> Entry {
        self.children.extend(children);
        self
    }

    pub fn labelled(mut self, label: &str) -> Entry {
        self.label = label.to_owned();
        self
    }

    /// `DW_AT_type`; "void" stands for its absence.
    pub fn typed(self, target: &str) -> Entry {
        if target == "void" { self } else { self.at(DW_AT_type, Value::Ref(target.to_owned())) }
    }

    pub fn declaration(self) -> Entry {
        self.at(DW_AT_declaration, true)
    }

    pub fn external(self) -> Entry {
        self.at(DW_AT_external, true)
    }

    pub fn origin(self, label: &str) -> Entry {
        self.at(DW_AT_abstract_origin, Value::Ref(label.to_owned()))
    }

    pub fn location(self, value: impl Into<Value>) -> Entry {
        self.at(DW_AT_location, value)
    }

    pub fn tagged(self, kind: &str, text: &str) -> Entry {
        self.with([annotation(kind, text)])
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Value {
        Value::U(value)
    }
}
impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::S(value)
    }
}
/// Literals.
impl From<i32> for Value {
    fn from(value: i32) -> Value {
        u64::try_from(value).map_or(Value::S(value.into()), Value::U)
    }
}
impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Flag(value)
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::Str(value.to_owned())
    }
}
impl From<Place> for Value {
    fn from(value: Place) -> Value {
        Value::Addr(value)
    }
}

pub const SIGNED: DwAte = DW_ATE_signed;
pub const UNSIGNED: DwAte = DW_ATE_unsigned;

pub fn base(name: &str, size: u64, encoding: DwAte) -> Entry {
    named(DW_TAG_base_type, name).at(DW_AT_byte_size, size).at(DW_AT_encoding, u64::from(encoding.0))
}

/// The base types that most units start with.
pub fn bases() -> Vec<Entry> {
    vec![
        base("int", 4, SIGNED),
        base("unsigned int", 4, UNSIGNED),
        base("long int", 8, SIGNED),
        base("char", 1, DW_ATE_signed_char),
    ]
}

/// An entry without a name that only refers to another: pointers, qualifiers and their like.
pub fn reference(tag: DwTag, label: &str, target: &str) -> Entry {
    entry(tag).labelled(label).typed(target)
}

pub fn pointer(label: &str, target: &str) -> Entry {
    reference(DW_TAG_pointer_type, label, target).at(DW_AT_byte_size, 8)
}

pub fn constant(label: &str, target: &str) -> Entry {
    reference(DW_TAG_const_type, label, target)
}

pub fn typedef(name: &str, target: &str) -> Entry {
    named(DW_TAG_typedef, name).typed(target)
}

fn aggregate(tag: DwTag, name: &str, size: u64) -> Entry {
    let entry = if name.is_empty() { entry(tag) } else { named(tag, name) };
    entry.at(DW_AT_byte_size, size)
}

pub fn structure(name: &str, size: u64) -> Entry {
    aggregate(DW_TAG_structure_type, name, size)
}

pub fn union(name: &str, size: u64) -> Entry {
    aggregate(DW_TAG_union_type, name, size)
}

pub fn forward(tag: DwTag, name: &str) -> Entry {
    named(tag, name).declaration()
}

pub fn member(name: &str, target: &str, offset: u64) -> Entry {
    let entry = if name.is_empty() { entry(DW_TAG_member) } else { entry(DW_TAG_member).at(DW_AT_name, name) };
    entry.typed(target).at(DW_AT_data_member_location, offset)
}

/// A bit field as DWARF 4 and later have it.
pub fn bits(name: &str, target: &str, offset: u64, size: u64) -> Entry {
    member(name, target, 0)
        .without(DW_AT_data_member_location)
        .at(DW_AT_bit_size, size)
        .at(DW_AT_data_bit_offset, offset)
}

/// A bit field as DWARF 2 and 3 have it: `offset` counts from the most significant bit of the storage unit at `byte`.
pub fn old_bits(name: &str, target: &str, byte: u64, offset: u64, size: u64) -> Entry {
    member(name, target, byte).at(DW_AT_bit_size, size).at(DW_AT_bit_offset, offset)
}

pub fn enumeration(name: &str, size: u64, values: &[(&str, i64)]) -> Entry {
    aggregate(DW_TAG_enumeration_type, name, size).with(values.iter().map(|(name, value)| enumerator(name, *value)))
}

pub fn enumerator(name: &str, value: impl Into<Value>) -> Entry {
    entry(DW_TAG_enumerator).at(DW_AT_name, name).at(DW_AT_const_value, value)
}

/// Each number is an upper bound plus one, that is, so many elements.
pub fn array(label: &str, element: &str, dimensions: &[u64]) -> Entry {
    let bounds = dimensions.iter().map(|count| entry(DW_TAG_subrange_type).at(DW_AT_upper_bound, count - 1));
    reference(DW_TAG_array_type, label, element).with(bounds)
}

pub fn prototype(label: &str, result: &str, parameters: &[&str]) -> Entry {
    reference(DW_TAG_subroutine_type, label, result)
        .at(DW_AT_prototyped, true)
        .with(parameters.iter().map(|target| entry(DW_TAG_formal_parameter).typed(target)))
}

pub fn function(name: &str, result: &str, offset: u64) -> Entry {
    named(DW_TAG_subprogram, name)
        .labelled(&format!("fn {name}"))
        .external()
        .typed(result)
        .at(DW_AT_low_pc, place(".text", offset))
        .at(DW_AT_high_pc, 8)
}

/// The instance of a function that others are made from: it has no address.
pub fn inlined(name: &str, result: &str) -> Entry {
    function(name, result, 0).without(DW_AT_low_pc).without(DW_AT_high_pc).at(DW_AT_inline, 1)
}

/// A function made from an abstract instance.
pub fn instance(of: &str, offset: u64) -> Entry {
    entry(DW_TAG_subprogram).origin(&format!("fn {of}")).at(DW_AT_low_pc, place(".text", offset)).at(DW_AT_high_pc, 8)
}

pub fn parameter(name: &str, target: &str) -> Entry {
    named(DW_TAG_formal_parameter, name).labelled("").typed(target)
}

/// A parameter made from the one of an abstract instance with that label.
pub fn parameter_of(label: &str) -> Entry {
    entry(DW_TAG_formal_parameter).origin(label)
}

pub fn variadic() -> Entry {
    entry(DW_TAG_unspecified_parameters)
}

pub fn variable(name: &str, target: &str, at: Place) -> Entry {
    named(DW_TAG_variable, name).labelled("").external().typed(target).location(Value::Expr(vec![Op::Addr(at)]))
}

pub fn annotation(kind: &str, text: &str) -> Entry {
    entry(LLVM_ANNOTATION).at(DW_AT_name, kind).at(DW_AT_const_value, text)
}

pub const LLVM_ANNOTATION: DwTag = DwTag(0x6000);
pub const GNU_ANNOTATION: DwTag = DwTag(0x6001);
pub const GNU_ANNOTATION_AT: DwAt = DwAt(0x2139);

/// In register `number`.
pub fn register(number: u8) -> Vec<Op> {
    if number < 32 { bytes(&[DW_OP_reg0.0 + number]) } else { bytes(&[DW_OP_regx.0, number]) }
}

/// On the stack, `offset` (-64..64) bytes from the frame base.
pub fn on_stack(offset: i8) -> Vec<Op> {
    bytes(&[DW_OP_fbreg.0, offset as u8 & 0x7f])
}

/// The value that register `number` had at the start of the function.
pub fn entry_value(number: u8) -> Vec<Op> {
    bytes(&[DW_OP_entry_value.0, 1, DW_OP_reg0.0 + number, DW_OP_stack_value.0])
}

pub fn bytes(bytes: &[u8]) -> Vec<Op> {
    vec![Op::Bytes(bytes.to_vec())]
}

impl From<Vec<Op>> for Value {
    fn from(operations: Vec<Op>) -> Value {
        Value::Expr(operations)
    }
}
