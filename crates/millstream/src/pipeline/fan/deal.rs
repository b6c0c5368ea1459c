//! Which branch an item goes to, and what becomes of a branch that fails.

use std::hash::{BuildHasher, Hash, RandomState};

use super::queues::Part;

/// How [`Pipeline::fan_out`](crate::Pipeline::fan_out) deals items to branches.
///
/// | way | an item goes to | order |
/// |---|---|---|
/// | [`shared`](Self::shared) | one branch, whichever is free | of each branch: the order of the input, but for items taken over |
/// | [`broadcast`](Self::broadcast) | every branch, as a clone; what is in an `Arc` is not copied | of each branch: the order of the input |
/// | [`by_key`](Self::by_key) | always the same branch for the same key | of each key: the order of the input |
///
/// A branch that **fails** ends the run, unless [`drop_failed`](Self::drop_failed) was said. A
/// branch that **falls behind** holds the input back, and with it the others. Where there is no
/// branch left, the run fails. What a dropped branch should have had counts as skipped, what it had
/// started as cancelled in its own report. A key or a `clone` that panics ends the run; the chunk
/// that was being dealt counts as failed.
///
/// **Slow items.** Ten items of 100 ms on `shared(4)` take 300 ms: a branch takes one item at a
/// time until the cost of an item is known in this run, then as many as are worth handing over
/// (about a millisecond of work of cheap items, 100 microseconds of slow ones). What it has taken
/// and not started is taken over by a branch that has nothing else. A `take` right behind the fan
/// lets branches of one queue start no more items than it wants and branches are.
///
/// A **slow consumer** holds everything back: of each branch no more than 256 results, or four
/// pieces of 32 KiB where that is more, wait for it, whatever comes of an item.
///
/// # Examples
/// ```
/// use millstream::{Context, FanOut, Pipeline};
///
/// // Words of one length meet in one branch, so each branch can count them by itself.
/// let words = ["a", "to", "b", "by"];
/// let counted = Pipeline::from_iter(words)
///     .fan_out(FanOut::by_key(2, |word: &&str| word.len()), |branch| {
///         branch.map_with(Vec::new, |seen, word| { seen.push(word); seen.iter().filter(|other| other.len() == word.len()).count() })
///     })
///     .in_order()
///     .collect(&Context::new())?;
/// assert_eq!(counted, [1, 1, 2, 2]);
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FanOut<D> {
    pub(super) branches: usize,
    pub(super) deal: D,
    pub(super) room: Option<usize>,
    pub(super) drops_failed: bool,
}

impl FanOut<Shared> {
    /// Each item to one branch, whichever is free. A count of 0 is 1.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, FanOut, Pipeline};
    /// let squares = Pipeline::from_iter(1..=4).fan_out(FanOut::shared(2), |branch| branch.map(|n| n * n));
    /// let mut squares = squares.collect(&Context::new())?;
    /// squares.sort_unstable();
    /// assert_eq!(squares, [1, 4, 9, 16]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    #[must_use]
    pub fn shared(branches: usize) -> Self {
        Self::new(branches, Shared)
    }
}

impl FanOut<Broadcast> {
    /// Each item to every branch.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    /// use millstream::{Context, FanOut, Pipeline};
    /// let text = Arc::new(String::from("one text, read by two"));
    /// let lengths = Pipeline::from_iter([Arc::clone(&text)])
    ///     .fan_out(FanOut::broadcast(2), |branch| branch.map(|text| text.len()))
    ///     .collect(&Context::new())?;
    /// assert_eq!(lengths, [21, 21]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    #[must_use]
    pub fn broadcast(branches: usize) -> Self {
        Self::new(branches, Broadcast)
    }
}

impl<K> FanOut<ByKey<K>> {
    /// Each item to the branch of its key: all items of a key to one branch, in their order.
    ///
    /// Which key goes to which branch is another in each run.
    #[must_use]
    pub fn by_key(branches: usize, key: K) -> Self {
        Self::new(branches, ByKey { key, hasher: RandomState::new() })
    }
}

impl<D> FanOut<D> {
    fn new(branches: usize, deal: D) -> Self {
        Self { branches: branches.max(1), deal, room: None, drops_failed: false }
    }

