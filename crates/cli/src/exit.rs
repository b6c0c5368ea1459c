//! The exit codes, as the help reports them.

use std::process::ExitCode;

use millstream::{Cause, CauseKind};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done,
    ItemsFailed,
    Usage,
    Unusable,
    Deadline,
    Interrupted,
}

/// The same for the help.
pub(crate) const HELP: &str = "\
Exit codes:
  0    all done
  1    done, with items that failed
  2    wrong usage
  3    input or output unusable
  4    the deadline ended the run
  130  interrupted";

impl Exit {
    /// How a run ended that was cancelled.
    pub(crate) fn of(cause: &Cause) -> Self {
        match cause.kind() {
            CauseKind::Deadline => Self::Deadline,
            _ => Self::Interrupted,
        }
    }

    /// The word for it in a report.
    pub(crate) fn status(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::ItemsFailed => "failed items",
            Self::Usage => "usage",
            Self::Unusable => "unusable",
            Self::Deadline => "deadline",
            Self::Interrupted => "interrupted",
        }
    }

    /// The same for people.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::ItemsFailed => "done, with items that failed",
            Self::Unusable => "input or output unusable",
            Self::Deadline => "ended by the deadline",
            Self::Done | Self::Usage | Self::Interrupted => self.status(),
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::ItemsFailed => 1,
            Exit::Usage => 2,
            Exit::Unusable => 3,
            Exit::Deadline => 4,
            Exit::Interrupted => 130,
        })
    }
}
