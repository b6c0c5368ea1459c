//! `Pool`: threads that run jobs, as many as it takes, between a least and a most.
//!
//! How a pool decides is described in `pool/README.md`, beside the code.

use std::fmt;
use std::sync::Arc;

mod about;
mod acquire;
mod builder;
mod core;
mod counters;
mod forward;
mod group;
mod group_state;
mod handle;
mod here;
mod idle;
mod injector;
mod job;
mod job_error;
mod job_length;
mod job_queue;
mod local_queue;
mod map;
#[cfg(all(test, loom))]
mod models;
mod nested;
mod outcome;
mod place;
mod state;
mod stats;
mod submit;
mod submit_error;
#[cfg(feature = "tokio")]
mod tasks;
mod unordered;
mod wait_idle;
mod waits;
mod work_loop;
mod worker;

pub use builder::Builder;
pub use group::Group;
pub use handle::JobHandle;
pub use job_error::JobError;
pub use map::Map;
pub use nested::Nested;
pub use stats::PoolStats;
pub use submit_error::{Refused, SubmitError, TrySubmitError};
#[cfg(feature = "tokio")]
pub use tasks::{TaskBuilder, TaskGroup, TaskMap, TaskPool, TaskUnordered};
pub use unordered::Unordered;
pub use worker::Worker;

use crate::context::{Cause, Context, OnCancel};
use crate::pipeline::Workers;
use crate::scope::{Running, SpawnError};
use crate::snapshot::Snapshot;

/// Threads that run jobs: a fixed number, or as many as it takes between a least and a most.
///
/// A job returns a value ([`spawn`](Self::spawn)) or a `Result` ([`submit`](Self::submit)), and its
/// submission a [`JobHandle`] with which that can be had; a panic is an error with the job's name
/// and the place. Jobs that belong together are a [`Group`].
///
/// **Workers.** The least are started at once and stay. When a job finds nobody free, the pool
/// looks at it 200 microseconds later: if jobs still wait, will not be started within a
/// millisecond, and the cores are not in use by the pool's workers already, it starts as many
/// workers as there are, and looks again; so a burst has many within a millisecond, small jobs that
/// come fast have few, and work that only computes has as many workers as cores (on Linux:
/// elsewhere no system says which workers compute). A range up to `usize::MAX` costs nothing by
/// itself; a thread that the system refuses ends the growth. Workers above the least leave when
/// they have been idle for the [idle time](Builder::idle_timeout), or when for 50 milliseconds more
/// of them compute than there are cores.
///
/// **The end.** [`close`](Self::close) lets no more jobs in, [`drain`](Self::drain) waits for those
/// that are there, up to a deadline, [`abort`](Self::abort) cancels them. Dropping a pool closes
/// it, waits until all jobs have finished, and joins the threads; while the thread that drops it
/// panics, it is aborted first. A job that drops its own pool does not wait.
///
/// **In async code** that wait blocks the runtime's thread, as does every method without `async`
/// that waits. If a job needs that thread (it blocks on a task, a channel or a timer of a
/// current-thread runtime) both wait forever, and nobody can see it: `wait_async` first, or `drain`
/// the pool on a thread of its own (`spawn_blocking`).
///
/// To hand items through steps in order, take a [`Pipeline`](crate::Pipeline); for a few named
/// threads that may borrow, a [`scope`](crate::scope()).
///
/// # Cost
/// See [`Group::submit`]. A pool at rest uses no processor time.
///
/// # Examples
/// ```
/// use millstream::{Context, Pool};
///
/// let ctx = Context::new();
/// let pool = Pool::new(&ctx, 1..=8)?;
///
/// // One job, and the way to its result.
/// let job = pool.submit(&ctx, || "12".parse::<i32>())?;
/// assert_eq!(job.join()?, 12);
///
/// // Many, in order.
/// let squares: Result<Vec<i32>, _> = pool.map(&ctx, 1..=3, |n| n * n).collect();
/// assert_eq!(squares?, [1, 4, 9]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Pool<S: 'static = ()> {
    all: Group<S>,
    /// Cancelling the pool's context aborts it.
    _aborts: OnCancel,
}

