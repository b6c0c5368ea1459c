//! Where a job's work waits until it is started, and its result until it is taken: what pools of
//! threads and of tasks have in common. Who runs the work, and how, is not known here.
//!
//! It is small, because memory costs more than all else that a pool does for a short job: what is
//! rare lies behind a pointer, and what never is there at the same time shares its bytes.

use std::sync::Arc;
use std::task::{Poll, Waker};

use super::JobError;
use super::outcome::Ended;
use crate::context::{Cause, Context};
use crate::panics::Panic;
use crate::sync::Mutex;

/// What most jobs have nothing of until they have finished.
#[derive(Default)]
struct Extras {
    origin: Origin,
    /// Who is woken at the end.
    waiter: Option<Waker>,
}

/// What a job has of the group that it was submitted in.
#[derive(Clone, Default)]
pub(crate) struct Origin {
    pub(crate) name: Option<Arc<str>>,
    /// The context of the group.
    pub(crate) group: Option<Context>,
}

enum Stage<W, T, E> {
    New {
        /// The number of the pool, asked for only while the job has not started.
        pool: u32,
        work: W,
        extras: Option<Box<Extras>>,
    },
    Running(Option<Box<Extras>>),
    Done(T),
    Failed(E),
    Panicked(Panic),
    Cancelled {
        cause: Box<Cause>,
        /// It was cancelled by its handle and nobody has counted that.
        uncounted: bool,
    },
    /// Its result was taken, or it went back to its submitter.
    Gone {
        uncounted: bool,
    },
}

impl<W, T, E> Stage<W, T, E> {
    fn is_finished(&self) -> bool {
        !matches!(self, Self::New { .. } | Self::Running(_))
    }

    /// Keeps the waker until the end, if that is to come; gives back what is to be dropped after
    /// the lock.
    fn wait(&mut self, waker: &Waker) -> Option<Waker> {
        let (Self::New { extras, .. } | Self::Running(extras)) = self else { return None };
        extras.get_or_insert_default().waiter.replace(waker.clone())
    }

    /// The result, which is taken out if it is there.
    fn take(&mut self) -> Option<Result<T, JobError<E>>> {
        if matches!(self, Self::New { .. } | Self::Running(_) | Self::Gone { .. }) {
            return None;
        }
        let uncounted = matches!(self, Self::Cancelled { uncounted: true, .. });
        match std::mem::replace(self, Self::Gone { uncounted }) {
            Self::Done(value) => Some(Ok(value)),
            Self::Failed(error) => Some(Err(JobError::Failed(error))),
            Self::Panicked(panic) => Some(Err(JobError::Panicked(panic))),
            Self::Cancelled { cause, .. } => Some(Err(JobError::Cancelled(*cause))),
            Self::New { .. } | Self::Running(_) | Self::Gone { .. } => None,
        }
    }
}

pub(crate) struct Place<W, T, E> {
    stage: Mutex<Stage<W, T, E>>,
}

impl<W, T, E> Place<W, T, E> {
    #[inline]
    pub(crate) fn new(work: W, pool: u32, origin: Origin) -> Self {
        let has_origin = origin.name.is_some() || origin.group.is_some();
        let extras = has_origin.then(|| Box::new(Extras { origin, waiter: None }));
        Self { stage: Mutex::new(Stage::New { pool, work, extras }) }
    }

    /// The number of the pool whose job it is, and its group's context, if it has not started.
    pub(crate) fn home(&self) -> Option<(u32, Option<Context>)> {
        match &*self.stage.lock() {
            Stage::New { pool, extras, .. } => {
                Some((*pool, extras.as_ref().and_then(|extras| extras.origin.group.clone())))
            }
            _ => None,
        }
    }

    /// The work, if nobody has started it.
    pub(crate) fn take_back(&self) -> Option<W> {
        let mut stage = self.stage.lock();
        match std::mem::replace(&mut *stage, Stage::Gone { uncounted: false }) {
            // Nobody waits: it has no handle yet.
            Stage::New { work, .. } => Some(work),
            other => {
                *stage = other;
                None
            }
        }
    }

    /// The work, to be done now by the thread that gets it, and its name; or how it had ended
    /// before.
    #[inline]
    pub(crate) fn begin(&self) -> Result<(W, Option<Arc<str>>), Ended> {
        let mut stage = self.stage.lock();
        match std::mem::replace(&mut *stage, Stage::Running(None)) {
            Stage::New { work, mut extras, .. } => {
                let name = extras.as_mut().and_then(|extras| extras.origin.name.take());
                *stage = Stage::Running(extras);
                Ok((work, name))
            }
            mut other => {
                let counts = match &mut other {
                    Stage::Cancelled { uncounted, .. } | Stage::Gone { uncounted } => {
                        std::mem::take(uncounted)
                    }
                    _ => false,
                };
                *stage = other;
                Err(if counts { Ended::Cancelled } else { Ended::Elsewhere })
            }
        }
    }

    #[inline]
    pub(crate) fn end(&self, result: Result<T, JobError<E>>) {
        let ended = match result {
            Ok(value) => Stage::Done(value),
            Err(JobError::Failed(error)) => Stage::Failed(error),
            Err(JobError::Panicked(panic)) => Stage::Panicked(panic),
            Err(JobError::Cancelled(cause)) => {
                Stage::Cancelled { cause: Box::new(cause), uncounted: false }
            }
        };
        let before = std::mem::replace(&mut *self.stage.lock(), ended);
        if let Stage::Running(Some(extras)) = before
            && let Some(waiter) = extras.waiter
        {
            waiter.wake();
        }
    }

    /// Cancels it, if it has not started; true if this call did. `uncounted`: the thread that finds
    /// it later counts it.
    pub(crate) fn cancel(&self, cause: Cause, uncounted: bool) -> bool {
        let cause = Box::new(cause);
        let mut stage = self.stage.lock();
        if !matches!(*stage, Stage::New { .. }) {
            return false;
        }
        let before = std::mem::replace(&mut *stage, Stage::Cancelled { cause, uncounted });
        drop(stage);
        if let Stage::New { work, extras, .. } = before {
            if let Some(waiter) = extras.and_then(|extras| extras.waiter) {
                waiter.wake();
            }
            drop(work);
        }
        true
    }

    /// The result, if it is there, which can be had once.
    pub(crate) fn take(&self) -> Option<Result<T, JobError<E>>> {
        self.stage.lock().take()
    }

    /// The result, which can be had once; else the waker is kept.
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<Result<T, JobError<E>>> {
        let mut stage = self.stage.lock();
        if let Some(result) = stage.take() {
            return Poll::Ready(result);
        }
        let is_gone = stage.is_finished();
        let before = stage.wait(waker);
        drop(stage);
        drop(before);
        assert!(!is_gone, "a job's handle was polled after it had been ready");
        Poll::Pending
    }

    /// Whether the result is there; else the waker is kept.
    pub(crate) fn poll_end(&self, waker: &Waker) -> bool {
        let mut stage = self.stage.lock();
        let before = stage.wait(waker);
        let is_finished = stage.is_finished();
        drop(stage);
        drop(before);
        is_finished
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.stage.lock().is_finished()
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

#[cfg(all(test, not(loom)))]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn the_place_of_a_job_with_words_for_its_work_and_its_result_is_four_words() {
        assert!(size_of::<Place<u64, u64, Infallible>>() <= 4 * size_of::<u64>());
    }
}
