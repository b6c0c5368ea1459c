//! How a worker waits for its next job, and when it has waited long enough to leave.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as Task, Poll};

use super::core::{Core, Shared};
use super::state::{Effects, Turn};
use crate::clock::Sleep;
use crate::sync::Arc;

/// Ends with a job, or with leave to go.
pub(crate) struct Idle<'a, S: 'static> {
    core: &'a Arc<Core<S>>,
    worker: usize,
    /// Whether the pool counts on waking it.
    asleep: bool,
    /// Runs while it is more than the pool's least.
    timer: Option<Sleep>,
}

impl<'a, S> Idle<'a, S> {
    pub(crate) fn new(core: &'a Arc<Core<S>>, worker: usize) -> Self {
        Self { core, worker, asleep: false, timer: None }
    }

    /// Looks for a job; without one it is on the list of those to be woken.
    fn check(&mut self, task: &Task<'_>) -> Option<Turn<Shared<S>>> {
        let mut effects = Effects::nothing();
        let mut state = self.core.lock();
        let was_asleep = std::mem::take(&mut self.asleep);
        let woken = if was_asleep { state.wake_up(self.worker) } else { None };
        let mut turn = if !was_asleep && state.can_do_without() {
            Turn::Wait
        } else {
            state.next(self.worker, false)
        };
        // One that was woken has looked for long enough: it does not search again.
        if matches!(turn, Turn::Search) {
            turn = state.next(self.worker, true);
        }
        let mut replaced = None;
        if matches!(turn, Turn::Wait) {
            replaced = state.sleep(self.worker, task.waker());
            self.asleep = true;
            if state.workers <= state.limits.least {
                self.timer = None;
            } else if self.timer.is_none() {
                self.timer = Some(self.core.about.ctx.clock().sleep(self.core.idle_after));
            }
        }
        state.reconcile(&mut effects);
        self.core.after(state, effects);
        drop((woken, replaced));
        if self.asleep { None } else { Some(turn) }
    }

    /// Its idle time has passed: it leaves, unless a job is on its way to it or the pool wants to
    /// keep it.
    fn retire(&mut self) -> bool {
        let mut state = self.core.lock();
        let retires = state.retire(self.worker);
        let waker = if retires { state.wake_up(self.worker) } else { None };
        drop(state);
        self.asleep &= !retires;
        drop(waker);
        retires
    }
}

impl<S> Future for Idle<'_, S> {
    type Output = Turn<Shared<S>>;

    fn poll(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Some(turn) = this.check(task) {
            return Poll::Ready(turn);
        }
        if let Some(timer) = &mut this.timer
            && Pin::new(timer).poll(task).is_ready()
        {
            if this.retire() {
                return Poll::Ready(Turn::Leave);
            }
            // What keeps it wakes it: the job that comes, or the resize.
            this.timer = None;
        }
        Poll::Pending
    }
}

impl<S> Drop for Idle<'_, S> {
    fn drop(&mut self) {
        if self.asleep {
            let waker = self.core.lock().wake_up(self.worker);
            drop(waker);
        }
    }
}
