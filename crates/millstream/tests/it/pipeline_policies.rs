//! What an error does: fail, skip, dead letter, retry; on any type of error, and counted by kind.

use std::fmt;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use millstream::{
    Cause, Clock, Context, DeadLetter, Error, ErrorPolicy, Fail, Pipeline, RateLimit, Retry, Skip,
    Verdict,
};

use crate::pipeline_support::{adds_up, clean, clean_on};

#[derive(Clone, Debug, PartialEq, Eq)]
enum Odd {
    Small(u64),
    Large(u64),
}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?} is odd")
    }
}

impl std::error::Error for Odd {}

fn even(n: u64) -> Result<u64, Odd> {
    match n {
        n if n % 2 == 0 => Ok(n),
        n if n < 10 => Err(Odd::Small(n)),
        n => Err(Odd::Large(n)),
    }
}

fn kind(error: &Odd) -> &'static str {
    match error {
        Odd::Small(_) => "small",
        Odd::Large(_) => "large",
    }
}

#[test]
fn errors_of_any_type_end_the_run_and_keep_their_type() {
    clean(|ctx| {
        let run = || Pipeline::from_iter(0..9_u64);
        let owned = run()
            .try_map(|n| if n == 3 { Err(format!("bad {n}")) } else { Ok(n) })
            .collect(ctx)
            .unwrap_err();
        assert_eq!(owned.to_string(), "stage \"try_map\" failed: bad 3");
        let text =
            run().try_map(|n| if n == 3 { Err("bad") } else { Ok(n) }).collect(ctx).unwrap_err();
        assert_eq!(text.to_string(), "stage \"try_map\" failed: bad");
        let read = run()
            .parallel(2)
            .try_map(|n| {
                if n == 3 { Err(io::Error::from(io::ErrorKind::UnexpectedEof)) } else { Ok(n) }
            })
            .collect(ctx)
            .unwrap_err();
        assert_eq!(
            read.downcast_ref::<io::Error>().map(io::Error::kind),
            Some(io::ErrorKind::UnexpectedEof)
        );
        let own = run().thread().try_map(even).collect(ctx).unwrap_err();
        assert_eq!(own.downcast_ref::<Odd>(), Some(&Odd::Small(1)));
        assert!(own.downcast_ref::<io::Error>().is_none());
        assert_eq!(own.to_string(), "stage \"try_map\" failed: Small(1) is odd");
        for error in [owned, text, read, own] {
            assert_eq!(error.stage(), Some("try_map"));
            assert_eq!(error.report().totals().failed, 1);
            adds_up(error.report());
        }
    });
}

#[test]
fn an_error_names_the_stage_by_the_name_it_was_given() {
    clean(|ctx| {
        let named =
            Pipeline::from_iter(0..9_u64).try_map(even).named("parse").collect(ctx).unwrap_err();
        assert_eq!(named.stage(), Some("parse"));
        assert_eq!(named.to_string(), "stage \"parse\" failed: Small(1) is odd");
        assert_eq!(named.report().errors[0].stage, "parse");
        let panicked = Pipeline::from_iter(0..9_u64)
            .parallel(2)
            .map(|n| if n == 3 { panic!("bad") } else { n })
            .named("square")
            .collect(ctx)
            .unwrap_err();
        assert_eq!(panicked.stage(), Some("square"));
        assert!(panicked.to_string().starts_with("stage \"square\" panicked"), "{panicked}");
    });
}

#[test]
fn skip_counts_by_kind_and_keeps_the_first_of_each_as_sample() {
    for workers in [0, 1, 3] {
        clean(move |ctx| {
            let mut kept = Vec::new();
            let source = Pipeline::from_iter(0..1_000_u64);
            let report = if workers == 0 {
                source.try_map(even).on_error(Skip).kinds(kind).for_each(ctx, |n| kept.push(n))
            } else {
                source
                    .parallel(workers)
                    .try_map(even)
                    .on_error(Skip)
                    .kinds(kind)
                    .for_each(ctx, |n| kept.push(n))
            }
            .unwrap();
            assert!(kept.into_iter().eq((0..1_000).step_by(2)));
            adds_up(&report);
            assert_eq!(report.totals().skipped, 500);
            let mut counted: Vec<_> =
                report.errors.iter().map(|e| (e.kind.as_str(), e.count)).collect();
            counted.sort_unstable();
            assert_eq!(counted, [("large", 495), ("small", 5)]);
            if workers == 0 {
                let samples: Vec<_> = report.errors.iter().map(|e| e.sample.as_str()).collect();
                assert_eq!(samples, ["Large(11) is odd", "Small(1) is odd"]);
            }
        });
    }
}

