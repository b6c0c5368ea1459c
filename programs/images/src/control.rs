//! How a run is stopped, and how far it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// When to stop a run, and how far it is.
pub type Control = connect::Control<Arc<Progress>>;

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
