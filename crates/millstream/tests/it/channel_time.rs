//! Timed sends and receives, in virtual time.

use std::time::Duration;

use millstream::channel::{RecvTimeoutError, SendTimeoutError, channel};
use millstream::{Clock, Context, leak};

use crate::channel_threads::threads;

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_timed_receive_ends_when_its_time_on_the_contexts_clock_has_passed() {
    let clock = Clock::manual();
    let guard = leak::Guard::with_clock(clock.clone());
    let ctx = guard.context();
    let (tx, rx) = channel::<u8>(1);
    threads(|s| {
        let received = s.spawn(|| rx.recv_timeout(&ctx, HOUR));
        clock.wait_for_sleepers(1);
        clock.advance(HOUR);
        assert_eq!(received.join().unwrap(), Err(RecvTimeoutError::Timeout));
    });
    assert!(!tx.receiver_waits());
}

#[test]
fn an_item_that_comes_in_time_ends_a_timed_receive_and_its_timer() {
    let clock = Clock::manual();
    let guard = leak::Guard::with_clock(clock.clone());
    let ctx = guard.context();
    let (tx, rx) = channel(1);
    threads(|s| {
        let received = s.spawn(|| rx.recv_timeout(&ctx, HOUR));
        clock.wait_for_sleepers(1);
        tx.try_send(3).unwrap();
        assert_eq!(received.join().unwrap(), Ok(3));
    });
    assert_eq!(clock.sleepers(), 0);
}

#[test]
fn a_timed_send_that_is_late_gives_its_item_back() {
    let clock = Clock::manual();
    let guard = leak::Guard::with_clock(clock.clone());
    let ctx = guard.context();
    let (tx, rx) = channel(1);
    tx.try_send(1).unwrap();
    threads(|s| {
        let sent = s.spawn(|| tx.send_timeout(&ctx, 2, HOUR));
        clock.wait_for_sleepers(1);
        clock.advance(HOUR);
        assert_eq!(sent.join().unwrap(), Err(SendTimeoutError::Timeout(2)));
    });
    assert_eq!(rx.drain(), [1]);
}

#[test]
fn a_limit_of_zero_does_not_wait_but_takes_what_is_ready() {
    let ctx = Context::with_clock(Clock::manual());
    let (tx, rx) = channel(1);
    assert_eq!(rx.recv_timeout(&ctx, Duration::ZERO), Err(RecvTimeoutError::Timeout));
    assert_eq!(tx.send_timeout(&ctx, 1, Duration::ZERO), Ok(()));
    assert_eq!(tx.send_timeout(&ctx, 2, Duration::ZERO), Err(SendTimeoutError::Timeout(2)));
    assert_eq!(rx.recv_timeout(&ctx, Duration::ZERO), Ok(1));
}

#[test]
fn the_deadline_of_the_context_ends_a_wait_with_its_cause() {
    let clock = Clock::manual();
    let guard = leak::Guard::with_clock(clock.clone());
    let ctx = guard.context().with_timeout(HOUR);
    let (tx, rx) = channel::<u8>(1);
    threads(|s| {
        let received = s.spawn(|| rx.recv_timeout(&ctx, 2 * HOUR));
        clock.wait_for_sleepers(1);
        while !tx.receiver_waits() {
            std::thread::yield_now();
        }
        clock.advance(HOUR);
        let Err(RecvTimeoutError::Cancelled(cause)) = received.join().unwrap() else {
            panic!("not cancelled")
        };
        assert_eq!(cause.kind(), millstream::CauseKind::Deadline);
    });
}
