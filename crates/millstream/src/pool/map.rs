//! `map`: results in the order of the items, from a bounded window of chunks that the pool works
//! on.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::group::Group;
use super::worker::Worker;
use super::{JobError, JobHandle};
use crate::clock::stopwatch;
use crate::context::{Cause, Context};
use crate::panics;

/// How long the work of one chunk should take: long beside what a job costs, short beside what
/// people notice.
const CHUNK: Duration = Duration::from_micros(100);
/// The most items of a chunk.
const MOST: usize = 4_096;
/// For how many workers chunks are read ahead, at most, before that number exists.
const MOST_AHEAD: usize = 512;

pub(super) type Chunk<T, E> = (Vec<Result<T, JobError<E>>>, Duration);
type Apply<S, I, T, E> = Arc<dyn Fn(&mut Worker<'_, S>, I) -> Result<T, E> + Send + Sync>;

/// Many items, one function.
impl<S: 'static> Group<S> {
    /// Results of `f` in the order of the items, while the pool works on the next ones: see
    /// [`Map`].
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pool};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::new(&ctx, 1..=4)?;
    /// let squares: Result<Vec<u32>, _> = pool.map(&ctx, 1..=3, |n| n * n).collect();
    /// assert_eq!(squares?, [1, 4, 9]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn map<I, F, T>(&self, ctx: &Context, items: I, f: F) -> Map<S, I::IntoIter, T>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(I::Item) -> T + Send + Sync + 'static,
        T: Send + 'static,
    {
        self.try_map_with(ctx, items, move |_, item| Ok(f(item)))
    }

    /// As [`map`](Self::map), with the [`Worker`] that runs it.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pool};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::builder().workers(1).state(|_| String::new()).build(&ctx)?;
    /// let lengths = pool.map_with(&ctx, 1..=3, |worker, n| {
    ///     let text: &mut String = worker.state();
    ///     text.push_str(&"x".repeat(n));
    ///     text.len()
    /// });
    /// assert_eq!(lengths.collect::<Result<Vec<_>, _>>()?, [1, 3, 6]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn map_with<I, F, T>(&self, ctx: &Context, items: I, f: F) -> Map<S, I::IntoIter, T>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(&mut Worker<'_, S>, I::Item) -> T + Send + Sync + 'static,
        T: Send + 'static,
    {
        self.try_map_with(ctx, items, move |worker, item| Ok(f(worker, item)))
    }

    /// As [`map`](Self::map), for a function that returns a `Result`.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pool};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::new(&ctx, 1..=4)?;
    /// let numbers = pool.try_map(&ctx, ["1", "2", "three"], |text| text.parse::<u32>());
    /// let parsed: Vec<bool> = numbers.map(|number| number.is_ok()).collect();
    /// assert_eq!(parsed, [true, true, false]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_map<I, F, T, E>(&self, ctx: &Context, items: I, f: F) -> Map<S, I::IntoIter, T, E>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(I::Item) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        self.try_map_with(ctx, items, move |_, item| f(item))
    }

    /// As [`try_map`](Self::try_map), with the [`Worker`] that runs it.
    pub fn try_map_with<I, F, T, E>(
        &self,
        ctx: &Context,
        items: I,
        f: F,
    ) -> Map<S, I::IntoIter, T, E>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(&mut Worker<'_, S>, I::Item) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let reader = Reader {
            group: self.clone(),
            ctx: ctx.clone(),
            items: Some(items.into_iter()),
            f: Arc::new(f),
            chunk: 1,
        };
        Map { reader, ready: Vec::new().into_iter(), ahead: VecDeque::new() }
    }
}

