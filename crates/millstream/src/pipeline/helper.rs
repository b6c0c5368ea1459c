//! The consumer's thread as one more worker of its team, while it has nothing to hand on.
//!
//! A thread that only serves sleeps between two chunks, and each time it wakes it takes a core from a worker: a tenth of
//! the time on two cores. So where items are cheap it works on a chunk itself instead of waiting, and the team has one
//! thread less. It never waits here: not for the input, not for another worker, not for room. And it works on no item
//! that takes long, because what is finished meanwhile would wait for it.

use std::time::Duration;

use super::flow::Pull;
use super::step::Step;
use super::team::{Team, Worker};
use crate::panics;

/// A consumer that works on items slower than this would keep what is finished waiting.
const SLOW: Duration = Duration::from_micros(20);
/// Chunks handed on, one after the other, after which a consumer has no time to help.
const BUSY: u32 = 64;

/// What the consumer could do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Helped {
    /// It worked on a chunk, or found out that there are no more.
    Yes,
    /// Somebody else reads, or there is no room: what is next is on its way.
    NotNow,
    /// Reading may wait. That is not for the consumer.
    Never,
}

/// The consumer as a worker.
pub(crate) struct Helper<In, S, C> {
    worker: Worker<In, S, C>,
    /// Chunks handed on since it helped last.
    served: u32,
}

impl<In, S, C> Helper<In, S, C> {
    pub(crate) fn new(worker: Worker<In, S, C>) -> Self {
        Self { worker, served: 0 }
    }

    /// Whether its help is worth less than one more worker: items are slow, or it has no time.
    pub(crate) fn is_overdue(&self) -> bool {
        self.worker.per_item() > SLOW || self.served > BUSY
    }

    /// A chunk was handed on.
    pub(crate) fn served(&mut self) {
        self.served += 1;
    }
}

impl<P: Pull, S: Step<P::Item>> Team<P, S> {
    /// Works on a chunk if nothing is there to be handed on. `Never`: one more worker is worth more.
    pub(crate) fn helped(&self, helper: &mut Helper<P::Item, S::State, S::Counts>) -> Helped {
        if helper.is_overdue() {
            return Helped::Never;
        }
        if self.window.has_next() { Helped::NotNow } else { self.help(helper) }
    }

    /// Works on one chunk, if that can be begun at once.
    #[cold]
    pub(crate) fn help(&self, helper: &mut Helper<P::Item, S::State, S::Counts>) -> Helped {
        helper.served = 0;
        let mut out = Vec::new();
        let caught = panics::catch("pipeline", || self.lend_a_hand(&mut helper.worker, &mut out));
        self.settle(&mut helper.worker, &out);
        self.publish(&mut helper.worker);
        caught.unwrap_or_else(|panic| {
            self.run.panicked(panic);
            Helped::NotNow
        })
    }

    fn lend_a_hand(
        &self,
        worker: &mut Worker<P::Item, S::State, S::Counts>,
        out: &mut Vec<S::Out>,
    ) -> Helped {
        let Some(mut intake) = self.intake.try_lock() else { return Helped::NotNow };
        if intake.is_over() || !self.window.has_room(intake.chunks) {
            return Helped::NotNow;
        }
        if !intake.source.ready() {
            return Helped::Never;
        }
        let number = self.read(&mut intake, None, worker);
        let over = intake.is_over();
        drop(intake);
        match number {
            Some(number) => {
                self.work_on(number, worker, out);
                Helped::Yes
            }
            None if over => Helped::Yes,
            // A boundary before this one wants threads, which only a worker can give it.
            None => Helped::NotNow,
        }
    }

    /// The consumer helps no more.
    pub(crate) fn dismiss(&self, helper: Helper<P::Item, S::State, S::Counts>) {
        let mut worker = helper.worker;
        self.step.abandon(&mut worker.state);
        self.publish(&mut worker);
    }
}
