//! Records of a BTF as types of a unit: local ids are type ids.

use crate::unit::{ARRAY_INDEX, Local, LocalMember, LocalType, Members, Name, NameRef, UnitTypes};
use crate::{Btf, Kind, Record, TypeId};

/// Appends the type of that id, which must be the next one. `None` for a kind that is not known.
///
/// `int` is the program's index type of arrays, where they are to be like those of units that do not name theirs.
pub(super) fn lower(
    btf: &Btf,
    id: TypeId,
    record: Record<'_>,
    int: Option<TypeId>,
    unit: &mut UnitTypes,
) -> Option<()> {
    let kind = record.kind()?;
    let word = record.size_or_type();
    let mut t = LocalType {
        kind: Some(kind),
        flag: record.kind_flag(),
        name: name_of(btf, record.name()),
        first: unit.references.len() as u32,
        at: id.0,
        ..LocalType::default()
    };
    match kind {
        Kind::Int => (t.size, t.word, t.flag) = (word, record.word(3) & 0xffff_00ff, false),
        Kind::Float => (t.size, t.flag) = (word, false),
        Kind::Ptr | Kind::Const | Kind::Volatile | Kind::Restrict | Kind::Typedef => (t.target, t.flag) = (word, false),
        Kind::TypeTag => t.target = word,
        Kind::Fwd => {}
        Kind::Func => (t.word, t.target, t.flag) = (record.vlen(), word, false),
        Kind::Var => (t.word, t.target, t.flag) = (record.word(3), word, false),
        Kind::DeclTag => (t.word, t.target) = (record.word(3), word),
        Kind::Array => {
            let index = TypeId(record.word(4));
            (t.target, t.size, t.count, t.flag) = (record.word(3), record.word(5), 1, false);
            unit.references.push(if Some(index) == int { ARRAY_INDEX } else { index.0 });
        }
        Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64 | Kind::FuncProto | Kind::Datasec => {
            t.count = record.vlen();
            match kind {
                Kind::FuncProto => (t.target, t.flag) = (word, false),
                Kind::Datasec => (t.size, t.flag) = (word, false),
                _ => t.size = word,
            }
            for m in members(btf, record) {
                t.content.add(m.name.hash, m.value);
                if !matches!(kind, Kind::Enum | Kind::Enum64) {
                    unit.references.push(m.ty);
                }
            }
        }
    }
    unit.types.push(t);
    Some(())
}

/// A name of a BTF.
#[inline]
pub(super) fn name_of(btf: &Btf, offset: u32) -> Name {
    match offset {
        0 => Name::NONE,
        _ => btf.hash_of_string(offset).map_or(Name::NONE, |hash| Name { hash, at: NameRef::in_btf(offset) }),
    }
}

/// Members, values, parameters or variables.
pub(super) fn members<'a>(btf: &'a Btf, record: Record<'a>) -> impl ExactSizeIterator<Item = LocalMember> + 'a {
    let (kind, kind_flag) = (record.kind(), record.kind_flag());
    let words = match kind {
        Some(Kind::Enum | Kind::FuncProto) => 2,
        _ => 3,
    };
    let count = match kind {
        Some(Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64 | Kind::FuncProto | Kind::Datasec) => record.vlen(),
        _ => 0,
    };
    (0..count as usize).map(move |k| {
        let word = |n: usize| record.word(3 + words * k + n);
        let member = |value: u64, ty: Local| LocalMember { name: name_of(btf, word(0)), value, ty };
        match kind {
            Some(Kind::Enum) => member(word(1) as u64, 0),
            Some(Kind::Enum64) => member(word(1) as u64 | (word(2) as u64) << 32, 0),
            Some(Kind::FuncProto) => member(0, word(1)),
            Some(Kind::Datasec) => {
                LocalMember { name: Name::NONE, value: (word(1) as u64) << 32 | word(2) as u64, ty: word(0) }
            }
            _ => member(unpacked(word(2), kind_flag), word(1)),
        }
    })
}

/// Bits from the start and the width of a bitfield << 32, of what an aggregate with kind_flag has as 24 and 8 bits.
fn unpacked(offset: u32, kind_flag: bool) -> u64 {
    match kind_flag {
        true => (offset & 0xff_ffff) as u64 | (offset as u64 >> 24) << 32,
        false => offset as u64,
    }
}

/// The members of types that were lowered from this BTF.
pub(super) struct MembersOf<'a>(pub &'a Btf);

impl Members for MembersOf<'_> {
    fn members(&mut self, unit: &UnitTypes, local: Local, into: &mut Vec<LocalMember>) {
        let t = &unit.types[local as usize];
        let Some(record) = self.0.record(TypeId(t.at)) else { return };
        match t.kind {
            Some(Kind::Array) => {
                let ty = unit.references_of(t)[0];
                into.push(LocalMember { name: Name::NONE, value: 0, ty });
            }
            _ => into.extend(members(self.0, record)),
        }
    }
}
