//! Scopes: threads that may borrow, all joined before the scope returns. The only door to a thread.
//!
//! [`scope`] is for work that succeeds or fails together, [`gather`](gather()) for results,
//! [`on_thread`](on_thread()) for one closure that a task awaits, and `task_scope` for tasks on
//! tokio. A pool of long-lived workers is another thing.

use std::fmt;
use std::sync::Arc;

use crate::context::{Cause, Context};
use crate::growth::Permit;
use crate::panics::{self, Panic};
use crate::spans::{Kind, Parent};
use crate::sync::Mutex;

mod error;
mod gather;
mod on_thread;
mod registry;
#[cfg(feature = "tokio")]
mod tasks;

pub use error::{ScopeError, SpawnError};
pub use gather::{Gather, Gathered, Outcome, Policy, gather};
pub use on_thread::{OnThread, on_thread};
pub(crate) use registry::Registry;
pub use registry::Running;
#[cfg(feature = "tokio")]
pub(crate) use registry::Ticket;
#[cfg(feature = "tokio")]
pub use tasks::{TaskScope, task_scope};

/// The task that [`ScopeError::Failed`] names when the body of the scope returned the error.
pub const BODY: &str = "the body of the scope";

/// Runs `body`, which may spawn threads that borrow, and returns when all of them have finished.
///
/// The scope has a context of its own, below `ctx`, which every task is given. The first task to
/// fail or to panic cancels it, so that the others end soon; all are joined in any case, and the
/// first thing that went wrong is returned. An error of the body counts like one of a task. When
/// `ctx` itself is cancelled, tasks end as they see fit; if all of them end well, the scope returns
/// [`ScopeError::Cancelled`], because work that was cut short is not a success. A scope that
/// cancels its own context, to end its helpers, ends well.
///
/// # Errors
/// The first of: an error of a task or of the body, a panic of a task, a thread that the system
/// refused, the cancellation of `ctx`.
///
/// # Panics
/// If `body` panics: the tasks are cancelled and joined, then the panic goes on.
///
/// # Cost
/// A context and a list of names, a few hundred nanoseconds; a thread for each spawn, tens of
/// microseconds.
///
/// # Examples
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use millstream::{Cause, Context, scope};
///
/// let numbers = [1_u64, 2, 3, 4];
/// let sum = AtomicU64::new(0);
/// let (left, right) = numbers.split_at(2);
/// scope::<_, Cause, _>(&Context::new(), |s| {
///     for (name, part) in [("left", left), ("right", right)] {
///         let sum = &sum;
///         s.spawn(name, move |ctx| {
///             ctx.check()?;
///             sum.fetch_add(part.iter().sum(), Ordering::Relaxed);
///             Ok(())
///         });
///     }
///     Ok(())
/// })?;
/// assert_eq!(sum.into_inner(), 10);
/// # Ok::<(), millstream::ScopeError<Cause>>(())
/// ```
///
/// Nothing borrowed may end before the scope does:
/// ```compile_fail,E0597
/// use millstream::{Context, scope};
///
/// scope::<_, (), _>(&Context::new(), |s| {
///     let text = String::from("gone too soon");
///     s.spawn("reader", |_| { println!("{text}"); Ok(()) });
///     Ok(())
/// }).unwrap();
/// ```
pub fn scope<'env, R, E, F>(ctx: &Context, body: F) -> Result<R, ScopeError<E>>
where
    F: for<'scope> FnOnce(&Scope<'scope, 'env, E>) -> Result<R, E>,
    E: Send + 'env,
{
    let _span = Parent::here().enter(Kind::Scope, BODY);
    let shared = Arc::new(Shared::below(ctx));
    let inside = Arc::clone(&shared);
    #[expect(clippy::disallowed_methods, reason = "this is the scope that replaces it")]
    let ended = std::thread::scope(move |threads| {
        let scope = Scope { threads, shared: inside };
        let ended = panics::catch(BODY, || body(&scope));
        if let Err(panic) = &ended {
            // The caller's own panic is not an error of the scope: it goes on below, after the
            // join.
            scope.shared.ctx.cancel(panicked(panic));
        }
        ended.map(|result| scope.shared.judge(BODY, result))
    });
    match ended {
        Err(panic) => panic.resume(),
        Ok(result) => shared.conclude(result),
    }
}

fn panicked(panic: &Panic) -> Cause {
    Cause::panicked(panic.to_string())
}

/// The owner of threads that [`scope`] hands to its body.
///
/// Clones are the same scope: a task that is to spawn others takes a clone with it.
///
/// # Examples
/// ```
/// use millstream::{Context, scope};
///
/// scope::<_, (), _>(&Context::new(), |s| {
///     let again = s.clone();
///     s.spawn("outer", move |_| {
///         again.spawn("inner", |_| Ok(()));
///         Ok(())
///     });
///     Ok(())
/// }).unwrap();
/// ```
pub struct Scope<'scope, 'env: 'scope, E> {
    threads: &'scope std::thread::Scope<'scope, 'env>,
    shared: Arc<Shared<E>>,
}

