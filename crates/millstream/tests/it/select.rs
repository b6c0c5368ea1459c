//! The first of several things: nothing lost, everybody's turn, and bodies that do what code in
//! place can do.

use std::collections::BTreeSet;
use std::future::{pending, ready};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

use millstream::channel::{Receiver, RecvError};
use millstream::{Cause, CauseKind, Clock, Context, channel, scope, select, select_async};

use crate::support::poll;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn an_arm_that_is_ready_is_chosen_and_the_others_take_nothing() {
    let ctx = Context::new();
    let (tx, rx) = channel(4);
    let (_none, never) = channel::<u32>(4);
    tx.send(&ctx, 1).unwrap();
    tx.send(&ctx, 2).unwrap();
    let (full, held) = channel(1);
    full.try_send(0).unwrap();
    let mut item = Some(9);
    let got = select! {
        n = rx.recv_async(&ctx) => n.unwrap(),
        n = never.recv_async(&ctx) => n.unwrap(),
        sent = full.send_async(&ctx, &mut item) => { sent.unwrap(); 0 }
        _ = ctx.cancelled() => 0,
        _ = ctx.sleep_async(3600 * SECOND) => 0,
    };
    assert_eq!((got, rx.len()), (1, 1));
    assert_eq!(
        (item, held.drain().len()),
        (Some(9), 1),
        "the send that was not chosen gives the item back"
    );
}

#[test]
fn each_arm_that_is_ready_is_chosen_sometimes_and_in_order_on_request_always_the_first() {
    let mut chosen = [0; 3];
    for _ in 0..3_000 {
        select! {
            () = ready(()) => chosen[0] += 1,
            () = pending() => unreachable!(),
            () = ready(()) => chosen[1] += 1,
            () = ready(()) => chosen[2] += 1,
        }
    }
    assert!(chosen.iter().all(|count| *count > 300), "{chosen:?}");
    for _ in 0..100 {
        let first = select! {
            biased;
            () = pending() => 0,
            () = ready(()) => 1,
            () = ready(()) => 2,
        };
        assert_eq!(first, 1);
    }
}

#[test]
fn a_body_breaks_returns_asks_and_changes_what_the_futures_had_borrowed() {
    fn first_even(
        ctx: &Context,
        rx: &Receiver<u32>,
        seen: &mut Vec<u32>,
    ) -> Result<Option<u32>, RecvError> {
        let mut items = 0;
        let found = 'search: loop {
            select! {
                n = rx.recv_async(ctx) => {
                    let n = n?;
                    items += 1;
                    if n > 100 {
                        return Ok(None);
                    }
                    if n % 2 == 0 {
                        break 'search n;
                    }
                    if n == 1 {
                        continue;
                    }
                    seen.push(n);
                }
            }
        };
        assert!(items > 0);
        Ok(Some(found))
    }
    let ctx = Context::new();
    let (tx, rx) = channel(9);
    let mut seen = Vec::new();
    for n in [1, 3, 5, 6, 7, 101] {
        tx.try_send(n).unwrap();
    }
    assert_eq!(first_even(&ctx, &rx, &mut seen), Ok(Some(6)));
    assert_eq!(first_even(&ctx, &rx, &mut seen), Ok(None));
    drop(tx);
    assert_eq!(first_even(&ctx, &rx, &mut seen), Err(RecvError::Closed(Cause::finished())));
    assert_eq!(seen, [3, 5, 7]);
}

#[test]
fn an_option_that_a_send_borrows_can_be_filled_by_the_other_arms_body() {
    let ctx = Context::new();
    let (tx, rx) = channel(1);
    tx.try_send(1).unwrap();
    let mut held = Some(2);
    select! {
        biased;
        sent = tx.send_async(&ctx, &mut held) => sent.unwrap(),
        item = rx.recv_async(&ctx) => held = held.zip(item.ok()).map(|(a, b)| a + b),
    }
    assert_eq!(held, Some(3));
}

#[test]
fn an_arm_whose_condition_does_not_hold_is_not_even_made() {
    let mut made = false;
    let on = std::hint::black_box(false);
    let chosen = select! {
        () = { made = true; ready(()) }, if on => 1,
        () = ready(()), if !on => 2,
    };
    assert_eq!((chosen, made), (2, false));
}

