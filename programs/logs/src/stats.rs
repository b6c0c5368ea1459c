//! `--stats`: counts by level over time, in as many buckets as fit a screen.

use std::collections::BTreeMap;
use std::fmt;

use millstream::Sink;

use crate::level::Level;
use crate::record::Parsed;
use crate::time::Timestamp;

/// At most this many lines of the chart; with more the buckets double.
const LINES: usize = 24;
const SECOND: i64 = 1_000_000_000;

/// What the chart needs of a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tick {
    time: Option<Timestamp>,
    level: Option<Level>,
}

impl Tick {
    pub(crate) fn of(record: &Parsed<'_>) -> Self {
        Self { time: record.time, level: record.level }
    }
}

/// Counts by time and level.
#[derive(Clone, Debug)]
pub struct Stats {
    /// The width of a bucket, in nanoseconds.
    width: i64,
    buckets: BTreeMap<i64, BTreeMap<Option<Level>, u64>>,
    /// Records that have no time.
    timeless: BTreeMap<Option<Level>, u64>,
}

impl Default for Stats {
    fn default() -> Self {
        Self { width: SECOND, buckets: BTreeMap::new(), timeless: BTreeMap::new() }
    }
}

/// Widths a person reads easily, in seconds.
const WIDTHS: [i64; 17] =
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400];

impl Stats {
    fn add(&mut self, tick: Tick) {
        let Some(time) = tick.time else {
            *self.timeless.entry(tick.level).or_default() += 1;
            return;
        };
        let start = time.as_nanos().div_euclid(self.width);
        *self.buckets.entry(start).or_default().entry(tick.level).or_default() += 1;
        while self.span() > LINES as i64 {
            self.widen();
        }
    }

    fn span(&self) -> i64 {
        let (first, last) = (self.buckets.keys().next(), self.buckets.keys().next_back());
        first.zip(last).map_or(0, |(first, last)| last - first + 1)
    }

    fn widen(&mut self) {
        let seconds = self.width / SECOND;
        let wider =
            WIDTHS.into_iter().find(|width| *width > seconds).unwrap_or(seconds * 2) * SECOND;
        let old = std::mem::take(&mut self.buckets);
        for (start, levels) in old {
            let bucket = self.buckets.entry((start * self.width).div_euclid(wider)).or_default();
            for (level, count) in levels {
                *bucket.entry(level).or_default() += count;
            }
        }
        self.width = wider;
    }

    fn levels(&self) -> Vec<Option<Level>> {
        let mut levels: Vec<_> = self
            .buckets
            .values()
            .chain([&self.timeless])
            .flat_map(BTreeMap::keys)
            .copied()
            .collect();
        levels.sort_unstable_by(|a, b| b.cmp(a));
        levels.dedup();
        levels
    }
}

fn name(level: Option<Level>) -> &'static str {
    level.map_or("none", Level::name)
}

/// A line a bucket: its time, the counts by level with the worst first, and a bar of all of them.
/// Of nothing it says so.
impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let levels = self.levels();
        if levels.is_empty() {
            return f.write_str("no records\n");
        }
        write!(f, "{:<20}", "time (UTC)")?;
        for level in &levels {
            write!(f, " {:>9}", name(*level))?;
        }
        writeln!(f)?;
        let most = self
            .buckets
            .values()
            .map(|bucket| bucket.values().sum::<u64>())
            .max()
            .unwrap_or(0)
            .max(1);
        let (Some(first), Some(last)) =
            (self.buckets.keys().next(), self.buckets.keys().next_back())
        else {
            return self.line(f, "without a time", &self.timeless, &levels, most);
        };
        let none = BTreeMap::new();
        for start in *first..=*last {
            let bucket = self.buckets.get(&start).unwrap_or(&none);
            let mut time = Vec::new();
            Timestamp::from_nanos(start * self.width).write_rfc3339(&mut time);
            let time = String::from_utf8_lossy(&time[..time.len().min(19)]).replace('T', " ");
            self.line(f, &time, bucket, &levels, most)?;
        }
        if !self.timeless.is_empty() {
            self.line(f, "without a time", &self.timeless, &levels, most)?;
        }
        Ok(())
    }
}

impl Stats {
    fn line(
        &self,
        f: &mut fmt::Formatter<'_>,
        title: &str,
        bucket: &BTreeMap<Option<Level>, u64>,
        levels: &[Option<Level>],
        most: u64,
    ) -> fmt::Result {
        write!(f, "{title:<20}")?;
        for level in levels {
            write!(f, " {:>9}", bucket.get(level).copied().unwrap_or(0))?;
        }
        let all: u64 = bucket.values().sum();
        let width = usize::try_from(all * 40 / most).unwrap_or(40).min(40);
        writeln!(f, "  {}{}", "█".repeat(width), if width == 0 && all > 0 { "▏" } else { "" })
    }
}

/// Counts into statistics that outlive the run.
pub(crate) struct Counting<'a>(pub(crate) &'a mut Stats);

impl Sink<Vec<Tick>> for Counting<'_> {
    type Error = std::convert::Infallible;

    fn write(&mut self, ticks: Vec<Tick>) -> Result<(), Self::Error> {
        ticks.into_iter().for_each(|tick| self.0.add(tick));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_widen_until_the_chart_fits_and_every_record_stays_counted() {
        let mut stats = Stats::default();
        for second in 0..100_000 {
            let level = if second % 10 == 0 { Level::Error } else { Level::Info };
            stats.add(Tick {
                time: Some(Timestamp::from_nanos(second * SECOND)),
                level: Some(level),
            });
        }
        assert!(stats.span() <= LINES as i64);
        let count = |level| {
            stats.buckets.values().filter_map(|bucket| bucket.get(&Some(level))).sum::<u64>()
        };
        assert_eq!((count(Level::Error), count(Level::Info)), (10_000, 90_000));
        let chart = stats.to_string();
        assert!(
            chart.starts_with("time (UTC)") && chart.contains("1970-01-01 00:00:00"),
            "{chart}"
        );
        assert!(chart.lines().count() <= LINES + 2, "{chart}");
    }
}
