//! Contents of sections that the file has compressed: SHF_COMPRESSED with zlib or zstd, and the older `.zdebug_*`.

use crate::{ElfError, Image, Section};
use flate2::{Decompress, FlushDecompress, Status};
use object::elf;
use object::endian::Endianness;
use object::pod;
use ruzstd::decoding::FrameDecoder;
use std::borrow::Cow;
use std::mem;

/// A small file must not make us fill the memory. Deflate cannot shrink by more than this factor; zstd can, but only
/// runs of one byte, which are not debug information.
pub(crate) const LARGEST_FACTOR: u64 = 1032;

/// Believed without looking at the factor.
pub(crate) const SMALL: u64 = 1 << 20;

/// The window of the largest zstd levels; some encoders ask for one larger than what they compress.
const USUAL_WINDOW: u64 = 8 << 20;

enum Method {
    Zlib,
    Zstd,
}

/// A compressed section before it is decompressed.
struct Packed<'data> {
    method: Method,
    /// Bytes that come out, as the file says.
    declared: u64,
    stream: &'data [u8],
}

impl<'data> Packed<'data> {
    /// None where the section is not compressed.
    fn of(image: &Image<'data>, section: &Section<'data>) -> Result<Option<Packed<'data>>, ElfError> {
        let bytes = image.file_bytes(section)?;
        let (method, declared, stream) = if section.sh_flags & elf::SHF_COMPRESSED.0 != 0 {
            marked_header(image, section, bytes)?
        } else if section.name.starts_with(b".zdebug_") {
            match old_header(bytes) {
                Some((declared, stream)) => (Method::Zlib, declared, stream),
                // Tools leave the name and drop the header where compression would not have made the section smaller.
                None => return Ok(None),
            }
        } else {
            return Ok(None);
        };
        let packed = Packed { method, declared, stream };
        if declared > packed.limit() { Err(packed.too_large(section)) } else { Ok(Some(packed)) }
    }

    fn limit(&self) -> u64 {
        (self.stream.len() as u64).saturating_mul(LARGEST_FACTOR).max(SMALL).min(isize::MAX as u64)
    }

    fn too_large(&self, section: &Section<'_>) -> ElfError {
        ElfError::DecompressedSize {
            section: section.display_name().into(),
            compressed: self.stream.len() as u64,
            declared: self.declared,
            limit: self.limit(),
        }
    }
}

/// How many bytes [`decompress`] would have to hold: None where the section is not compressed.
pub(crate) fn decompressed_size(image: &Image<'_>, section: &Section<'_>) -> Result<Option<u64>, ElfError> {
    Ok(Packed::of(image, section)?.map(|packed| packed.declared))
}

pub(crate) fn decompress<'data>(image: &Image<'data>, section: &Section<'data>) -> Result<Cow<'data, [u8]>, ElfError> {
    let Some(packed) = Packed::of(image, section)? else {
        return Ok(Cow::Borrowed(image.file_bytes(section)?));
    };
    let Packed { ref method, declared, stream } = packed;
    let failed = |cause: String| ElfError::Decompression { section: section.display_name().into(), cause };
    let mut output = Vec::new();
    output.try_reserve_exact(declared as usize).map_err(|_| packed.too_large(section))?;
    match method {
        Method::Zlib => inflate(stream, declared, &mut output).map_err(failed)?,
        Method::Zstd => unpack_zstd(stream, declared, &mut output).map_err(failed)?,
    }
    if output.len() as u64 != declared {
        return Err(failed(format!("{declared} bytes were declared, {} came out", output.len())));
    }
    Ok(Cow::Owned(output))
}

/// The header that SHF_COMPRESSED announces: method, size of the contents, and the rest of the section.
fn marked_header<'data>(
    image: &Image<'data>,
    section: &Section<'data>,
    bytes: &'data [u8],
) -> Result<(Method, u64, &'data [u8]), ElfError> {
    let order: Endianness = image.endian().into();
    let truncated = |needed: usize| ElfError::Truncated {
        what: format!("the compression header of section {}", section.display_name()),
        needed: needed as u64,
        have: bytes.len() as u64,
    };
    let (kind, declared, stream) = if image.is_64() {
        let (header, stream) = pod::from_bytes::<elf::CompressionHeader64<Endianness>>(bytes)
            .map_err(|()| truncated(mem::size_of::<elf::CompressionHeader64<Endianness>>()))?;
        (header.ch_type.get(order), header.ch_size.get(order), stream)
    } else {
        let (header, stream) = pod::from_bytes::<elf::CompressionHeader32<Endianness>>(bytes)
            .map_err(|()| truncated(mem::size_of::<elf::CompressionHeader32<Endianness>>()))?;
        (header.ch_type.get(order), u64::from(header.ch_size.get(order)), stream)
    };
    let method = match kind {
        elf::ELFCOMPRESS_ZLIB => Method::Zlib,
        elf::ELFCOMPRESS_ZSTD => Method::Zstd,
        other => {
            return Err(ElfError::CompressionType { section: section.display_name().into(), kind: other.0 });
        }
    };
    Ok((method, declared, stream))
}

/// The header of `.zdebug_*`: "ZLIB" and the size, big-endian in files of either byte order.
fn old_header(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (size, stream) = bytes.strip_prefix(b"ZLIB")?.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*size), stream))
}

/// Fills the capacity of `output`. Linkers may have put several streams one behind the other, and padding behind the last.
fn inflate(mut stream: &[u8], declared: u64, output: &mut Vec<u8>) -> Result<(), String> {
    let mut state = Decompress::new(true);
    while !stream.is_empty() {
        let (read_before, written_before) = (state.total_in(), output.len());
        let status =
            state.decompress_vec(stream, output, FlushDecompress::Finish).map_err(|error| error.to_string())?;
        let read = (state.total_in() - read_before) as usize;
        stream = &stream[read..];
        match status {
            Status::StreamEnd if output.len() as u64 >= declared => break,
            Status::StreamEnd => state.reset(true),
            Status::Ok | Status::BufError if read == 0 && output.len() == written_before => {
                let what =
                    if output.len() == output.capacity() { "more than the declared" } else { "less than a whole" };
                return Err(format!("the zlib stream holds {what} data"));
            }
            Status::Ok | Status::BufError => {}
        }
    }
    Ok(())
}

/// Fills the capacity of `output`.
fn unpack_zstd(stream: &[u8], declared: u64, output: &mut Vec<u8>) -> Result<(), String> {
    let mut decoder = FrameDecoder::new();
    // The window is allocated up front, so it is bounded by what may come out.
    decoder.set_max_window_size(declared.next_power_of_two().max(USUAL_WINDOW));
    decoder.decode_all_to_vec(stream, output).map_err(|error| error.to_string())?;
    match (decoder.get_checksum_from_data(), decoder.get_calculated_checksum()) {
        (Some(declared), Some(found)) if declared != found => {
            Err(format!("the zstd checksum is {found:#010x} instead of {declared:#010x}"))
        }
        _ => Ok(()),
    }
}
