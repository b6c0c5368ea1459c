//! Jobs that belong together: they are waited for and cancelled by themselves. How jobs are
//! submitted is in `submit.rs`.

use std::fmt;
use std::sync::Arc;

use super::core::{Core, Shared};
use super::group_state::GroupState;
use super::here;
use super::wait_idle::quiet;
use super::waits::{self, Deadlock, Target, Wait};
use super::work_loop;
use crate::context::{Cause, Context};

/// Jobs that belong together on a [`Pool`](super::Pool): submitted through it, waited for and
/// cancelled by themselves.
///
/// A pool has the same verbs but one: a group is [cancelled](Self::cancel), a pool is
/// [aborted](super::Pool::abort). Clones are the same group; a group that is dropped lets its jobs
/// go on. [`with_permits`](Self::with_permits) and [`named`](Self::named) give the same group with
/// other words for the jobs that are submitted through what they return.
///
/// **Jobs** return a value ([`spawn`](Self::spawn)) or a `Result` ([`submit`](Self::submit)), whose
/// error is of any type. They run on the pool's threads in the order of their submission; a group
/// with a [limit](super::Pool::sub_pool) waits at its limit and lets others pass.
///
/// # Examples
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use millstream::{Context, Pool};
///
/// static SUM: AtomicU32 = AtomicU32::new(0);
///
/// let ctx = Context::new();
/// let pool = Pool::new(&ctx, 1..=4)?;
/// let mine = pool.group(&ctx);
/// for n in 1..=10 {
///     mine.spawn(&ctx, move || SUM.fetch_add(n, Ordering::Relaxed))?.detach();
/// }
/// mine.wait(&ctx)?;
/// assert_eq!(SUM.load(Ordering::Relaxed), 55);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Group<S = ()> {
    pub(super) core: Arc<Core<S>>,
    pub(super) group: Option<Arc<GroupState<Shared<S>>>>,
    pub(super) weight: u32,
    pub(super) name: Option<Arc<str>>,
}

impl<S: 'static> Group<S> {
    /// The same group, for jobs that take a number of the pool's
    /// [permits](super::Builder::permits); at least one.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pool};
    ///
    /// // Ten permits, of memory say: the heavy job does not run beside more than three light ones.
    /// let ctx = Context::new();
    /// let pool = Pool::builder().workers(4).permits(10).build(&ctx)?;
    /// let heavy = pool.with_permits(7).spawn(&ctx, || "large")?;
    /// let light = pool.spawn(&ctx, || "small")?;
    /// assert_eq!((heavy.join()?, light.join()?), ("large", "small"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_permits(&self, permits: u32) -> Self {
        Self { weight: permits.max(1), ..self.clone() }
    }

    /// The same group, for jobs of this name, which their panics show; else they have the pool's.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, JobHandle, Pool};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::new(&ctx, 1)?;
    /// let job: JobHandle<()> = pool.named("a.jpg").spawn(&ctx, || panic!("no image"))?;
    /// assert!(job.join().unwrap_err().into_panic().is_some_and(|panic| panic.task() == "a.jpg"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn named(&self, name: impl Into<Arc<str>>) -> Self {
        Self { name: Some(name.into()), ..self.clone() }
    }

    /// What its jobs see as [`Worker::context`](super::Worker::context).
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pool};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::new(&ctx, 1)?;
    /// let group = pool.group(&ctx);
    /// group.cancel("enough");
    /// assert!(group.context().is_cancelled() && !pool.context().is_cancelled());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn context(&self) -> &Context {
        self.group.as_ref().map_or(&self.core.about.ctx, |group| &group.ctx)
    }

    /// Cancels the group: jobs that have not started never will, those that run find their context
    /// cancelled, and no more are taken. Other groups of the pool go on.
    pub fn cancel(&self, cause: impl Into<Cause>) {
        self.context().cancel(cause);
    }

    /// Waits until no job of the group waits or runs; of a pool, of all its groups.
    ///
    /// A job of the same pool that waits for a group runs those of its jobs that have not started.
    /// It must not belong to the group itself, and cannot wait for the whole pool: it would wait
    /// for its own end. For jobs of several pools that wait for each other see
    /// [`JobHandle::join`](super::JobHandle::join).
    ///
    /// # Errors
    /// The cause, when `ctx` is cancelled before. The jobs go on. A job that waits for its own
    /// pool, or for its own group by way of whatever jobs, gets an error at once.
    pub fn wait(&self, ctx: &Context) -> Result<(), Cause> {
        match &self.group {
            Some(group) => work_loop::help(&self.core, group),
            None if here::is_of(self.core.about.id) => {
                return Err(Cause::failed("a job cannot wait for the end of its own pool"));
            }
            None => {}
        }
        let what = || match &self.group {
            None => Wait::Pool(self.core.about.id),
            Some(group) => {
                let jobs = Jobs { core: Arc::clone(&self.core), group: Arc::clone(group) };
                Wait::Group(Arc::as_ptr(group).addr(), Arc::new(jobs))
            }
        };
        match waits::wait(what, self.wait_async(ctx)) {
            Ok(ended) => ended,
            Err(Deadlock) => Err(Deadlock::cause()),
        }
    }

    /// As [`wait`](Self::wait), for a task.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    ///
    /// # Cancel safety
    /// Dropping it ends the wait.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use millstream::{Context, Pool};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::new(&ctx, 1)?;
    /// pool.try_spawn(|| ())?.detach();
    /// pool.wait_async(&ctx).await?;
    /// assert_eq!(pool.stats().done, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn wait_async(&self, ctx: &Context) -> Result<(), Cause> {
        quiet(&self.core, self.group.as_ref(), ctx).await
    }
}

/// A group's jobs as something that a worker waits for.
struct Jobs<S> {
    core: Arc<Core<S>>,
    group: Arc<GroupState<Shared<S>>>,
}

impl<S: 'static> Target for Jobs<S> {
    fn waits_in(&self) -> Option<u32> {
        self.core.lock().has_of(&self.group).then_some(self.core.about.id)
    }

    fn run_here(&self) {
        work_loop::help(&self.core, &self.group);
    }
}

impl<S> Clone for Group<S> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
            group: self.group.clone(),
            weight: self.weight,
            name: self.name.clone(),
        }
    }
}

impl<S> fmt::Debug for Group<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("pool", &self.core.about.name).finish_non_exhaustive()
    }
}
