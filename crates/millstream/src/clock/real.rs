//! The clock of the process and the one thread that serves it.
//!
//! The thread starts with the first alarm and ends after [`LINGER`] without any. It is no task of a
//! scope: it runs nothing but wakers and cancellations, and belongs to the process, not to a run.
//!
//! Invariants, under the one lock
//! 1. While `serving` is set, the thread will look at the list again no later than `wakes_at`.
//! 2. So an alarm that is due at or after `wakes_at` needs no notice; an earlier one does.
//! 3. The thread clears `serving` only with an empty list, in the same critical section in which it
//!    decides to end.
//!
//! Std's lock and condition variable are used under loom too: models use neither sleeps nor
//! deadlines on this clock.

use std::panic::AssertUnwindSafe;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::alarms::{Alarm, Alarms, Key};

/// How long the thread stays without work, so that a program that sleeps now and then does not
/// start one each time.
const LINGER: Duration = Duration::from_secs(2);

static STATE: Mutex<State> =
    Mutex::new(State { alarms: Alarms::new(), serving: false, wakes_at: None });
static CHANGED: Condvar = Condvar::new();

struct State {
    alarms: Alarms,
    serving: bool,
    wakes_at: Option<Instant>,
}

fn lock() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// Puts an alarm on the list and sees to it that the thread knows.
///
/// When the system refuses the thread, a sleep is taken off again and woken at once: it polls until
/// its moment, and each poll tries again to start the thread. A deadline stays on the list for the
/// thread that the next alarm starts.
pub(super) fn insert(at: Instant, alarm: Alarm) -> Key {
    let fallback = if let Alarm::Wake(waker) = &alarm { Some(waker.clone()) } else { None };
    let mut state = lock();
    let key = state.alarms.insert(at, alarm);
    if !state.serving {
        state.serving = start();
        state.wakes_at = None;
        if !state.serving
            && let Some(waker) = fallback
        {
            let alarm = state.alarms.remove(key);
            drop(state);
            drop(alarm);
            std::thread::yield_now();
            waker.wake();
        }
    } else if state.wakes_at.is_some_and(|wakes_at| at < wakes_at) {
        drop(state);
        CHANGED.notify_one();
    }
    key
}

pub(super) fn with_alarms<R>(f: impl FnOnce(&mut Alarms) -> R) -> R {
    f(&mut lock().alarms)
}

#[expect(
    clippy::disallowed_methods,
    reason = "this thread belongs to the process, not to any scope"
)]
fn start() -> bool {
    std::thread::Builder::new().name("millstream-clock".into()).spawn(serve).is_ok()
}

fn serve() {
    let mut state = lock();
    loop {
        let now = now();
        if let Some((_, alarm)) = state.alarms.take_due(now) {
            drop(state);
            // A waker of a user may panic; the panic hook has printed it, and the other alarms must
            // still fire.
            let _ = std::panic::catch_unwind(AssertUnwindSafe(|| alarm.fire()));
            state = lock();
            continue;
        }
        let first = state.alarms.first();
        let wakes_at = first.unwrap_or(now + LINGER);
        state.wakes_at = Some(wakes_at);
        let (woken, timeout) =
            CHANGED.wait_timeout(state, wakes_at - now).unwrap_or_else(PoisonError::into_inner);
        state = woken;
        state.wakes_at = None;
        if first.is_none() && timeout.timed_out() && state.alarms.first().is_none() {
            state.serving = false;
            return;
        }
    }
}
