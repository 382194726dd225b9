//! An input file: mapped, or unpacked where it is compressed.

use crate::map::Map;
use crate::unpack::unpack;
use crate::{ElfError, Packing, attributes};
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::AtomicBool;

#[derive(Debug)]
pub struct InputFile {
    contents: Contents,
    file: File,
    /// When it was opened.
    metadata: Metadata,
}

#[derive(Debug)]
enum Contents {
    Mapped(Map),
    Held(Vec<u8>),
}

impl InputFile {
    /// Maps a regular, non-empty file read-only; what is compressed (gzip, xz, zstd) is unpacked into memory.
    pub fn open(path: &Path) -> Result<InputFile, ElfError> {
        InputFile::open_within(path, u64::MAX, &AtomicBool::new(false))
    }

    /// The same with not more than `room` bytes of memory for what is unpacked. Unpacking ends once `stop` is true.
    pub fn open_within(path: &Path, room: u64, stop: &AtomicBool) -> Result<InputFile, ElfError> {
        let file = InputFile::map(path)?;
        let Some(packing) = Packing::of(file.bytes()) else { return Ok(file) };
        let bytes = unpack(path, packing, file.bytes(), room, stop)?;
        if bytes.is_empty() {
            return Err(ElfError::Empty { path: path.into() });
        }
        Ok(InputFile { contents: Contents::Held(bytes), ..file })
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
        let contents = match Map::of(&file).map_err(failed)? {
            Some(map) => Contents::Mapped(map),
            None => {
                let mut bytes = Vec::new();
                (&file).read_to_end(&mut bytes).map_err(failed)?;
                Contents::Held(bytes)
            }
        };
        Ok(InputFile { contents, file, metadata })
    }

    /// For a process that has no room for the file's pages: from now on each page is read when it is touched, and
    /// nothing around it. Without this the kernel reads ahead (a setting of the disk, up to megabytes for each page that
    /// is missing), and takes back what it has read before it was used: in a control group of 256 MiB, encoding a kernel
    /// took a minute, and takes 5 s. With room for all pages reading ahead is what is quick.
    pub fn read_sparingly(&self) {
        if let Contents::Mapped(map) = &self.contents {
            map.read_sparingly();
        }
    }

    /// Gives the pages of some of the file's bytes back to the system, when nobody is going to read them. That takes 0.2 µs
    /// for each, so it is for a thread that has nothing else to do. Meanwhile nobody else of the process can map anything:
    /// some megabytes at a time are enough.
    pub fn give_back(&self, bytes: &[u8]) {
        if let Contents::Mapped(map) = &self.contents {
            map.give_back(bytes);
        }
    }

    pub fn bytes(&self) -> &[u8] {
        match &self.contents {
            Contents::Mapped(map) => map,
            Contents::Held(bytes) => bytes,
        }
    }

    /// How many bytes are pages of the file, which the system can take back, and not memory of this process.
    pub fn mapped_bytes(&self) -> u64 {
        match &self.contents {
            Contents::Mapped(map) => map.len() as u64,
            Contents::Held(_) => 0,
        }
    }

    /// To be asked when all is read: an error where the file was cut or written into meanwhile, so that what was read is
    /// of no use.
    pub fn verify(&self, path: &Path) -> Result<(), ElfError> {
        let was_cut = matches!(&self.contents, Contents::Mapped(map) if map.was_cut());
        let is_same = self.file.metadata().is_ok_and(|now| attributes::is_unchanged(&self.metadata, &now));
        match (is_same, was_cut) {
            (true, false) => Ok(()),
            // Nobody changed it: the disk does not give it.
            (true, true) => {
                Err(ElfError::Io { path: path.into(), source: io::Error::other("a part of it cannot be read") })
            }
            (false, _) => Err(ElfError::Changed { path: path.into() }),
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
