//! Files that are compressed as a whole read like what is in them; what is damaged or too large is an error.

use btfkit_elf::{ElfError, InputFile, Packing};
use flate2::Compression;
use flate2::write::GzEncoder;
use lzma_rust2::{XzOptions, XzWriter};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;

const PACKINGS: [Packing; 3] = [Packing::Gzip, Packing::Xz, Packing::Zstd];

fn pack(packing: Packing, bytes: &[u8]) -> Vec<u8> {
    match packing {
        Packing::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Packing::Xz => {
            let mut encoder = XzWriter::new(Vec::new(), XzOptions::with_preset(1)).unwrap();
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        Packing::Zstd => compress_to_vec(bytes, CompressionLevel::Fastest),
    }
}

/// Over a megabyte, in which nothing repeats for long.
fn contents() -> Vec<u8> {
    let mut state = 7u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 29) as u8 + b'a'
    };
    (0..5 << 18).map(|_| next()).collect()
}

fn open(packed: &[u8], room: u64) -> Result<InputFile, ElfError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().write_all(packed).unwrap();
    InputFile::open_within(file.path(), room, &AtomicBool::new(false))
}

#[test]
fn unpacking_ends_when_it_is_stopped() {
    for packing in PACKINGS {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().write_all(&pack(packing, &contents())).unwrap();
        let stopped = InputFile::open_within(file.path(), u64::MAX, &AtomicBool::new(true));
        assert!(matches!(stopped, Err(ElfError::Stopped { path }) if path == file.path()));
    }
}

#[test]
fn what_is_in_the_file_is_read_whatever_its_name() {
    let contents = contents();
    for packing in PACKINGS {
        let packed = pack(packing, &contents);
        assert!(packed.len() < contents.len() && Packing::of(&packed) == Some(packing));
        let file = open(&packed, u64::MAX).unwrap();
        assert!(file.bytes() == contents);
        assert_eq!(file.mapped_bytes(), 0);
        // As `cat` puts them together, and as parallel compressors write them.
        let (first, second) = contents.split_at(contents.len() / 3);
        let both = [pack(packing, first), pack(packing, second)].concat();
        assert!(open(&both, u64::MAX).unwrap().bytes() == contents);
        assert!(matches!(open(&pack(packing, b""), u64::MAX), Err(ElfError::Empty { .. })));
    }
    let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..], &pack(Packing::Zstd, &contents)].concat();
    let behind = [pack(Packing::Zstd, b"a"), skipped].concat();
    assert_eq!(open(&behind, u64::MAX).unwrap().bytes().len(), contents.len() + 1);
    assert_eq!(open(b"\x7fELF", u64::MAX).unwrap().mapped_bytes(), 4);
}

#[test]
fn room_is_kept_to() {
    let contents = contents();
    let size = contents.len() as u64;
    for packing in PACKINGS {
        let packed = pack(packing, &contents);
        assert!(open(&packed, size.max(40 << 20)).is_ok());
        for room in [0, 1, size / 2, size - 1] {
            match open(&packed, room).unwrap_err() {
                ElfError::NoRoom { packing: found, room: told, .. } => assert_eq!((found, told), (packing, room)),
                other => panic!("{packing}: {other}"),
            }
        }
    }
}

#[test]
fn few_bytes_are_not_believed_to_hold_many() {
    for packing in PACKINGS {
        let packed = pack(packing, &vec![0; 16 << 20]);
        match open(&packed, u64::MAX) {
            // Deflate cannot pack them that tightly, nor does every encoder.
            Ok(file) => assert!(packed.len() * 1032 >= file.bytes().len()),
            Err(ElfError::UnpackedSize { packed: told, limit, .. }) => {
                assert!(packing != Packing::Gzip && told == packed.len() as u64 && limit < 16 << 20);
            }
            Err(other) => panic!("{packing}: {other}"),
        }
    }
}

#[test]
fn what_is_cut_off_or_damaged_is_an_error() {
    let contents = contents();
    for packing in PACKINGS {
        let packed = pack(packing, &contents);
        for cut in [7, 12, 30, packed.len() / 2, packed.len() - 9, packed.len() - 1] {
            match open(&packed[..cut], u64::MAX) {
                Err(ElfError::Unpack { packing: found, source, .. }) => {
                    assert_eq!(
                        (found, source.kind()),
                        (packing, io::ErrorKind::UnexpectedEof),
                        "{packing} at {cut}: {source}"
                    );
                }
                other => panic!("{packing} at {cut}: {other:?}"),
            }
        }
        for place in [packed.len() / 3, packed.len() / 2, packed.len() - 2] {
            let mut damaged = packed.clone();
            damaged[place] ^= 0x55;
            match open(&damaged, u64::MAX) {
                Err(ElfError::Unpack { packing: found, .. }) => assert_eq!(found, packing),
                other => panic!("{packing} at {place}: {other:?}"),
            }
        }
    }
}

#[test]
fn any_byte_changed_is_a_value_or_an_error() {
    for packing in PACKINGS {
        let packed = pack(packing, &contents()[..600]);
        for place in 0..packed.len() {
            let mut damaged = packed.clone();
            damaged[place] ^= 0xff;
            if let Ok(file) = open(&damaged, 16 << 20) {
                assert!(file.bytes().len() <= 16 << 20);
            }
        }
    }
}

#[test]
fn whoever_wants_the_file_itself_is_told() {
    for packing in PACKINGS {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().write_all(&pack(packing, b"text")).unwrap();
        let error = InputFile::open_unpacked(file.path()).unwrap_err();
        assert!(matches!(&error, ElfError::Packed { packing: found, .. } if *found == packing));
        assert!(error.to_string().ends_with(&format!(": the file is compressed ({packing})")), "{error}");
    }
    assert!(InputFile::open_unpacked(Path::new("Cargo.toml")).is_ok());
}
