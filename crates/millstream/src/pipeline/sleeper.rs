//! The thread that waits for results, and when it is worth waking.
//!
//! To wake a thread costs some microseconds, and where all cores are busy it takes one of them from
//! a worker. So results that come one after the other may leave without waking the consumer, which
//! has promised to look again [`LOOKS_AGAIN`] after it began to wait. Who then has nothing more to
//! do, or waits for the consumer, wakes it.

use std::task::Waker;
use std::time::{Duration, Instant};

use crate::clock::stopwatch;

/// How long after the start of its wait a consumer that may be woken late looks by itself.
pub(crate) const LOOKS_AGAIN: Duration = Duration::from_millis(1);

/// The one consumer, if it waits.
#[derive(Debug, Default)]
pub(crate) struct Sleeper(Option<(Waker, Instant)>);

impl Sleeper {
    /// It waits, as before or from now on. What comes back is to be dropped outside the lock.
    pub(crate) fn waits(&mut self, waker: Waker) -> Option<Waker> {
        let since = self.0.as_ref().map_or_else(stopwatch, |(_, since)| *since);
        self.0.replace((waker, since)).map(|(before, _)| before)
    }

    /// To wake it in any case; also when it waits no longer.
    pub(crate) fn take(&mut self) -> Option<Waker> {
        self.0.take().map(|(waker, _)| waker)
    }

    /// To wake it if it will not look by itself soon.
    pub(crate) fn take_if_late(&mut self) -> Option<Waker> {
        let is_late = |(_, since): &(_, Instant)| cfg!(loom) || since.elapsed() >= LOOKS_AGAIN;
        if self.0.as_ref().is_some_and(is_late) { self.take() } else { None }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn who_began_to_wait_just_now_is_woken_only_in_any_case() {
        let mut sleeper = Sleeper::default();
        assert!(sleeper.waits(Waker::noop().clone()).is_none());
        assert!(sleeper.take_if_late().is_none());
        sleeper.0.as_mut().unwrap().1 -= LOOKS_AGAIN;
        assert!(sleeper.waits(Waker::noop().clone()).is_some(), "it goes on to wait");
        assert!(sleeper.take_if_late().is_some());
        assert!(sleeper.take().is_none());
    }
}
