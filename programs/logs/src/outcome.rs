//! How a run ended, for the caller that started it.

use std::fmt;

use connect::SinkError;
use connect::files::FileError;
use millstream::Report;

use crate::stats::Stats;

/// A run that was started: what became of the records, and what went wrong beside them.
#[derive(Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// The account of every record.
    pub report: Report,
    /// Why the run ended before its input did, if it did.
    pub ended: Option<Ended>,
    /// Files that could not be read, or not to their end.
    pub problems: Vec<String>,
    /// The chart, when it was asked for.
    pub stats: Option<Stats>,
    /// Stored texts in which something had to be replaced.
    pub lossy: u64,
    /// Records handed on that are not UTF-8 throughout; with a file for dead letters, all their
    /// bytes are there.
    pub not_utf8: u64,
}

/// Why a run ended before its input did.
#[derive(Debug)]
#[non_exhaustive]
pub enum Ended {
    /// A deadline, a signal's grace, or the caller cancelled it.
    Cancelled(millstream::Cause),
    /// The reader of standard output went away; no failure.
    ReaderLeft,
    /// Input or output cannot be used any more, or a stage failed.
    Failed(String),
}

/// A run that could not begin.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The inputs cannot be used as they were given.
    Input(FileError),
    /// The destination cannot be used.
    Output(SinkError),
    /// The file for dead letters cannot be made.
    DeadLetter(String),
    /// What was asked for does not fit together.
    Usage(String),
}

impl StartError {
    /// Whether the command was wrong, rather than a file or a database.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Usage(_))
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(error) => write!(f, "{error}"),
            Self::Output(error) => write!(f, "{error}"),
            Self::DeadLetter(error) | Self::Usage(error) => f.write_str(error),
        }
    }
}

impl std::error::Error for StartError {}

impl From<FileError> for StartError {
    fn from(error: FileError) -> Self {
        Self::Input(error)
    }
}

impl From<SinkError> for StartError {
    fn from(error: SinkError) -> Self {
        Self::Output(error)
    }
}
