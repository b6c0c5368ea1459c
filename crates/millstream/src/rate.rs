//! `RateLimit`: a policy as a value: so many calls in so much time, with a burst allowed.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::Context;
use crate::context::Cause;

/// A spacing of thirty years is never: longer ones could not be told as an instant.
const LONGEST: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// At most so many calls in a period, evenly spaced, after a burst that may pass at once.
///
/// It keeps one instant, "when the next call is due" (the generic cell rate algorithm), so it needs no timer. Shared by
/// reference: all who wait on one value share the rate. First come, first served among those who ask at different times.
///
/// # Cost
/// One lock and one look at the clock a call.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use millstream::{Clock, Context, RateLimit};
///
/// let clock = Clock::manual();
/// let ctx = Context::with_clock(clock.clone());
/// let limit = RateLimit::per(Duration::from_secs(1), 10).burst(2);
/// assert!(limit.try_take(&ctx));
/// assert!(limit.try_take(&ctx));
/// assert!(!limit.try_take(&ctx), "the burst is used up");
/// clock.advance(Duration::from_millis(100));
/// assert!(limit.try_take(&ctx));
/// ```
#[derive(Debug)]
pub struct RateLimit {
    spacing: Duration,
    slack: Duration,
    due: Mutex<Option<Instant>>,
}

impl RateLimit {
    /// `count` calls in each `period`, the first at once and no burst beyond it. A count of 0 is taken as 1.
    ///
    /// # Examples
    /// ```
    /// # use std::time::Duration;
    /// # use millstream::{Context, RateLimit};
    /// let limit = RateLimit::per(Duration::from_secs(60), 1);
    /// let ctx = Context::new();
    /// assert!(limit.try_take(&ctx));
    /// assert!(!limit.try_take(&ctx), "the next is due in a minute");
    /// ```
    #[must_use]
    pub fn per(period: Duration, count: u32) -> Self {
        let spacing = (period / count.max(1)).min(LONGEST);
        Self { spacing, slack: Duration::ZERO, due: Mutex::new(None) }
    }

    /// Lets `count` calls pass at once after a pause long enough. The default, 1, spaces all calls evenly.
    ///
    /// # Examples
    /// See [`RateLimit`].
    #[must_use]
    pub fn burst(mut self, count: u32) -> Self {
        self.slack = self.spacing.saturating_mul(count.saturating_sub(1)).min(LONGEST);
        self
    }

    /// Takes a place now if one is free; never waits. It does not ask whether the context is cancelled.
    ///
    /// # Examples
    /// See [`RateLimit`].
    pub fn try_take(&self, ctx: &Context) -> bool {
        self.take(ctx.clock().now(), false).is_ok()
    }

    /// Waits until a call may pass.
    ///
    /// # Errors
    /// The context's cause, when it is cancelled first. The place stays taken, so that a crowd of cancelled waiters
    /// cannot let the others pass too early.
    ///
    /// # Examples
    /// ```
    /// # use std::time::Duration;
    /// # use millstream::{CauseKind, Context, RateLimit};
    /// let limit = RateLimit::per(Duration::from_secs(3600), 1);
    /// let ctx = Context::new();
    /// assert!(limit.wait(&ctx).is_ok(), "the first passes at once");
    /// let soon = ctx.with_timeout(Duration::from_millis(1));
    /// assert_eq!(limit.wait(&soon).unwrap_err().kind(), CauseKind::Deadline);
    /// ```
    pub fn wait(&self, ctx: &Context) -> Result<(), Cause> {
        match self.take(ctx.clock().now(), true) {
            Ok(()) => ctx.check(),
            Err(wait) => ctx.sleep(wait),
        }
    }

    /// Ok: pass now. Err: how long until the place that was taken (or, if not `claim`, could be taken) is due.
    fn take(&self, now: Instant, claim: bool) -> Result<(), Duration> {
        let mut due = self.due.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // What was not used counts for a burst, but never for more than one: "due" is at most the slack in the past.
        let full = now.checked_sub(self.slack).unwrap_or(now);
        let at = due.map_or(full, |due| due.max(full));
        let wait = at.saturating_duration_since(now);
        if wait.is_zero() || claim {
            *due = Some(at + self.spacing);
        }
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }
}
