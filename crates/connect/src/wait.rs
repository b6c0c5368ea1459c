//! Waiting between attempts: growing pauses with a bound on their sum, ended early by the context.

use std::time::Duration;

use millstream::Context;

/// The first pause; each later one is twice as long.
const FIRST: Duration = Duration::from_millis(20);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(2);

/// The pauses of one problem, from its first failure until something works again.
#[derive(Debug)]
pub(crate) struct BackOff {
    next: Duration,
    left: Duration,
}

impl BackOff {
    /// Pauses that add up to at most `patience`.
    pub(crate) fn new(patience: Duration) -> Self {
        Self { next: FIRST, left: patience }
    }

    /// Waits, or says at once that there is no patience left or that the context was cancelled.
    pub(crate) fn pause(&mut self, ctx: &Context) -> bool {
        let pause = self.next.min(self.left);
        if pause.is_zero() {
            return false;
        }
        self.left -= pause;
        self.next = (self.next * 2).min(LONGEST);
        ctx.sleep(pause).is_ok()
    }
}