impl<'scope, E: Send + 'scope> Scope<'scope, '_, E> {
    /// Starts a thread of this name that runs `f` with the scope's context.
    ///
    /// It may be called at any time while the scope is open, also by its tasks, and also when the
    /// scope has been cancelled: the task then finds its context cancelled. When the system refuses
    /// the thread, `f` is dropped and the scope fails with [`ScopeError::NotStarted`].
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, scope};
    ///
    /// let text = String::from("borrowed");
    /// scope::<_, (), _>(&Context::new(), |s| {
    ///     s.spawn("reader", |_| {
    ///         assert_eq!(std::thread::current().name(), Some("reader"));
    ///         assert_eq!(text, "borrowed");
    ///         Ok(())
    ///     });
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn spawn(
        &self,
        name: impl Into<Arc<str>>,
        f: impl FnOnce(&Context) -> Result<(), E> + Send + 'scope,
    ) {
        if let Err(refused) = self.try_spawn(name, f) {
            let cause = Cause::failed(refused.to_string());
            self.shared.fail(ScopeError::NotStarted(refused), cause);
        }
    }

    /// As [`spawn`](Self::spawn), but gives the refusal of the system to the caller and lets the
    /// scope go on.
    ///
    /// # Errors
    /// When the system refuses a thread; `f` is dropped.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, scope};
    ///
    /// scope::<_, (), _>(&Context::new(), |s| {
    ///     if s.try_spawn("helper", |_| Ok(())).is_err() {
    ///         // do the work on this thread
    ///     }
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn try_spawn(
        &self,
        name: impl Into<Arc<str>>,
        f: impl FnOnce(&Context) -> Result<(), E> + Send + 'scope,
    ) -> Result<(), SpawnError> {
        let task: Arc<str> = name.into();
        let permit = match Permit::new() {
            Ok(permit) => permit,
            Err(error) => return Err(SpawnError::new(task, error)),
        };
        let name = Arc::clone(&task);
        let shared = Arc::clone(&self.shared);
        let ticket = shared.registry.enter(Arc::clone(&name), shared.ctx.clock().now());
        let asked_in = Parent::here();
        let run = move || {
            let span = asked_in.enter(Kind::Thread, &name);
            match panics::catch(&name, || f(&shared.ctx)) {
                Ok(result) => drop(shared.judge(&name, result)),
                Err(panic) => {
                    let cause = panicked(&panic);
                    shared.fail(ScopeError::Panicked(panic), cause);
                }
            }
            drop(span);
            drop(ticket);
            drop(permit);
        };
        // The system knows no name with a zero in it.
        let builder = std::thread::Builder::new().name(task.replace('\0', " "));
        match builder.spawn_scoped(self.threads, run) {
            Ok(_joined_by_the_scope) => Ok(()),
            Err(error) => Err(SpawnError::new(task, error)),
        }
    }
}

impl<E> Scope<'_, '_, E> {
    /// The context that every task is given, below the one the scope was opened with.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, scope};
    ///
    /// scope::<_, (), _>(&Context::new(), |s| {
    ///     s.spawn("ticker", |ctx| { ctx.wait(); Ok(()) });
    ///     s.context().cancel("the main work is done"); // ends the ticker, and is no error
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn context(&self) -> &Context {
        &self.shared.ctx
    }

    /// The tasks that have not ended, the oldest first.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, scope};
    ///
    /// scope::<_, (), _>(&Context::new(), |s| {
    ///     assert!(s.running().is_empty());
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn running(&self) -> Vec<Running> {
        self.shared.registry.running()
    }
}

impl<E> Clone for Scope<'_, '_, E> {
    fn clone(&self) -> Self {
        Self { threads: self.threads, shared: Arc::clone(&self.shared) }
    }
}

impl<E> fmt::Debug for Scope<'_, '_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("context", self.context())
            .field("running", &self.running())
            .finish()
    }
}

/// What the tasks of a scope, of threads or of tasks, have in common: the context, the names, and
/// the first failure.
struct Shared<E> {
    ctx: Context,
    registry: Arc<Registry>,
    first: Mutex<Option<ScopeError<E>>>,
}

impl<E> Shared<E> {
    fn below(ctx: &Context) -> Self {
        Self { ctx: ctx.child(), registry: Registry::below(ctx), first: Mutex::new(None) }
    }

    /// Keeps the first failure and cancels the scope for it.
    fn fail(&self, failure: ScopeError<E>, cause: Cause) {
        let late = {
            let mut first = self.first.lock();
            if first.is_some() { Some(failure) } else { first.replace(failure) }
        };
        self.ctx.cancel(cause);
        drop(late);
    }

    /// Passes a success on; an error becomes the scope's.
    fn judge<R>(&self, task: &str, result: Result<R, E>) -> Option<R> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                let after = self.ctx.cause().filter(Cause::is_inherited);
                self.fail(
                    ScopeError::Failed { task: task.into(), error, after },
                    Cause::failed(task),
                );
                None
            }
        }
    }

    /// The end of the scope, when all tasks have finished.
    fn conclude<R>(&self, result: Option<R>) -> Result<R, ScopeError<E>> {
        if let Some(first) = self.first.lock().take() {
            return Err(first);
        }
        match (result, self.ctx.cause()) {
            (Some(result), None) => Ok(result),
            (Some(result), Some(cause)) if !cause.is_inherited() => Ok(result),
            (_, cause) => Err(ScopeError::Cancelled(cause.unwrap_or_else(Cause::dropped))),
        }
    }
}
