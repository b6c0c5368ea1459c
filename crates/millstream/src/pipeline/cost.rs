//! What an item costs a worker, as far as the run knows, and what follows for how many are taken at
//! once.
//!
//! A wrong guess costs little: items that a worker has not started can be taken by others. So this
//! is about overhead, and never about who may start what.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A chunk takes about this long to work on: long against the hand-over, short against a person's
/// patience.
pub(crate) const CHUNK_NS: u64 = 100_000;
/// More items than this are never taken at once. In a model it is one: nothing there may depend on
/// a duration.
pub(crate) const LARGEST: usize = if cfg!(loom) { 1 } else { 4_096 };
/// Items that are claimed in one step take about this long together.
const GROUP_NS: u64 = 2_000;
/// Between two readings of the clock items take about this long.
const LOOK_NS: u64 = 10_000;
/// An item is slow from here on: two readings of the clock are nothing beside it.
const SLOW_NS: u64 = 5_000;
/// The cost of an item in nanoseconds, of late; 0 until one is known.
///
/// A measurement that stands alone does not raise it: the system interrupts a thread for
/// milliseconds, and what is believed slow is handled one by one, which wakes threads, which
/// interrupts others.
#[derive(Debug, Default)]
pub(crate) struct Cost {
    known: AtomicU64,
    /// What was noted last, by any worker.
    last: AtomicU64,
}

// Relaxed: a guess, which orders nothing.
impl Cost {
    pub(crate) fn get(&self) -> u64 {
        if cfg!(loom) { 0 } else { self.known.load(Ordering::Relaxed) }
    }

    /// Notes that `items` items took `took`. The lower one of two notes in a row is believed if
    /// that is more than was known, the higher one if it is less; but no less than an eighth of
    /// what was known.
    pub(crate) fn note(&self, items: u64, took: Duration) {
        let now = (nanos(took) / items.max(1)).max(1);
        let before = match self.last.swap(now, Ordering::Relaxed) {
            0 => now,
            before => before,
        };
        let known = self.get();
        let cost = known.max(now.min(before)).min(now.max(before).max(known / 8));
        if cost != known {
            self.known.store(cost, Ordering::Relaxed);
        }
    }

    /// How many items to take at once, if each takes `read` to read. One, until a cost is known.
    pub(crate) fn chunk(&self, read: u64) -> usize {
        match self.get() {
            0 => 1,
            cost => usize::try_from(CHUNK_NS / cost.max(read)).unwrap_or(LARGEST).clamp(1, LARGEST),
        }
    }

    /// How many items make a part of about `worth` nanoseconds of work; as many as of a chunk if
    /// they are slow, and one until a cost is known.
    pub(crate) fn part(&self, worth: u64) -> usize {
        match self.get() {
            0 => 1,
            cost if cost >= SLOW_NS => self.chunk(0),
            cost => usize::try_from(worth / cost).unwrap_or(usize::MAX),
        }
    }

    /// How many items to claim in one step, and after how many such steps to read the clock.
    pub(crate) fn steps(&self) -> (usize, u64) {
        match self.get() {
            0 => (1, 1),
            cost => {
                let group = (GROUP_NS / cost).clamp(1, LARGEST as u64);
                (usize::try_from(group).unwrap_or(1), (LOOK_NS / (cost * group)).clamp(1, 8))
            }
        }
    }

    /// Whether items are taken one by one.
    pub(crate) fn is_single(&self) -> bool {
        self.chunk(0) == 1
    }

    /// Whether each item is timed, and numbers are published for each.
    pub(crate) fn is_slow(&self) -> bool {
        let cost = self.get();
        cost == 0 || cost >= SLOW_NS
    }
}

pub(crate) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn cost_of(notes: &[u64]) -> u64 {
        let cost = Cost::default();
        notes.iter().for_each(|ns| cost.note(1, Duration::from_nanos(*ns)));
        cost.get()
    }

    #[test]
    fn one_item_is_taken_until_a_cost_is_known_and_then_a_tenth_of_a_millisecond_of_work() {
        let cost = Cost::default();
        assert_eq!((cost.chunk(0), cost.steps(), cost.is_slow()), (1, (1, 1), true));
        cost.note(10, Duration::from_micros(10));
        assert_eq!((cost.chunk(0), cost.steps()), (100, (2, 5)));
        assert_eq!(cost.chunk(50_000), 2, "reading counts as well");
    }

    #[test]
    fn a_slow_item_is_believed_when_a_second_one_follows_and_an_interruption_is_not() {
        assert_eq!(cost_of(&[100, 100, 4_000_000, 100]), 100);
        assert_eq!(cost_of(&[100, 100, 4_000_000, 3_000_000]), 3_000_000);
        assert_eq!(cost_of(&[4_000_000]), 4_000_000, "nothing else is known");
    }

    #[test]
    fn a_high_cost_is_forgotten_step_by_step() {
        assert_eq!(cost_of(&[1_000, 1_000, 10]), 1_000);
        assert_eq!(cost_of(&[1_000, 1_000, 10, 10]), 125);
        assert_eq!(cost_of(&[1_000, 1_000, 10, 10, 10, 10]), 10);
    }
}
