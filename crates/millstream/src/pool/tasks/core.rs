//! What all parts of a pool of tasks share: the lock with the state in it, and what is done after
//! it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::super::about::About;
use super::super::core::report_swept;
use super::super::counters::CounterSet;
use super::super::group_state::GroupState;
use super::super::job_queue::{JobQueue, Submit};
use super::job::Shared;
use super::state::State;
use crate::clock::stopwatch;
use crate::context::{Cause, Context};
use crate::sync::{Arc, Mutex};
use crate::waiters::Wakes;

/// The times of the first jobs, up to this number, are measured, then those of one in this number.
const SAMPLES: u64 = 64;
const SAMPLE_EVERY: u64 = 16;

pub(crate) struct Core {
    pub(crate) state: Mutex<State<Shared>>,
    pub(crate) about: Arc<About>,
    pub(crate) counter_set: CounterSet,
    prepared: AtomicU64,
}

impl Core {
    pub(crate) fn new(ctx: &Context, name: Arc<str>, state: State<Shared>) -> Self {
        Self {
            state: Mutex::new(state),
            about: About::new(ctx, name),
            counter_set: CounterSet::default(),
            prepared: AtomicU64::new(0),
        }
    }

    /// When a job comes, if its times are to be measured.
    pub(crate) fn sample(&self) -> Option<std::time::Instant> {
        // Which ones are measured is of no importance, so their order is not either.
        let number = self.prepared.fetch_add(1, Ordering::Relaxed);
        (number < SAMPLES || number.is_multiple_of(SAMPLE_EVERY)).then(stopwatch)
    }

    /// Changes the state, settles it, and wakes whom that concerns.
    #[inline]
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut State<Shared>, &mut Wakes) -> R) -> R {
        let mut wakes = Wakes::new();
        let mut state = self.state.lock();
        let result = change(&mut state, &mut wakes);
        state.reconcile(&mut wakes);
        drop(state);
        wakes.wake();
        result
    }

    /// Cancels what has not started: of a group, or all.
    pub(crate) fn sweep(&self, which: Option<&Arc<GroupState<Shared>>>, cause: &Cause) {
        let swept = self.change(|state, wakes| state.sweep(wakes, which, None));
        report_swept(&self.about.name, swept, |job| job.cancel(cause));
    }
}

impl Submit<Shared> for Arc<Core> {
    fn with_line<R>(&self, change: impl FnOnce(&mut JobQueue<Shared>, usize) -> R) -> R {
        self.change(|state, _| change(state, 0))
    }
}
