//! A clock that stands still until a test advances it.
//!
//! Alarms fire on the thread that calls `advance`, one at a time in the order of their moments,
//! with no lock held. While one fires, `now` is its moment.

use std::panic::AssertUnwindSafe;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::alarms::{Alarm, Alarms, Key};

/// Where the wall time of a manual clock begins: 2000-01-01T00:00:00Z, the same in each run.
const WALL_START: Duration = Duration::from_secs(946_684_800);

pub(super) struct Manual {
    start: Instant,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    now: Instant,
    /// The sum of all advances: where `now` will be when those that run now have finished.
    goal: Instant,
    alarms: Alarms,
}

impl Manual {
    pub(super) fn new() -> Self {
        let start = super::real::now();
        let state = State { now: start, goal: start, alarms: Alarms::new() };
        Self { start, state: Mutex::new(state), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Instant {
        self.lock().now
    }

    pub(super) fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + WALL_START + self.now().duration_since(self.start)
    }

    pub(super) fn insert(&self, at: Instant, alarm: Alarm) -> Key {
        let key = self.lock().alarms.insert(at, alarm);
        self.changed.notify_all();
        key
    }

    pub(super) fn with_alarms<R>(&self, f: impl FnOnce(&mut Alarms) -> R) -> R {
        f(&mut self.lock().alarms)
    }

    pub(super) fn advance(&self, by: Duration) {
        let mut state = self.lock();
        let goal = state.goal.checked_add(by).unwrap_or(state.goal);
        state.goal = goal;
        while let Some((at, alarm)) = state.alarms.take_due(goal) {
            state.now = state.now.max(at);
            drop(state);
            // The panic hook has printed what went wrong; the alarms behind this one are owed their
            // turn.
            let _ = std::panic::catch_unwind(AssertUnwindSafe(|| alarm.fire()));
            state = self.lock();
        }
        state.now = state.now.max(goal);
    }

    pub(super) fn wait_for_sleepers(&self, count: usize) {
        let mut state = self.lock();
        while state.alarms.sleeps() < count {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
