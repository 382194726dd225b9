//! The same as in `cut.rs` with any files, kernels, modules (also compressed), raw BTF:
//! `BTFKIT_TEST_CUT=FILE:FILE cargo test -p btfkit-fuzzing --test cut_real -- --nocapture`.
//!
//! Section headers are the last that is in most ELF files, so that one that is cut says nothing but that they are gone.
//! So each section that is read is cut as well, by what its header says of its size. A module of 740 KB, damaged in
//! 12,000 ways, takes a minute; of a large file headers of sections are left as they are, and sections are cut at fewer
//! places, as each time costs an encoding.

use btfkit_btf::Btf;
use btfkit_elf::{Endian, Image, InputFile};
use btfkit_encode::{Options, Scratch, encode_module};
use btfkit_fuzzing::{btf_reader, btf_validator};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

const LARGE: usize = 64 << 20;

/// Parts of the names of sections that are read.
const READ: [&str; 12] = [
    "debug_info",
    "debug_types",
    "debug_abbrev",
    "debug_str",
    "debug_line_str",
    "debug_addr",
    "debug_loc",
    "symtab",
    "strtab",
    ".BTF_ids",
    ".data..percpu",
    ".modinfo",
];

/// A copy of a file that is damaged, and how often it ended in what way.
struct Copy<'w> {
    whole: &'w [u8],
    path: PathBuf,
    file: File,
    scratch: &'w mut Scratch,
    ends: BTreeMap<&'static str, u32>,
}

impl Copy<'_> {
    fn of<'w>(whole: &'w [u8], folder: &Path, scratch: &'w mut Scratch) -> Copy<'w> {
        let path = folder.join("file.ko");
        fs::write(&path, whole).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        Copy { whole, path, file, scratch, ends: BTreeMap::new() }
    }

    /// Encodes it as it is now: what came out, or with which code it failed.
    fn encode(&mut self) -> &'static str {
        let end = match InputFile::open(&self.path) {
            Err(error) => {
                assert!(error.to_string().contains(&*self.path.to_string_lossy()), "{error}");
                "not opened"
            }
            Ok(file) => {
                let (options, stop) = (Options::default(), AtomicBool::new(false));
                match encode_module(&self.path, &file, &options, None, self.scratch, &stop) {
                    Ok(encoded) => Btf::parse(encoded.btf).map(|_| "encoded").unwrap(),
                    Err(error) => {
                        assert!(error.message.contains(&*self.path.to_string_lossy()), "{}", error.message);
                        error.code
                    }
                }
            }
        };
        *self.ends.entry(end).or_default() += 1;
        end
    }

    /// Encodes it with other bytes at a place.
    fn encode_with(&mut self, at: usize, bytes: &[u8]) -> &'static str {
        self.file.write_all_at(bytes, at as u64).unwrap();
        let end = self.encode();
        self.file.write_all_at(&self.whole[at..at + bytes.len()], at as u64).unwrap();
        end
    }

    fn cut_anywhere(&mut self) {
        for length in (0..self.whole.len()).step_by(512).rev() {
            self.file.set_len(length as u64).unwrap();
            assert_ne!(self.encode(), "encoded", "{length} bytes");
        }
        self.file.write_all_at(self.whole, 0).unwrap();
    }

    fn change(&mut self, places: impl Iterator<Item = usize>) {
        for at in places {
            for mask in [1 << (at % 8), 0xff] {
                self.encode_with(at, &[self.whole[at] ^ mask]);
            }
        }
    }

    fn cut_sections(&mut self, image: &Image<'_>, table: &Table) {
        for section in image.sections() {
            let name = String::from_utf8_lossy(section.name);
            if !READ.iter().any(|read| name.contains(read)) {
                continue;
            }
            let size = section.size as usize;
            let step = if self.whole.len() < LARGE { 512 } else { (size / 8).max(512) };
            for size in (0..size).step_by(step) {
                self.encode_with(table.size_of(section.index), &table.word(size));
            }
        }
    }
}

/// The section headers of a file.
struct Table {
    start: usize,
    entry: usize,
    count: usize,
    /// In bytes, of addresses and sizes.
    word: usize,
    is_big_endian: bool,
}

impl Table {
    fn of(elf: &[u8], image: &Image<'_>) -> Table {
        let is_big_endian = image.endian() == Endian::Big;
        let number = |at: usize, size: usize| {
            let digits = elf[at..at + size].iter();
            let add = |sum: usize, digit: &u8| sum << 8 | usize::from(*digit);
            if is_big_endian { digits.fold(0, add) } else { digits.rev().fold(0, add) }
        };
        let (at, word, entry) = if image.is_64() { (40, 8, 58) } else { (32, 4, 46) };
        let (start, entry, count) = (number(at, word), number(entry, 2), image.sections().len());
        Table { start, entry, count, word, is_big_endian }
    }

    fn bytes(&self) -> Range<usize> {
        self.start..self.start + self.entry * self.count
    }

    /// Where the size of a section is (gABI: `sh_name`, `sh_type`, `sh_flags`, `sh_addr`, `sh_offset`, `sh_size`).
    fn size_of(&self, section: usize) -> usize {
        self.start + self.entry * section + 8 + 3 * self.word
    }

    fn word(&self, number: usize) -> Vec<u8> {
        let bytes = (number as u64).to_le_bytes();
        let bytes = bytes[..self.word].iter().copied();
        if self.is_big_endian { bytes.rev().collect() } else { bytes.collect() }
    }
}

fn damage_btf(whole: &[u8], path: &Path) {
    for length in (0..whole.len()).step_by(512) {
        assert!(Btf::parse(&whole[..length]).is_err(), "{}: {length} bytes", path.display());
    }
    for at in 0..24 {
        for mask in [1 << (at % 8), 0xff] {
            let mut bytes = whole.to_vec();
            bytes[at] ^= mask;
            btf_reader(&bytes);
            btf_validator(&bytes);
        }
    }
    println!("{}: cut {} times, 48 headers changed", path.display(), whole.len().div_ceil(512));
}

#[test]
fn named_files() {
    let Some(files) = std::env::var_os("BTFKIT_TEST_CUT") else {
        return eprintln!("skipped: BTFKIT_TEST_CUT names no files");
    };
    let folder = tempfile::tempdir().unwrap();
    // Beginning to encode a small file, with threads of its own, takes longer than encoding it.
    let mut scratch = Scratch::of_this_thread(folder.path()).unwrap();
    for path in std::env::split_paths(&files) {
        let whole = fs::read(&path).unwrap();
        if Btf::parse(whole.clone()).is_ok() {
            damage_btf(&whole, &path);
            continue;
        }
        let mut copy = Copy::of(&whole, folder.path(), &mut scratch);
        assert_eq!(copy.encode(), "encoded", "{}: nothing can be said of damage", path.display());
        copy.cut_anywhere();
        copy.change(0..whole.len().min(64));
        // Of a compressed file there is no more to be damaged where it is known what that means.
        if let Ok(image) = Image::parse(&whole) {
            let table = Table::of(&whole, &image);
            copy.cut_sections(&image, &table);
            if whole.len() < LARGE {
                copy.change(table.bytes());
            }
        }
        assert_eq!(copy.encode(), "encoded", "{}", path.display());
        println!("{}: {:?}", path.display(), copy.ends);
    }
}
