//! What all parsers share: the time that completes times, what the beginning of a line says, the
//! byte order mark.

use crate::level::Level;
use crate::time::Timestamp;

/// What a parser needs besides the text.
#[derive(Debug)]
pub(crate) struct Context {
    /// Completes times that lack a year or a date.
    pub(crate) now: Timestamp,
    pub(crate) minute: crate::time::MinuteCache,
}

/// What the first bytes of a line say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// It continues the record before.
    No,
    /// It begins a record.
    Yes,
    /// It begins a record of this level.
    Level(Level),
}

/// The text without a byte order mark, which some programs write at the start of a file.
#[inline]
pub(crate) fn skip_bom(text: &[u8]) -> &[u8] {
    match text {
        [0xef, 0xbb, 0xbf, rest @ ..] => rest,
        _ => text,
    }
}
