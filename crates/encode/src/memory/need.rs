//! What encoding a file will take, from what its section headers say.
//!
//! The figures are fitted to measured runs, see docs/benchmarking.md: they are of real kernels and modules, and no
//! promise. They choose how many threads fit; only where one thread is certain to be too much is a file refused. What
//! takes more than was thought is ended by `watch`.

use super::{Limit, anonymous, mebibytes};
use crate::EncodeError;
use btfkit_elf::{ElfError, Image};
use std::path::Path;

/// Bytes for each byte of entries: of each unit stays which classes it has.
const PER_ENTRY_BYTE: f64 = 0.235;
/// The same for each thread: its table of classes.
const PER_ENTRY_BYTE_AND_THREAD: f64 = 0.025;
/// For each byte of strings: of those of modules, which nobody has merged, more are told apart.
const PER_STRING_BYTE: f64 = 0.2;
/// For each symbol.
const PER_SYMBOL: f64 = 47.0;
/// For each thread whatever the file.
const PER_THREAD: f64 = 2e6;
/// For each thread that encodes modules: its tables, which know the base, and which it keeps from one to the next.
const PER_MODULE: f64 = 12e6;
/// For each byte of its file, without what is compressed.
const PER_MODULE_BYTE: f64 = 0.15;
/// How many times its size a compressed module has.
const COMPRESSED: f64 = 6.0;
/// No measured run took less than this part of what was expected of it.
const AT_LEAST: f64 = 0.4;
/// How many times too much is expected of a module at most.
const MOST_TOO_MUCH: u64 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Need {
    /// Bytes that are certain: what the process has already, and sections that will be decompressed.
    certain: u64,
    /// Bytes besides, whatever the number of threads, and for each of them.
    once: u64,
    per_thread: u64,
}

impl Need {
    pub fn of(image: &Image<'_>) -> Result<Need, ElfError> {
        let sizes = image.debug_sizes()?;
        let symbols = image.symbols()?.map_or(0, |symbols| symbols.len());
        let (bytes, strings, symbols) = (sizes.entries as f64, sizes.strings as f64, symbols as f64);
        Ok(Need {
            certain: anonymous().unwrap_or(0).saturating_add(sizes.held),
            once: (bytes * PER_ENTRY_BYTE + strings * PER_STRING_BYTE + symbols * PER_SYMBOL) as u64,
            per_thread: (bytes * PER_ENTRY_BYTE_AND_THREAD + PER_THREAD) as u64,
        })
    }

    /// What that many threads will take, as far as one can say.
    pub fn with(&self, threads: usize) -> u64 {
        let per_thread = self.per_thread.saturating_mul(threads as u64);
        self.certain.saturating_add(self.once).saturating_add(per_thread)
    }

    /// No run takes less.
    fn at_least(&self) -> u64 {
        self.certain.saturating_add(((self.once + self.per_thread) as f64 * AT_LEAST) as u64)
    }

    /// Of the threads that are wanted, as many as the limit has room for.
    pub fn threads(&self, path: &Path, wanted: usize, limit: Option<&Limit>) -> Result<usize, EncodeError> {
        let Some(limit) = limit else { return Ok(wanted) };
        let least = self.at_least();
        if least > limit.bytes {
            let what =
                format!("encoding it takes at least {} of memory, and {limit}. Raise the limit", mebibytes(least));
            return Err(EncodeError::new("MEMORY_LIMIT", path, what));
        }
        Ok((1..=wanted).rev().find(|&threads| self.with(threads) <= limit.bytes).unwrap_or(1))
    }
}

/// What one of many modules will take besides the tables of its thread, from the size of its file, which is all that is
/// known before its turn.
pub(crate) fn module_need(size: u64, is_compressed: bool) -> u64 {
    let size = size as f64;
    let held = if is_compressed { size * COMPRESSED } else { 0.0 };
    let whole = if is_compressed { held } else { size };
    (held + whole * PER_MODULE_BYTE) as u64
}

/// The least that one will take, tables included.
pub(crate) fn module_needs_at_least(size: u64, is_compressed: bool) -> u64 {
    (module_need(size, is_compressed) + PER_MODULE as u64) / MOST_TOO_MUCH
}

/// How many of the threads that are wanted for modules have room for their tables, beside the largest module; and how much
/// room is left for modules then. A thread keeps its tables while it waits.
pub(crate) fn module_threads(room: u64, wanted: usize, largest: u64) -> (usize, u64) {
    let tables = PER_MODULE as u64;
    let threads = (room.saturating_sub(largest) / tables).clamp(1, wanted.max(1) as u64);
    (threads as usize, room.saturating_sub(threads * tables))
}

#[cfg(test)]
mod tests {
    use super::super::limit::SetBy;
    use super::*;

    const NEED: Need = Need { certain: 100 << 20, once: 50 << 20, per_thread: 10 << 20 };

    fn threads(wanted: usize, mebibytes: u64) -> Result<usize, EncodeError> {
        let limit = Limit { bytes: mebibytes << 20, by: SetBy::Option };
        NEED.threads(Path::new("vmlinux"), wanted, Some(&limit))
    }

    #[test]
    fn as_many_threads_as_there_is_room_for() {
        assert_eq!(NEED.threads(Path::new("vmlinux"), 64, None).expect("no limit"), 64);
        for (room, fit) in [(10_000, 8), (230, 8), (229, 7), (170, 2), (169, 1), (150, 1)] {
            assert_eq!(threads(8, room).expect("room for one"), fit, "{room} MiB");
            assert_eq!(threads(1, room).expect("room for one"), 1, "{room} MiB");
        }
    }

    /// What modules of Debian's 6.12 for amd64 took: by size of the file, the most heap besides the base.
    const MEASURED: [(u64, u64); 8] = [
        (169_488, 10_873_110),
        (1_040_712, 11_538_560),
        (9_058_048, 11_661_427),
        (47_822_712, 15_850_752),
        (115_410_112, 17_477_868),
        (186_994_632, 17_352_001),
        (229_120_656, 16_605_337),
        (595_890_656, 99_746_330),
    ];

    #[test]
    fn modules_take_no_more_than_is_expected_of_them() {
        for (size, taken) in MEASURED {
            let expected = module_need(size, false) + PER_MODULE as u64;
            assert!(expected >= taken, "{size}: {taken}, not {expected}");
            assert!(expected <= MOST_TOO_MUCH * taken, "{size}: only {taken}, not {expected}");
        }
        // Unpacked, it is held as a whole.
        assert!(module_need(1 << 20, true) >= module_need(6 << 20, false) + (6 << 20) - 1);
    }

    #[test]
    fn threads_of_modules_have_room_for_their_tables() {
        const MB: u64 = 1_000_000;
        assert_eq!(module_threads(1000 * MB, 2, 100 * MB), (2, 976 * MB));
        assert_eq!(module_threads(160 * MB, 16, 100 * MB), (5, 100 * MB));
        assert_eq!(module_threads(50 * MB, 16, 100 * MB), (1, 38 * MB));
        assert_eq!(module_threads(0, 16, 0), (1, 0));
    }

    #[test]
    fn what_cannot_fit_is_said_before_any_work() {
        let error = threads(8, 120).expect_err("no room");
        assert_eq!(error.code, "MEMORY_LIMIT");
        let wanted = "vmlinux: encoding it takes at least 124 MiB of memory, \
                      and the memory limit that was asked for is 120 MiB. Raise the limit";
        assert_eq!(error.message, wanted);
    }
}
