//! How a thread waits: it drives a future, spins for a moment, then parks until its waker is
//! called.
//!
//! Every wait of the library is written once, as a future; this is the only place where a thread
//! blocks for one. It is not a runtime: it drives one future to its end and knows neither timers
//! nor input and output.
//!
//! Invariants
//! 1. A wake-up is never lost: the waker sets `woken` before it unparks, and the thread parks only
//!    after it has seen `woken` unset. The token of `std::thread` bridges the gap between that look
//!    and the park.
//! 2. A wake-up that comes late (for an earlier future on the same parker), or a token that was
//!    meant for somebody else, only costs one more poll or one more look.
//! 3. A parker serves one `block_on` at a time: a nested one finds the thread's cache empty and
//!    makes its own.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use crate::sync::Arc;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::thread::{self, Thread};

struct Parker {
    woken: AtomicBool,
    thread: Thread,
}

impl Parker {
    /// Takes the wake-up, if there is one. Acquire pairs with the release in `wake_by_ref`: what
    /// the waker wrote before it woke us is visible to the poll that follows.
    fn take(&self) -> bool {
        self.woken.load(Ordering::Relaxed) && self.woken.swap(false, Ordering::Acquire)
    }

    fn wait(&self) {
        if spin(|| self.take()) {
            return;
        }
        while !self.take() {
            thread::park();
        }
    }

    /// The same, up to `until`; false when nobody woke it by then.
    #[cfg(not(loom))]
    fn wait_until(&self, until: Instant) -> bool {
        if spin(|| self.take()) {
            return true;
        }
        while !self.take() {
            let left = until.saturating_duration_since(crate::clock::stopwatch());
            if left.is_zero() {
                return false;
            }
            thread::park_timeout(left);
        }
        true
    }

    /// A model knows no time: it waits until somebody wakes it, which must be enough.
    #[cfg(loom)]
    fn wait_until(&self, _until: Instant) -> bool {
        self.wait();
        true
    }
}

/// Asks again and again for a moment, in which most answers come. Gives up with false.
#[cfg(not(loom))]
fn spin(mut is_finished: impl FnMut() -> bool) -> bool {
    /// Rounds of doubling pauses: 15 pauses, which are half a microsecond or so where one takes 140
    /// cycles. Who spins for longer, or yields, takes the core from the thread that it waits for
    /// when there are more threads than cores.
    const PAUSE_ROUNDS: u32 = 4;

    for round in 0..PAUSE_ROUNDS {
        if is_finished() {
            return true;
        }
        for _ in 0..1u32 << round {
            std::hint::spin_loop();
        }
    }
    false
}

/// To a model, spinning adds states and no behaviour.
#[cfg(loom)]
fn spin(_is_done: impl FnMut() -> bool) -> bool {
    false
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // A waker that finds the flag set knows that the unpark of the one that set it is still to
        // be consumed.
        if !self.woken.swap(true, Ordering::AcqRel) {
            self.thread.unpark();
        }
    }
}

struct Cached {
    parker: Arc<Parker>,
    waker: Waker,
}

impl Cached {
    fn new() -> Self {
        let parker = Arc::new(Parker { woken: AtomicBool::new(false), thread: thread::current() });
        Self { waker: Waker::from(Arc::clone(&parker)), parker }
    }
}

/// The thread's parker between two waits. A model has none: its parts may not outlive one run.
#[cfg(not(loom))]
mod cache {
    use std::cell::Cell;

    use super::Cached;

    thread_local! {
        static CACHE: Cell<Option<Cached>> = const { Cell::new(None) };
    }

    pub(super) fn take() -> Option<Cached> {
        CACHE.try_with(Cell::take).ok().flatten()
    }

    pub(super) fn put(cached: Option<Cached>) {
        // While the thread's locals are being destroyed there is no cache any more; the parker is
        // dropped then.
        let _ = CACHE.try_with(|cache| cache.set(cached));
    }
}

#[cfg(loom)]
mod cache {
    use super::Cached;

    pub(super) fn take() -> Option<Cached> {
        None
    }

    pub(super) fn put(cached: Option<Cached>) {
        drop(cached);
    }
}

/// Puts the parker back when the wait ends, also by a panic of the future.
struct CachedGuard(Option<Cached>);

impl Drop for CachedGuard {
    fn drop(&mut self) {
        cache::put(self.0.take());
    }
}

/// Waits on this thread until `future` is ready; allocates nothing except on a thread's first or
/// nested wait.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let waited = drive(future, |parker| {
        parker.wait();
        true
    });
    let Some(output) = waited else { unreachable!("a wait without a limit ends by being ready") };
    output
}

/// The same for no longer than `limit`, by the system's clock: `None` when the future is not ready
/// by then. It is dropped then, so it must lose nothing by that.
pub(crate) fn block_on_for<F: Future>(future: F, limit: Duration) -> Option<F::Output> {
    let mut until = None;
    drive(future, |parker| {
        parker.wait_until(*until.get_or_insert_with(|| crate::clock::stopwatch() + limit))
    })
}

/// Polls `future`, and lets `wait` pass the time in between until that returns false.
fn drive<F: Future>(future: F, mut wait: impl FnMut(&Parker) -> bool) -> Option<F::Output> {
    let mut future = pin!(future);
    let cached = cache::take().unwrap_or_else(Cached::new);
    let guard = CachedGuard(Some(cached));
    let Some(Cached { parker, waker }) = &guard.0 else {
        unreachable!("the guard was filled above")
    };
    let mut context = Context::from_waker(waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return Some(output),
            Poll::Pending if !wait(parker) => return None,
            Poll::Pending => {}
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[test]
    fn a_ready_future_returns_at_once() {
        assert_eq!(block_on(async { 7 }), 7);
    }

    #[test]
    fn a_future_that_wakes_itself_is_polled_again() {
        let mut polls = 0;
        let polled = block_on(poll_fn(|context| {
            polls += 1;
            context.waker().wake_by_ref();
            if polls == 1_000 { Poll::Ready(polls) } else { Poll::Pending }
        }));
        assert_eq!(polled, 1_000);
    }

    #[test]
    fn a_nested_wait_on_the_same_thread_has_a_parker_of_its_own() {
        let outer = block_on(poll_fn(|outer| {
            let inner_differs =
                block_on(poll_fn(|inner| Poll::Ready(!inner.waker().will_wake(outer.waker()))));
            Poll::Ready(inner_differs)
        }));
        assert!(outer);
    }

    #[test]
    fn a_token_meant_for_somebody_else_does_not_end_the_wait() {
        std::thread::current().unpark();
        let (sender, receiver) = std::sync::mpsc::channel::<Waker>();
        let ready = Arc::new(AtomicBool::new(false));
        #[expect(
            clippy::disallowed_methods,
            reason = "the thing under test is what scopes are built from"
        )]
        std::thread::scope(|threads| {
            let set = Arc::clone(&ready);
            threads.spawn(move || {
                let waker = receiver.recv().unwrap();
                set.store(true, Ordering::Release);
                waker.wake();
            });
            block_on(poll_fn(|context| {
                if ready.load(Ordering::Acquire) {
                    return Poll::Ready(());
                }
                sender.send(context.waker().clone()).ok();
                std::thread::current().unpark();
                Poll::Pending
            }));
        });
        assert!(ready.load(Ordering::Acquire));
    }

    #[test]
    fn a_future_that_panics_leaves_the_thread_able_to_wait() {
        let caught = std::panic::catch_unwind(|| block_on(async { panic!("on purpose") }));
        assert!(caught.is_err());
        assert_eq!(block_on(async { 1 }), 1);
    }
}
