//! A coarse tick of the process: a number that changes every ten milliseconds while somebody works in long bursts.
//!
//! A loop that handles items in bursts, because looking at a clock for each would cost more than the item, compares this
//! number instead: one load. So a burst that was sized for cheap items ends soon when they become expensive. It measures
//! nothing, and it is real time, also below a manual clock: what it bounds is how long a thread does not look around.
//!
//! The clock's thread ticks. Where there is none (in a child of a fork, or when the system refuses it) the number stands
//! still, and bursts end by themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use std::time::Duration;

use super::alarms::Alarm;
use super::real;

const EVERY: Duration = Duration::from_millis(10);
/// So many ticks without anybody who needs them, and it stops: programs that run one pipeline after another do not
/// start it each time.
const LINGER: u32 = 50;

static TICK: AtomicU32 = AtomicU32::new(0);
/// Loops that need it.
static USERS: AtomicUsize = AtomicUsize::new(0);
static RUNS: AtomicBool = AtomicBool::new(false);

/// The number now.
#[inline(always)]
pub(crate) fn now() -> u32 {
    // Relaxed: it orders nothing, and a late look is no harm.
    TICK.load(Ordering::Relaxed)
}

/// The tick goes on for as long as this is held.
#[derive(Debug)]
pub(crate) struct Ticks(());

impl Ticks {
    pub(crate) fn start() -> Self {
        // SeqCst, with `stop`: either the ticker sees this user, or this user sees that it has stopped.
        USERS.fetch_add(1, Ordering::SeqCst);
        if !cfg!(loom) && !RUNS.load(Ordering::SeqCst) && !RUNS.swap(true, Ordering::SeqCst) {
            arm(Arc::new(Ticker { unused: AtomicU32::new(0) }));
        }
        Self(())
    }
}

impl Drop for Ticks {
    fn drop(&mut self) {
        USERS.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Ticker {
    /// Ticks in a row that nobody needed.
    unused: AtomicU32,
}

impl Wake for Ticker {
    fn wake(self: Arc<Self>) {
        TICK.fetch_add(1, Ordering::Relaxed);
        let unused =
            if USERS.load(Ordering::Relaxed) > 0 { 0 } else { self.unused.load(Ordering::Relaxed) + 1 };
        self.unused.store(unused, Ordering::Relaxed);
        if unused < LINGER || !stop() {
            arm(self);
        }
    }
}

/// False: somebody needs it after all, and nobody else has started it.
fn stop() -> bool {
    RUNS.store(false, Ordering::SeqCst);
    USERS.load(Ordering::SeqCst) == 0 || RUNS.swap(true, Ordering::SeqCst)
}

fn arm(ticker: Arc<Ticker>) {
    let _fires_once = real::insert(real::now() + EVERY, Alarm::Wake(Waker::from(ticker)));
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn it_ticks_while_somebody_needs_it_and_again_after_it_stopped() {
        for _ in 0..2 {
            let ticks = Ticks::start();
            let before = now();
            while now() == before {
                std::thread::yield_now();
            }
            drop(ticks);
        }
    }
}
