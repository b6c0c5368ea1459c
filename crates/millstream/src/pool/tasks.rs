//! `TaskPool`: the same limits, results and ends as [`Pool`](super::Pool) has, for futures on
//! tokio.
//!
//! The line of jobs, the groups and the numbers are those of the pool of threads; what runs the
//! jobs is in `tasks/driver`.

use std::fmt;

mod builder;
mod core;
mod driver;
mod flight;
mod forward;
mod group;
mod home;
mod job;
mod map;
mod state;
mod submit;
mod unordered;

pub use builder::TaskBuilder;
pub use group::TaskGroup;
pub use map::TaskMap;
pub use unordered::TaskUnordered;

use super::{DrainTimeout, PoolStats};
use crate::context::{Cause, Context, OnCancel};
use crate::snapshot::Snapshot;

/// Runs futures, up to N at a time, without a thread or a task for each.
///
/// The sibling of [`Pool`](super::Pool) for jobs that wait for others: a request, a timer, a lock.
/// A job is a future that returns a value ([`spawn`](Self::spawn)) or a `Result`
/// ([`submit`](Self::submit)), and its submission a [`JobHandle`](super::JobHandle) which can be
/// awaited for that; a panic is an error with the job's name and the place, and does not concern
/// the others. Jobs that belong together are a [`TaskGroup`].
///
/// **Drivers.** Jobs are polled by a few tasks of the runtime, one for each of its threads, which
/// belong to the pool. So a job must not block, nor compute for long: the other jobs of its driver,
/// up to all of them, wait meanwhile. What computes belongs on a [`Pool`](super::Pool). A job is
/// polled when it was woken; a driver polls at most 256 times before it lets the runtime's other
/// tasks run, and ends its turn earlier when tokio's budget for one task is used up. Memory for the
/// most jobs that ran at a time is kept while any runs.
///
/// **The end.** [`close`](Self::close) lets no more jobs in, [`drain`](Self::drain) waits for those
/// that are there, up to a deadline, [`abort`](Self::abort) cancels them: as with the pool of
/// threads, jobs that run are asked to end and are not ended. Dropping a pool cannot wait. It ends
/// the jobs as well: those that have not started never will, and those that run are dropped at the
/// await where they are, soon but not before the drop returns; their handles say
/// [`JobError::Cancelled`](super::JobError::Cancelled). The same happens when the runtime ends. So
/// `drain` before the drop what is to be completed.
///
/// A job that awaits the handle of another job of its pool keeps its place meanwhile; if all that
/// run do so for jobs that have not started, they wait forever. A job that submits does not: see
/// [`TaskGroup::submit`].
///
/// To do a step of a pipeline with futures take [`map_async`](crate::Pipeline::map_async); for a
/// few named tasks that succeed or fail together, a [`task_scope`](crate::task_scope).
///
/// # Cost
/// See [`TaskGroup::submit`]. A pool at rest uses no processor time.
///
/// # Examples
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use millstream::{Context, TaskPool};
///
/// let ctx = Context::new();
/// let pool = TaskPool::new(&ctx, 50_000);
///
/// // One job, and the way to its result.
/// let job = pool.submit(&ctx, async { "12".parse::<i32>() }).await?;
/// assert_eq!(job.await?, 12);
///
/// // Many, in order.
/// let mut squares = pool.map(&ctx, 1..=3, async |n| n * n);
/// let mut sum = 0;
/// while let Some(square) = squares.next().await {
///     sum += square?;
/// }
/// assert_eq!(sum, 14);
/// pool.drain(&ctx).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TaskPool {
    all: TaskGroup,
    /// Cancelling the pool's context aborts it.
    _aborts: OnCancel,
}

