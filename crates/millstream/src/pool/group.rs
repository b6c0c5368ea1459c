//! Where jobs are submitted: a pool's own group, or one that is waited for and cancelled by itself.

use std::fmt;
use std::sync::Arc;

use super::core::{Core, Shared};
use super::job::{Plain, Slot, Task, With, Work};
use super::line::{Entry, Refusal};
use super::member::Member;
use super::place::Origin;
use super::quiet::quiet;
use super::room::{Ended, Room};
use super::worker::{self, Worker};
use super::{JobHandle, Map, Nested, SubmitError, TrySubmitError};
use crate::context::{Cause, Context};
use crate::park::block_on;

/// Jobs that belong together on a [`Pool`](super::Pool): submitted through it, waited for and cancelled by themselves.
///
/// A pool is its own first group, and dereferences to it: what is said here of a group can be said to a pool. Clones are the
/// same group; a group that is dropped lets its jobs go on. [`weighing`](Self::weighing) and [`named`](Self::named) give the same
/// group with other words for the jobs that are submitted through what they return.
///
/// **Jobs** return a `Result`; their error is of any type. They run on the pool's threads in the order of their
/// submission; a group with a [limit](super::Pool::sub_pool) waits at its limit and lets others pass.
///
/// # Examples
/// ```
/// use std::convert::Infallible;
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use millstream::{Context, Pool};
///
/// static SUM: AtomicU32 = AtomicU32::new(0);
///
/// let ctx = Context::new();
/// let pool = Pool::new(&ctx, 1..=4)?;
/// let mine = pool.group(&ctx);
/// for n in 1..=10 {
///     drop(mine.submit(&ctx, move || Ok::<_, Infallible>(SUM.fetch_add(n, Ordering::Relaxed)))?);
/// }
/// mine.wait(&ctx)?;
/// assert_eq!(SUM.load(Ordering::Relaxed), 55);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Group<S = ()> {
    pub(super) core: Arc<Core<S>>,
    pub(super) member: Option<Arc<Member<Shared<S>>>>,
    pub(super) weight: u32,
    pub(super) name: Option<Arc<str>>,
}

type Prepared<S, F, T, E> = (Arc<Task<S, F, T, E>>, Shared<S>);

impl<S: 'static> Group<S> {
    /// Submits a job, waiting for room in the queue.
    ///
    /// There is room while fewer jobs wait than the pool's [`queue`](super::Builder::queue) says; a job for which a worker is
    /// free does not wait. Called by a job of the same pool when there is no room, it runs the job itself, or refuses
    /// it, as the pool was [built](super::Builder::nested): to wait could last for ever.
    ///
    /// # Errors
    /// With the job inside: the pool was closed or the group cancelled; `ctx` was cancelled before there was room. `ctx` is for
    /// the wait only. To be able to cancel the job, make a [group](super::Pool::group) below a context.
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

    /// As [`submit`](Self::submit), for a job that wants its [`Worker`]: the state that it keeps, the context of the job.
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    ///
    /// # Examples
    /// See [`Worker`].
    pub fn submit_with<F, T, E>(&self, ctx: &Context, job: F) -> Result<JobHandle<T, E>, SubmitError<F>>
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
    ///
    /// # Examples
    /// See [`TrySubmitError`].
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

    /// As [`submit`](Self::submit), for a task: it lets others run while it waits for room. The job runs on a thread of the
    /// pool, and the handle can be awaited.
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
        let (task, job) = self.prepare(Plain(job));
        let ended = Room::new(Arc::clone(&self.core), ctx, self.entry(job)).await;
        given(task, ended).map_err(|refused| refused.map(|Plain(job)| job))
    }

    #[inline]
    fn prepare<W, T, E>(&self, work: W) -> Prepared<S, W, T, E>
    where
        W: Work<S, T, E>,
        T: Send + 'static,
        E: Send + 'static,
    {
        let group = self.member.as_ref().map(|member| member.ctx.clone());
        let origin = Origin { name: self.name.clone(), group };
        let task = Arc::new(Task::new(work, self.core.id, origin));
        let job = Arc::clone(&task) as Shared<S>;
        (task, job)
    }

    /// A job as it stands in line.
    fn entry(&self, job: Shared<S>) -> Entry<Shared<S>> {
        Entry { job, member: self.member.clone(), weight: self.weight, since: None }
    }

    /// Offers a job to the inbox, then to the line; it comes back in the option.
    #[inline]
    fn offer(&self, mut job: Shared<S>) -> (Result<(), Refusal>, Option<Entry<Shared<S>>>) {
        if self.member.is_none() {
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
            return Err(SubmitError::Cancelled(work, cause));
        }
        let (task, job) = self.prepare(work);
        let ended = match self.offer(job) {
            (Ok(()), _) => return Ok(JobHandle { slot: task }),
            (Err(Refusal::Closed(cause)), _) => Err(Ended::Closed(cause)),
            (Err(Refusal::Full), _) if worker::is_of(self.core.id) => return self.nested(task),
            (Err(Refusal::Full), Some(entry)) => block_on(Room::new(Arc::clone(&self.core), ctx, entry)),
            (Err(Refusal::Full), None) => unreachable!("a job that was not taken is still here"),
        };
        given(task, ended)
    }

    /// A job of this very pool found no room.
    fn nested<W, T, E>(&self, task: Arc<Task<S, W, T, E>>) -> Result<JobHandle<T, E>, SubmitError<W>>
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
            Err(Refusal::Closed(cause)) => refused(task, |work| TrySubmitError::Closed(work, cause)),
        }
    }

    /// Results of `f` in the order of the items, while the pool works on the next ones: see [`Map`].
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pool};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::new(&ctx, 1..=4)?;
    /// let numbers = pool.map(&ctx, ["1", "2", "three"], |text| text.parse::<u32>());
    /// let parsed: Vec<bool> = numbers.map(|number| number.is_ok()).collect();
    /// assert_eq!(parsed, [true, true, false]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn map<I, F, T, E>(&self, ctx: &Context, items: I, f: F) -> Map<S, I::IntoIter, T, E>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(I::Item) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        self.map_with(ctx, items, move |_, item| f(item))
    }

    /// As [`map`](Self::map), with the [`Worker`] that runs it.
    ///
    /// # Examples
    /// ```
    /// use std::convert::Infallible;
    /// use millstream::{Context, Pool};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::builder().workers(1).state(|_| String::new()).build(&ctx)?;
    /// let lengths = pool.map_with(&ctx, 1..=3, |worker, n| {
    ///     let text: &mut String = worker.state();
    ///     text.push_str(&"x".repeat(n));
    ///     Ok::<_, Infallible>(text.len())
    /// });
    /// assert_eq!(lengths.collect::<Result<Vec<_>, _>>()?, [1, 3, 6]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn map_with<I, F, T, E>(&self, ctx: &Context, items: I, f: F) -> Map<S, I::IntoIter, T, E>
    where
        I: IntoIterator<Item: Send + 'static>,
        F: Fn(&mut Worker<'_, S>, I::Item) -> Result<T, E> + Send + Sync + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        Map::new(self, ctx, items.into_iter(), Arc::new(f))
    }
}

