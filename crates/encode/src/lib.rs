//! From an ELF file with DWARF to BTF.

mod options;
mod report;

pub use options::{Features, Options, UnknownFeature};
pub use report::{Diagnostic, Phase, Report, Skipped};

use std::path::Path;

/// What came out.
pub struct Encoded {
    /// The raw BTF, in the byte order of the input.
    pub btf: Vec<u8>,
    pub report: Report,
}

/// Why nothing came out. `code` is stable and for machines, the text names the file and says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct EncodeError {
    /// NOT_FOUND, NOT_ELF, TRUNCATED, NO_DWARF, NO_SYMTAB, MALFORMED_DWARF, INVALID_BTF, STRICT, IO, ABORTED, UNSUPPORTED, INTERNAL
    pub code: &'static str,
    pub message: String,
}

/// Encodes one file. `abort` is polled while walking: once it is true, the result is ABORTED.
pub fn encode_file(path: &Path, options: &Options, abort: &std::sync::atomic::AtomicBool) -> Result<Encoded, EncodeError> {
    let _ = (path, options, abort);
    Err(EncodeError { code: "INTERNAL", message: "not written yet".into() })
}

/// Writes the bytes beside the target and renames them over it.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), EncodeError> {
    let _ = (path, bytes);
    Err(EncodeError { code: "INTERNAL", message: "not written yet".into() })
}

/// The DW_LANG code of a language's name (any case), or None.
pub fn language_code(name: &str) -> Option<u16> {
    let _ = name;
    None
}
