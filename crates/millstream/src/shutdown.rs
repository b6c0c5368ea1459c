//! Shutdown in numbered steps: a signal drains, the end of the grace cancels, a second signal
//! leaves.
//!
//! The state machine is in `shutdown/steps.rs`; signals come from `shutdown/signals.rs`, or from a
//! test. Nothing is printed: a program informs its user in [`Shutdown::on_leave`] or
//! from [`Shutdown::running`].

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::context::Context;
use crate::scope::{Registry, Running};
use crate::sync::Mutex;

mod signals;
mod steps;

pub use steps::Phase;

use signals::Listening;
use steps::{Core, State};

/// The grace of a shutdown that sets none.
const DEFAULT_GRACE: Duration = Duration::from_secs(30);

/// Turns signals into contexts, in steps.
///
/// 0. Until a signal comes, [`draining`](Self::draining) and [`context`](Self::context) are not
///    cancelled.
/// 1. The first SIGINT or SIGTERM cancels `draining` with
///    [`Cause::signal`](crate::context::Cause::signal): sources stop taking
///    input, what is under way is finished and saved. The grace begins.
/// 2. When the grace period has expired, `context` is cancelled, with the cause of the signal: work
///    is cut short, its tasks end.
/// 3. A second signal, at whatever step, ends the process at once with 128 + its number (130 for
///    SIGINT): the callback of [`on_leave`](Self::on_leave) runs, destructors do not. It does not
///    wait for callbacks of step 1 that hang; a third signal does not wait for that of `on_leave`.
///
/// A program that is done earlier simply ends; [`exit_code`](Self::exit_code) says whether a
/// signal was the reason.
///
/// Everything below `context` lives on after the `Shutdown` is dropped: signals are listened to
/// until the last of these contexts is gone. From then on they act as if there had been no
/// `Shutdown`. The context carries `draining` for what runs below it: see
/// [`draining_of`](Self::draining_of).
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use millstream::Shutdown;
///
/// let shutdown = Shutdown::on_signals().grace(Duration::from_secs(10));
/// let ctx = shutdown.context();
/// assert!(!ctx.is_cancelled() && !shutdown.draining().is_cancelled());
/// ```
///
/// The steps without signals, for a test:
/// ```
/// use std::time::Duration;
/// use millstream::{CauseKind, Phase, Shutdown};
///
/// let shutdown = Shutdown::manual().grace(Duration::from_secs(10));
/// let (ctx, draining) = (shutdown.context(), shutdown.draining());
/// assert_eq!(shutdown.signal(15), Phase::Draining);
/// assert!(draining.is_cancelled() && !ctx.is_cancelled());
///
/// ctx.clock().advance(Duration::from_secs(10));
/// assert_eq!(ctx.cause().unwrap().kind(), CauseKind::Signal(15));
/// assert_eq!(shutdown.signal(2), Phase::Leaving(130));
/// ```
#[derive(Clone)]
pub struct Shutdown {
    core: Arc<Core>,
    context: Context,
    draining: Context,
}

/// Found by what runs below the context: when to stop taking input.
struct Draining(Context);

impl Shutdown {
    /// Listens to SIGINT and SIGTERM on a thread of its own.
    ///
    /// # Panics
    /// If the system refuses the thread or the handlers; [`try_on_signals`](Self::try_on_signals)
    /// does not.
    ///
    /// # Examples
    /// ```
    /// let ctx = millstream::Shutdown::on_signals().context();
    /// assert!(!ctx.is_cancelled());
    /// ```
    pub fn on_signals() -> Self {
        match Self::try_on_signals() {
            Ok(shutdown) => shutdown,
            Err(error) => panic!("cannot listen to signals: {error}"),
        }
    }

