//! The kinds of a BTF type record and how many words follow each one's head.

/// Kind of a type record, as stored in bits 24–28 of its `info` word.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Int = 1,
    Ptr,
    Array,
    Struct,
    Union,
    Enum,
    Fwd,
    Typedef,
    Volatile,
    Const,
    Restrict,
    Func,
    FuncProto,
    Var,
    Datasec,
    Float,
    DeclTag,
    TypeTag,
    Enum64,
}

/// What follows the three head words of a record, counted in 32-bit words, and which of all these words mean what.
///
/// Readers that must not allocate walk a record by this table; [`crate::Type::references`] and [`crate::Type::names`]
/// say the same about the owned form, and a test holds the two together.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Whether the head's third word is a type id (else a size or unused).
    pub head_is_reference: bool,
    /// Words that follow once per record.
    pub fixed_words: usize,
    /// How many of the first fixed words are type ids.
    pub fixed_references: usize,
    /// Words that follow for each of the record's `vlen` elements.
    pub element_words: usize,
    /// Position of the element's name in it.
    pub element_name: Option<usize>,
    /// Position of the element's type id in it.
    pub element_reference: Option<usize>,
}

impl Kind {
    /// Every kind in the order of its number.
    pub const ALL: [Kind; 19] = [
        Kind::Int,
        Kind::Ptr,
        Kind::Array,
        Kind::Struct,
        Kind::Union,
        Kind::Enum,
        Kind::Fwd,
        Kind::Typedef,
        Kind::Volatile,
        Kind::Const,
        Kind::Restrict,
        Kind::Func,
        Kind::FuncProto,
        Kind::Var,
        Kind::Datasec,
        Kind::Float,
        Kind::DeclTag,
        Kind::TypeTag,
        Kind::Enum64,
    ];

    /// The kind with this number; `None` for 0 (void is no record) and for numbers this crate does not know.
    pub fn from_u8(number: u8) -> Option<Kind> {
        Kind::ALL.get(usize::from(number).checked_sub(1)?).copied()
    }

    /// The name that the kernel and bpftool print.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Int => "INT",
            Kind::Ptr => "PTR",
            Kind::Array => "ARRAY",
            Kind::Struct => "STRUCT",
            Kind::Union => "UNION",
            Kind::Enum => "ENUM",
            Kind::Fwd => "FWD",
            Kind::Typedef => "TYPEDEF",
            Kind::Volatile => "VOLATILE",
            Kind::Const => "CONST",
            Kind::Restrict => "RESTRICT",
            Kind::Func => "FUNC",
            Kind::FuncProto => "FUNC_PROTO",
            Kind::Var => "VAR",
            Kind::Datasec => "DATASEC",
            Kind::Float => "FLOAT",
            Kind::DeclTag => "DECL_TAG",
            Kind::TypeTag => "TYPE_TAG",
            Kind::Enum64 => "ENUM64",
        }
    }

    /// Words of a record of this kind beyond its head.
    pub fn shape(self) -> Shape {
        let plain = Shape {
            head_is_reference: false,
            fixed_words: 0,
            fixed_references: 0,
            element_words: 0,
            element_name: None,
            element_reference: None,
        };
        let reference = Shape { head_is_reference: true, ..plain };
        match self {
            Kind::Int => Shape { fixed_words: 1, ..plain },
            Kind::Ptr | Kind::Typedef | Kind::Volatile | Kind::Const | Kind::Restrict | Kind::Func | Kind::TypeTag => {
                reference
            }
            Kind::Var | Kind::DeclTag => Shape { fixed_words: 1, ..reference },
            Kind::Array => Shape { fixed_words: 3, fixed_references: 2, ..plain },
            Kind::Struct | Kind::Union => {
                Shape { element_words: 3, element_name: Some(0), element_reference: Some(1), ..plain }
            }
            Kind::Enum => Shape { element_words: 2, element_name: Some(0), ..plain },
            Kind::Enum64 => Shape { element_words: 3, element_name: Some(0), ..plain },
            Kind::FuncProto => {
                Shape { element_words: 2, element_name: Some(0), element_reference: Some(1), ..reference }
            }
            Kind::Datasec => Shape { element_words: 3, element_reference: Some(0), ..plain },
            Kind::Fwd | Kind::Float => plain,
        }
    }

    /// Whether this is a const, volatile, restrict, typedef or type tag: a link in a chain that ends in another type.
    pub fn is_modifier(self) -> bool {
        matches!(self, Kind::Typedef | Kind::Volatile | Kind::Const | Kind::Restrict | Kind::TypeTag)
    }
}
