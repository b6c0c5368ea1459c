//! What the lock of a pool of tasks guards: its line of jobs, and which driver is to take them. A
//! plain state machine.
//!
//! Invariants, true whenever the lock is free
//! 1. A job is in exactly one place: with its submitter, in `queue`, held back in its group, or
//!    with a driver.
//! 2. If a job could begin and a driver sleeps, one driver is on its way; or one is awake, jobs are
//!    quick to poll, and at most a batch of them waits. A driver that arrives takes its share and
//!    leaves this true, so a longer line wakes one after the other.
//! 3. A driver that is awake takes the lock before it sleeps, and falls asleep only when it could
//!    take nothing; so it misses no job.
//! 4. `line.staff` is the number of drivers that are not gone.

use std::ops::{Deref, DerefMut};
use std::task::Waker;

use super::super::job_queue::{Entry, JobQueue, Limits, Occupied};
use crate::waiters::Wakes;

/// How many jobs a driver takes in, or polls, between two looks at the line.
pub(crate) const BATCH: usize = 64;

enum Rest {
    Awake,
    Asleep(Waker),
    /// Woken by this pool and not here yet.
    Coming,
    Gone,
}

/// One driver.
struct DriverSlot {
    rest: Rest,
    running: usize,
}

/// What a driver does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It polls what it has.
    Go,
    /// It waits; it is woken when there is something to take.
    Sleep,
    /// Its life has finished. What it still has is dropped.
    Over,
}

pub(crate) struct State<J> {
    jobs: JobQueue<J>,
    slots: Vec<DriverSlot>,
    /// Whether jobs are quick to poll.
    pub(crate) polls_fast: bool,
    /// The pool is gone: jobs are dropped where they wait.
    pub(crate) dropped: bool,
}

impl<J> State<J> {
    pub(crate) fn new(limits: Limits, drivers: usize) -> Self {
        let mut line = JobQueue::new(limits);
        line.staff = drivers;
        let slots = (0..drivers).map(|_| DriverSlot { rest: Rest::Awake, running: 0 }).collect();
        Self { jobs: line, slots, polls_fast: true, dropped: false }
    }

    /// How many drivers there are now, and were at first.
    pub(crate) fn drivers(&self) -> (usize, usize) {
        (self.jobs.staff, self.slots.len())
    }

    /// A driver is here; its waker is to be dropped after the lock.
    pub(crate) fn arrive(&mut self, slot: usize) -> Option<Waker> {
        match std::mem::replace(&mut self.slots[slot].rest, Rest::Awake) {
            Rest::Asleep(waker) => Some(waker),
            Rest::Awake | Rest::Coming | Rest::Gone => None,
        }
    }

    /// Gives back what jobs of a driver occupied that have finished.
    pub(crate) fn give_back(
        &mut self,
        slot: usize,
        ended: impl Iterator<Item = Occupied<J>>,
        wakes: &mut Wakes,
    ) {
        for occupied in ended {
            self.jobs.finish(&occupied, wakes);
            self.slots[slot].running -= 1;
        }
    }

    /// What a driver does next; the jobs that it is to begin are put into `taken`. It sleeps only
    /// if it gives a waker.
    pub(crate) fn turn(
        &mut self,
        slot: usize,
        taken: &mut Vec<Entry<J>>,
        sleeps: Option<&Waker>,
    ) -> Turn {
        if self.dropped {
            return Turn::Over;
        }
        let share = if self.polls_fast {
            BATCH
        } else {
            self.queue.len().div_ceil(self.slots.len()).min(BATCH)
        };
        while taken.len() < share && self.busy < self.limits.most {
            let Some(entry) = self.take_head() else { break };
            self.slots[slot].running += 1;
            taken.push(entry);
        }
        match sleeps {
            _ if !taken.is_empty() => Turn::Go,
            _ if self.closed.is_some() && self.is_done() => Turn::Over,
            Some(waker) => {
                self.slots[slot].rest = Rest::Asleep(waker.clone());
                Turn::Sleep
            }
            None => Turn::Go,
        }
    }

    /// A driver ends; it has nothing in flight.
    pub(crate) fn leave(&mut self, slot: usize) {
        self.slots[slot].rest = Rest::Gone;
        self.jobs.staff -= 1;
    }

