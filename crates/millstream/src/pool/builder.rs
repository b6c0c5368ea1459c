//! What can be chosen about a pool.

use std::fmt;
use std::time::Duration;

use super::core::{Core, Plan};
use super::group::Group;
use super::job_queue::Limits;
use super::work_loop;
use super::worker::Init;
use super::{Nested, Pool};
use crate::context::Context;
use crate::pipeline::Workers;
use crate::scope::SpawnError;
use crate::sync::Arc;

/// Jobs that may wait unless the builder says otherwise.
const QUEUE: usize = 1_024;
/// How long a worker above the least stays without work unless the builder says otherwise.
const IDLE: Duration = Duration::from_secs(5);

/// Makes a [`Pool`]; every choice has a default.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use millstream::{Context, Pool};
///
/// let ctx = Context::new();
/// let pool = Pool::builder()
///     .workers(2..=16)
///     .queue(64)
///     .idle_timeout(Duration::from_secs(1))
///     .named("thumbnails")
///     .build(&ctx)?;
/// assert_eq!(pool.stats().workers, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a builder does nothing until `build` is called"]
pub struct Builder<S = ()> {
    limits: Limits,
    name: Arc<str>,
    init: Init<S>,
    nested: Nested,
    idle_after: Duration,
}

impl Builder {
    pub(super) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            limits: Limits { least: 1, most: cores, queue: QUEUE, permits: None },
            name: Arc::from("pool"),
            init: Arc::new(|_| ()),
            nested: Nested::RunHere,
            idle_after: IDLE,
        }
    }
}

impl<S: 'static> Builder<S> {
    /// How many threads: a number, or a range to grow in. Without it, from one to as many as there
    /// are cores.
    ///
    /// The least are started with the pool and stay. More are started when jobs wait and it would
    /// help (see [`Pool`]), and leave when they have had nothing to do for the [idle
    /// time](Self::idle_timeout).
    pub fn workers(mut self, workers: impl Into<Workers>) -> Self {
        let Workers { least, most } = workers.into();
        self.limits = Limits { least, most, ..self.limits };
        self
    }

    /// How many jobs may wait while all workers are busy; then a submission waits. Without it,
    /// 1,024.
    ///
    /// With 0 a job is taken only when a worker is free, or can be started.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pool};
    ///
    /// let pool = Pool::builder().workers(1).queue(2).build(&Context::new())?;
    /// let (sender, receiver) = std::sync::mpsc::channel::<()>();
    /// drop(pool.try_submit(move || receiver.recv())?);
    /// let taken = (0..5).filter(|_| pool.try_submit(|| Ok::<_, ()>(())).is_ok()).count();
    /// assert_eq!(taken, 2);
    /// drop(sender);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn queue(mut self, jobs: usize) -> Self {
        self.limits.queue = jobs;
        self
    }

    /// How many permits running jobs share, for jobs of different [weight](Group::with_permits).
    /// Without it, weights do not count and each worker runs a job.
    ///
    /// A job that does not find its permits waits at the head of the line, and those behind it wait
    /// too, so that it gets its turn. One that weighs more than there are permits runs alone.
    pub fn permits(mut self, permits: u64) -> Self {
        self.limits.permits = Some(permits);
        self
    }

    /// The name of the pool, which its threads, and the panics of jobs without a name, bear;
    /// without it, "pool".
    ///
    /// # Examples
    /// ```
    /// use std::convert::Infallible;
    /// use millstream::{Context, Pool};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::builder().workers(1).named("mill").build(&ctx)?;
    /// let name = || Ok::<_, Infallible>(std::thread::current().name().map(str::to_owned));
    /// assert_eq!(pool.submit(&ctx, name)?.join()?.as_deref(), Some("mill worker 1"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// What each worker keeps for its jobs: made from its number, on its thread, when a job first
    /// asks for it.
    pub fn state<S2>(self, init: impl Fn(usize) -> S2 + Send + Sync + 'static) -> Builder<S2> {
        let Self { limits, name, nested, idle_after, .. } = self;
        Builder { limits, name, init: Arc::new(init), nested, idle_after }
    }

    /// What becomes of a job that is submitted by a job of the same pool when there is no room.
    /// Without it, it is run on the spot.
    pub fn nested(mut self, nested: Nested) -> Self {
        self.nested = nested;
        self
    }

    /// How long a worker above the least stays without work; without it, five seconds. It is
    /// measured on the clock of the pool's context.
    pub fn idle_timeout(mut self, idle: Duration) -> Self {
        self.idle_after = idle;
        self
    }

    /// The pool, with its least workers started. When `ctx` is cancelled the pool is
    /// [aborted](Pool::abort).
    ///
    /// # Errors
    /// When the system refuses a thread, or the memory maps of the process are not enough for so
    /// many; those that were started have finished.
    pub fn build(self, ctx: &Context) -> Result<Pool<S>, SpawnError> {
        let Self { limits, name, init, nested, idle_after } = self;
        let core =
            Core::new(ctx, Plan { limits, name, init, nested, idle_after, live: work_loop::live });
        let weak = Arc::downgrade(&core);
        let aborts = core.about.ctx.on_cancel(move |cause| {
            if let Some(core) = weak.upgrade() {
                core.close(cause);
                core.sweep(None, cause);
            }
        });
        let all = Group { core, group: None, weight: 1, name: None };
        let pool = Pool { all, _aborts: aborts };
        pool.all.core.check_threads(limits.least)?;
        let started = pool.all.core.change(|state, _| {
            let mut started = super::state::Effects::nothing();
            state.start(limits.least, &mut started);
            started.start
        });
        pool.all.core.start(started)?;
        Ok(pool)
    }
}

impl<S> fmt::Debug for Builder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("name", &self.name)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
