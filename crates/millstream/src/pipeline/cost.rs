//! What an item costs a worker, as far as the run knows, and what follows for how many are taken at once.
//!
//! A wrong guess costs little: items that a worker has not started can be taken by others. So this is about overhead,
//! and never about who may start what.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A chunk takes about this long to work on: long against the hand-over, short against a person's patience.
pub(crate) const CHUNK_NS: u64 = 100_000;
/// More items than this are never taken at once. In a model it is one: nothing there may depend on a duration.
pub(crate) const LARGEST: usize = if cfg!(loom) { 1 } else { 4_096 };
/// Items that are claimed in one step take about this long together.
const GROUP_NS: u64 = 1_000;
/// Between two readings of the clock items take about this long.
const LOOK_NS: u64 = 5_000;
/// An item is slow from here on: two readings of the clock, and leaving by itself, are nothing beside it.
const SLOW_NS: u64 = 5_000;
/// A shorter time is no sign that an item costs more: the system interrupts a thread for as long.
const SIGN_NS: u64 = 20_000;

/// The cost of an item in nanoseconds: the highest one of late, 0 until one is known.
#[derive(Debug, Default)]
pub(crate) struct Cost(AtomicU64);

// Relaxed: a guess, which orders nothing.
impl Cost {
    pub(crate) fn get(&self) -> u64 {
        if cfg!(loom) { 0 } else { self.0.load(Ordering::Relaxed) }
    }

    /// Notes what an item of a chunk cost. A lower cost takes some chunks to be believed.
    pub(crate) fn note(&self, per_item: u64) {
        let known = self.get();
        self.0.store(per_item.max(known - known / 4).max(1), Ordering::Relaxed);
    }

    /// How many items to take at once, if each takes `read` to read. One, until a cost is known.
    pub(crate) fn chunk(&self, read: u64) -> usize {
        match self.get() {
            0 => 1,
            cost => usize::try_from(CHUNK_NS / cost.max(read)).unwrap_or(LARGEST).clamp(1, LARGEST),
        }
    }

    /// How many items make a part of about `worth` nanoseconds of work; as many as of a chunk if they are slow, and one
    /// until a cost is known.
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
                let group = (GROUP_NS / cost).clamp(1, 64);
                (usize::try_from(group).unwrap_or(1), (LOOK_NS / (cost * group)).clamp(1, 8))
            }
        }
    }

    /// Whether results leave one by one, and each item is timed.
    pub(crate) fn is_slow(&self) -> bool {
        let cost = self.get();
        cost == 0 || cost >= SLOW_NS
    }
}

/// How long the items of one chunk took.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    items: u64,
    ns: u64,
    /// The highest cost of an item in it that is no chance.
    peak: u64,
}

impl Chunk {
    /// Notes that `items` items took `took`. Whether they were much slower than was known.
    pub(crate) fn add(&mut self, items: u64, took: Duration) {
        let ns = nanos(took);
        self.items += items;
        self.ns += ns;
        if ns >= SIGN_NS {
            self.peak = self.peak.max(ns / items.max(1));
        }
    }

    /// The cost of an item of it.
    pub(crate) fn per_item(&self) -> u64 {
        (self.ns / self.items.max(1)).max(self.peak)
    }
}

pub(crate) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn one_item_is_taken_until_a_cost_is_known_and_then_a_tenth_of_a_millisecond_of_work() {
        let cost = Cost::default();
        assert_eq!((cost.chunk(0), cost.steps(), cost.is_slow()), (1, (1, 1), true));
        cost.note(1_000);
        assert_eq!((cost.chunk(0), cost.steps()), (100, (1, 5)));
        assert_eq!(cost.chunk(50_000), 2, "reading counts as well");
        cost.note(100_000_000);
        assert_eq!((cost.chunk(0), cost.is_slow()), (1, true));
    }

    #[test]
    fn the_highest_cost_of_late_counts_and_is_forgotten_step_by_step() {
        let cost = Cost::default();
        cost.note(1_000_000);
        for _ in 0..4 {
            cost.note(10);
        }
        assert!(cost.get() > 300_000);
        for _ in 0..60 {
            cost.note(10);
        }
        assert_eq!(cost.get(), 10);
    }

    #[test]
    fn a_slow_item_among_fast_ones_is_seen_and_an_interruption_is_not() {
        let mut chunk = Chunk::default();
        chunk.add(10, Duration::from_micros(1));
        chunk.add(10, Duration::from_micros(11));
        assert_eq!(chunk.per_item(), 600);
        chunk.add(1, Duration::from_millis(1));
        assert_eq!(chunk.per_item(), 1_000_000);
    }
}
