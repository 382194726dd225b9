//! What can be wrong with a file, with the bad value inside.

use crate::Packing;
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

    #[error("{}: the file was cut or written into while it was read", path.display())]
    Changed { path: PathBuf },
    #[error("{}: reading it was stopped", path.display())]
    Stopped { path: PathBuf },
    /// Of a file that has to be changed itself.
    #[error("{}: the file is compressed ({packing})", path.display())]
    Packed { path: PathBuf, packing: Packing },
    #[error("{}: the {packing} data is damaged or cut off: {source}", path.display())]
    Unpack { path: PathBuf, packing: Packing, source: io::Error },
    /// A size that no honest file has: it would grow by more than a factor of `limit / packed`.
    #[error("{}: {packed} bytes of {packing} data hold more than {limit} bytes, which no ELF file does", path.display())]
    UnpackedSize { path: PathBuf, packing: Packing, packed: u64, limit: u64 },
    #[error("{}: unpacking it ({packing}) takes more than the {room} bytes of memory that are left", path.display())]
    NoRoom { path: PathBuf, packing: Packing, room: u64 },

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
    #[error("{}: cannot give the new file the owner of the old one ({user}:{group}): {source}", path.display())]
    Owner { path: PathBuf, user: u32, group: u32, source: io::Error },
    #[error("{}: the file has {links} names (hard links), and replacing it would part this one from the others", path.display())]
    HardLinks { path: PathBuf, links: u64 },
    #[error("{}: the file was changed or replaced while it was read", path.display())]
    Changed { path: PathBuf },
    #[error("{}: cannot rename the new file over it: {source}", path.display())]
    Rename { path: PathBuf, source: io::Error },
}

/// Why sections of a file cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    #[error(transparent)]
    Elf(#[from] ElfError),
    #[error("the file has no section headers, or no names for them, so that no section can be added")]
    NoSections,
    #[error("the module is signed, and a module that is changed is not what was signed")]
    Signed,
    #[error("section {section} is loaded with the program (SHF_ALLOC), so that it cannot be moved")]
    Allocated { section: String },
    #[error("section {by} relocates {section}, and would damage other contents")]
    Relocated { section: String, by: String },
    #[error("with {size} bytes the file would be too large for 32-bit ELF")]
    TooLarge { size: u64 },
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}
