//! Channels between threads: waiting, waking, closing while others wait, and nothing lost under
//! load.

use std::collections::VecDeque;
use std::thread;

use millstream::channel::{ReserveError, SendError, channel};
use millstream::{CauseKind, leak};

/// Threads that end before the test does.
#[expect(
    clippy::disallowed_methods,
    reason = "the channel is tested on plain threads, below the library's scopes"
)]
pub(crate) fn threads<'env, R>(f: impl for<'s> FnOnce(&'s thread::Scope<'s, 'env>) -> R) -> R {
    thread::scope(f)
}

/// Waits until a condition that another thread brings about holds.
pub(crate) fn until(condition: impl Fn() -> bool) {
    while !condition() {
        thread::yield_now();
    }
}

#[test]
fn a_receiver_wakes_for_an_item_and_says_before_that_it_waits() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let (tx, rx) = channel(1);
    threads(|s| {
        let received = s.spawn(|| rx.recv(&ctx));
        until(|| tx.receiver_waits());
        tx.send(&ctx, 7).unwrap();
        assert!(!tx.receiver_waits(), "an item is on its way to the only waiter");
        assert_eq!(received.join().unwrap(), Ok(7));
    });
}

#[test]
fn a_cancelled_receive_wakes_and_leaves_the_line() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let (tx, rx) = channel::<u8>(1);
    threads(|s| {
        let received = s.spawn(|| rx.recv(&ctx));
        until(|| tx.receiver_waits());
        ctx.cancel("stop");
        assert_eq!(received.join().unwrap().unwrap_err().into_cause().reason(), "stop");
    });
    assert!(!tx.receiver_waits());
    tx.try_send(1).unwrap();
    assert_eq!(rx.len(), 1);
}

#[test]
fn a_cancelled_send_wakes_and_gives_its_item_back() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let (tx, rx) = channel(1);
    tx.send(&ctx, 1).unwrap();
    threads(|s| {
        let sent = s.spawn(|| tx.send(&ctx, 2));
        let reserved = s.spawn(|| tx.reserve(&ctx).map(drop));
        let mut chunk = VecDeque::from([3, 4]);
        let chunk = s.spawn(|| (tx.send_all(&ctx, &mut chunk).unwrap_err(), chunk));
        ctx.cancel("stop");
        assert!(matches!(sent.join().unwrap(), Err(SendError::Cancelled(2, _))));
        assert!(matches!(reserved.join().unwrap(), Err(ReserveError::Cancelled(_))));
        let (error, chunk) = chunk.join().unwrap();
        assert!(matches!(error, ReserveError::Cancelled(_)));
        assert_eq!(chunk, [3, 4]);
    });
    assert_eq!(rx.drain(), [1]);
}

#[test]
fn a_close_wakes_every_waiter() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let (tx, rx) = channel::<u8>(1);
    threads(|s| {
        let waiters: Vec<_> = (0..3).map(|_| s.spawn(|| rx.recv(&ctx))).collect();
        until(|| tx.receiver_waits());
        tx.close("over");
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap().unwrap_err().into_cause().reason(), "over");
        }
    });
    let (tx, rx) = channel(1);
    tx.try_send(0).unwrap();
    threads(|s| {
        let tx = &tx;
        let ctx = &ctx;
        let waiters: Vec<_> = (1..4).map(|n| s.spawn(move || tx.send(ctx, n))).collect();
        drop(rx);
        for (n, waiter) in (1..).zip(waiters) {
            let error = waiter.join().unwrap().unwrap_err();
            assert_eq!(error.cause().unwrap().kind(), CauseKind::Dropped);
            assert_eq!(error.into_item(), n);
        }
    });
}

#[test]
fn a_chunk_longer_than_the_channel_flows_through_it_in_order() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    for capacity in [1, 3, 64] {
        let (tx, rx) = channel(capacity);
        threads(|s| {
            s.spawn(|| {
                let tx = tx;
                tx.send_all(&ctx, &mut (0..1000).collect()).unwrap();
            });
            assert_eq!(rx.iter(&ctx).collect::<Vec<_>>(), (0..1000).collect::<Vec<_>>());
        });
    }
}

#[test]
fn one_chunk_feeds_all_receivers_that_wait_for_one_item_each() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let (tx, rx) = channel(4);
    threads(|s| {
        let receivers: Vec<_> = (0..4).map(|_| s.spawn(|| rx.recv(&ctx).unwrap())).collect();
        until(|| tx.receiver_waits());
        tx.send_all(&ctx, &mut (0..4).collect()).unwrap();
        let mut all: Vec<i32> = receivers.into_iter().map(|r| r.join().unwrap()).collect();
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3]);
    });
}

/// Sends `1..=each` from every sender and checks that every receiver sees each sender's items in
/// order, all of them.
fn exchange(capacity: usize, senders: usize, receivers: usize, each: u64, chunk: usize) {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let (tx, rx) = channel::<(usize, u64)>(capacity);
    let seen = threads(|s| {
        for sender in 0..senders {
            let (tx, ctx) = (tx.clone(), &ctx);
            s.spawn(move || {
                let mut pending = VecDeque::new();
                for n in 1..=each {
                    pending.push_back((sender, n));
                    if pending.len() == chunk || n == each {
                        match pending.len() {
                            1 => tx.send(ctx, pending.pop_front().unwrap()).unwrap(),
                            _ => tx.send_all(ctx, &mut pending).unwrap(),
                        }
                    }
                }
            });
        }
        drop(tx);
        let handles: Vec<_> = (0..receivers)
            .map(|_| {
                s.spawn(|| {
                    let (mut counts, mut last) = (vec![0; senders], vec![0; senders]);
                    let mut buffer = VecDeque::new();
                    while rx.recv_many(&ctx, &mut buffer, chunk).is_ok() {
                        for (sender, n) in buffer.drain(..) {
                            assert!(n > last[sender], "items of one sender changed their order");
                            last[sender] = n;
                            counts[sender] += 1;
                        }
                    }
                    counts
                })
            })
            .collect();
        handles
            .into_iter()
            .map(|h| h.join().unwrap())
            .reduce(|a, b| a.iter().zip(b).map(|(a, b)| a + b).collect())
    });
    assert_eq!(seen.unwrap(), vec![each; senders]);
}

#[test]
fn many_senders_and_receivers_lose_and_double_nothing() {
    for capacity in [1, 2, 100] {
        for chunk in [1, 7, 64] {
            exchange(capacity, 3, 3, 2_000, chunk);
        }
    }
}
