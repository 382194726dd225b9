//! What fuzzers call. Each target takes any bytes and must come back: no panic, no hang, no memory beyond a bound that
//! follows the input's size. `fuzz/` runs them under libFuzzer, `tests/smoke.rs` with plain cargo.

#![forbid(unsafe_code)]

mod encoder;

pub use encoder::{dwarf_modules, dwarf_units};

use btfkit_btf::distill::distill;
use btfkit_btf::dump::Dump;
use btfkit_btf::fits::{ModuleBtf, fits};
use btfkit_btf::relocate::relocate;
use btfkit_btf::validate::{Context, Release, Rules};
use btfkit_btf::{Btf, dedup};
use btfkit_elf::{Image, InputFile};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A target, and the folder of `fuzz/corpus` that it starts from.
pub struct Target {
    pub name: &'static str,
    pub corpus: &'static str,
    pub run: fn(&[u8]),
}

pub const TARGETS: [Target; 10] = [
    Target { name: "btf_reader", corpus: "btf", run: btf_reader },
    Target { name: "btf_validator", corpus: "btf", run: btf_validator },
    Target { name: "btf_dedup", corpus: "btf", run: btf_dedup },
    Target { name: "btf_relocation", corpus: "split", run: btf_relocation },
    Target { name: "btf_fits", corpus: "fits", run: btf_fits },
    Target { name: "elf_sections", corpus: "elf", run: elf_sections },
    Target { name: "elf_btf_ids", corpus: "elf", run: elf_btf_ids },
    Target { name: "elf_packed", corpus: "packed", run: elf_packed },
    Target { name: "dwarf_units", corpus: "elf", run: dwarf_units },
    Target { name: "dwarf_modules", corpus: "elf", run: dwarf_modules },
];

/// What can be read can be walked.
pub fn btf_reader(bytes: &[u8]) {
    let Ok(btf) = Btf::parse(bytes) else { return };
    assert_eq!(Dump(&btf).to_string().lines().count(), btf.len());
    for (id, ty) in btf.types() {
        ty.references(|target| assert!(target < btf.end_id(), "type {id}"));
        ty.names(|name| assert!(btf.string(name).is_some(), "type {id}"));
    }
    btf.pointer_size();
}

/// A verdict in every context, of old and new kernels.
pub fn btf_validator(bytes: &[u8]) {
    for context in [Context::Load, Context::Vmlinux, Context::Module, Context::Base] {
        for release in [Release::V4_18, Release::V6_12, Release::V7_2] {
            let verdict = Rules { release, ..Rules::new(context) }.judge(bytes, None);
            assert!(verdict.is_accepted() || !verdict.findings.is_empty());
        }
    }
}

/// What came out can be read, and has nothing to merge.
pub fn btf_dedup(bytes: &[u8]) {
    let Ok(btf) = Btf::parse(bytes) else { return };
    let Ok(once) = dedup::dedup(&btf) else { return };
    let once = Btf::parse(once).expect("what is written can be read");
    assert!(once.len() <= btf.len());
}

/// The first two bytes say how long the base is that comes next, the rest is split BTF on it.
pub fn btf_relocation(bytes: &[u8]) {
    let Some((length, rest)) = bytes.split_first_chunk::<2>() else { return };
    let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
    let (base, split) = rest.split_at(length);
    let Ok(base) = Btf::parse(base).map(Arc::new) else { return };
    Rules::new(Context::Module).judge(split, Some(&base));
    let Ok(split) = Btf::parse_split(split, Arc::clone(&base)) else { return };
    let Ok(distilled) = distill(&split) else { return };
    let Ok(split) = Btf::parse_split(distilled.split, distilled.base) else { return };
    let _ = relocate(&split, &base);
}

/// The first four bytes say how long the base and the distilled base are that come next, the rest is split BTF on one of
/// them: on the distilled one where it is not empty.
pub fn btf_fits(bytes: &[u8]) {
    let Some((lengths, rest)) = bytes.split_first_chunk::<4>() else { return };
    let [base, distilled] = [0, 2].map(|at| usize::from(u16::from_le_bytes([lengths[at], lengths[at + 1]])));
    let (base, rest) = rest.split_at(base.min(rest.len()));
    let (distilled, split) = rest.split_at(distilled.min(rest.len()));
    let Ok(base) = Btf::parse(base).map(Arc::new) else { return };
    let module = ModuleBtf { split, distilled: (!distilled.is_empty()).then_some(distilled), checksum: None };
    let _ = fits(module, &base, Rules::new(Context::Module));
}

/// Whatever an ELF file says of itself.
pub fn elf_sections(bytes: &[u8]) {
    let Ok(image) = Image::parse(bytes) else { return };
    for section in image.sections() {
        let _ = image.data(section);
    }
    let _ = image.symbols();
    let _ = image.debug_sections();
}

pub fn elf_btf_ids(bytes: &[u8]) {
    if let Ok(image) = Image::parse(bytes) {
        let _ = btfkit_elf::kfuncs(&image);
    }
}

/// Whatever is in a compressed file, in not more memory than allowed.
pub fn elf_packed(bytes: &[u8]) {
    const ROOM: u64 = 16 << 20;
    let file = file_of(bytes);
    if let Ok(input) = InputFile::open_within(file.path(), ROOM, &AtomicBool::new(false)) {
        assert!(input.bytes().len() as u64 <= ROOM.max(bytes.len() as u64));
        elf_sections(input.bytes());
    }
}

fn file_of(bytes: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    std::fs::write(file.path(), bytes).expect("and written");
    file
}
