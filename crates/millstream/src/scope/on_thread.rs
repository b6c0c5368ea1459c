//! One closure on a thread of its own, awaited by a task: the way from async code into code that
//! blocks.
//!
//! It does not join: a future that is dropped cannot wait. What it can do is described at
//! [`on_thread`].

use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};

use super::registry::Registry;
use super::{ScopeError, SpawnError};
use crate::context::{Cause, Context};
use crate::panics;
use crate::runtime::Ambient;
use crate::sync::Mutex;

/// Runs `f` on a thread of its own while the task that awaits it lets others run.
///
/// The way to run a pipeline, or anything else that blocks, from async code. The thread starts when
/// the future is first polled. `f` is given a context below `ctx`. When the future is dropped
/// before its end, that context is cancelled with [`Cause::dropped`](crate::Cause::dropped), and
/// what `f` returns is dropped on its thread.
///
/// With the feature `tokio`, the runtime that polls the future is entered on the thread: `f` may
/// spawn on it, and the async stages of a pipeline use its timers and its input and output, also if
/// it has one thread only.
///
/// # Errors
/// What `f` returns, as [`ScopeError::Failed`]; its panic; the refusal of the system to start a
/// thread. The result of `f` counts also when `ctx` has been cancelled: only `f` knows whether it
/// came to its end.
///
/// # Panics
/// When it is polled after it has been ready.
///
/// # Cancel safety
/// Dropping the future asks `f` to end and does not wait for it: nothing that is dropped in a task
/// can. Until `f` looks at its context and returns, its thread goes on; a
/// [`leak::Guard`](crate::leak::Guard) and the list of a [`Shutdown`](crate::Shutdown) show it by
/// name until then, and a program that returns from `main` cuts it off.
///
/// # Cost
/// A thread.
///
/// # Examples
/// ```
/// # #[cfg(feature = "tokio")]
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use millstream::{Context, Pipeline, on_thread};
///
/// let ctx = Context::new();
/// let squares = on_thread(&ctx, |ctx| {
///     Pipeline::from_iter(1..=3).map_async(2, async |n| n * n).collect(ctx)
/// }).named("squares").await?;
/// assert_eq!(squares, [1, 4, 9]);
/// # Ok::<(), millstream::ScopeError<millstream::Error>>(()) }).unwrap();
/// ```
pub fn on_thread<R, E, F>(ctx: &Context, f: F) -> OnThread<R, E>
where
    R: Send + 'static,
    E: Send + 'static,
    F: FnOnce(&Context) -> Result<R, E> + Send + 'static,
{
    OnThread { ctx: ctx.clone(), name: Arc::from("on_thread"), state: State::New(Box::new(f)) }
}

/// The future of [`on_thread`].
#[must_use = "the thread starts when the future is polled"]
pub struct OnThread<R, E> {
    ctx: Context,
    name: Arc<str>,
    state: State<R, E>,
}

type Work<R, E> = Box<dyn FnOnce(&Context) -> Result<R, E> + Send>;

enum State<R, E> {
    New(Work<R, E>),
    Running { inner: Context, shared: Arc<Shared<R, E>> },
    Done,
}

/// What the task and the thread have in common.
struct Shared<R, E> {
    meeting: Mutex<Meeting<R, E>>,
}

struct Meeting<R, E> {
    result: Option<Result<R, ScopeError<E>>>,
    waiter: Option<Waker>,
    /// Nobody will ask for the result.
    dropped: bool,
}

impl<R, E> OnThread<R, E> {
    /// Names the thread, for lists of what runs, for errors and panics; without it, "on_thread".
    ///
    /// # Examples
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use millstream::{Context, on_thread};
    ///
    /// let ended = on_thread::<(), _, _>(&Context::new(), |_| Err("no such file")).named("import").await;
    /// assert_eq!(ended.unwrap_err().to_string(), "import failed: no such file");
    /// # });
    /// ```
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }
}

