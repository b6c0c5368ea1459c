//! Why records fail.

use std::fmt;

/// Why a record counts as failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailKind {
    /// A line of a JSON log is not JSON.
    Json,
    /// A line of a JSON log is JSON, but not an object.
    JsonNotObject,
    /// A line of a logfmt log has no `key=value`, or a quote that does not end.
    Logfmt,
    /// A line of an access log lacks one of its parts.
    Access,
    /// A line does not begin with the time that the others begin with.
    NoTime,
    /// The record is longer than `--max-line`.
    TooLong,
}

impl FailKind {
    /// A short name for reports.
    pub fn name(self) -> &'static str {
        match self {
            FailKind::Json => "not JSON",
            FailKind::JsonNotObject => "not a JSON object",
            FailKind::Logfmt => "not logfmt",
            FailKind::Access => "not an access log line",
            FailKind::NoTime => "no time at its beginning",
            FailKind::TooLong => "longer than --max-line",
        }
    }
}

impl fmt::Display for FailKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