#[test]
#[should_panic(expected = "it would wait forever")]
fn a_select_without_an_arm_that_takes_part_says_so() {
    let on = std::hint::black_box(false);
    select! { () = ready(()), if on => () }
}

#[test]
fn closed_channels_and_cancelled_contexts_are_ready_with_their_cause() {
    let ctx = Context::new();
    let (tx, rx) = channel::<u8>(1);
    tx.close(Cause::failed("broken"));
    let error = select! {
        item = rx.recv_async(&ctx) => item.unwrap_err(),
        _ = ctx.sleep_async(3600 * SECOND) => unreachable!(),
    };
    assert_eq!(error.cause().reason(), "broken");
    let mut item = Some(1);
    select! { sent = tx.send_async(&ctx, &mut item) => assert_eq!(sent.unwrap_err().cause().unwrap().reason(), "broken") }
    assert_eq!(item, Some(1));

    let (_tx, open) = channel::<u8>(1);
    ctx.cancel("enough");
    let cause = select! {
        item = open.recv_async(&ctx) => item.unwrap_err().into_cause(),
        cause = ctx.cancelled() => cause,
    };
    assert_eq!(cause.reason(), "enough");
}

#[test]
fn what_many_threads_select_from_many_channels_comes_once_each() {
    const ITEMS: u64 = 2_000;
    let ctx = Context::new();
    let (one, other) = (channel(3), channel(1));
    let (sum, count) = (AtomicU64::new(0), AtomicU64::new(0));
    scope::<_, Cause, _>(&ctx, |s| {
        for (name, (tx, from)) in [("one", (one.0, 0)), ("other", (other.0, ITEMS))] {
            s.spawn(name, move |ctx| {
                for n in from..from + ITEMS {
                    let mut item = Some(n);
                    select! {
                        sent = tx.send_async(ctx, &mut item) => sent.unwrap(),
                        _ = ctx.sleep_async(3600 * SECOND) => unreachable!(),
                    }
                }
                Ok(())
            });
        }
        for _ in 0..3 {
            let (one, other, sum, count) = (one.1.clone(), other.1.clone(), &sum, &count);
            s.spawn("select", move |ctx| {
                let mut open = [true; 2];
                while open != [false; 2] {
                    let (at, item) = select! {
                        item = one.recv_async(ctx), if open[0] => (0, item),
                        item = other.recv_async(ctx), if open[1] => (1, item),
                    };
                    match item {
                        Ok(item) => {
                            sum.fetch_add(item, Ordering::Relaxed);
                            count.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(_) => open[at] = false,
                    }
                }
                Ok(())
            });
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(count.into_inner(), 2 * ITEMS);
    assert_eq!(sum.into_inner(), (0..2 * ITEMS).sum::<u64>());
}

/// The guide's loop: a batch by number, by time, and at the end; nothing more once it is cancelled.
async fn store(
    ctx: &Context,
    entries: &Receiver<u32>,
    saved: &mut Vec<Vec<u32>>,
) -> Result<(), Cause> {
    let mut batch = Vec::new();
    let mut ticker = ctx.ticker(SECOND);
    loop {
        select_async! {
            biased;
            cause = ctx.cancelled() => return Err(cause),
            entry = entries.recv_async(ctx) => match entry {
                Ok(entry) => {
                    batch.push(entry);
                    if batch.len() >= 3 {
                        saved.push(std::mem::take(&mut batch));
                    }
                }
                Err(_) => break,
            },
            tick = ticker.tick_async() => {
                tick?;
                if !batch.is_empty() {
                    saved.push(std::mem::take(&mut batch));
                }
            }
        }
    }
    saved.push(batch);
    Ok(())
}

#[test]
fn the_guides_loop_stores_full_batches_at_once_what_there_is_each_second_and_the_rest_at_the_end() {
    let clock = Clock::manual();
    let ctx = Context::with_clock(clock.clone());
    let (tx, rx) = channel(9);
    let mut saved = Vec::new();
    let mut run = Box::pin(store(&ctx, &rx, &mut saved));
    let send = |items: std::ops::Range<u32>| items.for_each(|n| tx.try_send(n).unwrap());
    send(0..4);
    assert!(poll(&mut run, Waker::noop()).is_pending());
    clock.advance(SECOND);
    assert!(poll(&mut run, Waker::noop()).is_pending());
    clock.advance(SECOND);
    assert!(poll(&mut run, Waker::noop()).is_pending(), "there was nothing to store");
    send(4..6);
    assert!(poll(&mut run, Waker::noop()).is_pending());
    tx.close(Cause::finished());
    assert_eq!(poll(&mut run, Waker::noop()), Poll::Ready(Ok(())));
    drop(run);
    assert_eq!(saved, [vec![0, 1, 2], vec![3], vec![4, 5]]);

    let (_tx, rx) = channel(9);
    let mut run = Box::pin(store(&ctx, &rx, &mut saved));
    assert!(poll(&mut run, Waker::noop()).is_pending());
    ctx.cancel("enough");
    assert!(
        matches!(poll(&mut run, Waker::noop()), Poll::Ready(Err(cause)) if cause.reason() == "enough")
    );
}

#[test]
fn a_thread_that_selects_is_woken_by_time_by_an_item_and_by_the_end() {
    let clock = Clock::manual();
    let ctx = Context::with_clock(clock.clone());
    let (tx, rx) = channel::<u8>(1);
    let mut log = Vec::new();
    scope::<_, Cause, _>(&ctx, |s| {
        let log = &mut log;
        s.spawn("selects", move |ctx| {
            let inner = ctx.with_timeout(10 * SECOND);
            loop {
                select! {
                    item = rx.recv_async(ctx) => log.push(format!("item {}", item.unwrap())),
                    _ = ctx.sleep_async(SECOND) => log.push("a second".into()),
                    cause = inner.cancelled() => {
                        assert_eq!(cause.kind(), CauseKind::Deadline);
                        break;
                    }
                }
            }
            Ok(())
        });
        clock.wait_for_sleepers(1);
        clock.advance(SECOND);
        clock.wait_for_sleepers(1);
        tx.send(&ctx, 7).unwrap();
        while !tx.is_empty() {
            std::thread::yield_now();
        }
        clock.wait_for_sleepers(1);
        clock.advance(20 * SECOND);
        Ok(())
    })
    .unwrap();
    // Both the sleep and the deadline may be ready in the end.
    log.truncate(2);
    assert_eq!(log, ["a second", "item 7"]);
}

#[test]
fn a_select_that_is_dropped_while_it_waits_leaves_everything_to_others() {
    let ctx = Context::new();
    let (tx, rx) = channel(1);
    let mut item = Some(1);
    {
        let wait = async {
            select_async! {
                _ = rx.recv_async(&ctx) => unreachable!("nothing was sent while it lived"),
                _ = ctx.sleep_async(3600 * SECOND) => unreachable!(),
            }
        };
        let mut wait = pin!(wait);
        assert!(poll(&mut wait, Waker::noop()).is_pending());
    }
    tx.try_send(0).unwrap();
    {
        let wait = async {
            select_async! { sent = tx.send_async(&ctx, &mut item) => sent.unwrap() }
        };
        let mut wait = pin!(wait);
        assert!(poll(&mut wait, Waker::noop()).is_pending());
    }
    assert_eq!((item, rx.drain().len()), (Some(1), 1));
}

#[test]
fn a_ticker_keeps_to_its_schedule_and_loses_no_tick_to_a_wait_that_was_given_up() {
    let clock = Clock::manual();
    let ctx = Context::with_clock(clock.clone());
    let begin = clock.now();
    let mut ticker = ctx.ticker(SECOND);
    for _ in 0..3 {
        let mut tick = pin!(ticker.tick_async());
        assert!(poll(&mut tick, Waker::noop()).is_pending());
    }
    clock.advance(5 * SECOND / 4);
    assert_eq!(ticker.tick(), Ok(()));
    assert_eq!(ticker.next_tick(), begin + 2 * SECOND, "not a second after the late one");
    clock.advance(10 * SECOND);
    assert_eq!(ticker.tick(), Ok(()));
    assert_eq!(ticker.next_tick(), begin + 12 * SECOND);
    ctx.cancel("enough");
    assert_eq!(ticker.tick().unwrap_err().reason(), "enough");
    let shortest: BTreeSet<_> =
        (0..3).map(|_| Context::new().ticker(Duration::ZERO).tick().is_ok()).collect();
    assert_eq!(shortest, BTreeSet::from([true]));
}
