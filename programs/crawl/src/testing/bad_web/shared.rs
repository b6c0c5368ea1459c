//! What all connections of a bad web know.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use millstream::Context;

/// What all connections know.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) ctx: Context,
    /// Requests by path, without the query.
    pub(super) hits: Mutex<HashMap<String, u64>>,
    /// Requests by path and query, for what is different the second time.
    pub(super) visits: Mutex<HashMap<String, u64>>,
    pub(super) connections: AtomicU64,
    pub(super) sent: AtomicU64,
}
