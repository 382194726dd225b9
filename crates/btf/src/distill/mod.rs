//! The distilled base: as much of a base as its split BTF needs to be carried to another one.
//!
//! Split BTF names types of its base by id and strings by offset, so that it means something on exactly that base. The
//! distilled base is a small BTF to put in the base's place: for each type that the split BTF uses it says name, kind
//! and size, by which [`relocate`](crate::relocate) finds it in another base.
//!
//! ```text
//! base    [1] INT 'int' size=4          distilled  [1] INT 'int' size=4
//!         [2] STRUCT 's' size=8 {…}                [2] STRUCT 's' size=8 {}
//!         [3] PTR -> 2                  split      [3] STRUCT 'm' size=8 { 'p':4@0 }
//! split   [4] STRUCT 'm' { 'p':3@0 }               [4] PTR -> 2
//! ```
//!
//! 1. Needed is what the split BTF refers to, and what that refers to; behind a struct or union with a name nothing is,
//!    as the name says it all (`needed`).
//! 2. Of what has a name of its own the distilled base gets a stub ([`stub`]). Pointers, qualifiers, typedefs, arrays,
//!    prototypes and anonymous types move into the split BTF, behind its own types.
//! 3. References are renumbered.
//!
//! Invariant: types keep their order, and no type of the result means something else than before.

mod needed;

use crate::{Aggregate, Btf, Kind, ReadError, Type, TypeId, WriteError, Writer};
use needed::needed;
use std::sync::Arc;
use thiserror::Error;

/// A split BTF on its distilled base.
#[derive(Debug)]
pub struct Distilled {
    /// What belongs into `.BTF.base`: its bytes are [`Btf::bytes`].
    pub base: Arc<Btf>,
    /// What belongs into `.BTF`.
    pub split: Vec<u8>,
    /// By old id (of the base too): the new one; void for types of the base that are not needed.
    pub ids: Vec<TypeId>,
}

/// Why a split BTF has no distilled base.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DistillError {
    #[error("this BTF stands on no base, so that there is nothing to distill; give the base that it was made on")]
    NotSplit,
    #[error(
        "type {from} refers to type {to} of the base, {what}: a distilled base has no functions, variables and \
         sections, and no tags of declarations", what = kind.map_or("of a kind that is not known", Kind::name)
    )]
    Unexpected { from: TypeId, to: TypeId, kind: Option<Kind> },
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Distills the base of a split BTF.
pub fn distill(split: &Btf) -> Result<Distilled, DistillError> {
    let old_base = split.base().ok_or(DistillError::NotSplit)?;
    let needed = needed(split)?;
    let mut ids = vec![TypeId::VOID; split.end_id().index()];

    let mut writer = Writer::new(split.endian());
    let mut moved = Vec::new();
    for id in needed {
        let Some(ty) = old_base.get(id) else { continue };
        match stub(ty) {
            Some(stub) => ids[id.index()] = push(&mut writer, split, stub, |id| id)?,
            None => moved.push(id),
        }
    }
    let base = Arc::new(Btf::parse(writer.finish(false))?);

    let mut writer = Writer::split(&base);
    let own = (split.start_id().0..split.end_id().0).map(TypeId);
    let order: Vec<TypeId> = own.chain(moved).collect();
    for (new, old) in (base.end_id().0..).zip(&order) {
        ids[old.index()] = TypeId(new);
    }
    for old in order {
        let Some(ty) = split.get(old) else { continue };
        push(&mut writer, split, ty, |id| ids[id.index()])?;
    }
    Ok(Distilled { base, split: writer.finish(false), ids })
}

/// What a distilled base keeps of a type, and `None` for what moves into the split BTF. A struct or union is without
/// members, an enum without values and, of either width, an ENUM.
fn stub(ty: Type) -> Option<Type> {
    let bare = |body: Aggregate| Aggregate { kind_flag: false, members: Vec::new(), ..body };
    Some(match ty {
        Type::Int { .. } | Type::Float { .. } | Type::Fwd { .. } => ty,
        Type::Struct(body) if body.name != 0 => Type::Struct(bare(body)),
        Type::Union(body) if body.name != 0 => Type::Union(bare(body)),
        Type::Enum { name, size, .. } | Type::Enum64 { name, size, .. } if name != 0 => {
            Type::Enum { name, size, signed: false, values: Vec::new() }
        }
        _ => return None,
    })
}

/// Appends a type of `from` with the ids that it has here.
pub(crate) fn push(
    writer: &mut Writer,
    from: &Btf,
    mut ty: Type,
    id: impl Fn(TypeId) -> TypeId,
) -> Result<TypeId, WriteError> {
    let mut failed = None;
    ty.names_mut(|name| match writer.string(from.string(*name).unwrap_or_default()) {
        Ok(offset) => *name = offset,
        Err(error) => failed = Some(error),
    });
    if let Some(error) = failed {
        return Err(error);
    }
    ty.references_mut(|target| *target = id(*target));
    writer.push(&ty)
}
