//! Rate limits: turns in order of arrival, nobody charged who gave up, and the rate kept over any
//! time.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use millstream::{Cause, CauseKind, Clock, Context, RateLimit, scope};
use proptest::prelude::*;

use crate::support::{Count, poll};

const TENTH: Duration = Duration::from_millis(100);

/// Ten a second, of which the first has passed.
fn ten_a_second(ctx: &Context) -> RateLimit {
    let limit = RateLimit::per(Duration::from_secs(1), 10);
    assert!(limit.try_take(ctx));
    limit
}

fn manual() -> (Clock, Context) {
    let clock = Clock::manual();
    (clock.clone(), Context::with_clock(clock))
}

type Waiting<'a> = Pin<Box<dyn Future<Output = Result<(), Cause>> + 'a>>;

#[test]
fn callers_that_were_cancelled_before_take_no_turn() {
    let (clock, ctx) = manual();
    let limit = ten_a_second(&ctx);
    let gone = ctx.child();
    gone.cancel("not needed");
    for _ in 0..50 {
        assert_eq!(limit.wait(&gone).unwrap_err().reason(), "not needed");
    }
    clock.advance(TENTH);
    assert_eq!(limit.wait(&gone).unwrap_err().reason(), "not needed", "also when a turn is due");
    assert!(limit.try_take(&ctx));
}

#[test]
fn a_caller_whose_turn_comes_after_its_deadline_fails_at_once_and_takes_none() {
    let (clock, ctx) = manual();
    let limit = ten_a_second(&ctx);
    let short = ctx.with_timeout(TENTH / 2);
    for _ in 0..50 {
        assert_eq!(limit.wait(&short).unwrap_err().kind(), CauseKind::Deadline);
    }
    assert!(!short.is_cancelled());

    // With one ahead, the turn is the second one: a deadline between the two is too early.
    let mut first: Waiting<'_> = Box::pin(limit.wait_async(&ctx));
    assert!(poll(&mut first, Waker::noop()).is_pending());
    let between = ctx.with_timeout(TENTH * 3 / 2);
    assert_eq!(limit.wait(&between).unwrap_err().kind(), CauseKind::Deadline);
    let enough = ctx.with_timeout(TENTH * 5 / 2);
    let mut second: Waiting<'_> = Box::pin(limit.wait_async(&enough));
    assert!(poll(&mut second, Waker::noop()).is_pending());
    clock.advance(TENTH);
    assert!(poll(&mut first, Waker::noop()).is_ready());
    clock.advance(TENTH);
    assert!(poll(&mut second, Waker::noop()).is_ready());
}

#[test]
fn when_one_that_waits_gives_up_those_behind_it_move_up() {
    for drops in [false, true] {
        let (clock, ctx) = manual();
        let limit = ten_a_second(&ctx);
        let impatient = ctx.child();
        let (wakes, waker) = Count::new();
        let mut first: Waiting<'_> = Box::pin(limit.wait_async(&impatient));
        let mut second: Waiting<'_> = Box::pin(limit.wait_async(&ctx));
        assert!(poll(&mut first, Waker::noop()).is_pending());
        assert!(poll(&mut second, &waker).is_pending());
        if drops {
            drop(first);
        } else {
            impatient.cancel("too slow");
            assert_eq!(poll(&mut first, Waker::noop()), Poll::Ready(Err("too slow".into())));
        }
        assert_eq!(wakes.get(), 1, "the second is the next one now");
        assert!(poll(&mut second, &waker).is_pending());
        clock.advance(TENTH);
        assert_eq!(wakes.get(), 2);
        assert!(poll(&mut second, &waker).is_ready(), "the first turn was given back");
    }
}

#[test]
fn a_turn_that_the_last_waiter_gave_up_is_there_for_the_next_caller() {
    let (clock, ctx) = manual();
    let limit = ten_a_second(&ctx);
    let mut gone: Waiting<'_> = Box::pin(limit.wait_async(&ctx));
    assert!(poll(&mut gone, Waker::noop()).is_pending());
    drop(gone);
    clock.advance(TENTH);
    assert!(limit.try_take(&ctx));
    assert!(!limit.try_take(&ctx));
}

