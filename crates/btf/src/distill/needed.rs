//! Which types of its base a split BTF needs.

use super::DistillError;
use crate::{Btf, Kind, TypeId};

/// In the order of their ids.
pub(super) fn needed(split: &Btf) -> Result<Vec<TypeId>, DistillError> {
    let start = split.start_id();
    let mut is_needed = vec![false; start.index()];
    let mut open = Vec::new();
    for (from, record) in split.records() {
        record.references(|to| open.push((from, to)));
        while let Some((from, to)) = open.pop() {
            if to >= start || to.is_void() || std::mem::replace(&mut is_needed[to.index()], true) {
                continue;
            }
            let Some(record) = split.record(to) else { continue };
            let kind = record.kind();
            match kind {
                None | Some(Kind::Func | Kind::Var | Kind::Datasec | Kind::DeclTag) => {
                    return Err(DistillError::Unexpected { from, to, kind });
                }
                Some(Kind::Struct | Kind::Union) if record.name() != 0 => {}
                Some(_) => record.references(|next| open.push((to, next))),
            }
        }
    }
    let ids = is_needed.iter().enumerate().filter(|(_, is_needed)| **is_needed);
    Ok(ids.map(|(id, _)| TypeId(id as u32)).collect())
}
