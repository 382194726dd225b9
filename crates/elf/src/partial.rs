//! An input file of which only what is asked for is read, for many files one after the other.
//!
//! Of a kernel module an encoder reads the debug sections and the symbols, most of it once. A map's pages are looked up,
//! entered and taken out one by one, and each is to be found again by the processor; copying the bytes into memory in huge
//! pages, which is used again for the next file, takes less time (docs/benchmarking.md). Without huge pages it takes as
//! long as mapping.
//!
//! - The buffer has what earlier files have left in it. Of a file nobody gets at any other part of the buffer than those
//!   that its own bytes, or zeros, were put into: each range is read into a part that is split off the free rest.
//! - What has no room any more is mapped. So a small buffer does for large files, and nothing that a file says can make us
//!   hold more.
//! - Where the file does not give its bytes any more, because somebody has cut it, zeros are in their place, as they are
//!   in a map, and [`Input::verify`] tells.

use crate::input::Opened;
use crate::map::Map;
use crate::source::{Input, Ranges, Source};
use crate::{ElfError, Image, Packing};
use memmap2::MmapMut;
use std::fs::File;
use std::io;
use std::mem;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Room for what is read of a file, and then of the next one. Takes up memory as it is filled.
#[derive(Debug)]
pub struct ReadBuffer {
    memory: MmapMut,
    /// Where huge pages begin in it.
    start: usize,
}

/// Of most machines.
const HUGE_PAGE: usize = 2 << 20;

impl ReadBuffer {
    /// In bytes. Two of three bytes of a kernel's modules are in files that are smaller.
    pub const SIZE: usize = 16 << 20;

    /// None where the system knows of no huge pages: without them nothing is gained.
    pub fn new() -> Option<ReadBuffer> {
        let memory = MmapMut::map_anon(ReadBuffer::SIZE + HUGE_PAGE).ok()?;
        let start = memory.as_ptr().align_offset(HUGE_PAGE);
        let buffer = ReadBuffer { memory, start };
        buffer.ask_for_huge_pages().then_some(buffer)
    }

    #[cfg(target_os = "linux")]
    fn ask_for_huge_pages(&self) -> bool {
        self.start <= HUGE_PAGE
            && self.memory.advise_range(memmap2::Advice::HugePage, self.start, ReadBuffer::SIZE).is_ok()
    }

    #[cfg(not(target_os = "linux"))]
    fn ask_for_huge_pages(&self) -> bool {
        false
    }

    fn bytes(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + ReadBuffer::SIZE]
    }
}

/// A file that is read into a [`ReadBuffer`].
#[derive(Debug)]
pub struct PartialFile<'b> {
    path: PathBuf,
    opened: Opened,
    room: Mutex<Room<'b>>,
    /// For what the buffer has no room for.
    map: OnceLock<Map>,
    was_cut: AtomicBool,
}

#[derive(Debug)]
struct Room<'b> {
    free: &'b mut [u8],
    /// Where each begins in the file. A section is asked for more than once.
    read: Vec<(u64, &'b [u8])>,
}

/// Ranges that are read at most: they are gone through for each that is asked for. A module takes a dozen.
const MOST: usize = 64;

/// Bytes have the same alignment as in the file.
const ALIGNMENT: usize = 64;

/// What is looked at to see what the file is: an ELF header, as a rule.
const FIRST: u64 = 64;

impl<'b> PartialFile<'b> {
    /// None for a file that is compressed as a whole.
    pub fn open(path: &Path, buffer: &'b mut ReadBuffer) -> Result<Option<PartialFile<'b>>, ElfError> {
        let file = PartialFile {
            path: path.into(),
            opened: Opened::open(path)?,
            room: Mutex::new(Room { free: buffer.bytes(), read: Vec::new() }),
            map: OnceLock::new(),
            was_cut: AtomicBool::new(false),
        };
        let packing = Packing::of(Source::Ranges(&file).first(FIRST)?);
        Ok(packing.is_none().then_some(file))
    }

    /// None where there is no room.
    fn read(&self, range: &Range<u64>) -> Option<&'b [u8]> {
        let room = &mut *self.room.lock().unwrap_or_else(PoisonError::into_inner);
        let known = room.read.iter().find_map(|&(start, bytes)| {
            let from = usize::try_from(range.start.checked_sub(start)?).ok()?;
            bytes.get(from..from.checked_add((range.end - range.start) as usize)?)
        });
        if known.is_some() || room.read.len() == MOST {
            return known;
        }
        let size = usize::try_from(range.end - range.start).ok()?;
        let padding = (range.start as usize).wrapping_sub(room.free.as_ptr() as usize) % ALIGNMENT;
        let end = size.checked_add(padding).filter(|&end| end <= room.free.len())?;
        let (bytes, free) = mem::take(&mut room.free).split_at_mut(end);
        room.free = free;
        let bytes = &mut bytes[padding..];
        let count = read_at(&self.opened.file, bytes, range.start);
        if count < size {
            bytes[count..].fill(0);
            self.was_cut.store(true, Relaxed);
        }
        room.read.push((range.start, bytes));
        Some(bytes)
    }

    fn map(&self) -> io::Result<&Map> {
        if let Some(map) = self.map.get() {
            return Ok(map);
        }
        let map = Map::of_length(&self.opened.file, self.len())?;
        let map = map.ok_or_else(|| io::Error::other("too many files are mapped"))?;
        Ok(self.map.get_or_init(|| map))
    }
}

impl Ranges for PartialFile<'_> {
    fn len(&self) -> u64 {
        self.opened.metadata.len()
    }

    fn range(&self, range: Range<u64>) -> Result<&[u8], ElfError> {
        if let Some(bytes) = self.read(&range) {
            return Ok(bytes);
        }
        let map = self.map().map_err(|source| ElfError::Io { path: self.path.clone(), source })?;
        Ok(&map[range.start as usize..range.end as usize])
    }
}

impl Input for PartialFile<'_> {
    fn image(&self) -> Result<Image<'_>, ElfError> {
        Image::read(Source::Ranges(self))
    }

    fn verify(&self, path: &Path) -> Result<(), ElfError> {
        let was_cut = self.was_cut.load(Relaxed) || self.map.get().is_some_and(Map::was_cut);
        self.opened.verify(path, was_cut)
    }
}

/// How many bytes there were; whatever the reason, the others are not to be had.
#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> usize {
    use std::os::unix::fs::FileExt;
    let mut count = 0;
    while count < bytes.len() {
        match file.read_at(&mut bytes[count..], offset + count as u64) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    count
}

/// There is no buffer to read into.
#[cfg(not(unix))]
fn read_at(_: &File, _: &mut [u8], _: u64) -> usize {
    0
}
