//! Making a blob, one record after the other.

use crate::header::{self, CLASSIC_HEADER, Info, LAYOUT_HEADER, MAX_TYPE_ID, MAX_VLEN};
use crate::strings::StringTable;
use crate::{Aggregate, Btf, Endian, Kind, Type, TypeId};
use std::sync::Arc;
use thiserror::Error;

/// Why something cannot be written; BTF has no room for it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WriteError {
    #[error("the strings would take {size} bytes (with the base's), more than the {limit} that a kernel takes")]
    StringsTooLong { size: usize, limit: usize },
    #[error("a string has a NUL byte at position {position}")]
    NulInString { position: usize },
    #[error("type {id} is past {limit}, the last one that a kernel takes")]
    TooManyTypes { id: u32, limit: u32 },
    #[error("{} {id} has {count} elements, more than {MAX_VLEN}", kind.name())]
    TooManyElements { id: TypeId, kind: Kind, count: usize },
    #[error("function {id} has linkage {linkage}, more than {MAX_VLEN}")]
    LinkageTooLarge { id: TypeId, linkage: u32 },
    #[error("integer {id} has encoding {encoding:#x}, which needs more than four bits")]
    EncodingTooLarge { id: TypeId, encoding: u8 },
    #[error("type {id} is of kind {kind}, which this version cannot write")]
    UnknownKind { id: TypeId, kind: u8 },
}

/// A blob under construction: strings and records are appended, and an id or offset once given never changes.
pub struct Writer {
    endian: Endian,
    start_id: u32,
    count: u32,
    types: Vec<u8>,
    strings: StringTable,
}

impl Writer {
    /// An empty BTF whose first type will be 1.
    pub fn new(endian: Endian) -> Writer {
        Writer { endian, start_id: 1, count: 0, types: Vec::new(), strings: StringTable::new() }
    }

    /// An empty BTF on top of `base`: ids and string offsets go on where the base's end, and strings that the base has
    /// are taken from it.
    pub fn split(base: &Arc<Btf>) -> Writer {
        Writer {
            endian: base.endian(),
            start_id: base.end_id().0,
            count: 0,
            types: Vec::new(),
            strings: StringTable::split(Arc::clone(base)),
        }
    }

    /// Offset of a string, which is added when it is new. The empty string is 0.
    pub fn string(&mut self, text: &[u8]) -> Result<u32, WriteError> {
        if text.is_empty() { Ok(0) } else { self.strings.intern(text) }
    }

    /// The id that the next type will get.
    pub fn next_id(&self) -> TypeId {
        TypeId(self.start_id + self.count)
    }

