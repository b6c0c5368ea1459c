//! `Retry`: a policy as a value: which errors are worth another try, how often and for how long to
//! try, and how long to wait in between. It does not run anything beside the caller: a wait is the
//! caller's.

use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use crate::Context;
use crate::pipeline::{ErrorPolicy, Fail, Verdict};

/// Tries again after an error, with waits that double from `first` to `longest`, each shortened at
/// random ([`Jitter`]).
///
/// A policy for [`Pipeline::try_map`](crate::Pipeline::try_map) (the item must be `Clone`), and for
/// any call: [`Retry::call`] from a thread, [`Retry::call_async`] from a task or in an async stage.
/// It gives up when the attempts are used up, when the error is none that [`Retry::when`] accepts,
/// or when the next attempt would start later than [`Retry::within`] allows. Then the policy `Then`
/// decides: [`Fail`] unless [`Retry::or`] says otherwise. A wait ends early when the context is
/// cancelled; then no further attempt is made, and an item counts as cancelled, not as failed.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use millstream::{Context, Retry};
///
/// let mut left = 2;
/// let retry = Retry::times(3).waits(Duration::ZERO, Duration::ZERO);
/// let answer = retry.call(&Context::new(), || {
///     if left > 0 { left -= 1; Err("not yet") } else { Ok(42) }
/// });
/// assert_eq!(answer, Ok(42));
/// ```
#[derive(Clone, Copy)]
pub struct Retry<Then = Fail, When = Always> {
    attempts: u32,
    first: Duration,
    longest: Duration,
    within: Option<Duration>,
    jitter: Jitter,
    when: When,
    then: Then,
}

/// How the wait between two attempts is shortened at random, so that many callers that failed
/// together do not come back together.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use millstream::Retry;
/// use millstream::retry::Jitter;
///
/// let at_least_half = Retry::times(5).waits(Duration::from_secs(1), Duration::from_secs(60)).jitter(Jitter::Equal);
/// assert!(format!("{at_least_half:?}").contains("Equal"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Jitter {
    /// Anything from nothing to the whole wait, each as likely: spreads a crowd best, and is the
    /// default.
    #[default]
    Full,
    /// Anything from half of the wait to the whole.
    Equal,
    /// The whole wait, always.
    None,
}

/// Which errors [`Retry`] tries again after: a closure, or [`Always`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which errors `{E}` to try again after",
    label = "give `Retry::when` a closure that takes `&{E}` and returns a bool"
)]
pub trait RetryWhen<E> {
    /// Whether another attempt may help.
    fn may_help(&self, error: &E) -> bool;
}

/// Another attempt after any error; what [`Retry::times`] starts with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Always;

impl<E> RetryWhen<E> for Always {
    fn may_help(&self, _: &E) -> bool {
        true
    }
}

impl<E, F: Fn(&E) -> bool> RetryWhen<E> for F {
    fn may_help(&self, error: &E) -> bool {
        self(error)
    }
}

impl Retry {
    /// Up to `attempts` in all, the first included (0 is taken as 1); waits from 10 ms to 10 s with
    /// full jitter.
    ///
    /// # Examples
    /// ```
    /// # use millstream::{Context, Retry};
    /// let mut attempts = 0;
    /// let ended = Retry::times(0).call(&Context::new(), || {
    ///     attempts += 1;
    ///     Err::<(), _>("no")
    /// });
    /// assert_eq!((attempts, ended), (1, Err("no")));
    /// ```
    #[must_use]
    pub fn times(attempts: u32) -> Self {
        Self {
            attempts: attempts.max(1),
            first: Duration::from_millis(10),
            longest: Duration::from_secs(10),
            within: None,
            jitter: Jitter::Full,
            when: Always,
            then: Fail,
        }
    }
}

impl<Then, When> Retry<Then, When> {
    /// The first wait, and the longest; each wait is twice the one before. A longest below the
    /// first is taken as the first.
    #[must_use]
    pub fn waits(mut self, first: Duration, longest: Duration) -> Self {
        (self.first, self.longest) = (first, longest.max(first));
        self
    }

