//! What the time and the memory went into.

#![allow(unsafe_code, reason = "asks the system for the peak of memory")]

use crate::report::Phase;
use std::time::Instant;

/// Notes how long each phase takes, from the end of the one before.
pub(crate) struct Phases {
    last: Instant,
    done: Vec<Phase>,
}

impl Phases {
    pub fn start() -> Phases {
        Phases { last: Instant::now(), done: Vec::new() }
    }

    pub fn end(&mut self, name: &'static str) {
        let now = Instant::now();
        self.done.push(Phase { name, milliseconds: (now - self.last).as_secs_f64() * 1e3 });
        self.last = now;
    }

    pub fn finish(self) -> Vec<Phase> {
        self.done
    }
}

/// Peak resident memory of this process in bytes, pages of files included.
pub(crate) fn peak_memory() -> Option<u64> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: getrusage fills the struct that it is given, and says by 0 that it did; RUSAGE_SELF is always valid.
    let usage = unsafe {
        if libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) != 0 {
            return None;
        }
        usage.assume_init()
    };
    // Linux counts in KiB, macOS in bytes.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    u64::try_from(usage.ru_maxrss).ok().map(|peak| peak * unit)
}
