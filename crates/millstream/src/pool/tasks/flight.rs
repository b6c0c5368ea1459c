//! The jobs of one driver that have started, of which only those that were woken are polled.
//!
//! The set of `in_flight`, for jobs that share their memory with their handles anyway: a job is its
//! own waker, so that all of it lies in two allocations, its future and the rest. With tens of
//! thousands of jobs the processor's cache is what is expensive.
//!
//! A place that is used again may still be noted as woken by the job before: this costs one poll
//! more.

use std::collections::VecDeque;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Instant;

use slab::Slab;

use super::super::job_queue::Occupied;
use super::home::Home;
use super::job::Shared;
use crate::in_flight::ReadyQueue;
use crate::panics;
use crate::sync::Arc;

pub(super) struct Flight {
    jobs: Slab<Started>,
    /// Those that were never polled.
    fresh: VecDeque<usize>,
    /// Those that were woken, the next one last. They and the fresh ones are polled before it is
    /// looked who was woken meanwhile.
    turn: Vec<usize>,
    ready: Arc<ReadyQueue>,
}

struct Started {
    job: Shared,
    waker: Waker,
    tag: Tag,
}

/// What comes back of a job when it has finished.
pub(super) struct Tag {
    pub(super) occupied: Occupied<Shared>,
    /// When it came and when it began; only of those that are measured.
    pub(super) times: Option<Box<(Instant, Instant)>>,
}

impl Flight {
    pub(super) fn new() -> Self {
        Self {
            jobs: Slab::new(),
            fresh: VecDeque::new(),
            turn: Vec::new(),
            ready: Arc::new(ReadyQueue::new()),
        }
    }

    /// Takes a job in; it is polled soon.
    pub(super) fn begin(&mut self, job: Shared, tag: Tag) {
        let place = self.jobs.vacant_entry();
        self.fresh.push_back(place.key());
        let waker = Arc::clone(&job).begin(&self.ready, place.key());
        place.insert(Started { job, waker, tag });
    }

    /// Polls one job that was woken: ready with its tag if it has finished. Pending, with the waker
    /// kept, if none was woken.
    pub(super) fn poll_one(
        &mut self,
        task: &mut TaskContext<'_>,
        home: &Home,
    ) -> Poll<Option<Tag>> {
        let next = match self.turn.pop().or_else(|| self.fresh.pop_front()) {
            Some(next) => next,
            None if self.ready.look(&mut self.turn, Some(task.waker())) => {
                return self.poll_one(task, home);
            }
            None => return Poll::Pending,
        };
        let Some(started) = self.jobs.get(next) else { return Poll::Ready(None) };
        if started.job.poll(&mut TaskContext::from_waker(&started.waker), home).is_pending() {
            return Poll::Ready(None);
        }
        let Started { job, waker, tag } = self.jobs.remove(next);
        let_go(home, job, waker);
        Poll::Ready(Some(tag))
    }

    /// Gives the memory of many places back, if none is in use.
    pub(super) fn shed(&mut self) {
        /// So few are kept for the next burst.
        const KEPT: usize = 1_024;
        if self.jobs.is_empty() && self.jobs.capacity() > KEPT {
            self.jobs = Slab::new();
        }
    }

    /// Drops the futures of all jobs where they wait.
    pub(super) fn abandon(&mut self, home: &Home) -> impl Iterator<Item = Occupied<Shared>> {
        self.jobs.drain().map(|Started { job, waker, tag }| {
            job.abandon(home);
            let_go(home, job, waker);
            tag.occupied
        })
    }
}

/// The result of a job whose handle is gone is dropped here, which is its user's code.
fn let_go(home: &Home, job: Shared, waker: Waker) {
    drop(panics::catch(&home.about.name, move || drop((job, waker))));
}
