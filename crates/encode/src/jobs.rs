//! How many threads work.

use crate::EncodeError;
use std::path::Path;

/// As many threads as the caller asks for, or as the process may use: the processors that its affinity allows, and no
/// more than its control groups grant it time on, rounded down (the tightest `cpu.max`, or `cpu.cfs_quota_us`, from its
/// own group up to the root). The standard library asks for all of these.
pub(crate) fn wanted(jobs: Option<usize>) -> usize {
    jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)).max(1)
}

pub(crate) fn pool(path: &Path, jobs: usize) -> Result<rayon::ThreadPool, EncodeError> {
    rayon::ThreadPoolBuilder::new().num_threads(jobs).thread_name(|n| format!("btfkit-{n}")).build().map_err(|error| {
        EncodeError::new("IO", path, format!("{jobs} threads cannot be started ({error}); try fewer jobs"))
    })
}
