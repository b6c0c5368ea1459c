//! What happens to followed files besides new lines, for the program to show its user.

use std::fmt;
use std::path::PathBuf;

use crate::files::{FileError, Position};
use crate::paths::{shown, unescaped};

/// Something that happened to a followed file, or to a name.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice {
    /// Nothing has this name yet, or no file matches it; it is waited for.
    Waiting {
        /// The name as it was given.
        name: String,
    },
    /// A file is being followed from here on.
    Opened {
        /// The file.
        path: PathBuf,
        /// The first byte that will be read.
        offset: u64,
    },
    /// A file was truncated, or its content was replaced: reading begins again at its first byte.
    Truncated {
        /// The file.
        path: PathBuf,
        /// How far it had been read.
        read_to: u64,
    },
    /// A file that was renamed or deleted is read to its end and closed.
    Ended {
        /// The path it had when it was opened.
        path: PathBuf,
        /// How far it was read.
        read_to: u64,
    },
    /// The file at a saved position's path is another one now, and the one that was meant was not
    /// found: what it had after the position is not read.
    Lost {
        /// The position, which can be forgotten.
        position: Position,
    },
    /// A file cannot be followed; the others are.
    Failed(FileError),
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting { name } => write!(f, "'{name}' does not exist yet; waiting for it"),
            Self::Opened { path, offset } => {
                write!(f, "following '{}' from byte {offset}", shown(path))
            }
            Self::Truncated { path, read_to } => {
                write!(
                    f,
                    "'{}' was truncated after byte {read_to} was read; reading it again",
                    shown(path)
                )
            }
            Self::Ended { path, read_to } => {
                write!(
                    f,
                    "'{}' was replaced; the old file was read to its end at byte {read_to}",
                    shown(path)
                )
            }
            Self::Lost { position } => write!(
                f,
                "the file that was '{}' is gone; what it had after byte {} is not read",
                shown(&unescaped(&position.path)),
                position.offset
            ),
            Self::Failed(error) => write!(f, "not followed: {error}"),
        }
    }
}
