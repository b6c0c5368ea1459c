//! What happens while reading that is not a record.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// A file that was started, and what was found out about it; once more if more of it gives
/// otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Seen {
    /// Its path as [text without a loss](connect::paths::escaped), `-` for standard input.
    pub path: String,
    /// The name of its format.
    pub format: String,
    /// How many of the first lines the format fits, and how many there were.
    pub fits: (usize, usize),
}

/// What happened while reading that is not a record.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A file was started.
    Began(Seen),
    /// Reading begins: how many bytes the files have as they are stored (0 if that is not known),
    /// and a live count of those that were read.
    Reading {
        /// All bytes.
        bytes: u64,
        /// Bytes read so far.
        read: Arc<AtomicU64>,
    },
    /// A file could not be read to its end, or not at all; the others are read on.
    Failed(String),
    /// A followed file was opened, rotated, truncated.
    Notice(String),
}

/// Called with every [`Event`], from whichever thread it happens on.
pub type Listener = Arc<dyn Fn(Event) + Send + Sync>;
