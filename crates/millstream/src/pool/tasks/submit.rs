//! How futures come to a task pool: with or without a wait for room.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use super::super::acquire::{Acquire, Ended};
use super::super::job_queue::{Entry, Refusal, Submit};
use super::super::submit_error::Refused;
use super::super::{JobHandle, SubmitError, TrySubmitError};
use super::driver;
use super::group::TaskGroup;
use super::job::{Output, Plain, Returned, Shared, Task};
use crate::context::Context;

impl TaskGroup {
    /// Submits a job, waiting for room in the queue.
    ///
    /// There is room while fewer jobs wait than the pool's [`queue`](super::TaskBuilder::queue)
    /// says; a job that may begin at once does not wait. It begins whether or not its handle is
    /// awaited.
    ///
    /// # Errors
    /// With the job inside: the pool was closed or the group cancelled; `ctx` was cancelled before
    /// there was room. `ctx` is for the wait only. A job of the same pool is not let wait, for that
    /// could last forever: it gets [`SubmitError::Nested`] when there is no room.
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
    pub async fn submit<F, T, E>(
        &self,
        ctx: &Context,
        job: F,
    ) -> Result<JobHandle<T, E>, SubmitError<F>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        self.submit_job::<Returned, F, T, E>(ctx, job).await
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
        self.try_submit_job::<Returned, F, T, E>(job)
    }
}

/// Futures that return a value and no `Result`: the same, with handles whose jobs cannot fail other
/// than by a panic.
impl TaskGroup {
    /// Submits a future that returns a plain value, waiting for room in the queue as
    /// [`submit`](Self::submit) does.
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    ///
    /// # Cancel safety
    /// Dropping the future before its end drops the job, which was not taken.
    ///
    /// # Examples
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use millstream::{Context, TaskPool};
    ///
    /// let ctx = Context::new();
    /// let pool = TaskPool::new(&ctx, 100);
    /// let sum = pool.spawn(&ctx, async { (1..=10).sum::<u32>() }).await?;
    /// assert_eq!(sum.await?, 55);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn spawn<F, T>(&self, ctx: &Context, job: F) -> Result<JobHandle<T>, SubmitError<F>>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        self.submit_job::<Plain, F, T, Infallible>(ctx, job).await
    }

    /// As [`spawn`](Self::spawn), if there is room now. It may be called from any thread.
    ///
    /// # Errors
    /// As [`try_submit`](Self::try_submit).
    ///
    /// # Examples
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use millstream::{Context, TaskPool};
    ///
    /// let pool = TaskPool::new(&Context::new(), 100);
    /// assert_eq!(pool.try_spawn(async { 6 * 7 })?.await?, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_spawn<F, T>(&self, job: F) -> Result<JobHandle<T>, TrySubmitError<F>>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        self.try_submit_job::<Plain, F, T, Infallible>(job)
    }
}

impl TaskGroup {
    async fn submit_job<M, F, T, E>(
        &self,
        ctx: &Context,
        job: F,
    ) -> Result<JobHandle<T, E>, SubmitError<F>>
    where
        M: Output<F::Output, T, E>,
        F: Future + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        if let Err(cause) = ctx.check() {
            return Err(SubmitError::Cancelled(Refused::new(job), cause));
        }
        let (task, entry) = self.prepare::<M, F, T, E>(job);
        let mut entry = Some(entry);
        let offered = self.core.with_line(|line, _| line.submit(&mut entry, 0));
        let ended = match (offered, entry) {
            (Err(Refusal::Closed(cause)), _) => Err(Ended::Closed(cause)),
            (Err(Refusal::Full), Some(_)) if driver::is_of(self.core.about.id) => {
                return refused(&task, SubmitError::Nested);
            }
            (Err(Refusal::Full), Some(entry)) => {
                Acquire::new(Arc::clone(&self.core), ctx, entry).await
            }
            (Err(Refusal::Full), None) | (Ok(()), _) => Ok(()),
        };
        match ended {
            Ok(()) => Ok(JobHandle { slot: task }),
            Err(Ended::Closed(cause)) => refused(&task, |job| SubmitError::Closed(job, cause)),
            Err(Ended::Cancelled(cause)) => {
                refused(&task, |job| SubmitError::Cancelled(job, cause))
            }
        }
    }

    fn try_submit_job<M, F, T, E>(&self, job: F) -> Result<JobHandle<T, E>, TrySubmitError<F>>
    where
        M: Output<F::Output, T, E>,
        F: Future + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let (task, entry) = self.prepare::<M, F, T, E>(job);
        let mut entry = Some(entry);
        let offered = self.core.with_line(|line, _| line.submit(&mut entry, 0));
        drop(entry);
        match offered {
            Ok(()) => Ok(JobHandle { slot: task }),
            Err(Refusal::Full) => refused(&task, TrySubmitError::Full),
            Err(Refusal::Closed(cause)) => refused(&task, |job| TrySubmitError::Closed(job, cause)),
        }
    }

    pub(super) fn prepare<M, F, T, E>(&self, job: F) -> (Arc<Task<M, F, T, E>>, Entry<Shared>)
    where
        M: Output<F::Output, T, E>,
        F: Future + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let task = Arc::new(Task::new(job, self.name.clone()));
        let job = Arc::clone(&task) as Shared;
        let since = self.core.sample();
        (task, Entry { job, group: self.group.clone(), weight: self.weight, since })
    }
}

fn refused<M, F, T, E, R, X>(
    task: &Task<M, F, T, E>,
    error: impl FnOnce(Refused<F>) -> X,
) -> Result<R, X> {
    match task.take_back() {
        Some(job) => Err(error(Refused::new(job))),
        None => unreachable!("nobody else had it"),
    }
}
