//! `Retry`: a policy as a value: how often to try again, and how long to wait in between.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::Context;
use crate::pipeline::{ErrorPolicy, Fail, Verdict};

/// Tries again after an error, with waits that double from `first` to `longest`, each shortened by a random part.
///
/// A policy for [`Pipeline::try_map`](crate::Pipeline::try_map) (the item must be `Clone`), and for any call by
/// [`Retry::call`]. When the attempts are used up, the policy `Then` decides: [`Fail`] unless [`Retry::or`] says otherwise.
/// A wait ends early when the context is cancelled; then no further attempt is made, and an item counts as cancelled, not as failed.
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
#[derive(Clone, Copy, Debug)]
pub struct Retry<Then = Fail> {
    attempts: u32,
    first: Duration,
    longest: Duration,
    jitter: bool,
    then: Then,
}

impl Retry {
    /// Up to `attempts` in all, the first included (0 is taken as 1); waits from 10 ms to 10 s with jitter.
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
            jitter: true,
            then: Fail,
        }
    }
}

impl<Then> Retry<Then> {
    /// The first wait, and the longest; each wait is twice the one before. A longest below the first is taken as the
    /// first.
    ///
    /// # Examples
    /// See [`Retry`], whose attempts follow each other at once.
    #[must_use]
    pub fn waits(mut self, first: Duration, longest: Duration) -> Self {
        (self.first, self.longest) = (first, longest.max(first));
        self
    }

    /// Waits exactly as long as [`Retry::waits`] says instead of a random half to whole of it.
    ///
    /// # Examples
    /// ```
    /// # use std::time::Duration;
    /// # use millstream::{Context, Retry};
    /// let exact = Retry::times(2).waits(Duration::from_millis(1), Duration::from_millis(1)).without_jitter();
    /// let ctx = Context::new();
    /// let begun = ctx.clock().now();
    /// assert!(exact.call(&ctx, || Err::<(), _>("no")).is_err());
    /// assert!(ctx.clock().now() - begun >= Duration::from_millis(1));
    /// ```
    #[must_use]
    pub fn without_jitter(mut self) -> Self {
        self.jitter = false;
        self
    }

    /// What becomes of an item that failed every time: `Skip`, `DeadLetter`, or a policy of your own.
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
    pub fn or<P>(self, then: P) -> Retry<P> {
        let Self { attempts, first, longest, jitter, .. } = self;
        Retry { attempts, first, longest, jitter, then }
    }

    /// Calls `f` until it succeeds, the attempts are used up, or the context is cancelled. It is called once in any
    /// case, also when the context was cancelled before.
    ///
    /// # Errors
    /// The last error of `f`, also when the context ended the wait for the next attempt.
    ///
    /// # Examples
    /// See [`Retry`].
    pub fn call<T, E>(&self, ctx: &Context, mut f: impl FnMut() -> Result<T, E>) -> Result<T, E> {
        let mut attempt = 1;
        loop {
            match f() {
                Err(_) if attempt < self.attempts && ctx.sleep(self.wait(attempt)).is_ok() => attempt += 1,
                last => return last,
            }
        }
    }

    /// How long to wait after the given attempt (1 is the first).
    fn wait(&self, attempt: u32) -> Duration {
        let whole =
            self.first.saturating_mul(1u32.checked_shl(attempt - 1).unwrap_or(u32::MAX)).min(self.longest);
        if !self.jitter || whole.is_zero() {
            return whole;
        }
        // A fresh hasher's keys are random: enough to keep a crowd from coming back in step.
        let random = RandomState::new().hash_one(attempt) >> 11;
        whole.mul_f64(0.5 + 0.5 * (random as f64 / (1u64 << 53) as f64))
    }
}

impl<In: Clone, E, Then: ErrorPolicy<In, E>> ErrorPolicy<In, E> for Retry<Then> {
    fn attempt<Out>(
        &self,
        ctx: &Context,
        item: In,
        mut work: impl FnMut(In) -> Result<Out, E>,
        note: impl FnMut(&E),
    ) -> Verdict<Out, E> {
        for attempt in 1..self.attempts {
            if let Ok(out) = work(item.clone()) {
                return Verdict::Passed(out);
            }
            if ctx.sleep(self.wait(attempt)).is_err() {
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
        let exact = Retry::times(9).waits(ms(10), ms(50)).without_jitter();
        assert_eq!([1, 2, 3, 4, 40].map(|n| exact.wait(n)), [ms(10), ms(20), ms(40), ms(50), ms(50)]);
        let random = Retry::times(9).waits(ms(10), ms(50));
        for attempt in 1..9 {
            assert!((exact.wait(attempt) / 2..=exact.wait(attempt)).contains(&random.wait(attempt)));
        }
    }
}
