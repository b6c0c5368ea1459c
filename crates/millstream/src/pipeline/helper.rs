//! The consumer's thread as one more worker of its team, while it has nothing to hand on.
//!
//! A thread that only serves sleeps between two chunks, and each time it wakes it takes a core from
//! a worker: a tenth of the time on two cores. So where items are cheap it works on a chunk itself
//! instead of waiting, and the team has one thread less. It never waits here: not for the input,
//! not for another worker, not for room. And it works on no item that is known to take long,
//! because what is finished meanwhile would wait for it.

use super::flow::Pull;
use super::step::Step;
use super::team::{Member, Team};
use crate::panics;

/// A consumer that works on items slower than this, in nanoseconds, would keep what is finished
/// waiting.
const SLOW_NS: u64 = 20_000;
/// Chunks handed on, one after the other, after which a consumer has no time to help.
const BUSY: u32 = 64;

/// What the consumer could do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Helped {
    /// It worked on a chunk, or found out that there are no more.
    Yes,
    /// Another worker reads, or there is no room: what is next is on its way.
    NotNow,
    /// Reading may wait. That is not for the consumer.
    Never,
}

/// The consumer as a worker.
pub(crate) struct Helper<P: Pull, S: Step<P::Item>> {
    worker: Member<P, S>,
    /// Chunks handed on since it helped last.
    served: u32,
    _registered: Option<crate::growth::Registered>,
}

impl<P: Pull, S: Step<P::Item>> Helper<P, S> {
    /// A chunk was handed on.
    pub(crate) fn served(&mut self) {
        self.served += 1;
    }
}

impl<P: Pull, S: Step<P::Item>> Team<P, S> {
    /// The calling thread as a worker of the team.
    pub(crate) fn helper(&self, state: S::State, counts: S::Counts) -> Helper<P, S> {
        Helper { worker: self.join(state, counts), served: 0, _registered: self.staff.register() }
    }

    /// Works on a chunk if nothing is there to be handed on. `Never`: one more worker is worth
    /// more.
    pub(crate) fn helped(&self, helper: &mut Helper<P, S>) -> Helped {
        if self.cost.get() > SLOW_NS || helper.served > BUSY {
            return Helped::Never;
        }
        if self.window.has_next() { Helped::NotNow } else { self.help(helper) }
    }

    /// Works on one chunk, if that can be started at once.
    #[cold]
    pub(crate) fn help(&self, helper: &mut Helper<P, S>) -> Helped {
        helper.served = 0;
        let caught = panics::catch("pipeline", || self.lend_a_hand(&mut helper.worker));
        self.publish(&mut helper.worker);
        caught.unwrap_or_else(|panic| {
            self.run.panicked(panic);
            Helped::NotNow
        })
    }

    fn lend_a_hand(&self, worker: &mut Member<P, S>) -> Helped {
        let Some(mut intake) = self.intake.try_lock() else { return Helped::NotNow };
        if intake.is_finished() {
            drop(intake);
            return if self.take_over(worker) && self.work_off(worker) {
                Helped::Yes
            } else {
                Helped::NotNow
            };
        }
        let room = self.window.room(self.ahead(&intake));
        if room == 0 {
            return Helped::NotNow;
        }
        if !intake.source.ready() {
            return Helped::Never;
        }
        let found = self.read(&mut intake, None, worker, room);
        let over = intake.is_finished();
        drop(intake);
        if found {
            self.work_off(worker);
        }
        // Without items: a boundary before this one wants threads, which only a worker can give it.
        if found || over { Helped::Yes } else { Helped::NotNow }
    }

    /// The consumer helps no more.
    pub(crate) fn dismiss(&self, mut helper: Helper<P, S>) {
        self.leave(&mut helper.worker);
    }
}
