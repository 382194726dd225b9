//! Deduplication of a BTF: as made by a compiler, or by putting several together.
//!
//! Split BTF refers to types of its base by their ids. It is taken for a unit that begins with all of the base's types and
//! lists none of them, so that they have the spellings that they have in the base. What is found equal to one of them
//! becomes that one; what refers to one of them still refers to it, though the base may have another one that looks alike.

use super::lower::{MembersOf, lower};
use super::{BaseTypes, Classifier, Describer, TypeGraph, emit};
use crate::unit::{ARRAY_INDEX, Local, LocalType, NameRef, UnitTypes, VOID};
use crate::{Btf, Kind, TypeId, WriteError, Writer};
use std::sync::Arc;
use thiserror::Error;

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DedupError {
    #[error("type {0} refers to itself, and no struct, union or typedef with a name is on the way")]
    Circle(TypeId),
    #[error("type {0} is of a kind that cannot be deduplicated")]
    UnknownKind(TypeId),
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// One node for each distinct type of a BTF. Of split BTF those come out that its base has not; the base is not changed.
pub fn dedup(btf: &Btf) -> Result<Vec<u8>, DedupError> {
    let base = btf.base().map(|base| BaseTypes::with_symbols(Arc::clone(base))).transpose()?.map(Arc::new);
    let unit = unit_of(btf, base.as_deref().and_then(BaseTypes::int))?;
    find_circle(&unit)?;
    let of_base = base.as_ref().map(|base| of_base(&unit, base)).unwrap_or_default();
    let classifier = base.as_ref().map_or_else(|| Classifier::new(0), |base| Classifier::on(0, Arc::clone(base)));
    let mut classifiers = vec![classifier];
    let summary = classifiers[0].classify(0, &unit, &of_base, &mut MembersOf(btf));
    let describe = |describer: Describer<'_>, numbers: &[u32]| {
        Ok::<_, DedupError>(numbers.iter().map(|&number| describer.describe(number, &unit, &of_base)).collect())
    };
    let mut graph = match base {
        None => TypeGraph::build(&mut classifiers, vec![summary], describe)?,
        Some(_) => TypeGraph::build_by_comparing(&mut classifiers, vec![summary], describe)?,
    };
    let mut writer = btf.base().map_or_else(|| Writer::new(btf.endian()), Writer::split);
    let name = |at: NameRef| at.btf_offset().and_then(|offset| btf.string(offset)).unwrap_or_default();
    emit(&mut graph, &mut writer, name, |_| ())?;
    Ok(writer.finish(false))
}

/// The types of a BTF as those of one unit: local ids are type ids. `int` is the base's index type of arrays.
fn unit_of(btf: &Btf, int: Option<TypeId>) -> Result<UnitTypes, DedupError> {
    let mut unit = UnitTypes::default();
    unit.clear();
    for id in (1..btf.end_id().0).map(TypeId) {
        let record = btf.record(id).ok_or(DedupError::UnknownKind(id))?;
        lower(btf, id, record, int, &mut unit).ok_or(DedupError::UnknownKind(id))?;
    }
    if btf.base().is_some() {
        unit.base = btf.start_id().0;
    }
    unit.order.extend(btf.start_id().0..btf.end_id().0);
    if let Some(int) = int {
        index_like_the_base(&mut unit, int.0);
    }
    Ok(unit)
}

/// Own arrays that are indexed by an own type like the base's index type are indexed by that.
fn index_like_the_base(unit: &mut UnitTypes, int: Local) {
    let same = |local: Local| {
        let (a, b) = (&unit.types[local as usize], &unit.types[int as usize]);
        (a.kind, a.name, a.size, a.word) == (b.kind, b.name, b.size, b.word)
    };
    let indexes = unit.order.iter().map(|&local| &unit.types[local as usize]).filter(|t| t.kind == Some(Kind::Array));
    let found: Vec<u32> = indexes
        .map(|t| t.first)
        .filter(|&first| match unit.references[first as usize] {
            ARRAY_INDEX => false,
            index => same(index),
        })
        .collect();
    found.into_iter().for_each(|first| unit.references[first as usize] = ARRAY_INDEX);
}

/// The types of the base that own ones refer to, and what these lead to.
fn of_base(unit: &UnitTypes, base: &BaseTypes) -> Vec<Local> {
    let own = unit.order.iter().map(|&local| &unit.types[local as usize]);
    let referred = own.flat_map(|t| std::iter::once(&t.target).chain(unit.references_of(t))).copied();
    let mut of_base: Vec<Local> = referred.filter(|&to| unit.in_base(to).is_some()).collect();
    let leaves: Vec<Local> = of_base.iter().map(|&to| base.leaf(TypeId(to)).0).filter(|&leaf| leaf != VOID).collect();
    of_base.extend(leaves);
    of_base.sort_unstable();
    of_base.dedup();
    of_base
}

/// Finds a circle that goes through no struct, union or typedef: it has no meaning. On a base, these have to have a name:
/// no language makes others, and they would be compared by where they stand, which for types of the base is elsewhere.
fn find_circle(unit: &UnitTypes) -> Result<(), DedupError> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done,
    }
    let ends = |t: &LocalType| match t.kind {
        Some(Kind::Ptr | Kind::Const | Kind::Volatile | Kind::Restrict | Kind::TypeTag | Kind::Array) => false,
        Some(Kind::Func | Kind::FuncProto | Kind::DeclTag) => false,
        Some(Kind::Struct | Kind::Union | Kind::Typedef) => unit.base == 0 || !t.name.is_none(),
        _ => true,
    };
    let mut state = vec![State::New; unit.types.len()];
    let mut stack: Vec<(u32, bool)> = Vec::new();
    for start in 1..unit.types.len() as u32 {
        stack.push((start, false));
        while let Some((i, leaving)) = stack.pop() {
            let t = &unit.types[i as usize];
            match state[i as usize] {
                _ if leaving => state[i as usize] = State::Done,
                State::New if ends(t) => state[i as usize] = State::Done,
                State::New => {
                    state[i as usize] = State::Open;
                    stack.push((i, true));
                    let children = std::iter::once(&t.target).chain(unit.references_of(t)).copied();
                    for child in children.filter(|&child| child != ARRAY_INDEX) {
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
