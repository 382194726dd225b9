//! One BTF from several, with the types of each after those of the one before.

use crate::distill::push;
use crate::{Btf, Endian, TypeId, WriteError, Writer};
use thiserror::Error;

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AppendError {
    #[error("there is nothing to put together")]
    Nothing,
    #[error("number {number} is split BTF: it can only be put together with its base")]
    Split { number: usize },
    #[error("number {number} is {endian:?} endian, the first one is not")]
    Endian { number: usize, endian: Endian },
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Puts BTFs together, as units of one program: nothing is merged but strings. [`dedup`](crate::dedup::dedup) merges
/// types. Errors count from 1.
pub fn append(parts: &[Btf]) -> Result<Vec<u8>, AppendError> {
    let endian = parts.first().ok_or(AppendError::Nothing)?.endian();
    let mut writer = Writer::new(endian);
    for (number, part) in (1..).zip(parts) {
        if part.base().is_some() {
            return Err(AppendError::Split { number });
        }
        if part.endian() != endian {
            return Err(AppendError::Endian { number, endian: part.endian() });
        }
        let shift = writer.next_id().0 - 1;
        for (_, ty) in part.types() {
            push(&mut writer, part, ty, |id| if id.is_void() { id } else { TypeId(id.0 + shift) })?;
        }
    }
    Ok(writer.finish(false))
}