impl Pool {
    /// A pool with `workers` workers, a number or a range, with everything else as the
    /// [builder](Self::builder) has it.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn new(ctx: &Context, workers: impl Into<Workers>) -> Result<Self, SpawnError> {
        Self::builder().workers(workers).build(ctx)
    }

    /// Chooses how a pool is to be.
    pub fn builder() -> Builder {
        Builder::new()
    }
}

impl<S: 'static> Pool<S> {
    /// A group of jobs, to be waited for and cancelled by itself; it is cancelled with `ctx`, and
    /// with the pool.
    pub fn group(&self, ctx: &Context) -> Group<S> {
        self.all.below(ctx, usize::MAX)
    }

    /// A group of which at most `limit` jobs run at a time, and at least one; the others let jobs
    /// of other groups pass.
    ///
    /// Its own line is as long as the pool's queue: beyond that a submission waits.
    ///
    /// # Examples
    /// ```
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    /// use millstream::{Context, Pool};
    ///
    /// static RUNNING: AtomicUsize = AtomicUsize::new(0);
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::new(&ctx, 4)?;
    /// let one_at_a_time = pool.sub_pool(&ctx, 1);
    /// for _ in 0..100 {
    ///     let job = one_at_a_time.spawn(&ctx, || {
    ///         assert_eq!(RUNNING.fetch_add(1, Ordering::SeqCst), 0);
    ///         RUNNING.fetch_sub(1, Ordering::SeqCst);
    ///     })?;
    ///     job.detach();
    /// }
    /// one_at_a_time.wait(&ctx)?;
    /// assert_eq!(pool.stats().done, 100);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sub_pool(&self, ctx: &Context, limit: usize) -> Group<S> {
        self.all.below(ctx, limit.max(1))
    }

    /// Sets how many workers there are to be: missing ones start, those that are too many leave
    /// after their job.
    ///
    /// # Errors
    /// When the system refuses a thread; the pool goes on with those that it has, and tries again
    /// when a job finds nobody free, once a second at most. When a process can never have that
    /// number of threads, nothing is changed.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pool};
    ///
    /// let pool = Pool::new(&Context::new(), 1)?;
    /// pool.resize(4..=8)?;
    /// assert_eq!(pool.stats().workers, 4);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn resize(&self, workers: impl Into<Workers>) -> Result<(), SpawnError> {
        let Workers { least, most } = workers.into();
        self.all.core.check_threads(least)?;
        let missing = self.all.core.change(|state, effects| {
            state.resize(least, most, effects);
            std::mem::take(&mut effects.start)
        });
        self.all.core.start(missing)
    }

    /// Lets no more jobs in; those that were taken are run.
    pub fn close(&self) {
        self.all.core.close(&Cause::finished());
    }

    /// Closes the pool, and cancels: what has not started never will, and the
    /// [context](Worker::context) of what runs is cancelled with this cause.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pool};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::new(&ctx, 1)?;
    /// let (sender, receiver) = std::sync::mpsc::channel();
    /// let runs = pool.submit_with(&ctx, move |worker| {
    ///     sender.send("started").ok();
    ///     Err::<(), _>(worker.context().wait())
    /// })?;
    /// let waits = pool.submit(&ctx, || "7".parse::<u8>())?;
    /// receiver.recv()?;
    /// pool.abort("the disk is full");
    /// assert!(runs.join().unwrap_err().is_failed());
    /// assert!(waits.join().unwrap_err().is_cancelled());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn abort(&self, cause: impl Into<Cause>) {
        self.all.core.about.ctx.cancel(cause);
    }

    /// Closes the pool and waits until all jobs have finished. When `ctx` is cancelled or its
    /// deadline passes before, the pool is aborted with that cause, and what did not end is
    /// returned.
    ///
    /// # Errors
    /// The cause, how many jobs never began, and the workers that were still busy. They end when
    /// their jobs do: dropping the pool waits for that.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use millstream::{Context, Pool};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::new(&ctx, 2)?;
    /// let job = pool.submit(&ctx, || "12".parse::<i32>())?;
    /// pool.drain(&ctx.with_timeout(Duration::from_secs(30)))?;
    /// assert!(job.is_finished());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drain(&self, ctx: &Context) -> Result<(), DrainTimeout> {
        self.close();
        let Err(cause) = self.all.wait(ctx) else { return Ok(()) };
        // Those that run are counted first: the abort may be what ends them.
        let (before, running) = {
            let state = self.all.core.lock();
            (state.cancelled, state.busy)
        };
        self.abort(cause.clone());
        let cancelled = self.all.core.lock().cancelled - before;
        Err(DrainTimeout { cause, cancelled, running })
    }

    /// The pool's numbers now.
    pub fn stats(&self) -> PoolStats {
        let mut stats = {
            let state = self.all.core.lock();
            PoolStats {
                workers: state.workers,
                most_workers: state.most_workers,
                ..state.stats(state.count_local())
            }
        };
        stats.set_ended(&self.all.core.counter_set.totals());
        stats
    }

    /// What goes on now, for a console: the jobs' waits and runs as two stages, and the queue
    /// between them.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pool};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::builder().workers(2).queue(64).named("mill").build(&ctx)?;
    /// pool.submit(&ctx, || Ok::<_, std::num::ParseIntError>(1))?.join()?;
    /// let now = pool.snapshot();
    /// let accounts: Vec<_> = now.stages.iter().map(|stage| (stage.account.name.as_str(), stage.account.left)).collect();
    /// assert_eq!(accounts, [("submit", 1), ("mill", 1)]);
    /// assert_eq!(now.edges[0].queue.unwrap().bound, Some(64));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn snapshot(&self) -> Snapshot {
        let bound = self.all.core.lock().limits.queue;
        self.stats().snapshot(&self.all.core.about.name, bound, &self.all.core.counter_set.totals())
    }

    /// The workers that live, by the names of their threads, the oldest first.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pool};
    ///
    /// let pool = Pool::builder().workers(1).named("mill").build(&Context::new())?;
    /// assert_eq!(pool.workers()[0].name(), "mill worker 1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn workers(&self) -> Vec<Running> {
        self.all.core.workers()
    }
}

