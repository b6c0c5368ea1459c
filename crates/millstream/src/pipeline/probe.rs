//! A stage's door to its counters: the user's code for one item runs behind it, timed if the item
//! is a sample, counted as failed if it panics.

use std::sync::Arc;
use std::time::Instant;

use super::counters::{Counters, Counts};
use super::run::Run;

/// A stage's own door to its counters: one sampled item in many is timed, errors are counted by
/// kind.
#[derive(Clone, Debug)]
pub struct Probe {
    pub(crate) run: Arc<Run>,
    pub(crate) at: usize,
}

impl Probe {
    pub(crate) fn counters(&self) -> &Counters {
        &self.run.stages.all[self.at]
    }

    /// Ends the run with this stage's error.
    #[cold]
    pub(crate) fn fail(&self, error: crate::BoxError) {
        self.run.fail(self.at, error);
    }

    /// Runs the user's code for one item: timed if this item is a sample, counted as failed if it
    /// panics.
    #[inline(always)]
    pub(crate) fn call<const TIMED: bool, R>(
        &self,
        counts: &mut Counts,
        f: impl FnOnce() -> R,
    ) -> R {
        let fuse = Fuse { counts, probe: self };
        let result = if TIMED {
            let start = crate::clock::stopwatch();
            let result = f();
            self.sampled(start);
            result
        } else {
            f()
        };
        fuse.defuse();
        result
    }

    /// Runs the user's code that belongs to no item, such as the making of a state: a panic is
    /// noted as this stage's.
    pub(crate) fn prepare<R>(&self, f: impl FnOnce() -> R) -> R {
        let mut counts = Counts::default();
        self.call::<false, _>(&mut counts, f)
    }

    #[cold]
    fn sampled(&self, start: Instant) {
        self.counters().sample(start.elapsed());
    }

    #[cold]
    pub(crate) fn panicked(&self) {
        Run::panicked_at(self.at);
    }
}

/// Counts the item in hand as failed when the user's code unwinds.
struct Fuse<'a> {
    counts: &'a mut Counts,
    probe: &'a Probe,
}

impl Fuse<'_> {
    #[inline(always)]
    #[expect(
        clippy::mem_forget,
        reason = "it holds only references; forgetting is what keeps the path without a panic free"
    )]
    fn defuse(self) {
        std::mem::forget(self);
    }
}

impl Drop for Fuse<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.counts.failed += 1;
        self.probe.panicked();
    }
}
