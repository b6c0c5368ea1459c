//! How jobs end, for those that count them.

/// How a worker left a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Done,
    Failed,
    Panicked,
    Cancelled,
    /// Somebody else ran it, or cancelled it and was counted for that.
    Elsewhere,
}
