//! Results from tasks that run side by side: in the order of spawning, under a policy that says
//! when it is enough.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Scope, ScopeError, SpawnError, scope};
use crate::context::{Cause, Context};
use crate::panics::{self, Panic};
use crate::sync::Mutex;

/// When a [`gather`](gather()) has enough and cancels what still runs.
///
/// # Examples
/// ```
/// use millstream::{Context, Policy, gather};
///
/// let fastest = gather(&Context::new(), Policy::FirstSuccess, |g| {
///     g.spawn("mirror a", |_| Err("down"));
///     g.spawn("mirror b", |_| Ok("page"));
/// });
/// assert_eq!(fastest.first().unwrap(), "page");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// The first error or panic cancels the rest.
    FirstError,
    /// Everything runs to its end, whatever becomes of the others.
    All,
    /// The first success cancels the rest.
    FirstSuccess,
    /// Everything runs, for this long at most; what is done by then is the result.
    UntilDeadline(Duration),
}

/// What became of one task of a [`gather`](gather()).
///
/// # Examples
/// ```
/// use millstream::{Context, Outcome, Policy, gather};
///
/// let gathered = gather(&Context::new(), Policy::All, |g| g.spawn("one", |_| Err::<(), _>("no")));
/// assert!(matches!(gathered.outcomes()[0], (_, Outcome::Failed("no"))));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome<T, E> {
    /// It returned a result, at whatever time.
    Done(T),
    /// It returned an error on its own account.
    Failed(E),
    /// It panicked.
    Panicked(Panic),
    /// It was cancelled before it had a result.
    #[non_exhaustive]
    Cancelled {
        /// Why.
        cause: Cause,
        /// The error with which it ended; `None` if it was cancelled before it started.
        error: Option<E>,
    },
    /// The system refused a thread for it.
    NotStarted(SpawnError),
}

/// Runs the tasks that `body` spawns side by side and returns what became of each, when all have
/// ended.
///
/// The outcomes are in the order of spawning. They have a context of their own, below `ctx`, which
/// is cancelled as the policy says. A task that ends with an error after that counts as cancelled,
/// not as failed, and keeps the error; one that succeeds after that is done all the same. A task
/// that is spawned after that is not started. A thread cannot be killed: a task that ignores its
/// context delays the end.
///
/// # Panics
/// If `body` panics: the tasks are cancelled and joined, then the panic goes on.
///
/// # Cost
/// That of a [`scope`] and a thread for each task.
///
/// # Examples
/// ```
/// use millstream::{Cause, Context, Policy, gather};
///
/// let numbers = [1_u64, 2, 3];
/// let squares = gather(&Context::new(), Policy::FirstError, |g| {
///     for n in &numbers {
///         g.spawn(format!("square of {n}"), move |_| Ok::<_, Cause>(n * n));
///     }
/// });
/// assert_eq!(squares.all().unwrap(), [1, 4, 9]);
/// ```
pub fn gather<'env, T, E, F>(ctx: &Context, policy: Policy, body: F) -> Gathered<T, E>
where
    F: for<'scope> FnOnce(&Gather<'scope, 'env, T, E>),
    T: Send + 'env,
    E: Send + 'env,
{
    let group = match policy {
        Policy::UntilDeadline(timeout) => ctx.with_timeout(timeout),
        _ => ctx.child(),
    };
    let table = Arc::new(Table { group, policy, rows: Mutex::new(Rows::default()) });
    let inside = Arc::clone(&table);
    // The scope sees no error and no panic: what tasks end with is in the table. Its own end says
    // nothing new.
    let _ended = scope::<(), Infallible, _>(&table.group, move |scope| {
        body(&Gather { scope: scope.clone(), table: inside });
        Ok(())
    });
    let rows = std::mem::take(&mut *table.rows.lock());
    let cause = table.group.cause();
    let lost =
        || Outcome::Cancelled { cause: cause.clone().unwrap_or_else(Cause::dropped), error: None };
    let outcomes = rows
        .tasks
        .into_iter()
        .map(|(name, outcome)| (name, outcome.unwrap_or_else(lost)))
        .collect();
    Gathered { outcomes, first_done: rows.first_done, first_bad: rows.first_bad }
}

/// The owner of tasks with results that [`gather`](gather()) hands to its body; clones are the same
/// one.
///
/// # Examples
/// ```
/// use millstream::{Context, Policy, gather};
///
/// let found = gather(&Context::new(), Policy::All, |g| {
///     let again = g.clone();
///     g.spawn("outer", move |_| {
///         again.spawn("inner", |_| Ok::<_, ()>(2));
///         Ok(1)
///     });
/// });
/// assert_eq!(found.all().unwrap(), [1, 2]);
/// ```
pub struct Gather<'scope, 'env: 'scope, T, E> {
    scope: Scope<'scope, 'env, Infallible>,
    table: Arc<Table<T, E>>,
}

