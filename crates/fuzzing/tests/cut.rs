//! Files that are cut off, and files with a bit of their headers turned over: a clear error, or a result.

use btfkit_btf::Btf;
use btfkit_btf::validate::{Context, Rules};
use btfkit_encode::{Options, encode_file};
use btfkit_fuzzing::{btf_fits, btf_reader, btf_relocation, btf_validator};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

fn corpus(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name)).unwrap()
}

/// Encodes the bytes, and says with which code it failed.
fn encode(path: &Path, bytes: &[u8]) -> Option<&'static str> {
    std::fs::write(path, bytes).unwrap();
    let options = Options { jobs: Some(1), ..Options::default() };
    match encode_file(path, &options, None, &AtomicBool::new(false)) {
        Ok(encoded) => {
            Btf::parse(encoded.btf).unwrap();
            None
        }
        Err(error) => {
            assert!(error.message.contains(&path.display().to_string()), "{}", error.message);
            assert_ne!(error.code, "INTERNAL", "{}", error.message);
            Some(error.code)
        }
    }
}

/// The bytes with one bit turned over, and with all eight, at each of the places.
fn flipped(whole: &[u8], places: impl Iterator<Item = usize>) -> impl Iterator<Item = Vec<u8>> {
    places.flat_map(move |at| {
        [1 << (at % 8), 0xff].map(|mask| {
            let mut bytes = whole.to_vec();
            bytes[at] ^= mask;
            bytes
        })
    })
}

/// Objects with relocations, some with compressed sections, one with `.BTF_ids`, and a linked file.
#[test]
fn elf_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.o");
    for name in [
        "elf/scheduler.o",
        "elf/kfuncs.o",
        "elf/functions-clang.o",
        "elf/compressed-zlib.o",
        "elf/compressed-zstd.o",
        "elf/linked.so",
    ] {
        let whole = corpus(name);
        assert_eq!(encode(&path, &whole), None, "{name}");
        // The section headers are the last that is in these files.
        for length in (0..whole.len()).step_by(512) {
            assert!(encode(&path, &whole[..length]).is_some(), "{name}: {length} bytes");
        }
        let table = u64::from_le_bytes(whole[40..48].try_into().unwrap()) as usize;
        for bytes in flipped(&whole, (0..64).chain(table..whole.len())) {
            encode(&path, &bytes);
        }
    }
}

#[test]
fn compressed_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.ko");
    for name in ["packed/kfuncs.gz", "packed/kfuncs.xz", "packed/kfuncs.zst", "packed/functions-x86.xz"] {
        let whole = corpus(name);
        assert_eq!(encode(&path, &whole), None, "{name}");
        for length in (0..whole.len()).step_by(16) {
            assert!(encode(&path, &whole[..length]).is_some(), "{name}: {length} bytes");
        }
        for bytes in flipped(&whole, 0..64) {
            encode(&path, &bytes);
        }
    }
}

#[test]
fn btf() {
    for name in ["btf/scheduler.btf", "btf/special-fields.btf"] {
        let whole = corpus(name);
        assert!(Btf::parse(whole.clone()).is_ok());
        for length in 0..whole.len() {
            let error = Btf::parse(&whole[..length]).unwrap_err();
            assert!(!error.to_string().is_empty());
        }
        for bytes in flipped(&whole, 0..24) {
            btf_reader(&bytes);
            btf_validator(&bytes);
        }
    }
}

/// Split BTF, and a distilled base under it.
#[test]
fn split_btf() {
    let whole = corpus("split/module");
    let base = usize::from(u16::from_le_bytes([whole[0], whole[1]]));
    let (head, split) = whole.split_at(2 + base);
    let base = Arc::new(Btf::parse(&head[2..]).unwrap());
    assert!(Rules::new(Context::Module).judge(split, Some(&base)).is_accepted());
    for length in 0..split.len() {
        assert!(Btf::parse_split(&split[..length], Arc::clone(&base)).is_err(), "{length} bytes");
        assert!(!Rules::new(Context::Module).judge(&split[..length], Some(&base)).is_accepted(), "{length} bytes");
    }
    flipped(&whole, 0..whole.len()).for_each(|bytes| btf_relocation(&bytes));
    for name in ["fits/distilled", "fits/distilled-larger-base", "fits/split"] {
        let whole = corpus(name);
        (0..whole.len()).for_each(|length| btf_fits(&whole[..length]));
        flipped(&whole, 0..whole.len()).for_each(|bytes| btf_fits(&bytes));
    }
}
