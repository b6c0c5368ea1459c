//! A guard for tests: what a test started below its context must be over when the test is.
//!
//! It counts below one context, not in the whole process, so tests that run side by side do not see
//! each other's work. It does not know of threads, tasks or timers that were started by other
//! means.

use std::fmt;
use std::sync::Arc;
use std::thread;

use crate::clock::Clock;
use crate::context::Context;
use crate::scope::{Registry, Running};

/// How often a guard offers its core to others before it calls what is left a leak.
const MOMENT: u32 = 10_000;

/// Fails the test that drops it while something below its context is left.
///
/// Left may be: tasks of scopes, contexts that somebody still holds (detached ones included),
/// futures and callbacks registered on them, and, on a manual clock, sleeps and deadlines.
///
/// # Panics
/// When it is dropped and something is left, unless the test is panicking already.
///
/// # Examples
/// ```
/// use millstream::{leak, scope};
///
/// let guard = leak::Guard::new();
/// let ctx = guard.context();
/// scope::<_, (), _>(&ctx, |s| {
///     s.spawn("work", |_| Ok(()));
///     Ok(())
/// }).unwrap();
/// ```
///
/// A context that is kept is a leak:
/// ```should_panic
/// let guard = millstream::leak::Guard::new();
/// let kept = guard.context().child();
/// drop(guard);
/// # drop(kept);
/// ```
#[derive(Debug)]
#[must_use = "hold the guard to the end of the test"]
pub struct Guard {
    /// `None` when the account has been settled.
    context: Option<Context>,
    registry: Arc<Registry>,
}

/// What lives below a [`Guard`]'s context.
///
/// # Examples
/// ```
/// let guard = millstream::leak::Guard::new();
/// let child = guard.context().child();
/// assert_eq!(guard.census().contexts, 1);
/// drop(child);
/// assert!(guard.census().is_empty());
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Census {
    /// Tasks of scopes that have not ended.
    pub tasks: Vec<Running>,
    /// Contexts below the guard's own that somebody holds.
    pub contexts: usize,
    /// Futures that wait, and callbacks that are registered, on the guard's context and those
    /// below.
    pub waiters: usize,
    /// Sleeps somebody waits for, on a manual clock.
    pub sleeps: usize,
    /// Deadlines to come, on a manual clock.
    pub deadlines: usize,
    /// Whether something holds on to the guard's own context or to its values; known only at the
    /// end.
    pub held: bool,
    /// Places that contexts keep for children, free ones included: what many short-lived children
    /// leave behind.
    pub places: usize,
}

impl Census {
    /// Whether nothing is left.
    ///
    /// # Examples
    /// ```
    /// assert!(millstream::leak::Guard::new().census().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        let count = self.tasks.len() + self.contexts + self.waiters + self.sleeps + self.deadlines;
        count == 0 && !self.held
    }
}

impl fmt::Display for Census {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.tasks.iter().map(Running::name).collect();
        let parts = [
            (!names.is_empty()).then(|| format!("tasks: {}", names.join(", "))),
            (self.contexts > 0).then(|| format!("contexts: {}", self.contexts)),
            (self.waiters > 0).then(|| format!("waiting futures and callbacks: {}", self.waiters)),
            (self.sleeps > 0).then(|| format!("sleeps: {}", self.sleeps)),
            (self.deadlines > 0).then(|| format!("deadlines: {}", self.deadlines)),
            self.held.then(|| "the guard's context or its values are held".to_owned()),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        f.write_str(if parts.is_empty() { "nothing" } else { "" })?;
        f.write_str(&parts.join("; "))
    }
}

impl Guard {
    /// A guard with a root context on the real clock.
    ///
    /// # Examples
    /// ```
    /// let guard = millstream::leak::Guard::new();
    /// assert!(!guard.context().is_cancelled());
    /// ```
    #[expect(
        clippy::new_without_default,
        reason = "a guard that is made by default guards nothing by mistake"
    )]
    pub fn new() -> Self {
        Self::with_clock(Clock::real())
    }

    /// A guard with a root context on this clock, for one test alone.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use millstream::{Clock, leak};
    ///
    /// let clock = Clock::manual();
    /// let guard = leak::Guard::with_clock(clock.clone());
    /// let ctx = guard.context().with_timeout(Duration::from_secs(1));
    /// assert_eq!(guard.census().deadlines, 1);
    /// ```
    pub fn with_clock(clock: Clock) -> Self {
        let bare = Context::with_clock(clock);
        let registry = Registry::below(&bare);
        Self { context: Some(registry.carried_by(&bare)), registry }
    }

    /// The context that the test is to use.
    ///
    /// # Examples
    /// ```
    /// let guard = millstream::leak::Guard::new();
    /// guard.context().cancel("over");
    /// assert!(guard.context().is_cancelled());
    /// ```
    pub fn context(&self) -> Context {
        match &self.context {
            Some(context) => context.clone(),
            None => unreachable!("only finish and drop take the context, and both end the guard"),
        }
    }

    /// What lives below the context now.
    ///
    /// # Examples
    /// ```
    /// let guard = millstream::leak::Guard::new();
    /// let callback = guard.context().on_cancel(|_| ());
    /// assert_eq!(guard.census().waiters, 1);
    /// # drop(callback);
    /// ```
    pub fn census(&self) -> Census {
        let Some(context) = &self.context else { return Census::default() };
        let count = context.node().count();
        let clock = context.clock();
        let (sleeps, deadlines) =
            if clock.is_manual() { (clock.sleepers(), clock.deadlines()) } else { (0, 0) };
        Census {
            tasks: self.registry.running(),
            contexts: count.contexts,
            waiters: count.waiters,
            places: count.places,
            sleeps,
            deadlines,
            held: false,
        }
    }

    /// Ends the guard without a panic.
    ///
    /// # Errors
    /// What is left, if anything is.
    ///
    /// # Examples
    /// ```
    /// let guard = millstream::leak::Guard::new();
    /// let kept = guard.context().detached();
    /// let left = guard.finish().unwrap_err();
    /// assert_eq!(left.to_string(), "the guard's context or its values are held");
    /// # drop(kept);
    /// ```
    pub fn finish(mut self) -> Result<(), Census> {
        let census = self.settle();
        if census.is_empty() { Ok(()) } else { Err(census) }
    }

    fn settle(&mut self) -> Census {
        let mut census = self.census();
        // The real clock's thread may be about to let go of a context whose deadline it has just
        // notified: it gets a moment.
        for _ in 0..MOMENT {
            if census.is_empty() {
                break;
            }
            std::thread::yield_now();
            census = self.census();
        }
        // The guard's own reference goes; what else refers to the registry are the values of
        // contexts that are left.
        let guarded = self.context.take().is_some();
        let is_held = || guarded && census.contexts == 0 && Arc::strong_count(&self.registry) > 1;
        // So may the thread of the real clock that looks at a pool which was dropped meanwhile.
        for _ in 0..MOMENT {
            if !is_held() {
                break;
            }
            std::thread::yield_now();
        }
        census.held = is_held();
        census
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let census = self.settle();
        if !census.is_empty() && !thread::panicking() {
            panic!("the test left something running or held: {census}");
        }
    }
}
