//! What an earlier run has made is only taken for current where the same encoder made it. Its version does not tell: from
//! one release to the next there are many encoders. So all that they are built from is told apart.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let crates = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("..");
    // Not seeded: the same files give the same number.
    let mut hasher = DefaultHasher::new();
    for name in ["btf/src", "dwarf/src", "elf/src", "encode/src", "../Cargo.lock"] {
        let path = crates.join(name);
        println!("cargo:rerun-if-changed={}", path.display());
        add(&path, &mut hasher);
    }
    println!("cargo:rustc-env=BTFKIT_SOURCES={:016x}", hasher.finish());
}

/// Names, in order, and contents.
fn add(path: &Path, hasher: &mut DefaultHasher) {
    path.file_name().hash(hasher);
    if let Ok(entries) = fs::read_dir(path) {
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        paths.iter().for_each(|path| add(path, hasher));
    } else {
        fs::read(path).unwrap_or_default().hash(hasher);
    }
}
