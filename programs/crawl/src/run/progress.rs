//! How far a run is, for a progress display.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::page::{ErrorKind, Page};

/// A view of a run that can be looked at while it runs; clones show the same run.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Mutex<Now>>);

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Now {
    /// URLs that were visited and gave a page.
    pub pages: u64,
    /// URLs that gave none.
    pub failed: u64,
    /// Bytes of bodies.
    pub bytes: u64,
    /// URLs that are still to be visited.
    pub left: u64,
    /// Requests under way.
    pub in_flight: u64,
    /// Hosts that were found.
    pub hosts: u64,
    /// Hosts with something to do.
    pub hosts_active: u64,
    /// Failures by kind.
    pub failures: BTreeMap<ErrorKind, u64>,
}

impl Progress {
    /// How far the run is.
    #[must_use]
    pub fn now(&self) -> Now {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn add(&self, page: &Page) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        now.bytes += page.bytes;
        now.left = now.left.saturating_sub(1);
        match page.error {
            Some(kind) => {
                now.failed += 1;
                *now.failures.entry(kind).or_default() += 1;
            }
            None => now.pages += 1,
        }
    }

    pub(super) fn stand(&self, left: u64, in_flight: u64, hosts: u64, active: u64) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (now.left, now.in_flight, now.hosts, now.hosts_active) = (left, in_flight, hosts, active);
    }
}
