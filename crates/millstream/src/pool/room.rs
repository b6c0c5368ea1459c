//! The wait for room in the pool's queue.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as Task, Poll};

use super::core::{Core, Shared};
use super::state::{Entry, Refusal, Then};
use crate::context::{Cancelled, Cause, Context};
use crate::sync::Arc;
use crate::waiters::Key;

/// Why the wait ended without the job being taken.
#[derive(Debug)]
pub(crate) enum Ended {
    Closed(Cause),
    Cancelled(Cause),
}

/// Ends when the job was taken. Dropped before, it has the job taken back.
pub(crate) struct Room<'a, S: 'static> {
    core: &'a Arc<Core<S>>,
    ctx: &'a Context,
    entry: Option<Entry<Shared<S>>>,
    key: Option<Key>,
    cancelled: Option<Cancelled>,
}

impl<'a, S> Room<'a, S> {
    pub(crate) fn new(core: &'a Arc<Core<S>>, ctx: &'a Context, entry: Entry<Shared<S>>) -> Self {
        Self { core, ctx, entry: Some(entry), key: None, cancelled: None }
    }

    /// Offers the job, or stands in line.
    fn attempt(&mut self, task: &Task<'_>) -> Option<Result<(), Cause>> {
        let mut then = Then::nothing();
        let mut state = self.core.state.lock();
        let mut waker = None;
        let result = match state.submit(&mut self.entry) {
            Ok(()) => Some(Ok(())),
            Err(Refusal::Closed(cause)) => Some(Err(cause)),
            Err(Refusal::Full) => {
                waker = state.room.wait(&mut self.key, task.waker());
                None
            }
        };
        if result.is_some()
            && let Some(key) = self.key.take()
        {
            waker = state.room.remove(key);
        }
        state.settle(&mut then);
        self.core.after(state, then);
        drop(waker);
        result
    }

    /// Leaves the line; a notification that was on its way goes to the next.
    fn leave(&mut self) {
        if let Some(key) = self.key.take() {
            let waker = self.core.change(|state, _| state.room.remove(key));
            drop(waker);
        }
    }
}

impl<S> Future for Room<'_, S> {
    type Output = Result<(), Ended>;

    fn poll(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Err(cause) = this.ctx.check() {
            this.leave();
            return Poll::Ready(Err(Ended::Cancelled(cause)));
        }
        if let Some(result) = this.attempt(task) {
            return Poll::Ready(result.map_err(Ended::Closed));
        }
        let cancelled = this.cancelled.get_or_insert_with(|| this.ctx.cancelled());
        match Pin::new(cancelled).poll(task) {
            Poll::Ready(cause) => {
                this.leave();
                Poll::Ready(Err(Ended::Cancelled(cause)))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S> Drop for Room<'_, S> {
    fn drop(&mut self) {
        self.leave();
    }
}
