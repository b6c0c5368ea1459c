//! How a loop that handles items in bursts ends a burst: by a count, or because ten milliseconds
//! have passed.
//!
//! To look at a clock for each item would cost more than a cheap item does. So a burst is sized by
//! what items cost so far, and when they become expensive in the middle of it, a tick of the
//! process ends it. Both are one comparison: a burst counts up to [`END`], and the tick lowers
//! that. A tick is real time, also below a manual clock: it bounds how long a thread does not look
//! around.
//!
//! The clock's thread ticks while somebody works in bursts. Where there is none (in a child of a
//! fork, or when the system refuses it) bursts end by their counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use std::time::Duration;

use super::alarms::Alarm;
use super::real;

const EVERY: Duration = Duration::from_millis(10);
/// The thread stops after this number of ticks that nobody needed: programs that run one pipeline
/// after another do not start it each time.
const LINGER: u32 = 50;

/// What bursts count up to, an even number. At each tick it is lower by more items than a burst
/// has.
static END: AtomicU64 = AtomicU64::new(1 << 63);
/// No burst has more items. At 100 ticks a second the range of [`END`] lasts for thousands of
/// years.
const LARGEST: u64 = 1 << 17;
/// Loops that need it.
static USERS: AtomicUsize = AtomicUsize::new(0);
static RUNS: AtomicBool = AtomicBool::new(false);

/// The items of one burst, counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Burst {
    first: u64,
    /// One number counts and ends the burst: the fewer numbers a loop has, the more of them are in
    /// registers.
    at: u64,
}

impl Burst {
    /// A burst of `max` items.
    #[inline(always)]
    pub(crate) fn of(max: usize) -> Self {
        let first = END.load(Ordering::Relaxed) - (max as u64).min(LARGEST);
        Self { first, at: first }
    }

    /// Counts an item.
    #[inline(always)]
    pub(crate) fn add(&mut self) {
        self.at += 1;
    }

    /// Whether that item was the last one: by its number, or because of a tick, then perhaps only
    /// after one more. Every second item looks at the tick, which is half the price in a loop of a
    /// nanosecond an item.
    #[inline(always)]
    pub(crate) fn is_finished(&self) -> bool {
        self.at & 1 == 0 && self.at >= END.load(Ordering::Relaxed)
    }

    /// Whether as many items were counted as the burst has, or a tick was.
    #[inline(always)]
    pub(crate) fn is_at_end(&self) -> bool {
        // Relaxed: it orders nothing, and a late look is no harm.
        self.at >= END.load(Ordering::Relaxed)
    }

    /// How many were counted.
    #[inline(always)]
    pub(crate) fn counted(&self) -> u64 {
        self.at - self.first
    }
}

/// The tick goes on for as long as this is held.
#[derive(Debug)]
pub(crate) struct Ticks(());

impl Ticks {
    pub(crate) fn start() -> Self {
        // SeqCst, with `stop`: either the ticker sees this user, or this user sees that it has
        // stopped.
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
        END.fetch_sub(LARGEST, Ordering::Relaxed);
        let unused = if USERS.load(Ordering::Relaxed) > 0 {
            0
        } else {
            self.unused.load(Ordering::Relaxed) + 1
        };
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
    fn a_burst_ends_with_its_last_item_whether_their_number_is_odd_or_even() {
        for max in [1, 2, 7, 4_096] {
            let mut burst = Burst::of(max);
            let mut add = || {
                burst.add();
                burst.is_finished()
            };
            let ended_at = (1..).find(|_| add()).unwrap();
            // A tick of another test's loop may come first.
            assert!(ended_at <= max && burst.counted() == ended_at as u64);
        }
    }

    #[test]
    fn a_burst_ends_soon_after_a_tick_while_somebody_needs_them_and_again_after_they_stopped() {
        for _ in 0..2 {
            let ticks = Ticks::start();
            let mut burst = Burst::of(LARGEST as usize);
            let before = END.load(Ordering::Relaxed);
            while END.load(Ordering::Relaxed) == before {
                std::thread::yield_now();
            }
            burst.add();
            let first = burst.is_finished();
            burst.add();
            assert!(first || burst.is_finished());
            drop(ticks);
        }
    }
}
