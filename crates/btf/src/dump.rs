//! BTF as text, one line per type.
//!
//! ```text
//! [1] INT 'int' size=4 bits=32 signed
//! [2] STRUCT 's' size=8 kflag { 'next':3@0, 'flag':1@64:3 }
//! [3] PTR -> 2
//! [4] FUNC_PROTO ret=0 ('format':3, _:0)
//! [5] ENUM 'e' size=4 unsigned { 'A'=0, 'B'=1 }
//! [6] VAR 'v' global -> 1
//! [7] DATASEC '.data' size=4 { 6@0+4 }
//! [8] DECL_TAG 'tag' -> 2 idx=-1 attr
//! ```
//!
//! References are ids, `@` comes before an offset (bits in structs, bytes in data sections), `:` before the width of a
//! bitfield and `+` before a variable's size. An anonymous type has no name, an anonymous element the name `_`.

use crate::{Aggregate, Btf, Type, TypeId, encoding, linkage};
use std::fmt::{self, Display, Formatter, Write};

/// A BTF's own types, one line each.
pub struct Dump<'a>(pub &'a Btf);

/// One type's line, without an end of line.
pub struct Line<'a> {
    btf: &'a Btf,
    id: TypeId,
    ty: Type,
}

/// The line of a type, own or of the base; `None` for void and for ids past the last.
pub fn line(btf: &Btf, id: TypeId) -> Option<Line<'_>> {
    Some(Line { btf, id, ty: btf.get(id)? })
}

impl Display for Dump<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.types().try_for_each(|(id, ty)| writeln!(f, "{}", Line { btf: self.0, id, ty }))
    }
}

impl Display for Line<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] ", self.id)?;
        match self.ty.kind() {
            Some(kind) => f.write_str(kind.name())?,
            None => f.write_str("KIND")?,
        }
        if self.ty.name() != 0 {
            f.write_char(' ')?;
            self.name(f, self.ty.name())?;
        }
        self.details(f)
    }
}

impl Line<'_> {
    fn details(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.ty {
            Type::Int { size, encoding, offset, bits, .. } => {
                write!(f, " size={size} bits={bits}")?;
                if *offset != 0 {
                    write!(f, " off={offset}")?;
                }
                match *encoding {
                    0 => Ok(()),
                    encoding::SIGNED => f.write_str(" signed"),
                    encoding::CHAR => f.write_str(" char"),
                    encoding::BOOL => f.write_str(" bool"),
                    other => write!(f, " encoding={other:#x}"),
                }
            }
            Type::Float { size, .. } => write!(f, " size={size}"),
            Type::Ptr(ty) | Type::Const(ty) | Type::Volatile(ty) | Type::Restrict(ty) => write!(f, " -> {ty}"),
            Type::Typedef { ty, .. } => write!(f, " -> {ty}"),
            Type::Array { elem, index, nelems } => write!(f, " elem={elem} index={index} n={nelems}"),
            Type::Struct(body) | Type::Union(body) => self.aggregate(f, body),
            Type::Enum { size, signed, values, .. } => {
                write!(f, " size={size} {}", signedness(*signed))?;
                self.list(f, values, |f, (name, value)| {
                    self.element_name(f, *name)?;
                    if *signed { write!(f, "={}", *value as i32) } else { write!(f, "={value}") }
                })
            }
            Type::Enum64 { size, signed, values, .. } => {
                write!(f, " size={size} {}", signedness(*signed))?;
                self.list(f, values, |f, (name, value)| {
                    self.element_name(f, *name)?;
                    if *signed { write!(f, "={}", *value as i64) } else { write!(f, "={value}") }
                })
            }
            Type::Fwd { union, .. } => f.write_str(if *union { " union" } else { " struct" }),
            Type::Func { linkage, proto, .. } => {
                write_linkage(f, *linkage)?;
                write!(f, " -> {proto}")
            }
            Type::FuncProto { ret, params } => {
                write!(f, " ret={ret} (")?;
                for (index, param) in params.iter().enumerate() {
                    if index != 0 {
                        f.write_str(", ")?;
                    }
                    self.element_name(f, param.name)?;
                    write!(f, ":{}", param.ty)?;
                }
                f.write_char(')')
            }
            Type::Var { ty, linkage, .. } => {
                write_linkage(f, *linkage)?;
                write!(f, " -> {ty}")
            }
            Type::Datasec { size, vars, .. } => {
                write!(f, " size={size}")?;
                self.list(f, vars, |f, var| write!(f, "{}@{}+{}", var.var, var.offset, var.size))
            }
            Type::DeclTag { ty, component, attribute, .. } => {
                write!(f, " -> {ty} idx={component}{}", if *attribute { " attr" } else { "" })
            }
            Type::TypeTag { ty, attribute, .. } => write!(f, " -> {ty}{}", if *attribute { " attr" } else { "" }),
            Type::Unknown(record) => {
                let flag = if record.kind_flag { " kflag" } else { "" };
                write!(f, " kind={}{flag} vlen={} word={}", record.kind, record.vlen, record.size_or_type)?;
                self.list(f, &record.words, |f, word| write!(f, "{word:#x}"))
            }
        }
    }

    fn aggregate(&self, f: &mut Formatter<'_>, body: &Aggregate) -> fmt::Result {
        let kind_flag = body.kind_flag;
        write!(f, " size={}{}", body.size, if kind_flag { " kflag" } else { "" })?;
        self.list(f, &body.members, |f, member| {
            self.element_name(f, member.name)?;
            write!(f, ":{}@{}", member.ty, member.bit_offset(kind_flag))?;
            match member.bitfield_width(kind_flag) {
                0 => Ok(()),
                width => write!(f, ":{width}"),
            }
        })
    }

    fn list<T>(
        &self,
        f: &mut Formatter<'_>,
        items: &[T],
        mut item: impl FnMut(&mut Formatter<'_>, &T) -> fmt::Result,
    ) -> fmt::Result {
        f.write_str(" {")?;
        for (index, one) in items.iter().enumerate() {
            f.write_str(if index == 0 { " " } else { ", " })?;
            item(f, one)?;
        }
        f.write_str(if items.is_empty() { "}" } else { " }" })
    }

    fn element_name(&self, f: &mut Formatter<'_>, offset: u32) -> fmt::Result {
        if offset == 0 { f.write_char('_') } else { self.name(f, offset) }
    }

    /// A name in quotes; bytes other than printable ASCII, quotes and backslashes are written as `\xNN`.
    fn name(&self, f: &mut Formatter<'_>, offset: u32) -> fmt::Result {
        f.write_char('\'')?;
        for byte in self.btf.string(offset).unwrap_or_default() {
            match byte {
                b'\'' | b'\\' => write!(f, "\\x{byte:02x}")?,
                0x20..=0x7e => f.write_char(char::from(*byte))?,
                _ => write!(f, "\\x{byte:02x}")?,
            }
        }
        f.write_char('\'')
    }
}

fn signedness(signed: bool) -> &'static str {
    if signed { "signed" } else { "unsigned" }
}

fn write_linkage(f: &mut Formatter<'_>, value: u32) -> fmt::Result {
    match value {
        linkage::STATIC => f.write_str(" static"),
        linkage::GLOBAL => f.write_str(" global"),
        linkage::EXTERN => f.write_str(" extern"),
        other => write!(f, " linkage={other}"),
    }
}
