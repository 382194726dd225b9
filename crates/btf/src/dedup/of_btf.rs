//! Deduplication of a BTF: as made by a compiler, or by putting several together.

use super::lower::{MembersOf, lower};
use super::{Classifier, Describer, TypeGraph, emit};
use crate::unit::{NameRef, UnitTypes};
use crate::{Btf, Kind, TypeId, WriteError, Writer};
use thiserror::Error;

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DedupError {
    #[error("type {0} refers to itself through pointers, qualifiers, arrays and prototypes only")]
    Circle(TypeId),
    #[error("this is split BTF: it can only be deduplicated together with its base")]
    Split,
    #[error("type {0} is of a kind that cannot be deduplicated")]
    UnknownKind(TypeId),
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// One node for each distinct type of a whole (not split) BTF.
pub fn dedup(btf: &Btf) -> Result<Vec<u8>, DedupError> {
    if btf.base().is_some() {
        return Err(DedupError::Split);
    }
    let unit = unit_of(btf)?;
    find_circle(&unit)?;
    let mut classifier = Classifier::new(0);
    let summary = classifier.classify(0, &unit, &[], &mut MembersOf(btf));
    let describe = |describer: Describer<'_>, numbers: &[u32]| {
        Ok::<_, DedupError>(numbers.iter().map(|&number| describer.describe(number, &unit, &[])).collect())
    };
    let mut graph = TypeGraph::build(&mut vec![classifier], vec![summary], describe)?;
    let mut writer = Writer::new(btf.endian());
    emit(&mut graph, &mut writer, |at: NameRef| {
        at.btf_offset().and_then(|offset| btf.string(offset)).unwrap_or_default()
    })?;
    Ok(writer.finish(false))
}

/// The types of a BTF as those of one unit: local ids are type ids.
fn unit_of(btf: &Btf) -> Result<UnitTypes, DedupError> {
    let mut unit = UnitTypes::default();
    unit.clear();
    for (id, record) in btf.records() {
        lower(btf, id, record, None, &mut unit).ok_or(DedupError::UnknownKind(id))?;
        unit.order.push(id.0);
    }
    Ok(unit)
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
