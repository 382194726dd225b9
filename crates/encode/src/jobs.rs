//! How many threads work.

use crate::EncodeError;
use rayon::{ThreadBuilder, ThreadPool, ThreadPoolBuilder};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::{io, thread};

/// As many threads as the caller asks for, or as the process may use: the processors that its affinity allows, and no
/// more than its control groups grant it time on, rounded down (the tightest `cpu.max`, or `cpu.cfs_quota_us`, from its
/// own group up to the root). The standard library asks for all of these.
pub(crate) fn wanted(jobs: Option<usize>) -> usize {
    jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)).max(1)
}

/// As many of the threads as can be started: a process may have as many as its system and its control groups let it.
///
/// A pool is made for a number of threads, and fails where one of them cannot be started. So they are started before, and
/// wait for what the pool has for them to do.
pub(crate) fn pool(path: &Path, jobs: usize) -> Result<ThreadPool, EncodeError> {
    pool_of(jobs, |name, work| thread::Builder::new().name(name).spawn(work).map(drop))
        .map_err(|error| not_started(path, &error))
}

fn pool_of(
    jobs: usize,
    mut start: impl FnMut(String, Box<dyn FnOnce() + Send>) -> io::Result<()>,
) -> Result<ThreadPool, Box<dyn std::error::Error>> {
    let mut waiting = Vec::with_capacity(jobs);
    for number in 0..jobs.max(1) {
        let (give, take) = mpsc::sync_channel::<ThreadBuilder>(1);
        // Without a pool there is nothing to take, and it ends.
        let work = move || {
            make_room();
            take.into_iter().for_each(ThreadBuilder::run);
        };
        match start(format!("btfkit-{number}"), Box::new(work)) {
            Ok(()) => waiting.push(give),
            Err(_) if number > 0 => break,
            Err(error) => return Err(error.into()),
        }
    }
    let builder = ThreadPoolBuilder::new().num_threads(waiting.len());
    let mut waiting = waiting.into_iter();
    let give = |thread| {
        let next = waiting.next().ok_or(io::ErrorKind::NotFound)?;
        next.send(thread).map_err(|_| io::ErrorKind::BrokenPipe.into())
    };
    Ok(builder.spawn_handler(give).build()?)
}

/// glibc's malloc makes a thread's heap usable a few pages at a time, each time by a system call, for which the page faults
/// of other threads wait: 2,300 times for a kernel. What was usable once stays so. Nothing of it is touched here. To
/// other allocators these are two mappings for nothing.
fn make_room() {
    // The first one is a mapping of its own. Because it is given back, the next of that size comes out of the heap.
    for _ in 0..2 {
        let mut room = Vec::<u8>::new();
        let _ = std::hint::black_box(room.try_reserve_exact(ROOM));
    }
}

/// In bytes: what a thread allocates for a kernel. The allocator takes more than 32 MiB for mappings of their own always.
const ROOM: usize = 24 << 20;

/// A pool whose one thread is the calling one.
pub(crate) fn pool_of_this_thread(path: &Path) -> Result<ThreadPool, EncodeError> {
    let pool = ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
    pool.map_err(|error| not_started(path, &error))
}

/// Runs short work, which is not worth threads of its own, on threads that stay. rayon has such a pool too, but panics
/// from then on where its threads could not be started once.
pub(crate) fn on_shared<T: Send>(
    path: &Path,
    work: impl FnOnce() -> Result<T, EncodeError> + Send,
) -> Result<T, EncodeError> {
    static SHARED: Mutex<Option<Arc<ThreadPool>>> = Mutex::new(None);
    let shared = {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        match &*shared {
            Some(pool) => Arc::clone(pool),
            None => Arc::clone(shared.insert(Arc::new(pool(path, wanted(None))?))),
        }
    };
    shared.install(work)
}

/// There are as many threads as there may be.
pub(crate) fn not_started(path: &Path, error: &dyn std::fmt::Display) -> EncodeError {
    let hint = "end other work, or raise the limit on processes (ulimit -u, pids.max)";
    EncodeError::new("IO", path, format!("no thread can be started ({error}); {hint}"))
}

/// Drops what takes a while to be freed beside other work of this pool. A thread that is alone does it itself.
pub(crate) fn drop_beside<T: Send + 'static>(what: T) {
    if rayon::current_num_threads() > 1 {
        rayon::spawn(move || drop(what));
    }
}

/// Does both: `aside` on a thread of its own, or before where none can be started.
pub(crate) fn both<A: Send, B>(name: &str, aside: impl Fn() -> A + Sync, own: impl FnOnce() -> B) -> (A, B) {
    thread::scope(|scope| match thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, &aside) {
        Ok(thread) => {
            let own = own();
            (thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), own)
        }
        Err(_) => (aside(), own()),
    })
}

#[cfg(test)]
mod tests {
    use super::{pool_of, wanted};
    use std::io;
    use std::process::Command;
    use std::thread;

    #[test]
    fn as_many_threads_as_can_be_started_make_the_pool() {
        for can in 0..5 {
            let mut left = can;
            let pool = pool_of(3, |name, work| {
                left = usize::checked_sub(left, 1).ok_or(io::ErrorKind::WouldBlock)?;
                thread::Builder::new().name(name).spawn(work).map(drop)
            });
            match pool {
                Err(error) => {
                    assert_eq!((can, error.to_string()), (0, io::Error::from(io::ErrorKind::WouldBlock).to_string()))
                }
                Ok(pool) => {
                    assert_eq!(pool.current_num_threads(), can.min(3));
                    let mut names = pool.broadcast(|_| thread::current().name().map(str::to_owned));
                    names.sort();
                    let wanted: Vec<_> = (0..can.min(3)).map(|number| Some(format!("btfkit-{number}"))).collect();
                    assert_eq!(names, wanted);
                }
            }
        }
    }

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
