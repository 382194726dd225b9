//! Results on their way from the threads to who reads them, in the order of the modules.
//!
//! A result that is done before those in front of it is held. How much is held, and how much lies ready to be read, is
//! bounded: threads wait for the reader, and for whoever works on what comes next.

use super::report::{ModuleReport, Progress, Summary};
use crate::EncodeError;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So much may be held, and so much be ready, before threads wait.
const MOST_BYTES: usize = 16 << 20;
/// What a result takes beside its BTF.
const REPORT_BYTES: usize = 512;
/// So many results are worth waking the reader for.
const BATCH: usize = 256;
/// Between two looks at the flag that stops a run; nobody wakes who waits when that is raised.
const PAUSE: Duration = Duration::from_millis(20);

#[derive(Default)]
pub(super) struct Outbox {
    inner: Mutex<Inner>,
    /// Told to the reader: there is much, or the end. Waking it for each result cost a switch of threads per module.
    filled: Condvar,
    /// Told to threads that wait for room.
    emptied: Condvar,
}

#[derive(Default)]
struct Inner {
    /// Done before their turn.
    held: BTreeMap<usize, ModuleReport>,
    held_bytes: usize,
    /// In order, and not read yet.
    ready: Vec<ModuleReport>,
    ready_bytes: usize,
    /// The number of the module that is next in order.
    next: usize,
    progress: Progress,
    summary: Summary,
    end: Option<Result<Summary, EncodeError>>,
}

/// What there is to read.
pub struct Batch {
    pub modules: Vec<ModuleReport>,
    pub progress: Progress,
    /// There is, when nothing more will come.
    pub summary: Option<Summary>,
}

impl Outbox {
    /// So many modules will come, with so many bytes.
    pub fn expect(&self, modules: usize, bytes: u64) {
        self.lock().progress = Progress { modules: modules as u32, bytes, ..Progress::default() };
    }

    /// Takes the result of a module whose file has so many bytes.
    pub fn deliver(&self, number: usize, file: u64, report: ModuleReport) {
        let mut inner = self.lock();
        inner.progress.done += 1;
        inner.progress.bytes_done += file;
        inner.held_bytes += weight(&report);
        inner.held.insert(number, report);
        let before = inner.next;
        while let Some(report) = {
            let next = inner.next;
            inner.held.remove(&next)
        } {
            inner.next += 1;
            inner.make_ready(report);
        }
        if inner.next != before {
            self.emptied.notify_all();
        }
        if inner.is_worth_reading() {
            self.filled.notify_all();
        }
    }