impl<S: 'static> Group<S> {
    /// The same group, for jobs that take so many of the pool's [places](super::Builder::places); at least one.
    ///
    /// # Examples
    /// ```
    /// use std::convert::Infallible;
    /// use millstream::{Context, Pool};
    ///
    /// // Ten places, of memory say: the heavy job does not run beside more than three light ones.
    /// let ctx = Context::new();
    /// let pool = Pool::builder().workers(4).places(10).build(&ctx)?;
    /// let heavy = pool.weighing(7).submit(&ctx, || Ok::<_, Infallible>("large"))?;
    /// let light = pool.submit(&ctx, || Ok::<_, Infallible>("small"))?;
    /// assert_eq!((heavy.join()?, light.join()?), ("large", "small"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn weighing(&self, places: u32) -> Self {
        Self { weight: places.max(1), ..self.clone() }
    }

    /// The same group, for jobs of this name, which their panics tell; else they have the pool's.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pool};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::new(&ctx, 1)?;
    /// let job = pool.named("a.jpg").submit(&ctx, || -> Result<(), ()> { panic!("no picture") })?;
    /// assert!(job.join().unwrap_err().into_panic().is_some_and(|panic| panic.task() == "a.jpg"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn named(&self, name: impl Into<Arc<str>>) -> Self {
        Self { name: Some(name.into()), ..self.clone() }
    }

    /// What its jobs see as [`Worker::context`].
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
        self.member.as_ref().map_or(&self.core.ctx, |member| &member.ctx)
    }

    /// Cancels the group: jobs that have not begun never will, those that run find their context cancelled, and no more
    /// are taken. A pool that is cancelled so is [aborted](super::Pool::abort).
    ///
    /// # Examples
    /// See [`Worker::context`].
    pub fn cancel(&self, cause: impl Into<Cause>) {
        self.context().cancel(cause);
    }

    /// Waits until no job of the group waits or runs; of a pool, of all its groups.
    ///
    /// A job of the same pool that waits for a group runs those of its jobs that have not begun. It must not belong to the group
    /// itself, and cannot wait for the whole pool: it would wait for its own end.
    ///
    /// # Errors
    /// The cause, when `ctx` is cancelled before. The jobs go on. A job that waits for its own pool gets an error at once.
    ///
    /// # Examples
    /// See [`Group`].
    pub fn wait(&self, ctx: &Context) -> Result<(), Cause> {
        match &self.member {
            Some(member) => worker::help(&self.core, member),
            None if worker::is_of(self.core.id) => {
                return Err(Cause::failed("a job cannot wait for the end of its own pool"));
            }
            None => {}
        }
        block_on(self.wait_async(ctx))
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
    /// drop(pool.try_submit(|| Ok::<_, std::convert::Infallible>(()))?);
    /// pool.wait_async(&ctx).await?;
    /// assert_eq!(pool.stats().done, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn wait_async(&self, ctx: &Context) -> Result<(), Cause> {
        quiet(&self.core, self.member.as_ref(), ctx).await
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

fn refused<S, W, T, E, R, X>(task: Arc<Task<S, W, T, E>>, error: impl FnOnce(W) -> X) -> Result<R, X> {
    match task.take_back() {
        Some(work) => Err(error(work)),
        None => unreachable!("nobody else had it"),
    }
}

impl<S> Clone for Group<S> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
            member: self.member.clone(),
            weight: self.weight,
            name: self.name.clone(),
        }
    }
}

impl<S> fmt::Debug for Group<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("pool", &self.core.name).finish_non_exhaustive()
    }
}
