//! `Batch`: a policy as a value: how many items go together, and how long the first may wait.

use std::fmt;
use std::time::Duration;

/// When a batch is complete: by count, by weight (bytes, say), by time, whichever is first.
///
/// The time counts from the batch's first item, so a steady trickle cannot put it off. A batch also
/// leaves when the input ends. Without [`Batch::within`], batching costs no thread; with it, the
/// stages before it run on a thread of their own, because somebody must be free to watch the time.
///
/// # Examples
/// ```
/// use millstream::{Batch, Context, Pipeline};
///
/// let batches = Pipeline::from_iter(1..=7).batch(Batch::of(3)).collect(&Context::new())?;
/// assert_eq!(batches, [vec![1, 2, 3], vec![4, 5, 6], vec![7]]);
///
/// let lines = ["a", "bb", "ccc", "d"].into_iter();
/// let by_bytes = Pipeline::from_iter(lines).batch(Batch::of(100).max_weight(4, |line: &&str| line.len()));
/// assert_eq!(by_bytes.collect(&Context::new())?, [vec!["a", "bb"], vec!["ccc", "d"]]);
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Batch<W = ()> {
    pub(crate) count: usize,
    pub(crate) weight: usize,
    pub(crate) weigh: W,
}

impl<W> fmt::Debug for Batch<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("count", &self.count).finish_non_exhaustive()
    }
}

impl Batch {
    /// At most `count` items together; 0 is taken as 1. A huge count takes no room ahead.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Batch, Context, Pipeline};
    /// let pairs = Pipeline::from_iter(1..=3).batch(Batch::of(2)).collect(&Context::new())?;
    /// assert_eq!(pairs, [vec![1, 2], vec![3]]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    #[must_use]
    pub const fn of(count: usize) -> Self {
        Self { count: if count == 0 { 1 } else { count }, weight: usize::MAX, weigh: () }
    }
}

impl<W> Batch<W> {
    /// A batch leaves at the latest this long after its first item came to the thread that gathers.
    ///
    /// Later items do not put it off, and without a first item no timer runs. The clock is that of
    /// the run's context. A time too long to represent is no limit; a time of zero lets every item
    /// leave as soon as nothing more is ready.
    ///
    /// # Cost
    /// A thread for what comes before the batch, and a timer a batch.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use millstream::{Batch, Context, Pipeline, channel};
    ///
    /// let ctx = Context::new();
    /// let (sender, receiver) = channel(8);
    /// sender.send(&ctx, 1).unwrap();
    /// // The sender lives: only the time can end this batch.
    /// let soon = Batch::of(1_000).within(Duration::from_millis(1));
    /// let ended = Pipeline::from(receiver).batch(soon).for_each(&ctx, |batch| {
    ///     assert_eq!(batch, [1]);
    ///     ctx.cancel("seen");
    /// });
    /// assert!(ended.unwrap_err().cancelled().is_some());
    /// drop(sender);
    /// ```
    #[must_use]
    pub const fn within(self, time: Duration) -> BatchWithin<W> {
        BatchWithin { batch: self, time }
    }

    /// A batch leaves before it would weigh more than `most`; an item that alone weighs more goes
    /// alone.
    ///
    /// The count still limits it as well. Sums of weights that exceed `usize` count as the largest.
    ///
    /// # Panics
    /// A panic of `weigh` fails the item that was weighed and ends the run.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Batch, Context, Pipeline};
    /// let policy = Batch::of(3).max_weight(10, |n: &usize| *n);
    /// let batches = Pipeline::from_iter([4, 5, 6, 99, 1, 1, 1, 1]).batch(policy).collect(&Context::new())?;
    /// assert_eq!(batches, [vec![4, 5], vec![6], vec![99], vec![1, 1, 1], vec![1]]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    #[must_use]
    pub fn max_weight<F>(self, most: usize, weigh: F) -> Batch<Weight<F>> {
        Batch { count: self.count, weight: most, weigh: Weight(weigh) }
    }
}

/// A [`Batch`] with a time limit, made by [`Batch::within`].
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use millstream::{Batch, BatchWithin, Context, Pipeline};
/// let policy: BatchWithin = Batch::of(2).within(Duration::from_secs(1));
/// let batches = Pipeline::from_iter(1..=3).batch(policy).collect(&Context::new())?;
/// assert_eq!(batches, [vec![1, 2], vec![3]]);
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct BatchWithin<W = ()> {
    pub(crate) batch: Batch<W>,
    pub(crate) time: Duration,
}

/// How heavy an item is in a [`Batch`]; closures are made one by [`Batch::max_weight`].
pub trait Weigh<T>: Send + Sync {
    /// The weight, in the unit that the batch's limit is given in. It is asked once for each item.
    fn weigh(&self, item: &T) -> usize;
}

/// Items without weight: only count and time limit the batch.
impl<T> Weigh<T> for () {
    fn weigh(&self, _: &T) -> usize {
        0
    }
}

/// Items weighed by a closure, see [`Batch::max_weight`].
#[derive(Clone, Copy)]
pub struct Weight<F>(F);

impl<F> fmt::Debug for Weight<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Weight")
    }
}

impl<T, F: Fn(&T) -> usize + Send + Sync> Weigh<T> for Weight<F> {
    fn weigh(&self, item: &T) -> usize {
        (self.0)(item)
    }
}

/// A batch as it fills.
#[derive(Debug)]
pub struct Filling<T> {
    items: Vec<T>,
    weight: usize,
}

impl<T> Filling<T> {
    pub(crate) const fn new() -> Self {
        Self { items: Vec::new(), weight: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// Adds an item; gives back the batch before it, if the item no longer fits, or with it, if it
    /// is full.
    #[inline]
    pub(crate) fn add<W>(&mut self, policy: &Batch<W>, weight: usize, item: T) -> Option<Vec<T>> {
        let overweight =
            !self.items.is_empty() && self.weight.saturating_add(weight) > policy.weight;
        let before = if overweight { self.take() } else { None };
        if self.items.capacity() == 0 {
            // Small batches get their room at once; huge ones grow as they fill.
            self.items.reserve(policy.count.min(1_024));
        }
        self.items.push(item);
        self.weight = self.weight.saturating_add(weight);
        if before.is_none() && self.items.len() >= policy.count { self.take() } else { before }
    }

    /// What is there, if anything.
    pub(crate) fn take(&mut self) -> Option<Vec<T>> {
        self.weight = 0;
        if self.items.is_empty() { None } else { Some(std::mem::take(&mut self.items)) }
    }
}
