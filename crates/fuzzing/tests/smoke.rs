//! Every target over its corpus and over what comes of it by a few changes, for a while: `BTFKIT_FUZZ_SECONDS` for each
//! target (1 without it). The changes are the same on each run.

use btfkit_fuzzing::TARGETS;
use peak_alloc::PeakAlloc;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What a run may allocate: a share of the input, which compression can make large, and what decoders and tables begin
/// with.
fn bound(input: usize) -> usize {
    (40 << 20) + 1032 * input
}

fn corpus(folder: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(folder);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths.into_iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound.max(1) as u64) as usize
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let at = self.below(bytes.len());
        match self.below(8) {
            0 => bytes.truncate(at),
            1 => bytes[at] ^= 1 << self.below(8),
            2 => bytes[at] = self.below(256) as u8,
            3 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][self.below(5)],
            4 => drop(bytes.drain(at..(at + 1 + self.below(16)).min(bytes.len()))),
            5 => {
                let end = (at + 1 + self.below(64)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                let to = self.below(bytes.len());
                bytes.splice(to..to, piece);
            }
            _ => {
                let word: u32 = [0, 1, u32::MAX, 0x8000_0000, 0xffff, self.0 as u32][self.below(6)];
                let at = at & !3;
                let end = (at + 4).min(bytes.len());
                let count = end - at;
                bytes[at..end].copy_from_slice(&word.to_ne_bytes()[..count]);
            }
        }
    }
}

#[test]
fn every_target_comes_back_from_damaged_input() {
    let seconds = std::env::var("BTFKIT_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    for target in &TARGETS {
        let corpus = corpus(target.corpus);
        corpus.iter().for_each(|bytes| (target.run)(bytes));
        let (start, mut random, mut runs) = (Instant::now(), Random(1), 0u64);
        let (mut slowest, mut largest) = (Duration::ZERO, 0);
        while start.elapsed() < Duration::from_secs(seconds) {
            let mut bytes = corpus[random.below(corpus.len())].clone();
            for _ in 0..1 + random.below(4) {
                random.change(&mut bytes);
            }
            let (began, before) = (Instant::now(), MEMORY.current_usage());
            MEMORY.reset_peak_usage();
            (target.run)(&bytes);
            slowest = slowest.max(began.elapsed());
            let peak = MEMORY.peak_usage().saturating_sub(before);
            assert!(peak <= bound(bytes.len()), "{}: {peak} bytes for {}", target.name, bytes.len());
            largest = largest.max(peak);
            runs += 1;
        }
        eprintln!("{}: {runs} runs, the slowest {slowest:?}, the largest {largest} bytes", target.name);
        assert!(runs > 0 && slowest < Duration::from_secs(20), "{}: {slowest:?}", target.name);
    }
}
