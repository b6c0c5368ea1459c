//! Sorts PostgreSQL's errors by what can be done about them.

use std::error::Error as _;

use ::postgres::Error;
use ::postgres::error::SqlState;

use crate::SinkError;

/// Why something did not work, by the way out.
#[derive(Debug)]
pub(super) enum Problem {
    /// The connection is gone, or the server is going; a new connection may work.
    Lost(String),
    /// The same transaction may work if it is tried again.
    Contention(String),
    /// The server refuses what is in a row.
    Row(String),
    /// Nothing to be done here.
    Fatal(SinkError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let Some(db) = error.as_db_error() else {
            let io = error.source().is_some_and(|source| source.is::<std::io::Error>());
            let text = with_source(&error);
            let lost = error.is_closed() || io;
            return if lost { Self::Lost(text) } else { Self::Fatal(SinkError::other(text)) };
        };
        let mut text = format!("{} (SQLSTATE {})", db.message(), db.code().code());
        for more in [db.detail(), db.hint()].into_iter().flatten() {
            text.push_str("; ");
            text.push_str(more);
        }
        let code = db.code();
        let class = code.code().get(..2).unwrap_or_default();
        if *code == SqlState::DISK_FULL {
            return Self::Fatal(SinkError::full(text));
        }
        let going = [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::TOO_MANY_CONNECTIONS,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        ];
        if class == "08" || going.contains(code) {
            return Self::Lost(text);
        }
        if class == "40" || *code == SqlState::LOCK_NOT_AVAILABLE {
            return Self::Contention(text);
        }
        // Data exceptions, constraints, what a trigger raises, and values beyond a limit of the
        // server or of an index.
        if matches!(class, "22" | "23" | "54") || code.code() == "P0001" {
            return Self::Row(text);
        }
        Self::Fatal(SinkError::other(text))
    }
}

impl From<std::io::Error> for Problem {
    /// The writer of a COPY wraps the client's own errors.
    fn from(error: std::io::Error) -> Self {
        match error.downcast::<Error>() {
            Ok(inner) => inner.into(),
            Err(other) => Self::Lost(other.to_string()),
        }
    }
}

impl Problem {
    /// The error for a sink's caller when nothing more is tried.
    pub(super) fn into_error(self, doing: &str, database: &str) -> SinkError {
        let what = |text: String| format!("cannot {doing} {database}: {text}");
        match self {
            Self::Lost(text) => SinkError::connection(what(text)),
            Self::Contention(text) => SinkError::busy(what(text)),
            Self::Row(text) => SinkError::refused(what(text)),
            Self::Fatal(error) if error.is_usage() || error.is_job_taken() => error,
            Self::Fatal(error) => error.map_message(what),
        }
    }
}

fn with_source(error: &Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
