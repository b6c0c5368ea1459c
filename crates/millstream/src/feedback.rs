//! `Feedback`: a source that is fed by what is made of its items, for graphs that produce their own
//! input.
//!
//! It ends exactly when nothing waits in it and nothing that came out of it is in flight. A stage
//! that feeds it holds a [`Feeder`], which is in flight as long as it lives; so a loop that has
//! something coming does not end. One whose run was ended before (a `take`, a cancel) gives back
//! what is fed to it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::future::{Future, poll_fn};
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context as Task, Poll, Waker};

use crate::context::Context;
use crate::park::block_on;
use crate::source::{Filled, Source};
use crate::sync::{Arc, Mutex};

#[cfg(all(test, loom))]
mod models;

struct State<T> {
    queue: VecDeque<T>,
    /// Edges that live.
    in_flight: usize,
    /// The source is gone: nobody takes anything any more.
    is_closed: bool,
    /// The source waits here; it is one.
    source: Option<Waker>,
}

struct Loop<T> {
    state: Mutex<State<T>>,
    limit: usize,
    newest_first: bool,
}

/// A source of items that its own pipeline adds to: pages that link to pages, directories in
/// directories, tasks that make tasks.
///
/// It yields [`InFlightItem`] items. While one lives, others can be fed by its [`Feeder`]; when it
/// is dropped, it is done. The source ends when nothing waits and nothing is in flight, and never
/// before.
///
/// **Order**: first in, first out (breadth first), or [`newest_first`](Self::newest_first).
///
/// What the run gave up (it was cancelled, or failed) stays in the source if it had not been handed
/// over, as with every [`Source`].
///
/// # Cost
/// A lock for each chunk that is taken and one for each item that is fed or done.
///
/// # Examples
/// ```
/// use std::collections::HashSet;
/// use std::sync::Mutex;
/// use millstream::{Context, Feedback, Pipeline};
///
/// // Every number leads to its half and to the one before it.
/// let seen = Mutex::new(HashSet::from([20_u32]));
/// let mut reached = Pipeline::from(Feedback::new([20_u32]))
///     .parallel(2)
///     .map(|number| {
///         for next in [*number / 2, number.saturating_sub(1)] {
///             if seen.lock().unwrap().insert(next) {
///                 number.feeder().feed(next).unwrap();
///             }
///         }
///         *number
///     })
///     .collect(&Context::new())?;
/// reached.sort_unstable();
/// assert_eq!(reached, (0..=20).collect::<Vec<_>>());
/// # Ok::<(), millstream::Error>(())
/// ```
pub struct Feedback<T>(Arc<Loop<T>>);

impl<T> Feedback<T> {
    /// A loop that begins with these items. Without any it ends at once.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Feedback, Pipeline};
    /// let none = Pipeline::from(Feedback::new(Vec::<u8>::new()));
    /// assert_eq!(none.collect(&Context::new())?.len(), 0);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    #[must_use]
    pub fn new(items: impl IntoIterator<Item = T>) -> Self {
        let state = State {
            queue: items.into_iter().collect(),
            in_flight: 0,
            is_closed: false,
            source: None,
        };
        Self(Arc::new(Loop { state: Mutex::new(state), limit: usize::MAX, newest_first: false }))
    }

    /// The maximum number of waiting items: [`Feeder::feed`] returns an item beyond it. What the
    /// loop began with is not refused, and without a limit there is none.
    ///
    /// A loop cannot hold its feeders back: they are the ones who make room. So the bound is theirs
    /// to handle: write what comes back to disk, count it, or fail.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Feedback, Pipeline};
    /// let refused = Pipeline::from(Feedback::new([1]).limit(2))
    ///     .map(|n| if *n == 1 { (0..5).filter(|_| n.feeder().feed(2).is_err()).count() } else { 0 })
    ///     .fold(&Context::new(), 0, |sum, n| sum + n)?;
    /// assert_eq!(refused, 3);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    #[must_use]
    pub fn limit(self, waiting: usize) -> Self {
        self.with(|looped| looped.limit = waiting)
    }

    /// The item that was fed last comes out first: depth first, which keeps few waiting.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Feedback, Pipeline};
    /// let order = Pipeline::from(Feedback::new([1]).newest_first())
    ///     .map(|n| { if *n < 10 { [*n * 10, *n * 10 + 1].map(|next| n.feeder().feed(next).unwrap()); } *n })
    ///     .collect(&Context::new())?;
    /// assert_eq!(order, [1, 11, 10]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    #[must_use]
    pub fn newest_first(self) -> Self {
        self.with(|looped| looped.newest_first = true)
    }

    /// Before it runs nobody else has it.
    fn with(mut self, change: impl FnOnce(&mut Loop<T>)) -> Self {
        if let Some(looped) = Arc::get_mut(&mut self.0) {
            change(looped);
        }
        self
    }
}

impl<T> fmt::Debug for Feedback<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The formatter is the caller's: it does not run under the lock.
        let (waiting, in_flight) = {
            let state = self.0.state.lock();
            (state.queue.len(), state.in_flight)
        };
        f.debug_struct("Feedback")
            .field("waiting", &waiting)
            .field("in_flight", &in_flight)
            .finish_non_exhaustive()
    }
}

