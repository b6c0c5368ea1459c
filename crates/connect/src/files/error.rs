//! What can go wrong with an input, always with the name of the pattern or file that it went wrong
//! with.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::paths::shown;
use crate::start::StartError;

/// Why an input cannot be used, or cannot be read further.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileError {
    /// A pattern that is not a valid glob.
    Pattern {
        /// The pattern as it was given.
        pattern: String,
        /// What is wrong with it, and where.
        why: String,
    },
    /// A pattern that no file matches.
    NoMatch {
        /// The pattern as it was given.
        pattern: String,
    },
    /// A path that does not exist.
    NotFound {
        /// The path as it was given.
        path: PathBuf,
    },
    /// A directory where a file is needed.
    IsDirectory {
        /// The path as it was given.
        path: PathBuf,
    },
    /// Standard input where it cannot serve: named twice, or to be followed.
    StandardInput {
        /// What to do instead.
        why: &'static str,
    },
    /// The operating system refused to open, list or watch it.
    Open {
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Reading failed after the file was opened.
    Read {
        /// The file.
        path: PathBuf,
        /// Byte offset in the file as it is stored.
        offset: u64,
        /// The system's error.
        source: io::Error,
    },
    /// Compressed data that ends early or does not decode.
    Damaged {
        /// The file.
        path: PathBuf,
        /// `"gzip"` or `"zstd"`.
        format: &'static str,
        /// Byte offset in the compressed file up to which the decoder had read.
        offset: u64,
        /// How many decoded bytes came before; all of them were handed on.
        decoded: u64,
        /// The decoder's error.
        source: io::Error,
    },
    /// The program's [`Recognize`](super::Recognize) function refused the file.
    Refused {
        /// The file.
        path: PathBuf,
        /// Its reason.
        why: String,
    },
    /// Following is not possible at all (out of inotify instances or watches, or not on this
    /// system).
    Watch {
        /// What was being done, and what to do.
        what: String,
        /// The system's error.
        source: io::Error,
    },
}

impl FileError {
    /// The file, directory or pattern in question, if there is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Pattern { pattern, .. } | Self::NoMatch { pattern } => Some(Path::new(pattern)),
            Self::NotFound { path }
            | Self::IsDirectory { path }
            | Self::Open { path, .. }
            | Self::Read { path, .. }
            | Self::Damaged { path, .. }
            | Self::Refused { path, .. } => Some(path),
            Self::StandardInput { .. } | Self::Watch { .. } => None,
        }
    }

    /// A short constant name of the kind, for counting.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Pattern { .. } => "bad pattern",
            Self::NoMatch { .. } => "no match",
            Self::NotFound { .. } => "not found",
            Self::IsDirectory { .. } => "is a directory",
            Self::StandardInput { .. } => "standard input",
            Self::Open { .. } => "cannot open",
            Self::Read { .. } => "cannot read",
            Self::Damaged { .. } => "damaged",
            Self::Refused { .. } => "refused",
            Self::Watch { .. } => "cannot watch",
        }
    }

    /// Sorts a system error on opening into the kind that says the most.
    pub(crate) fn opening(path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound { path },
            io::ErrorKind::IsADirectory => Self::IsDirectory { path },
            _ => Self::Open { path, source },
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pattern { pattern, why } => {
                write!(f, "'{pattern}' is not a valid pattern: {why}")
            }
            Self::NoMatch { pattern } => {
                write!(f, "no file matches '{pattern}'; check its directory and its spelling")
            }
            Self::NotFound { path } => write!(f, "'{}' does not exist", shown(path)),
            Self::IsDirectory { path } => {
                let path = shown(path);
                write!(
                    f,
                    "'{path}' is a directory; name the files in it, for example '{path}/*.log'"
                )
            }
            Self::StandardInput { why } => write!(f, "standard input ('-') {why}"),
            Self::Open { path, source } => write!(f, "cannot open '{}': {source}", shown(path)),
            Self::Read { path, offset, source } => {
                write!(f, "cannot read '{}' at byte {offset}: {source}", shown(path))
            }
            Self::Damaged { path, format, offset, decoded, source } => {
                let what = match source.kind() {
                    io::ErrorKind::UnexpectedEof => "ends early",
                    _ => "is damaged",
                };
                let path = shown(path);
                write!(
                    f,
                    "the {format} data of '{path}' {what} at byte {offset} ({source}); \
                     the {decoded} bytes decoded before that were read"
                )
            }
            Self::Refused { path, why } => write!(f, "'{}': {why}", shown(path)),
            Self::Watch { what, source } => write!(f, "{what}: {source}"),
        }
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Open { source, .. }
            | Self::Read { source, .. }
            | Self::Damaged { source, .. }
            | Self::Watch { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<FileError> for StartError {
    fn from(error: FileError) -> Self {
        Self::Input(error.to_string())
    }
}
