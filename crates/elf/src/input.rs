//! An input file: mapped, or unpacked where it is compressed. The only unsafe code of this crate is the call that maps.

use crate::unpack::unpack;
use crate::{ElfError, Packing};
use memmap2::Mmap;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;

#[derive(Debug)]
pub struct InputFile {
    contents: Contents,
    file: File,
    /// When it was opened.
    metadata: Metadata,
}

#[derive(Debug)]
enum Contents {
    Mapped(Mmap),
    Unpacked(Vec<u8>),
}

impl InputFile {
    /// Maps a regular, non-empty file read-only; what is compressed (gzip, xz, zstd) is unpacked into memory.
    pub fn open(path: &Path) -> Result<InputFile, ElfError> {
        InputFile::open_within(path, u64::MAX)
    }

    /// The same with not more than `room` bytes of memory for what is unpacked.
    pub fn open_within(path: &Path, room: u64) -> Result<InputFile, ElfError> {
        let file = InputFile::map(path)?;
        let Some(packing) = Packing::of(file.bytes()) else { return Ok(file) };
        let bytes = unpack(path, packing, file.bytes(), room)?;
        if bytes.is_empty() {
            return Err(ElfError::Empty { path: path.into() });
        }
        Ok(InputFile { contents: Contents::Unpacked(bytes), ..file })
    }

    /// As [`open`](InputFile::open), for whoever wants the file itself: one that is compressed is an error.
    pub fn open_unpacked(path: &Path) -> Result<InputFile, ElfError> {
        let file = InputFile::map(path)?;
        match Packing::of(file.bytes()) {
            Some(packing) => Err(ElfError::Packed { path: path.into(), packing }),
            None => Ok(file),
        }
    }

    fn map(path: &Path) -> Result<InputFile, ElfError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => ElfError::NotFound { path: path.into() },
            _ => ElfError::Io { path: path.into(), source },
        };
        // Asked before opening: opening a pipe that nobody writes to would wait for ever.
        let kind = fs::metadata(path).map_err(failed)?.file_type();
        if kind.is_dir() {
            return Err(ElfError::Directory { path: path.into() });
        }
        if !kind.is_file() {
            return Err(ElfError::NotRegular { path: path.into() });
        }
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.len() == 0 {
            return Err(ElfError::Empty { path: path.into() });
        }
        // SAFETY: a map is sound to read as long as nobody changes or cuts the file meanwhile.
        // - We never write through it and hand out shared slices only, which end before the map does.
        // - We never write an input file in place: `write_beside_and_rename` makes a new file, and this map keeps the old.
        // - Another process that writes into the file in place breaks this, as it breaks every tool that maps its input
        //   (linkers, debuggers): values may change between two reads, and reading past a cut ends in SIGBUS. Parsers
        //   here check what they have read, not what they read before, so that changed bytes give an error at worst.
        let map = unsafe { Mmap::map(&file) }.map_err(failed)?;
        Ok(InputFile { contents: Contents::Mapped(map), file, metadata })
    }

    /// For a process that has no room for the file's pages: from now on each page is read when it is touched, and
    /// nothing around it. Without this the kernel reads ahead (a setting of the disk, up to megabytes for each page that
    /// is missing), and takes back what it has read before it was used: in a control group of 256 MiB, encoding a kernel
    /// took a minute, and takes 5 s. With room for all pages reading ahead is what is quick.
    pub fn read_sparingly(&self) {
        // Advice: where the system does not take it, all is as before.
        #[cfg(unix)]
        if let Contents::Mapped(map) = &self.contents {
            let _ = map.advise(memmap2::Advice::Random);
        }
    }

    pub fn bytes(&self) -> &[u8] {
        match &self.contents {
            Contents::Mapped(map) => map,
            Contents::Unpacked(bytes) => bytes,
        }
    }

    /// How many bytes are pages of the file, which the system can take back, and not memory of this process.
    pub fn mapped_bytes(&self) -> u64 {
        match &self.contents {
            Contents::Mapped(map) => map.len() as u64,
            Contents::Unpacked(_) => 0,
        }
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// As it was when it was opened.
    pub(crate) fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}
