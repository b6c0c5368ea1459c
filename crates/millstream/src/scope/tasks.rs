//! Scopes of tasks on tokio: the same rules as [`scope`](super::scope()), for futures that own what
//! they use.
//!
//! A task that borrows is not offered: a future can be forgotten before it ends, so nothing could
//! make that sound.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::ops::AsyncFnOnce;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};

use tokio::task::AbortHandle;

use super::registry::Ticket;
use super::{BODY, Running, ScopeError, Shared, panicked};
use crate::context::{Cause, Context};
use crate::panics::{self, Panic};
use crate::spans::{Kind, Parent};
use crate::sync::Mutex;

/// Runs `body`, which may spawn tasks, and ends when all of them have finished.
///
/// The rules are those of [`scope`](super::scope()): the first error or panic cancels the scope's
/// context, all tasks are awaited, the first thing that went wrong is returned. Cancelling is a
/// request here too: a task that is to end on it awaits [`Context::cancelled`] beside its work.
///
/// # Errors
/// The first of: an error of a task or of the body, a panic of a task, the cancellation of `ctx`.
///
/// # Panics
/// If the body panics: the tasks are cancelled and awaited, then the panic goes on. Outside of a
/// tokio runtime, when a task is spawned.
///
/// # Cancel safety
/// Dropping the future before it ends cancels the scope's context and aborts its tasks at their
/// next await; what they hold is dropped by the runtime, soon but not before the drop returns.
///
/// # Examples
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use millstream::{Context, task_scope};
///
/// let ended = task_scope(&Context::new(), async |s| {
///     let ctx = s.context().clone();
///     s.spawn("waits", async move { ctx.cancelled().await; Ok(()) });
///     s.spawn("fails", async { Err("no answer") });
///     Ok(())
/// }).await;
/// assert_eq!(ended.unwrap_err().to_string(), "fails failed: no answer");
/// # });
/// ```
pub async fn task_scope<R, E, F>(ctx: &Context, body: F) -> Result<R, ScopeError<E>>
where
    F: AsyncFnOnce(&TaskScope<E>) -> Result<R, E>,
    E: Send + 'static,
{
    let scope = TaskScope { shared: Arc::new(Shared::below(ctx)), tasks: Arc::default() };
    let _abort_if_dropped = AbortAll(&scope);
    let ended = Catch { task: BODY.into(), future: Box::pin(body(&scope)) }.await;
    if let Err(panic) = &ended {
        scope.shared.ctx.cancel(panicked(panic));
    }
    let ended = ended.map(|result| scope.shared.judge(BODY, result));
    AllEnded(&scope.tasks).await;
    match ended {
        Err(panic) => panic.resume(),
        Ok(result) => scope.shared.conclude(result),
    }
}

/// The owner of tasks that [`task_scope`] hands to its body; clones are the same scope.
///
/// A clone that outlives the scope spawns nothing: its tasks are dropped unpolled.
pub struct TaskScope<E> {
    shared: Arc<Shared<E>>,
    tasks: Arc<Tasks>,
}

impl<E: Send + 'static> TaskScope<E> {
    /// Starts a task of this name.
    ///
    /// It may be called at any time while the scope is open, also by its tasks through a clone.
    /// After the end of the scope the future is dropped and false returned.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    ///
    /// # Cost
    /// A task of tokio, and its place in two lists.
    ///
    /// # Examples
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use millstream::{Context, task_scope};
    ///
    /// task_scope::<_, (), _>(&Context::new(), async |s| {
    ///     let again = s.clone();
    ///     s.spawn("outer", async move {
    ///         again.spawn("inner", async { Ok(()) });
    ///         Ok(())
    ///     });
    ///     Ok(())
    /// }).await.unwrap();
    /// # });
    /// ```
    pub fn spawn(
        &self,
        name: impl Into<Arc<str>>,
        future: impl Future<Output = Result<(), E>> + Send + 'static,
    ) -> bool {
        let name: Arc<str> = name.into();
        let Some(number) = self.tasks.enter() else { return false };
        let ticket = self.shared.registry.enter(Arc::clone(&name), self.shared.ctx.clock().now());
        let leave = Leave {
            shared: Some(Arc::clone(&self.shared)),
            ticket: Some(ticket),
            tasks: Arc::clone(&self.tasks),
            number,
        };
        let work = Parent::here().within(Kind::Task, &name, future);
        let task = Task { work: Catch { task: name, future: Box::pin(work) }, leave };
        #[expect(clippy::disallowed_methods, reason = "this is the task scope that replaces it")]
        let task = tokio::spawn(task);
        self.tasks.keep_handle(number, task.abort_handle());
        true
    }
}

impl<E> TaskScope<E> {
    /// The scope's context, below the one it was opened with.
    ///
    /// # Examples
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use millstream::{Context, task_scope};
    ///
    /// task_scope::<_, (), _>(&Context::new(), async |s| {
    ///     let ctx = s.context().clone();
    ///     s.spawn("ticker", async move { ctx.cancelled().await; Ok(()) });
    ///     s.context().cancel("the main work is done");
    ///     Ok(())
    /// }).await.unwrap();
    /// # });
    /// ```
    pub fn context(&self) -> &Context {
        &self.shared.ctx
    }

