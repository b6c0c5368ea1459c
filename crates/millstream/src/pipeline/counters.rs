//! What a run counts: plain numbers inside a burst, shared atomics beside it, one pair a stage.
//!
//! Inside a burst a stage adds to a [`Counts`] that lives on the stack, so that the optimiser keeps
//! it in registers; afterwards the sums move to the shared [`Counters`], where a live view can read
//! them. Only what changes the number of items is counted. What went in and out follows from it,
//! and is checked against the independent count of the next boundary (see [`crate::report`]).

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use super::histogram::Recent;
use super::waits::Open;

/// How the number of items changed in one stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Wraps: a stage that takes more items than it hands on has made less than none.
    pub(crate) made: u64,
    pub(crate) filtered: u64,
    pub(crate) skipped: u64,
    pub(crate) failed: u64,
}

impl AddAssign for Counts {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        self.made = self.made.wrapping_add(other.made);
        self.filtered += other.filtered;
        self.skipped += other.skipped;
        self.failed += other.failed;
    }
}

/// The counts of one step, or of a chain of them.
pub trait ChainCounts: Copy + Default + Send {
    /// Adds another chain's counts to this one's.
    fn add(&mut self, other: Self);
    /// Moves the counts to the shared counters from `at` on.
    fn publish(&mut self, stages: &Stages, at: usize);
}

impl ChainCounts for () {
    fn add(&mut self, (): Self) {}
    fn publish(&mut self, _: &Stages, _: usize) {}
}

impl ChainCounts for Counts {
    #[inline(always)]
    fn add(&mut self, other: Self) {
        *self += other;
    }

    fn publish(&mut self, stages: &Stages, at: usize) {
        stages.all[at].add(std::mem::take(self));
    }
}

impl<A: ChainCounts> ChainCounts for (A, Counts) {
    #[inline(always)]
    fn add(&mut self, other: Self) {
        self.0.add(other.0);
        self.1 += other.1;
    }

    fn publish(&mut self, stages: &Stages, at: usize) {
        self.1.publish(stages, at);
        // A chain grows to the right, so the step before this one is the stage before this one.
        self.0.publish(stages, at.saturating_sub(1));
    }
}

/// One stage's counts as every thread of the run sees them.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) entered: AtomicU64,
    pub(crate) left: AtomicU64,
    pub(crate) made: AtomicU64,
    pub(crate) filtered: AtomicU64,
    pub(crate) skipped: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) cancelled: AtomicU64,
    pub(crate) wait_in_ns: AtomicU64,
    pub(crate) wait_out_ns: AtomicU64,
    pub(crate) busy_ns: AtomicU64,
    /// Waits that have not ended: for items, and for what follows.
    pub(crate) open_in: Open,
    pub(crate) open_out: Open,
    /// Workers at most, and now if their number changes.
    pub(crate) workers: AtomicUsize,
    pub(crate) workers_now: AtomicUsize,
    /// How many items may be held here; 0 where nothing is said.
    pub(crate) bound: AtomicU64,
    /// Set by a stage that counts in `entered` what comes in; for the others it follows from the
    /// stage before.
    pub(crate) counts_in: AtomicBool,
    /// Set by a stage that counts in `left` what goes out; for the others it follows from what
    /// became of the rest.
    pub(crate) counts_out: AtomicBool,
    details: Mutex<Details>,
}

/// What is touched rarely: errors, and one sampled item in many.
#[derive(Debug, Default)]
struct Details {
    errors: BTreeMap<Arc<str>, (u64, String)>,
    /// The first samples as they are: a short run allocates nothing in the middle of what it
    /// gathers.
    first: [Duration; FEW],
    firsts: usize,
    times: Option<Box<Recent>>,
}

/// The number of samples kept without a histogram.
const FEW: usize = 4;

impl Details {
    fn sample(&mut self, took: Duration) {
        if self.firsts < FEW {
            self.first[self.firsts] = took;
            self.firsts += 1;
        } else {
            self.times.get_or_insert_default().record(took);
        }
    }

    fn times(&self) -> Recent {
        let mut all = self.times.as_deref().cloned().unwrap_or_default();
        self.first[..self.firsts].iter().for_each(|took| all.record(*took));
        all
    }
}

/// One kind of error of one stage: how often, and what the first one said.
pub(crate) type ErrorKinds = Vec<(Arc<str>, u64, String)>;

// Relaxed everywhere: these are statistics. The final report is read after every worker was joined,
// and a join orders all that the worker did before it.
impl Counters {
    fn add(&self, counts: Counts) {
        let Counts { made, filtered, skipped, failed } = counts;
        for (cell, n) in [
            (&self.made, made),
            (&self.filtered, filtered),
            (&self.skipped, skipped),
            (&self.failed, failed),
        ] {
            if n != 0 {
                cell.fetch_add(n, Ordering::Relaxed);
            }
        }
    }

    /// Counts an error by kind and keeps the first text of each kind.
    #[cold]
    pub(crate) fn error(&self, kind: &str, count: u64, sample: impl FnOnce() -> String) {
        let mut details = lock(&self.details);
        if let Some(known) = details.errors.get_mut(kind) {
            known.0 += count;
        } else {
            details.errors.insert(Arc::from(kind), (count, sample()));
        }
    }

    /// Keeps the time that one sampled item took.
    pub(crate) fn sample(&self, took: Duration) {
        lock(&self.details).sample(took);
    }

    pub(crate) fn errors(&self) -> ErrorKinds {
        lock(&self.details)
            .errors
            .iter()
            .map(|(kind, (count, sample))| (Arc::clone(kind), *count, sample.clone()))
            .collect()
    }

    pub(crate) fn times(&self) -> Recent {
        lock(&self.details).times()
    }
}

/// All stages of one run, in the order of the flow.
#[derive(Debug)]
pub struct Stages {
    pub(crate) all: Box<[Counters]>,
    pub(crate) names: Box<[&'static str]>,
}

impl Stages {
    pub(crate) fn new(names: Vec<&'static str>) -> Self {
        Self { all: names.iter().map(|_| Counters::default()).collect(), names: names.into() }
    }
}

/// Counts on the stack for one burst; dropping it, also while unwinding, adds them to the owner's.
pub(crate) struct Burst<'a, C: ChainCounts> {
    pub(crate) counts: C,
    total: &'a mut C,
}

impl<'a, C: ChainCounts> Burst<'a, C> {
    #[inline(always)]
    pub(crate) fn of(total: &'a mut C) -> Self {
        Self { counts: C::default(), total }
    }
}

impl<C: ChainCounts> Drop for Burst<'_, C> {
    #[inline(always)]
    fn drop(&mut self) {
        self.total.add(self.counts);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
