//! Files that are compressed as a whole, as distributions ship their modules (`.ko.xz`, `.ko.zst`, `.ko.gz`). What a file
//! is compressed with is told by its first bytes, not by its name.

use crate::ElfError;
use crate::compression::{LARGEST_FACTOR, SMALL};
use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::error::Error;
use std::fmt;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    Gzip,
    Xz,
    Zstd,
}

/// Decoders hold this much of what they have written: `xz -9` asks for half of it, `zstd --long` for all.
const LARGEST_WINDOW: u64 = 128 << 20;

/// How much of a zstd frame is decoded at once.
const STEP: usize = 1 << 20;

impl Packing {
    pub fn of(bytes: &[u8]) -> Option<Packing> {
        match bytes {
            [0x1f, 0x8b, ..] => Some(Packing::Gzip),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Packing::Xz),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Packing::Zstd),
            _ => None,
        }
    }
}

impl fmt::Display for Packing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Packing::Gzip => "gzip",
            Packing::Xz => "xz",
            Packing::Zstd => "zstd",
        })
    }
}

/// What is in the file, of which not more than `room` bytes are held. A file of a few bytes is not believed that it holds
/// gigabytes, whatever the room. Once `stop` is true it is not unpacked any further.
pub(crate) fn unpack(
    path: &Path,
    packing: Packing,
    packed: &[u8],
    room: u64,
    stop: &AtomicBool,
) -> Result<Vec<u8>, ElfError> {
    let believed = (packed.len() as u64).saturating_mul(LARGEST_FACTOR).max(SMALL);
    let limit = believed.min(room);
    let window = limit.max(LARGEST_WINDOW).min(room);
    let mut output = Bounded { bytes: Vec::new(), limit, stop };
    let done = match packing {
        Packing::Gzip => output.fill(MultiGzDecoder::new(packed)),
        Packing::Xz => {
            let kibibytes = u32::try_from(window >> 10).unwrap_or(u32::MAX);
            output.fill(XzReader::new_mem_limit(packed, true, kibibytes))
        }
        Packing::Zstd => unpack_zstd(packed, window, &mut output),
    };
    let path = path.to_path_buf();
    match done {
        _ if stop.load(Relaxed) => Err(ElfError::Stopped { path }),
        _ if output.is_too_much() && limit == room => Err(ElfError::NoRoom { path, packing, room }),
        _ if output.is_too_much() => Err(ElfError::UnpackedSize { path, packing, packed: packed.len() as u64, limit }),
        Err(source) if source.kind() == io::ErrorKind::OutOfMemory && window == room => {
            Err(ElfError::NoRoom { path, packing, room })
        }
        Err(source) => Err(ElfError::Unpack { path, packing, source }),
        Ok(()) => Ok(output.bytes),
    }
}

struct Bounded<'s> {
    bytes: Vec<u8>,
    limit: u64,
    stop: &'s AtomicBool,
}

impl Bounded<'_> {
    /// Reads all, but not more than one byte too many.
    fn fill(&mut self, reader: impl Read) -> io::Result<()> {
        let room = self.limit.saturating_add(1) - self.bytes.len() as u64;
        Stoppable { reader: reader.take(room), stop: self.stop }.read_to_end(&mut self.bytes)?;
        Ok(())
    }

    fn is_too_much(&self) -> bool {
        self.bytes.len() as u64 > self.limit
    }
}

/// Fails where it is stopped; each read gives some kilobytes.
struct Stoppable<'s, R> {
    reader: R,
    stop: &'s AtomicBool,
}

impl<R: Read> Read for Stoppable<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.load(Relaxed) { Err(io::ErrorKind::Other.into()) } else { self.reader.read(buffer) }
    }
}

/// Frames one behind the other, as `zstd` and `cat` make them.
fn unpack_zstd(mut packed: &[u8], window: u64, output: &mut Bounded<'_>) -> io::Result<()> {
    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(window);
    while !packed.is_empty() {
        match decoder.init(&mut packed) {
            Ok(()) => {}
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                packed = packed.get(length as usize..).ok_or(io::ErrorKind::UnexpectedEof)?;
                continue;
            }
            Err(error) => return Err(zstd_error(error)),
        }
        while !decoder.is_finished() || decoder.can_collect() > 0 {
            decoder.decode_blocks(&mut packed, BlockDecodingStrategy::UptoBytes(STEP)).map_err(zstd_error)?;
            output.fill(&mut decoder)?;
            if output.is_too_much() {
                return Ok(());
            }
        }
        match (decoder.get_checksum_from_data(), decoder.get_calculated_checksum()) {
            (Some(declared), Some(found)) if declared != found => {
                return Err(io::Error::other(format!("the checksum is {found:#010x} instead of {declared:#010x}")));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The decoder wraps what is wrong in what it was doing.
fn zstd_error(error: FrameDecoderError) -> io::Error {
    let mut kind = match error {
        FrameDecoderError::WindowSizeTooBig { .. } => io::ErrorKind::OutOfMemory,
        _ => io::ErrorKind::Other,
    };
    let mut cause: Option<&dyn Error> = error.source();
    while let Some(inner) = cause {
        kind = inner.downcast_ref().map_or(kind, io::Error::kind);
        cause = inner.source();
    }
    io::Error::new(kind, error)
}
