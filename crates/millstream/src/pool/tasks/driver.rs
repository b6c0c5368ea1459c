//! A driver: one task of the runtime that polls many jobs, each with a waker of its own.
//!
//! To spawn and join a task of the runtime for each job would cost several times what the job does;
//! so a pool has one driver for each thread of the runtime, and jobs are futures in its set. A
//! driver takes jobs from the line, polls those that were woken, and sleeps when there is neither.
//! It keeps to the runtime's budget for one task, and lets others run when that is used up.

use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use tokio::task::{coop, yield_now};

use super::super::job_queue::{Entry, Occupied};
use super::super::outcome::Ended;
use super::core::Core;
use super::flight::{Flight, Tag};
use super::home::Home;
use super::job::Shared;
use super::state::{BATCH, Turn};
use crate::clock::stopwatch;
use crate::context::Cause;
use crate::panics;
use crate::scope::Ticket;
use crate::sync::Arc;

/// Polls before a driver lets others run, if its jobs do not use up the runtime's budget before.
const POLLS: usize = 256;
/// Jobs are quick if a batch of polls takes no longer.
const QUICK: Duration = Duration::from_micros(100);

pub(crate) struct Driver {
    core: Arc<Core>,
    slot: usize,
    home: Home,
    flight: Flight,
    /// What ended since the last turn.
    ended: Vec<Occupied<Shared>>,
    taken: Vec<Entry<Shared>>,
    /// Whether the jobs of the last batch were quick.
    is_quick: bool,
    /// Whether it came to its end, and not the runtime.
    is_finished: bool,
    ticket: Option<Ticket>,
}

impl Driver {
    pub(crate) fn new(core: &Arc<Core>, slot: usize, ticket: Ticket) -> Self {
        let counters = core.counter_set.of(core.counter_set.enter());
        Self {
            core: Arc::clone(core),
            slot,
            home: Home { about: Arc::clone(&core.about), counters },
            flight: Flight::new(),
            ended: Vec::new(),
            taken: Vec::new(),
            is_quick: true,
            is_finished: false,
            ticket: Some(ticket),
        }
    }

    /// Gives back what has finished and begins what may; sleeps if there is nothing to do and a
    /// waker to be woken by.
    fn turn(&mut self, sleeps: Option<&Waker>) -> Turn {
        let Self { core, slot, ended, taken, is_quick, .. } = self;
        let (turn, waker) = core.change(|state, wakes| {
            let waker = state.arrive(*slot);
            state.polls_fast = *is_quick;
            state.give_back(*slot, ended.drain(..), wakes);
            (state.turn(*slot, taken, sleeps), waker)
        });
        drop(waker);
        let mut taken = std::mem::take(&mut self.taken);
        taken.drain(..).for_each(|entry| self.begin(entry));
        self.taken = taken;
        turn
    }

    fn begin(&mut self, entry: Entry<Shared>) {
        let Entry { job, group, weight, since } = entry;
        let times = since.map(|since| Box::new((since, stopwatch())));
        let home = &self.home;
        let cause = group.as_ref().map_or(&home.about.ctx, |group| &group.ctx).cause();
        let occupied = Occupied { group, weight };
        if let Some(cause) = cause
            && panics::catch(&home.about.name, || job.cancel(&cause)).unwrap_or(true)
        {
            home.counters.count(Ended::Cancelled);
            self.ended.push(occupied);
            return;
        }
        self.flight.begin(job, Tag { occupied, times });
    }

    /// Polls a batch of what was woken; how many, and whether there are no more.
    fn poll_batch(&mut self, task: &mut TaskContext<'_>) -> (usize, bool) {
        let started = stopwatch();
        let mut polls = 0;
        let mut is_idle = false;
        while polls < BATCH && coop::has_budget_remaining() {
            let Poll::Ready(polled) = self.flight.poll_one(task, &self.home) else {
                is_idle = true;
                break;
            };
            polls += 1;
            let Some(Tag { occupied, times }) = polled else { continue };
            if let Some((since, started)) = times.map(|times| *times) {
                self.home
                    .counters
                    .time(started.saturating_duration_since(since), started.elapsed());
            }
            self.ended.push(occupied);
        }
        self.is_quick = started.elapsed() < QUICK;
        (polls, is_idle)
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<()> {
        let this = self.get_mut();
        let _here = Here::enter(this.home.about.id);
        let (mut polls, mut is_idle) = (0, false);
        loop {
            match this.turn(is_idle.then(|| task.waker())) {
                Turn::Go => {}
                Turn::Sleep => {
                    this.flight.shed();
                    return Poll::Pending;
                }
                Turn::Over => {
                    this.is_finished = true;
                    return Poll::Ready(());
                }
            }
            let polled;
            (polled, is_idle) = this.poll_batch(task);
            polls += polled;
            if !is_idle && (polls >= POLLS || !coop::has_budget_remaining()) {
                // Woken when the runtime has looked after its timers and other tasks.
                return pin!(yield_now()).poll(task);
            }
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let home = &self.home;
        let (core, slot) = (&self.core, &self.slot);
        if !self.is_finished {
            // The runtime ends: nothing will be run any more, and nobody is to wait for it.
            core.about.ctx.cancel(Cause::dropped());
        }
        let _here = Here::enter(core.about.id);
        for entry in self.taken.drain(..) {
            entry.job.abandon(home);
            self.ended.push(Occupied { group: entry.group, weight: entry.weight });
        }
        self.ended.extend(self.flight.abandon(home));
        drop(self.ticket.take());
        let ended = self.ended.drain(..);
        let waker = core.change(|state, wakes| {
            let waker = state.arrive(*slot);
            state.give_back(*slot, ended, wakes);
            state.leave(*slot);
            waker
        });
        drop(waker);
    }
}

thread_local! {
    /// The pool whose job this thread polls.
    static HERE: Cell<Option<u32>> = const { Cell::new(None) };
}

/// While it lives, this thread polls jobs of that pool.
struct Here(Option<u32>);

impl Here {
    fn enter(pool: u32) -> Self {
        Self(HERE.replace(Some(pool)))
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        HERE.set(self.0);
    }
}

/// Whether this is called by a job of that pool.
pub(crate) fn is_of(pool: u32) -> bool {
    HERE.get() == Some(pool)
}
