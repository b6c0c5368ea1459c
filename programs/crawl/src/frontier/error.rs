//! The one error of all frontiers: a message that says what to do, and predicates for what a
//! program decides by.

use std::fmt;

use connect::SinkError;

/// Why a frontier could not keep or give something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrontierError {
    kind: Kind,
    message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Usage,
    Taken,
    Full,
    Busy,
    Connection,
    BrokenPipe,
    Other,
}

impl FrontierError {
    /// What was given does not fit what is there: another file, other settings. A mistake in the
    /// command.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        self.kind == Kind::Usage
    }

    /// Another process runs this crawl, and it cannot be shared.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.kind == Kind::Taken
    }

    /// The disk is full, or the database may not grow. With room the same call works.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.kind == Kind::Full
    }

    /// Another program held the database's lock for too long. The same call may work later.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.kind == Kind::Busy
    }

    /// The server could not be reached, or was lost and did not come back in time.
    #[must_use]
    pub fn is_connection(&self) -> bool {
        self.kind == Kind::Connection
    }

    /// The reader of the output went away: the end of the run, but no failure.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        self.kind == Kind::BrokenPipe
    }

    pub(super) fn usage(message: String) -> Self {
        Self { kind: Kind::Usage, message }
    }

    pub(super) fn taken(message: String) -> Self {
        Self { kind: Kind::Taken, message }
    }

    /// Something that is written beside the frontier could not be.
    pub(crate) fn output(message: String) -> Self {
        Self::other(message)
    }

    pub(super) fn other(message: String) -> Self {
        Self { kind: Kind::Other, message }
    }

    /// A file that cannot be used as it is: damaged, of another kind, or not writable. That is no
    /// mistake in the command.
    pub(super) fn of_file(error: SinkError) -> Self {
        let error = Self::from(error);
        if error.is_usage() { Self::other(error.message) } else { error }
    }
}

impl From<SinkError> for FrontierError {
    fn from(error: SinkError) -> Self {
        let kind = if error.is_full() {
            Kind::Full
        } else if error.is_busy() {
            Kind::Busy
        } else if error.is_connection() {
            Kind::Connection
        } else if error.is_broken_pipe() {
            Kind::BrokenPipe
        } else if error.is_usage() {
            Kind::Usage
        } else {
            Kind::Other
        };
        Self { kind, message: error.to_string() }
    }
}

impl fmt::Display for FrontierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for FrontierError {}
