//! How every function of the addon works: as a task on libuv's pool that never throws, and ends when it is asked to.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use btfkit_encode::{EncodeError, fault};
use napi::bindgen_prelude::AsyncTask;
use napi::{Env, Task};

use crate::control::{Control, Shared};
use crate::guard::guard;
use crate::outcome::Outcome;

type Work = Box<dyn FnOnce(&AtomicBool) -> Result<Outcome, EncodeError> + Send>;

/// Work that polls a flag: once that is true, it ends with the code ABORTED.
pub struct Run {
    /// Of the function.
    name: &'static str,
    work: Option<Work>,
    shared: Arc<Shared>,
}

/// Puts `work` into the queue; JavaScript gets a promise of its outcome. A failure, or a panic, is an outcome too.
pub fn run(
    name: &'static str,
    control: &Control,
    work: impl FnOnce(&AtomicBool) -> Result<Outcome, EncodeError> + Send + 'static,
) -> AsyncTask<Run> {
    AsyncTask::new(Run { name, work: Some(Box::new(work)), shared: Arc::clone(&control.shared) })
}

impl Task for Run {
    type Output = Outcome;
    type JsValue = Outcome;

    fn compute(&mut self) -> napi::Result<Outcome> {
        let work = self.work.take().expect("a task runs once");
        let outcome = guard(|| {
            fault::at(self.name);
            if self.shared.begin() { work(&self.shared.aborted) } else { Err(aborted()) }
        });
        Ok(outcome.unwrap_or_else(Outcome::from))
    }

    fn resolve(&mut self, _env: Env, outcome: Outcome) -> napi::Result<Outcome> {
        Ok(outcome)
    }
}

fn aborted() -> EncodeError {
    EncodeError { code: "ABORTED", message: "aborted before it began".into() }
}
