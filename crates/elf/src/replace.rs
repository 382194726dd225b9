//! Replacing a file in one step.

use crate::ReplaceError;
use std::path::Path;

/// Writes the bytes into a new file beside the target and renames it over the target.
pub fn write_beside_and_rename(path: &Path, bytes: &[u8]) -> Result<(), ReplaceError> {
    let _ = (path, bytes);
    todo!()
}