    /// Restores invariant 2 at the end of a locked section, and notifies those who wait of what has
    /// come true.
    #[inline]
    pub(crate) fn reconcile(&mut self, wakes: &mut Wakes) {
        if self.is_awaited() {
            self.report_room(0, 1, wakes);
        }
        self.report_idle(wakes);
        if self.dropped || (self.closed.is_some() && self.is_done()) {
            while self.wake_one(wakes) {}
            return;
        }
        if self.busy >= self.limits.most || !self.head_may_start() {
            return;
        }
        let is_coming = self.slots.iter().any(|slot| matches!(slot.rest, Rest::Coming));
        let is_near = self.polls_fast && self.queue.len() <= BATCH;
        if is_coming || (is_near && self.slots.iter().any(|slot| matches!(slot.rest, Rest::Awake)))
        {
            return;
        }
        self.wake_one(wakes);
    }

    /// Wakes the sleeping driver with the fewest jobs; false if none sleeps.
    fn wake_one(&mut self, wakes: &mut Wakes) -> bool {
        let sleeping = self.slots.iter_mut().filter(|slot| matches!(slot.rest, Rest::Asleep(_)));
        let Some(slot) = sleeping.min_by_key(|slot| slot.running) else { return false };
        if let Rest::Asleep(waker) = std::mem::replace(&mut slot.rest, Rest::Coming) {
            wakes.push(waker);
        }
        true
    }
}

impl<J> Deref for State<J> {
    type Target = JobQueue<J>;

    #[inline]
    fn deref(&self) -> &JobQueue<J> {
        &self.jobs
    }
}

impl<J> DerefMut for State<J> {
    #[inline]
    fn deref_mut(&mut self) -> &mut JobQueue<J> {
        &mut self.jobs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(most: usize, drivers: usize) -> State<u32> {
        let mut state = State::new(Limits { least: 0, most, queue: 1_000, permits: None }, drivers);
        for slot in 0..drivers {
            assert_eq!(state.turn(slot, &mut Vec::new(), Some(Waker::noop())), Turn::Sleep);
        }
        state
    }

    fn submit(state: &mut State<u32>, job: u32) {
        let mut entry = Some(Entry { job, group: None, weight: 1, since: None });
        state.submit(&mut entry, 0).unwrap();
        state.reconcile(&mut Wakes::new());
    }

    fn coming(state: &State<u32>) -> Vec<usize> {
        (0..state.slots.len())
            .filter(|&slot| matches!(state.slots[slot].rest, Rest::Coming))
            .collect()
    }

    #[test]
    fn the_driver_with_the_fewest_jobs_is_woken_first() {
        let mut state = state(10, 2);
        submit(&mut state, 1);
        assert_eq!(coming(&state), [0]);
        let mut taken = Vec::new();
        state.arrive(0);
        assert_eq!(state.turn(0, &mut taken, None), Turn::Go);
        assert_eq!(taken.len(), 1);
        assert_eq!(state.turn(0, &mut Vec::new(), Some(Waker::noop())), Turn::Sleep);
        submit(&mut state, 2);
        assert_eq!(coming(&state), [1]);
    }

    #[test]
    fn a_driver_that_is_awake_is_trusted_with_a_batch_of_quick_jobs_and_with_no_slow_one() {
        let mut state = state(1_000, 2);
        state.arrive(0);
        (0..BATCH as u32).for_each(|job| submit(&mut state, job));
        assert!(coming(&state).is_empty());
        submit(&mut state, 99);
        assert_eq!(coming(&state), [1]);
        state.arrive(1);
        let _slept = state.turn(1, &mut Vec::new(), Some(Waker::noop()));
        state.polls_fast = false;
        let mut taken = Vec::new();
        let _slept = state.turn(1, &mut taken, Some(Waker::noop()));
        submit(&mut state, 100);
        assert!(
            taken.len() <= BATCH / 2 + 1,
            "a slow driver leaves some to others: {}",
            taken.len()
        );
    }

    #[test]
    fn no_more_are_taken_than_may_run_whichever_driver_asks() {
        let mut state = state(3, 2);
        (0..9).for_each(|job| submit(&mut state, job));
        let mut taken = Vec::new();
        for slot in 0..2 {
            state.arrive(slot);
            state.turn(slot, &mut taken, None);
        }
        assert_eq!((taken.len(), state.busy), (3, 3));
        let ended =
            taken.drain(..1).map(|entry| Occupied { group: entry.group, weight: entry.weight });
        state.give_back(0, ended, &mut Wakes::new());
        state.turn(1, &mut taken, None);
        assert_eq!((taken.len(), state.busy), (3, 3));
    }
}