#[test]
fn nobody_overtakes_those_who_wait() {
    let (clock, ctx) = manual();
    let limit = ten_a_second(&ctx);
    let (wakes, waker) = Count::new();
    let mut first: Waiting<'_> = Box::pin(limit.wait_async(&ctx));
    assert!(poll(&mut first, &waker).is_pending());
    clock.advance(TENTH);
    assert_eq!(wakes.get(), 1);
    assert!(!limit.try_take(&ctx), "this turn belongs to the one that waits");
    let mut late: Waiting<'_> = Box::pin(limit.wait_async(&ctx));
    assert!(poll(&mut late, Waker::noop()).is_pending());
    assert!(poll(&mut first, &waker).is_ready());
}

#[test]
fn threads_that_wait_pass_in_order_and_are_spaced() {
    let (clock, ctx) = manual();
    let limit = ten_a_second(&ctx);
    let passed = AtomicUsize::new(0);
    scope::<_, Cause, _>(&ctx, |s| {
        for _ in 0..4 {
            s.spawn("caller", |ctx| {
                limit.wait(ctx)?;
                passed.fetch_add(1, Ordering::SeqCst);
                Ok(())
            });
        }
        for turn in 1..=4 {
            // One of them has the timer of the next turn.
            clock.wait_for_sleepers(1);
            assert!(passed.load(Ordering::SeqCst) < turn);
            clock.advance(TENTH);
            while passed.load(Ordering::SeqCst) < turn {
                std::thread::yield_now();
            }
        }
        Ok(())
    })
    .unwrap();
}

/// Calls one after another for a second, woken `late` after each turn; when each passed.
fn second_of_calls(limit: &RateLimit, late: Duration) -> Vec<Duration> {
    let (clock, ctx) = manual();
    let begin = clock.now();
    let mut passed = Vec::new();
    while clock.now() - begin < Duration::from_secs(1) {
        let mut call: Waiting<'_> = Box::pin(limit.wait_async(&ctx));
        while poll(&mut call, Waker::noop()).is_pending() {
            clock.advance(late);
        }
        passed.push(clock.now() - begin);
    }
    passed
}

#[test]
fn the_rate_holds_where_timers_are_coarser_than_its_spacing() {
    for late_us in [7, 60, 110, 900] {
        let limit = RateLimit::per(Duration::from_secs(1), 50_000);
        let passed = second_of_calls(&limit, Duration::from_micros(late_us));
        assert!(
            (47_500..=50_051).contains(&passed.len()),
            "{} calls, woken {late_us} us late",
            passed.len()
        );
        // Over any time t at most (t + 1 ms) * rate + 1.
        for from in (0..passed.len()).step_by(61) {
            for to in (from + 1..passed.len()).step_by(1_009) {
                let span = (passed[to] - passed[from] + Duration::from_millis(1)).as_secs_f64();
                assert!(
                    (to - from) as f64 <= span * 50_000.0 + 1.0,
                    "{from}..{to}, woken {late_us} us late"
                );
            }
        }
    }
}

#[test]
fn a_rate_that_does_not_divide_its_period_is_never_exceeded() {
    let limit = RateLimit::per(Duration::from_secs(1), 700_000_000);
    let (clock, ctx) = manual();
    let passed = (0..100).filter(|_| {
        clock.advance(Duration::from_nanos(1));
        limit.try_take(&ctx)
    });
    assert_eq!(passed.count(), 50, "every 1.43 nanoseconds is every second one");
}

