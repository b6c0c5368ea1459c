//! What the tests of pipelines share: a watchdog, contexts that report leaks, sinks that remember,
//! and work to do.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use millstream::{Clock, Context, Report, Sink, leak};

/// Runs a test body on a thread of its own and fails loudly if it does not end: a hang is a bug,
/// not a wait.
///
/// This is the only wall clock of these tests, and nothing that works comes near it.
pub(crate) fn ends<R: Send + 'static>(body: impl FnOnce() -> R + Send + 'static) -> R {
    let (sender, receiver) = mpsc::channel();
    #[expect(
        clippy::disallowed_methods,
        reason = "a thread that hangs cannot be joined, so no scope may own it"
    )]
    let thread = std::thread::spawn(move || {
        let result = body();
        let _ = sender.send(());
        result
    });
    if receiver.recv_timeout(Duration::from_secs(30)) == Err(mpsc::RecvTimeoutError::Timeout) {
        panic!("the run hangs: it did not end within 30 seconds");
    }
    thread.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload))
}

/// Runs `body` under the watchdog with a context that must be left without threads, waiters or
/// children.
pub(crate) fn clean<R: Send + 'static>(body: impl FnOnce(&Context) -> R + Send + 'static) -> R {
    ends(move || {
        let guard = leak::Guard::new();
        let result = body(&guard.context());
        guard.finish().unwrap();
        result
    })
}

/// The same on virtual time.
pub(crate) fn clean_on<R: Send + 'static>(
    clock: &Clock,
    body: impl FnOnce(&Context) -> R + Send + 'static,
) -> R {
    let clock = clock.clone();
    ends(move || {
        let guard = leak::Guard::with_clock(clock);
        let result = body(&guard.context());
        guard.finish().unwrap();
        result
    })
}

/// Checks the conservation law on a report, for each stage and for the whole.
#[track_caller]
pub(crate) fn adds_up(report: &Report) {
    assert!(report.balances(), "the report does not balance:\n{report}\n{report:#?}");
    let all = report.totals();
    assert_eq!(
        all.entered,
        all.left + all.filtered + all.skipped + all.failed + all.cancelled + all.held,
        "the totals do not add up:\n{report}"
    );
    assert_eq!(all.held, 0, "a run that has finished holds nothing:\n{report}");
}

/// Work that takes about `rounds` nanoseconds or more, by counting.
pub(crate) fn spin(rounds: u64) -> u64 {
    let mut sum = 0_u64;
    for round in 0..rounds {
        sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(round));
    }
    sum
}

/// A sink that keeps what it is given where the test can see it, also after a run that failed.
#[derive(Debug)]
pub(crate) struct Keep<T> {
    pub(crate) items: Arc<Mutex<Vec<T>>>,
    pub(crate) closed: Arc<Mutex<u32>>,
}

impl<T> Keep<T> {
    pub(crate) fn new() -> Self {
        Self { items: Arc::default(), closed: Arc::default() }
    }

    /// A second handle on the same items.
    pub(crate) fn again(&self) -> Self {
        Self { items: Arc::clone(&self.items), closed: Arc::clone(&self.closed) }
    }

    pub(crate) fn taken(&self) -> Vec<T>
    where
        T: Clone,
    {
        self.items.lock().unwrap().clone()
    }

    pub(crate) fn closed(&self) -> u32 {
        *self.closed.lock().unwrap()
    }
}

impl<T> Sink<T> for Keep<T> {
    type Error = String;

    fn write(&mut self, item: T) -> Result<(), String> {
        self.items.lock().unwrap().push(item);
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        *self.closed.lock().unwrap() += 1;
        Ok(())
    }
}
