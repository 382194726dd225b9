//! The flag by which JavaScript ends a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use napi_derive::napi;

/// Shared by a run and by whoever may end it.
#[derive(Default)]
pub struct Shared {
    pub aborted: Arc<AtomicBool>,
    started: AtomicBool,
}

impl Shared {
    /// Called once by the worker before it does anything: whether it may go on.
    ///
    /// The order (started is stored, then aborted is read) and its mirror in `Control::abort` make sure that a run that
    /// `abort` called "never begun" does indeed nothing.
    pub fn begin(&self) -> bool {
        self.started.store(true, SeqCst);
        !self.aborted.load(SeqCst)
    }

    /// For work that goes on by itself.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.aborted)
    }

    fn abort(&self) -> bool {
        self.aborted.store(true, SeqCst);
        !self.started.load(SeqCst)
    }
}

#[napi]
#[derive(Default)]
pub struct Control {
    pub(crate) shared: Arc<Shared>,
}

#[napi]
impl Control {
    #[napi(constructor, catch_unwind)]
    pub fn new() -> Control {
        Control::default()
    }

    /// Asks the run to end. True when it had not begun, and so never will: nobody needs to wait for it.
    #[napi(catch_unwind)]
    pub fn abort(&self) -> bool {
        self.shared.abort()
    }
}

#[cfg(test)]
mod tests {
    use super::Shared;

    #[test]
    fn a_run_that_never_began_does_nothing() {
        let shared = Shared::default();
        assert!(shared.abort());
        assert!(!shared.begin());
    }

    #[test]
    fn a_run_that_began_has_to_be_waited_for() {
        let shared = Shared::default();
        assert!(shared.begin());
        assert!(!shared.abort());
    }
}
