//! Compressed sections, and what claims to be one.

mod common;

use btfkit_elf::{DebugSizes, ElfError, Image};
use common::{KINDS, TestElf};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use object::{Endianness, elf};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::borrow::Cow;
use std::io::Write;

fn zlib(contents: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(contents).unwrap();
    encoder.finish().unwrap()
}

fn zstd(contents: &[u8]) -> Vec<u8> {
    compress_to_vec(contents, CompressionLevel::Fastest)
}

/// Bytes that compress, but not to nothing.
fn contents(len: usize) -> Vec<u8> {
    (0..len as u64).map(|number| (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 61) as u8 + b'a').collect()
}

/// A file whose `.debug_str` is marked as compressed.
fn marked(is_64: bool, endian: Endianness, kind: u32, declared: u64, stream: &[u8]) -> Vec<u8> {
    let mut file = TestElf::relocatable(is_64, endian, elf::EM_X86_64);
    let header = if is_64 {
        [&file.word(kind)[..], &[0; 4], &file.long(declared), &file.long(1)].concat()
    } else {
        [file.word(kind), file.word(declared as u32), file.word(1)].concat()
    };
    let section = file.debug(".debug_str", &[&header, stream].concat());
    file.section(section).sh_flags = elf::SHF_COMPRESSED.0;
    file.build()
}

fn old(contents: &[u8]) -> Vec<u8> {
    let mut file = TestElf::relocatable(true, Endianness::Little, elf::EM_X86_64);
    file.debug(".zdebug_str", contents);
    file.build()
}

fn strings(bytes: &[u8]) -> Result<Vec<u8>, ElfError> {
    Ok(Image::parse(bytes)?.debug_sections()?.str.data.into_owned())
}

const ZLIB: u32 = elf::ELFCOMPRESS_ZLIB.0;
const ZSTD: u32 = elf::ELFCOMPRESS_ZSTD.0;

#[test]
fn contents_come_out_as_they_went_in() {
    for len in [0, 1, 1000, 3_000_000] {
        let contents = contents(len);
        for (is_64, endian) in KINDS {
            for (kind, stream) in [(ZLIB, zlib(&contents)), (ZSTD, zstd(&contents))] {
                let bytes = marked(is_64, endian, kind, len as u64, &stream);
                assert!(strings(&bytes).unwrap() == contents, "type {kind}, {len} bytes");
            }
        }
        let header = [b"ZLIB".as_slice(), &(len as u64).to_be_bytes()].concat();
        assert!(strings(&old(&[&header, &zlib(&contents)[..]].concat())).unwrap() == contents);
    }
}

#[test]
fn what_is_not_compressed_is_borrowed() {
    let mut file = TestElf::relocatable(true, Endianness::Little, elf::EM_X86_64);
    file.debug(".debug_str", b"plain");
    let bytes = file.build();
    let sections = Image::parse(&bytes).unwrap().debug_sections().unwrap();
    assert!(matches!(sections.str.data, Cow::Borrowed(b"plain")));
    assert!(sections.info.data.is_empty() && sections.rnglists.data.is_empty());
    // The old name without the old header.
    assert_eq!(strings(&old(b"plain")).unwrap(), b"plain");
}

#[test]
fn sizes_are_known_before_anything_is_decompressed() {
    let contents = contents(5000);
    for (is_64, endian) in KINDS {
        for (kind, stream) in [(ZLIB, zlib(&contents)), (ZSTD, zstd(&contents))] {
            // The stream ends early: only its header counts.
            let bytes = marked(is_64, endian, kind, 5000, &stream[..stream.len() / 2]);
            let sizes = Image::parse(&bytes).unwrap().debug_sizes().unwrap();
            assert_eq!(sizes, DebugSizes { entries: 0, strings: 5000, held: 5000 });
        }
    }
    let mut file = TestElf::relocatable(true, Endianness::Little, elf::EM_X86_64);
    file.debug(".debug_info", &[0; 100]);
    let plain = file.build();
    assert_eq!(Image::parse(&plain).unwrap().debug_sizes().unwrap(), DebugSizes { entries: 100, strings: 0, held: 0 });
    // Pieces are put together.
    file.debug(".debug_info", &[0; 20]);
    let pieces = file.build();
    assert_eq!(
        Image::parse(&pieces).unwrap().debug_sizes().unwrap(),
        DebugSizes { entries: 120, strings: 0, held: 120 }
    );
    let impossible = marked(true, Endianness::Little, ZLIB, u64::MAX, &zlib(&contents));
    let refused = Image::parse(&impossible).unwrap().debug_sizes();
    assert!(matches!(refused, Err(ElfError::DecompressedSize { .. })));
}

#[test]
fn several_streams_and_padding_behind_them_are_read() {
    let stream = [zlib(b"one "), zlib(b"two"), vec![0; 3]].concat();
    assert_eq!(strings(&marked(true, Endianness::Little, ZLIB, 7, &stream)).unwrap(), b"one two");
}

#[test]
fn another_size_than_declared_is_an_error() {
    for (kind, stream) in [(ZLIB, zlib(&contents(500))), (ZSTD, zstd(&contents(500)))] {
        for declared in [0, 1, 499, 501, 100_000] {
            let bytes = marked(true, Endianness::Little, kind, declared, &stream);
            assert!(matches!(strings(&bytes), Err(ElfError::Decompression { .. })), "type {kind}, {declared} bytes");
        }
        let cut = marked(true, Endianness::Little, kind, 500, &stream[..stream.len() - 8]);
        assert!(matches!(strings(&cut), Err(ElfError::Decompression { .. })), "type {kind}");
        let mut wrong = stream.clone();
        wrong[20] ^= 0x55;
        let wrong = strings(&marked(true, Endianness::Little, kind, 500, &wrong));
        assert!(matches!(wrong, Err(ElfError::Decompression { .. })), "type {kind}");
    }
}

#[test]
fn a_declared_size_that_no_stream_can_have_is_not_allocated() {
    let stream = zlib(&contents(50));
    for declared in [2 << 20, u64::MAX, u64::MAX / 2] {
        for kind in [ZLIB, ZSTD] {
            match strings(&marked(true, Endianness::Little, kind, declared, &stream)) {
                Err(ElfError::DecompressedSize { section, compressed, declared: found, limit }) => {
                    assert_eq!((section.as_str(), compressed, found), (".debug_str", stream.len() as u64, declared));
                    assert!(limit < declared);
                }
                other => panic!("{declared}: {other:?}"),
            }
        }
        let old = old(&[b"ZLIB".as_slice(), &declared.to_be_bytes(), &stream].concat());
        assert!(matches!(strings(&old), Err(ElfError::DecompressedSize { .. })));
    }
}

#[test]
fn headers_that_are_cut_or_unknown_say_so() {
    let unknown = strings(&marked(true, Endianness::Little, 7, 3, b"abc")).unwrap_err();
    assert_eq!(unknown.to_string(), "section .debug_str: compression type 7 is neither zlib (1) nor zstd (2)");
    let mut file = TestElf::relocatable(true, Endianness::Little, elf::EM_X86_64);
    let section = file.debug(".debug_str", &[1; 23]);
    file.section(section).sh_flags = elf::SHF_COMPRESSED.0;
    assert!(matches!(strings(&file.build()), Err(ElfError::Truncated { needed: 24, have: 23, .. })));
}
