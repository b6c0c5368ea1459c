//! `map` of a task pool: results in the order of the items, from a bounded window of jobs.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use super::super::acquire::{Acquire, Ended};
use super::super::job_queue::Entry;
use super::super::{JobError, JobHandle};
use super::core::Core;
use super::driver;
use super::group::TaskGroup;
use super::job::{Output, Plain, Returned, Shared};
use crate::context::{Cancelled, Cause, Context};

type Prepare<I, T, E> = Box<dyn Fn(I) -> (JobHandle<T, E>, Entry<Shared>) + Send>;

/// Many items, one future each.
impl TaskGroup {
    /// Results of the futures that `f` makes, in the order of the items, while the pool works on
    /// the next ones: see [`TaskMap`].
    ///
    /// # Examples
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use millstream::{Context, TaskPool};
    ///
    /// let ctx = Context::new();
    /// let pool = TaskPool::new(&ctx, 100);
    /// let mut squares = pool.map(&ctx, 1..=3, async |n| n * n);
    /// assert_eq!(squares.next().await.unwrap()?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn map<I, F, Fut, T>(&self, ctx: &Context, items: I, f: F) -> TaskMap<I::IntoIter, T>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(I::Item) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        TaskMap::new::<Plain, F, Fut>(self, ctx, items.into_iter(), f)
    }

    /// As [`map`](Self::map), for futures that return a `Result`.
    ///
    /// # Examples
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use millstream::{Context, TaskPool};
    ///
    /// let ctx = Context::new();
    /// let pool = TaskPool::new(&ctx, 100);
    /// let mut numbers = pool.try_map(&ctx, ["1", "2", "three"], async |text| text.parse::<u32>());
    /// let mut parsed = Vec::new();
    /// while let Some(number) = numbers.next().await {
    ///     parsed.push(number.is_ok());
    /// }
    /// assert_eq!(parsed, [true, true, false]);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_map<I, F, Fut, T, E>(
        &self,
        ctx: &Context,
        items: I,
        f: F,
    ) -> TaskMap<I::IntoIter, T, E>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(I::Item) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        TaskMap::new::<Returned, F, Fut>(self, ctx, items.into_iter(), f)
    }
}

/// The results of [`TaskGroup::map`], in the order of the items.
///
/// Ask by [`next`](Self::next), or use it as a [`Stream`](futures_core::Stream). Items are read
/// when results are asked for, by the caller that asks: as many ahead as the pool runs jobs at a
/// time, and no more. Nothing is read, and no job is submitted, before that.
///
/// **Errors** are items: what the future returned, or its panic or that of `f`, which do not
/// concern the others.
///
/// **Cancellation**: once the context of the call, or the group, is cancelled, no more items are
/// read; jobs that have not started yield [`JobError::Cancelled`], and then it ends. What was not
/// read stays in the iterator that was given, so `by_ref` keeps it. A future that has started comes
/// to its end; a long one looks at a context that it knows. Dropping the `TaskMap` cancels what has
/// not started.
///
/// # Cost
/// A job for each item.
///
/// # Examples
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use millstream::{Context, TaskPool, pool::JobError};
///
/// let ctx = Context::new();
/// let pool = TaskPool::new(&ctx, 100);
/// let mut halves = pool.try_map(&ctx, [4, 0, 3], async |n: u32| match n {
///     0 => panic!("zero"),
///     n if n % 2 == 0 => Ok(n / 2),
///     n => Err(format!("{n} is odd")),
/// });
/// assert_eq!(halves.next().await.unwrap().unwrap(), 2);
/// assert!(halves.next().await.unwrap().unwrap_err().is_panicked());
/// assert_eq!(halves.next().await.unwrap().unwrap_err().into_failed().unwrap(), "3 is odd");
/// assert!(halves.next().await.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "nothing is read or run until a result is asked for"]
pub struct TaskMap<I: Iterator, T, E = Infallible> {
    pub(super) reader: Reader<I, T, E>,
    /// Jobs on their way, in order.
    pub(super) ahead: VecDeque<JobHandle<T, E>>,
}

impl<I, T, E> TaskMap<I, T, E>
where
    I: Iterator<Item: Send + 'static>,
    T: Send + 'static,
    E: Send + 'static,
{
    fn new<M, F, Fut>(group: &TaskGroup, ctx: &Context, items: I, f: F) -> Self
    where
        M: Output<Fut::Output, T, E>,
        F: Fn(I::Item) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
    {
        Self { reader: Reader::new::<M, F, Fut>(group, ctx, items, f), ahead: VecDeque::new() }
    }

    /// The next result; `None` when there are no more.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: the next call waits for the same result.
    pub async fn next(&mut self) -> Option<Result<T, JobError<E>>> {
        poll_fn(|task| self.poll(task)).await
    }

    fn poll(&mut self, task: &mut TaskContext<'_>) -> Poll<Option<Result<T, JobError<E>>>> {
        let Self { reader, ahead } = self;
        reader.fill(task, ahead);
        let Some(front) = ahead.front_mut() else {
            return if reader.enters.is_some() { Poll::Pending } else { Poll::Ready(None) };
        };
        let mut polled = Pin::new(&mut *front).poll(task);
        if polled.is_pending() && reader.is_given_up(task, ahead) {
            // The front one may just have been cancelled.
            polled = ahead.front_mut().map_or(Poll::Pending, |front| Pin::new(front).poll(task));
        }
        if polled.is_ready() {
            ahead.pop_front();
        }
        polled.map(Some)
    }
}

