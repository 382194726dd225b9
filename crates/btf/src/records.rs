//! Type records in a row, as they lie in a blob.

use crate::header::{HEAD, Info, MAX_TYPE_ID, MAX_VLEN};
use crate::{Aggregate, Endian, Kind, Type, TypeId, WriteError};

/// Kinds, and 0, which is none.
const KINDS: usize = Kind::ALL.len() + 1;

/// Records with successive ids.
pub(crate) struct Records {
    pub endian: Endian,
    first: u32,
    pub count: u32,
    /// By number of the kind.
    pub kinds: [u32; KINDS],
    pub bytes: Vec<u8>,
}

impl Records {
    pub fn new(endian: Endian, first: TypeId) -> Records {
        Records { endian, first: first.0, count: 0, kinds: [0; KINDS], bytes: Vec::new() }
    }

    /// The id that the next type will get.
    pub fn next_id(&self) -> TypeId {
        TypeId(self.first + self.count)
    }

    /// Appends a type. What it refers to may still be to come: neither ids nor names are checked here.
    pub fn push(&mut self, ty: &Type) -> Result<TypeId, WriteError> {
        let id = self.next_id();
        if id.0 > MAX_TYPE_ID {
            return Err(WriteError::TooManyTypes { id: id.0, limit: MAX_TYPE_ID });
        }
        let before = self.bytes.len();
        if let Err(error) = self.record(id, ty) {
            self.bytes.truncate(before);
            return Err(error);
        }
        self.count += 1;
        ty.kind().into_iter().for_each(|kind| self.kinds[kind as usize] += 1);
        Ok(id)
    }

    /// Appends records whose ids go on where these end. Where there are none, it does not matter where they would begin.
    pub fn append(&mut self, more: Records) {
        debug_assert!(more.count == 0 || (more.first, more.endian) == (self.next_id().0, self.endian));
        if self.bytes.is_empty() {
            self.bytes = more.bytes;
        } else {
            self.bytes.extend(more.bytes);
        }
        self.count += more.count;
        self.kinds.iter_mut().zip(more.kinds).for_each(|(count, more)| *count += more);
    }

    /// Replaces every string offset, of types and of their elements.
    pub fn rename(&mut self, name: impl Fn(u32) -> u32) {
        let endian = self.endian;
        let mut rest = &mut self.bytes[..];
        let replace = |word: &mut [u8]| word.copy_from_slice(&endian.u32_bytes(name(endian.u32(word, 0))));
        while !rest.is_empty() {
            let info = Info(endian.u32(rest, 4));
            let shape = Kind::from_u8(info.kind()).expect("a kind that was written").shape();
            let body = HEAD + 4 * shape.fixed_words;
            let (record, after) = rest.split_at_mut(body + 4 * shape.element_words * info.vlen() as usize);
            replace(&mut record[..4]);
            if let Some(place) = shape.element_name {
                record[body..]
                    .chunks_exact_mut(4 * shape.element_words)
                    .for_each(|e| replace(&mut e[4 * place..][..4]));
            }
            rest = after;
        }
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
        self.bytes.extend_from_slice(words.map(|word| endian.u32_bytes(word)).as_flattened());
    }
}

fn vlen(id: TypeId, kind: Kind, count: usize) -> Result<u32, WriteError> {
    let fits = u32::try_from(count).ok().filter(|count| *count <= MAX_VLEN);
    fits.ok_or(WriteError::TooManyElements { id, kind, count })
}