    /// How many types were added (void and the base's types are not counted).
    pub fn len(&self) -> usize {
        self.count as usize
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Appends a type. What it refers to may still be to come: neither ids nor names are checked here.
    pub fn push(&mut self, ty: &Type) -> Result<TypeId, WriteError> {
        let id = self.next_id();
        if id.0 > MAX_TYPE_ID {
            return Err(WriteError::TooManyTypes { id: id.0, limit: MAX_TYPE_ID });
        }
        let before = self.types.len();
        if let Err(error) = self.record(id, ty) {
            self.types.truncate(before);
            return Err(error);
        }
        self.count += 1;
        Ok(id)
    }

    fn record(&mut self, id: TypeId, ty: &Type) -> Result<(), WriteError> {
        match *ty {
            Type::Int { name, size, encoding, offset, bits } => {
                if encoding > 0xf {
                    return Err(WriteError::EncodingTooLarge { id, encoding });
                }
                self.head(name, Info::new(Kind::Int, 0, false), size);
                self.words([u32::from(encoding) << 24 | u32::from(offset) << 16 | u32::from(bits)]);
            }
            Type::Float { name, size } => self.head(name, Info::new(Kind::Float, 0, false), size),
            Type::Ptr(ty) => self.head(0, Info::new(Kind::Ptr, 0, false), ty.0),
            Type::Const(ty) => self.head(0, Info::new(Kind::Const, 0, false), ty.0),
            Type::Volatile(ty) => self.head(0, Info::new(Kind::Volatile, 0, false), ty.0),
            Type::Restrict(ty) => self.head(0, Info::new(Kind::Restrict, 0, false), ty.0),
            Type::Typedef { name, ty } => self.head(name, Info::new(Kind::Typedef, 0, false), ty.0),
            Type::Array { elem, index, nelems } => {
                self.head(0, Info::new(Kind::Array, 0, false), 0);
                self.words([elem.0, index.0, nelems]);
            }
            Type::Struct(ref body) => self.aggregate(id, Kind::Struct, body)?,
            Type::Union(ref body) => self.aggregate(id, Kind::Union, body)?,
            Type::Enum { name, size, signed, ref values } => {
                let vlen = vlen(id, Kind::Enum, values.len())?;
                self.head(name, Info::new(Kind::Enum, vlen, signed), size);
                for (name, value) in values {
                    self.words([*name, *value]);
                }
            }
            Type::Enum64 { name, size, signed, ref values } => {
                let vlen = vlen(id, Kind::Enum64, values.len())?;
                self.head(name, Info::new(Kind::Enum64, vlen, signed), size);
                for (name, value) in values {
                    self.words([*name, *value as u32, (value >> 32) as u32]);
                }
            }
            Type::Fwd { name, union } => self.head(name, Info::new(Kind::Fwd, 0, union), 0),
            Type::Func { name, linkage, proto } => {
                if linkage > MAX_VLEN {
                    return Err(WriteError::LinkageTooLarge { id, linkage });
                }
                self.head(name, Info::new(Kind::Func, linkage, false), proto.0);
            }
            Type::FuncProto { ret, ref params } => {
                let vlen = vlen(id, Kind::FuncProto, params.len())?;
                self.head(0, Info::new(Kind::FuncProto, vlen, false), ret.0);
                for param in params {
                    self.words([param.name, param.ty.0]);
                }
            }
            Type::Var { name, ty, linkage } => {
                self.head(name, Info::new(Kind::Var, 0, false), ty.0);
                self.words([linkage]);
            }
            Type::Datasec { name, size, ref vars } => {
                let vlen = vlen(id, Kind::Datasec, vars.len())?;
                self.head(name, Info::new(Kind::Datasec, vlen, false), size);
                for var in vars {
                    self.words([var.var.0, var.offset, var.size]);
                }
            }
            Type::DeclTag { value, ty, component, attribute } => {
                self.head(value, Info::new(Kind::DeclTag, 0, attribute), ty.0);
                self.words([component as u32]);
            }
            Type::TypeTag { value, ty, attribute } => {
                self.head(value, Info::new(Kind::TypeTag, 0, attribute), ty.0);
            }
            // Nothing tells which of its words are ids and names of this blob: it cannot be carried over.
            Type::Unknown(ref record) => return Err(WriteError::UnknownKind { id, kind: record.kind }),
        }
        Ok(())
    }

    fn aggregate(&mut self, id: TypeId, kind: Kind, body: &Aggregate) -> Result<(), WriteError> {
        let vlen = vlen(id, kind, body.members.len())?;
        self.head(body.name, Info::new(kind, vlen, body.kind_flag), body.size);
        for member in &body.members {
            self.words([member.name, member.ty.0, member.offset]);
        }
        Ok(())
    }

    fn head(&mut self, name: u32, info: Info, size_or_type: u32) {
        self.words([name, info.0, size_or_type]);
    }

    fn words<const N: usize>(&mut self, words: [u32; N]) {
        let endian = self.endian;
        self.types.extend_from_slice(words.map(|word| endian.u32_bytes(word)).as_flattened());
    }

    /// The blob: header, types, the layout section if asked for, strings. A layout section is for kernels from 7.1
    /// on; older ones refuse the blob.
    pub fn finish(self, layout: bool) -> Vec<u8> {
        let Writer { endian, types, strings, .. } = self;
        let strings = strings.bytes();
        let section = if layout { header::layout_section(endian) } else { Vec::new() };
        let header_len = if layout { LAYOUT_HEADER } else { CLASSIC_HEADER };
        let mut blob = Vec::with_capacity(header_len + types.len() + section.len() + strings.len());
        blob.extend(endian.u16_bytes(header::MAGIC));
        blob.extend([header::VERSION, 0]);
        let type_len = types.len() as u32;
        let layout_len = section.len() as u32;
        let words = [header_len as u32, 0, type_len, type_len + layout_len, strings.len() as u32];
        blob.extend(words.into_iter().flat_map(|word| endian.u32_bytes(word)));
        if layout {
            blob.extend([type_len, layout_len].into_iter().flat_map(|word| endian.u32_bytes(word)));
        }
        blob.extend(types);
        blob.extend(section);
        blob.extend_from_slice(strings);
        blob
    }
}

fn vlen(id: TypeId, kind: Kind, count: usize) -> Result<u32, WriteError> {
    let fits = u32::try_from(count).ok().filter(|count| *count <= MAX_VLEN);
    fits.ok_or(WriteError::TooManyElements { id, kind, count })
}
