//! How a scope can end other than well.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::BoxError;
use crate::context::Cause;
use crate::error::AnyError;
use crate::panics::Panic;

/// Why a scope did not end well: the first thing that went wrong in it.
///
/// It is an [`Error`](std::error::Error) when the tasks' error is one; its text includes theirs,
/// its source is theirs. Of other errors (`anyhow::Error`, a box, text) [`boxed`](Self::boxed)
/// makes one.
///
/// # Examples
/// ```
/// use millstream::{Context, ScopeError, scope};
///
/// let ended = scope::<(), _, _>(&Context::new(), |s| {
///     s.spawn("read", |_| Err("no such file"));
///     Ok(())
/// });
/// let error = ended.unwrap_err();
/// assert_eq!(error.to_string(), "read failed: no such file");
/// assert!(matches!(error, ScopeError::Failed { task, error: "no such file", .. } if &*task == "read"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ScopeError<E> {
    /// A task, or the body of the scope, returned an error.
    #[non_exhaustive]
    Failed {
        /// The task's name; [`BODY`](crate::scope::BODY) for the body.
        task: Arc<str>,
        /// What it returned.
        error: E,
        /// Set when the scope had been cancelled from outside before: the error is then probably
        /// its consequence.
        after: Option<Cause>,
    },
    /// A task panicked.
    Panicked(Panic),
    /// The scope was cancelled from outside, and every task ended well on that.
    Cancelled(Cause),
    /// The system refused a thread.
    NotStarted(SpawnError),
}

impl<E> ScopeError<E> {
    /// Whether a task or the body returned an error.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, scope};
    /// let ended = scope::<(), _, _>(&Context::new(), |_| Err("no"));
    /// assert!(ended.unwrap_err().is_failed());
    /// ```
    pub fn is_failed(&self) -> bool {
        matches!(self, Self::Failed { .. })
    }

    /// Whether a task panicked.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, scope};
    /// let ended = scope::<(), (), _>(&Context::new(), |s| {
    ///     s.spawn("work", |_| panic!("on purpose"));
    ///     Ok(())
    /// });
    /// assert!(ended.unwrap_err().is_panicked());
    /// ```
    pub fn is_panicked(&self) -> bool {
        matches!(self, Self::Panicked(_))
    }

    /// Whether it was cancelled from outside and nothing else went wrong.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, scope};
    /// let ctx = Context::new();
    /// ctx.cancel("not today");
    /// assert!(scope::<(), (), _>(&ctx, |_| Ok(())).unwrap_err().is_cancelled());
    /// ```
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled(_))
    }

    /// The cancellation from outside that ended the scope, or came before the error that did.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, scope};
    /// let ctx = Context::new();
    /// ctx.cancel("not today");
    /// let ended = scope::<(), _, _>(&ctx, |s| s.context().check());
    /// assert_eq!(ended.unwrap_err().cause().unwrap().reason(), "not today");
    /// ```
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Failed { after, .. } => after.as_ref(),
            Self::Cancelled(cause) => Some(cause),
            Self::Panicked(_) | Self::NotStarted(_) => None,
        }
    }
}

impl<E: Into<BoxError>> ScopeError<E> {
    /// The same with the task's error as an [`AnyError`], for `?` where that error is a
    /// `Box<dyn Error>`, an `anyhow::Error` or text: these types do not implement
    /// [`Error`](std::error::Error), so the scope's error does not either. Where they do, `?` needs
    /// nothing.
    ///
    /// # Examples
    /// ```
    /// use anyhow::Context as _;
    /// use millstream::{Context, ScopeError, scope};
    ///
    /// fn read() -> anyhow::Result<()> {
    ///     scope(&Context::new(), |s| {
    ///         s.spawn("config", |_| Ok("x".parse::<u16>().map(drop).context("reading the port")?));
    ///         Ok::<_, anyhow::Error>(())
    ///     })
    ///     .map_err(ScopeError::boxed)?;
    ///     Ok(())
    /// }
    /// let error = read().unwrap_err();
    /// assert_eq!(format!("{error:#}"), "config failed: reading the port: invalid digit found in string");
    /// ```
    pub fn boxed(self) -> ScopeError<AnyError> {
        match self {
            Self::Failed { task, error, after } => {
                ScopeError::Failed { task, error: AnyError::new(error), after }
            }
            Self::Panicked(panic) => ScopeError::Panicked(panic),
            Self::Cancelled(cause) => ScopeError::Cancelled(cause),
            Self::NotStarted(refused) => ScopeError::NotStarted(refused),
        }
    }
}

impl<E: fmt::Display> fmt::Display for ScopeError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { task, error, after: None } => write!(f, "{task} failed: {error}"),
            Self::Failed { task, error, after: Some(cause) } => {
                write!(f, "{task} failed: {error} (after the scope ended: {cause})")
            }
            Self::Panicked(panic) => panic.fmt(f),
            Self::Cancelled(cause) => cause.fmt(f),
            Self::NotStarted(refused) => refused.fmt(f),
        }
    }
}

/// The text includes that of the task's error, so the source is that error's own source: each text
/// comes once.
impl<E: std::error::Error + 'static> std::error::Error for ScopeError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed { error, .. } => error.source(),
            Self::NotStarted(refused) => refused.source(),
            Self::Panicked(_) | Self::Cancelled(_) => None,
        }
    }
}

/// The system refused a thread; the task was not run.
///
/// # Examples
/// ```
/// use millstream::{Context, ScopeError, scope};
///
/// // What to do about it: run the work here, or report it to the user.
/// let ended = scope::<(), String, _>(&Context::new(), |s| {
///     if let Err(refused) = s.try_spawn("helper", |_| Ok(())) {
///         return Err(refused.to_string());
///     }
///     Ok(())
/// });
/// assert!(ended.is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct SpawnError {
    pub(super) task: Arc<str>,
    pub(super) error: Arc<io::Error>,
}

impl SpawnError {
    pub(crate) fn new(task: Arc<str>, error: io::Error) -> Self {
        Self { task, error: Arc::new(error) }
    }

    /// The name of the task that was not started.
    ///
    /// # Examples
    /// ```
    /// use millstream::SpawnError;
    ///
    /// fn message(refused: &SpawnError) -> String {
    ///     format!("{} will run on this thread", refused.task())
    /// }
    /// ```
    pub fn task(&self) -> &str {
        &self.task
    }
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: the system refused a thread: {}; allow more, or use fewer workers",
            self.task, self.error
        )
    }
}

/// The text includes that of the system's error; behind it the chain goes on.
impl std::error::Error for SpawnError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}
