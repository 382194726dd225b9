//! Ends a run that outgrows its bound.
//!
//! Beside the run a thread looks again and again at how much the process has. The run polls one flag, as it does to be
//! interrupted; this thread raises it for either reason.

use super::{Limit, anonymous, mebibytes};
use crate::EncodeError;
use crate::jobs::not_started;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::{self, Thread};
use std::time::Duration;

/// Between two looks. Two threads of a run fill some megabytes in this time; a look takes a hundredth of it.
const PAUSE: Duration = Duration::from_millis(2);

struct Watch {
    /// The run ends soon after this is set.
    stop: AtomicBool,
    /// What the process had when that was too much, else 0.
    outgrown: AtomicU64,
    done: AtomicBool,
}

/// Tells the thread to end however the run ends: without that, a panic in the run would wait for it for ever.
struct Done<'w>(&'w Watch, Thread);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.done.store(true, Relaxed);
        self.1.unpark();
    }
}

/// Runs `work` with a flag to poll, which is `abort` itself where there is no bound.
pub(crate) fn watched<T>(
    path: &Path,
    limit: Option<&Limit>,
    abort: &AtomicBool,
    work: impl FnOnce(&AtomicBool) -> Result<T, EncodeError>,
) -> Result<T, EncodeError> {
    let Some(limit) = limit else { return work(abort) };
    let watch =
        Watch { stop: AtomicBool::new(abort.load(Relaxed)), outgrown: AtomicU64::new(0), done: AtomicBool::new(false) };
    let result = thread::scope(|scope| {
        let look = || watch.look(limit.bytes, abort);
        let watcher = thread::Builder::new().name("btfkit-memory".into()).spawn_scoped(scope, look);
        let watcher = watcher.map_err(|error| not_started(path, &error))?;
        let _done = Done(&watch, watcher.thread().clone());
        work(&watch.stop)
    });
    match (result, watch.outgrown.into_inner()) {
        // Whoever else has stopped it has stopped it first.
        (Err(error), outgrown) if outgrown != 0 && error.code == "ABORTED" && !abort.load(Relaxed) => {
            let what = format!(
                "encoding it has taken {} of memory so far, and {limit}; nothing was written. Raise the limit",
                mebibytes(outgrown)
            );
            Err(EncodeError::new("MEMORY_LIMIT", path, what))
        }
        (result, _) => result,
    }
}

impl Watch {
    fn look(&self, limit: u64, abort: &AtomicBool) {
        while !self.done.load(Relaxed) {
            if abort.load(Relaxed) {
                self.stop.store(true, Relaxed);
            } else if let Some(bytes) = anonymous().filter(|&bytes| bytes > limit) {
                self.outgrown.store(bytes, Relaxed);
                self.stop.store(true, Relaxed);
                return;
            }
            thread::park_timeout(PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::limit::SetBy;
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::time::Instant;

    fn bound(bytes: u64) -> Option<Limit> {
        Some(Limit { bytes, by: SetBy::Option })
    }

    /// Polls as a walk does.
    fn poll(stop: &AtomicBool) -> Result<(), EncodeError> {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) {
            if stop.load(Relaxed) {
                return Err(EncodeError::aborted(Path::new("vmlinux")));
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_run_that_outgrows_its_bound_ends_and_says_so() {
        // Whatever other tests of this process have and give back: the block alone is larger.
        let limit = bound(32 << 20);
        let result = watched(Path::new("vmlinux"), limit.as_ref(), &AtomicBool::new(false), |stop| {
            let block = vec![1u8; 64 << 20];
            poll(stop).map(|()| block.len())
        });
        let error = result.expect_err("a failure");
        assert_eq!(error.code, "MEMORY_LIMIT");
        assert!(error.message.starts_with("vmlinux: encoding it has taken "), "{}", error.message);
    }

    #[test]
    fn an_interruption_is_passed_on() {
        for limit in [None, bound(u64::MAX)] {
            let abort = AtomicBool::new(false);
            let result = watched(Path::new("vmlinux"), limit.as_ref(), &abort, |stop| {
                abort.store(true, Relaxed);
                poll(stop)
            });
            assert_eq!(result.expect_err("a failure").code, "ABORTED");
        }
    }

    #[test]
    fn a_panic_comes_through() {
        let abort = AtomicBool::new(false);
        let limit = bound(u64::MAX);
        let run = || watched::<()>(Path::new("vmlinux"), limit.as_ref(), &abort, |_| panic!("on purpose"));
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
    }

    #[test]
    fn other_results_are_left_alone() {
        let abort = AtomicBool::new(false);
        assert_eq!(watched(Path::new("vmlinux"), bound(0).as_ref(), &abort, |_| Ok(7)).expect("a result"), 7);
    }
}