#[test]
fn a_dead_letter_gets_every_error_and_counts_it_as_failed() {
    clean(|ctx| {
        let letters = Mutex::new(Vec::new());
        let keep = |error: Odd| letters.lock().unwrap().push(error);
        let numbers =
            Pipeline::from_iter(0..1_000_u64).parallel(2).try_map(even).on_error(DeadLetter(keep));
        let report = numbers.for_each(ctx, |_| ()).unwrap();
        adds_up(&report);
        assert_eq!((report.totals().failed, report.totals().left), (500, 500));
        assert_eq!(
            report.errors.iter().map(|e| (e.kind.as_str(), e.count)).collect::<Vec<_>>(),
            [("Odd", 500)]
        );
        let mut letters = letters.into_inner().unwrap();
        letters.sort_by_key(|(Odd::Small(n) | Odd::Large(n))| *n);
        let expected: Vec<_> = (0..1_000).filter_map(|n| even(n).err()).collect();
        assert_eq!(letters, expected);
    });
}

/// Moves the time on by one step for each sleep that comes, until the run has finished.
fn pass_time<R: Send>(clock: &Clock, steps: &[Duration], run: impl FnOnce() -> R + Send) -> R {
    let clock = clock.clone();
    millstream::scope::<_, Cause, _>(&Context::new(), |s| {
        s.spawn("time", move |_| {
            for step in steps {
                clock.wait_for_sleepers(1);
                // A hair less is not enough: the sleep is still there after it.
                clock.advance(*step - Duration::from_nanos(1));
                assert_eq!(clock.sleepers(), 1);
                clock.advance(Duration::from_nanos(1));
            }
            Ok(())
        });
        Ok(run())
    })
    .unwrap()
}

#[test]
fn retry_waits_longer_each_time_and_then_the_item_passes() {
    let clock = Clock::manual();
    let time = clock.clone();
    clean_on(&clock, move |ctx| {
        let ms = Duration::from_millis;
        let tries = AtomicU32::new(0);
        let flaky = |n: u64| {
            if n == 3 && tries.fetch_add(1, Ordering::SeqCst) < 3 { Err("not yet") } else { Ok(n) }
        };
        let retry = Retry::times(4).waits(ms(10), ms(25)).without_jitter();
        let all = pass_time(&time, &[ms(10), ms(20), ms(25)], || {
            Pipeline::from_iter(0..6_u64).try_map(flaky).on_error(retry).collect(ctx)
        });
        assert_eq!(all.unwrap(), [0, 1, 2, 3, 4, 5]);
        assert_eq!(tries.into_inner(), 4);
    });
}

#[test]
fn retry_gives_the_item_to_the_policy_behind_it_when_the_attempts_are_used_up() {
    clean(|ctx| {
        let tries = AtomicU32::new(0);
        let bad = |n: u64| {
            if n == 3 {
                tries.fetch_add(1, Ordering::SeqCst);
                return Err("never");
            }
            Ok(n)
        };
        let now = Retry::times(5).waits(Duration::ZERO, Duration::ZERO);
        let mut kept = Vec::new();
        let report = Pipeline::from_iter(0..6)
            .try_map(bad)
            .on_error(now.or(Skip))
            .for_each(ctx, |n| kept.push(n))
            .unwrap();
        assert_eq!(kept, [0, 1, 2, 4, 5]);
        assert_eq!(tries.load(Ordering::SeqCst), 5);
        assert_eq!(
            (report.totals().skipped, report.errors[0].count),
            (1, 1),
            "five attempts are one error"
        );
        let failed = Pipeline::from_iter(0..6).try_map(bad).on_error(now).collect(ctx).unwrap_err();
        assert_eq!(failed.to_string(), "stage \"try_map\" failed: never");
        assert_eq!(tries.into_inner(), 10);
    });
}

