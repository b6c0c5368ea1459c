//! What checks read, and what they say.

use std::fmt;

use super::lexer::{self, Split};

/// One thing to put right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// Relative to the root.
    pub(super) path: String,
    /// From 1; 0 means the file as a whole.
    pub(super) line: usize,
    pub(super) what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.what),
            line => write!(f, "{}:{line}: {}", self.path, self.what),
        }
    }
}

/// A Rust file, as it is and split into code and comments.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: String,
    pub(super) text: String,
    pub(super) split: Split,
}

impl Source {
    pub(super) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        Source { path: path.into(), split: lexer::split(&text), text }
    }

    pub(super) fn finding(&self, line: usize, what: impl Into<String>) -> Finding {
        Finding { path: self.path.clone(), line, what: what.into() }
    }
}