impl<T> Drop for Feedback<T> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.is_closed = true;
        // Destructors of items do not run under the lock.
        let left = std::mem::take(&mut state.queue);
        drop(state);
        drop(left);
    }
}

impl<T> Loop<T> {
    /// Ready with how it goes on, after at most `max` items were moved to `out`.
    fn poll_fill(
        self: &Arc<Self>,
        out: &mut VecDeque<InFlightItem<T>>,
        max: usize,
        task: &mut Task<'_>,
    ) -> Poll<Filled> {
        let mut state = self.state.lock();
        let count = state.queue.len().min(max);
        if count > 0 {
            state.in_flight += count;
            let taken: VecDeque<T> = if self.newest_first {
                let rest = state.queue.len() - count;
                state.queue.split_off(rest)
            } else {
                state.queue.drain(..count).collect()
            };
            drop(state);
            let fed = |item| InFlightItem { item, feeder: Feeder(Arc::clone(self)) };
            if self.newest_first {
                out.extend(taken.into_iter().rev().map(fed))
            } else {
                out.extend(taken.into_iter().map(fed))
            }
            return Poll::Ready(Filled::More);
        }
        if !state.queue.is_empty() {
            // Nothing was asked for.
            return Poll::Ready(Filled::More);
        }
        if state.in_flight == 0 {
            return Poll::Ready(Filled::End);
        }
        let before = state.source.replace(task.waker().clone());
        drop(state);
        drop(before);
        Poll::Pending
    }
}

impl<T: Send> Source for Feedback<T> {
    type Item = InFlightItem<T>;
    type Error = Infallible;

    fn fill(
        &mut self,
        ctx: &Context,
        out: &mut VecDeque<InFlightItem<T>>,
        max: usize,
    ) -> Result<Filled, Infallible> {
        let mut stopped = None;
        // Depth first, the next item is known only when this one is done with.
        let max = if self.0.newest_first { 1 } else { max };
        Ok(block_on(poll_fn(|task| {
            if let Poll::Ready(filled) = self.0.poll_fill(out, max, task) {
                return Poll::Ready(filled);
            }
            let stopped = stopped.get_or_insert_with(|| ctx.cancelled());
            Pin::new(stopped).poll(task).map(|_| Filled::End)
        })))
    }
}

/// An item of a [`Feedback`], in flight until it is dropped.
pub struct InFlightItem<T> {
    item: T,
    feeder: Feeder<T>,
}

impl<T> InFlightItem<T> {
    /// What feeds the loop that this came from.
    pub fn feeder(&self) -> &Feeder<T> {
        &self.feeder
    }

    /// The item, and what keeps it in flight: for a result that travels on, and is done when it is
    /// stored.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Batch, Context, Feedback, Pipeline};
    /// use std::time::Duration;
    ///
    /// // What is fed only when a batch has been stored is waited for.
    /// let mut stored = Vec::new();
    /// Pipeline::from(Feedback::new([1_u32]))
    ///     .map(|n| { let (n, feeder) = n.into_parts(); (n * 2, feeder) })
    ///     .batch(Batch::of(10).within(Duration::from_millis(1)))
    ///     .for_each(&Context::new(), |batch| for (n, feeder) in batch {
    ///         stored.push(n);
    ///         if n < 10 { feeder.feed(n).unwrap(); }
    ///     })?;
    /// assert_eq!(stored, [2, 4, 8, 16]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn into_parts(self) -> (T, Feeder<T>) {
        (self.item, self.feeder)
    }
}

impl<T> Deref for InFlightItem<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.item
    }
}

impl<T: fmt::Debug> fmt::Debug for InFlightItem<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InFlightItem").field(&self.item).finish()
    }
}

/// Feeds a loop. While it lives, the loop does not end.
///
/// Who keeps feeders until more items come waits for a source that waits for them: a batch without
/// a time limit, `collect` of the [`InFlightItem`] items themselves, or `mem::forget`. Give the
/// batch a time limit, or drop the feeder before; a cancelled context ends such a wait.
pub struct Feeder<T>(Arc<Loop<T>>);

impl<T> Feeder<T> {
    /// Adds an item; it comes out of the source like the others.
    ///
    /// # Errors
    /// With the item inside: as many wait as the loop's [limit](Feedback::limit) says; or nobody
    /// takes anything from the loop any more, because its run was ended before it was done (a
    /// `take`, a cancel, a failure) or has finished.
    ///
    /// # Cost
    /// A lock, and a wake-up if the source waits.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Feedback, Pipeline};
    /// let all = Pipeline::from(Feedback::new([1])).take(1).collect(&Context::new())?;
    /// assert_eq!(all[0].feeder().feed(2), Err(2));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    pub fn feed(&self, item: T) -> Result<(), T> {
        let mut state = self.0.state.lock();
        if state.is_closed || state.queue.len() >= self.0.limit {
            return Err(item);
        }
        state.queue.push_back(item);
        let source = state.source.take();
        drop(state);
        if let Some(source) = source {
            source.wake();
        }
        Ok(())
    }
}

impl<T> Drop for Feeder<T> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.in_flight -= 1;
        // Only the end is news; what was fed has been announced.
        let source = if state.in_flight == 0 { state.source.take() } else { None };
        drop(state);
        if let Some(source) = source {
            source.wake();
        }
    }
}

impl<T> fmt::Debug for Feeder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feeder").finish_non_exhaustive()
    }
}
