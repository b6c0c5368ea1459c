//! How jobs come to a pool: with or without a wait for room, from threads and from tasks, of a job
//! of the pool itself.

use std::sync::Arc;

use super::acquire::{Acquire, Ended};
use super::core::Shared;
use super::group::Group;
use super::here;
use super::job::{Plain, Slot, Task, Value, ValueWith, With, Work};
use super::job_queue::{Entry, Refusal};
use super::place::Origin;
use super::submit_error::Refused;
use super::waits::{self, Deadlock, Wait};
use super::worker::Worker;
use super::{JobHandle, Nested, SubmitError, TrySubmitError};
use crate::context::Context;

type Prepared<S, F, T, E> = (Arc<Task<S, F, T, E>>, Shared<S>);

impl<S: 'static> Group<S> {
    /// Submits a job, waiting for room in the queue.
    ///
    /// There is room while fewer jobs wait than the pool's [`queue`](super::Builder::queue) says; a
    /// job for which a worker is free does not wait. Called by a job of the same pool when there is
    /// no room, it runs the job itself, or refuses it, as the pool was
    /// [built](super::Builder::nested): to wait could last forever.
    ///
    /// # Errors
    /// With the job inside: the pool was closed or the group cancelled; `ctx` was cancelled before
    /// there was room. `ctx` is for the wait only. To be able to cancel the job, make a
    /// [group](super::Pool::group) below a context.
    ///
    /// # Cost
    /// An allocation, one lock, and a wake-up if a worker sleeps.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use millstream::{Context, Pool, pool::SubmitError};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::builder().workers(1).queue(0).build(&ctx)?;
    /// let (sender, receiver) = std::sync::mpsc::channel::<()>();
    /// let busy = pool.submit(&ctx, move || receiver.recv())?;
    ///
    /// // There is no room; the wait has a limit, and the job comes back.
    /// let soon = ctx.with_timeout(Duration::from_millis(1));
    /// let refused = pool.submit(&soon, || "7".parse::<u8>()).unwrap_err();
    /// assert_eq!(refused.into_job()(), Ok(7));
    ///
    /// sender.send(())?;
    /// busy.join()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn submit<F, T, E>(&self, ctx: &Context, job: F) -> Result<JobHandle<T, E>, SubmitError<F>>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        self.submit_job(ctx, Plain(job)).map_err(|refused| refused.map(|Plain(job)| job))
    }

    /// As [`submit`](Self::submit), for a job that wants its [`Worker`]: the state that it keeps,
    /// the context of the job.
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    pub fn submit_with<F, T, E>(
        &self,
        ctx: &Context,
        job: F,
    ) -> Result<JobHandle<T, E>, SubmitError<F>>
    where
        F: FnOnce(&mut Worker<'_, S>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        self.submit_job(ctx, With(job)).map_err(|refused| refused.map(|With(job)| job))
    }

    /// Submits a job if there is room now.
    ///
    /// # Errors
    /// With the job inside: there is no room; the pool was closed or the group cancelled.
    pub fn try_submit<F, T, E>(&self, job: F) -> Result<JobHandle<T, E>, TrySubmitError<F>>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        self.try_submit_job(Plain(job)).map_err(|refused| refused.map(|Plain(job)| job))
    }

    /// As [`try_submit`](Self::try_submit), for a job that wants its [`Worker`].
    ///
    /// # Errors
    /// As [`try_submit`](Self::try_submit).
    ///
    /// # Examples
    /// ```
    /// use std::convert::Infallible;
    /// use millstream::{Context, Pool};
    ///
    /// let pool = Pool::new(&Context::new(), 1)?;
    /// let job = pool.try_submit_with(|worker| Ok::<_, Infallible>(worker.number()))?;
    /// assert_eq!(job.join()?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_submit_with<F, T, E>(&self, job: F) -> Result<JobHandle<T, E>, TrySubmitError<F>>
    where
        F: FnOnce(&mut Worker<'_, S>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        self.try_submit_job(With(job)).map_err(|refused| refused.map(|With(job)| job))
    }

    /// As [`submit`](Self::submit), for a task: it lets others run while it waits for room. The job
    /// runs on a thread of the pool, and the handle can be awaited.
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    ///
    /// # Cancel safety
    /// Dropping the future before its end drops the job, which was not taken.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use millstream::{Context, Pool};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::new(&ctx, 1..=4)?;
    /// let job = pool.submit_async(&ctx, || "12".parse::<i32>()).await?;
    /// assert_eq!(job.await?, 12);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn submit_async<F, T, E>(
        &self,
        ctx: &Context,
        job: F,
    ) -> Result<JobHandle<T, E>, SubmitError<F>>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let submitted = self.submit_job_async(ctx, Plain(job)).await;
        submitted.map_err(|refused| refused.map(|Plain(job)| job))
    }
}

