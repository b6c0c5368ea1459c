//! Where futures are submitted: a task pool's own group, or one that is waited for and cancelled by itself.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use super::super::line::{Desk, Entry, Refusal};
use super::super::member::Member;
use super::super::quiet::quiet;
use super::super::room::{Ended, Room};
use super::super::{JobHandle, SubmitError, TrySubmitError};
use super::TaskMap;
use super::core::Core;
use super::driver;
use super::job::{Shared, Task};
use crate::context::{Cause, Context};

/// Jobs that belong together on a [`TaskPool`](super::TaskPool): submitted through it, waited for and cancelled by themselves.
///
/// What a [`Group`](super::super::Group) is to a pool of threads. A task pool is its own first group, and dereferences to it. Clones
/// are the same group; a group that is dropped lets its jobs go on. [`weighing`](Self::weighing) and [`named`](Self::named) give
/// the same group with other words for the jobs that are submitted through what they return.
///
/// **Jobs** are futures that return a `Result`; their error is of any type. They begin in the order of their submission; a group
/// with a [limit](super::TaskPool::sub_pool) waits at its limit and lets others pass.
///
/// # Examples
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use std::convert::Infallible;
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use millstream::{Context, TaskPool};
///
/// static SUM: AtomicU32 = AtomicU32::new(0);
///
/// let ctx = Context::new();
/// let pool = TaskPool::new(&ctx, 100);
/// let mine = pool.group(&ctx);
/// for n in 1..=10 {
///     drop(mine.submit(&ctx, async move { Ok::<_, Infallible>(SUM.fetch_add(n, Ordering::Relaxed)) }).await?);
/// }
/// mine.wait(&ctx).await?;
/// assert_eq!(SUM.load(Ordering::Relaxed), 55);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct TaskGroup {
    pub(super) core: Arc<Core>,
    pub(super) member: Option<Arc<Member<Shared>>>,
    pub(super) weight: u32,
    pub(super) name: Option<Arc<str>>,
}

impl TaskGroup {
    /// Submits a job, waiting for room in the queue.
    ///
    /// There is room while fewer jobs wait than the pool's [`queue`](super::TaskBuilder::queue) says; a job that may begin at
    /// once does not wait. It begins whether or not its handle is awaited.
    ///
    /// # Errors
    /// With the job inside: the pool was closed or the group cancelled; `ctx` was cancelled before there was room. `ctx` is for
    /// the wait only. A job of the same pool is not let wait, for that could last for ever: it gets
    /// [`SubmitError::Nested`] when there is no room.
    ///
    /// # Cancel safety
    /// Dropping the future before its end drops the job, which was not taken.
    ///
    /// # Cost
    /// Two allocations, one lock, and a wake-up if all drivers sleep.
    ///
    /// # Examples
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use std::convert::Infallible;
    /// use millstream::{Context, TaskPool, pool::SubmitError};
    ///
    /// let ctx = Context::new();
    /// let pool = TaskPool::builder(1).queue(0).build(&ctx);
    /// let door = Context::new();
    /// let opened = door.clone();
    /// let busy = pool.submit(&ctx, async move { Ok::<_, Infallible>(opened.cancelled().await) }).await?;
    ///
    /// // There is no room; the wait ends with its context, and the job comes back.
    /// let soon = ctx.with_timeout(std::time::Duration::from_millis(1));
    /// let refused = pool.submit(&soon, async { Ok::<_, Infallible>(7) }).await.unwrap_err();
    /// assert!(matches!(refused, SubmitError::Cancelled(..)));
    /// assert_eq!(refused.into_job().await, Ok(7));
    ///
    /// door.cancel("open");
    /// assert_eq!(busy.await?.reason(), "open");
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn submit<F, T, E>(&self, ctx: &Context, job: F) -> Result<JobHandle<T, E>, SubmitError<F>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        if let Err(cause) = ctx.check() {
            return Err(SubmitError::Cancelled(job, cause));
        }
        let (task, entry) = self.prepare(job);
        let mut entry = Some(entry);
        let offered = self.core.with_line(|line, _| line.submit(&mut entry, 0));
        let ended = match (offered, entry) {
            (Err(Refusal::Closed(cause)), _) => Err(Ended::Closed(cause)),
            (Err(Refusal::Full), Some(_)) if driver::is_of(self.core.id) => {
                return refused(&task, SubmitError::Nested);
            }
            (Err(Refusal::Full), Some(entry)) => Room::new(Arc::clone(&self.core), ctx, entry).await,
            (Err(Refusal::Full), None) | (Ok(()), _) => Ok(()),
        };
        match ended {
            Ok(()) => Ok(JobHandle { slot: task }),
            Err(Ended::Closed(cause)) => refused(&task, |job| SubmitError::Closed(job, cause)),
            Err(Ended::Cancelled(cause)) => refused(&task, |job| SubmitError::Cancelled(job, cause)),
        }
    }

    /// Submits a job if there is room now. It may be called from any thread.
    ///
    /// # Errors
    /// With the job inside: there is no room; the pool was closed or the group cancelled.
    ///
    /// # Examples
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use std::convert::Infallible;
    /// use millstream::{Context, TaskPool};
    ///
    /// let pool = TaskPool::builder(1).queue(0).build(&Context::new());
    /// let first = pool.try_submit(async { Ok::<_, Infallible>(1) })?;
    /// let full = pool.try_submit(async { Ok::<_, Infallible>(2) }).unwrap_err();
    /// assert!(full.is_full());
    /// assert_eq!((first.await?, full.into_job().await?), (1, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_submit<F, T, E>(&self, job: F) -> Result<JobHandle<T, E>, TrySubmitError<F>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let (task, entry) = self.prepare(job);
        let mut entry = Some(entry);
        let offered = self.core.with_line(|line, _| line.submit(&mut entry, 0));
        drop(entry);
        match offered {
            Ok(()) => Ok(JobHandle { slot: task }),
            Err(Refusal::Full) => refused(&task, TrySubmitError::Full),
            Err(Refusal::Closed(cause)) => refused(&task, |job| TrySubmitError::Closed(job, cause)),
        }
    }

    /// Results of the futures that `f` makes, in the order of the items, while the pool works on the next ones: see [`TaskMap`].
    ///
    /// # Examples
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use millstream::{Context, TaskPool};
    ///
    /// let ctx = Context::new();
    /// let pool = TaskPool::new(&ctx, 100);
    /// let mut numbers = pool.map(&ctx, ["1", "2", "three"], async |text| text.parse::<u32>());
    /// let mut parsed = Vec::new();
    /// while let Some(number) = numbers.next().await {
    ///     parsed.push(number.is_ok());
    /// }
    /// assert_eq!(parsed, [true, true, false]);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn map<I, F, Fut, T, E>(&self, ctx: &Context, items: I, f: F) -> TaskMap<I::IntoIter, T, E>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(I::Item) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        TaskMap::new(self, ctx, items.into_iter(), f)
    }

    pub(super) fn prepare<F, T, E>(&self, job: F) -> (Arc<Task<F, T, E>>, Entry<Shared>)
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let task = Arc::new(Task::new(job, self.name.clone()));
        let job = Arc::clone(&task) as Shared;
        let since = self.core.sample();
        (task, Entry { job, member: self.member.clone(), weight: self.weight, since })
    }
}