/// Jobs on their way.
pub(super) trait Ahead<T, E> {
    fn count(&self) -> usize;
    fn push(&mut self, handle: JobHandle<T, E>);
    /// Cancels those that have not started.
    fn cancel(&self, cause: &Cause);
}

impl<T, E> Ahead<T, E> for VecDeque<JobHandle<T, E>> {
    fn count(&self) -> usize {
        self.len()
    }

    fn push(&mut self, handle: JobHandle<T, E>) {
        self.push_back(handle);
    }

    fn cancel(&self, cause: &Cause) {
        for handle in self {
            handle.cancel(cause.clone());
        }
    }
}

/// What reads the items and submits a job for each; what becomes of those is the business of its
/// owner.
pub(super) struct Reader<I: Iterator, T, E> {
    core: Arc<Core>,
    ctx: Context,
    items: Option<I>,
    /// `None` only when another owner has the reader.
    prepare: Option<Prepare<I::Item, T, E>>,
    /// The next job, which waits for room.
    pub(super) enters: Option<(Acquire<Shared, Arc<Core>>, JobHandle<T, E>)>,
    /// `None` once the context was found cancelled.
    cancelled: Option<Cancelled>,
}

impl<I, T, E> Reader<I, T, E>
where
    I: Iterator<Item: Send + 'static>,
    T: Send + 'static,
    E: Send + 'static,
{
    fn new<M, F, Fut>(group: &TaskGroup, ctx: &Context, items: I, f: F) -> Self
    where
        M: Output<Fut::Output, T, E>,
        F: Fn(I::Item) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
    {
        let core = Arc::clone(&group.core);
        let (group, f) = (group.clone(), Arc::new(f));
        let prepare: Prepare<I::Item, T, E> = Box::new(move |item| {
            let f = Arc::clone(&f);
            // Called inside of the job, so that its panic is the job's.
            let (slot, entry) = group.prepare::<M, _, T, E>(async move { f(item).await });
            (JobHandle { slot }, entry)
        });
        let (items, prepare, cancelled) = (Some(items), Some(prepare), Some(ctx.cancelled()));
        Self { core, ctx: ctx.clone(), items, prepare, enters: None, cancelled }
    }

    /// The same reader for another owner.
    pub(super) fn take(&mut self) -> Self {
        Self {
            core: Arc::clone(&self.core),
            ctx: self.ctx.clone(),
            items: self.items.take(),
            prepare: self.prepare.take(),
            enters: self.enters.take(),
            cancelled: self.cancelled.take(),
        }
    }

    /// Reads ahead until the window is full, the items end, or there is no room.
    pub(super) fn fill(&mut self, task: &mut TaskContext<'_>, ahead: &mut impl Ahead<T, E>) {
        let window = self.core.state.lock().limits.most;
        loop {
            if let Some((room, _)) = &mut self.enters {
                let entered = match Pin::new(room).poll(task) {
                    Poll::Ready(entered) => entered,
                    // Its own pool's job may wait for what it has ahead, but not for a room that
                    // others like it may hold.
                    Poll::Pending if ahead.count() == 0 && driver::is_of(self.core.about.id) => {
                        Err(Ended::Closed(Cause::failed(
                            "the pool is full, and this is a job of it",
                        )))
                    }
                    Poll::Pending => return,
                };
                self.enter(entered, ahead);
            }
            if ahead.count() >= window {
                return;
            }
            if self.ctx.is_cancelled() {
                self.items = None;
            }
            let (Some(items), Some(prepare)) = (&mut self.items, &self.prepare) else { return };
            let Some(item) = items.next() else {
                self.items = None;
                return;
            };
            let (handle, entry) = prepare(item);
            self.enters = Some((Acquire::new(Arc::clone(&self.core), &self.ctx, entry), handle));
        }
    }

    /// The job that waited was taken, or its item gets in its turn the cause why not.
    fn enter(&mut self, entered: Result<(), Ended>, ahead: &mut impl Ahead<T, E>) {
        let Some((_room, handle)) = self.enters.take() else { return };
        match entered {
            Ok(()) => ahead.push(handle),
            Err(Ended::Closed(cause) | Ended::Cancelled(cause)) => {
                ahead.push(JobHandle::cancelled(cause));
                self.items = None;
            }
        }
    }

    /// Once the context is cancelled: reads no more and cancels what has not started. True the
    /// first time.
    pub(super) fn is_given_up(
        &mut self,
        task: &mut TaskContext<'_>,
        ahead: &impl Ahead<T, E>,
    ) -> bool {
        let Some(cancelled) = &mut self.cancelled else { return false };
        let Poll::Ready(cause) = Pin::new(cancelled).poll(task) else { return false };
        self.cancelled = None;
        self.items = None;
        ahead.cancel(&cause);
        true
    }
}

impl<I: Iterator, T, E> Unpin for TaskMap<I, T, E> {}

impl<I, T, E> futures_core::Stream for TaskMap<I, T, E>
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

impl<I: Iterator, T, E> Drop for TaskMap<I, T, E> {
    fn drop(&mut self) {
        self.ahead.cancel(&Cause::dropped());
    }
}

impl<I: Iterator, T, E> fmt::Debug for TaskMap<I, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskMap").field("ahead", &self.ahead.len()).finish_non_exhaustive()
    }
}
