//! What a sink has done, readable while the sink itself is inside a running pipeline.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A handle on the counters of one sink; clones share them.
///
/// The counters are written by the one thread that runs the sink and only ever grow, so reading
/// them needs no order.
#[derive(Clone, Debug, Default)]
pub struct SinkCounts {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    rows: AtomicU64,
    refused: AtomicU64,
    lossy: AtomicU64,
    reconnects: AtomicU64,
}

impl SinkCounts {
    /// Rows stored: committed, or handed to the operating system for files.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.inner.rows.load(Ordering::Relaxed)
    }

    /// Rows that the database refused and that went to the handler of refused rows instead.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.inner.refused.load(Ordering::Relaxed)
    }

    /// Cells in which something had to be replaced: a NUL, or bytes that were not UTF-8.
    #[must_use]
    pub fn lossy(&self) -> u64 {
        self.inner.lossy.load(Ordering::Relaxed)
    }

    /// How often a lost connection was made again.
    #[must_use]
    pub fn reconnects(&self) -> u64 {
        self.inner.reconnects.load(Ordering::Relaxed)
    }

    pub(crate) fn add_rows(&self, n: u64) {
        self.inner.rows.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn add_refused(&self, n: u64) {
        self.inner.refused.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn add_lossy(&self, n: u64) {
        self.inner.lossy.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn add_reconnect(&self) {
        self.inner.reconnects.fetch_add(1, Ordering::Relaxed);
    }
}
