//! Carrying a split BTF with its distilled base to another base, as the kernel does when it loads a module.
//!
//! The distilled base ([`distill`](mod@crate::distill)) has a stub for each type that the split BTF uses of its base.
//! Each stub is looked for in the new base, and references to stubs become references to what was found.
//!
//! 1. The distilled base must have stubs only, and their names (`stubs`). A stub that the split BTF contains by value
//!    is noted: its size counts.
//! 2. Every named type of the new base is compared with the stubs of its name (`matching`). What fits no stub is passed
//!    over; a second one that fits the same stub is an error, as is a stub without any.
//! 3. Ids and names are rewritten. A name that the split BTF shares with its distilled base must be that of a stub.
//!
//! The rules are those of the kernel's `tools/lib/bpf/btf_relocate.c`, also where they are odd:
//!
//! - A forward declaration fits a struct without bitfields, or a union with: the kernel takes the kind flag of the
//!   definition (which says how members' offsets are stored) for that of a declaration (which tells union from struct).
//! - A struct or union that is nowhere contained by value fits whatever has its name: a union, a forward declaration, an
//!   enum. Such finds are told as [`Doubt`]s.
//! - Sizes of structs and unions that are only pointed to count where several structs or unions share a name (more
//!   exactly, an offset in the string section).
//!
//! Invariant: after success each name in the split BTF refers to what bears it in the new base.

mod error;
mod explain;
mod matching;
mod stubs;

pub use error::{Cause, Misfit, Namesake, Obstacle, RelocateError};
pub use stubs::Stub;

use crate::distill::push;
use crate::{Btf, Kind, TypeId, Writer};
use std::collections::HashSet;
use std::sync::Arc;

/// A split BTF on its new base.
#[derive(Debug)]
pub struct Relocated {
    /// The split BTF.
    pub split: Vec<u8>,
    /// By id of the distilled base and of the split BTF before: the id now. `.BTF_ids` is translated by it.
    pub ids: Vec<TypeId>,
    /// Finds of another kind than what was looked for, which the kernel does not mind.
    pub doubts: Vec<Doubt>,
}

/// A stub that has been found in something of another kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    pub stub: Stub,
    pub found: TypeId,
    pub kind: Kind,
}

impl std::fmt::Display for Doubt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is taken for the new base's {} {}", self.stub, self.kind.name(), self.found)
    }
}

/// Carries `split`, whose base is a distilled one, to `target`.
pub fn relocate(split: &Btf, target: &Arc<Btf>) -> Result<Relocated, RelocateError> {
    let distilled = split.base().ok_or(RelocateError::NotSplit)?;
    if Arc::ptr_eq(distilled, target) {
        return Err(RelocateError::SameBase);
    }
    if split.endian() != target.endian() {
        return Err(RelocateError::Endian { split: split.endian(), target: target.endian() });
    }
    let stubs = stubs::stubs(split, distilled)?;
    let found = matching::find(&stubs, target)?;
    let obstacles = explain::obstacles(&stubs, &found, target);
    if !obstacles.is_empty() {
        return Err(RelocateError::Obstacles(obstacles));
    }

    let mut ids = vec![TypeId::VOID];
    ids.extend(found.iter().filter_map(|found| found.first));
    let own = split.end_id().0 - split.start_id().0;
    ids.extend((0..own).map(|at| TypeId(target.end_id().0 + at)));

    let names: HashSet<u32> = stubs.iter().map(|stub| stub.name_offset).collect();
    let mut writer = Writer::split(target);
    for (_, ty) in split.types() {
        let mut unmapped = None;
        ty.names(|name| {
            if name != 0 && name < split.start_string() && !names.contains(&name) {
                unmapped = unmapped.or(Some(name));
            }
        });
        if let Some(offset) = unmapped {
            let text = String::from_utf8_lossy(split.string(offset).unwrap_or_default()).into_owned();
            return Err(RelocateError::UnmappedString { offset, text });
        }
        push(&mut writer, split, ty, |id| ids[id.index()])?;
    }
    let doubts = stubs.into_iter().zip(found).filter_map(|(stub, found)| doubt(stub, found.first?, target)).collect();
    Ok(Relocated { split: writer.finish(false), ids, doubts })
}

fn doubt(stub: Stub, found: TypeId, target: &Btf) -> Option<Doubt> {
    let record = target.record(found)?;
    let kind = record.kind()?;
    let expected = match (stub.kind, kind) {
        (Kind::Enum, Kind::Enum64) => true,
        (Kind::Fwd, Kind::Struct) => !stub.kind_flag,
        (Kind::Fwd, Kind::Union) => stub.kind_flag,
        (wanted, kind) => wanted == kind,
    };
    (!expected).then_some(Doubt { stub, found, kind })
}
