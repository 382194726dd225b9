//! Finding each stub in the new base.

use super::{Misfit, RelocateError, Stub};
use crate::{Btf, Kind, Record, TypeId};
use rustc_hash::FxHashMap;

/// What the new base has for a stub.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub first: Option<TypeId>,
    /// Another that fits as well: the kernel gives up.
    pub second: Option<TypeId>,
}

/// A named type of the new base that a stub may be compared with.
pub(super) struct Candidate<'a> {
    pub id: TypeId,
    pub kind: Kind,
    pub record: Record<'a>,
    /// Whether it is one of several structs and unions with its name.
    pub is_one_of_several: bool,
}

/// Comparisons of stubs with types of their name, for each stub and type. In practice there is one; a file that has
/// thousands of types of the same name on both sides could make it their product.
const COMPARISONS: usize = 64;

/// By index of the stub.
pub(super) fn find(stubs: &[Stub], target: &Btf) -> Result<Vec<Found>, RelocateError> {
    let by_name = by_name(stubs);
    let mut left = COMPARISONS * (stubs.len() + target.end_id().index());
    let mut found = vec![Found::default(); stubs.len()];
    for (candidate, name) in candidates(target, |name| by_name.contains_key(name)) {
        for &at in &by_name[name] {
            left = left.checked_sub(1).ok_or_else(|| RelocateError::Namesakes { name: text(name) })?;
            let found = &mut found[at];
            // Once it has found something the kernel forgets that the size counts.
            let size_counts = stubs[at].part_of.is_some() && found.first.is_none();
            if misfit(&stubs[at], size_counts, &candidate).is_none() {
                match found.first {
                    None => found.first = Some(candidate.id),
                    Some(_) => _ = found.second.get_or_insert(candidate.id),
                }
            }
        }
    }
    Ok(found)
}

pub(super) fn by_name(stubs: &[Stub]) -> FxHashMap<&[u8], Vec<usize>> {
    let mut by_name: FxHashMap<&[u8], Vec<usize>> = FxHashMap::default();
    stubs.iter().enumerate().for_each(|(at, stub)| by_name.entry(&stub.name).or_default().push(at));
    by_name
}

/// Types of the new base whose names are wanted, in the order of their ids.
pub(super) fn candidates<'a>(
    target: &'a Btf,
    is_wanted: impl Fn(&[u8]) -> bool,
) -> impl Iterator<Item = (Candidate<'a>, &'a [u8])> {
    let mut bearers: FxHashMap<u32, u32> = FxHashMap::default();
    let mut named = Vec::new();
    for id in (1..target.end_id().0).map(TypeId) {
        let Some(record) = target.record(id) else { continue };
        let Some(kind) = record.kind().filter(|kind| is_comparable(*kind) && record.name() != 0) else { continue };
        let Some(name) = target.string(record.name()).filter(|name| is_wanted(name)) else { continue };
        if matches!(kind, Kind::Struct | Kind::Union) {
            *bearers.entry(record.name()).or_default() += 1;
        }
        named.push((id, kind, record, name));
    }
    named.into_iter().map(move |(id, kind, record, name)| {
        let is_one_of_several = bearers.get(&record.name()).is_some_and(|bearers| *bearers > 1);
        (Candidate { id, kind, record, is_one_of_several }, name)
    })
}

fn is_comparable(kind: Kind) -> bool {
    use Kind::*;
    matches!(kind, Int | Float | Enum | Enum64 | Fwd | Struct | Union)
}

/// Why a type of the stub's name is not what the stub means, by the kernel's rules; `None` where it is. `is_part` says
/// whether the stub is contained by value, so that its size counts.
pub(super) fn misfit(stub: &Stub, is_part: bool, candidate: &Candidate<'_>) -> Option<Misfit> {
    let record = &candidate.record;
    let size_differs = record.size_or_type() != stub.size;
    let is_composite = matches!(candidate.kind, Kind::Struct | Kind::Union);
    let size_counts = match candidate.kind {
        Kind::Fwd => false,
        Kind::Struct | Kind::Union => candidate.is_one_of_several,
        _ => true,
    };
    match (stub.kind, candidate.kind) {
        (Kind::Fwd, Kind::Fwd) if record.kind_flag() != stub.kind_flag => Some(Misfit::Kind),
        (Kind::Fwd, Kind::Struct) if record.kind_flag() => Some(Misfit::KindFlag),
        (Kind::Fwd, Kind::Union) if !record.kind_flag() => Some(Misfit::KindFlag),
        (Kind::Fwd, Kind::Fwd | Kind::Struct | Kind::Union) => {
            // A declaration has no size, so that it fits none of several definitions.
            (size_counts && size_differs).then_some(Misfit::Several)
        }
        (Kind::Int, Kind::Int) if size_differs => Some(Misfit::Size),
        (Kind::Int, Kind::Int) => {
            let encoding = (record.word(3) >> 24) as u8 & 0xf;
            (encoding != stub.encoding).then_some(Misfit::Encoding(encoding))
        }
        (Kind::Float, Kind::Float) | (Kind::Enum, Kind::Enum | Kind::Enum64) => size_differs.then_some(Misfit::Size),
        (Kind::Struct | Kind::Union, _) if size_differs && is_part => Some(Misfit::Size),
        (Kind::Struct | Kind::Union, _) if size_differs && size_counts => {
            Some(if is_composite { Misfit::Several } else { Misfit::Kind })
        }
        (Kind::Struct | Kind::Union, _) => None,
        _ => Some(Misfit::Kind),
    }
}

pub(super) fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}
