//! Deduplication of a BTF: as made by a compiler, or by putting several together.

use super::{Classifier, Describer, TypeGraph, emit};
use crate::unit::{Local, LocalMember, LocalType, Members, Name, NameRef, UnitTypes, name_hash};
use crate::{Btf, Kind, Type, TypeId, WriteError, Writer};
use thiserror::Error;

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DedupError {
    #[error("type {0} refers to itself through pointers, qualifiers, arrays and prototypes only")]
    Circle(TypeId),
    #[error("this is split BTF: it can only be deduplicated together with its base")]
    Split,
    #[error("type {0} is of a kind that cannot be deduplicated")]
    UnknownKind(TypeId),
    #[error("type {id} refers to type {to}, which does not exist")]
    Dangling { id: TypeId, to: TypeId },
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// One node for each distinct type of a whole (not split) BTF.
pub fn dedup(btf: &Btf) -> Result<Vec<u8>, DedupError> {
    if btf.base().is_some() {
        return Err(DedupError::Split);
    }
    let (unit, mut members) = unit_of(btf)?;
    find_circle(&unit)?;
    let mut classifier = Classifier::new(0);
    let summary = classifier.classify(0, &unit, &[], &mut members);
    let describe = |describer: Describer<'_>, numbers: &[u32]| {
        Ok::<_, DedupError>(numbers.iter().map(|&number| describer.describe(number, &unit, &[])).collect())
    };
    let mut graph = TypeGraph::build(vec![classifier], vec![summary], describe)?;
    let mut writer = Writer::new(btf.endian());
    emit(&mut graph, &mut writer, |at: NameRef| btf.string(at.0 as u32).unwrap_or_default())?;
    Ok(writer.finish(false))
}

/// The members of all types, each type's from where its references are.
struct AllMembers(Vec<LocalMember>);

impl Members for AllMembers {
    fn members(&mut self, unit: &UnitTypes, local: Local, into: &mut Vec<LocalMember>) {
        let t = &unit.types[local as usize];
        into.extend_from_slice(&self.0[t.first as usize..][..t.count as usize]);
    }
}

/// The types of a BTF as those of one unit: local ids are type ids.
fn unit_of(btf: &Btf) -> Result<(UnitTypes, AllMembers), DedupError> {
    let mut unit = UnitTypes::default();
    unit.clear();
    let mut members = Vec::new();
    let end = btf.end_id();
    for (id, ty) in btf.types() {
        let mut dangling = None;
        ty.references(|to: TypeId| {
            if to >= end {
                dangling = Some(to);
            }
        });
        if let Some(to) = dangling {
            return Err(DedupError::Dangling { id, to });
        }
        let mut t = lower(btf, &ty, &mut members).ok_or(DedupError::UnknownKind(id))?;
        for m in &members[t.first as usize..] {
            // The only member of an array is its index type.
            if t.kind != Some(Kind::Array) {
                t.content.add(m.name.hash, m.value);
            }
            unit.references.push(m.ty);
        }
        unit.types.push(LocalType { at: id.0, ..t });
        unit.order.push(id.0);
    }
    Ok((unit, AllMembers(members)))
}

