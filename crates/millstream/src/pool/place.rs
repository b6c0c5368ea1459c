//! Where a job's work waits until it is begun, and its result until it is taken: what pools of threads and of tasks have in
//! common. Who runs the work, and how, is not known here.

use std::task::{Poll, Waker};

use super::JobError;
use super::job::Ended;
use crate::context::Cause;
use crate::panics::Panic;
use crate::sync::Mutex;

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

pub(crate) struct Place<W, T, E> {
    cell: Mutex<Cell<W, T, E>>,
}

impl<W, T, E> Place<W, T, E> {
    pub(crate) fn new(work: W) -> Self {
        Self { cell: Mutex::new(Cell { stage: Stage::New(work), waiter: None, uncounted: false }) }
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
    #[inline]
    pub(crate) fn begin(&self) -> Result<W, Ended> {
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

    #[inline]
    pub(crate) fn end(&self, result: Result<T, JobError<E>>) {
        let mut cell = self.cell.lock();
        cell.stage = Stage::Ended(result);
        let waiter = cell.waiter.take();
        drop(cell);
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }

    /// Cancels it, if it has not begun; true if this call did. `uncounted`: whoever finds it later counts it.
    pub(crate) fn cancel(&self, cause: Cause, uncounted: bool) -> bool {
        let mut cell = self.cell.lock();
        let work = match std::mem::replace(&mut cell.stage, Stage::Gone) {
            Stage::New(work) => work,
            other => {
                cell.stage = other;
                return false;
            }
        };
        cell.stage = Stage::Ended(Err(JobError::Cancelled(cause)));
        cell.uncounted = uncounted;
        let waiter = cell.waiter.take();
        drop(cell);
        if let Some(waiter) = waiter {
            waiter.wake();
        }
        drop(work);
        true
    }

    /// The result, which can be had once; else the waker is kept.
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<Result<T, JobError<E>>> {
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

    /// Whether the result is there; else the waker is kept.
    pub(crate) fn poll_end(&self, waker: &Waker) -> bool {
        let mut cell = self.cell.lock();
        if matches!(cell.stage, Stage::Ended(_)) {
            return true;
        }
        let before = cell.waiter.replace(waker.clone());
        drop(cell);
        drop(before);
        false
    }

    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.cell.lock().stage, Stage::Ended(_) | Stage::Gone)
    }
}

/// What came of work whose panics were caught.
#[inline]
pub(crate) fn judge<T, E>(caught: Result<Result<T, E>, Panic>) -> (Ended, Result<T, JobError<E>>) {
    match caught {
        Ok(Ok(value)) => (Ended::Done, Ok(value)),
        Ok(Err(error)) => (Ended::Failed, Err(JobError::Failed(error))),
        Err(panic) => (Ended::Panicked, Err(JobError::Panicked(panic))),
    }
}
