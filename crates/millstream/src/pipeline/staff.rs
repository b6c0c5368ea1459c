//! How many workers a team has, how many of them have nothing to do, and how many are too many.
//!
//! It counts. When there should be more or fewer workers decides [`crate::growth`].

use std::time::{Duration, Instant};

use crate::clock::stopwatch;
use crate::growth::{FIRST_LOOK, Growth, Registered, Threads, Verdict, View};
use crate::sync::Arc;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// The workers of one stage, counted.
#[derive(Debug)]
pub(crate) struct Staff {
    /// Whose threads the system is asked for; none where the number of workers is fixed.
    threads: Option<Arc<Threads>>,
    /// Worker threads, with those that are about to start.
    present: AtomicUsize,
    /// Those that are about to start. On a busy machine that takes a while, in which they wait for
    /// a core.
    starting: AtomicUsize,
    /// Those that look or wait for items.
    idle: AtomicUsize,
    /// The number of workers that stop once they have finished their items.
    surplus: AtomicUsize,
}

// Relaxed: counts, by which nothing is published. A worker that goes was asked to by an exchange,
// so none goes twice.
impl Staff {
    pub(crate) fn new(grows: bool) -> Self {
        Self {
            threads: grows.then(Arc::default),
            present: AtomicUsize::new(0),
            starting: AtomicUsize::new(0),
            idle: AtomicUsize::new(0),
            surplus: AtomicUsize::new(0),
        }
    }

    /// Counts the calling thread among those that the system is asked for, as long as the guard
    /// lives.
    pub(crate) fn register(&self) -> Option<Registered> {
        self.threads.as_ref().map(Threads::register)
    }

    /// A worker thread is about to be started.
    pub(crate) fn starts(&self) {
        self.present.fetch_add(1, Ordering::Relaxed);
        self.starting.fetch_add(1, Ordering::Relaxed);
    }

    /// The system has refused the thread.
    pub(crate) fn refused(&self) {
        self.present.fetch_sub(1, Ordering::Relaxed);
        self.starting.fetch_sub(1, Ordering::Relaxed);
    }

    /// The calling worker thread has started. It counts as present until the guard is dropped.
    pub(crate) fn started(&self) -> Present<'_> {
        let registered = self.register();
        self.starting.fetch_sub(1, Ordering::Relaxed);
        Present(self, registered)
    }

    /// Worker threads, with those that are about to start.
    pub(crate) fn present(&self) -> usize {
        self.present.load(Ordering::Relaxed)
    }

    /// Counts a worker as idle, as long as the guard lives.
    pub(crate) fn idle(&self) -> Idle<'_> {
        self.idle.fetch_add(1, Ordering::Relaxed);
        Idle(self)
    }

    pub(crate) fn has_idle(&self) -> bool {
        self.idle.load(Ordering::Relaxed) > 0
    }

    /// Whether the worker that asks is one of those that are to go.
    pub(crate) fn is_surplus(&self) -> bool {
        self.surplus.load(Ordering::Relaxed) > 0
            && self
                .surplus
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |surplus| {
                    surplus.checked_sub(1)
                })
                .is_ok()
    }
}

/// A worker thread that was started.
pub(crate) struct Present<'a>(&'a Staff, Option<Registered>);

impl Drop for Present<'_> {
    fn drop(&mut self) {
        drop(self.1.take());
        self.0.present.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A worker that looks or waits for items.
pub(crate) struct Idle<'a>(&'a Staff);

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        self.0.idle.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Who looks now and then whether the team should have more workers, or fewer.
#[derive(Debug)]
pub(crate) struct Looks {
    growth: Growth,
    next: Instant,
    least: usize,
    most: usize,
    served: u64,
}

/// Between two looks of which the first found nothing that waits.
const QUIET: Duration = Duration::from_millis(1);

impl Looks {
    /// For a team between a minimum and a maximum; none where they are the same.
    pub(crate) fn new(least: usize, most: usize) -> Option<Self> {
        (least < most).then(|| Self {
            growth: Growth::default(),
            next: stopwatch() + FIRST_LOOK,
            least,
            most,
            served: 0,
        })
    }

    /// How long until the next look.
    pub(crate) fn due_in(&self) -> Duration {
        self.next.saturating_duration_since(stopwatch())
    }

    /// Looks if it is time. `helpers` are at work beside the worker threads; `waiting` counts items
    /// that could be started, `served` those that were so far. How many workers are to be started.
    pub(crate) fn look(
        &mut self,
        staff: &Staff,
        helpers: usize,
        waiting: impl FnOnce() -> usize,
        served: u64,
    ) -> usize {
        let now = stopwatch();
        if now < self.next {
            return 0;
        }
        let view = View {
            waiting: waiting(),
            working: staff.present() + helpers,
            coming: staff.starting.load(Ordering::Relaxed),
            least: self.least,
            most: self.most,
            served: served - self.served,
        };
        self.served = served;
        let Verdict { start, leave, again } = self.growth.judge(&view, now, |enough| {
            staff.threads.as_ref().map_or(0, |threads| threads.running(enough))
        });
        self.next = now + again.unwrap_or(QUIET);
        staff.surplus.store(leave, Ordering::Relaxed);
        start
    }

    /// The system has refused a thread.
    pub(crate) fn refused(&mut self) {
        self.growth.refused(stopwatch());
    }
}
