//! What workers report to the coordinator.

use crate::fetch::Capture;
use crate::frontier::{Done, Found};

/// What workers report.
pub(super) enum Event {
    /// A visit has finished.
    Done(Box<Done>, Option<Box<Capture>>),
    /// Sitemaps named these.
    Found(Vec<Found>),
}