impl<'scope, T: Send + 'scope, E: Send + 'scope> Gather<'scope, '_, T, E> {
    /// Starts a thread of this name that runs `f`; its outcome comes after those of the tasks
    /// spawned before.
    ///
    /// When the policy, or the context above, has already cancelled the gather, `f` is dropped and
    /// the outcome is [`Outcome::Cancelled`].
    ///
    /// # Examples
    /// ```
    /// use millstream::{Cause, Context, Policy, gather};
    ///
    /// let lengths = gather(&Context::new(), Policy::All, |g| {
    ///     g.spawn("a", |_| Ok::<_, Cause>("a".len()));
    ///     g.spawn("bb", |_| Ok("bb".len()));
    /// });
    /// assert_eq!(lengths.all().unwrap(), [1, 2]);
    /// ```
    pub fn spawn(
        &self,
        name: impl Into<Arc<str>>,
        f: impl FnOnce(&Context) -> Result<T, E> + Send + 'scope,
    ) {
        let name: Arc<str> = name.into();
        let table = Arc::clone(&self.table);
        let row = table.enter(Arc::clone(&name));
        if let Some(cause) = table.group.cause() {
            return table.settle(row, Outcome::Cancelled { cause, error: None });
        }
        let task = Arc::clone(&name);
        let refused = self.scope.try_spawn(name, move |_| {
            let outcome = match panics::catch(&task, || f(&table.group)) {
                Ok(Ok(value)) => Outcome::Done(value),
                Ok(Err(error)) => match table.group.cause() {
                    Some(cause) => Outcome::Cancelled { cause, error: Some(error) },
                    None => Outcome::Failed(error),
                },
                Err(panic) => Outcome::Panicked(panic),
            };
            table.settle(row, outcome);
            Ok(())
        });
        if let Err(refused) = refused {
            self.table.settle(row, Outcome::NotStarted(refused));
        }
    }

    /// The context that every task is given.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use millstream::{Context, Policy, gather};
    ///
    /// gather::<(), (), _>(&Context::new(), Policy::UntilDeadline(Duration::from_secs(9)), |g| {
    ///     assert!(g.context().deadline().is_some());
    /// });
    /// ```
    pub fn context(&self) -> &Context {
        &self.table.group
    }
}

impl<T, E> Clone for Gather<'_, '_, T, E> {
    fn clone(&self) -> Self {
        Self { scope: self.scope.clone(), table: Arc::clone(&self.table) }
    }
}

impl<T, E> fmt::Debug for Gather<'_, '_, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gather").field("scope", &self.scope).finish_non_exhaustive()
    }
}

struct Table<T, E> {
    group: Context,
    policy: Policy,
    rows: Mutex<Rows<T, E>>,
}

/// A task's name, and its outcome once it has one.
type Row<T, E> = (Arc<str>, Option<Outcome<T, E>>);

struct Rows<T, E> {
    tasks: Vec<Row<T, E>>,
    /// In time, not in the order of spawning.
    first_done: Option<usize>,
    first_bad: Option<usize>,
}

impl<T, E> Default for Rows<T, E> {
    fn default() -> Self {
        Self { tasks: Vec::new(), first_done: None, first_bad: None }
    }
}

impl<T, E> Table<T, E> {
    fn enter(&self, name: Arc<str>) -> usize {
        let tasks = &mut self.rows.lock().tasks;
        tasks.push((name, None));
        tasks.len() - 1
    }

    /// Keeps an outcome and cancels the group if the policy says that this is enough.
    fn settle(&self, row: usize, outcome: Outcome<T, E>) {
        let enough = match (&outcome, self.policy) {
            (Outcome::Done(_), Policy::FirstSuccess) => Some(Cause::finished()),
            (Outcome::Failed(_), Policy::FirstError) => Some(Cause::failed(self.name(row))),
            (Outcome::Panicked(panic), Policy::FirstError) => Some(super::panicked(panic)),
            (Outcome::NotStarted(refused), Policy::FirstError) => {
                Some(Cause::failed(refused.to_string()))
            }
            _ => None,
        };
        let mut rows = self.rows.lock();
        match &outcome {
            Outcome::Done(_) => rows.first_done = rows.first_done.or(Some(row)),
            _ => rows.first_bad = rows.first_bad.or(Some(row)),
        }
        if let Some((_, place)) = rows.tasks.get_mut(row) {
            *place = Some(outcome);
        }
        drop(rows);
        if let Some(cause) = enough {
            self.group.cancel(cause);
        }
    }

