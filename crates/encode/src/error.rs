//! Why nothing came out.

use btfkit_elf::{ElfError, ReplaceError};
use std::io;
use std::path::Path;

/// A failure of a whole run. `code` is stable and for machines; the message names the file and says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct EncodeError {
    /// NOT_FOUND, NOT_ELF, TRUNCATED, NO_DWARF, NO_SYMTAB, MALFORMED_COMPRESSION, MALFORMED_ELF, MALFORMED_DWARF,
    /// NO_TYPES, UNFIT_VARIABLE, INVALID_BTF, NO_BTF, MALFORMED_BTF, NOT_RELOCATABLE, BASE_MISMATCH, SKIPPED, STRICT,
    /// MEMORY_LIMIT, NOT_IN_PLACE, IO, ABORTED, INTERNAL.
    pub code: &'static str,
    pub message: String,
}

impl EncodeError {
    pub(crate) fn new(code: &'static str, path: &Path, what: impl std::fmt::Display) -> EncodeError {
        EncodeError { code, message: format!("{}: {what}", path.display()) }
    }

    pub(crate) fn aborted(path: &Path) -> EncodeError {
        EncodeError::new("ABORTED", path, "interrupted before it was encoded; nothing was written")
    }

    /// Of reading the file `path`.
    pub(crate) fn of_elf(path: &Path, error: ElfError) -> EncodeError {
        match error {
            ElfError::Stopped { .. } => EncodeError::aborted(path),
            // These name the file themselves.
            ElfError::NotFound { .. } => EncodeError { code: "NOT_FOUND", message: format!("{error}; check the path") },
            ElfError::Directory { .. } => {
                EncodeError { code: "IO", message: format!("{error}; name a file, such as a vmlinux or a .ko") }
            }
            ElfError::Empty { .. } => {
                EncodeError { code: "NOT_ELF", message: format!("{error}; an ELF file with DWARF is needed") }
            }
            ElfError::NotRegular { .. } | ElfError::Io { .. } => EncodeError { code: "IO", message: error.to_string() },
            ElfError::Changed { .. } => {
                EncodeError { code: "IO", message: format!("{error}; run it again when nobody writes to it") }
            }
            ElfError::Packed { .. } => EncodeError { code: "NOT_IN_PLACE", message: format!("{error}; unpack it") },
            ElfError::Unpack { ref source, .. } if source.kind() == io::ErrorKind::UnexpectedEof => {
                EncodeError { code: "TRUNCATED", message: format!("{error}; copy the file again") }
            }
            ElfError::Unpack { .. } | ElfError::UnpackedSize { .. } => {
                EncodeError { code: "MALFORMED_COMPRESSION", message: error.to_string() }
            }
            ElfError::NoRoom { .. } => {
                EncodeError { code: "MEMORY_LIMIT", message: format!("{error}. Raise the limit, or unpack the file") }
            }
            ElfError::NotElf { .. } => {
                let hint = "bootable kernels (vmlinuz, bzImage) are no use, the vmlinux inside them or of the build is";
                EncodeError::new("NOT_ELF", path, format!("{error}; {hint}"))
            }
            ElfError::Truncated { .. } => {
                EncodeError::new("TRUNCATED", path, format!("{error}; copy or build the file again"))
            }
            other => EncodeError::new("MALFORMED_ELF", path, other),
        }
    }
}

impl From<ReplaceError> for EncodeError {
    fn from(error: ReplaceError) -> EncodeError {
        let (code, hint) = match error {
            ReplaceError::HardLinks { .. } => ("NOT_IN_PLACE", "; copy it first"),
            ReplaceError::Changed { .. } => ("IO", ", so that nothing was written; run it again"),
            _ => ("IO", ""),
        };
        EncodeError { code, message: format!("{error}{hint}") }
    }
}
