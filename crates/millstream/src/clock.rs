//! Time as a value: the real clock of the process, or a manual one that a test advances.
//!
//! Everything in the library that waits for a moment takes it from the [`Clock`] of its
//! [`Context`](crate::Context). It does not parse or format times, and knows no time zones.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

pub(crate) mod alarms;
mod manual;
mod real;
pub(crate) mod ticks;

use alarms::{Alarm, Alarms, Key};
use manual::Manual;

/// As good as never: what a moment becomes that is too far away to represent.
const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Where time comes from: real, or advanced by hand.
///
/// Clones are the same clock. A clock is inherited by every context below the one it was given to.
///
/// # Cost
/// Cloning the real clock is free, cloning a manual one counts a reference. The first sleep or
/// deadline on the real clock starts one thread for the process, which ends when it has had nothing
/// to do for two seconds.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use millstream::Clock;
///
/// let clock = Clock::manual();
/// let start = clock.now();
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now() - start, Duration::from_secs(60));
/// ```
#[derive(Clone)]
pub struct Clock(Kind);

#[derive(Clone)]
enum Kind {
    Real,
    Manual(Arc<Manual>),
}

impl Clock {
    /// The clock of the process.
    ///
    /// # Examples
    /// ```
    /// let clock = millstream::Clock::real();
    /// assert!(clock.now() <= clock.now());
    /// ```
    pub fn real() -> Self {
        Self(Kind::Real)
    }

    /// A clock of its own that stands still until [`advance`](Self::advance) is called.
    ///
    /// Its wall time begins at 2000-01-01T00:00:00Z, the same in each run.
    ///
    /// # Examples
    /// ```
    /// let clock = millstream::Clock::manual();
    /// assert_eq!(clock.now(), clock.now());
    /// ```
    pub fn manual() -> Self {
        Self(Kind::Manual(Arc::new(Manual::new())))
    }

    /// The present moment; never goes back.
    ///
    /// # Examples
    /// ```
    /// let clock = millstream::Clock::manual();
    /// let before = clock.now();
    /// clock.advance(std::time::Duration::from_millis(1));
    /// assert!(clock.now() > before);
    /// ```
    pub fn now(&self) -> Instant {
        match &self.0 {
            Kind::Real => real::now(),
            Kind::Manual(manual) => manual.now(),
        }
    }

    /// The time of day, for what people or other programs will read.
    ///
    /// The real one may jump when the system's clock is set; a manual one moves with
    /// [`advance`](Self::advance).
    ///
    /// # Examples
    /// ```
    /// use std::time::{Duration, SystemTime};
    ///
    /// let clock = millstream::Clock::manual();
    /// let since_1970 = clock.wall().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    /// assert_eq!(since_1970, Duration::from_secs(946_684_800));
    /// ```
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the time of day")]
    pub fn wall(&self) -> SystemTime {
        match &self.0 {
            Kind::Real => SystemTime::now(),
            Kind::Manual(manual) => manual.wall(),
        }
    }

    /// A future that ends at `at`, or at once if that has passed.
    ///
    /// To sleep in a way that a cancellation ends, use [`Context::sleep`](crate::Context::sleep) or
    /// [`Context::sleep_async`](crate::Context::sleep_async).
    ///
    /// # Cancel safety
    /// Dropping the future takes its timer away; nothing else is lost.
    ///
    /// # Examples
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use std::time::Duration;
    /// use millstream::Clock;
    ///
    /// let clock = Clock::manual();
    /// let sleep = clock.sleep_until(clock.now() + Duration::from_secs(3600));
    /// clock.advance(Duration::from_secs(3600));
    /// tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(sleep);
    /// # }
    /// ```
    pub fn sleep_until(&self, at: Instant) -> Sleep {
        Sleep { clock: self.clone(), at, key: None }
    }

    /// A future that ends when `duration` has passed from this call on.
    ///
    /// A duration too long to represent is a century.
    ///
    /// # Cancel safety
    /// Dropping the future takes its timer away; nothing else is lost.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let clock = millstream::Clock::manual();
    /// let sleep = clock.sleep(Duration::from_secs(5));
    /// assert_eq!(sleep.until(), clock.now() + Duration::from_secs(5));
    /// ```
    pub fn sleep(&self, duration: Duration) -> Sleep {
        self.sleep_until(self.after(duration))
    }

    /// The moment `duration` from now, at most a century away.
    pub(crate) fn after(&self, duration: Duration) -> Instant {
        let now = self.now();
        now.checked_add(duration.min(FAR)).unwrap_or(now)
    }

    /// Moves a manual clock on and fires what falls due, on this thread, in the order of time.
    ///
    /// What is due at the same moment fires in the order of registration. While something fires,
    /// the clock shows the moment it was due at. A sleep that a woken thread registers while this
    /// runs fires in this call only if it is registered, and due, before the call has come to its
    /// end: to be certain, advance in steps and [wait for the sleepers](Self::wait_for_sleepers)
    /// between them.
    ///
    /// # Panics
    /// On the real clock, which nobody can advance.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use millstream::{Clock, Context};
    ///
    /// let clock = Clock::manual();
    /// let ctx = Context::with_clock(clock.clone()).with_timeout(Duration::from_secs(30));
    /// clock.advance(Duration::from_secs(29));
    /// assert!(!ctx.is_cancelled());
    /// clock.advance(Duration::from_secs(1));
    /// assert!(ctx.is_cancelled());
    /// ```
    pub fn advance(&self, by: Duration) {
        self.the_manual_one("advance").advance(by);
    }

