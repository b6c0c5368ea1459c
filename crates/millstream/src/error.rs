//! The one error of a run: what ended it, in which stage, and the report up to there.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use crate::context::{Cause, CauseKind};
use crate::panics::Panic;
use crate::{BoxError, Report};

/// Why a run ended before its input did.
///
/// One word wide. Its text says everything that the stage's own error says, so the
/// [`source`](StdError::source) is that error's own source: a program that prints the whole chain
/// prints each text once. The stage's error itself is found by [`Error::downcast_ref`]. The report
/// says what became of every item until then, and it balances.
///
/// Of several things that go wrong at once the first one is reported. An error that comes while a
/// run is being cancelled from outside may be reported as that error.
///
/// # Examples
/// ```
/// use millstream::{Context, Pipeline};
///
/// let words = Pipeline::from_iter(["1", "two"]).try_map(str::parse::<u32>).named("parse");
/// let error = words.collect(&Context::new()).unwrap_err();
/// assert_eq!(error.to_string(), "stage \"parse\" failed: invalid digit found in string");
/// assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
/// assert!(error.report().balances());
/// ```
///
/// With `anyhow`, what was added as context stays:
/// ```
/// use anyhow::Context as _;
/// use millstream::{Context, Pipeline};
///
/// fn parse(word: &str) -> anyhow::Result<u32> {
///     word.parse().with_context(|| format!("reading {word:?}"))
/// }
/// let parsed = Pipeline::from_iter(["1", "two"]).try_map(parse).named("parse").collect(&Context::new());
/// let error = anyhow::Error::from(parsed.unwrap_err());
/// assert_eq!(
///     format!("{error:#}"),
///     "stage \"parse\" failed: reading \"two\": invalid digit found in string",
/// );
/// ```
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    report: Report,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Stage {
        stage: Cow<'static, str>,
        error: BoxError,
    },
    /// Without a stage: a destructor's, of an item or of something that a stage had captured.
    Panicked {
        stage: Option<Cow<'static, str>>,
        panic: Panic,
    },
    Cancelled(Cause),
}

impl Error {
    pub(crate) fn new(kind: Kind, report: Report) -> Self {
        Self(Box::new(Inner { kind, report }))
    }

    /// The stage whose error or panic ended the run, by the name it was given; none if it was
    /// cancelled from outside, or a destructor panicked between the stages.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline};
    /// let error = Pipeline::from_iter([1]).map(|n| n / 0_i32.pow(n as u32)).collect(&Context::new()).unwrap_err();
    /// assert_eq!(error.stage(), Some("map"));
    /// ```
    #[must_use]
    pub fn stage(&self) -> Option<&str> {
        match &self.0.kind {
            Kind::Stage { stage, .. } => Some(stage),
            Kind::Panicked { stage, .. } => stage.as_deref(),
            Kind::Cancelled(_) => None,
        }
    }

    /// Why the run was cancelled from outside; none if a stage ended it.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline};
    /// let ctx = Context::new();
    /// ctx.cancel("no longer needed");
    /// let error = Pipeline::from_iter([1]).collect(&ctx).unwrap_err();
    /// assert_eq!(error.cancelled().map(|cause| cause.reason()), Some("no longer needed"));
    /// ```
    #[must_use]
    pub fn cancelled(&self) -> Option<&Cause> {
        match &self.0.kind {
            Kind::Cancelled(cause) => Some(cause),
            _ => None,
        }
    }

    /// Whether a deadline ended the run.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use millstream::{Context, Pipeline};
    /// let ctx = Context::new().with_timeout(Duration::ZERO);
    /// assert!(Pipeline::from_iter([1]).collect(&ctx).unwrap_err().is_deadline());
    /// ```
    #[must_use]
    pub fn is_deadline(&self) -> bool {
        self.cancelled().is_some_and(|cause| cause.kind() == CauseKind::Deadline)
    }

    /// The panic that ended the run, with its message and place.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline};
    /// let error = Pipeline::from_iter([1]).for_each(&Context::new(), |_| panic!("oh")).unwrap_err();
    /// let panic = error.panic().unwrap();
    /// assert_eq!(panic.message(), "oh");
    /// assert!(panic.location().unwrap().contains(".rs:"));
    /// ```
    #[must_use]
    pub fn panic(&self) -> Option<&Panic> {
        match &self.0.kind {
            Kind::Panicked { panic, .. } => Some(panic),
            _ => None,
        }
    }

