//! A job of a pool of tasks: a future, its result, and the way between them.

use std::convert::Infallible;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context as TaskContext, Poll, Wake, Waker};

use super::super::JobError;
use super::super::job::Slot;
use super::super::outcome::Ended;
use super::super::place::{Origin, Place, judge};
use super::super::waits::Target;
use super::home::Home;
use crate::context::Cause;
use crate::in_flight::ReadyQueue;
use crate::panics;
use crate::spans::{Kind, Parent};
use crate::sync::{Mutex, OnceLock};

/// A job as the line and the drivers hold it.
pub(crate) type Shared = Arc<dyn Job>;

/// What the pool can do to a job.
pub(crate) trait Job: Send + Sync {
    /// Begins it, or goes on with it; ready with how it ended, which has been counted.
    fn poll(&self, task: &mut TaskContext<'_>, home: &Home) -> Poll<Ended>;
    /// Ends it if it has not started; true if this call did.
    fn cancel(&self, cause: &Cause) -> bool;
    /// Gives it its place in the driver, before it is polled; the waker for that.
    fn begin(self: Arc<Self>, ready: &Arc<ReadyQueue>, place: usize) -> Waker;
    /// Drops its future where it waits. Only its driver may.
    fn abandon(&self, home: &Home);
}

/// How a future's output becomes a result.
pub(crate) trait Output<O, T, E>: Send + Sync + 'static {
    fn result(output: O) -> Result<T, E>;
}

/// The output is a result.
pub(crate) struct Returned;

impl<T, E> Output<Result<T, E>, T, E> for Returned {
    fn result(output: Result<T, E>) -> Result<T, E> {
        output
    }
}

/// It is a plain value.
pub(crate) struct Plain;

impl<T> Output<T, T, Infallible> for Plain {
    fn result(output: T) -> Result<T, Infallible> {
        Ok(output)
    }
}

/// One job: in its place while it waits and when it has finished, in `future` in between.
pub(crate) struct Task<M, F, T, E> {
    place: Place<Box<F>, T, E>,
    /// Empty while it is polled.
    future: Mutex<Option<Pin<Box<F>>>>,
    name: Option<Arc<str>>,
    asked_in: Parent,
    /// Where its waker rings.
    waker: OnceLock<(Arc<ReadyQueue>, usize)>,
    /// Set when it was woken, and unset before it is polled. `swap` on both sides: who finds it set
    /// relies on the poll to come, which sees what was done before.
    is_woken: AtomicBool,
    output: PhantomData<fn(M)>,
}

impl<M, F, T, E> Task<M, F, T, E> {
    pub(crate) fn new(future: F, name: Option<Arc<str>>) -> Self {
        Self {
            // Nobody but its driver runs a task, so no number is asked for.
            place: Place::new(Box::new(future), 0, Origin::default()),
            future: Mutex::new(None),
            name,
            asked_in: Parent::here(),
            waker: OnceLock::new(),
            is_woken: AtomicBool::new(false),
            output: PhantomData,
        }
    }

    /// The future, if it has not started.
    pub(crate) fn take_back(&self) -> Option<F> {
        self.place.take_back().map(|future| *future)
    }

    fn future(&self) -> Option<Pin<Box<F>>> {
        self.future.lock().take()
    }
}

impl<M, F, T, E> Job for Task<M, F, T, E>
where
    M: Output<F::Output, T, E>,
    F: Future + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    fn begin(self: Arc<Self>, ready: &Arc<ReadyQueue>, place: usize) -> Waker {
        let _is_started_once = self.waker.set((Arc::clone(ready), place));
        Waker::from(self)
    }

    fn poll(&self, task: &mut TaskContext<'_>, home: &Home) -> Poll<Ended> {
        self.is_woken.swap(false, Ordering::AcqRel);
        let mut future = match self.future() {
            Some(future) => future,
            None => match self.place.begin() {
                Ok((future, _)) => Box::into_pin(future),
                Err(ended) => {
                    home.counters.count(ended);
                    return Poll::Ready(ended);
                }
            },
        };
        let name = self.name.as_deref().unwrap_or(&home.about.name);
        let _span = self.asked_in.enter(Kind::Job, name);
        // What the future holds is gone before its result is seen, and a panic of its destructor is
        // one of the job.
        let polled = panics::catch(name, move || match future.as_mut().poll(task) {
            Poll::Pending => Err(future),
            Poll::Ready(result) => {
                drop(future);
                Ok(M::result(result))
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
        home.counters.count(ended);
        self.place.end(result);
        Poll::Ready(ended)
    }

    fn cancel(&self, cause: &Cause) -> bool {
        self.place.cancel(cause.clone(), false)
    }

    fn abandon(&self, home: &Home) {
        home.counters.count(Ended::Cancelled);
        let cause = home.about.ctx.cause().unwrap_or_else(Cause::dropped);
        let name = &home.about.name;
        match self.future() {
            Some(future) => {
                drop(panics::catch(name, move || drop(future)));
                self.place.end(Err(JobError::Cancelled(cause)));
            }
            None => drop(panics::catch(name, || Job::cancel(self, &cause))),
        }
    }
}

impl<M, F, T, E> Wake for Task<M, F, T, E>
where
    M: 'static,
    F: Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.is_woken.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some((ready, place)) = self.waker.get() {
            ready.push(*place);
        }
    }
}

impl<M, F, T, E> Slot<T, E> for Task<M, F, T, E>
where
    M: 'static,
    F: Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    fn take(&self) -> Option<Result<T, JobError<E>>> {
        self.place.take()
    }

    fn poll(&self, waker: &Waker) -> Poll<Result<T, JobError<E>>> {
        self.place.poll(waker)
    }

    fn poll_end(&self, waker: &Waker) -> bool {
        self.place.poll_end(waker)
    }

    fn is_finished(&self) -> bool {
        self.place.is_finished()
    }

    fn cancel(&self, cause: Cause) -> bool {
        self.place.cancel(cause, true)
    }

    /// Only drivers run tasks: a thread that waits for one does so as for anything else.
    fn run_here(&self) {}

    fn target(self: Arc<Self>) -> Arc<dyn Target> {
        self
    }
}

/// No worker of a pool of threads can start it, so nobody is asked to.
impl<M, F, T, E> Target for Task<M, F, T, E>
where
    F: Send,
    T: Send,
    E: Send,
{
    fn waits_in(&self) -> Option<u32> {
        None
    }

    fn run_here(&self) {}
}