    /// As [`on_signals`](Self::on_signals), with the refusal of the system as a value.
    ///
    /// # Errors
    /// If the system refuses the thread or the handlers, or knows no signals.
    ///
    /// # Examples
    /// ```
    /// let shutdown = millstream::Shutdown::try_on_signals()?;
    /// assert_eq!(shutdown.exit_code(), None);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn try_on_signals() -> io::Result<Self> {
        let (listening, signals) = signals::listen()?;
        let shutdown = Self::build(Clock::real(), Some(listening));
        signals.serve(Arc::clone(&shutdown.core))?;
        Ok(shutdown)
    }

    /// Listens to nothing, on a manual clock: a test calls [`signal`](Self::signal) and advances
    /// the clock of the context.
    ///
    /// # Examples
    /// ```
    /// let shutdown = millstream::Shutdown::manual();
    /// shutdown.signal(2);
    /// assert_eq!(shutdown.draining().cause().unwrap(), millstream::Cause::signal(2));
    /// ```
    pub fn manual() -> Self {
        Self::build(Clock::manual(), None)
    }

    fn build(clock: Clock, listening: Option<Listening>) -> Self {
        let bare = Context::with_clock(clock);
        let registry = Registry::below(&bare);
        let mut root = registry.carried_by(&bare);
        if let Some(listening) = listening {
            root = root.with_value(listening);
        }
        let draining = root.child();
        let context = root.with_value(Draining(draining.clone()));
        let state = State {
            phase: Phase::Running,
            first: None,
            grace: DEFAULT_GRACE,
            grace_runs: None,
            on_leave: None,
        };
        let core = Core {
            context: context.downgrade(),
            draining: draining.downgrade(),
            registry,
            state: Mutex::new(state),
        };
        Self { core: Arc::new(core), context, draining }
    }

    /// Sets how long step 1 may last; 30 seconds if never set. Zero cancels with the first signal.
    ///
    /// It counts from the first signal on; a change after that signal does nothing.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// let shutdown = millstream::Shutdown::manual().grace(Duration::ZERO);
    /// shutdown.signal(2);
    /// assert!(shutdown.context().is_cancelled());
    /// ```
    pub fn grace(self, grace: Duration) -> Self {
        self.core.state.lock().grace = grace;
        self
    }

    /// Calls `f` with what still runs just before a second signal ends the process, on the thread
    /// of the signals.
    ///
    /// # Examples
    /// ```
    /// let _shutdown = millstream::Shutdown::manual().on_leave(|running| {
    ///     for task in running {
    ///         eprintln!("did not stop: {}", task.name());
    ///     }
    /// });
    /// ```
    pub fn on_leave(self, f: impl FnOnce(&[Running]) + Send + 'static) -> Self {
        let before = self.core.state.lock().on_leave.replace(Box::new(f));
        drop(before);
        self
    }

    /// The context of the work: cancelled in step 2.
    ///
    /// # Examples
    /// ```
    /// let ctx = millstream::Shutdown::manual().context();
    /// assert!(!ctx.is_cancelled());
    /// ```
    pub fn context(&self) -> Context {
        self.context.clone()
    }

    /// The context of the input: cancelled in step 1.
    ///
    /// # Examples
    /// ```
    /// let shutdown = millstream::Shutdown::manual();
    /// shutdown.signal(15);
    /// assert!(shutdown.draining().is_cancelled());
    /// ```
    pub fn draining(&self) -> Context {
        self.draining.clone()
    }

    /// The [`draining`](Self::draining) context of the shutdown that `ctx` lives under, if it does.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Shutdown};
    ///
    /// let shutdown = Shutdown::manual();
    /// let request = shutdown.context().child();
    /// shutdown.signal(15);
    /// assert!(Shutdown::draining_of(&request).unwrap().is_cancelled());
    /// assert!(Shutdown::draining_of(&Context::new()).is_none());
    /// ```
    pub fn draining_of(ctx: &Context) -> Option<Context> {
        ctx.value::<Draining>().map(|carried| carried.0.clone())
    }

    /// How far it has come.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Phase, Shutdown};
    /// let shutdown = Shutdown::manual();
    /// shutdown.signal(2);
    /// assert_eq!(shutdown.phase(), Phase::Draining);
    /// ```
    pub fn phase(&self) -> Phase {
        self.core.state.lock().phase
    }

    /// The exit code for the first signal, 128 + its number; `None` if none has come.
    ///
    /// # Examples
    /// ```
    /// let shutdown = millstream::Shutdown::manual();
    /// shutdown.signal(2);
    /// assert_eq!(shutdown.exit_code(), Some(130));
    /// ```
    pub fn exit_code(&self) -> Option<i32> {
        self.core.state.lock().first.map(|number| 128 + number)
    }

    /// The tasks of all scopes below its contexts that have not ended, the oldest first.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Shutdown, scope};
    ///
    /// let shutdown = Shutdown::manual();
    /// scope::<_, (), _>(&shutdown.context(), |s| {
    ///     s.spawn("writer", |ctx| { ctx.wait(); Ok(()) });
    ///     assert_eq!(shutdown.running()[0].name(), "writer");
    ///     s.context().cancel("seen");
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn running(&self) -> Vec<Running> {
        self.core.registry.running()
    }

    /// Does what a signal of this number does, except to end the process, and returns how far it
    /// has come.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Phase, Shutdown};
    /// let shutdown = Shutdown::manual();
    /// assert_eq!(shutdown.signal(15), Phase::Draining);
    /// assert_eq!(shutdown.signal(15), Phase::Leaving(143));
    /// ```
    pub fn signal(&self, number: i32) -> Phase {
        match self.core.step(number) {
            Phase::Draining => {
                Core::drain(&self.core);
                self.phase()
            }
            phase => phase,
        }
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown").field("phase", &self.phase()).finish_non_exhaustive()
    }
}