    /// The tasks that have not ended, the oldest first.
    ///
    /// # Examples
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use millstream::{Context, task_scope};
    ///
    /// task_scope::<_, (), _>(&Context::new(), async |s| {
    ///     s.spawn("reader", async { Ok(()) });
    ///     assert_eq!(s.running()[0].name(), "reader");
    ///     Ok(())
    /// }).await.unwrap();
    /// # });
    /// ```
    pub fn running(&self) -> Vec<Running> {
        self.shared.registry.running()
    }
}

impl<E> Clone for TaskScope<E> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), tasks: Arc::clone(&self.tasks) }
    }
}

impl<E> fmt::Debug for TaskScope<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskScope")
            .field("context", self.context())
            .field("running", &self.running())
            .finish()
    }
}

/// The tasks that have not ended. A finished one leaves at once, so the list does not grow with
/// their number.
#[derive(Default)]
struct Tasks {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By number, none used twice; `None` between the task's entry and the return of tokio's spawn.
    handles: BTreeMap<u64, Option<AbortHandle>>,
    next_number: u64,
    /// Set when all had ended after the body, or the scope's future was dropped.
    closed: bool,
    joiner: Option<Waker>,
}

impl Tasks {
    fn enter(&self) -> Option<u64> {
        let mut state = self.state.lock();
        if state.closed {
            return None;
        }
        let number = state.next_number;
        state.next_number += 1;
        state.handles.insert(number, None);
        Some(number)
    }

    /// Keeps the handle while the task runs, and uses it if the scope was dropped meanwhile.
    fn keep_handle(&self, number: u64, handle: AbortHandle) {
        let mut state = self.state.lock();
        if state.closed {
            drop(state);
            handle.abort();
        } else if let Some(place) = state.handles.get_mut(&number) {
            *place = Some(handle);
        }
    }

    /// Lets no task in any more and gives those that run; `None` if that was done before.
    fn close(&self) -> Option<BTreeMap<u64, Option<AbortHandle>>> {
        let mut state = self.state.lock();
        if state.closed {
            return None;
        }
        state.closed = true;
        Some(std::mem::take(&mut state.handles))
    }
}

/// A task as tokio sees it. Dropped in this order, also when it is aborted before its first poll:
/// what the user's future holds is gone before the scope learns of the end.
struct Task<F, E> {
    work: Catch<F>,
    leave: Leave<E>,
}

impl<F: Future<Output = Result<(), E>>, E> Future for Task<F, E> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<()> {
        let this = &mut *self;
        let Poll::Ready(ended) = Pin::new(&mut this.work).poll(task) else { return Poll::Pending };
        if let Some(shared) = &this.leave.shared {
            match ended {
                Ok(result) => drop(shared.judge(&this.work.task, result)),
                Err(panic) => {
                    let cause = panicked(&panic);
                    shared.fail(ScopeError::Panicked(panic), cause);
                }
            }
        }
        Poll::Ready(())
    }
}

/// Takes a task off the lists when it ends, in whatever way, as the last thing that happens for it.
struct Leave<E> {
    shared: Option<Arc<Shared<E>>>,
    ticket: Option<Ticket>,
    tasks: Arc<Tasks>,
    number: u64,
}

impl<E> Drop for Leave<E> {
    fn drop(&mut self) {
        drop((self.shared.take(), self.ticket.take()));
        let mut state = self.tasks.state.lock();
        let handle = state.handles.remove(&self.number);
        let joiner = if state.handles.is_empty() { state.joiner.take() } else { None };
        drop(state);
        drop(handle);
        if let Some(joiner) = joiner {
            joiner.wake();
        }
    }
}

/// Ends when no task is left, and closes the door in the same moment.
struct AllEnded<'a>(&'a Tasks);

impl Future for AllEnded<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<()> {
        let mut state = self.0.state.lock();
        if state.handles.is_empty() {
            state.closed = true;
            return Poll::Ready(());
        }
        let before = state.joiner.replace(task.waker().clone());
        drop(state);
        drop(before);
        Poll::Pending
    }
}

/// Cancels and aborts what runs when the scope's future is dropped before its end.
struct AbortAll<'a, E>(&'a TaskScope<E>);

impl<E> Drop for AbortAll<'_, E> {
    fn drop(&mut self) {
        let Some(handles) = self.0.tasks.close() else { return };
        self.0.shared.ctx.cancel(Cause::dropped());
        for handle in handles.into_values().flatten() {
            handle.abort();
        }
    }
}

/// A future whose panics are values.
struct Catch<F> {
    task: Arc<str>,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Catch<F> {
    type Output = Result<F::Output, Panic>;

    fn poll(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        match panics::catch(&this.task, || this.future.as_mut().poll(task)) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}
