//! Files that are cut off, and files with a bit of their headers turned over: a clear error, or a result.

use btfkit_btf::Btf;
use btfkit_encode::{Options, encode_file};
use std::path::Path;
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

#[test]
fn elf_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.o");
    for name in ["elf/scheduler.o", "elf/kfuncs.o", "elf/functions-clang.o", "elf/linked.so"] {
        let whole = corpus(name);
        assert_eq!(encode(&path, &whole), None, "{name}");
        // The section headers are the last that is in these files.
        for length in (0..whole.len()).step_by(512) {
            assert!(encode(&path, &whole[..length]).is_some(), "{name}: {length} bytes");
        }
        let table = u64::from_le_bytes(whole[40..48].try_into().unwrap()) as usize;
        for at in (0..64).chain(table..whole.len()) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            encode(&path, &bytes);
            bytes[at] = !whole[at];
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
        for (at, bit) in (0..24).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            btfkit_fuzzing::btf_reader(&bytes);
            btfkit_fuzzing::btf_validator(&bytes);
        }
    }
}