#[test]
fn a_retry_that_is_cancelled_while_it_waits_makes_no_further_attempt_and_the_item_is_cancelled() {
    let clock = Clock::manual();
    let time = clock.clone();
    clean_on(&clock, move |ctx| {
        let tries = AtomicU32::new(0);
        let bad = |_: u64| {
            tries.fetch_add(1, Ordering::SeqCst);
            Err::<u64, _>("never")
        };
        let error: Error = millstream::scope::<_, Cause, _>(&Context::new(), |s| {
            s.spawn("stop", |_| {
                time.wait_for_sleepers(1);
                ctx.cancel("enough");
                Ok(())
            });
            Ok(Pipeline::from_iter(0..6)
                .try_map(bad)
                .on_error(Retry::times(9))
                .collect(ctx)
                .unwrap_err())
        })
        .unwrap();
        assert_eq!(tries.into_inner(), 1);
        assert_eq!(
            error.cancelled().map(Cause::reason),
            Some("enough"),
            "cancelled is not failed: {error}"
        );
        adds_up(error.report());
        assert_eq!((error.report().totals().cancelled, error.report().totals().failed), (1, 0));
    });
}

#[test]
fn a_called_retry_that_is_cancelled_returns_the_error_it_has() {
    clean(|ctx| {
        ctx.cancel("enough");
        let mut calls = 0;
        let ended: Result<(), _> = Retry::times(9).call(ctx, || {
            calls += 1;
            Err("never")
        });
        assert_eq!((ended, calls), (Err("never"), 1));
    });
}

/// A policy of a program's own: large ones are passed over, small ones end the run.
struct OnlySmall;

impl ErrorPolicy<u64, Odd> for OnlySmall {
    fn attempt<Out>(
        &self,
        ctx: &Context,
        item: u64,
        mut work: impl FnMut(u64) -> Result<Out, Odd>,
        note: impl FnMut(&Odd),
    ) -> Verdict<Out, Odd> {
        let mut last = Some(work(item));
        let again = |_| last.take().unwrap_or(Err(Odd::Small(0)));
        if item < 10 {
            Fail.attempt(ctx, item, again, note)
        } else {
            Skip.attempt(ctx, item, again, note)
        }
    }
}

#[test]
fn a_policy_can_be_the_programs_own() {
    clean(|ctx| {
        let odd = |from: u64| {
            Pipeline::from_iter((from..30).step_by(2)).try_map(even).on_error(OnlySmall)
        };
        let report = odd(11).for_each(ctx, |_| ()).unwrap();
        assert_eq!(report.totals().skipped, 10);
        let error = odd(9).for_each(ctx, |_| ()).unwrap_err();
        assert_eq!(error.downcast_ref::<Odd>(), Some(&Odd::Small(9)));
    });
}

#[test]
fn a_rate_limit_lets_a_burst_pass_and_then_spaces_the_items() {
    let clock = Clock::manual();
    let time = clock.clone();
    clean_on(&clock, move |ctx| {
        let second = Duration::from_secs(1);
        let limit = RateLimit::per(second, 10).burst(3);
        let begin = time.now();
        let steps = [second / 10; 4];
        let mut passed = Vec::new();
        pass_time(&time, &steps, || {
            Pipeline::from_iter(0..7)
                .rate_limit(limit)
                .for_each(ctx, |_| passed.push(time.now() - begin))
                .unwrap()
        });
        let expected = [0, 0, 0, 1, 2, 3, 4].map(|tenths| second / 10 * tenths);
        assert_eq!(passed, expected);
    });
}

#[test]
fn a_rate_limit_after_a_pause_lets_no_more_than_the_burst_pass() {
    let clock = Clock::manual();
    let ctx = Context::with_clock(clock.clone());
    let limit = RateLimit::per(Duration::from_secs(1), 10).burst(3);
    for _ in 0..3 {
        clock.advance(Duration::from_secs(3600));
        assert_eq!((0..9).filter(|_| limit.try_take(&ctx)).count(), 3);
    }
}

#[test]
fn a_rate_limit_of_absurd_size_is_no_panic() {
    let ctx = Context::with_clock(Clock::manual());
    let limit = RateLimit::per(Duration::MAX, 1).burst(u32::MAX);
    assert!(limit.try_take(&ctx));
    let never = RateLimit::per(Duration::MAX, 0);
    assert!(never.try_take(&ctx));
    assert!(!never.try_take(&ctx));
    assert!(RateLimit::per(Duration::ZERO, 5).try_take(&ctx));
}