    /// Waits until the thread that has this module may begin with it. False when the run stops meanwhile.
    ///
    /// Whoever has the next one in order never waits for others, as they wait for that.
    pub fn wait_for_room(&self, number: usize, stop: &AtomicBool) -> bool {
        let mut inner = self.lock();
        loop {
            if stop.load(Relaxed) {
                return false;
            }
            if inner.ready_bytes < MOST_BYTES && (inner.held_bytes < MOST_BYTES || number == inner.next) {
                return true;
            }
            inner = self.emptied.wait_timeout(inner, PAUSE).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The end of the run. What is held for modules that were never done comes out, too.
    pub fn end(&self, result: Result<Summary, EncodeError>) {
        let mut inner = self.lock();
        for report in std::mem::take(&mut inner.held).into_values() {
            inner.make_ready(report);
        }
        inner.end = Some(result);
        self.filled.notify_all();
    }

    /// Of all that was delivered so far.
    pub fn summary(&self) -> Summary {
        let inner = self.lock();
        let mut summary = inner.summary.clone();
        inner.held.values().for_each(|report| summary.add(report));
        summary
    }

    /// Waits for results: until there are many, or some and `patience` is over, or none more will come.
    pub fn receive(&self, patience: Duration) -> Result<Batch, EncodeError> {
        let deadline = Instant::now() + patience;
        let mut inner = self.lock();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if inner.end.is_some() || inner.is_worth_reading() || left.is_zero() {
                break;
            }
            inner = self.filled.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        inner.ready_bytes = 0;
        let modules = std::mem::take(&mut inner.ready);
        let progress = inner.progress;
        self.emptied.notify_all();
        // A failure is told when everything that was done has been read.
        let summary = match inner.end.take() {
            Some(Err(error)) if !modules.is_empty() => {
                inner.end = Some(Err(error));
                None
            }
            end => end.transpose()?,
        };
        Ok(Batch { modules, progress, summary })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn is_worth_reading(&self) -> bool {
        self.ready.len() >= BATCH || self.ready_bytes >= MOST_BYTES
    }

    fn make_ready(&mut self, report: ModuleReport) {
        self.summary.add(&report);
        self.held_bytes -= weight(&report);
        self.ready_bytes += weight(&report);
        self.ready.push(report);
    }
}

fn weight(report: &ModuleReport) -> usize {
    REPORT_BYTES + report.btf.as_ref().map_or(0, Vec::len) + report.beside.len()
}

#[cfg(test)]
mod tests {
    use super::super::report::{Size, Status};
    use super::*;
    use std::thread;

    fn report(number: usize, btf: usize) -> ModuleReport {
        ModuleReport {
            module: number.to_string(),
            status: Status::Encoded,
            output: None,
            size: Size { types: 1, ..Size::default() },
            milliseconds: 0.0,
            kept: None,
            error: None,
            btf: Some(vec![0; btf]),
            beside: Default::default(),
        }
    }

    fn read(outbox: &Outbox) -> Vec<String> {
        outbox.receive(Duration::ZERO).unwrap().modules.into_iter().map(|report| report.module).collect()
    }

    #[test]
    fn results_are_read_in_order() {
        let outbox = Outbox::default();
        outbox.expect(4, 40);
        outbox.deliver(2, 10, report(2, 0));
        outbox.deliver(1, 10, report(1, 0));
        assert!(read(&outbox).is_empty());
        outbox.deliver(0, 10, report(0, 0));
        let batch = outbox.receive(Duration::ZERO).unwrap();
        assert_eq!(batch.progress, Progress { done: 3, modules: 4, bytes_done: 30, bytes: 40 });
        assert!(batch.summary.is_none());
        assert_eq!(batch.modules.iter().map(|report| report.module.as_str()).collect::<Vec<_>>(), ["0", "1", "2"]);
        outbox.deliver(3, 10, report(3, 0));
        outbox.end(Ok(outbox.summary()));
        let batch = outbox.receive(Duration::from_secs(60)).unwrap();
        assert_eq!((batch.modules.len(), batch.summary.map(|s| (s.encoded, s.types))), (1, Some((4, 4))));
    }

    #[test]
    fn what_was_done_is_read_before_the_failure_is() {
        let outbox = Outbox::default();
        outbox.deliver(5, 0, report(5, 0));
        outbox.end(Err(EncodeError { code: "ABORTED", message: String::new() }));
        assert_eq!(read(&outbox), ["5"]);
        assert_eq!(outbox.receive(Duration::from_secs(60)).err().map(|error| error.code), Some("ABORTED"));
    }

    #[test]
    fn threads_wait_for_the_reader() {
        let outbox = Outbox::default();
        let stop = AtomicBool::new(false);
        outbox.deliver(0, 0, report(0, MOST_BYTES));
        thread::scope(|scope| {
            let waiting = scope.spawn(|| outbox.wait_for_room(1, &stop));
            thread::sleep(2 * PAUSE);
            assert!(!waiting.is_finished());
            assert_eq!(read(&outbox), ["0"]);
            assert!(waiting.join().unwrap());
        });
    }

    #[test]
    fn only_the_next_in_order_begins_when_much_is_held() {
        let outbox = Outbox::default();
        let stop = AtomicBool::new(false);
        outbox.deliver(1, 0, report(1, MOST_BYTES));
        assert!(outbox.wait_for_room(0, &stop));
        thread::scope(|scope| {
            let waiting = scope.spawn(|| outbox.wait_for_room(2, &stop));
            thread::sleep(2 * PAUSE);
            assert!(!waiting.is_finished());
            stop.store(true, Relaxed);
            assert!(!waiting.join().unwrap());
        });
    }
}
