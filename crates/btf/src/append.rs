//! One BTF from several, with the types of each after those of the one before.

use crate::distill::push;
use crate::{Btf, Endian, TypeId, WriteError, Writer};
use std::sync::Arc;
use thiserror::Error;

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AppendError {
    #[error("there is nothing to put together")]
    Nothing,
    #[error("number {number} does not stand on the same base as the first one")]
    Base { number: usize },
    #[error("number {number} is {endian:?} endian, the first one is not")]
    Endian { number: usize, endian: Endian },
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Puts BTFs together, as units of one program: nothing is merged but strings. [`dedup`](crate::dedup::dedup) merges
/// types. Either none of them is split BTF, or all stand on one base, and so does what comes out. Errors count from 1.
pub fn append(parts: &[Btf]) -> Result<Vec<u8>, AppendError> {
    let first = parts.first().ok_or(AppendError::Nothing)?;
    let (endian, base, start) = (first.endian(), first.base(), first.start_id());
    let mut writer = base.map_or_else(|| Writer::new(endian), Writer::split);
    for (number, part) in (1..).zip(parts) {
        let same = match (part.base(), base) {
            (Some(own), Some(base)) => Arc::ptr_eq(own, base),
            (own, base) => own.is_none() && base.is_none(),
        };
        if !same {
            return Err(AppendError::Base { number });
        }
        if part.endian() != endian {
            return Err(AppendError::Endian { number, endian: part.endian() });
        }
        let shift = writer.next_id().0 - start.0;
        for (_, ty) in part.types() {
            push(&mut writer, part, ty, |id| if id < start { id } else { TypeId(id.0 + shift) })?;
        }
    }
    Ok(writer.finish(false))
}
