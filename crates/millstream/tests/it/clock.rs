//! Clocks: the order in which alarms fire, what is left behind, and that the real one wakes its
//! sleepers.

use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, SystemTime};

use millstream::{Clock, Context, leak, scope};
use proptest::prelude::*;

use crate::support::{Count, poll};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_manual_clock_stands_still_until_it_is_advanced() {
    let clock = Clock::manual();
    let (now, wall) = (clock.now(), clock.wall());
    assert_eq!((clock.now(), clock.wall()), (now, wall));
    clock.advance(SECOND);
    assert_eq!((clock.now(), clock.wall()), (now + SECOND, wall + SECOND));
    assert_eq!(wall.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs(), 946_684_800);
}

#[test]
fn clones_are_the_same_clock() {
    let clock = Clock::manual();
    let other = clock.clone();
    clock.advance(SECOND);
    assert_eq!(clock.now(), other.now());
}

#[test]
fn a_sleep_ends_at_its_moment_and_not_before() {
    let clock = Clock::manual();
    let (count, waker) = Count::new();
    let mut sleep = clock.sleep(2 * SECOND);
    assert!(poll(&mut sleep, &waker).is_pending());
    clock.advance(2 * SECOND - Duration::from_nanos(1));
    assert_eq!(count.get(), 0);
    assert!(poll(&mut sleep, &waker).is_pending());
    assert_eq!(clock.sleepers(), 1);
    clock.advance(Duration::from_nanos(1));
    assert_eq!(count.get(), 1);
    assert_eq!(poll(&mut sleep, &waker), Poll::Ready(()));
    assert_eq!(clock.sleepers(), 0);
}

#[test]
fn a_sleep_that_is_polled_by_another_task_wakes_that_one() {
    let clock = Clock::manual();
    let ((first, waker_1), (second, waker_2)) = (Count::new(), Count::new());
    let mut sleep = clock.sleep(SECOND);
    assert!(poll(&mut sleep, &waker_1).is_pending());
    assert!(poll(&mut sleep, &waker_2).is_pending());
    assert_eq!(clock.sleepers(), 1);
    clock.advance(SECOND);
    assert_eq!((first.get(), second.get()), (0, 1));
}

#[test]
fn a_sleep_that_is_dropped_takes_its_timer_away() {
    let clock = Clock::manual();
    let (count, waker) = Count::new();
    let mut sleep = clock.sleep(SECOND);
    assert!(poll(&mut sleep, &waker).is_pending());
    drop(sleep);
    assert_eq!(clock.sleepers(), 0);
    clock.advance(SECOND);
    assert_eq!(count.get(), 0);
}

#[test]
fn no_time_is_no_sleep_and_endless_time_is_no_panic() {
    let clock = Clock::manual();
    let (_, waker) = Count::new();
    assert!(poll(&mut clock.sleep(Duration::ZERO), &waker).is_ready());
    let mut endless = clock.sleep(Duration::MAX);
    assert!(poll(&mut endless, &waker).is_pending());
    clock.advance(Duration::MAX);
    clock.advance(SECOND);
}

#[test]
fn deadlines_are_no_sleepers() {
    let clock = Clock::manual();
    let _ctx = Context::with_clock(clock.clone()).with_timeout(SECOND);
    assert_eq!(clock.sleepers(), 0);
}

#[test]
fn the_clock_shows_the_moment_of_what_fires() {
    let clock = Clock::manual();
    let start = clock.now();
    let ctx = Context::with_clock(clock.clone());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let timers: Vec<_> =
        [3_u32, 1, 2, 2].into_iter().map(|n| ctx.with_timeout(n * SECOND)).collect();
    for timer in &timers {
        let (clock, seen) = (clock.clone(), Arc::clone(&seen));
        timer.on_cancel(move |_| seen.lock().unwrap().push(clock.now() - start)).keep();
    }
    clock.advance(10 * SECOND);
    assert_eq!(*seen.lock().unwrap(), [SECOND, 2 * SECOND, 2 * SECOND, 3 * SECOND]);
    assert_eq!(clock.now() - start, 10 * SECOND);
}

