//! What can keep a job from being taken; the job is inside.

use std::error::Error;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::context::Cause;

/// A job that a pool did not take, inside of the error that says why.
///
/// It can be shared between threads whatever the job has captured, as `anyhow` and
/// `Box<dyn Error + Send + Sync>` want it of an error: nobody has access to the job but its owner.
pub struct Refused<F>(Mutex<F>);

impl<F> Refused<F> {
    pub(super) fn new(job: F) -> Self {
        Self(Mutex::new(job))
    }

    fn map<G>(self, f: impl FnOnce(F) -> G) -> Refused<G> {
        Refused::new(f(self.into_job()))
    }

    /// Gives the job back.
    pub fn into_job(self) -> F {
        // Nobody ever locks it: it is a mutex because that may be shared.
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F> fmt::Debug for Refused<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a job")
    }
}

/// Why a pool did not take a job that it was to wait for; the job is inside.
///
/// # Examples
/// ```
/// use millstream::{Context, Pool, pool::SubmitError};
///
/// let ctx = Context::new();
/// let pool = Pool::new(&ctx, 1)?;
/// pool.close();
/// let refused = pool.submit(&ctx, || Ok::<_, ()>("work")).unwrap_err();
/// assert!(matches!(refused, SubmitError::Closed(..)));
/// let job = refused.into_job();
/// assert_eq!(job(), Ok("work"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// With `anyhow`, `?` works whatever the job has captured:
/// ```
/// use millstream::{Context, Pool};
///
/// fn double(pool: &Pool, numbers: std::sync::mpsc::Receiver<u32>) -> anyhow::Result<u32> {
///     let job = pool.spawn(&Context::new(), move || numbers.iter().sum::<u32>())?;
///     Ok(2 * job.join()?)
/// }
/// let (sender, numbers) = std::sync::mpsc::channel();
/// sender.send(21)?;
/// drop(sender);
/// assert_eq!(double(&Pool::new(&Context::new(), 1)?, numbers)?, 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
pub enum SubmitError<F> {
    /// The pool was closed, or the group was cancelled, for this cause.
    Closed(Refused<F>, Cause),
    /// The context of the call was cancelled, or its deadline passed, before there was room.
    Cancelled(Refused<F>, Cause),
    /// There was no room, and to wait for it could have lasted forever: the call came from a job of
    /// this very pool, which was built with [`Nested::Refuse`](super::Nested::Refuse); or from a
    /// job of another pool, for whose end this pool's workers wait.
    Nested(Refused<F>),
}

/// Why a pool did not take a job at once; the job is inside.
///
/// # Examples
/// ```
/// use millstream::{Context, Pool, pool::TrySubmitError};
///
/// let ctx = Context::new();
/// let pool = Pool::builder().workers(1).queue(0).build(&ctx)?;
/// let (sender, receiver) = std::sync::mpsc::channel::<()>();
/// let busy = pool.try_submit(move || receiver.recv()).unwrap();
/// match pool.try_submit(|| Ok::<_, ()>("work")) {
///     Err(TrySubmitError::Full(refused)) => assert_eq!(refused.into_job()(), Ok("work")),
///     _ => unreachable!(),
/// }
/// sender.send(())?;
/// busy.join()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
pub enum TrySubmitError<F> {
    /// There is no room now.
    Full(Refused<F>),
    /// The pool was closed, or the group was cancelled, for this cause.
    Closed(Refused<F>, Cause),
}

impl<F> SubmitError<F> {
    pub(super) fn map<G>(self, f: impl FnOnce(F) -> G) -> SubmitError<G> {
        match self {
            Self::Closed(job, cause) => SubmitError::Closed(job.map(f), cause),
            Self::Cancelled(job, cause) => SubmitError::Cancelled(job.map(f), cause),
            Self::Nested(job) => SubmitError::Nested(job.map(f)),
        }
    }

    /// Gives the job back.
    pub fn into_job(self) -> F {
        match self {
            Self::Closed(job, _) | Self::Cancelled(job, _) | Self::Nested(job) => job.into_job(),
        }
    }

    /// The cause for which the pool was closed or the wait cancelled.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Cause, Context, Pool};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::new(&ctx, 1)?;
    /// pool.close();
    /// let refused = pool.spawn(&ctx, || 7).unwrap_err();
    /// assert_eq!(refused.cause(), Some(&Cause::finished()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Closed(_, cause) | Self::Cancelled(_, cause) => Some(cause),
            Self::Nested(_) => None,
        }
    }
}

impl<F> TrySubmitError<F> {
    pub(super) fn map<G>(self, f: impl FnOnce(F) -> G) -> TrySubmitError<G> {
        match self {
            Self::Full(job) => TrySubmitError::Full(job.map(f)),
            Self::Closed(job, cause) => TrySubmitError::Closed(job.map(f), cause),
        }
    }

    /// Gives the job back.
    pub fn into_job(self) -> F {
        match self {
            Self::Full(job) | Self::Closed(job, _) => job.into_job(),
        }
    }

    /// Whether only room was missing.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pool};
    ///
    /// let pool = Pool::new(&Context::new(), 1)?;
    /// pool.close();
    /// assert!(!pool.try_spawn(|| 7).unwrap_err().is_full());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }
}

impl<F> fmt::Display for SubmitError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(_, cause) => write!(f, "the pool takes no jobs any more: {cause}"),
            Self::Cancelled(_, cause) => write!(f, "the wait for room in the pool ended: {cause}"),
            Self::Nested(_) => f.write_str(
                "the pool is full, and a job that waits for room there might wait forever, for its own end; \
                 give it a longer queue, or let it run such jobs itself (Nested::RunHere)",
            ),
        }
    }
}

impl<F> fmt::Display for TrySubmitError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("the pool is full"),
            Self::Closed(_, cause) => write!(f, "the pool takes no jobs any more: {cause}"),
        }
    }
}

/// What the job is does not matter to a caller that reads it.
macro_rules! debug_without_job {
    ($($error:ident),*) => {$(
        impl<F> fmt::Debug for $error<F> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($error))
            }
        }

        impl<F> Error for $error<F> {}
    )*};
}
debug_without_job!(SubmitError, TrySubmitError);
