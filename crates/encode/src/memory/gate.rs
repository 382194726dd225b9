//! How much is worked on at once, where memory is bounded.

use std::sync::{Condvar, Mutex, PoisonError};

/// Lets work in while what it needs fits beside the other work. Work that is alone is always let in.
pub(crate) struct Gate {
    /// Bytes; none where nothing bounds.
    room: Option<u64>,
    inside: Mutex<Inside>,
    left: Condvar,
}

#[derive(Default)]
struct Inside {
    works: usize,
    bytes: u64,
}

/// Held while the work goes on.
pub(crate) struct Permit<'g> {
    gate: &'g Gate,
    bytes: u64,
}

impl Gate {
    pub fn new(room: Option<u64>) -> Gate {
        Gate { room, inside: Mutex::default(), left: Condvar::new() }
    }

    /// Waits until there is room for so many bytes.
    pub fn enter(&self, bytes: u64) -> Permit<'_> {
        let Some(room) = self.room else { return Permit { gate: self, bytes: 0 } };
        let full = |inside: &mut Inside| inside.works > 0 && inside.bytes.saturating_add(bytes) > room;
        let inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let mut inside = self.left.wait_while(inside, full).unwrap_or_else(PoisonError::into_inner);
        inside.works += 1;
        inside.bytes = inside.bytes.saturating_add(bytes);
        Permit { gate: self, bytes }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.gate.room.is_none() {
            return;
        }
        let mut inside = self.gate.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.works -= 1;
        inside.bytes = inside.bytes.saturating_sub(self.bytes);
        self.gate.left.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::Gate;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn what_does_not_fit_waits() {
        let gate = Gate::new(Some(100));
        let (first, second) = (gate.enter(60), gate.enter(40));
        thread::scope(|scope| {
            let third = scope.spawn(|| drop(gate.enter(50)));
            thread::sleep(Duration::from_millis(20));
            drop(second);
            thread::sleep(Duration::from_millis(20));
            assert!(!third.is_finished());
            drop(first);
            third.join().unwrap();
        });
    }

    #[test]
    fn what_is_alone_never_waits() {
        drop(Gate::new(Some(0)).enter(u64::MAX));
        let unbounded = Gate::new(None);
        let _both = (unbounded.enter(u64::MAX), unbounded.enter(u64::MAX));
    }
}