/// The results of [`Group::map`], in the order of the items.
///
/// An iterator. Items are read when results are asked for, on the thread that asks: enough that
/// each worker has one chunk in hand and one waiting, and no more. A chunk begins with one item and
/// grows as long as its work takes less than 100 microseconds, to 4,096 items at most; results of a
/// chunk come together. Nothing is read, and no job is submitted, before the first
/// [`next`](Iterator::next).
///
/// **Errors** are items: what `f` returned, or its panic, which does not concern the others.
///
/// **Cancellation**: once the context of the call, or the group, is cancelled, no more items are
/// read; chunks that have not started yield [`JobError::Cancelled`] for each of their items, and
/// then the iterator ends. What was not read stays in the iterator that was given, so `by_ref`
/// keeps it. A call of `f` that has started comes to its end; a long one looks at a context that it
/// knows. Dropping the `Map` cancels what has not started.
///
/// # Cost
/// A job for each chunk, which is one job in the pool's numbers; an item in it costs a few
/// nanoseconds, for the chance to panic by itself.
///
/// # Examples
/// ```
/// use millstream::{Context, Pool, pool::JobError};
///
/// let ctx = Context::new();
/// let pool = Pool::new(&ctx, 1..=4)?;
/// let halves = pool.try_map(&ctx, [4, 0, 3], |n: u32| match n {
///     0 => panic!("zero"),
///     n if n % 2 == 0 => Ok(n / 2),
///     n => Err(format!("{n} is odd")),
/// });
/// let shown: Vec<String> = halves
///     .map(|half| match half {
///         Ok(n) => n.to_string(),
///         Err(JobError::Panicked(panic)) => panic.message().to_owned(),
///         Err(other) => other.to_string(),
///     })
///     .collect();
/// assert_eq!(shown, ["2", "zero", "3 is odd"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "nothing is read or run until a result is asked for"]
pub struct Map<S: 'static, I: Iterator, T, E = Infallible> {
    pub(super) reader: Reader<S, I, T, E>,
    /// What is ready to be given.
    pub(super) ready: std::vec::IntoIter<Result<T, JobError<E>>>,
    /// Chunks on their way, in order, and how many items each has.
    pub(super) ahead: VecDeque<(JobHandle<Chunk<T, E>>, usize)>,
}

impl<S, I, T, E> Map<S, I, T, E>
where
    S: 'static,
    I: Iterator<Item: Send + 'static>,
    T: Send + 'static,
    E: Send + 'static,
{
    fn fill(&mut self) {
        let window = self.reader.window();
        while self.ahead.len() < window {
            if let Err(cause) = self.reader.ctx.check() {
                return self.give_up(&cause);
            }
            let Some(chunk) = self.reader.read() else { return };
            self.ahead.push_back(chunk);
        }
    }

    /// Reads no more and cancels what has not started.
    fn give_up(&mut self, cause: &Cause) {
        self.reader.items = None;
        for (handle, _) in &self.ahead {
            handle.cancel(cause.clone());
        }
    }

    /// Waits for the next chunk.
    fn take(&mut self) -> bool {
        let Some((handle, count)) = self.ahead.pop_front() else { return false };
        if let Err(cause) = handle.wait(&self.reader.ctx) {
            handle.cancel(cause.clone());
            self.give_up(&cause);
        }
        self.ready = self.reader.results(handle.join(), count);
        true
    }
}

/// What reads the items, in chunks, and submits the chunks; what becomes of those is the business
/// of its owner.
pub(super) struct Reader<S: 'static, I: Iterator, T, E> {
    group: Group<S>,
    pub(super) ctx: Context,
    /// `None` when no more are to be read.
    pub(super) items: Option<I>,
    f: Apply<S, I::Item, T, E>,
    chunk: usize,
}

