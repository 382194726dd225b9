//! What can be wrong with a file, with the bad value inside.

use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum ElfError {
    #[error("{}: no such file", path.display())]
    NotFound { path: PathBuf },
    #[error("{}: is a directory", path.display())]
    Directory { path: PathBuf },
    #[error("{}: is a device, a pipe or a socket, not a regular file", path.display())]
    NotRegular { path: PathBuf },
    #[error("{}: the file is empty", path.display())]
    Empty { path: PathBuf },
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },

    /// The first bytes of the file, at most 16.
    #[error("not an ELF file: it begins with {}", hex(first))]
    NotElf { first: Vec<u8> },
    #[error("ELF class {class} is neither 32-bit (1) nor 64-bit (2)")]
    Class { class: u8 },
    #[error("ELF byte order {order} is neither little-endian (1) nor big-endian (2)")]
    ByteOrder { order: u8 },
    #[error("ELF version {version} instead of 1")]
    Version { version: u8 },
    /// `needed` and `have` are bytes from the start of the file, or of the section that `what` names.
    #[error("{what} is cut off: {needed} bytes are needed, {have} are there")]
    Truncated { what: String, needed: u64, have: u64 },
    #[error("entries of {what} are {size} bytes long instead of {expected}")]
    EntrySize { what: String, size: u64, expected: u64 },
    #[error("{what} refers to section {index}, but there are only {sections} sections")]
    NoSuchSection { what: String, index: u32, sections: usize },
    #[error("section {section} has its name at {offset:#x}, where the section name table has none")]
    SectionName { section: usize, offset: u32 },
    #[error("the allocated sections of this relocatable file do not fit into {bits} address bits")]
    AddressSpace { bits: u8 },

    #[error("section {section}: compression type {kind} is neither zlib (1) nor zstd (2)")]
    CompressionType { section: String, kind: u32 },
    /// A declared size that no honest file has: the section would grow by more than a factor of `limit / compressed`.
    #[error("section {section}: {compressed} compressed bytes claim to hold {declared} (at most {limit} are believed)")]
    DecompressedSize { section: String, compressed: u64, declared: u64, limit: u64 },
    #[error("section {section}: {cause}")]
    Decompression { section: String, cause: String },

    #[error("section {section} has more than one section of relocations")]
    SeveralRelocationSections { section: String },
    #[error("section {section} has its relocations in a section of type {sh_type:#x}, which is not supported")]
    RelocationSectionType { section: String, sh_type: u32 },
    #[error(transparent)]
    Relocation(#[from] RelocationError),

    /// A table that is keyed by hashes of names cannot hold both.
    #[error("the functions {first} and {second} have the same name hash {hash:#x}")]
    HashCollision { hash: u64, first: String, second: String },
    /// `at` and `needed` count from the start of `.BTF_ids`.
    #[error(".BTF_ids is {size} bytes long, but symbol {symbol} needs it up to byte {needed}")]
    BtfIds { symbol: String, needed: u64, size: u64 },
}

/// Why the value at a relocated place cannot be computed. `offset` is the place in the relocated section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RelocationError {
    #[error("relocation type {kind} of machine {machine} at offset {offset:#x} is not supported")]
    Unsupported { machine: u16, kind: u32, offset: u64 },
    #[error("the relocation at offset {offset:#x} is for {width} bytes, but {size} bytes are read there")]
    Width { offset: u64, width: u8, size: u8 },
    #[error("there are too many relocations for the value at offset {offset:#x}")]
    TooMany { offset: u64 },
    #[error("the relocation at offset {offset:#x} refers to symbol {symbol}, but there are only {symbols}")]
    NoSuchSymbol { offset: u64, symbol: u32, symbols: usize },
}

/// Why a file could not be replaced. The old file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    #[error("{}: is a directory", path.display())]
    Directory { path: PathBuf },
    #[error("{}: cannot create a file beside it: {source}", path.display())]
    Create { path: PathBuf, source: io::Error },
    #[error("{}: cannot write: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{}: cannot give the new file the mode of the old one: {source}", path.display())]
    Mode { path: PathBuf, source: io::Error },
    #[error("{}: cannot rename the new file over it: {source}", path.display())]
    Rename { path: PathBuf, source: io::Error },
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}
