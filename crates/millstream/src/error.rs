//! The one error of a run: what ended it, in which stage, and the report up to there.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use crate::context::{Cause, CauseKind};
use crate::panics::Panic;
use crate::{BoxError, Report};

/// Why a run ended before its input did.
///
/// One word wide. What it was is asked by predicates; a stage's own error is the [`source`](StdError::source), or, typed,
/// [`Error::downcast_ref`]. The report says what became of every item until then, and it balances.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    report: Report,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Stage { stage: Cow<'static, str>, error: BoxError },
    Panicked { stage: Cow<'static, str>, panic: Panic },
    Cancelled(Cause),
}

impl Error {
    pub(crate) fn new(kind: Kind, report: Report) -> Self {
        Self(Box::new(Inner { kind, report }))
    }

    /// The stage whose error or panic ended the run; none if it was cancelled from outside.
    #[must_use]
    pub fn stage(&self) -> Option<&str> {
        match &self.0.kind {
            Kind::Stage { stage, .. } | Kind::Panicked { stage, .. } => Some(stage),
            Kind::Cancelled(_) => None,
        }
    }

    /// Why the run was cancelled from outside; none if a stage ended it.
    #[must_use]
    pub fn cancelled(&self) -> Option<&Cause> {
        match &self.0.kind {
            Kind::Cancelled(cause) => Some(cause),
            _ => None,
        }
    }

    /// Whether a deadline ended the run.
    #[must_use]
    pub fn is_deadline(&self) -> bool {
        self.cancelled().is_some_and(|cause| cause.kind() == CauseKind::Deadline)
    }

    /// The panic that ended the run, with its message and place.
    #[must_use]
    pub fn panic(&self) -> Option<&Panic> {
        match &self.0.kind {
            Kind::Panicked { panic, .. } => Some(panic),
            _ => None,
        }
    }

    /// The stage's own error, if it is an `E`.
    #[must_use]
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        match &self.0.kind {
            Kind::Stage { error, .. } => error.downcast_ref(),
            _ => None,
        }
    }

    /// What became of every item until the end.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.0.report
    }

    /// The same, by value.
    #[must_use]
    pub fn into_report(self) -> Report {
        self.0.report
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.kind {
            Kind::Stage { stage, error } => write!(f, "stage \"{stage}\" failed: {error}"),
            Kind::Panicked { stage, panic } => write!(f, "stage \"{stage}\" panicked: {panic}"),
            Kind::Cancelled(cause) => write!(f, "the run was cancelled: {cause}"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0.kind {
            Kind::Stage { error, .. } => Some(error.as_ref()),
            Kind::Panicked { panic, .. } => Some(panic),
            Kind::Cancelled(cause) => Some(cause),
        }
    }
}
