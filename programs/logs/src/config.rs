//! Everything that a run of the program can be asked for, as plain data: the command line fills it,
//! tests do, others may.

use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use connect::Destination;

use crate::filter::Filter;
use crate::format::{Choice, Keys};

/// What to read, what to keep, where to put it.
#[derive(Debug)]
pub struct Config {
    /// Files, globs, or `-` for standard input, in the order in which they are read.
    pub inputs: Vec<OsString>,
    /// Go on with what is appended, rotated and created, until it is stopped.
    pub follow: bool,
    /// Which format the files have; by default each file is looked at.
    pub format: Choice,
    /// The names of time, level and message in formats that name their values.
    pub keys: Keys,
    /// Which records are kept.
    pub filter: Filter,
    /// Where they go.
    pub to: Destination,
    /// The table of a database, `records` by default.
    pub table: String,
    /// Under which name positions are stored, so that a later run goes on where this one ended.
    pub job: Option<String>,
    /// Records stored in one transaction, at most.
    pub batch: usize,
    /// How long a record may wait for others to be stored with it when the input is live.
    pub flush: Duration,
    /// How long the last record of a live input may wait for further lines of it, such as those of
    /// a stack trace. The next record ends the wait at once, and formats of one line a record never
    /// wait.
    pub hold: Duration,
    /// Threads that parse.
    pub workers: RangeInclusive<usize>,
    /// The longest record, in bytes; longer ones count as failed.
    pub max_line: usize,
    /// Where the bytes of records that failed are kept.
    pub dead_letter: Option<PathBuf>,
    /// End after this many records.
    pub limit: Option<u64>,
    /// Show counts by level over time instead of records.
    pub stats: bool,
}