    /// Sets how many items may wait for each branch; without it, as many as make four chunks of 32
    /// KiB by `size_of`. What a branch has taken, and results, are not counted: see [`FanOut`].
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, FanOut, Pipeline};
    /// // Large items: no more than two wait for a branch.
    /// let frames = (0..10_u8).map(|n| vec![n; 1 << 16]);
    /// let sums = Pipeline::from_iter(frames)
    ///     .fan_out(FanOut::shared(2).buffer(2), |branch| branch.map(|frame| frame.into_iter().map(u64::from).sum::<u64>()))
    ///     .in_order()
    ///     .collect(&Context::new())?;
    /// assert_eq!(sums[9], 9 << 16);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    #[must_use]
    pub fn buffer(mut self, items: usize) -> Self {
        self.room = Some(items.max(1));
        self
    }

    /// A branch that fails or panics is dropped and counted; the others go on. When all have
    /// failed, the run fails.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, FanOut, Pipeline};
    /// let report = Pipeline::from_iter(0..100)
    ///     .fan_out(FanOut::broadcast(2).drop_failed(), |branch| {
    ///         let number = branch.number();
    ///         branch.map(move |n| if number == 1 && n == 50 { panic!("no") } else { n })
    ///     })
    ///     .for_each(&Context::new(), |_| ())?;
    /// assert!(report.branches[1].dropped.as_deref().unwrap().ends_with("no"));
    /// assert_eq!(report.branches[0].report.totals().left, 100);
    /// assert!(report.balances());
    /// # Ok::<(), millstream::Error>(())
    /// ```
    #[must_use]
    pub fn drop_failed(mut self) -> Self {
        self.drops_failed = true;
        self
    }
}

/// See [`FanOut::shared`].
#[derive(Clone, Copy, Debug)]
pub struct Shared;

/// See [`FanOut::broadcast`].
#[derive(Clone, Copy, Debug)]
pub struct Broadcast;

/// See [`FanOut::by_key`].
#[derive(Clone, Debug)]
pub struct ByKey<K> {
    key: K,
    hasher: RandomState,
}

/// A way to deal the items of a chunk.
pub trait Deal<T>: Send {
    /// Whether one queue is for all branches.
    const SHARED: bool = false;

    /// What each branch gets of the chunk. `Parts` has one for each branch, or the only one where
    /// the queue is shared.
    fn deal(&mut self, chunk: Vec<T>, parts: &mut Parts<T>);
}

/// The parts of one chunk, branch by branch.
#[derive(Debug)]
pub struct Parts<T> {
    pub(super) of: Vec<Part<T>>,
    /// Branches that take nothing any more.
    pub(super) gone: Vec<bool>,
    /// Whether it must be known where in the chunk each item was.
    pub(super) places: bool,
}

impl<T> Deal<T> for Shared {
    const SHARED: bool = true;

    fn deal(&mut self, chunk: Vec<T>, parts: &mut Parts<T>) {
        parts.of[0].items = chunk;
    }
}

impl<T: Clone + Send> Deal<T> for Broadcast {
    fn deal(&mut self, chunk: Vec<T>, parts: &mut Parts<T>) {
        let mut takers =
            parts.of.iter_mut().zip(&parts.gone).filter(|(_, gone)| !**gone).map(|(part, _)| part);
        // The first one gets the chunk itself: with one branch nothing is cloned.
        let Some(first) = takers.next() else {
            parts.of[0].items = chunk;
            return;
        };
        for part in takers {
            part.items.clone_from(&chunk);
        }
        first.items = chunk;
    }
}

impl<T, Q, K> Deal<T> for ByKey<K>
where
    Q: Hash,
    K: Fn(&T) -> Q + Send,
{
    fn deal(&mut self, chunk: Vec<T>, parts: &mut Parts<T>) {
        let branches = parts.of.len() as u64;
        let each = chunk.len().div_ceil(parts.of.len());
        for part in &mut parts.of {
            // Some keys are more frequent than others.
            part.items.reserve(each + each / 4);
            part.places.reserve(if parts.places { each + each / 4 } else { 0 });
        }
        for (place, item) in (0..).zip(chunk) {
            let hash = self.hasher.hash_one((self.key)(&item));
            // The upper half of the hash, by multiplication instead of a division.
            let branch = ((u128::from(hash) * u128::from(branches)) >> 64) as usize;
            let part = &mut parts.of[branch];
            part.items.push(item);
            if parts.places {
                part.places.push(place);
            }
        }
    }
}
