//! Why an image was refused: a kind to count by, and a sentence for the person who wants to mend
//! it.

use std::fmt;

use serde::Serialize;

/// Kinds of failure, as the table at the end counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The file has no bytes.
    Empty,
    /// The content is of no known format, whatever the name says.
    NotAnImage,
    /// Truncated, corrupt, or with parts that contradict each other.
    Damaged,
    /// More pixels, or more memory, than allowed.
    TooLarge,
    /// A sound image with something that cannot be kept as asked.
    Unsupported,
    /// No quality gives a file as small as `--max-size` asks.
    MaxSize,
    /// Two images would become the same file.
    Collision,
    /// The file could not be read.
    Unreadable,
    /// The result could not be written.
    Unwritable,
    /// A defect of this program or of a codec.
    Panic,
}

impl FailureKind {
    /// The word for it, in reports and tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotAnImage => "not an image",
            Self::Damaged => "damaged",
            Self::TooLarge => "too large",
            Self::Unsupported => "unsupported",
            Self::MaxSize => "over --max-size",
            Self::Collision => "same target",
            Self::Unreadable => "unreadable",
            Self::Unwritable => "unwritable",
            Self::Panic => "panic",
        }
    }
}

/// An image that was refused; nothing was written for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What to count it as.
    pub kind: FailureKind,
    /// What is wrong with it.
    pub reason: String,
}

impl Failure {
    pub(crate) fn new(kind: FailureKind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into() }
    }

    pub(crate) fn damaged(reason: impl Into<String>) -> Self {
        Self::new(FailureKind::Damaged, reason)
    }

    pub(crate) fn unsupported(reason: impl Into<String>) -> Self {
        Self::new(FailureKind::Unsupported, reason)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.word(), self.reason)
    }
}

impl std::error::Error for Failure {}
