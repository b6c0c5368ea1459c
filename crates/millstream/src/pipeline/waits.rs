//! Waits that have not ended, so that a stage that is stuck does not look as if it was free.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::cost::nanos;
use crate::clock::stopwatch;

/// What a stage waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Items.
    In,
    /// Room, or the stage behind it.
    Out,
}

/// How many threads wait, and the sum of the times at which they began to.
#[derive(Debug, Default)]
pub(crate) struct Open {
    threads: AtomicU64,
    since_ns: AtomicU64,
}

// Relaxed: statistics. A view between the two additions is off by one wait, once.
impl Open {
    /// The calling thread waits until the guard is dropped.
    pub(crate) fn begin(&self) -> Waits<'_> {
        let since = now();
        self.threads.fetch_add(1, Ordering::Relaxed);
        self.since_ns.fetch_add(since, Ordering::Relaxed);
        Waits { open: self, since }
    }

    /// How many threads wait now, and how long they have, all together.
    pub(crate) fn now(&self) -> (usize, Duration) {
        let threads = self.threads.load(Ordering::Relaxed);
        let since = self.since_ns.load(Ordering::Relaxed);
        let waited = now().wrapping_mul(threads).saturating_sub(since);
        (usize::try_from(threads).unwrap_or(usize::MAX), Duration::from_nanos(waited))
    }
}

/// A wait that goes on.
pub(crate) struct Waits<'a> {
    open: &'a Open,
    since: u64,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.open.threads.fetch_sub(1, Ordering::Relaxed);
        self.open.since_ns.fetch_sub(self.since, Ordering::Relaxed);
    }
}

/// Nanoseconds since the first wait of the process.
fn now() -> u64 {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    nanos(FIRST.get_or_init(stopwatch).elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_counts_while_it_lasts_and_no_longer() {
        let open = Open::default();
        let (first, second) = (open.begin(), open.begin());
        assert_eq!(open.now().0, 2);
        drop(first);
        let before = open.now().1;
        assert!(open.now().1 >= before, "it goes on");
        drop(second);
        assert_eq!(open.now(), (0, Duration::ZERO));
    }
}
