//! What a job needs to know of its pool.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::context::Context;
use crate::sync::Arc;

/// A pool without its queue and its workers.
pub(crate) struct About {
    pub(crate) id: u32,
    pub(crate) name: Arc<str>,
    /// Cancelled when the pool is aborted.
    pub(crate) ctx: Context,
}

impl About {
    pub(crate) fn new(ctx: &Context, name: Arc<str>) -> Arc<Self> {
        Arc::new(Self { id: pool_number(), name, ctx: ctx.child() })
    }
}

/// Gives every pool of the process a number of its own, as long as it makes fewer than four
/// billions.
fn pool_number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    // Only that no number comes twice counts.
    NEXT.fetch_add(1, Ordering::Relaxed)
}
