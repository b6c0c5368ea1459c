//! Retries: after which errors, for how long, and the same from threads, from tasks and in stages.

use std::cell::Cell;
use std::pin::pin;
use std::task::{Poll, Waker};
use std::time::Duration;

use millstream::retry::Jitter;
use millstream::{Clock, Context, DeadLetter, Pipeline, Retry, Skip};

use crate::support::poll;

const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Problem {
    Busy,
    Gone,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Problem {}

fn at_once() -> Retry {
    Retry::times(5).waits(Duration::ZERO, Duration::ZERO)
}

#[test]
fn only_errors_that_the_predicate_accepts_are_tried_again() {
    let ctx = Context::new();
    let retry = at_once().when(|problem: &Problem| *problem == Problem::Busy);
    for (problem, attempts) in [(Problem::Busy, 5), (Problem::Gone, 1)] {
        let mut made = 0;
        let ended = retry.call(&ctx, || {
            made += 1;
            Err::<(), _>(problem)
        });
        assert_eq!((ended, made), (Err(problem), attempts));
    }
}

#[test]
fn in_a_stage_the_policy_behind_is_handed_the_error_that_ended_it_and_no_attempt_more() {
    let attempts = std::sync::Mutex::new(Vec::new());
    let letters = std::sync::Mutex::new(Vec::new());
    let work = |n: u32| {
        attempts.lock().unwrap().push(n);
        match n {
            1 => Err(Problem::Gone),
            2 => Err(Problem::Busy),
            n => Ok(n),
        }
    };
    let keep = DeadLetter(|problem| letters.lock().unwrap().push(problem));
    let retry = Retry::times(3)
        .waits(Duration::ZERO, Duration::ZERO)
        .when(|problem: &Problem| *problem == Problem::Busy)
        .or(keep);
    let report = Pipeline::from_iter(0..4)
        .try_map(work)
        .on_error(retry)
        .for_each(&Context::new(), drop)
        .unwrap();
    assert_eq!(*attempts.lock().unwrap(), [0, 1, 2, 2, 2, 3]);
    assert_eq!(*letters.lock().unwrap(), [Problem::Gone, Problem::Busy]);
    assert_eq!((report.totals().left, report.totals().failed), (2, 2));
    assert!(report.balances());
}

/// A retry that always fails, on virtual time, as a task: how many attempts it made until it gave
/// up, and when.
fn until_given_up<T>(retry: Retry<T>) -> (u32, Duration) {
    let clock = Clock::manual();
    let ctx = Context::with_clock(clock.clone());
    let begin = clock.now();
    let attempts = Cell::new(0);
    let fail = || {
        attempts.set(attempts.get() + 1);
        async { Err::<(), _>(Problem::Busy) }
    };
    let mut call = pin!(retry.call_async(&ctx, fail));
    while poll(&mut call, Waker::noop()).is_pending() {
        clock.advance(SECOND / 10);
    }
    (attempts.get(), clock.now() - begin)
}

#[test]
fn no_attempt_starts_later_than_the_time_allows_and_no_wait_is_started_for_it() {
    let exact = Retry::times(1_000).waits(SECOND, 8 * SECOND).without_jitter();
    // Attempts at 0, 1, 3, 7 and 15 seconds, then every 8 seconds.
    assert_eq!(until_given_up(exact.within(Duration::ZERO)), (1, Duration::ZERO));
    assert_eq!(until_given_up(exact.within(7 * SECOND)), (4, 7 * SECOND));
    assert_eq!(until_given_up(exact.within(14 * SECOND)), (4, 7 * SECOND));
    assert_eq!(until_given_up(exact.within(23 * SECOND)), (6, 23 * SECOND));
    assert_eq!(
        until_given_up(Retry::times(3).waits(SECOND, SECOND).without_jitter()),
        (3, 2 * SECOND)
    );
}

#[test]
fn in_a_stage_too_the_time_ends_the_attempts() {
    let hour = Duration::from_secs(3600);
    let soon = Retry::times(9).waits(hour, hour).jitter(Jitter::None).within(SECOND).or(Skip);
    let report = Pipeline::from_iter(["1", "x", "3"])
        .try_map(str::parse::<u32>)
        .on_error(soon)
        .for_each(&Context::new(), drop)
        .unwrap();
    assert_eq!((report.totals().left, report.totals().skipped), (2, 1));
}

#[test]
fn a_task_that_retries_ends_its_wait_when_it_is_cancelled_and_has_the_error() {
    let ctx = Context::with_clock(Clock::manual());
    let retry = Retry::times(9).waits(SECOND, SECOND).without_jitter();
    let mut call = pin!(retry.call_async(&ctx, || async { Err::<(), _>(Problem::Busy) }));
    assert!(poll(&mut call, Waker::noop()).is_pending());
    ctx.cancel("enough");
    assert_eq!(poll(&mut call, Waker::noop()), Poll::Ready(Err(Problem::Busy)));
}

#[test]
fn a_stage_of_futures_retries_each_item_by_itself() {
    let ctx = Context::new();
    let retry = at_once().when(|problem: &Problem| *problem == Problem::Busy);
    let fetched = Pipeline::from_iter(0..20_u32)
        .map_async(4, |n| {
            let (ctx, mut attempt) = (ctx.clone(), 0);
            async move {
                let get = || {
                    attempt += 1;
                    let ready = if attempt > n % 4 { Ok((n, attempt)) } else { Err(Problem::Busy) };
                    async move { ready }
                };
                retry.call_async(&ctx, get).await
            }
        })
        .collect(&ctx)
        .unwrap();
    let expected: Vec<_> = (0..20).map(|n| Ok((n, n % 4 + 1))).collect();
    assert_eq!(fetched, expected);
}
