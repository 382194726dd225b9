//! Pages of the input that are not needed any more.
//!
//! To unmap a kernel takes some 15 ms, at the end of a run where nothing else is to be done. The entries were read for the
//! last time long before, but for the few that are described, and for short names, which stand in them. So they are given
//! back piece by piece in stages that cannot keep all threads busy, the last ones first: what was met first is asked for
//! again, and that is mostly at the start. Whatever is needed after all comes back when it is read.

use btfkit_elf::InputFile;
use rayon::ThreadPool;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Bytes that are given back before a look whether there is other work.
pub(crate) const PIECE: usize = 2 << 20;

pub(crate) struct Pages<'p> {
    /// None for a file that is left as it is.
    file: Option<&'p InputFile>,
    bytes: &'p [u8],
    given_back: AtomicUsize,
}

impl<'p> Pages<'p> {
    pub fn new(file: Option<&'p InputFile>, bytes: &'p [u8]) -> Pages<'p> {
        Pages { file, bytes, given_back: AtomicUsize::new(0) }
    }

    /// Does both on the pool, and gives pages back from when `beside` is done until `work` is.
    pub fn join<A: Send, B: Send>(
        &self,
        pool: &ThreadPool,
        work: impl FnOnce() -> A + Send,
        beside: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        // One thread has done all the work before it comes to this.
        let done = AtomicBool::new(pool.current_num_threads() == 1);
        let work = || {
            let result = work();
            done.store(true, Ordering::Relaxed);
            result
        };
        let beside = || {
            let result = beside();
            self.give_back_until(&done);
            result
        };
        pool.join(work, beside)
    }

    fn give_back_until(&self, done: &AtomicBool) {
        let Some(file) = self.file else { return };
        while !done.load(Ordering::Relaxed) {
            let before = self.given_back.fetch_add(PIECE, Ordering::Relaxed);
            let Some(rest @ 1..) = self.bytes.len().checked_sub(before) else { return };
            file.give_back(&self.bytes[rest.saturating_sub(PIECE)..rest]);
            // Parts of the work that others can do.
            rayon::yield_now();
        }
    }
}