    /// The stage's own error if it is an `E`, else the first `E` among its sources.
    ///
    /// Errors that are text (`String`, `&str`) have no type to look for: they are in the message.
    /// An `anyhow::Error` hides the type of the outermost error in it; what stands behind its
    /// context is found.
    ///
    /// # Examples
    /// ```
    /// use std::io;
    /// use millstream::{Context, Pipeline};
    /// let broken = |_| Err::<(), _>(io::Error::from(io::ErrorKind::BrokenPipe));
    /// let error = Pipeline::from_iter([1]).try_map(broken).collect(&Context::new()).unwrap_err();
    /// assert_eq!(error.downcast_ref::<io::Error>().unwrap().kind(), io::ErrorKind::BrokenPipe);
    /// ```
    #[must_use]
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        match &self.0.kind {
            Kind::Stage { error, .. } => first_of_type(error.as_ref()),
            _ => None,
        }
    }

    /// What became of every item until the end.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline};
    /// let error = Pipeline::from_iter(0..9).try_map(|n| if n < 5 { Ok(n) } else { Err("five") }).collect(&Context::new());
    /// let totals = error.unwrap_err().report().totals();
    /// assert_eq!((totals.left, totals.failed), (5, 1));
    /// ```
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.0.report
    }

    /// The same, by value.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline};
    /// let error = Pipeline::from_iter([1]).try_map(|_| Err::<(), _>("bad")).collect(&Context::new()).unwrap_err();
    /// assert_eq!(error.into_report().errors[0].sample, "bad");
    /// ```
    #[must_use]
    pub fn into_report(self) -> Report {
        self.0.report
    }
}

/// The first `E` of a chain.
fn first_of_type<'a, E: StdError + 'static>(
    mut error: &'a (dyn StdError + 'static),
) -> Option<&'a E> {
    loop {
        match error.downcast_ref() {
            Some(found) => return Some(found),
            None => error = error.source()?,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.kind {
            Kind::Stage { stage, error } => write!(f, "stage \"{stage}\" failed: {error}"),
            Kind::Panicked { stage: Some(stage), panic } => {
                write!(f, "stage \"{stage}\" {}", panic.what())
            }
            Kind::Panicked { stage: None, panic } => {
                write!(
                    f,
                    "a destructor, of an item or of what a stage had captured, {}",
                    panic.what()
                )
            }
            Kind::Cancelled(cause) => write!(f, "the run was cancelled: {}", cause.why()),
        }
    }
}

/// The text above includes that of the stage's error, the panic or the cause, so the chain goes on
/// behind it.
impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0.kind {
            Kind::Stage { error, .. } => error.source(),
            Kind::Panicked { .. } | Kind::Cancelled(_) => None,
        }
    }
}

/// An error of any type as one type, with its text and its sources; made by
/// [`ScopeError::boxed`](crate::ScopeError::boxed).
///
/// A `Box<dyn Error>` and an `anyhow::Error` are no errors themselves, so a type that wraps one
/// cannot hand on its sources. This one can.
pub struct AnyError(BoxError);

impl AnyError {
    pub(crate) fn new(error: impl Into<BoxError>) -> Self {
        Self(error.into())
    }

    /// The error if it is an `E`, else the first `E` among its sources.
    ///
    /// # Examples
    /// ```
    /// use std::io;
    /// use millstream::{BoxError, Context, ScopeError, scope};
    ///
    /// let missing = || Err::<(), BoxError>(io::Error::from(io::ErrorKind::NotFound).into());
    /// let ended = scope(&Context::new(), |_| missing());
    /// let ScopeError::Failed { error, .. } = ended.unwrap_err().boxed() else { panic!() };
    /// assert_eq!(error.downcast_ref::<io::Error>().unwrap().kind(), io::ErrorKind::NotFound);
    /// ```
    #[must_use]
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        first_of_type(self.0.as_ref())
    }
}

impl fmt::Debug for AnyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for AnyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for AnyError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}
