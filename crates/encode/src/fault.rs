//! Panics: where the last one was; and, in debug builds, one on purpose.
//!
//! Whoever catches a panic has its words, not its place: only a hook sees that. The hook belongs to the program; one that
//! wants places in errors installs a hook that calls [`remember`].

use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};

thread_local! {
    static OF_THIS_THREAD: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Of any thread: those of a pool pass a panic on to the thread that waits for them.
static LAST: Mutex<Option<String>> = Mutex::new(None);

/// Takes what a panic hook is told: "panicked at FILE:LINE:COLUMN:" and the message on lines of their own.
pub fn remember(panic: &str) {
    let panic = panic.replace('\n', " ");
    // A thread that ends has nothing of its own any more.
    let _ = OF_THIS_THREAD.try_with(|own| own.replace(Some(panic.clone())));
    *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
}

/// For whoever has caught a panic: what panicked and where, on one line. None where no hook remembers.
pub fn take() -> Option<String> {
    let last = LAST.lock().unwrap_or_else(PoisonError::into_inner).take();
    OF_THIS_THREAD.with(RefCell::take).or(last)
}

/// Panics in a debug build, when the variable `BTFKIT_TEST_PANIC` has the name of this place.
#[cfg(debug_assertions)]
pub fn at(place: &str) {
    if std::env::var_os("BTFKIT_TEST_PANIC").is_some_and(|wanted| wanted == place) {
        panic!("as BTFKIT_TEST_PANIC wants it, in {place}");
    }
}

#[cfg(not(debug_assertions))]
pub fn at(_: &str) {}