fn lower(btf: &Btf, ty: &Type, members: &mut Vec<LocalMember>) -> Option<LocalType> {
    let text = |offset: u32| match btf.string(offset) {
        None | Some(b"") => Name::NONE,
        Some(bytes) => Name { hash: name_hash(bytes), at: NameRef(offset as u64) },
    };
    let mut t =
        LocalType { kind: Some(ty.kind()?), name: text(ty.name()), first: members.len() as u32, ..Default::default() };
    let member = |name: u32, value: u64, ty: TypeId| LocalMember { name: text(name), value, ty: ty.0 };
    match ty {
        Type::Int { size, encoding, offset, bits, .. } => {
            t.size = *size;
            t.word = (*encoding as u32) << 24 | (*offset as u32) << 16 | *bits as u32;
        }
        Type::Float { size, .. } => t.size = *size,
        Type::Ptr(to) | Type::Const(to) | Type::Volatile(to) | Type::Restrict(to) => t.target = to.0,
        Type::Typedef { ty, .. } => t.target = ty.0,
        Type::Array { elem, index, nelems } => {
            (t.target, t.size) = (elem.0, *nelems);
            members.push(member(0, 0, *index));
        }
        Type::Struct(a) | Type::Union(a) => {
            (t.size, t.flag) = (a.size, a.kind_flag);
            members.extend(a.members.iter().map(|m| member(m.name, unpacked(m.offset, a.kind_flag), m.ty)));
        }
        Type::Enum { size, signed, values, .. } => {
            (t.size, t.flag) = (*size, *signed);
            members.extend(values.iter().map(|&(name, value)| member(name, value as u64, TypeId::VOID)));
        }
        Type::Enum64 { size, signed, values, .. } => {
            (t.size, t.flag) = (*size, *signed);
            members.extend(values.iter().map(|&(name, value)| member(name, value, TypeId::VOID)));
        }
        Type::Fwd { union, .. } => t.flag = *union,
        Type::Func { linkage, proto, .. } => (t.word, t.target) = (*linkage, proto.0),
        Type::FuncProto { ret, params } => {
            t.target = ret.0;
            members.extend(params.iter().map(|p| member(p.name, 0, p.ty)));
        }
        Type::Var { ty, linkage, .. } => (t.word, t.target) = (*linkage, ty.0),
        Type::Datasec { size, vars, .. } => {
            t.size = *size;
            members.extend(vars.iter().map(|v| member(0, (v.offset as u64) << 32 | v.size as u64, v.var)));
        }
        Type::DeclTag { ty, component, attribute, .. } => {
            (t.target, t.word, t.flag) = (ty.0, *component as u32, *attribute);
        }
        Type::TypeTag { ty, attribute, .. } => (t.target, t.flag) = (ty.0, *attribute),
        Type::Unknown(_) => return None,
    }
    t.count = members.len() as u32 - t.first;
    Some(t)
}

/// Bits from the start and the width of a bitfield << 32, of what an aggregate with kind_flag has as 24 and 8 bits.
fn unpacked(offset: u32, kind_flag: bool) -> u64 {
    match kind_flag {
        true => (offset & 0xff_ffff) as u64 | (offset as u64 >> 24) << 32,
        false => offset as u64,
    }
}

/// Finds a circle that goes through no struct, union or typedef: it has no meaning.
fn find_circle(unit: &UnitTypes) -> Result<(), DedupError> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done,
    }
    let ends = |kind: Option<Kind>| {
        !matches!(
            kind,
            Some(
                Kind::Ptr
                    | Kind::Const
                    | Kind::Volatile
                    | Kind::Restrict
                    | Kind::TypeTag
                    | Kind::Array
                    | Kind::Func
                    | Kind::FuncProto
                    | Kind::DeclTag
            )
        )
    };
    let mut state = vec![State::New; unit.types.len()];
    let mut stack: Vec<(u32, bool)> = Vec::new();
    for start in 1..unit.types.len() as u32 {
        stack.push((start, false));
        while let Some((i, leaving)) = stack.pop() {
            let t = &unit.types[i as usize];
            match state[i as usize] {
                _ if leaving => state[i as usize] = State::Done,
                State::New if ends(t.kind) => state[i as usize] = State::Done,
                State::New => {
                    state[i as usize] = State::Open;
                    stack.push((i, true));
                    let children = std::iter::once(&t.target).chain(unit.references_of(t)).copied();
                    for child in children {
                        match state[child as usize] {
                            State::Open => return Err(DedupError::Circle(TypeId(child))),
                            State::New => stack.push((child, false)),
                            State::Done => {}
                        }
                    }
                }
                State::Open | State::Done => {}
            }
        }
    }
    Ok(())
}
