//! Moments as numbers, and a heap of what is due when.
//!
//! A moment is nanoseconds since the schedule was made: half of the size of an `Instant`, of which
//! a host has several.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

/// Nanoseconds after the schedule was made: 584 years of them fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

impl Moment {
    /// The moment at which a schedule that was made at `start` sees `now`; its beginning, if that
    /// was before.
    pub(crate) fn at(start: Instant, now: Instant) -> Self {
        Self::default().after(now.saturating_duration_since(start))
    }

    /// So much later.
    pub(crate) fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// The time since the schedule was made.
    pub(crate) fn since_start(self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

/// What is due, the earliest first; of what is due at the same moment, what was put in first.
#[derive(Debug)]
pub(crate) struct Timetable<T> {
    heap: BinaryHeap<Entry<T>>,
    /// How many were ever put in: their order, and their name.
    numbers: u64,
}

#[derive(Debug)]
struct Entry<T> {
    due: Moment,
    number: u64,
    what: T,
}

impl<T> Timetable<T> {
    pub(crate) fn new() -> Self {
        Self { heap: BinaryHeap::new(), numbers: 0 }
    }

    /// Puts it in; its number, which is never 0.
    pub(crate) fn put(&mut self, due: Moment, what: T) -> u64 {
        self.numbers += 1;
        self.heap.push(Entry { due, number: self.numbers, what });
        self.numbers
    }

    /// When the first is due.
    pub(crate) fn first(&self) -> Option<Moment> {
        self.heap.peek().map(|entry| entry.due)
    }

    /// Takes the first out if it is due, with its number.
    pub(crate) fn take(&mut self, now: Moment) -> Option<(u64, T)> {
        if self.first()? > now {
            return None;
        }
        self.heap.pop().map(|entry| (entry.number, entry.what))
    }

    /// Takes out all of a kind, due or not, in the order in which they would have been due. It
    /// looks at everything that is in.
    pub(crate) fn take_all(&mut self, is_one: impl Fn(&T) -> bool) -> Vec<T> {
        let (mut taken, left): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.heap).into_iter().partition(|entry| is_one(&entry.what));
        self.heap = left.into();
        // The greatest is due first.
        taken.sort_unstable_by(|one, other| other.cmp(one));
        taken.into_iter().map(|entry| entry.what).collect()
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap gives the greatest first.
        (other.due, other.number).cmp(&(self.due, self.number))
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Entry<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_comes_first_and_of_equals_the_one_that_waited_longer() {
        let at = |seconds| Moment::default().after(Duration::from_secs(seconds));
        let mut table = Timetable::new();
        for (due, what) in [(3, "c"), (1, "a"), (3, "d"), (2, "b")] {
            table.put(at(due), what);
        }
        assert_eq!(table.take(at(0)), None);
        assert_eq!(table.first(), Some(at(1)));
        let order: Vec<_> =
            std::iter::from_fn(|| table.take(at(3))).map(|(_, what)| what).collect();
        assert_eq!(order, ["a", "b", "c", "d"]);
    }

    #[test]
    fn all_of_a_kind_come_out_in_their_order_and_the_others_stay() {
        let at = |seconds| Moment::default().after(Duration::from_secs(seconds));
        let mut table = Timetable::new();
        for (due, what) in [(3, 30), (1, 11), (2, 20), (1, 10)] {
            table.put(at(due), what);
        }
        assert_eq!(table.take_all(|what| what % 10 == 0), [10, 20, 30]);
        assert_eq!((table.take(at(9)), table.take(at(9))), (Some((2, 11)), None));
    }
}
