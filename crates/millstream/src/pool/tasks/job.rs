//! A job of a pool of tasks: a future, its result, and the way between them.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};

use super::super::JobError;
use super::super::job::{Ended, Slot};
use super::super::place::{Place, judge};
use super::super::tally::Tally;
use super::driver::Home;
use crate::context::Cause;
use crate::panics;
use crate::sync::Mutex;

/// A job as the line and the drivers hold it.
pub(crate) type Shared = Arc<dyn Job>;

/// What the pool can do to a job.
pub(crate) trait Job: Send + Sync {
    /// Begins it, or goes on with it; ready with how it ended, which has been counted.
    fn poll(&self, task: &mut TaskContext<'_>, home: &Home) -> Poll<Ended>;
    /// Ends it if it has not begun; true if this call did.
    fn cancel(&self, cause: &Cause) -> bool;
    /// Drops its future where it waits. Only its driver may.
    fn abandon(&self, cause: Cause, tally: &Tally);
}

/// One job: in its place while it waits and when it has ended, in `future` in between.
pub(crate) struct Task<F, T, E> {
    place: Place<Box<F>, T, E>,
    /// Empty while it is polled.
    future: Mutex<Option<Pin<Box<F>>>>,
    name: Option<Arc<str>>,
}

impl<F, T, E> Task<F, T, E> {
    pub(crate) fn new(future: F, name: Option<Arc<str>>) -> Self {
        Self { place: Place::new(Box::new(future)), future: Mutex::new(None), name }
    }

    /// The future, if it has not begun.
    pub(crate) fn take_back(&self) -> Option<F> {
        self.place.take_back().map(|future| *future)
    }

    fn future(&self) -> Option<Pin<Box<F>>> {
        self.future.lock().take()
    }
}

impl<F, T, E> Job for Task<F, T, E>
where
    F: Future<Output = Result<T, E>> + Send,
    T: Send,
    E: Send,
{
    fn poll(&self, task: &mut TaskContext<'_>, home: &Home) -> Poll<Ended> {
        let mut future = match self.future() {
            Some(future) => future,
            None => match self.place.begin() {
                Ok(future) => Box::into_pin(future),
                Err(ended) => {
                    home.tally.count(ended);
                    return Poll::Ready(ended);
                }
            },
        };
        let name = self.name.as_deref().unwrap_or(&home.core.name);
        // What the future holds is gone before its result is seen, and a panic of its destructor is one of the job.
        let polled = panics::catch(name, move || match future.as_mut().poll(task) {
            Poll::Pending => Err(future),
            Poll::Ready(result) => {
                drop(future);
                Ok(result)
            }
        });
        let caught = match polled {
            Ok(Err(future)) => {
                *self.future.lock() = Some(future);
                return Poll::Pending;
            }
            Ok(Ok(result)) => Ok(result),
            Err(panic) => Err(panic),
        };
        let (ended, result) = judge(caught);
        home.tally.count(ended);
        self.place.end(result);
        Poll::Ready(ended)
    }

    fn cancel(&self, cause: &Cause) -> bool {
        self.place.cancel(cause.clone(), false)
    }

    fn abandon(&self, cause: Cause, tally: &Tally) {
        tally.count(Ended::Cancelled);
        let name = self.name.as_deref().unwrap_or("a job");
        match self.future() {
            Some(future) => {
                drop(panics::catch(name, move || drop(future)));
                self.place.end(Err(JobError::Cancelled(cause)));
            }
            None => drop(panics::catch(name, || Job::cancel(self, &cause))),
        }
    }
}

impl<F, T, E> Slot<T, E> for Task<F, T, E>
where
    F: Send,
    T: Send,
    E: Send,
{
    fn poll(&self, waker: &Waker) -> Poll<Result<T, JobError<E>>> {
        self.place.poll(waker)
    }

    fn poll_end(&self, waker: &Waker) -> bool {
        self.place.poll_end(waker)
    }

    fn has_ended(&self) -> bool {
        self.place.has_ended()
    }

    fn cancel(&self, cause: Cause) -> bool {
        self.place.cancel(cause, true)
    }

    /// Only drivers run tasks: whoever waits for one does so as for anything else.
    fn run_here(&self) {}
}