#[derive(Clone, Debug)]
enum Step {
    Arrive,
    /// One of those who wait gives up: by its context, or by being dropped.
    Cancel(usize),
    Drop(usize),
    /// A call that does not wait.
    Try,
    Advance(u64),
    /// Everybody who was woken looks.
    Look,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => Just(Step::Arrive),
        1 => (0..8_usize).prop_map(Step::Cancel),
        1 => (0..8_usize).prop_map(Step::Drop),
        1 => Just(Step::Try),
        4 => (0..2_500_u64).prop_map(Step::Advance),
        4 => Just(Step::Look),
    ];
    prop::collection::vec(step, 1..80)
}

struct Caller<'a> {
    number: usize,
    ctx: &'a Context,
    call: Waiting<'a>,
    wakes: Arc<Count>,
    waker: Waker,
    /// How often it had been woken when it was polled last.
    seen: Option<usize>,
}

/// Polls those who were woken, the first come first; who passed, and when.
fn look(callers: &mut Vec<Caller<'_>>, clock: &Clock, passed: &mut Vec<(usize, Instant)>) {
    let mut again = true;
    while again {
        again = false;
        callers.retain_mut(|caller| {
            let woken = Some(caller.wakes.get());
            if std::mem::replace(&mut caller.seen, woken) == woken {
                return true;
            }
            again = true;
            match poll(&mut caller.call, &caller.waker) {
                Poll::Pending => return true,
                Poll::Ready(Ok(())) => passed.push((caller.number, clock.now())),
                Poll::Ready(Err(_)) => assert!(caller.ctx.is_cancelled()),
            }
            false
        });
    }
}

proptest! {
    /// Any callers may give up: turns go to the others in the order of their arrival, no faster
    /// than the rate, and in the end everybody who stayed has passed without a wake-up from
    /// outside.
    #[test]
    fn turns_are_given_in_order_and_none_is_lost_or_made(steps in steps(), burst in 1..4_u32) {
        let (clock, ctx) = manual();
        let contexts: Vec<Context> = (0..80).map(|_| ctx.child()).collect();
        let limit = RateLimit::per(Duration::from_secs(1), 1_000).burst(burst);
        let begin = clock.now();
        let (mut callers, mut passed, mut tried, mut arrived): (Vec<Caller<'_>>, Vec<_>, usize, usize) = Default::default();
        for step in steps {
            match step {
                Step::Arrive => {
                    let (wakes, waker) = Count::new();
                    let call = Box::pin(limit.wait_async(&contexts[arrived]));
                    callers.push(Caller { number: arrived, ctx: &contexts[arrived], call, wakes, waker, seen: None });
                    arrived += 1;
                    look(&mut callers, &clock, &mut passed);
                }
                Step::Cancel(at) => if let Some(caller) = callers.get(at) {
                    caller.ctx.cancel("enough");
                },
                Step::Drop(at) => if at < callers.len() {
                    callers.remove(at);
                },
                Step::Try => {
                    let taken = limit.try_take(&ctx);
                    prop_assert!(!(taken && callers.iter().any(|caller| !caller.ctx.is_cancelled())));
                    tried += usize::from(taken);
                }
                Step::Advance(us) => clock.advance(Duration::from_micros(us)),
                Step::Look => look(&mut callers, &clock, &mut passed),
            }
            let most = (clock.now() - begin + Duration::from_millis(1)).as_millis() as usize + burst as usize;
            prop_assert!(passed.len() + tried <= most, "{} and {tried} passed of {most}", passed.len());
        }
        let stay: Vec<usize> = callers.iter().filter(|c| !c.ctx.is_cancelled()).map(|c| c.number).collect();
        let before = passed.len();
        for _ in 0..=callers.len() {
            look(&mut callers, &clock, &mut passed);
            clock.advance(Duration::from_millis(1));
        }
        let after: Vec<usize> = passed[before..].iter().map(|(number, _)| *number).collect();
        prop_assert_eq!(after, stay);
        prop_assert!(passed.is_sorted_by_key(|(number, _)| *number), "first come, first served");
        prop_assert!(passed.is_sorted_by_key(|(_, at)| *at));
    }
}
