//! How a run is stopped, and how far it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use millstream::Context;

/// When to stop, and who looks on.
#[derive(Clone, Debug, Default)]
pub struct Control {
    /// Cancelling it gives up what has not started; an image that is being compressed is finished.
    pub ctx: Context,
    /// Cancelling it begins no more images.
    pub drain: Context,
    /// How long an image that is being compressed may take after `ctx` was cancelled; without one,
    /// as long as it takes.
    ///
    /// Codecs cannot be interrupted. One that takes longer is given up: nothing is written for it,
    /// and its thread goes on until the process ends.
    pub grace: Option<Duration>,
    /// How far the run is.
    pub progress: Arc<Progress>,
}

/// How far a run is. All numbers only grow; the first two are zero until the files have been
/// listed.
#[derive(Debug, Default)]
pub struct Progress {
    /// Files in all.
    pub files: AtomicU64,
    /// Their bytes.
    pub bytes: AtomicU64,
    /// Files that are done with, one way or another.
    pub files_done: AtomicU64,
    /// Their bytes.
    pub bytes_done: AtomicU64,
}

impl Progress {
    pub(crate) fn done(&self, bytes: u64) {
        // Relaxed: nothing but numbers for a bar depends on it.
        self.files_done.fetch_add(1, Ordering::Relaxed);
        self.bytes_done.fetch_add(bytes, Ordering::Relaxed);
    }
}
