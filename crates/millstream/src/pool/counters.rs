//! What the workers count, each for itself, so that counting costs no cache line that another one
//! wants.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use slab::Slab;

use super::outcome::Ended;
use crate::pipeline::Recent;
use crate::sync::{Arc, Mutex};

/// One worker's numbers. Only its own thread writes them; a thread that has seen a job's result
/// sees them at least that new, because the result is handed over by a lock. So no ordering is
/// needed.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Counters {
    done: AtomicU64,
    failed: AtomicU64,
    panicked: AtomicU64,
    cancelled: AtomicU64,
    times: Mutex<Times>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Times {
    pub(crate) wait: Recent,
    pub(crate) run: Recent,
}

/// The sums of what ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) done: u64,
    pub(crate) failed: u64,
    pub(crate) panicked: u64,
    pub(crate) cancelled: u64,
    pub(crate) times: Times,
}

impl Totals {
    fn add(&mut self, counters: &Counters) {
        let read = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        self.done += read(&counters.done);
        self.failed += read(&counters.failed);
        self.panicked += read(&counters.panicked);
        self.cancelled += read(&counters.cancelled);
        let times = counters.times.lock();
        self.times.wait.add(&times.wait);
        self.times.run.add(&times.run);
    }
}

impl Counters {
    #[inline]
    pub(crate) fn count(&self, ended: Ended) {
        let cell = match ended {
            Ended::Done => &self.done,
            Ended::Failed => &self.failed,
            Ended::Panicked => &self.panicked,
            Ended::Cancelled => &self.cancelled,
            Ended::Elsewhere => return,
        };
        cell.store(cell.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    pub(crate) fn time(&self, waited: Duration, ran: Duration) {
        let mut times = self.times.lock();
        times.wait.record(waited);
        times.run.record(ran);
    }
}

/// The counters of all workers that live, by number, and the sum of those that are gone.
#[derive(Debug, Default)]
pub(crate) struct CounterSet {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    living: Slab<Arc<Counters>>,
    past: Totals,
}

impl CounterSet {
    /// The number of a new worker: the lowest that is free, from 1 on.
    pub(crate) fn enter(&self) -> usize {
        self.inner.lock().living.insert(Arc::default()) + 1
    }

    pub(crate) fn of(&self, number: usize) -> Arc<Counters> {
        Arc::clone(&self.inner.lock().living[number - 1])
    }

    pub(crate) fn leave(&self, number: usize) {
        let mut inner = self.inner.lock();
        let counters = inner.living.remove(number - 1);
        inner.past.add(&counters);
    }

    pub(crate) fn totals(&self) -> Totals {
        let inner = self.inner.lock();
        let mut totals = inner.past.clone();
        inner.living.iter().for_each(|(_, counters)| totals.add(counters));
        totals
    }
}
