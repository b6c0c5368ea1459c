//! How long jobs are, in classes: what a pool does to save wake-ups depends on it. Nothing is
//! decided here.

use std::time::Duration;

use crate::sync::atomic::{AtomicU8, Ordering};

/// The class of a job's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobLength {
    /// Short beside a wake-up: one in sixteen has its times measured.
    Short,
    /// Up to a few wake-ups: submitters are not woken for each free place.
    Medium,
    /// Longer.
    Long,
}

impl JobLength {
    fn of(ran: Duration) -> Self {
        match ran {
            ran if ran < Duration::from_micros(10) => Self::Short,
            ran if ran < Duration::from_micros(100) => Self::Medium,
            _ => Self::Long,
        }
    }
}

/// The class of the job that was measured last. A hint, so `Relaxed` is enough: nothing else is
/// published by it.
#[derive(Debug)]
pub(crate) struct LastLength(AtomicU8);

impl LastLength {
    /// As if the last job had been long.
    pub(crate) fn new() -> Self {
        Self(AtomicU8::new(JobLength::Long as u8))
    }

    #[inline]
    pub(crate) fn get(&self) -> JobLength {
        match self.0.load(Ordering::Relaxed) {
            0 => JobLength::Short,
            1 => JobLength::Medium,
            _ => JobLength::Long,
        }
    }

    /// Notes how long a job ran.
    pub(crate) fn measured(&self, ran: Duration) {
        // To a model every run would take another time: there, the model says what is long.
        if cfg!(not(loom)) {
            self.set(JobLength::of(ran));
        }
    }

    /// Written only when it changes: every worker reads it, and a write takes the cache line away
    /// from them.
    pub(crate) fn set(&self, length: JobLength) {
        if self.get() != length {
            self.0.store(length as u8, Ordering::Relaxed);
        }
    }
}