impl<S> Drop for Pool<S> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.abort(Cause::dropped());
        }
        self.close();
        // The thread of a job cannot join itself; it ends with the job, as the others do.
        if !here::is_of(self.all.core.about.id) {
            self.all.core.join();
        }
    }
}

impl<S> fmt::Debug for Pool<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("name", &self.all.core.about.name)
            .field("stats", &self.stats())
            .finish()
    }
}

/// What a [drain](Pool::drain) left when its time was over.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use millstream::{Context, Pool};
///
/// let ctx = Context::new();
/// let pool = Pool::new(&ctx, 1)?;
/// let job = pool.submit_with(&ctx, |worker| Err::<(), _>(worker.context().wait()))?;
/// let left = pool.drain(&ctx.with_timeout(Duration::from_millis(1))).unwrap_err();
/// assert!(left.to_string().starts_with("the pool was not empty in time (the deadline has passed)"), "{left}");
/// # job.detach();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DrainTimeout {
    /// Why the wait ended.
    pub cause: Cause,
    /// Jobs that had not started and were cancelled.
    pub cancelled: u64,
    /// Jobs that were running.
    pub running: usize,
}

impl fmt::Display for DrainTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cause, cancelled, running } = self;
        write!(
            f,
            "the pool was not empty in time ({cause}): {cancelled} jobs were cancelled, {running} were still running"
        )
    }
}

impl std::error::Error for DrainTimeout {}

/// A group below another one, joined to a context of its own.
impl<S: 'static> Group<S> {
    fn below(&self, ctx: &Context, limit: usize) -> Self {
        let core = Arc::downgrade(&self.core);
        let group = group_state::GroupState::joined(
            &self.core.about.ctx,
            ctx,
            limit,
            move |group, cause| {
                if let Some(core) = core.upgrade() {
                    core.sweep(Some(group), cause);
                }
            },
        );
        Self {
            core: Arc::clone(&self.core),
            group: Some(group),
            weight: self.weight,
            name: self.name.clone(),
        }
    }
}
