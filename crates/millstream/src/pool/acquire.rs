//! The wait for room in the pool's queue.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as Task, Poll};

use super::job_queue::{Entry, Refusal, Submit, Waiter};
use crate::context::{Cancelled, Cause, Context};

/// Why the wait ended without the job being taken.
#[derive(Debug)]
pub(crate) enum Ended {
    Closed(Cause),
    Cancelled(Cause),
}

/// Ends when the job was taken. Dropped before, it has the job taken back.
pub(crate) struct Acquire<J, D: Submit<J>> {
    pool: D,
    ctx: Context,
    entry: Option<Entry<J>>,
    waiter: Waiter<J>,
    cancelled: Option<Cancelled>,
}

impl<J, D: Submit<J>> Acquire<J, D> {
    pub(crate) fn new(pool: D, ctx: &Context, entry: Entry<J>) -> Self {
        Self {
            pool,
            ctx: ctx.clone(),
            entry: Some(entry),
            waiter: Waiter::nowhere(),
            cancelled: None,
        }
    }

    /// Offers the job, or stands in line.
    fn attempt(&mut self, task: &Task<'_>) -> Option<Result<(), Cause>> {
        let Self { pool, entry, waiter, .. } = self;
        let (result, waker) =
            pool.with_line(|line, elsewhere| match line.submit(entry, elsewhere) {
                Ok(()) => (Some(Ok(())), line.leave_line(waiter)),
                Err(Refusal::Closed(cause)) => (Some(Err(cause)), line.leave_line(waiter)),
                Err(Refusal::Full) => {
                    let waker = entry
                        .as_ref()
                        .and_then(|entry| line.wait_for_room(entry, waiter, task.waker()));
                    (None, waker)
                }
            });
        drop(waker);
        result
    }

    /// Leaves the line; a notification that was on its way goes to the next.
    fn leave(&mut self) {
        if self.waiter.is_somewhere() {
            let waker = self.pool.with_line(|line, _| line.leave_line(&mut self.waiter));
            drop(waker);
        }
    }
}

impl<J, D: Submit<J> + Unpin> Future for Acquire<J, D>
where
    Self: Unpin,
{
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

impl<J, D: Submit<J>> Drop for Acquire<J, D> {
    fn drop(&mut self) {
        self.leave();
    }
}
