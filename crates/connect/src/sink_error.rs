//! The one error of all sinks: a message that names the destination, and predicates for what a
//! program decides by.

use std::fmt;

use crate::start::StartError;

/// Why a destination could not take rows.
///
/// The message names the file, database, table or column, what went wrong, and what to do where
/// that is known. The predicates distinguish what a program may want to treat in its own way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkError {
    kind: Kind,
    message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Destination,
    Layout,
    Row,
    BrokenPipe,
    Full,
    Busy,
    JobTaken,
    Refused,
    Connection,
    Other,
}

impl SinkError {
    /// The reader of the output went away (`| head`): the end of the run, but no failure.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        self.kind == Kind::BrokenPipe
    }

    /// The disk, or the space that the database may use, is full.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.kind == Kind::Full
    }

    /// Another program held the database's lock longer than the sink was willing to wait.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.kind == Kind::Busy
    }

    /// Another process runs this job, or has taken it over; this one must not write any more.
    #[must_use]
    pub fn is_job_taken(&self) -> bool {
        self.kind == Kind::JobTaken
    }

    /// The database refused a row for what is in it; see [`Refused`](crate::Refused) for how to
    /// keep such rows.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.kind == Kind::Refused
    }

    /// The server could not be reached, or was lost and did not come back in time.
    #[must_use]
    pub fn is_connection(&self) -> bool {
        self.kind == Kind::Connection
    }

    /// The destination, table or columns are not usable as they were given: a mistake in the
    /// command, not in the data.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self.kind, Kind::Destination | Kind::Layout | Kind::Row)
    }

    pub(crate) fn destination(message: String) -> Self {
        Self { kind: Kind::Destination, message }
    }

    pub(crate) fn layout(message: String) -> Self {
        Self { kind: Kind::Layout, message }
    }

    pub(crate) fn row(message: String) -> Self {
        Self { kind: Kind::Row, message }
    }

    pub(crate) fn full(message: String) -> Self {
        Self { kind: Kind::Full, message }
    }

    pub(crate) fn busy(message: String) -> Self {
        Self { kind: Kind::Busy, message }
    }

    pub(crate) fn job_taken(message: String) -> Self {
        Self { kind: Kind::JobTaken, message }
    }

    pub(crate) fn refused(message: String) -> Self {
        Self { kind: Kind::Refused, message }
    }

    pub(crate) fn connection(message: String) -> Self {
        Self { kind: Kind::Connection, message }
    }

    pub(crate) fn other(message: String) -> Self {
        Self { kind: Kind::Other, message }
    }

    /// The same error with its message put into a longer one.
    pub(crate) fn map_message(self, change: impl FnOnce(String) -> String) -> Self {
        Self { kind: self.kind, message: change(self.message) }
    }

    /// An error of the operating system while `doing` something with `name`.
    pub(crate) fn io(doing: &str, name: &str, error: &std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::BrokenPipe => Kind::BrokenPipe,
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Kind::Full,
            _ => Kind::Other,
        };
        Self { kind, message: format!("cannot {doing} {name}: {error}") }
    }
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SinkError {}

impl From<SinkError> for StartError {
    fn from(error: SinkError) -> Self {
        Self::Output(error.message)
    }
}
