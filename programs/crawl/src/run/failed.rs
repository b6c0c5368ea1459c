//! How a visit failed that is made again.

use crate::page::ErrorKind;

/// How a URL failed that is tried again: what its row says if that never happens.
pub(super) struct Failed {
    pub(super) status: Option<u16>,
    pub(super) kind: ErrorKind,
    pub(super) message: String,
}