    /// How many sleeps somebody is waiting for on this clock. Deadlines of contexts do not count.
    ///
    /// # Examples
    /// ```
    /// let clock = millstream::Clock::manual();
    /// assert_eq!(clock.sleepers(), 0);
    /// ```
    pub fn sleepers(&self) -> usize {
        self.with_alarms(|alarms| alarms.sleeps())
    }

    /// How many contexts wait for their deadline on this clock.
    pub(crate) fn deadlines(&self) -> usize {
        self.with_alarms(|alarms| alarms.deadlines())
    }

    /// Blocks until at least `count` sleeps are waited for on this manual clock, so that a test
    /// needs no sleep of its own.
    ///
    /// It waits without limit: a test whose thread never sleeps hangs here.
    ///
    /// # Panics
    /// On the real clock.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use millstream::{Clock, Context, scope};
    ///
    /// let clock = Clock::manual();
    /// let ctx = Context::with_clock(clock.clone());
    /// scope(&ctx, |s| {
    ///     s.spawn("sleeper", |ctx| ctx.sleep(Duration::from_secs(3600)));
    ///     clock.wait_for_sleepers(1);
    ///     clock.advance(Duration::from_secs(3600));
    ///     Ok(())
    /// })
    /// .unwrap();
    /// ```
    pub fn wait_for_sleepers(&self, count: usize) {
        self.the_manual_one("wait_for_sleepers").wait_for_sleepers(count);
    }

    pub(crate) fn is_manual(&self) -> bool {
        matches!(self.0, Kind::Manual(_))
    }

    fn the_manual_one(&self, method: &str) -> &Manual {
        match &self.0 {
            Kind::Manual(manual) => manual,
            Kind::Real => {
                panic!("Clock::{method} needs a manual clock: make one with Clock::manual()")
            }
        }
    }

    fn insert(&self, at: Instant, alarm: Alarm) -> Key {
        match &self.0 {
            Kind::Real => real::insert(at, alarm),
            Kind::Manual(manual) => manual.insert(at, alarm),
        }
    }

    fn with_alarms<R>(&self, f: impl FnOnce(&mut Alarms) -> R) -> R {
        match &self.0 {
            Kind::Real => real::with_alarms(f),
            Kind::Manual(manual) => manual.with_alarms(f),
        }
    }

    /// Calls `waker` when `at` comes, on the clock's thread; it cannot be taken back. Nobody sleeps
    /// for it.
    pub(crate) fn call_at(&self, at: Instant, waker: Waker) {
        self.insert(at, Alarm::Call(waker));
    }

    /// Calls `waker` when `at` comes, unless the guard is dropped before. Nobody sleeps for it.
    pub(crate) fn timer(&self, at: Instant, waker: Waker) -> Timer {
        Timer { key: self.insert(at, Alarm::Call(waker)), clock: self.clone() }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Real => f.write_str("Clock::Real"),
            Kind::Manual(manual) => f.debug_tuple("Clock::Manual").field(&manual.now()).finish(),
        }
    }
}

/// An alarm on a clock's list; taken away when dropped.
#[derive(Debug)]
pub(crate) struct Timer {
    clock: Clock,
    key: Key,
}

impl Drop for Timer {
    fn drop(&mut self) {
        // What comes out is dropped here, after the lock.
        let _alarm = self.clock.with_alarms(|alarms| alarms.remove(self.key));
    }
}

/// A future that ends at a moment of its [`Clock`]; made by [`Clock::sleep`] and
/// [`Clock::sleep_until`].
///
/// It registers a timer when it is first polled, and needs no runtime.
///
/// # Cancel safety
/// Dropping it takes its timer away. It can be polled again by another task.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// let clock = millstream::Clock::manual();
/// let sleep = clock.sleep(Duration::from_secs(1));
/// assert_eq!(clock.sleepers(), 0); // nobody has polled it yet
/// drop(sleep);
/// ```
#[derive(Debug)]
#[must_use = "a sleep does nothing until it is polled"]
pub struct Sleep {
    clock: Clock,
    at: Instant,
    key: Option<Key>,
}

impl Sleep {
    /// The moment at which it ends.
    ///
    /// # Examples
    /// ```
    /// let clock = millstream::Clock::manual();
    /// assert_eq!(clock.sleep_until(clock.now()).until(), clock.now());
    /// ```
    pub fn until(&self) -> Instant {
        self.at
    }

    fn deregister(&mut self) {
        if let Some(key) = self.key.take() {
            let _alarm = self.clock.with_alarms(|alarms| alarms.remove(key));
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.clock.now() >= self.at {
            self.deregister();
            return Poll::Ready(());
        }
        if let Some(key) = self.key {
            let replaced = self.clock.with_alarms(|alarms| alarms.replace(key, context.waker()));
            if replaced.is_ok() {
                return Poll::Pending;
            }
        }
        // Not registered yet, or the alarm was taken to be fired: with a manual clock that is when
        // its moment has come, so this look decides; the real clock may also fire a hair early, and
        // is asked again.
        self.key = Some(self.clock.insert(self.at, Alarm::Wake(context.waker().clone())));
        if self.clock.now() >= self.at {
            self.deregister();
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.deregister();
    }
}

/// The real time, for measuring how long something took: never waits, never virtual.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads it for measurement"
)]
pub(crate) fn stopwatch() -> Instant {
    Instant::now()
}
