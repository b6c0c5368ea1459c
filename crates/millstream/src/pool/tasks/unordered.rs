//! `map(..).unordered()` of a task pool: results as they are ready, from the same bounded window of
//! jobs.

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use super::super::job::Slot;
use super::super::{JobError, JobHandle};
use super::map::{Ahead, Reader, TaskMap};
use crate::context::Cause;
use crate::in_flight::InFlight;

impl<I, T, E> TaskMap<I, T, E>
where
    I: Iterator<Item: Send + 'static>,
    T: Send + 'static,
    E: Send + 'static,
{
    /// The results in the order in which they are ready, instead of that of the items.
    ///
    /// A long job then holds nothing back: it comes later. All else is as with [`TaskMap`].
    ///
    /// # Examples
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use millstream::{Context, TaskPool};
    ///
    /// let ctx = Context::new();
    /// let pool = TaskPool::new(&ctx, 100);
    /// let mut squares = pool.map(&ctx, 1..=3, async |n| n * n).unordered();
    /// let mut sum = 0;
    /// while let Some(square) = squares.next().await {
    ///     sum += square?;
    /// }
    /// assert_eq!(sum, 14);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn unordered(mut self) -> TaskUnordered<I, T, E> {
        TaskUnordered::new(self.reader.take(), std::mem::take(&mut self.ahead))
    }
}

/// The results of [`TaskMap::unordered`](super::TaskMap::unordered), as they are ready.
///
/// Ask by [`next`](Self::next), or use it as a [`Stream`](futures_core::Stream). As with
/// [`TaskMap`](super::TaskMap), as many items are read ahead as the pool runs jobs at a time, and
/// each item that was read has one result, also after a cancellation. Dropping it cancels what has
/// not started.
#[must_use = "nothing is read or run until a result is asked for"]
pub struct TaskUnordered<I: Iterator, T, E = Infallible> {
    reader: Reader<I, T, E>,
    flying: Flying<T, E>,
}

/// Jobs on their way, each with what cancels it.
type Flying<T, E> = InFlight<JobHandle<T, E>, Arc<dyn Slot<T, E>>>;

impl<T, E> Ahead<T, E> for Flying<T, E> {
    fn count(&self) -> usize {
        self.len()
    }

    fn push(&mut self, handle: JobHandle<T, E>) {
        self.begin(Arc::clone(&handle.slot), handle);
    }

    fn cancel(&self, cause: &Cause) {
        for slot in self.tags() {
            slot.cancel(cause.clone());
        }
    }
}

impl<I, T, E> TaskUnordered<I, T, E>
where
    I: Iterator<Item: Send + 'static>,
    T: Send + 'static,
    E: Send + 'static,
{
    pub(super) fn new(
        reader: Reader<I, T, E>,
        ahead: impl IntoIterator<Item = JobHandle<T, E>>,
    ) -> Self {
        let mut flying = InFlight::new();
        ahead.into_iter().for_each(|handle| flying.push(handle));
        Self { reader, flying }
    }

    /// The next result; `None` when there are no more.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: what is ready comes with the next call.
    pub async fn next(&mut self) -> Option<Result<T, JobError<E>>> {
        poll_fn(|task| self.poll(task)).await
    }

    fn poll(&mut self, task: &mut TaskContext<'_>) -> Poll<Option<Result<T, JobError<E>>>> {
        let Self { reader, flying } = self;
        reader.fill(task, flying);
        if flying.count() == 0 {
            return if reader.enters.is_some() { Poll::Pending } else { Poll::Ready(None) };
        }
        loop {
            match flying.poll_one(task) {
                Poll::Ready(Some((_, result))) => return Poll::Ready(Some(result)),
                Poll::Ready(None) => {}
                // Those that were cancelled just now are ready.
                Poll::Pending if reader.is_given_up(task, flying) => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl<I: Iterator, T, E> Unpin for TaskUnordered<I, T, E> {}

impl<I, T, E> futures_core::Stream for TaskUnordered<I, T, E>
where
    I: Iterator<Item: Send + 'static>,
    T: Send + 'static,
    E: Send + 'static,
{
    type Item = Result<T, JobError<E>>;

    fn poll_next(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll(task)
    }
}

impl<I: Iterator, T, E> Drop for TaskUnordered<I, T, E> {
    fn drop(&mut self) {
        self.flying.cancel(&Cause::dropped());
    }
}

impl<I: Iterator, T, E> fmt::Debug for TaskUnordered<I, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskUnordered").field("flying", &self.flying.len()).finish_non_exhaustive()
    }
}