#[test]
fn what_an_alarm_sets_within_the_advance_fires_within_it() {
    let clock = Clock::manual();
    let ctx = Context::with_clock(clock.clone());
    let chained = Arc::new(Mutex::new(None));
    let first = ctx.with_timeout(SECOND);
    let slot = Arc::clone(&chained);
    first.on_cancel(move |_| *slot.lock().unwrap() = Some(ctx.with_timeout(SECOND))).keep();
    clock.advance(2 * SECOND);
    assert!(chained.lock().unwrap().as_ref().unwrap().is_cancelled());
}

#[test]
fn an_alarm_that_panics_does_not_stop_the_others() {
    let clock = Clock::manual();
    let ctx = Context::with_clock(clock.clone());
    let bad = ctx.with_timeout(SECOND);
    bad.on_cancel(|_| panic!("on purpose")).keep();
    let good = ctx.with_timeout(2 * SECOND);
    clock.advance(3 * SECOND);
    assert!(bad.is_cancelled() && good.is_cancelled());
}

#[test]
#[should_panic(expected = "needs a manual clock")]
fn the_real_clock_cannot_be_advanced() {
    Clock::real().advance(SECOND);
}

#[test]
fn threads_that_sleep_on_a_manual_clock_are_woken_by_its_advance() {
    let clock = Clock::manual();
    let guard = leak::Guard::with_clock(clock.clone());
    let order = Mutex::new(Vec::new());
    scope(&guard.context(), |s| {
        for n in 1..=4_u32 {
            let order = &order;
            s.spawn(format!("sleeper {n}"), move |ctx| {
                ctx.sleep(n * SECOND)?;
                order.lock().unwrap().push(n);
                Ok(())
            });
        }
        clock.wait_for_sleepers(4);
        for n in (0..4).rev() {
            clock.advance(SECOND);
            // The thread that was woken has left when its name is gone.
            while s.running().len() > n {
                std::thread::yield_now();
            }
        }
        Ok::<_, millstream::Cause>(())
    })
    .unwrap();
    assert_eq!(order.into_inner().unwrap(), [1, 2, 3, 4]);
}

#[test]
fn many_threads_sleep_on_the_real_clock() {
    let guard = leak::Guard::new();
    scope(&guard.context(), |s| {
        for n in 0..16_u64 {
            s.spawn(format!("sleeper {n}"), move |ctx| {
                for _ in 0..20 {
                    let before = ctx.clock().now();
                    ctx.sleep(Duration::from_micros(50 * (n % 4)))?;
                    assert!(ctx.clock().now() - before >= Duration::from_micros(50 * (n % 4)));
                }
                Ok::<_, millstream::Cause>(())
            });
        }
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_late_alarm_does_not_hold_up_an_earlier_one_on_the_real_clock() {
    let guard = leak::Guard::new();
    let late = guard.context().with_timeout(Duration::from_secs(3600));
    let soon = late.with_timeout(Duration::from_millis(2));
    assert_eq!(soon.wait(), millstream::Cause::deadline());
    assert!(!late.is_cancelled());
}

proptest! {
    #[test]
    fn alarms_fire_in_the_order_of_time_then_of_registration(
        delays in prop::collection::vec(0_u64..20, 0..40),
        advances in prop::collection::vec(0_u64..8, 0..12),
    ) {
        let clock = Clock::manual();
        let guard = leak::Guard::with_clock(clock.clone());
        let fired = Arc::new(Mutex::new(Vec::new()));
        let timers: Vec<_> = delays
            .iter()
            .enumerate()
            .map(|(index, delay)| {
                let ctx = guard.context().with_timeout(Duration::from_secs(*delay));
                let fired = Arc::clone(&fired);
                ctx.on_cancel(move |_| fired.lock().unwrap().push(index)).keep();
                ctx
            })
            .collect();
        advances.iter().for_each(|seconds| clock.advance(Duration::from_secs(*seconds)));
        let total = advances.iter().sum::<u64>();
        // Those without a delay ended as they were made, in the order of making, which is that of
        // the sort as well.
        let mut expected: Vec<_> = (0..delays.len()).filter(|index| delays[*index] <= total).collect();
        expected.sort_by_key(|index| delays[*index]);
        let fired = std::mem::take(&mut *fired.lock().unwrap());
        prop_assert_eq!(fired, expected);
        drop(timers);
    }
}
