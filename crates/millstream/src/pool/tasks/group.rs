//! Futures that belong together: they are waited for and cancelled by themselves. How they are
//! submitted is in `tasks/submit.rs`.

use std::fmt;
use std::sync::Arc;

use super::super::group_state::GroupState;
use super::super::wait_idle::quiet;
use super::core::Core;
use super::driver;
use super::job::Shared;
use crate::context::{Cause, Context};

/// Jobs that belong together on a [`TaskPool`](super::TaskPool): submitted through it, waited for
/// and cancelled by themselves.
///
/// What a [`Group`](super::super::Group) is to a pool of threads. A task pool has the same verbs
/// but one: a group is [cancelled](Self::cancel), a pool is [aborted](super::TaskPool::abort).
/// Clones are the same group; a group that is dropped lets its jobs go on.
/// [`with_permits`](Self::with_permits) and [`named`](Self::named) give the same group with other
/// words for the jobs that are submitted through what they return.
///
/// **Jobs** are futures that return a value ([`spawn`](Self::spawn)) or a `Result`
/// ([`submit`](Self::submit)), whose error is of any type. They start in the order of their
/// submission; a group with a [limit](super::TaskPool::sub_pool) waits at its limit and lets others
/// pass.
///
/// # Examples
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use millstream::{Context, TaskPool};
///
/// static SUM: AtomicU32 = AtomicU32::new(0);
///
/// let ctx = Context::new();
/// let pool = TaskPool::new(&ctx, 100);
/// let mine = pool.group(&ctx);
/// for n in 1..=10 {
///     mine.spawn(&ctx, async move { SUM.fetch_add(n, Ordering::Relaxed) }).await?.detach();
/// }
/// mine.wait(&ctx).await?;
/// assert_eq!(SUM.load(Ordering::Relaxed), 55);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct TaskGroup {
    pub(super) core: Arc<Core>,
    pub(super) group: Option<Arc<GroupState<Shared>>>,
    pub(super) weight: u32,
    pub(super) name: Option<Arc<str>>,
}

impl TaskGroup {
    /// The same group, for jobs that take a number of the pool's
    /// [permits](super::TaskBuilder::permits); at least one.
    ///
    /// # Examples
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use millstream::{Context, TaskPool};
    ///
    /// // Ten permits, of memory say: the heavy job does not run beside more than three light ones.
    /// let ctx = Context::new();
    /// let pool = TaskPool::builder(100).permits(10).build(&ctx);
    /// let heavy = pool.with_permits(7).spawn(&ctx, async { "large" }).await?;
    /// let light = pool.spawn(&ctx, async { "small" }).await?;
    /// assert_eq!((heavy.await?, light.await?), ("large", "small"));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_permits(&self, permits: u32) -> Self {
        Self { weight: permits.max(1), ..self.clone() }
    }

    /// The same group, for jobs of this name, which their panics show; else they have the pool's.
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

    /// Cancelled when the group is, or the pool is aborted or dropped. A job that is to end then
    /// holds a clone, and awaits [`Context::cancelled`] beside its work.
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
        self.group.as_ref().map_or(&self.core.about.ctx, |group| &group.ctx)
    }

    /// Cancels the group: jobs that have not started never will, those that run find its
    /// [context](Self::context) cancelled, and no more are taken. Other groups of the pool go on.
    pub fn cancel(&self, cause: impl Into<Cause>) {
        self.context().cancel(cause);
    }

    /// Waits until no job of the group waits or runs; of a pool, of all its groups.
    ///
    /// A job must not wait for a group to which it belongs: it would wait for its own end.
    ///
    /// # Errors
    /// The cause, when `ctx` is cancelled before. The jobs go on. A job that waits for its own pool
    /// gets an error at once.
    ///
    /// # Cancel safety
    /// Dropping it ends the wait.
    pub async fn wait(&self, ctx: &Context) -> Result<(), Cause> {
        if self.group.is_none() && driver::is_of(self.core.about.id) {
            return Err(Cause::failed("a job cannot wait for the end of its own pool"));
        }
        quiet(&self.core, self.group.as_ref(), ctx).await
    }
}

impl fmt::Debug for TaskGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup").field("pool", &self.core.about.name).finish_non_exhaustive()
    }
}
