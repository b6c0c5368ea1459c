//! The way to a job's result.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use super::job::{Plain, Slot, Task};
use super::place::Origin;
use crate::context::{Cause, Context};
use crate::panics::Panic;
use crate::park::block_on;

/// A job that was taken; the way to its result, for threads by [`join`](Self::join) and for tasks by awaiting it.
///
/// Dropping it lets the job go on by itself: it is run, counted, and its result is dropped as soon as it is there, so that
/// any number of jobs may pass whose handles nobody keeps.
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
#[must_use = "dropping the handle drops the job's result and its error; say `drop` to mean it"]
pub struct JobHandle<T, E> {
    pub(super) slot: Arc<dyn Slot<T, E>>,
}

impl<T, E> JobHandle<T, E> {
    /// Waits for the end of the job and returns what came of it.
    ///
    /// Called by a job of the same pool, it runs the awaited one itself if that has not begun, so that jobs which wait for
    /// others of their pool cannot block it. Only that one: nothing unrelated is ever run inside of a job.
    ///
    /// # Errors
    /// What the job returned; its panic; the cause for which it was cancelled.
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
        // Most have ended when they are joined.
        match self.slot.take() {
            Some(result) => result,
            None => block_on(self),
        }
    }

    /// Waits until the job has ended, or the context is cancelled; [`join`](Self::join) then does not wait any more.
    ///
    /// # Errors
    /// The cause, if the context was cancelled first. The job goes on.
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
        block_on(std::future::poll_fn(|task| {
            // In this order no end is missed: whoever ends it after the look finds the waker.
            if self.slot.poll_end(task.waker()) {
                return Poll::Ready(Ok(()));
            }
            Pin::new(&mut cancelled).poll(task).map(Err)
        }))
    }

    /// Whether the job has ended, so that [`join`](Self::join) would not wait.
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
    /// assert!(job.has_ended());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn has_ended(&self) -> bool {
        self.slot.has_ended()
    }

    /// Cancels the job if it has not begun; true if it now never will.
    ///
    /// A job that runs goes on; to ask running jobs to end, submit them in a [group](super::Group) and cancel that.
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

impl<T: Send + 'static, E: Send + 'static> JobHandle<T, E> {
    /// Of a job that was never taken.
    pub(super) fn cancelled(cause: Cause) -> Self {
        let never: fn() -> Result<T, E> = || unreachable!("it is cancelled before anybody knows of it");
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
        f.debug_struct("JobHandle").field("has_ended", &self.has_ended()).finish()
    }
}

/// How a job can end other than well.
///
/// # Examples
/// ```
/// use millstream::{Context, Pool};
///
/// let ctx = Context::new();
/// let pool = Pool::new(&ctx, 1)?;
/// let job = pool.submit(&ctx, || std::fs::read("/no/such/file"))?;
/// let error = job.join().unwrap_err();
/// assert!(error.is_failed());
/// assert!(error.to_string().starts_with("No such file"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub enum JobError<E> {
    /// It returned this error.
    Failed(E),
    /// It panicked.
    Panicked(Panic),
    /// It was cancelled before it began; or it was a future, and was dropped together with its pool of tasks.
    Cancelled(Cause),
}

impl<E> JobError<E> {
    /// Whether the job returned an error.
    ///
    /// # Examples
    /// See [`JobError`].
    pub fn is_failed(&self) -> bool {
        matches!(self, Self::Failed(_))
    }

    /// Whether the job panicked.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pool};
    /// let ctx = Context::new();
    /// let pool = Pool::new(&ctx, 1)?;
    /// let job = pool.submit(&ctx, || -> Result<(), ()> { panic!("on purpose") })?;
    /// assert!(job.join().unwrap_err().is_panicked());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_panicked(&self) -> bool {
        matches!(self, Self::Panicked(_))
    }

    /// Whether the job was cancelled.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Cause, pool::JobError};
    /// assert!(JobError::<()>::Cancelled(Cause::dropped()).is_cancelled());
    /// ```
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled(_))
    }

    /// The panic, if it was one.
    ///
    /// # Examples
    /// ```
    /// use millstream::pool::JobError;
    /// assert!(JobError::Failed("no such file").into_panic().is_none());
    /// ```
    pub fn into_panic(self) -> Option<Panic> {
        match self {
            Self::Panicked(panic) => Some(panic),
            Self::Failed(_) | Self::Cancelled(_) => None,
        }
    }

    /// What the job returned, if it did.
    ///
    /// # Examples
    /// ```
    /// use millstream::pool::JobError;
    /// assert_eq!(JobError::Failed("no such file").into_failed(), Some("no such file"));
    /// ```
    pub fn into_failed(self) -> Option<E> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Panicked(_) | Self::Cancelled(_) => None,
        }
    }
}

impl<E: fmt::Display> fmt::Display for JobError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Panicked(panic) => panic.fmt(f),
            Self::Cancelled(cause) => write!(f, "cancelled: {cause}"),
        }
    }
}

/// Its text is that of the job's error, so there is no source to walk to.
impl<E: fmt::Debug + fmt::Display> std::error::Error for JobError<E> {}
