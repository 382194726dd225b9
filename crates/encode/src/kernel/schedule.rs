//! Who encodes which module next.
//!
//! A few modules are a large part of all the work (amdgpu is a tenth of Debian's kernel): one that is begun last keeps
//! one thread busy when the others have nothing left. So large ones are begun first, the largest before the others, and
//! by few threads, as they take the memory that is taken. The other threads go through the rest in the order of the
//! report, and help with large ones when no others are left.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// A module is large when it is more than this part of what each thread has to do: so long may the end be, at most.
const LARGE: u64 = 32;

pub(super) struct Schedule {
    /// Largest first.
    large: Queue,
    /// In the order of the report.
    rest: Queue,
    /// So many threads begin with the large ones.
    lanes: usize,
}

pub(super) struct Turn {
    pub number: usize,
    pub is_large: bool,
}

struct Queue {
    numbers: Vec<usize>,
    next: AtomicUsize,
}

impl Queue {
    fn new(numbers: Vec<usize>) -> Queue {
        Queue { numbers, next: AtomicUsize::new(0) }
    }

    fn take(&self) -> Option<usize> {
        self.numbers.get(self.next.fetch_add(1, Relaxed)).copied()
    }
}

impl Schedule {
    /// Of modules, by their number, with the size of their files.
    pub fn new(modules: &[(usize, u64)], jobs: usize) -> Schedule {
        let all: u64 = modules.iter().map(|(_, size)| size).sum();
        let bound = all / (jobs as u64 * LARGE);
        let (mut large, rest): (Vec<_>, Vec<_>) = modules.iter().partition(|(_, size)| *size > bound);
        large.sort_by_key(|&(number, size)| (std::cmp::Reverse(size), number));
        let numbers = |modules: Vec<(usize, u64)>| modules.into_iter().map(|(number, _)| number).collect();
        Schedule { large: Queue::new(numbers(large)), rest: Queue::new(numbers(rest)), lanes: jobs.div_ceil(4) }
    }

    /// What the thread of this number does next.
    pub fn next(&self, thread: usize) -> Option<Turn> {
        let large = || self.large.take().map(|number| Turn { number, is_large: true });
        let rest = || self.rest.take().map(|number| Turn { number, is_large: false });
        if thread < self.lanes { large().or_else(rest) } else { rest().or_else(large) }
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;

    fn order(schedule: &Schedule, thread: usize) -> Vec<usize> {
        std::iter::from_fn(|| schedule.next(thread)).map(|turn| turn.number).collect()
    }

    /// A hundred modules of size 10, and three large ones.
    fn modules() -> Vec<(usize, u64)> {
        (0..100).map(|n| (n, [(7, 300), (50, 900), (90, 300)].iter().find(|l| l.0 == n).map_or(10, |l| l.1))).collect()
    }

    #[test]
    fn large_ones_come_first_and_each_once() {
        let schedule = Schedule::new(&modules(), 2);
        let order = order(&schedule, 0);
        assert_eq!(order[..5], [50, 7, 90, 0, 1]);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn other_threads_leave_them_until_nothing_else_is_left() {
        let schedule = Schedule::new(&modules(), 2);
        assert_eq!(schedule.next(0).map(|turn| (turn.number, turn.is_large)), Some((50, true)));
        let order = order(&schedule, 1);
        assert_eq!(order[..7], [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(order[97..], [7, 90]);
    }

    #[test]
    fn nothing_to_do() {
        assert!(Schedule::new(&[], 1).next(0).is_none());
        assert_eq!(order(&Schedule::new(&[(4, 0)], 3), 2), [4]);
    }
}
