//! Reading a distilled base.

use super::RelocateError;
use crate::{Btf, Kind, TypeId, encoding};
use std::fmt::{self, Display, Formatter};

/// What a distilled base says of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stub {
    pub id: TypeId,
    pub kind: Kind,
    pub name: Vec<u8>,
    /// Bytes; of a forward declaration 0.
    pub size: u32,
    /// Of a forward declaration: whether it declares a union.
    pub kind_flag: bool,
    /// Of an integer: bits of [`encoding`].
    pub encoding: u8,
    /// The first struct or union of the split BTF that contains it by value, with array and qualifiers in between.
    pub part_of: Option<TypeId>,
    pub(crate) name_offset: u32,
}

impl Display for Stub {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = String::from_utf8_lossy(&self.name);
        match self.kind {
            Kind::Fwd => write!(f, "the declaration of {} '{name}'", if self.kind_flag { "union" } else { "struct" })?,
            Kind::Int => write!(f, "INT '{name}' of {} bytes ({})", self.size, encoding_name(self.encoding))?,
            kind => write!(f, "{} '{name}' of {} bytes", kind.name(), self.size)?,
        }
        match self.part_of {
            Some(id) => write!(f, " (part of type {id})"),
            None => Ok(()),
        }
    }
}

pub(super) fn encoding_name(bits: u8) -> &'static str {
    match bits {
        encoding::SIGNED => "signed",
        encoding::CHAR => "char",
        encoding::BOOL => "bool",
        0 => "unsigned",
        _ => "of an encoding that is not known",
    }
}

/// All stubs, in the order of their ids: every type of the base must be one.
pub(super) fn stubs(split: &Btf, distilled: &Btf) -> Result<Vec<Stub>, RelocateError> {
    let mut stubs = Vec::with_capacity(distilled.len());
    for id in (1..distilled.end_id().0).map(TypeId) {
        let Some(record) = distilled.record(id) else { continue };
        let kind = match record.kind() {
            Some(kind @ (Kind::Int | Kind::Float | Kind::Enum | Kind::Struct | Kind::Union | Kind::Fwd)) => kind,
            kind => return Err(RelocateError::UnexpectedKind { id, kind }),
        };
        if record.name() == 0 {
            return Err(RelocateError::Anonymous { id, kind });
        }
        stubs.push(Stub {
            id,
            kind,
            name: distilled.string(record.name()).unwrap_or_default().to_vec(),
            size: record.size_or_type(),
            kind_flag: kind == Kind::Fwd && record.kind_flag(),
            encoding: if kind == Kind::Int { (record.word(3) >> 24) as u8 & 0xf } else { 0 },
            part_of: None,
            name_offset: record.name(),
        });
    }
    mark_parts(split, &mut stubs);
    Ok(stubs)
}

/// Notes what the structs and unions of the split BTF contain by value.
fn mark_parts(split: &Btf, stubs: &mut [Stub]) {
    let start = split.start_id();
    for (whole, record) in split.records() {
        if !matches!(record.kind(), Some(Kind::Struct | Kind::Union)) {
            continue;
        }
        record.references(|member| {
            let mut id = member;
            // A chain cannot be longer than there are types, but it can be a circle.
            for _ in 0..CHAIN {
                if id < start {
                    break;
                }
                let Some(record) = split.record(id) else { return };
                id = match record.kind() {
                    Some(Kind::Array) => TypeId(record.word(3)),
                    Some(kind) if kind.is_modifier() => TypeId(record.size_or_type()),
                    _ => return,
                };
            }
            if id < start
                && let Some(stub) = id.index().checked_sub(1).and_then(|at| stubs.get_mut(at))
                && matches!(stub.kind, Kind::Struct | Kind::Union)
            {
                stub.part_of.get_or_insert(whole);
            }
        });
    }
}

/// The longest chain of arrays and modifiers that is followed; the kernel refuses chains of modifiers past 32 links.
const CHAIN: usize = 256;
