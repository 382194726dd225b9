//! The owned form of a type record.
//!
//! Names are offsets into the string section, references are type ids: a [`Type`] means something only together with
//! the [`crate::Btf`] or [`crate::Writer`] that it belongs to.

use crate::Kind;

/// Number of a type in a BTF (in split BTF, in it and its base together). 0 is `void`, which has no record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(pub u32);

impl TypeId {
    pub const VOID: TypeId = TypeId(0);

    pub fn is_void(self) -> bool {
        self == TypeId::VOID
    }

    /// The id as an index, for tables with one slot per type.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl std::fmt::Display for TypeId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Bits of an integer's encoding; at most one is set.
pub mod encoding {
    pub const SIGNED: u8 = 1;
    pub const CHAR: u8 = 2;
    pub const BOOL: u8 = 4;
}

/// Linkage of functions and variables.
pub mod linkage {
    pub const STATIC: u32 = 0;
    pub const GLOBAL: u32 = 1;
    pub const EXTERN: u32 = 2;
}

/// One type record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// `size` in bytes, `offset` and `bits` in bits, `encoding` from [`encoding`].
    Int {
        name: u32,
        size: u32,
        encoding: u8,
        offset: u8,
        bits: u8,
    },
    Float {
        name: u32,
        size: u32,
    },
    Ptr(TypeId),
    Const(TypeId),
    Volatile(TypeId),
    Restrict(TypeId),
    Typedef {
        name: u32,
        ty: TypeId,
    },
    Array {
        elem: TypeId,
        index: TypeId,
        nelems: u32,
    },
    Struct(Aggregate),
    Union(Aggregate),
    /// Without values it is the forward declaration of an enum. Values are 32 bits, signed or not by `signed`.
    Enum {
        name: u32,
        size: u32,
        signed: bool,
        values: Vec<(u32, u32)>,
    },
    Enum64 {
        name: u32,
        size: u32,
        signed: bool,
        values: Vec<(u32, u64)>,
    },
    /// Declaration of a struct, or of a union, that is not defined here.
    Fwd {
        name: u32,
        union: bool,
    },
    /// `linkage` from [`linkage`].
    Func {
        name: u32,
        linkage: u32,
        proto: TypeId,
    },
    /// A last parameter without name and type says that more arguments may follow.
    FuncProto {
        ret: TypeId,
        params: Vec<Param>,
    },
    /// `linkage` from [`linkage`].
    Var {
        name: u32,
        ty: TypeId,
        linkage: u32,
    },
    Datasec {
        name: u32,
        size: u32,
        vars: Vec<SecVar>,
    },
    /// `component` is -1 for the whole of `ty`, else the index of a member or parameter. `attribute` tells a plain
    /// `__attribute__` from a `btf_decl_tag`.
    DeclTag {
        value: u32,
        ty: TypeId,
        component: i32,
        attribute: bool,
    },
    TypeTag {
        value: u32,
        ty: TypeId,
        attribute: bool,
    },
    /// A record of a kind that this crate does not know, in a blob whose layout section says how long it is.
    Unknown(UnknownRecord),
}

/// Body of a struct or union; `size` in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Aggregate {
    pub name: u32,
    pub size: u32,
    /// Says how to read the members' offset words, see [`Member::offset`].
    pub kind_flag: bool,
    pub members: Vec<Member>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Member {
    pub name: u32,
    pub ty: TypeId,
    /// The raw word: without the aggregate's kind flag the bit offset, with it the bit offset in the low 24 bits and
    /// the width of a bitfield (0 for none) in the high 8.
    pub offset: u32,
}

impl Member {
    /// The offset word of a member of an aggregate with kind flag.
    pub fn bitfield_offset(bit_offset: u32, width: u8) -> u32 {
        (bit_offset & 0xff_ffff) | u32::from(width) << 24
    }

    pub fn bit_offset(&self, kind_flag: bool) -> u32 {
        if kind_flag { self.offset & 0xff_ffff } else { self.offset }
    }

    /// Width of the bitfield in bits, 0 where the member is none (or is one of the old style, by its integer's bits).
    pub fn bitfield_width(&self, kind_flag: bool) -> u8 {
        if kind_flag { (self.offset >> 24) as u8 } else { 0 }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Param {
    pub name: u32,
    pub ty: TypeId,
}

/// One variable of a data section; `offset` and `size` in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SecVar {
    pub var: TypeId,
    pub offset: u32,
    pub size: u32,
}

/// A record of an unknown kind: its head and the words after it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UnknownRecord {
    pub kind: u8,
    pub kind_flag: bool,
    pub name: u32,
    pub vlen: u32,
    pub size_or_type: u32,
    pub words: Vec<u32>,
}

