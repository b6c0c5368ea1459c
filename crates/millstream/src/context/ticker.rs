//! A ticker: the same moment again and again, for loops that do something each period.

use std::time::{Duration, Instant};

use super::wait::ContextSleep;
use super::{Cause, Context};
use crate::park;

/// Ticks once each period; made by [`Context::ticker`].
///
/// Ticks keep to their schedule, however long a caller takes between two of them. Those that pass
/// while nobody waits become one, which is due at once.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use millstream::{Clock, Context};
///
/// let clock = Clock::manual();
/// let mut ticker = Context::with_clock(clock.clone()).ticker(Duration::from_secs(1));
/// clock.advance(Duration::from_millis(3_500));
/// assert_eq!(ticker.tick(), Ok(()), "three ticks are one");
/// assert_eq!(ticker.next_tick() - clock.now(), Duration::from_millis(500));
/// ```
#[derive(Debug)]
#[must_use = "a ticker does nothing by itself: wait for its ticks"]
pub struct Ticker {
    ctx: Context,
    period: Duration,
    next: Instant,
}

impl Ticker {
    pub(super) fn new(ctx: &Context, period: Duration) -> Self {
        let period = period.max(Duration::from_nanos(1));
        Self { ctx: ctx.clone(), period, next: ctx.clock().after(period) }
    }

    /// Blocks this thread until the next tick is due.
    ///
    /// # Errors
    /// The cause, when the context is cancelled first, or was before the call.
    pub fn tick(&mut self) -> Result<(), Cause> {
        park::block_on(self.tick_async())
    }

    /// Like [`tick`](Self::tick), from a task, and as an arm of [`select!`](crate::select!).
    ///
    /// # Errors
    /// As for [`tick`](Self::tick).
    ///
    /// # Cancel safety
    /// Dropping the future loses no tick: it stays due.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use std::time::Duration;
    ///
    /// let mut ticker = millstream::Context::new().ticker(Duration::from_millis(1));
    /// for _ in 0..3 {
    ///     ticker.tick_async().await.unwrap();
    /// }
    /// # });
    /// ```
    pub async fn tick_async(&mut self) -> Result<(), Cause> {
        ContextSleep::new(&self.ctx, self.ctx.clock().sleep_until(self.next)).await?;
        let late = self.ctx.clock().now().saturating_duration_since(self.next).as_nanos();
        let period = self.period.as_nanos();
        let step =
            u64::try_from((late / period + 1) * period).map_or(self.period, Duration::from_nanos);
        self.next =
            self.next.checked_add(step).unwrap_or_else(|| self.ctx.clock().after(self.period));
        Ok(())
    }

    /// When the next tick is due; in the past if one was missed.
    #[must_use]
    pub fn next_tick(&self) -> Instant {
        self.next
    }
}