/// Jobs that return a value and no `Result`: the same, with handles whose jobs cannot fail other
/// than by a panic.
impl<S: 'static> Group<S> {
    /// Submits a job that returns a plain value, waiting for room in the queue as
    /// [`submit`](Self::submit) does.
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pool};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::new(&ctx, 1..=4)?;
    /// let sum = pool.spawn(&ctx, || (1..=10).sum::<u32>())?;
    /// assert_eq!(sum.join()?, 55);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn spawn<F, T>(&self, ctx: &Context, job: F) -> Result<JobHandle<T>, SubmitError<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.submit_job(ctx, Value(job)).map_err(|refused| refused.map(|Value(job)| job))
    }

    /// As [`spawn`](Self::spawn), for a job that wants its [`Worker`].
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pool};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::new(&ctx, 1)?;
    /// assert_eq!(pool.spawn_with(&ctx, |worker| worker.number())?.join()?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn spawn_with<F, T>(&self, ctx: &Context, job: F) -> Result<JobHandle<T>, SubmitError<F>>
    where
        F: FnOnce(&mut Worker<'_, S>) -> T + Send + 'static,
        T: Send + 'static,
    {
        self.submit_job(ctx, ValueWith(job)).map_err(|refused| refused.map(|ValueWith(job)| job))
    }

    /// As [`spawn`](Self::spawn), if there is room now.
    ///
    /// # Errors
    /// As [`try_submit`](Self::try_submit).
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pool};
    ///
    /// let pool = Pool::new(&Context::new(), 1)?;
    /// assert_eq!(pool.try_spawn(|| 6 * 7)?.join()?, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_spawn<F, T>(&self, job: F) -> Result<JobHandle<T>, TrySubmitError<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.try_submit_job(Value(job)).map_err(|refused| refused.map(|Value(job)| job))
    }

    /// As [`spawn`](Self::spawn), for a task: see [`submit_async`](Self::submit_async).
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    ///
    /// # Cancel safety
    /// Dropping the future before its end drops the job, which was not taken.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use millstream::{Context, Pool};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::new(&ctx, 1..=4)?;
    /// assert_eq!(pool.spawn_async(&ctx, || 6 * 7).await?.await?, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn spawn_async<F, T>(
        &self,
        ctx: &Context,
        job: F,
    ) -> Result<JobHandle<T>, SubmitError<F>>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let submitted = self.submit_job_async(ctx, Value(job)).await;
        submitted.map_err(|refused| refused.map(|Value(job)| job))
    }
}

