//! A job from its submission to its result: one allocation, which the pool knows as something to run and the handle as
//! something that will have a result.

use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::JobError;
use super::worker::{self, Worker};
use crate::context::{Cause, Context};
use crate::panics;
use crate::sync::Mutex;

/// How a worker left a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Done,
    Failed,
    Panicked,
    Cancelled,
    /// Somebody else ran it, or cancelled it and was counted for that.
    Elsewhere,
}

/// What the pool can do to a job.
pub(crate) trait Job<S>: Send + Sync {
    /// Runs it, if it has not begun and was not cancelled.
    fn run(&self, worker: &mut Worker<'_, S>) -> Ended;
    /// Ends it if it has not begun; true if this call did.
    fn cancel(&self, cause: &Cause) -> bool;
}

/// What its handle can do.
pub(crate) trait Slot<T, E>: Send + Sync {
    /// The result, which can be had once; else the waker is kept.
    fn poll(&self, waker: &Waker) -> Poll<Result<T, JobError<E>>>;
    /// Whether the result is there; else the waker is kept.
    fn poll_end(&self, waker: &Waker) -> bool;
    /// Whether the result is there.
    fn has_ended(&self) -> bool;
    /// Cancels it on behalf of its handle: whoever finds it in the queue counts it.
    fn cancel(&self, cause: Cause) -> bool;
    /// Runs it on this thread, if that is a worker of its pool and nobody has begun it.
    fn run_here(&self);
}

enum Stage<W, T, E> {
    New(W),
    Running,
    Ended(Result<T, JobError<E>>),
    /// Its result was taken, or it went back to its submitter.
    Gone,
}

struct Cell<W, T, E> {
    stage: Stage<W, T, E>,
    waiter: Option<Waker>,
    /// It was cancelled by its handle and nobody has counted that.
    uncounted: bool,
}

/// What a job does when its turn comes.
pub(crate) trait Work<S, T, E>: Send + 'static {
    fn work(self, worker: &mut Worker<'_, S>) -> Result<T, E>;
}

/// A closure that needs nothing of its worker.
pub(crate) struct Plain<F>(pub(crate) F);

impl<S, F, T, E> Work<S, T, E> for Plain<F>
where
    F: FnOnce() -> Result<T, E> + Send + 'static,
{
    #[inline]
    fn work(self, _: &mut Worker<'_, S>) -> Result<T, E> {
        (self.0)()
    }
}

/// A closure that is given its worker.
pub(crate) struct With<F>(pub(crate) F);

impl<S, F, T, E> Work<S, T, E> for With<F>
where
    F: FnOnce(&mut Worker<'_, S>) -> Result<T, E> + Send + 'static,
{
    #[inline]
    fn work(self, worker: &mut Worker<'_, S>) -> Result<T, E> {
        (self.0)(worker)
    }
}

/// Work on its way to a worker, and its result on the way back.
pub(crate) struct Task<S, W, T, E> {
    cell: Mutex<Cell<W, T, E>>,
    name: Option<Arc<str>>,
    pool: u64,
    /// The context of the job's group.
    group: Option<Context>,
    state: PhantomData<fn(&mut S)>,
}

impl<S, W, T, E> Task<S, W, T, E> {
    pub(crate) fn new(work: W, name: Option<Arc<str>>, pool: u64, group: Option<Context>) -> Self {
        let cell = Cell { stage: Stage::New(work), waiter: None, uncounted: false };
        Self { cell: Mutex::new(cell), name, pool, group, state: PhantomData }
    }

    /// The work, if nobody has begun it.
    pub(crate) fn take_back(&self) -> Option<W> {
        let mut cell = self.cell.lock();
        match std::mem::replace(&mut cell.stage, Stage::Gone) {
            Stage::New(work) => Some(work),
            other => {
                cell.stage = other;
                None
            }
        }
    }

    /// The work, to be done now by whoever gets it; or how it had ended before.
    fn begin(&self) -> Result<W, Ended> {
        let mut cell = self.cell.lock();
        match std::mem::replace(&mut cell.stage, Stage::Running) {
            Stage::New(work) => Ok(work),
            other => {
                cell.stage = other;
                let counts = std::mem::take(&mut cell.uncounted);
                Err(if counts { Ended::Cancelled } else { Ended::Elsewhere })
            }
        }
    }

    fn end(&self, result: Result<T, JobError<E>>) {
        let mut cell = self.cell.lock();
        cell.stage = Stage::Ended(result);
        let waiter = cell.waiter.take();
        drop(cell);
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }

    /// Cancels it, if it has not begun. The work comes back, to be dropped without the lock.
    fn cancel_new(&self, cause: Cause, uncounted: bool) -> Option<(W, Option<Waker>)> {
        let mut cell = self.cell.lock();
        match std::mem::replace(&mut cell.stage, Stage::Gone) {
            Stage::New(work) => {
                cell.stage = Stage::Ended(Err(JobError::Cancelled(cause)));
                cell.uncounted = uncounted;
                Some((work, cell.waiter.take()))
            }
            other => {
                cell.stage = other;
                None
            }
        }
    }
}

impl<S, W, T, E> Job<S> for Task<S, W, T, E>
where
    W: Work<S, T, E>,
    T: Send,
    E: Send,
{
    fn run(&self, worker: &mut Worker<'_, S>) -> Ended {
        let work = match self.begin() {
            Ok(work) => work,
            Err(ended) => return ended,
        };
        let caught = {
            let name = self.name.as_deref().unwrap_or(&worker.home().core.name);
            panics::catch(name, || work.work(worker))
        };
        let (ended, result) = match caught {
            Ok(Ok(value)) => (Ended::Done, Ok(value)),
            Ok(Err(error)) => (Ended::Failed, Err(JobError::Failed(error))),
            Err(panic) => (Ended::Panicked, Err(JobError::Panicked(panic))),
        };
        // Counted before the result can be seen: whoever has joined a job finds it in the numbers.
        worker.count(ended);
        self.end(result);
        ended
    }

    fn cancel(&self, cause: &Cause) -> bool {
        let Some((work, waiter)) = self.cancel_new(cause.clone(), false) else { return false };
        if let Some(waiter) = waiter {
            waiter.wake();
        }
        drop(work);
        true
    }
}

impl<S, W, T, E> Slot<T, E> for Task<S, W, T, E>
where
    S: 'static,
    W: Work<S, T, E>,
    T: Send,
    E: Send,
{
    fn poll(&self, waker: &Waker) -> Poll<Result<T, JobError<E>>> {
        let mut cell = self.cell.lock();
        if let Stage::Ended(_) = cell.stage
            && let Stage::Ended(result) = std::mem::replace(&mut cell.stage, Stage::Gone)
        {
            return Poll::Ready(result);
        }
        let is_gone = matches!(cell.stage, Stage::Gone);
        let before = cell.waiter.replace(waker.clone());
        drop(cell);
        drop(before);
        assert!(!is_gone, "a job's handle was polled after it had been ready");
        Poll::Pending
    }

    fn poll_end(&self, waker: &Waker) -> bool {
        let mut cell = self.cell.lock();
        if matches!(cell.stage, Stage::Ended(_)) {
            return true;
        }
        let before = cell.waiter.replace(waker.clone());
        drop(cell);
        drop(before);
        false
    }

    fn has_ended(&self) -> bool {
        matches!(self.cell.lock().stage, Stage::Ended(_) | Stage::Gone)
    }

    fn cancel(&self, cause: Cause) -> bool {
        let Some((work, waiter)) = self.cancel_new(cause, true) else { return false };
        if let Some(waiter) = waiter {
            waiter.wake();
        }
        drop(work);
        true
    }

    fn run_here(&self) {
        worker::nested(self.pool, self.group.as_ref(), |worker| {
            self.run(worker);
        });
    }
}
