//! A run on a thread of its own, whose results are read while it goes on.

use super::options::KernelOptions;
use super::outbox::{Batch, Outbox};
use super::run::run;
use crate::EncodeError;
use crate::jobs::not_started;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A kernel that is being encoded. Whoever drops it ends the run, and waits for that.
pub struct KernelRun {
    outbox: Arc<Outbox>,
    abort: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl KernelRun {
    /// Begins. Once `abort` is true, no module is begun any more, and reading the results ends with ABORTED. A run that
    /// fails before its first module may set it, too.
    pub fn start(options: KernelOptions, abort: Arc<AtomicBool>) -> Result<KernelRun, EncodeError> {
        let outbox = Arc::new(Outbox::default());
        let (shared, stop) = (Arc::clone(&outbox), Arc::clone(&abort));
        let modules = options.modules.clone();
        let work = move || {
            match catch_unwind(AssertUnwindSafe(|| run(&options, &stop, &shared))) {
                Ok(result) => shared.end(result),
                Err(panic) => {
                    // Who reads the results waits for an end, then finds the panic.
                    shared.end(Err(EncodeError { code: "INTERNAL", message: "the run has panicked".to_owned() }));
                    resume_unwind(panic);
                }
            }
        };
        let thread = thread::Builder::new().name("btfkit-kernel".into()).spawn(work);
        let thread = thread.map_err(|error| not_started(&modules, &error))?;
        Ok(KernelRun { outbox, abort, thread: Some(thread) })
    }

    /// What has been done since the last call. Waits for results, but not longer than `patience`, after which there may
    /// be none. With the summary, or a failure, comes the end.
    pub fn next(&mut self, patience: Duration) -> Result<Batch, EncodeError> {
        let batch = self.outbox.receive(patience);
        let is_over = batch.as_ref().map_or(true, |batch| batch.summary.is_some());
        if is_over && let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            resume_unwind(panic);
        }
        batch
    }
}

impl Drop for KernelRun {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.abort.store(true, SeqCst);
            let _ = thread.join();
        }
    }
}
