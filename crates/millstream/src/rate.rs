//! `RateLimit`: a policy as a value: how many calls may pass in a time. It holds back; it drops and
//! queues nothing.
//!
//! Invariants, under the one lock
//! 1. A turn is taken in the moment in which its caller passes, never ahead. So who gives up has
//!    taken nothing, and who stands behind moves up by itself.
//! 2. While anybody stands in line, at least one of them is notified. A notified caller has a timer
//!    for the next turn, or is about to look; when it passes or leaves, it notifies the next.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, Instant};

use crate::Context;
use crate::clock::Sleep;
use crate::context::{Cancelled, Cause};
use crate::park::block_on;
use crate::sync::Mutex;
use crate::waiters::{Key, Waiters, Wakes};

/// A spacing of thirty years is never: longer ones do not fit into an instant.
const LONGEST: Duration = Duration::from_secs(30 * 365 * 24 * 3600);
/// How far behind its schedule a caller that was woken late still passes without being charged for
/// it.
const CATCH_UP: Duration = Duration::from_millis(1);

/// At most N calls in a period, evenly spaced, after a burst that may pass at once.
///
/// It keeps one instant, "when the next turn is due" (the generic cell rate algorithm). Shared by
/// reference: all who wait on one value share the rate, threads and tasks alike.
///
/// **Order**: first come, first served. [`try_take`](Self::try_take) does not overtake those who
/// wait.
///
/// **A caller that gives up is not charged**: one that is cancelled, before or while it waits,
/// takes no turn, and the callers behind it move up. One whose deadline comes before its turn fails
/// at once.
///
/// **Precision**: a timer wakes a caller some 50 to 100 microseconds late. Turns that became due
/// meanwhile, up to 1 ms of them, pass together, so the rate holds also where the spacing is far
/// below that: over any time `t` at most `(t + 1 ms) * rate + burst` calls pass. The spacing is a
/// whole number of nanoseconds, rounded up.
///
/// # Cost
/// One lock and one look at the clock a call; a wait costs a timer.
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
pub struct RateLimit {
    spacing: Duration,
    slack: Duration,
    state: Mutex<State>,
}

struct State {
    /// When the next turn is due; none before the first.
    due: Option<Instant>,
    /// How late the last caller that waited was woken, at most [`CATCH_UP`]: so much of the past is
    /// still to be had.
    lag: Duration,
    line: Waiters,
}

impl RateLimit {
    /// `count` calls in each `period`, the first at once and no burst beyond it. A count of 0 is
    /// taken as 1.
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
        let count = count.max(1);
        // Rounded up: a rate that is a hair too low keeps the promise, one that is too high does
        // not.
        let exact = period / count * count == period;
        let spacing = (period / count + Duration::from_nanos(u64::from(!exact))).min(LONGEST);
        let state = State { due: None, lag: Duration::ZERO, line: Waiters::new() };
        Self { spacing, slack: Duration::ZERO, state: Mutex::new(state) }
    }

    /// Lets `count` calls pass at once after a pause long enough. The default, 1, spaces all calls
    /// evenly.
    #[must_use]
    pub fn burst(mut self, count: u32) -> Self {
        self.slack = self.spacing.saturating_mul(count.saturating_sub(1)).min(LONGEST);
        self
    }

    /// Takes a turn now if one is due and nobody waits for it. It does not ask whether the context
    /// is cancelled.
    pub fn try_take(&self, ctx: &Context) -> bool {
        let now = ctx.clock().now();
        let mut state = self.state.lock();
        let lag = state.lag;
        state.line.is_empty() && self.take(&mut state, now, lag).is_ok()
    }

    /// Waits until a call may pass.
    ///
    /// # Errors
    /// The context's cause, when it is cancelled first, or was before; the cause "deadline", at
    /// once, when its deadline comes before the caller's turn. Neither takes a turn.
    ///
    /// # Examples
    /// ```
    /// # use std::time::Duration;
    /// # use millstream::{CauseKind, Context, RateLimit};
    /// let limit = RateLimit::per(Duration::from_secs(3600), 1);
    /// let ctx = Context::new();
    /// assert!(limit.wait(&ctx).is_ok(), "the first passes at once");
    /// let soon = ctx.with_timeout(Duration::from_secs(60));
    /// assert_eq!(limit.wait(&soon).unwrap_err().kind(), CauseKind::Deadline);
    /// assert!(!soon.is_cancelled(), "it did not wait for the minute");
    /// ```
    pub fn wait(&self, ctx: &Context) -> Result<(), Cause> {
        block_on(self.turn(ctx))
    }

    /// Like [`wait`](Self::wait), from a task.
    ///
    /// # Errors
    /// As for [`wait`](Self::wait).
    ///
    /// # Cancel safety
    /// Dropping the future takes no turn; the callers behind it move up.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use std::time::Duration;
    /// use millstream::{Context, RateLimit};
    ///
    /// let limit = RateLimit::per(Duration::from_secs(1), 1000);
    /// let ctx = Context::new();
    /// let begin = ctx.clock().now();
    /// for _ in 0..3 {
    ///     limit.wait_async(&ctx).await.unwrap();
    /// }
    /// assert!(ctx.clock().now() - begin >= Duration::from_millis(2));
    /// # });
    /// ```
    pub async fn wait_async(&self, ctx: &Context) -> Result<(), Cause> {
        self.turn(ctx).await
    }

    fn turn<'a>(&'a self, ctx: &'a Context) -> Turn<'a> {
        Turn { limit: self, ctx, key: None, cancelled: None, sleep: None }
    }

    /// When the next turn is due: what was not used counts for a burst and for the lag, but never
    /// for more.
    fn next(&self, state: &State, now: Instant, lag: Duration) -> Instant {
        let full = now.checked_sub(self.slack).unwrap_or(now);
        match state.due {
            None => full,
            Some(due) => due.max(full.checked_sub(lag).unwrap_or(full)),
        }
    }

    /// Takes the next turn if it is due: how late that is. Otherwise when it will be.
    fn take(&self, state: &mut State, now: Instant, lag: Duration) -> Result<Duration, Instant> {
        let at = self.next(state, now, lag);
        if at > now {
            return Err(at);
        }
        state.due = Some(at + self.spacing);
        Ok(now - at)
    }

    /// Notifies as many callers as there are turns due, and one in any case (invariant 2).
    fn settle(&self, state: &mut State, now: Instant, wakes: &mut Wakes) {
        let ahead = now.saturating_duration_since(self.next(state, now, CATCH_UP));
        let due = match self.spacing.as_nanos() {
            0 => usize::MAX,
            spacing => usize::try_from(ahead.as_nanos() / spacing).unwrap_or(usize::MAX),
        };
        while let Some(waker) = state.line.notify(due.max(1)) {
            wakes.push(waker);
        }
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.state.lock().line.len();
        f.debug_struct("RateLimit")
            .field("spacing", &self.spacing)
            .field("slack", &self.slack)
            .field("waiting", &waiting)
            .finish_non_exhaustive()
    }
}

