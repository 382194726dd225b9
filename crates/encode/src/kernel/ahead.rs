//! A vmlinux that is begun while modules are looked for.
//!
//! To find the 4,000 modules of a kernel, and what earlier runs have done, takes one thread 40 ms. A vmlinux does not keep
//! all threads busy at first. So both are begun at once, unless the vmlinux may be there already. What fails in front of
//! the vmlinux is told in front of it, and soon: it ends the vmlinux.

use super::base::Made;
use super::options::{BaseFrom, Destination, KernelOptions};
use super::resume::State;
use crate::{EncodeError, jobs};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

pub(super) struct Ahead {
    pub start: Instant,
    pub made: Result<Made, EncodeError>,
}

impl Ahead {
    /// Encodes the vmlinux with `prepare` beside it. That is left out where there is nothing to be done beside, or the
    /// vmlinux cannot be begun. When it says that there is no use in going on, `abort` becomes true.
    pub fn begin(options: &KernelOptions, abort: &AtomicBool, prepare: impl FnOnce() -> bool + Send) -> Option<Ahead> {
        let BaseFrom::Vmlinux(path) = &options.base else { return None };
        let may_be_current = match &options.destination {
            _ if options.force => false,
            Destination::Folder(folder) => State::may_be_in(folder),
            Destination::InPlace => State::may_be_in(&options.modules),
            Destination::Reader => false,
        };
        if may_be_current || jobs::wanted(options.encode.jobs) == 1 || !options.modules.is_dir() {
            return None;
        }
        let start = Instant::now();
        let beside = || {
            if !prepare() {
                abort.store(true, Relaxed);
            }
        };
        Some(Ahead { start, made: Made::of(path, options, abort, beside) })
    }
}
