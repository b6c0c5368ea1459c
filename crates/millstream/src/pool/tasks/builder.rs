//! What can be chosen about a task pool.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::super::job_queue::Limits;
use super::TaskPool;
use super::core::Core;
use super::driver::Driver;
use super::group::TaskGroup;
use super::state::State;
use crate::context::Context;
use crate::scope::Registry;

/// Jobs that may wait unless the builder says otherwise.
const QUEUE: usize = 1_024;

/// Makes a [`TaskPool`]; every choice but the limit has a default.
///
/// # Examples
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use millstream::{Context, TaskPool};
///
/// let ctx = Context::new();
/// let pool = TaskPool::builder(1_000).queue(64).named("pages").build(&ctx);
/// let job = pool.submit(&ctx, async { "12".parse::<i32>() }).await?;
/// assert_eq!(job.await?, 12);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct TaskBuilder {
    limits: Limits,
    name: Arc<str>,
}

impl TaskBuilder {
    pub(super) fn new(limit: usize) -> Self {
        let limits = Limits { least: 0, most: limit.max(1), queue: QUEUE, permits: None };
        Self { limits, name: Arc::from("task pool") }
    }

    /// How many jobs may wait while as many run as may; then a submission waits. Without it, 1,024.
    ///
    /// With 0 a job is taken only when it may begin at once.
    ///
    /// # Examples
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use millstream::{Context, TaskPool};
    ///
    /// let pool = TaskPool::builder(1).queue(2).build(&Context::new());
    /// let taken = (0..9).filter(|_| pool.try_spawn(async {}).is_ok()).count();
    /// assert_eq!(taken, 3);
    /// # });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn queue(mut self, jobs: usize) -> Self {
        self.limits.queue = jobs;
        self
    }

    /// How many permits running jobs share, for jobs of different
    /// [weight](TaskGroup::with_permits). Without it, weights do not count.
    ///
    /// A job that does not find its permits waits at the head of the line, and those behind it wait
    /// too, so that it gets its turn. One that weighs more than there are permits runs alone.
    pub fn permits(mut self, permits: u64) -> Self {
        self.limits.permits = Some(permits);
        self
    }

    /// The name of the pool, which its drivers, and the panics of jobs without a name, bear;
    /// without it, "task pool".
    ///
    /// # Examples
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use millstream::{Context, TaskPool};
    ///
    /// let ctx = Context::new();
    /// let pool = TaskPool::builder(1).named("pages").build(&ctx);
    /// let job = pool.submit(&ctx, async { if true { panic!("torn") } Ok::<_, ()>(()) }).await.unwrap();
    /// assert!(job.await.unwrap_err().into_panic().is_some_and(|panic| panic.task() == "pages"));
    /// # });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// The pool, on the runtime around this call. When `ctx` is cancelled the pool is
    /// [aborted](TaskPool::abort).
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn build(self, ctx: &Context) -> TaskPool {
        let runtime = Handle::current();
        let drivers = runtime.metrics().num_workers();
        let core = Arc::new(Core::new(ctx, self.name, State::new(self.limits, drivers)));
        let weak = Arc::downgrade(&core);
        let aborts = core.about.ctx.on_cancel(move |cause| {
            if let Some(core) = weak.upgrade() {
                core.change(|state, _| state.close(cause));
                core.sweep(None, cause);
            }
        });
        let registry = Registry::below(ctx);
        for slot in 0..drivers {
            let name = format!("{} driver {}", core.about.name, slot + 1);
            let ticket = registry.enter(name.into(), ctx.clock().now());
            // The drivers end with the pool, which therefore needs no handles of theirs.
            drop(runtime.spawn(Driver::new(&core, slot, ticket)));
        }
        TaskPool { all: TaskGroup { core, group: None, weight: 1, name: None }, _aborts: aborts }
    }
}
