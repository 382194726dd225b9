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

/// Drops what takes a while to be freed beside other work of this pool. A thread that is alone does it itself.
pub(crate) fn drop_beside<T: Send + 'static>(what: T) {
    if rayon::current_num_threads() > 1 {
        rayon::spawn(move || drop(what));
    }
}

#[cfg(test)]
mod tests {
    use super::wanted;
    use std::process::Command;

    #[test]
    fn at_least_one_thread_works() {
        assert_eq!(wanted(Some(0)), 1);
        assert_eq!(wanted(Some(7)), 7);
        assert!(wanted(None) >= 1);
    }

    /// Runs itself again on one of the processors that it may use. (What control groups grant is tested where they can
    /// be made: in the tests of the command line.)
    #[test]
    #[cfg(target_os = "linux")]
    fn affinity_bounds_the_threads() {
        const AGAIN: &str = "BTFKIT_TEST_SAYS_JOBS";
        if std::env::var_os(AGAIN).is_some() {
            return println!("wanted: {}", wanted(None));
        }
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
        let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).expect("a list");
        let first = allowed.trim().split([',', '-']).next().expect("one processor");
        let this = "jobs::tests::affinity_bounds_the_threads";
        let mut command = Command::new("taskset");
        command.args(["-c", first]).arg(std::env::current_exe().expect("a path")).args([
            "--exact",
            this,
            "--nocapture",
        ]);
        match command.env(AGAIN, "1").output() {
            Err(error) => eprintln!("skipped: affinity of jobs: taskset does not run ({error})"),
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stdout);
                assert!(said.contains("wanted: 1\n"), "{said}");
            }
        }
    }
}
