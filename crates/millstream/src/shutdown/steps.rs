//! The state machine of a shutdown: what a signal, the end of the grace and a second signal do. It
//! knows no real signals, and prints nothing.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::clock::Clock;
use crate::context::{Cause, CauseKind, Context, WeakContext};
use crate::scope::{Registry, Running};
use crate::sync::Mutex;

/// How far a [`Shutdown`](super::Shutdown) has come.
///
/// # Examples
/// ```
/// use millstream::{Phase, Shutdown};
/// assert_eq!(Shutdown::manual().phase(), Phase::Running);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// No signal has come.
    Running,
    /// Step 1: no new input is to be taken; what is under way is finished.
    Draining,
    /// Step 2: the grace period has expired; everything is cancelled.
    Cancelled,
    /// Step 3: a second signal came; the process ends with this code.
    Leaving(i32),
}

/// The state machine. It holds its contexts weakly: the thread of the signals must not keep alive
/// what, by its end, ends the thread.
pub(super) struct Core {
    pub(super) context: WeakContext,
    pub(super) draining: WeakContext,
    pub(super) registry: Arc<Registry>,
    pub(super) state: Mutex<State>,
}

pub(super) type OnLeave = Box<dyn FnOnce(&[Running]) + Send>;

pub(super) struct State {
    pub(super) phase: Phase,
    pub(super) first: Option<i32>,
    pub(super) grace: Duration,
    /// Held because a context that is dropped takes its deadline with it.
    pub(super) grace_runs: Option<Context>,
    pub(super) on_leave: Option<OnLeave>,
}

impl Core {
    /// Takes the step that a signal asks for. After `Draining` the caller calls
    /// [`drain`](Self::drain), `Leaving` to end the process. It runs no code of the user.
    pub(super) fn step(&self, number: i32) -> Phase {
        let mut state = self.state.lock();
        if state.phase == Phase::Running {
            state.phase = Phase::Draining;
            state.first = Some(number);
        } else {
            state.phase = Phase::Leaving(128 + number);
        }
        state.phase
    }

    /// Cancels the draining context and starts the grace. Callbacks of the user run in here, and
    /// may take their time: the grace runs meanwhile.
    pub(super) fn drain(core: &Arc<Self>) {
        let (number, grace) = core.first_and_grace();
        let Some(draining) = core.draining.upgrade() else { return };
        if !grace.is_zero() {
            Self::start_grace(core, draining.clock(), grace);
        }
        draining.cancel(Cause::signal(number));
        if grace.is_zero() {
            core.grace_expired();
        }
    }

    pub(super) fn first_and_grace(&self) -> (i32, Duration) {
        let state = self.state.lock();
        (state.first.unwrap_or_default(), state.grace)
    }

    fn start_grace(core: &Arc<Self>, clock: &Clock, grace: Duration) {
        let weak: Weak<Self> = Arc::downgrade(core);
        let grace_runs = Context::with_clock(clock.clone()).with_timeout(grace);
        let over = move |_: &Cause| {
            if let Some(core) = weak.upgrade() {
                core.grace_expired();
            }
        };
        grace_runs.on_cancel(over).keep();
        core.state.lock().grace_runs = Some(grace_runs);
    }

    fn grace_expired(&self) {
        let (number, grace) = self.first_and_grace();
        {
            let mut state = self.state.lock();
            if state.phase == Phase::Draining {
                state.phase = Phase::Cancelled;
            }
        }
        if let Some(context) = self.context.upgrade() {
            let signal = Cause::signal(number);
            let reason =
                format!("{}, and the grace period of {grace:?} has expired", signal.reason());
            context.cancel(Cause::of(CauseKind::Signal(number), reason));
        }
    }

    /// Reports what still runs, just before the end of the process.
    pub(super) fn leave(&self) {
        let on_leave = self.state.lock().on_leave.take();
        if let Some(on_leave) = on_leave {
            on_leave(&self.registry.running());
        }
    }
}
