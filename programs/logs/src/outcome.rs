//! How a run ended, for the caller that started it.

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
