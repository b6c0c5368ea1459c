//! The way to a job's result.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use super::JobError;
use super::job::{Plain, Slot, Task};
use super::place::Origin;
use super::waits::{self, Deadlock, Wait};
use crate::context::{Cause, Context};

/// A job that was taken; the way to its result, for threads by [`join`](Self::join) and for tasks
/// by awaiting it.
///
/// A job whose result nobody wants is [detached](Self::detach).
///
/// # Cancel safety
/// A wait that is dropped loses nothing: the handle can be waited for again.
///
/// # Examples
/// ```
/// use millstream::{Context, Pool};
///
/// let ctx = Context::new();
/// let pool = Pool::new(&ctx, 1..=4)?;
/// let job = pool.submit(&ctx, || "12".parse::<i32>())?;
/// assert_eq!(job.join()?, 12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "without its handle a job's result and its error are lost; call `detach` if nobody needs them"]
pub struct JobHandle<T, E = Infallible> {
    pub(super) slot: Arc<dyn Slot<T, E>>,
}

impl<T, E> JobHandle<T, E> {
    /// Waits for the end of the job and returns what came of it.
    ///
    /// Called by a job of the same pool, it runs the awaited one itself if that has not started, so
    /// that jobs which wait for others of their pool cannot block it. Only that one: nothing
    /// unrelated is ever run inside of a job.
    ///
    /// Jobs of several pools may join each other's. If all workers of one pool wait for jobs that
    /// wait for a job in that pool's queue, one of them runs that job. This is seen for `join` and
    /// `wait` of handles, groups and pools, and for `submit`, and not for channels, locks and
    /// awaits: a job that waits for another one by those keeps its worker.
    ///
    /// # Errors
    /// What the job returned; its panic; the cause for which it was cancelled. Called by a job for
    /// one that waits for the end of the caller: [`JobError::Cancelled`] with a cause that says
    /// "deadlock", and the job goes on.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pool, pool::JobError};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::builder().workers(1).named("parser").build(&ctx)?;
    /// let odd = pool.submit(&ctx, || -> Result<(), ()> { panic!("line {} is odd", 7) })?;
    /// let Err(JobError::Panicked(panic)) = odd.join() else { unreachable!() };
    /// assert_eq!((panic.task(), panic.message()), ("parser", "line 7 is odd"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn join(self) -> Result<T, JobError<E>> {
        self.slot.run_here();
        // Most have finished when they are joined.
        match self.slot.take() {
            Some(result) => result,
            None => {
                let slot = Arc::clone(&self.slot);
                match waits::wait(|| wait_for(&slot), self) {
                    Ok(result) => result,
                    Err(Deadlock) => Err(JobError::Cancelled(Deadlock::cause())),
                }
            }
        }
    }

    /// Waits until the job has finished, or the context is cancelled; [`join`](Self::join) then
    /// does not wait any more.
    ///
    /// # Errors
    /// The cause, if the context was cancelled first, or both would wait for each other. The job
    /// goes on.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use millstream::{Context, Pool};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::new(&ctx, 1)?;
    /// let job = pool.submit_with(&ctx, |worker| Err::<(), _>(worker.context().wait()))?;
    /// assert!(job.wait(&ctx.with_timeout(Duration::from_millis(1))).is_err());
    /// pool.abort("enough");
    /// assert_eq!(job.wait(&ctx), Ok(()));
    /// assert!(job.join().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait(&self, ctx: &Context) -> Result<(), Cause> {
        self.slot.run_here();
        let mut cancelled = ctx.cancelled();
        let ended = std::future::poll_fn(|task| {
            // In this order no end is missed: a thread that ends it after the look finds the waker.
            if self.slot.poll_end(task.waker()) {
                return Poll::Ready(Ok(()));
            }
            Pin::new(&mut cancelled).poll(task).map(Err)
        });
        match waits::wait(|| wait_for(&self.slot), ended) {
            Ok(ended) => ended,
            Err(Deadlock) => Err(Deadlock::cause()),
        }
    }

    /// Lets the job go on by itself: it is run and counted, and its result is dropped as soon as it
    /// is there. Dropping the handle does the same.
    ///
    /// Any number of jobs may pass whose handles nobody keeps. Their errors and panics are in the
    /// pool's [numbers](super::PoolStats).
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pool};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::new(&ctx, 1..=4)?;
    /// for n in 0..10 {
    ///     pool.spawn(&ctx, move || n * n)?.detach();
    /// }
    /// pool.wait(&ctx)?;
    /// assert_eq!(pool.stats().done, 10);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn detach(self) {
        drop(self);
    }

    /// Whether the job has finished, so that [`join`](Self::join) would not wait.
    ///
    /// # Examples
    /// ```
    /// use std::convert::Infallible;
    /// use millstream::{Context, Pool};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::new(&ctx, 1)?;
    /// let job = pool.submit(&ctx, || Ok::<_, Infallible>(1))?;
    /// job.wait(&ctx)?;
    /// assert!(job.is_finished());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_finished(&self) -> bool {
        self.slot.is_finished()
    }

    /// Cancels the job if it has not started; true if it now never will.
    ///
    /// A job that runs goes on; to ask running jobs to end, submit them in a [group](super::Group)
    /// and cancel that.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pool};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::new(&ctx, 1)?;
    /// let (sender, receiver) = std::sync::mpsc::channel::<()>();
    /// let first = pool.submit(&ctx, move || receiver.recv())?;
    /// let second = pool.submit(&ctx, || "2".parse::<u8>())?;
    /// assert!(second.cancel("not needed"));
    /// assert!(second.join().unwrap_err().is_cancelled());
    /// sender.send(())?;
    /// first.join()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cancel(&self, cause: impl Into<Cause>) -> bool {
        self.slot.cancel(cause.into())
    }
}

fn wait_for<T, E>(slot: &Arc<dyn Slot<T, E>>) -> Wait {
    Wait::Job(Arc::as_ptr(slot).addr(), Arc::clone(slot).target())
}

impl<T: Send + 'static, E: Send + 'static> JobHandle<T, E> {
    /// Of a job that was never taken.
    pub(super) fn cancelled(cause: Cause) -> Self {
        let never: fn() -> Result<T, E> =
            || unreachable!("it is cancelled before anybody knows of it");
        let task = Task::<(), _, T, E>::new(Plain(never), 0, Origin::default());
        Slot::cancel(&task, cause);
        Self { slot: Arc::new(task) }
    }
}

impl<T, E> Future for JobHandle<T, E> {
    type Output = Result<T, JobError<E>>;

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Self::Output> {
        self.slot.poll(task.waker())
    }
}

impl<T, E> fmt::Debug for JobHandle<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobHandle").field("is_finished", &self.is_finished()).finish()
    }
}