/// A caller that waits for its turn.
struct Turn<'a> {
    limit: &'a RateLimit,
    ctx: &'a Context,
    /// Its place in line, once it has one.
    key: Option<Key>,
    cancelled: Option<Cancelled>,
    sleep: Option<Sleep>,
}

/// What a look at the line said.
enum Look {
    Passed,
    /// The deadline comes before the turn.
    TooLate,
    /// Others are first: the caller that passes before wakes this one.
    InLine,
    /// This caller is next, at this moment.
    Next(Instant),
}

impl Turn<'_> {
    /// Takes a turn, or a place in line with the task's waker.
    fn look(&mut self, now: Instant, task: &TaskContext<'_>) -> Look {
        // Cloning and dropping a waker is code of others, so both happen outside of the lock.
        let waker = task.waker().clone();
        let mut retired = None;
        let mut wakes = Wakes::new();
        let limit = self.limit;
        let mut state = limit.state.lock();
        // Who waited was here before its turn: if that is past now, its waking was late, and that
        // is not its fault.
        let (is_first, lag) = match self.key {
            None => (state.line.is_empty(), state.lag),
            Some(key) => (state.line.is_notified(key), CATCH_UP),
        };
        let taken = if is_first { limit.take(&mut state, now, lag) } else { Err(now) };
        let look = match (taken, self.key) {
            (Ok(late), key) => {
                if let Some(key) = key {
                    state.lag = late.min(CATCH_UP);
                    retired = state.line.remove(key);
                    self.key = None;
                }
                Look::Passed
            }
            (Err(_), None) if self.is_too_late(&state, now) => Look::TooLate,
            (Err(at), None) => {
                self.key = Some(state.line.register(1, waker));
                if is_first {
                    // On its way from the start, and awake: it need not be woken for that.
                    retired = state.line.notify_first();
                    Look::Next(at)
                } else {
                    Look::InLine
                }
            }
            (Err(at), Some(_)) if is_first => Look::Next(at),
            (Err(_), Some(key)) => {
                if !state.line.is_armed(key, &waker) {
                    retired = state.line.rearm(key, 1, waker);
                }
                Look::InLine
            }
        };
        limit.settle(&mut state, now, &mut wakes);
        drop(state);
        drop(retired);
        wakes.wake();
        look
    }

    /// Whether the turn of a caller that joins the line now comes after its deadline.
    fn is_too_late(&self, state: &State, now: Instant) -> bool {
        let Some(deadline) = self.ctx.deadline() else { return false };
        let ahead = u32::try_from(state.line.len()).unwrap_or(u32::MAX);
        let wait = self.limit.spacing.saturating_mul(ahead);
        self.limit.next(state, now, state.lag).checked_add(wait).is_none_or(|at| at > deadline)
    }

    /// Gives the place in line to those behind.
    fn leave(&mut self) {
        let Some(key) = self.key.take() else { return };
        let now = self.ctx.clock().now();
        let mut wakes = Wakes::new();
        let mut state = self.limit.state.lock();
        let waker = state.line.remove(key);
        self.limit.settle(&mut state, now, &mut wakes);
        drop(state);
        drop(waker);
        wakes.wake();
    }
}

impl Future for Turn<'_> {
    type Output = Result<(), Cause>;

    fn poll(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Err(cause) = this.ctx.check() {
            this.leave();
            return Poll::Ready(Err(cause));
        }
        loop {
            let next = match this.look(this.ctx.clock().now(), task) {
                Look::Passed => return Poll::Ready(Ok(())),
                Look::TooLate => return Poll::Ready(Err(Cause::deadline())),
                Look::InLine => None,
                Look::Next(at) => Some(at),
            };
            let cancelled = this.cancelled.get_or_insert_with(|| this.ctx.cancelled());
            if let Poll::Ready(cause) = Pin::new(cancelled).poll(task) {
                this.leave();
                return Poll::Ready(Err(cause));
            }
            let Some(at) = next else { return Poll::Pending };
            let sleep = match &mut this.sleep {
                Some(sleep) if sleep.until() == at => sleep,
                sleep => sleep.insert(this.ctx.clock().sleep_until(at)),
            };
            if Pin::new(sleep).poll(task).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}