impl TaskPool {
    /// A pool that runs up to `limit` jobs at a time, at least one, with everything else as the
    /// [builder](Self::builder) has it.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn new(ctx: &Context, limit: usize) -> Self {
        Self::builder(limit).build(ctx)
    }

    /// The options of a pool that runs up to `limit` jobs at a time, at least one.
    pub fn builder(limit: usize) -> TaskBuilder {
        TaskBuilder::new(limit)
    }

    /// A group of jobs, to be waited for and cancelled by itself; it is cancelled with `ctx`, and
    /// with the pool.
    pub fn group(&self, ctx: &Context) -> TaskGroup {
        self.all.below(ctx, usize::MAX)
    }

    /// A group of which at most `limit` jobs run at a time, and at least one; the others let jobs
    /// of other groups pass.
    ///
    /// Its own line is as long as the pool's queue: beyond that a submission waits.
    ///
    /// # Examples
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    /// use millstream::{Context, TaskPool};
    ///
    /// static RUNNING: AtomicUsize = AtomicUsize::new(0);
    ///
    /// let ctx = Context::new();
    /// let pool = TaskPool::new(&ctx, 100);
    /// let one_at_a_time = pool.sub_pool(&ctx, 1);
    /// for _ in 0..100 {
    ///     let job = one_at_a_time.spawn(&ctx, async {
    ///         assert_eq!(RUNNING.fetch_add(1, Ordering::SeqCst), 0);
    ///         tokio::task::yield_now().await;
    ///         RUNNING.fetch_sub(1, Ordering::SeqCst);
    ///     });
    ///     job.await?.detach();
    /// }
    /// one_at_a_time.wait(&ctx).await?;
    /// assert_eq!(pool.stats().done, 100);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sub_pool(&self, ctx: &Context, limit: usize) -> TaskGroup {
        self.all.below(ctx, limit.max(1))
    }

    /// Sets how many jobs may run at a time, at least one; those that are too many come to their
    /// end first.
    ///
    /// # Examples
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use millstream::{Context, TaskPool};
    ///
    /// let pool = TaskPool::builder(1).queue(0).build(&Context::new());
    /// pool.resize(3);
    /// let taken = (0..9).filter(|_| pool.try_spawn(async {}).is_ok()).count();
    /// assert_eq!(taken, 3);
    /// # });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn resize(&self, limit: usize) {
        self.all.core.change(|state, _| state.limits.most = limit.max(1));
    }

    /// Lets no more jobs in; those that were taken are run.
    ///
    /// # Examples
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use millstream::{Context, TaskPool, pool::SubmitError};
    ///
    /// let ctx = Context::new();
    /// let pool = TaskPool::new(&ctx, 1);
    /// pool.close();
    /// let refused = pool.submit(&ctx, async { Ok::<_, ()>("work") }).await.unwrap_err();
    /// assert!(matches!(refused, SubmitError::Closed(..)));
    /// assert_eq!(refused.into_job().await, Ok("work"));
    /// # });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close(&self) {
        self.all.core.change(|state, _| state.close(&Cause::finished()));
    }

    /// Closes the pool, and cancels: what has not started never will, and its
    /// [context](TaskGroup::context) is cancelled with this cause, for jobs that look at it.
    ///
    /// # Examples
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use millstream::{Context, TaskPool};
    ///
    /// let ctx = Context::new();
    /// let pool = TaskPool::new(&ctx, 1);
    /// let own = pool.context().clone();
    /// let runs = pool.submit(&ctx, async move { Err::<(), _>(own.cancelled().await) }).await.unwrap();
    /// let waits = pool.submit(&ctx, async { "7".parse::<u8>() }).await?;
    /// tokio::task::yield_now().await;
    /// pool.abort("the disk is full");
    /// assert!(runs.await.unwrap_err().is_failed());
    /// assert!(waits.await.unwrap_err().is_cancelled());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn abort(&self, cause: impl Into<Cause>) {
        self.all.core.about.ctx.cancel(cause);
    }

    /// Closes the pool and waits until all jobs, and the pool's own tasks, have finished. When
    /// `ctx` is cancelled or its deadline passes before, the pool is aborted with that cause, and
    /// what did not end is returned.
    ///
    /// # Errors
    /// The cause, how many jobs never began, and how many were running. They go on until the pool
    /// is dropped.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the pool closed.
    ///
    /// # Examples
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use std::time::Duration;
    /// use millstream::{Context, TaskPool};
    ///
    /// let ctx = Context::new();
    /// let pool = TaskPool::new(&ctx, 2);
    /// let job = pool.submit(&ctx, async { "12".parse::<i32>() }).await?;
    /// pool.drain(&ctx.with_timeout(Duration::from_secs(30))).await?;
    /// assert!(job.is_finished());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn drain(&self, ctx: &Context) -> Result<(), DrainTimeout> {
        self.close();
        let Err(cause) = self.all.wait(ctx).await else { return Ok(()) };
        // Those that run are counted first: the abort may be what ends them.
        let (before, running) = {
            let state = self.all.core.state.lock();
            (state.cancelled, state.busy)
        };
        self.abort(cause.clone());
        let cancelled = self.all.core.state.lock().cancelled - before;
        Err(DrainTimeout { cause, cancelled, running })
    }

    /// The pool's numbers now; its workers are the drivers.
    ///
    /// # Examples
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use millstream::{Context, TaskPool};
    ///
    /// let ctx = Context::new();
    /// let pool = TaskPool::new(&ctx, 4);
    /// for text in ["1", "2", "three"] {
    ///     pool.submit(&ctx, async move { text.parse::<u8>() }).await?.detach();
    /// }
    /// pool.wait(&ctx).await?;
    /// let stats = pool.stats();
    /// assert_eq!((stats.submitted, stats.done, stats.failed, stats.running), (3, 2, 1, 0));
    /// assert!(stats.balances());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stats(&self) -> PoolStats {
        let mut stats = {
            let state = self.all.core.state.lock();
            let (workers, most_workers) = state.drivers();
            PoolStats { workers, most_workers, ..state.stats(0) }
        };
        stats.set_ended(&self.all.core.counter_set.totals());
        stats
    }

    /// What goes on now, for a console: as [`Pool::snapshot`](crate::Pool::snapshot).
    pub fn snapshot(&self) -> Snapshot {
        let bound = self.all.core.state.lock().limits.queue;
        self.stats().snapshot(&self.all.core.about.name, bound, &self.all.core.counter_set.totals())
    }
}

impl Drop for TaskPool {
    fn drop(&mut self) {
        self.all.core.about.ctx.cancel(Cause::dropped());
        self.all.core.change(|state, _| state.dropped = true);
    }
}

impl fmt::Debug for TaskPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskPool")
            .field("name", &self.all.core.about.name)
            .field("stats", &self.stats())
            .finish()
    }
}

/// A group below another one, joined to a context of its own.
impl TaskGroup {
    fn below(&self, ctx: &Context, limit: usize) -> Self {
        let core = std::sync::Arc::downgrade(&self.core);
        let group = super::group_state::GroupState::joined(
            &self.core.about.ctx,
            ctx,
            limit,
            move |group, cause| {
                if let Some(core) = core.upgrade() {
                    core.sweep(Some(group), cause);
                }
            },
        );
        Self { group: Some(group), ..self.clone() }
    }
}