/// The one list of the fields that are references. Both [`Type::references`] and [`Type::references_mut`] are made
/// from it, so that no walker can forget a field that another one knows.
macro_rules! reference_fields {
    ($ty:expr, $visit:expr) => {
        match $ty {
            Type::Int { .. }
            | Type::Float { .. }
            | Type::Enum { .. }
            | Type::Enum64 { .. }
            | Type::Fwd { .. }
            | Type::Unknown(_) => {}
            Type::Ptr(ty) | Type::Const(ty) | Type::Volatile(ty) | Type::Restrict(ty) => $visit(ty),
            Type::Typedef { ty, .. } | Type::Var { ty, .. } => $visit(ty),
            Type::DeclTag { ty, .. } | Type::TypeTag { ty, .. } => $visit(ty),
            Type::Func { proto, .. } => $visit(proto),
            Type::Array { elem, index, .. } => {
                $visit(elem);
                $visit(index);
            }
            Type::Struct(Aggregate { members, .. }) | Type::Union(Aggregate { members, .. }) => {
                for Member { ty, .. } in members {
                    $visit(ty);
                }
            }
            Type::FuncProto { ret, params } => {
                $visit(ret);
                for Param { ty, .. } in params {
                    $visit(ty);
                }
            }
            Type::Datasec { vars, .. } => {
                for SecVar { var, .. } in vars {
                    $visit(var);
                }
            }
        }
    };
}

/// The one list of the fields that are string offsets, the type's own name first and then its elements' names.
macro_rules! name_fields {
    ($ty:expr, $visit:expr) => {
        match $ty {
            Type::Ptr(_) | Type::Const(_) | Type::Volatile(_) | Type::Restrict(_) | Type::Array { .. } => {}
            Type::Int { name, .. } | Type::Float { name, .. } | Type::Typedef { name, .. } => $visit(name),
            Type::Fwd { name, .. } | Type::Func { name, .. } | Type::Var { name, .. } => $visit(name),
            Type::Datasec { name, .. } | Type::Unknown(UnknownRecord { name, .. }) => $visit(name),
            Type::DeclTag { value, .. } | Type::TypeTag { value, .. } => $visit(value),
            Type::Struct(Aggregate { name, members, .. }) | Type::Union(Aggregate { name, members, .. }) => {
                $visit(name);
                for Member { name, .. } in members {
                    $visit(name);
                }
            }
            Type::Enum { name, values, .. } => {
                $visit(name);
                for (name, _) in values {
                    $visit(name);
                }
            }
            Type::Enum64 { name, values, .. } => {
                $visit(name);
                for (name, _) in values {
                    $visit(name);
                }
            }
            Type::FuncProto { params, .. } => {
                for Param { name, .. } in params {
                    $visit(name);
                }
            }
        }
    };
}

impl Type {
    /// `None` for a record of an unknown kind.
    pub fn kind(&self) -> Option<Kind> {
        Some(match self {
            Type::Int { .. } => Kind::Int,
            Type::Float { .. } => Kind::Float,
            Type::Ptr(_) => Kind::Ptr,
            Type::Const(_) => Kind::Const,
            Type::Volatile(_) => Kind::Volatile,
            Type::Restrict(_) => Kind::Restrict,
            Type::Typedef { .. } => Kind::Typedef,
            Type::Array { .. } => Kind::Array,
            Type::Struct(_) => Kind::Struct,
            Type::Union(_) => Kind::Union,
            Type::Enum { .. } => Kind::Enum,
            Type::Enum64 { .. } => Kind::Enum64,
            Type::Fwd { .. } => Kind::Fwd,
            Type::Func { .. } => Kind::Func,
            Type::FuncProto { .. } => Kind::FuncProto,
            Type::Var { .. } => Kind::Var,
            Type::Datasec { .. } => Kind::Datasec,
            Type::DeclTag { .. } => Kind::DeclTag,
            Type::TypeTag { .. } => Kind::TypeTag,
            Type::Unknown(_) => return None,
        })
    }

    /// Offset of the type's own name (a tag's value), 0 when it has none.
    pub fn name(&self) -> u32 {
        match self {
            Type::Ptr(_) | Type::Const(_) | Type::Volatile(_) | Type::Restrict(_) => 0,
            Type::Array { .. } | Type::FuncProto { .. } => 0,
            Type::Int { name, .. } | Type::Float { name, .. } | Type::Typedef { name, .. } => *name,
            Type::Fwd { name, .. } | Type::Func { name, .. } | Type::Var { name, .. } => *name,
            Type::Datasec { name, .. } | Type::Enum { name, .. } | Type::Enum64 { name, .. } => *name,
            Type::DeclTag { value, .. } | Type::TypeTag { value, .. } => *value,
            Type::Struct(body) | Type::Union(body) => body.name,
            Type::Unknown(record) => record.name,
        }
    }

    /// Visits every type id that this type refers to, in the order of the record's words (a prototype's return type
    /// first, an array's element before its index).
    pub fn references(&self, mut visit: impl FnMut(TypeId)) {
        reference_fields!(self, |id: &TypeId| visit(*id))
    }

    /// The same fields in the same order, for changing them.
    pub fn references_mut(&mut self, mut visit: impl FnMut(&mut TypeId)) {
        reference_fields!(self, |id: &mut TypeId| visit(id))
    }

    /// Visits every string offset, 0 included, the type's own name before its elements'.
    pub fn names(&self, mut visit: impl FnMut(u32)) {
        name_fields!(self, |name: &u32| visit(*name))
    }

    /// The same fields in the same order, for changing them.
    pub fn names_mut(&mut self, mut visit: impl FnMut(&mut u32)) {
        name_fields!(self, |name: &mut u32| visit(name))
    }
}
