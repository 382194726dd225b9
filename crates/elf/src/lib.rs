//! ELF as a BTF encoder needs it: sections (decompressed where the file compressed them), symbols, the relocations
//! of debug sections in relocatable files, the kernel functions of `.BTF_ids`, and replacing a file in one step.
//!
//! Both classes, both byte orders. Input is hostile: whatever the bytes, the answer is a value or an [`ElfError`].

mod address;
mod attributes;
mod btf_ids;
mod compression;
mod debug_sections;
mod error;
mod functions;
mod image;
mod input;
mod map;
mod new_file;
mod relocation_kinds;
mod relocations;
mod replace;
mod rewrite;
mod symbols;
mod unpack;

pub use btf_ids::{Kfunc, Kfuncs, SkippedId, kfuncs};
pub use debug_sections::{DebugSection, DebugSections, DebugSizes};
pub use error::{ElfError, RelocationError, ReplaceError, RewriteError};
pub use functions::{FunctionIndex, FunctionSymbol, FunctionTable};
pub use image::{Endian, Image, Section};
pub use input::InputFile;
pub use new_file::is_temporary;
pub use relocations::{Plain, Relocation, RelocationCursor, Relocations};
pub use replace::{rewrite_in_place, write_beside_and_rename, write_together};
pub use rewrite::{Change, Rewrite};
pub use symbols::{Symbol, SymbolBinding, SymbolKind, Symbols};
pub use unpack::Packing;

/// The names and numbers of the ELF specification (`EM_X86_64`, `SHT_NOBITS`, `SHF_ALLOC`).
pub use object::elf as constants;
