//! The validator against the kernel that runs here.
//!
//! Real BTF is cut into small pieces, pieces are damaged, and both are asked: the kernel through `BPF_BTF_LOAD`, and
//! [`btfkit_btf::validate`]. They have to agree on the verdict, the error number and the line of the log that says why.
//! Everything follows from a seed, so that a disagreement can be had again by its number.
//!
//! | step | room |
//! |---|---|
//! | pieces of real kernels, the cases of the tests | `seeds` |
//! | graphs of types made up from nothing | `invent`, `invent_special` |
//! | a blob taken apart and put together | `parts` |
//! | what is done to it | `mutate` |
//! | the system call | `kernel` |
//! | the two answers side by side | `compare` |

pub mod compare;
mod invent;
mod invent_special;
pub mod kernel;
mod mutate;
#[allow(dead_code, reason = "the tests of the validator use more of it")]
#[path = "../../btf/tests/notation/mod.rs"]
mod notation;
mod parts;
mod random;
pub mod seeds;

pub use compare::{Difference, Tally};

use compare::Judge;
use kernel::Kernel;
use random::Random;
use seeds::Seed;
use std::sync::atomic::{AtomicU64, Ordering};

/// The damaged blob of a number. The same seed, number and list of pieces give the same bytes.
pub fn damaged(seeds: &[Seed], seed: u64, number: u64) -> Vec<u8> {
    let mut random = Random::new(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mutate::damaged(&mut random, seeds)
}

/// Compares the answers about `count` damaged blobs, numbered from `first`, on `jobs` threads.
pub fn run(kernel: &Kernel, seeds: &[Seed], seed: u64, first: u64, count: u64, jobs: usize) -> Tally {
    let judge = Judge::new(kernel);
    let next = AtomicU64::new(first);
    let end = first + count;
    let work = || {
        let mut tally = Tally::default();
        loop {
            let start = next.fetch_add(BATCH, Ordering::Relaxed);
            if start >= end {
                return tally;
            }
            for number in start..end.min(start + BATCH) {
                tally.add(number, judge.compare(&damaged(seeds, seed, number)));
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(work)).collect();
        let mut total = Tally::default();
        workers.into_iter().for_each(|worker| total.merge(worker.join().expect("a worker does not panic")));
        total
    })
}

/// Compares the answers about the pieces as they are; a blob's number is its place in the list.
pub fn undamaged(kernel: &Kernel, seeds: &[Seed]) -> Tally {
    let judge = Judge::new(kernel);
    let mut tally = Tally::default();
    (0..).zip(seeds).for_each(|(number, seed)| tally.add(number, judge.compare(&seed.blob())));
    tally
}

/// Blobs that a thread takes at a time.
const BATCH: u64 = 256;
