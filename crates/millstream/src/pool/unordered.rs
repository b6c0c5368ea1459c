//! `map(..).unordered()`: results as they are ready, from the same bounded window of chunks.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll};

use super::here;
use super::job::Slot;
use super::map::{Chunk, Map, Reader};
use super::{JobError, JobHandle};
use crate::context::{Cancelled, Cause};
use crate::in_flight::InFlight;
use crate::park::block_on;

impl<S, I, T, E> Map<S, I, T, E>
where
    S: 'static,
    I: Iterator<Item: Send + 'static>,
    T: Send + 'static,
    E: Send + 'static,
{
    /// The results in the order in which they are ready, instead of that of the items.
    ///
    /// A long item then holds nothing back: it comes later. All else is as with [`Map`].
    ///
    /// # Examples
    /// ```
    /// use std::collections::HashSet;
    /// use millstream::{Context, Pool};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::new(&ctx, 1..=4)?;
    /// let squares: Result<HashSet<u32>, _> = pool.map(&ctx, 1..=3, |n| n * n).unordered().collect();
    /// assert_eq!(squares?, HashSet::from([1, 4, 9]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn unordered(mut self) -> Unordered<S, I, T, E> {
        let mut unordered = Unordered::new(self.reader.take(), std::mem::take(&mut self.ready));
        self.ahead.drain(..).for_each(|(handle, count)| unordered.add(handle, count));
        unordered
    }
}

/// A chunk's job, to be cancelled or run here, and how many items it has.
type Tag<T, E> = (Arc<dyn Slot<Chunk<T, E>, Infallible>>, usize);

/// The results of [`Map::unordered`](super::Map::unordered), as they are ready.
///
/// As with [`Map`](super::Map), each worker has one chunk in hand and one waiting, and no more is
/// read; results of a chunk come together; and each item that was read has one result, also after a
/// cancellation. Dropping it cancels what has not started.
#[must_use = "nothing is read or run until a result is asked for"]
pub struct Unordered<S: 'static, I: Iterator, T, E = Infallible> {
    reader: Reader<S, I, T, E>,
    /// What is ready to be given, chunk by chunk.
    ready: VecDeque<std::vec::IntoIter<Result<T, JobError<E>>>>,
    flying: InFlight<JobHandle<Chunk<T, E>>, Tag<T, E>>,
    /// `None` once the context was found cancelled.
    cancelled: Option<Cancelled>,
}

impl<S, I, T, E> Unordered<S, I, T, E>
where
    S: 'static,
    I: Iterator<Item: Send + 'static>,
    T: Send + 'static,
    E: Send + 'static,
{
    pub(super) fn new(
        reader: Reader<S, I, T, E>,
        ready: std::vec::IntoIter<Result<T, JobError<E>>>,
    ) -> Self {
        let cancelled = Some(reader.ctx.cancelled());
        Self { reader, ready: VecDeque::from([ready]), flying: InFlight::new(), cancelled }
    }

    pub(super) fn add(&mut self, handle: JobHandle<Chunk<T, E>>, count: usize) {
        self.flying.begin((Arc::clone(&handle.slot), count), handle);
    }

    fn fill(&mut self) {
        let window = self.reader.window();
        while self.flying.len() < window {
            if let Err(cause) = self.reader.ctx.check() {
                return self.give_up(&cause);
            }
            let Some((handle, count)) = self.reader.read() else { return };
            self.add(handle, count);
        }
    }

    /// Reads no more and cancels what has not started.
    fn give_up(&mut self, cause: &Cause) {
        self.reader.items = None;
        self.cancelled = None;
        for (slot, _) in self.flying.tags() {
            slot.cancel(cause.clone());
        }
    }

    /// A job of the pool itself must not only wait: the others may all do so.
    fn help(&self) {
        if here::is_here() {
            for (slot, _) in self.flying.tags() {
                slot.run_here();
                if slot.is_finished() {
                    return;
                }
            }
        }
    }

    /// Waits until a chunk has finished, or the context is cancelled.
    fn wait(&mut self) {
        self.help();
        let Self { flying, cancelled, .. } = self;
        let ended = block_on(poll_fn(|task| {
            if let Poll::Ready(ended) = poll_chunk(flying, task) {
                return Poll::Ready(Ok(ended));
            }
            match cancelled {
                Some(cancelled) => Pin::new(cancelled).poll(task).map(Err),
                None => Poll::Pending,
            }
        }));
        match ended {
            Ok(((_, count), ended)) => self.ready.push_back(self.reader.results(ended, count)),
            Err(cause) => self.give_up(&cause),
        }
    }
}

/// The next chunk that has finished.
fn poll_chunk<F: Future, Tag>(
    flying: &mut InFlight<F, Tag>,
    task: &mut Task<'_>,
) -> Poll<(Tag, F::Output)> {
    loop {
        match flying.poll_one(task) {
            Poll::Ready(Some(ended)) => return Poll::Ready(ended),
            Poll::Ready(None) => {}
            Poll::Pending => return Poll::Pending,
        }
    }
}

impl<S, I, T, E> Iterator for Unordered<S, I, T, E>
where
    S: 'static,
    I: Iterator<Item: Send + 'static>,
    T: Send + 'static,
    E: Send + 'static,
{
    type Item = Result<T, JobError<E>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            while let Some(chunk) = self.ready.front_mut() {
                if let Some(result) = chunk.next() {
                    return Some(result);
                }
                self.ready.pop_front();
            }
            self.fill();
            if self.flying.len() == 0 {
                return None;
            }
            self.wait();
        }
    }
}

impl<S: 'static, I: Iterator, T, E> Drop for Unordered<S, I, T, E> {
    fn drop(&mut self) {
        for (slot, _) in self.flying.tags() {
            slot.cancel(Cause::dropped());
        }
    }
}

impl<S, I: Iterator, T, E> fmt::Debug for Unordered<S, I, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unordered").field("flying", &self.flying.len()).finish_non_exhaustive()
    }
}
