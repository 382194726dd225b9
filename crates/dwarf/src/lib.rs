//! DWARF as a BTF encoder needs it: units lowered to types, functions and variables.
//!
//! [`Units::read`] finds the units and which must be read together; [`Lowering::lower`] turns such a group into
//! [`Lowered`], on any thread, without a look at other groups.

mod abbreviations;
mod alignment;
mod chains;
mod codes;
mod common;
mod common_members;
mod common_types;
mod convention;
mod declarations;
mod entry;
mod error;
mod function;
mod index;
mod layout;
mod location;
mod lower;
mod member_run;
mod members;
pub mod names;
mod plan;
mod quick;
mod relocation_block;
mod relocations;
mod room;
mod sections;
mod settle;
mod tables;
mod types;
mod unit;
mod variable;

pub use convention::Convention;
pub use error::{DwarfError, Fault};
pub use lower::{Lowering, Program, Settings};
pub use room::Room;
pub use sections::{Placed, Plain, RawRelocation, Relocate, RelocationSource, Section, Sections};
pub use unit::{Group, Units};

use btfkit_btf::unit::{Local, Name, UnitTypes};

/// What a group of units says.
#[derive(Debug, Default)]
pub struct Lowered {
    pub types: UnitTypes,
    /// Types that functions and variables refer to, by index.
    pub anchors: Vec<Local>,
    pub functions: Vec<Function>,
    pub variables: Vec<Variable>,
    pub diagnostics: Vec<Diagnostic>,
    /// Functions that have code and no symbol.
    pub unlisted: Vec<Name>,
    /// Names that were put together from others.
    pub made_names: Vec<Vec<u8>>,
    /// Position of the group in `.debug_info`, from which its types' entries are counted.
    pub start: u64,
    /// Where in the group its units start, and their names.
    pub unit_names: Vec<(u32, Name)>,
    /// Compile units read, and left out by their language.
    pub units: u32,
    pub excluded: u32,
}

/// One instance of a function whose name has a symbol.
#[derive(Debug, Clone)]
pub struct Function {
    /// What [`Program::function`] said of its name.
    pub symbol: u32,
    /// None for abstract instances.
    pub address: Option<u64>,
    /// Anchor of the prototype, as the source has it.
    pub proto: u32,
    /// Anchor of the prototype that the machine code has, where the compiler changed it and that was asked for.
    pub true_proto: Option<u32>,
    pub facts: Facts,
    /// Component (-1: the function) and text of `btf_decl_tag` annotations.
    pub tags: Vec<(i32, Name)>,
}

/// What the locations of a function's parameters say (spec: `dwarf_loader.c` of dwarves).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Facts {
    /// A parameter is in a register that the calling convention has for another one.
    pub unexpected_register: bool,
    /// A parameter is gone, or constant.
    pub optimized_parameters: bool,
    /// Parameters are not in the order of the source.
    pub reordered_parameters: bool,
    /// A parameter is on the stack where BTF cannot say.
    pub uncertain_location: bool,
    /// The producer says that it changed the signature (clang, DW_CC_nocall).
    pub signature_changed: bool,
    /// A parameter has no name, so that the kernel would refuse the function.
    pub unnamed_parameter: bool,
    /// The result (bit 0) and parameters that are, or point to, an ENUM64.
    pub wide_enums: u64,
}

/// A variable of static storage in a section that was asked for.
#[derive(Debug, Clone)]
pub struct Variable {
    pub name: Name,
    /// Anchor of its type; None for void.
    pub ty: Option<u32>,
    pub address: u64,
    /// In bytes, by its type; 0 where that has none.
    pub size: u64,
    pub external: bool,
    pub tags: Vec<Name>,
}

/// Something that was not taken as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub unit: Name,
    /// Offset of the entry in its section.
    pub at: u64,
    /// Stable, for machines.
    pub code: &'static str,
    pub message: String,
}