impl<R: Send + 'static, E: Send + 'static> OnThread<R, E> {
    fn start(&self, work: Work<R, E>) -> Result<State<R, E>, SpawnError> {
        let inner = self.ctx.child();
        let meeting = Meeting { result: None, waiter: None, dropped: false };
        let shared = Arc::new(Shared { meeting: Mutex::new(meeting) });
        let ticket =
            Registry::below(&self.ctx).enter(Arc::clone(&self.name), self.ctx.clock().now());
        let ambient = Ambient::capture();
        let (ctx, name, there) = (inner.clone(), Arc::clone(&self.name), Arc::clone(&shared));
        let run = move || {
            let ended = ambient.beside(|| panics::catch(&name, || work(&ctx)));
            let result = match ended {
                Ok(Ok(value)) => Ok(value),
                Ok(Err(error)) => {
                    let after = ctx.cause().filter(Cause::is_inherited);
                    Err(ScopeError::Failed { task: name, error, after })
                }
                Err(panic) => Err(ScopeError::Panicked(panic)),
            };
            // A task that sees the result sees the thread off the lists, and nothing of it left.
            drop((ctx, ambient, ticket));
            there.leave(result);
        };
        // The system knows no name with a zero in it.
        let builder = std::thread::Builder::new().name(self.name.replace('\0', " "));
        #[expect(
            clippy::disallowed_methods,
            reason = "it belongs to a future, which cannot be a scope"
        )]
        match builder.spawn(run) {
            Ok(_detached) => Ok(State::Running { inner, shared }),
            Err(error) => Err(SpawnError { task: Arc::clone(&self.name), error: Arc::new(error) }),
        }
    }
}

impl<R, E> Shared<R, E> {
    fn leave(&self, result: Result<R, ScopeError<E>>) {
        let mut meeting = self.meeting.lock();
        if meeting.dropped {
            drop(meeting);
            // Dropped here, on the thread; a panic of it is printed by the hook, as that of any
            // value nobody took.
            drop(panics::catch("on_thread", || drop(result)));
            return;
        }
        meeting.result = Some(result);
        let waiter = meeting.waiter.take();
        drop(meeting);
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }
}

// It holds no borrow into itself, and never pins what is in it.
impl<R, E> Unpin for OnThread<R, E> {}

impl<R: Send + 'static, E: Send + 'static> Future for OnThread<R, E> {
    type Output = Result<R, ScopeError<E>>;

    fn poll(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Self::Output> {
        if matches!(self.state, State::New(_)) {
            let State::New(work) = std::mem::replace(&mut self.state, State::Done) else {
                unreachable!()
            };
            match self.start(work) {
                Ok(running) => self.state = running,
                Err(refused) => return Poll::Ready(Err(ScopeError::NotStarted(refused))),
            }
        }
        let State::Running { shared, .. } = &self.state else {
            panic!("{} was polled after it had been ready", type_name::<Self>());
        };
        let mut meeting = shared.meeting.lock();
        let Some(result) = meeting.result.take() else {
            let before = meeting.waiter.replace(task.waker().clone());
            drop(meeting);
            drop(before);
            return Poll::Pending;
        };
        drop(meeting);
        self.state = State::Done;
        Poll::Ready(result)
    }
}

impl<R, E> Drop for OnThread<R, E> {
    fn drop(&mut self) {
        let State::Running { inner, shared } = &self.state else { return };
        let mut meeting = shared.meeting.lock();
        meeting.dropped = true;
        let left = (meeting.result.take(), meeting.waiter.take());
        drop(meeting);
        inner.cancel(Cause::dropped());
        drop(left);
    }
}

impl<R, E> fmt::Debug for OnThread<R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::New(_) => "new",
            State::Running { .. } => "running",
            State::Done => "done",
        };
        f.debug_struct("OnThread")
            .field("name", &self.name)
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
