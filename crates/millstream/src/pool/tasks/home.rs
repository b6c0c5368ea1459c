//! What the jobs of one driver have in common.

use super::super::about::About;
use super::super::counters::Counters;
use crate::sync::Arc;

/// The pool of a job, and the numbers of the driver that polls it.
pub(crate) struct Home {
    pub(crate) about: Arc<About>,
    pub(crate) counters: Arc<Counters>,
}
