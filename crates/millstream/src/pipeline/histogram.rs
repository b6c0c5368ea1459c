//! Durations in buckets of at most an eighth of their size, 2 KiB in all: enough for p50 and p99 of
//! a stage.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::clock::stopwatch;

const SUB_BITS: u32 = 3;
const SUB: usize = 1 << SUB_BITS;
const BUCKETS: usize = 64 * SUB;

/// Counts of durations in nanoseconds, eight buckets to each power of two.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram {
    counts: Vec<u32>,
    samples: u64,
    sum_ns: u64,
}

impl Histogram {
    pub(crate) fn record(&mut self, took: Duration) {
        if self.counts.is_empty() {
            self.counts.resize(BUCKETS, 0);
        }
        let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.counts[bucket(ns)] += 1;
        self.samples += 1;
        self.sum_ns = self.sum_ns.saturating_add(ns);
    }

    /// Takes in what another one has recorded.
    pub(crate) fn add(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (sum, count) in self.counts.iter_mut().zip(&other.counts) {
            *sum += count;
        }
        self.samples += other.samples;
        self.sum_ns = self.sum_ns.saturating_add(other.sum_ns);
    }

    pub(crate) fn samples(&self) -> u64 {
        self.samples
    }

    pub(crate) fn mean_ns(&self) -> f64 {
        if self.samples == 0 { 0.0 } else { self.sum_ns as f64 / self.samples as f64 }
    }

    /// The duration below which `share` of the samples lie, to the upper end of its bucket.
    pub(crate) fn percentile(&self, share: f64) -> Option<Duration> {
        if self.samples == 0 {
            return None;
        }
        let wanted = ((self.samples as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= wanted {
                return Some(Duration::from_nanos(upper(index)));
            }
        }
        None
    }
}

/// The time that one slot of [`Recent`] covers.
const SLOT_SECONDS: u64 = 5;
/// A minute, and the slot that has started.
const SLOTS: usize = 13;

/// Durations of the whole time, and of the last minute in slots.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recent {
    pub(crate) whole: Histogram,
    /// The number of each slot, and what came in it. Slots in which nothing came are missing.
    slots: Vec<(u64, Histogram)>,
}

impl Recent {
    pub(crate) fn record(&mut self, took: Duration) {
        self.record_at(slot(), took);
    }

    fn record_at(&mut self, now: u64, took: Duration) {
        self.whole.record(took);
        self.slot(now).record(took);
    }

    fn slot(&mut self, number: u64) -> &mut Histogram {
        let place = self.slots.partition_point(|(other, _)| *other < number);
        if self.slots.get(place).is_none_or(|(other, _)| *other != number) {
            self.slots.insert(place, (number, Histogram::default()));
        }
        let surplus = self.slots.len().saturating_sub(SLOTS);
        self.slots.drain(..surplus.min(place));
        &mut self.slots[place - surplus.min(place)].1
    }

    /// Takes in what another one has recorded.
    pub(crate) fn add(&mut self, other: &Self) {
        self.whole.add(&other.whole);
        for (number, times) in &other.slots {
            self.slot(*number).add(times);
        }
    }

    /// What came in the last `seconds` seconds, and up to five seconds before.
    pub(crate) fn last(&self, seconds: u64) -> Histogram {
        self.last_at(slot(), seconds)
    }

    fn last_at(&self, now: u64, seconds: u64) -> Histogram {
        let mut all = Histogram::default();
        let recent = self.slots.iter().filter(|(number, _)| number + seconds / SLOT_SECONDS >= now);
        recent.for_each(|(_, times)| all.add(times));
        all
    }
}

/// The number of the present slot.
fn slot() -> u64 {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    FIRST.get_or_init(stopwatch).elapsed().as_secs() / SLOT_SECONDS
}

fn bucket(ns: u64) -> usize {
    if ns < SUB as u64 {
        return ns as usize;
    }
    let power = 63 - ns.leading_zeros();
    let sub = (ns >> (power - SUB_BITS)) as usize & (SUB - 1);
    ((power - SUB_BITS + 1) as usize) * SUB + sub
}

fn upper(index: usize) -> u64 {
    if index < SUB {
        return index as u64;
    }
    let power = (index / SUB) as u32 + SUB_BITS - 1;
    let sub = (index % SUB) as u64;
    let width = 1u64 << (power - SUB_BITS);
    // In this order nothing overflows, also not for the last bucket.
    (1u64 << power) + width * sub + (width - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_at_most_an_eighth_above_the_true_value() {
        let mut times = Histogram::default();
        for ns in 1..=10_000u64 {
            times.record(Duration::from_nanos(ns));
        }
        for (share, exact) in [(0.5, 5_000.0), (0.99, 9_900.0)] {
            let found = times.percentile(share).unwrap().as_nanos() as f64;
            assert!(found >= exact && found <= exact * 1.13, "p{share}: {found} for {exact}");
        }
        assert_eq!(times.mean_ns(), 5_000.5);
    }

    #[test]
    fn what_was_recorded_leaves_the_recent_times_and_stays_in_the_whole() {
        let mut times = Recent::default();
        (0..100).for_each(|slot| times.record_at(slot, Duration::from_nanos(slot)));
        let count = |seconds| times.last_at(100, seconds).samples();
        assert_eq!((count(10), count(60), times.whole.samples()), (2, 12, 100));
        assert_eq!((times.last_at(99, 10).samples(), times.last_at(1_000, 60).samples()), (3, 0));
        let mut sum = times.clone();
        sum.add(&times);
        assert_eq!((sum.last_at(100, 60).samples(), sum.whole.samples()), (24, 200));
    }

    #[test]
    fn every_duration_has_a_bucket_and_no_samples_have_no_percentile() {
        for ns in [0, 1, 7, 8, 9, u64::MAX / 2, u64::MAX] {
            assert!(upper(bucket(ns)) >= ns);
        }
        assert_eq!(Histogram::default().percentile(0.5), None);
    }
}