    fn name(&self, row: usize) -> Arc<str> {
        self.rows.lock().tasks[row].0.clone()
    }
}

/// What became of the tasks of a [`gather`](gather()), in the order of spawning.
///
/// # Examples
/// ```
/// use millstream::{Context, Outcome, Policy, gather};
///
/// let gathered = gather(&Context::new(), Policy::All, |g| {
///     g.spawn("good", |_| Ok(1));
///     g.spawn("bad", |_| Err("no"));
/// });
/// for (name, outcome) in gathered {
///     match outcome {
///         Outcome::Done(n) => assert_eq!((&*name, n), ("good", 1)),
///         other => assert!(&*name == "bad" && matches!(other, Outcome::Failed("no"))),
///     }
/// }
/// ```
#[derive(Clone, Debug)]
#[must_use = "errors and panics of the tasks are in here"]
pub struct Gathered<T, E> {
    outcomes: Vec<(Arc<str>, Outcome<T, E>)>,
    first_done: Option<usize>,
    first_bad: Option<usize>,
}

impl<T, E> Gathered<T, E> {
    /// The name and the outcome of each task.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Outcome, Policy, gather};
    ///
    /// let gathered = gather(&Context::new(), Policy::All, |g| g.spawn("one", |_| Ok::<_, ()>(1)));
    /// assert!(matches!(&gathered.outcomes()[0], (name, Outcome::Done(1)) if &**name == "one"));
    /// ```
    pub fn outcomes(&self) -> &[(Arc<str>, Outcome<T, E>)] {
        &self.outcomes
    }

    /// All results, or the failure that came first in time.
    ///
    /// # Errors
    /// When any task has no result.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Policy, gather};
    ///
    /// let gathered = gather(&Context::new(), Policy::FirstError, |g| {
    ///     g.spawn("good", |_| Ok(1));
    ///     g.spawn("bad", |_| Err("no"));
    /// });
    /// assert_eq!(gathered.all().unwrap_err().to_string(), "bad failed: no");
    /// ```
    pub fn all(mut self) -> Result<Vec<T>, ScopeError<E>> {
        match self.first_bad {
            Some(row) => Err(self.failure(row)),
            None => Ok(self.done().collect()),
        }
    }

    /// The result that came first in time, or, if there is none, the failure that came first.
    ///
    /// # Errors
    /// When no task has a result; of a gather without tasks that is a cancellation saying so.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Policy, gather};
    ///
    /// let gathered = gather(&Context::new(), Policy::FirstSuccess, |g| {
    ///     g.spawn("bad", |_| Err::<(), _>("no"));
    /// });
    /// assert!(gathered.first().unwrap_err().is_failed());
    /// ```
    pub fn first(mut self) -> Result<T, ScopeError<E>> {
        if let Some(row) = self.first_done
            && let Outcome::Done(value) = self.outcomes.swap_remove(row).1
        {
            return Ok(value);
        }
        match self.first_bad {
            Some(row) => Err(self.failure(row)),
            None => Err(ScopeError::Cancelled("no task was spawned".into())),
        }
    }

    /// The results that there are, in the order of spawning.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Policy, gather};
    ///
    /// let gathered = gather(&Context::new(), Policy::All, |g| {
    ///     g.spawn("good", |_| Ok(1));
    ///     g.spawn("bad", |_| Err("no"));
    /// });
    /// assert_eq!(gathered.done().collect::<Vec<_>>(), [1]);
    /// ```
    pub fn done(self) -> impl Iterator<Item = T> {
        self.outcomes.into_iter().filter_map(|(_, outcome)| match outcome {
            Outcome::Done(value) => Some(value),
            _ => None,
        })
    }

    fn failure(&mut self, row: usize) -> ScopeError<E> {
        let (task, outcome) = self.outcomes.swap_remove(row);
        match outcome {
            Outcome::Failed(error) => ScopeError::Failed { task, error, after: None },
            Outcome::Panicked(panic) => ScopeError::Panicked(panic),
            Outcome::Cancelled { cause, .. } => ScopeError::Cancelled(cause),
            Outcome::NotStarted(refused) => ScopeError::NotStarted(refused),
            Outcome::Done(_) => unreachable!("row {row} of a gather was noted as bad and is done"),
        }
    }
}

impl<T, E> IntoIterator for Gathered<T, E> {
    type Item = (Arc<str>, Outcome<T, E>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.outcomes.into_iter()
    }
}