impl<S: 'static> Group<S> {
    async fn submit_job_async<W, T, E>(
        &self,
        ctx: &Context,
        work: W,
    ) -> Result<JobHandle<T, E>, SubmitError<W>>
    where
        W: Work<S, T, E>,
        T: Send + 'static,
        E: Send + 'static,
    {
        let (task, job) = self.prepare(work);
        let ended = Acquire::new(Arc::clone(&self.core), ctx, self.entry(job)).await;
        given(task, ended)
    }

    #[inline]
    fn prepare<W, T, E>(&self, work: W) -> Prepared<S, W, T, E>
    where
        W: Work<S, T, E>,
        T: Send + 'static,
        E: Send + 'static,
    {
        let group = self.group.as_ref().map(|group| group.ctx.clone());
        let origin = Origin { name: self.name.clone(), group };
        let task = Arc::new(Task::new(work, self.core.about.id, origin));
        let job = Arc::clone(&task) as Shared<S>;
        (task, job)
    }

    /// A job as it stands in line.
    fn entry(&self, job: Shared<S>) -> Entry<Shared<S>> {
        Entry { job, group: self.group.clone(), weight: self.weight, since: None }
    }

    /// Offers a job to the injector, then to the line; it comes back in the option.
    #[inline]
    fn offer(&self, mut job: Shared<S>) -> (Result<(), Refusal>, Option<Entry<Shared<S>>>) {
        if self.group.is_none() {
            match self.core.put(job) {
                Ok(()) => return (Ok(()), None),
                Err(refused) => job = refused,
            }
        }
        let mut entry = Some(self.entry(job));
        (self.core.offer(&mut entry), entry)
    }

    fn submit_job<W, T, E>(&self, ctx: &Context, work: W) -> Result<JobHandle<T, E>, SubmitError<W>>
    where
        W: Work<S, T, E>,
        T: Send + 'static,
        E: Send + 'static,
    {
        if let Err(cause) = ctx.check() {
            return Err(SubmitError::Cancelled(Refused::new(work), cause));
        }
        let (task, job) = self.prepare(work);
        let ended = match self.offer(job) {
            (Ok(()), _) => return Ok(JobHandle { slot: task }),
            (Err(Refusal::Closed(cause)), _) => Err(Ended::Closed(cause)),
            (Err(Refusal::Full), _) if here::is_of(self.core.about.id) => return self.nested(task),
            (Err(Refusal::Full), Some(entry)) => {
                let room = Acquire::new(Arc::clone(&self.core), ctx, entry);
                match waits::wait(|| Wait::Acquire(self.core.about.id), room) {
                    Ok(ended) => ended,
                    Err(Deadlock) => return refused(task, SubmitError::Nested),
                }
            }
            (Err(Refusal::Full), None) => unreachable!("a job that was not taken is still here"),
        };
        given(task, ended)
    }

    /// A job of this very pool found no room.
    fn nested<W, T, E>(
        &self,
        task: Arc<Task<S, W, T, E>>,
    ) -> Result<JobHandle<T, E>, SubmitError<W>>
    where
        W: Work<S, T, E>,
        T: Send + 'static,
        E: Send + 'static,
    {
        match (self.core.nested, &self.core) {
            (Nested::Refuse, _) => refused(task, SubmitError::Nested),
            (Nested::RunHere, core) => {
                core.change(|state, _| state.submitted += 1);
                task.run_here();
                Ok(JobHandle { slot: task })
            }
        }
    }

    fn try_submit_job<W, T, E>(&self, work: W) -> Result<JobHandle<T, E>, TrySubmitError<W>>
    where
        W: Work<S, T, E>,
        T: Send + 'static,
        E: Send + 'static,
    {
        let (task, job) = self.prepare(work);
        match self.offer(job).0 {
            Ok(()) => Ok(JobHandle { slot: task }),
            Err(Refusal::Full) => refused(task, TrySubmitError::Full),
            Err(Refusal::Closed(cause)) => {
                refused(task, |work| TrySubmitError::Closed(work, cause))
            }
        }
    }
}

/// What became of a wait for room.
fn given<S, W, T, E>(
    task: Arc<Task<S, W, T, E>>,
    ended: Result<(), Ended>,
) -> Result<JobHandle<T, E>, SubmitError<W>>
where
    S: 'static,
    W: Work<S, T, E>,
    T: Send + 'static,
    E: Send + 'static,
{
    match ended {
        Ok(()) => Ok(JobHandle { slot: task }),
        Err(Ended::Closed(cause)) => refused(task, |work| SubmitError::Closed(work, cause)),
        Err(Ended::Cancelled(cause)) => refused(task, |work| SubmitError::Cancelled(work, cause)),
    }
}

fn refused<S, W, T, E, R, X>(
    task: Arc<Task<S, W, T, E>>,
    error: impl FnOnce(Refused<W>) -> X,
) -> Result<R, X> {
    match task.take_back() {
        Some(work) => Err(error(Refused::new(work))),
        None => unreachable!("nobody else had it"),
    }
}
