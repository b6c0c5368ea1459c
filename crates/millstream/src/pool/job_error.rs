//! How a job can end other than well.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;

use crate::BoxError;
use crate::context::{Cause, CauseKind};
use crate::error::AnyError;
use crate::panics::Panic;

/// How a job can end other than well.
///
/// It is an [`Error`] when the job's error is one: its text is that of the job's error, and its
/// source is that error's own source, so a program that prints the whole chain prints each text
/// once. Of other errors (`anyhow::Error`, a box, text) [`boxed`](Self::boxed) makes one.
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
#[non_exhaustive]
pub enum JobError<E = Infallible> {
    /// It returned this error.
    Failed(E),
    /// It panicked.
    Panicked(Panic),
    /// It was cancelled before it began; or it was a future, and was dropped together with its pool
    /// of tasks.
    Cancelled(Cause),
}

impl<E> JobError<E> {
    /// Whether the job returned an error.
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

impl<E: Into<BoxError>> JobError<E> {
    /// The same with the job's error as an [`AnyError`], for `?` where that error is an
    /// `anyhow::Error`, a `Box<dyn Error>` or text: these types do not implement [`Error`], so the
    /// job's error does not either. Where they do, `?` needs nothing.
    ///
    /// # Examples
    /// ```
    /// use anyhow::Context as _;
    /// use millstream::{Context, JobError, Pool};
    ///
    /// fn read() -> anyhow::Result<u16> {
    ///     let ctx = Context::new();
    ///     let pool = Pool::new(&ctx, 1)?;
    ///     let port = pool.submit(&ctx, || "x".parse::<u16>().context("reading the port"))?;
    ///     Ok(port.join().map_err(JobError::boxed)?)
    /// }
    /// let error = read().unwrap_err();
    /// assert_eq!(format!("{error:#}"), "reading the port: invalid digit found in string");
    /// ```
    pub fn boxed(self) -> JobError<AnyError> {
        match self {
            Self::Failed(error) => JobError::Failed(AnyError::new(error)),
            Self::Panicked(panic) => JobError::Panicked(panic),
            Self::Cancelled(cause) => JobError::Cancelled(cause),
        }
    }
}

impl<E: Error + 'static> JobError<E> {
    /// The job's error if it is an `X`, else the first `X` among its sources.
    ///
    /// # Examples
    /// ```
    /// use std::io;
    /// use anyhow::Context as _;
    /// use millstream::{Context, JobError, Pool};
    ///
    /// let ctx = Context::new();
    /// let pool = Pool::new(&ctx, 1)?;
    /// let job = pool.submit(&ctx, || std::fs::read("/no/such/file").context("reading the list"))?;
    /// let error = job.join().map_err(JobError::boxed).unwrap_err();
    /// assert_eq!(error.downcast_ref::<io::Error>().map(io::Error::kind), Some(io::ErrorKind::NotFound));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn downcast_ref<X: Error + 'static>(&self) -> Option<&X> {
        let Self::Failed(error) = self else { return None };
        let mut next: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(error) = next {
            let boxed = error.downcast_ref::<AnyError>().and_then(AnyError::downcast_ref);
            if let Some(found) = error.downcast_ref().or(boxed) {
                return Some(found);
            }
            next = error.source();
        }
        None
    }
}

impl<E: fmt::Display> fmt::Display for JobError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Panicked(panic) => panic.fmt(f),
            // Such a cause says the word itself.
            Self::Cancelled(cause) if cause.kind() == CauseKind::Cancelled => cause.fmt(f),
            Self::Cancelled(cause) => write!(f, "cancelled: {cause}"),
        }
    }
}

/// The text is that of the job's error, so the source is that error's own source: each text comes
/// once.
impl<E: Error + 'static> Error for JobError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => error.source(),
            Self::Panicked(_) | Self::Cancelled(_) => None,
        }
    }
}
