//! A job from its submission to its result: one allocation, which the pool knows as something to
//! run and the handle as something that will have a result.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::JobError;
use super::here;
use super::outcome::Ended;
use super::place::{Origin, Place, judge};
use super::waits::Target;
use super::worker::{self, Worker};
use crate::context::Cause;
use crate::panics;
use crate::spans::{Kind, Parent};

/// What the pool can do to a job.
pub(crate) trait Job<S>: Send + Sync {
    /// Runs it, if it has not started and was not cancelled.
    fn run(&self, worker: &mut Worker<'_, S>) -> Ended;
    /// Ends it if it has not started; true if this call did.
    fn cancel(&self, cause: &Cause) -> bool;
}

/// What its handle can do.
pub(crate) trait Slot<T, E>: Send + Sync {
    /// The result, if it is there, which can be had once.
    fn take(&self) -> Option<Result<T, JobError<E>>>;
    /// The result, which can be had once; else the waker is kept.
    fn poll(&self, waker: &Waker) -> Poll<Result<T, JobError<E>>>;
    /// Whether the result is there; else the waker is kept.
    fn poll_end(&self, waker: &Waker) -> bool;
    /// Whether the result is there.
    fn is_finished(&self) -> bool;
    /// Cancels it on behalf of its handle: a thread that finds it in the queue counts it.
    fn cancel(&self, cause: Cause) -> bool;
    /// Runs it on this thread, if that is a worker of its pool and nobody has started it.
    fn run_here(&self);
    /// The same job as something that a worker waits for.
    fn target(self: Arc<Self>) -> Arc<dyn Target>;
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

/// A closure that returns no `Result` and needs nothing of its worker.
pub(crate) struct Value<F>(pub(crate) F);

impl<S, F, T> Work<S, T, Infallible> for Value<F>
where
    F: FnOnce() -> T + Send + 'static,
{
    #[inline]
    fn work(self, _: &mut Worker<'_, S>) -> Result<T, Infallible> {
        Ok((self.0)())
    }
}

/// One that is given its worker.
pub(crate) struct ValueWith<F>(pub(crate) F);

impl<S, F, T> Work<S, T, Infallible> for ValueWith<F>
where
    F: FnOnce(&mut Worker<'_, S>) -> T + Send + 'static,
{
    #[inline]
    fn work(self, worker: &mut Worker<'_, S>) -> Result<T, Infallible> {
        Ok((self.0)(worker))
    }
}

/// Work on its way to a worker, and its result on the way back.
pub(crate) struct Task<S, W, T, E> {
    place: Place<W, T, E>,
    asked_in: Parent,
    state: PhantomData<fn(&mut S)>,
}

impl<S, W, T, E> Task<S, W, T, E> {
    #[inline]
    pub(crate) fn new(work: W, pool: u32, origin: Origin) -> Self {
        Self { place: Place::new(work, pool, origin), asked_in: Parent::here(), state: PhantomData }
    }

    /// The work, if nobody has started it.
    pub(crate) fn take_back(&self) -> Option<W> {
        self.place.take_back()
    }
}

impl<S, W, T, E> Job<S> for Task<S, W, T, E>
where
    W: Work<S, T, E>,
    T: Send,
    E: Send,
{
    fn run(&self, worker: &mut Worker<'_, S>) -> Ended {
        let (work, own) = match self.place.begin() {
            Ok(started) => started,
            Err(ended) => return ended,
        };
        let caught = {
            let name = own.as_deref().unwrap_or(&worker.home().about.name);
            let _span = self.asked_in.enter(Kind::Job, name);
            panics::catch(name, || work.work(worker))
        };
        let (ended, result) = judge(caught);
        // Counted before the result can be seen: a thread that has joined a job finds it in the
        // numbers.
        worker.count(ended);
        self.place.end(result);
        ended
    }

    fn cancel(&self, cause: &Cause) -> bool {
        self.place.cancel(cause.clone(), false)
    }
}

impl<S, W, T, E> Slot<T, E> for Task<S, W, T, E>
where
    S: 'static,
    W: Work<S, T, E>,
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

    fn run_here(&self) {
        if !here::is_here() {
            return;
        }
        let Some((pool, group)) = self.place.home() else { return };
        worker::nested(pool, std::ptr::from_ref(self).addr(), group.as_ref(), |worker| {
            self.run(worker);
        });
    }

    fn target(self: Arc<Self>) -> Arc<dyn Target> {
        self
    }
}

impl<S, W, T, E> Target for Task<S, W, T, E>
where
    S: 'static,
    W: Work<S, T, E>,
    T: Send + 'static,
    E: Send + 'static,
{
    fn waits_in(&self) -> Option<u32> {
        self.place.home().map(|(pool, _)| pool)
    }

    fn run_here(&self) {
        Slot::run_here(self);
    }
}