impl<S, I, T, E> Reader<S, I, T, E>
where
    S: 'static,
    I: Iterator<Item: Send + 'static>,
    T: Send + 'static,
    E: Send + 'static,
{
    /// The same reader for another owner.
    pub(super) fn take(&mut self) -> Self {
        let Self { group, ctx, items, f, chunk } = self;
        let (group, ctx, f) = (group.clone(), ctx.clone(), Arc::clone(f));
        Self { group, ctx, items: items.take(), f, chunk: *chunk }
    }

    /// How many chunks are to be on their way.
    pub(super) fn window(&self) -> usize {
        let state = self.group.core.lock();
        // A pool without a limit has no more workers than there are chunks that wait for them.
        2 * state.limits.most.min(state.workers.max(MOST_AHEAD))
    }

    /// Reads a chunk and submits it; `None` when the items have finished.
    pub(super) fn read(&mut self) -> Option<(JobHandle<Chunk<T, E>>, usize)> {
        let items = self.items.as_mut()?;
        let chunk: Vec<I::Item> = items.take(self.chunk).collect();
        if chunk.len() < self.chunk {
            self.items = None;
        }
        if chunk.is_empty() {
            return None;
        }
        let count = chunk.len();
        let f = Arc::clone(&self.f);
        let name = self.group.name.clone();
        let job = move |worker: &mut Worker<'_, S>| work(worker, name.as_deref(), &*f, chunk);
        let handle = match self.group.spawn_with(&self.ctx, job) {
            Ok(handle) => handle,
            // Not run: its items get the cause in their turn.
            Err(refused) => {
                let cause = refused.cause().cloned().unwrap_or_else(Cause::dropped);
                self.items = None;
                JobHandle::cancelled(cause)
            }
        };
        Some((handle, count))
    }

    /// The results of a chunk of `count` items.
    pub(super) fn results(
        &mut self,
        ended: Result<Chunk<T, E>, JobError>,
        count: usize,
    ) -> std::vec::IntoIter<Result<T, JobError<E>>> {
        let results = match ended {
            Ok((results, took)) => {
                self.chunk = next_size(count, took);
                results
            }
            Err(JobError::Failed(never)) => match never {},
            Err(JobError::Panicked(panic)) => {
                (0..count).map(|_| Err(JobError::Panicked(panic.clone()))).collect()
            }
            Err(JobError::Cancelled(cause)) => {
                (0..count).map(|_| Err(JobError::Cancelled(cause.clone()))).collect()
            }
        };
        results.into_iter()
    }
}

/// The items of a chunk after one that had `count` and took this long: at most twice as many.
fn next_size(count: usize, took: Duration) -> usize {
    let one = (took.as_nanos() / count.max(1) as u128).max(1);
    let fits = usize::try_from(CHUNK.as_nanos() / one).unwrap_or(MOST);
    fits.clamp(1, 2 * count).min(MOST)
}

/// One chunk's work. A panic ends its item, not its chunk.
fn work<S, I, T, E>(
    worker: &mut Worker<'_, S>,
    name: Option<&str>,
    f: &(dyn Fn(&mut Worker<'_, S>, I) -> Result<T, E> + Send + Sync),
    chunk: Vec<I>,
) -> Chunk<T, E> {
    let name = name.unwrap_or(&worker.home().about.name);
    let begin = stopwatch();
    let results = chunk.into_iter().map(|item| match panics::catch(name, || f(worker, item)) {
        Ok(result) => result.map_err(JobError::Failed),
        Err(panic) => Err(JobError::Panicked(panic)),
    });
    let results = results.collect();
    (results, begin.elapsed())
}

impl<S, I, T, E> Iterator for Map<S, I, T, E>
where
    S: 'static,
    I: Iterator<Item: Send + 'static>,
    T: Send + 'static,
    E: Send + 'static,
{
    type Item = Result<T, JobError<E>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(result) = self.ready.next() {
                return Some(result);
            }
            self.fill();
            if !self.take() {
                return None;
            }
        }
    }
}

impl<S: 'static, I: Iterator, T, E> Drop for Map<S, I, T, E> {
    fn drop(&mut self) {
        for (handle, _) in &self.ahead {
            handle.cancel(Cause::dropped());
        }
    }
}

impl<S, I: Iterator, T, E> fmt::Debug for Map<S, I, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map")
            .field("ahead", &self.ahead.len())
            .field("chunk", &self.reader.chunk)
            .finish_non_exhaustive()
    }
}