    /// Starts no attempt later than this after the first one, on the context's clock: a wait that
    /// would end later is not started. An attempt that runs is not cut off; for that the context
    /// has a deadline.
    ///
    /// # Examples
    /// ```
    /// # use std::time::Duration;
    /// # use millstream::{Context, Retry};
    /// # use millstream::retry::Jitter;
    /// let mut attempts = 0;
    /// let hour = Duration::from_secs(3600);
    /// let retry = Retry::times(u32::MAX).waits(hour, hour).jitter(Jitter::None).within(Duration::from_secs(60));
    /// let ended = retry.call(&Context::new(), || {
    ///     attempts += 1;
    ///     Err::<(), _>("no")
    /// });
    /// assert_eq!((attempts, ended), (1, Err("no")), "the next attempt would come after an hour");
    /// ```
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        self.within = Some(time);
        self
    }

    /// How the waits are shortened at random: [`Jitter::Full`] unless said otherwise.
    #[must_use]
    pub fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// Waits exactly as long as [`Retry::waits`] says: [`Jitter::None`].
    ///
    /// # Examples
    /// ```
    /// # use std::time::Duration;
    /// # use millstream::{Context, Retry};
    /// let exact = Retry::times(2).waits(Duration::from_millis(1), Duration::from_millis(1)).without_jitter();
    /// let ctx = Context::new();
    /// let start = ctx.clock().now();
    /// assert!(exact.call(&ctx, || Err::<(), _>("no")).is_err());
    /// assert!(ctx.clock().now() - start >= Duration::from_millis(1));
    /// ```
    #[must_use]
    pub fn without_jitter(self) -> Self {
        self.jitter(Jitter::None)
    }

    /// Tries again only after errors for which `f` is true; after another one it gives up at once.
    ///
    /// A second predicate takes the place of the first. The type of the error has to be written:
    /// `|error: &io::Error|`.
    ///
    /// # Examples
    /// ```
    /// use std::io;
    /// use millstream::{Context, Retry};
    ///
    /// let retry = Retry::times(9).when(|error: &io::Error| error.kind() == io::ErrorKind::TimedOut);
    /// let mut attempts = 0;
    /// let ended = retry.call(&Context::new(), || {
    ///     attempts += 1;
    ///     Err::<(), _>(io::Error::from(io::ErrorKind::NotFound))
    /// });
    /// assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::NotFound);
    /// assert_eq!(attempts, 1, "another attempt finds nothing either");
    /// ```
    #[must_use]
    pub fn when<E, F: Fn(&E) -> bool>(self, f: F) -> Retry<Then, F> {
        let Self { attempts, first, longest, within, jitter, then, .. } = self;
        Retry { attempts, first, longest, within, jitter, when: f, then }
    }

    /// What becomes of an item that is given up: `Skip`, `DeadLetter`, or a policy of your own.
    ///
    /// [`Retry::call`] does not ask it: the caller has the error.
    ///
    /// # Examples
    /// ```
    /// # use std::time::Duration;
    /// # use millstream::{Context, Pipeline, Retry, Skip};
    /// let twice = Retry::times(2).waits(Duration::ZERO, Duration::ZERO).or(Skip);
    /// let parsed = Pipeline::from_iter(["1", "x", "3"]).try_map(str::parse::<u32>).on_error(twice);
    /// assert_eq!(parsed.collect(&Context::new())?, [1, 3]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    #[must_use]
    pub fn or<P>(self, then: P) -> Retry<P, When> {
        let Self { attempts, first, longest, within, jitter, when, .. } = self;
        Retry { attempts, first, longest, within, jitter, when, then }
    }

    /// Calls `f` until it succeeds or the policy gives up, waiting on this thread in between. It is
    /// called once in any case, also when the context was cancelled before.
    ///
    /// # Errors
    /// The last error of `f`, also when the context ended the wait for the next attempt.
    pub fn call<T, E>(&self, ctx: &Context, mut f: impl FnMut() -> Result<T, E>) -> Result<T, E>
    where
        When: RetryWhen<E>,
    {
        let start = self.start(ctx);
        let mut attempt = 1;
        loop {
            let error = match f() {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            match self.wait(ctx, start, attempt, &error) {
                Some(wait) if ctx.sleep(wait).is_ok() => attempt += 1,
                _ => return Err(error),
            }
        }
    }

    /// Like [`call`](Self::call), from a task: it awaits what `f` makes, and the waits in between.
    ///
    /// # Errors
    /// The last error of the futures that `f` made, also when the context ended the wait for the
    /// next attempt.
    ///
    /// # Cancel safety
    /// Dropping the future drops the attempt that runs, or the wait.
    ///
    /// # Examples
    /// Behind an async stage, where an item is one request:
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use std::time::Duration;
    /// use millstream::{Context, Pipeline, Retry};
    ///
    /// async fn fetch(page: u32, attempt: u32) -> Result<String, &'static str> {
    ///     if attempt < 3 { Err("busy") } else { Ok(format!("page {page}")) }
    /// }
    ///
    /// let ctx = Context::new();
    /// let retry = Retry::times(5).waits(Duration::from_micros(10), Duration::from_millis(1)).when(|error: &&str| *error == "busy");
    /// let pages = Pipeline::from_iter(1..=2).map_async(8, |page| {
    ///     let (ctx, mut attempt) = (ctx.clone(), 0);
    ///     async move {
    ///         retry.call_async(&ctx, || { attempt += 1; fetch(page, attempt) }).await
    ///     }
    /// });
    /// assert_eq!(pages.collect(&ctx).unwrap(), [Ok("page 1".into()), Ok("page 2".into())]);
    /// # }
    /// ```
    pub async fn call_async<T, E, Fut>(
        &self,
        ctx: &Context,
        mut f: impl FnMut() -> Fut,
    ) -> Result<T, E>
    where
        When: RetryWhen<E>,
        Fut: Future<Output = Result<T, E>>,
    {
        let start = self.start(ctx);
        let mut attempt = 1;
        loop {
            let error = match f().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            match self.wait(ctx, start, attempt, &error) {
                Some(wait) if ctx.sleep_async(wait).await.is_ok() => attempt += 1,
                _ => return Err(error),
            }
        }
    }

    /// When the first attempt starts; the clock is not asked when nobody needs to know.
    fn start(&self, ctx: &Context) -> Option<Instant> {
        self.within.map(|_| ctx.clock().now())
    }

    /// How long to wait after the given attempt (1 is the first); none to give up.
    fn wait<E>(
        &self,
        ctx: &Context,
        start: Option<Instant>,
        attempt: u32,
        error: &E,
    ) -> Option<Duration>
    where
        When: RetryWhen<E>,
    {
        if attempt >= self.attempts || !self.when.may_help(error) {
            return None;
        }
        let wait = self.backoff(attempt);
        let late = |start| {
            let passed = ctx.clock().now().saturating_duration_since(start);
            self.within.is_some_and(|within| passed.saturating_add(wait) > within)
        };
        if start.is_some_and(late) { None } else { Some(wait) }
    }

    fn backoff(&self, attempt: u32) -> Duration {
        let factor = 1_u32.checked_shl(attempt - 1).unwrap_or(u32::MAX);
        let whole = self.first.saturating_mul(factor).min(self.longest);
        let least = match self.jitter {
            Jitter::Full => Duration::ZERO,
            Jitter::Equal => whole / 2,
            Jitter::None => return whole,
        };
        // A fresh hasher's keys are random: enough to keep a crowd from coming back in step.
        let random = RandomState::new().hash_one(attempt) >> 11;
        least + (whole - least).mul_f64(random as f64 / ((1_u64 << 53) - 1) as f64)
    }
}

