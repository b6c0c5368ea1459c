//! What SQLite's errors mean for a program.

use std::time::Duration;

use rusqlite::ErrorCode;

use crate::SinkError;

/// How long another program may keep the database locked.
pub(super) const BUSY_WAIT: Duration = Duration::from_secs(10);

/// An error while `doing` something with the database as a whole.
pub(super) fn failed(doing: &str, name: &str, error: &rusqlite::Error) -> SinkError {
    classify(format!("cannot {doing} the SQLite database {name}"), error)
}

/// An error while rows were written.
pub(super) fn write_failed(name: &str, table: &str, error: &rusqlite::Error) -> SinkError {
    classify(format!("cannot write to the table '{table}' of the SQLite database {name}"), error)
}

/// Sorts SQLite's errors into those that a program decides by.
fn classify(what: String, error: &rusqlite::Error) -> SinkError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => SinkError::full(format!(
            "{what}: the disk is full, or the database has reached its largest size"
        )),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => SinkError::busy(format!(
            "{what}: another program has kept it locked for {} s; end that program's transaction",
            BUSY_WAIT.as_secs()
        )),
        Some(ErrorCode::NotADatabase) => SinkError::destination(format!(
            "{what}: the file is there, but it is not an SQLite database; choose another file"
        )),
        Some(ErrorCode::DatabaseCorrupt) => SinkError::destination(format!(
            "{what}: the file is damaged ({error}); move it away, and save what is left of it with the .recover command of \
             sqlite3"
        )),
        Some(ErrorCode::CannotOpen) => SinkError::destination(format!(
            "{what}: {error}; its directory must exist and be writable"
        )),
        Some(ErrorCode::ReadOnly) => {
            SinkError::destination(format!("{what}: the file or its directory is not writable"))
        }
        Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig) => {
            SinkError::refused(format!("{what}: {error}"))
        }
        _ => SinkError::other(format!("{what}: {error}")),
    }
}
