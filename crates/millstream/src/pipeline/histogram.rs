//! Durations in buckets of at most an eighth of their size, 2 KiB in all: enough for p50 and p99 of a stage.

use std::time::Duration;

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
    fn every_duration_has_a_bucket_and_no_samples_have_no_percentile() {
        for ns in [0, 1, 7, 8, 9, u64::MAX / 2, u64::MAX] {
            assert!(upper(bucket(ns)) >= ns);
        }
        assert_eq!(Histogram::default().percentile(0.5), None);
    }
}