impl<Then: fmt::Debug, When> fmt::Debug for Retry<Then, When> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("attempts", &self.attempts)
            .field("first", &self.first)
            .field("longest", &self.longest)
            .field("within", &self.within)
            .field("jitter", &self.jitter)
            .field("then", &self.then)
            .finish_non_exhaustive()
    }
}

impl<In, E, Then, When> ErrorPolicy<In, E> for Retry<Then, When>
where
    In: Clone,
    Then: ErrorPolicy<In, E>,
    When: RetryWhen<E> + Send + Sync,
{
    fn attempt<Out>(
        &self,
        ctx: &Context,
        item: In,
        mut work: impl FnMut(In) -> Result<Out, E>,
        note: impl FnMut(&E),
    ) -> Verdict<Out, E> {
        let start = self.start(ctx);
        for attempt in 1..self.attempts {
            let error = match work(item.clone()) {
                Ok(out) => return Verdict::Passed(out),
                Err(error) => error,
            };
            let Some(wait) = self.wait(ctx, start, attempt, &error) else {
                // Given up early: the policy behind is handed the error that there is, not another
                // attempt.
                let mut known = Some(error);
                let work = |item| known.take().map_or_else(|| work(item), Err);
                return self.then.attempt(ctx, item, work, note);
            };
            if ctx.sleep(wait).is_err() {
                return Verdict::Cancelled;
            }
        }
        self.then.attempt(ctx, item, work, note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_jitter_only_shortens_them() {
        let ms = Duration::from_millis;
        let full = Retry::times(9).waits(ms(10), ms(50));
        let (exact, equal) = (full.without_jitter(), full.jitter(Jitter::Equal));
        assert_eq!(
            [1, 2, 3, 4, 40].map(|n| exact.backoff(n)),
            [ms(10), ms(20), ms(40), ms(50), ms(50)]
        );
        for attempt in 1..9 {
            let whole = exact.backoff(attempt);
            assert!(full.backoff(attempt) <= whole);
            assert!((whole / 2..=whole).contains(&equal.backoff(attempt)));
        }
    }

    #[test]
    fn full_jitter_is_as_likely_short_as_long() {
        let whole = Duration::from_secs(1);
        let full = Retry::times(2).waits(whole, whole);
        let mut quarters = [0; 4];
        for _ in 0..4_000 {
            quarters[(full.backoff(1).as_millis() / 250).min(3) as usize] += 1;
        }
        // Each is expected 1,000 times with a deviation of 27: ten times that is never.
        assert!(quarters.iter().all(|count| (730..1270).contains(count)), "{quarters:?}");
    }
}