impl TaskGroup {
    /// The same group, for jobs that take so many of the pool's [places](super::TaskBuilder::places); at least one.
    ///
    /// # Examples
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use std::convert::Infallible;
    /// use millstream::{Context, TaskPool};
    ///
    /// // Ten places, of memory say: the heavy job does not run beside more than three light ones.
    /// let ctx = Context::new();
    /// let pool = TaskPool::builder(100).places(10).build(&ctx);
    /// let heavy = pool.weighing(7).submit(&ctx, async { Ok::<_, Infallible>("large") }).await?;
    /// let light = pool.submit(&ctx, async { Ok::<_, Infallible>("small") }).await?;
    /// assert_eq!((heavy.await?, light.await?), ("large", "small"));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn weighing(&self, places: u32) -> Self {
        Self { weight: places.max(1), ..self.clone() }
    }

    /// The same group, for jobs of this name, which their panics tell; else they have the pool's.
    ///
    /// # Examples
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use millstream::{Context, TaskPool};
    ///
    /// let ctx = Context::new();
    /// let pool = TaskPool::new(&ctx, 1);
    /// let job = pool.named("page 7").submit(&ctx, async { if true { panic!("no page") } Ok::<_, ()>(()) }).await.unwrap();
    /// assert!(job.await.unwrap_err().into_panic().is_some_and(|panic| panic.task() == "page 7"));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn named(&self, name: impl Into<Arc<str>>) -> Self {
        Self { name: Some(name.into()), ..self.clone() }
    }

    /// Cancelled when the group is, or the pool is aborted or dropped. A job that is to end then holds a clone, and awaits
    /// [`Context::cancelled`] beside its work.
    ///
    /// # Examples
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use millstream::{Context, TaskPool};
    ///
    /// let ctx = Context::new();
    /// let pool = TaskPool::new(&ctx, 10);
    /// let group = pool.group(&ctx);
    /// let own = group.context().clone();
    /// let job = group.submit(&ctx, async move { Err::<(), _>(own.cancelled().await) }).await.unwrap();
    /// group.cancel("enough");
    /// assert!(job.await.is_err());
    /// assert!(!pool.context().is_cancelled());
    /// # });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn context(&self) -> &Context {
        self.member.as_ref().map_or(&self.core.ctx, |member| &member.ctx)
    }

    /// Cancels the group: jobs that have not begun never will, those that run find its [context](Self::context) cancelled,
    /// and no more are taken. A pool that is cancelled so is [aborted](super::TaskPool::abort).
    ///
    /// # Examples
    /// See [`context`](Self::context).
    pub fn cancel(&self, cause: impl Into<Cause>) {
        self.context().cancel(cause);
    }

    /// Waits until no job of the group waits or runs; of a pool, of all its groups.
    ///
    /// A job must not wait for a group to which it belongs: it would wait for its own end.
    ///
    /// # Errors
    /// The cause, when `ctx` is cancelled before. The jobs go on. A job that waits for its own pool gets an error at once.
    ///
    /// # Cancel safety
    /// Dropping it ends the wait.
    ///
    /// # Examples
    /// See [`TaskGroup`].
    pub async fn wait(&self, ctx: &Context) -> Result<(), Cause> {
        if self.member.is_none() && driver::is_of(self.core.id) {
            return Err(Cause::failed("a job cannot wait for the end of its own pool"));
        }
        quiet(&self.core, self.member.as_ref(), ctx).await
    }
}

fn refused<F, T, E, R, X>(task: &Task<F, T, E>, error: impl FnOnce(F) -> X) -> Result<R, X> {
    match task.take_back() {
        Some(job) => Err(error(job)),
        None => unreachable!("nobody else had it"),
    }
}

impl fmt::Debug for TaskGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup").field("pool", &self.core.name).finish_non_exhaustive()
    }
}
