//! Two or three threads on one channel, in every interleaving: no item and no wake-up is lost.
//!
//! A lost wake-up shows as a deadlock, which loom reports; a lost item as a failed assertion.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::task::{Context as Task, Poll, Waker};

use loom::thread;
use millstream::Context;
use millstream::channel::{ChannelBuilder, Overflow, RecvError, SendError, channel};

/// All interleavings with at most `preemptions` forced switches.
fn model(preemptions: usize, f: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model.check(f);
}

/// Polls a future once with a waker that nobody hears, and drops it.
fn poll_once_and_drop(future: impl Future) -> bool {
    pin!(future).poll(&mut Task::from_waker(Waker::noop())).is_ready()
}

#[test]
fn an_item_is_handed_from_a_thread_to_one_that_waits() {
    model(3, || {
        let ctx = Context::new();
        let (tx, rx) = channel(1);
        let sender = thread::spawn({
            let ctx = ctx.clone();
            move || {
                tx.send(&ctx, 1).unwrap();
                tx.send(&ctx, 2).unwrap();
            }
        });
        assert_eq!(rx.recv(&ctx), Ok(1));
        assert_eq!(rx.recv(&ctx), Ok(2));
        assert!(matches!(rx.recv(&ctx), Err(RecvError::Closed(_))));
        sender.join().unwrap();
    });
}

#[test]
fn a_receiver_that_is_dropped_passes_its_wake_up_on() {
    model(3, || {
        let ctx = Context::new();
        let (tx, rx) = channel(1);
        let lasting = thread::spawn({
            let (ctx, rx) = (ctx.clone(), rx.clone());
            move || rx.recv(&ctx)
        });
        let sender = thread::spawn({
            let tx = tx.clone();
            move || tx.try_send(1).unwrap()
        });
        // Ahead of the other in line or behind it, notified or not, this one goes.
        if poll_once_and_drop(rx.recv_async(&ctx)) {
            tx.close("this one got the item");
            assert!(matches!(lasting.join().unwrap(), Err(RecvError::Closed(_))));
        } else {
            assert_eq!(lasting.join().unwrap(), Ok(1));
        }
        sender.join().unwrap();
    });
}

#[test]
fn a_receive_that_is_cancelled_passes_its_wake_up_on() {
    model(2, || {
        let (cancelled, lasting) = (Context::new(), Context::new());
        let (tx, rx) = channel(1);
        let first = thread::spawn({
            let (cancelled, rx) = (cancelled.clone(), rx.clone());
            move || rx.recv(&cancelled)
        });
        let second = thread::spawn({
            let lasting = lasting.clone();
            move || rx.recv(&lasting)
        });
        tx.try_send(1).unwrap();
        cancelled.cancel("stop");
        match first.join().unwrap() {
            Ok(item) => {
                assert_eq!(item, 1);
                tx.close("the first one got the item");
                assert!(matches!(second.join().unwrap(), Err(RecvError::Closed(_))));
            }
            Err(RecvError::Cancelled(_)) => assert_eq!(second.join().unwrap(), Ok(1)),
            Err(error) => panic!("{error}"),
        }
    });
}

#[test]
fn a_send_that_races_with_a_close_is_received_or_given_back() {
    model(3, || {
        let ctx = Context::new();
        let (tx, rx) = channel(1);
        let sender = thread::spawn({
            let ctx = ctx.clone();
            move || {
                tx.send(&ctx, 1)
                    .err()
                    .map(SendError::into_item)
                    .into_iter()
                    .chain(tx.send(&ctx, 2).err().map(SendError::into_item))
                    .collect::<Vec<_>>()
            }
        });
        let mut all = Vec::from_iter(rx.recv(&ctx));
        rx.close("over");
        all.extend(rx.iter(&ctx));
        all.extend(sender.join().unwrap());
        assert_eq!(all, [1, 2]);
    });
}

#[test]
fn a_close_wakes_all_who_wait_for_an_item() {
    model(2, || {
        let ctx = Context::new();
        let (tx, rx) = channel::<u8>(1);
        let waiters = [rx.clone(), rx].map(|rx| {
            let ctx = ctx.clone();
            thread::spawn(move || rx.recv(&ctx))
        });
        tx.close("over");
        for waiter in waiters {
            assert!(matches!(waiter.join().unwrap(), Err(RecvError::Closed(_))));
        }
    });
}

#[test]
fn the_last_sender_that_goes_wakes_the_receiver() {
    model(3, || {
        let ctx = Context::new();
        let (tx, rx) = channel::<u8>(1);
        let senders = [tx.clone(), tx].map(|tx| thread::spawn(move || drop(tx)));
        assert!(matches!(rx.recv(&ctx), Err(RecvError::Closed(_))));
        for sender in senders {
            sender.join().unwrap();
        }
    });
}

#[test]
fn the_last_receiver_that_goes_wakes_the_sender_and_no_item_stays_behind() {
    model(3, || {
        let ctx = Context::new();
        let (tx, rx) = channel(1);
        let receiver = thread::spawn(move || drop(rx));
        let first = tx.send(&ctx, 1);
        let second = tx.send(&ctx, 2);
        assert!(matches!(second, Err(SendError::Closed(2, _))));
        receiver.join().unwrap();
        assert_eq!(tx.dropped(), u64::from(first.is_ok()));
        assert_eq!(tx.len(), 0);
    });
}

#[test]
fn a_permit_that_is_dropped_wakes_the_sender_that_waits() {
    model(3, || {
        let ctx = Context::new();
        let (tx, rx) = channel(1);
        let sender = thread::spawn({
            let (ctx, tx) = (ctx.clone(), tx.clone());
            move || tx.send(&ctx, 1).unwrap()
        });
        // If the other was faster the channel is full, and there is nothing to reserve.
        let mut reservation = pin!(tx.reserve_async(&ctx));
        if let Poll::Ready(permit) = reservation.as_mut().poll(&mut Task::from_waker(Waker::noop()))
        {
            thread::yield_now();
            drop(permit.unwrap());
        }
        sender.join().unwrap();
        assert_eq!(rx.drain(), [1]);
    });
}

#[test]
fn a_sender_that_is_dropped_passes_its_place_on() {
    model(3, || {
        let ctx = Context::new();
        let (tx, rx) = channel(1);
        tx.try_send(0).unwrap();
        let sender = thread::spawn({
            let (ctx, tx) = (ctx.clone(), tx.clone());
            move || tx.send(&ctx, 1).unwrap()
        });
        let receiver = thread::spawn(move || (rx.try_recv().unwrap(), rx));
        let mut item = Some(2);
        let sent = poll_once_and_drop(tx.send_async(&ctx, &mut item));
        assert_eq!(sent, item.is_none());
        let (first, rx) = receiver.join().unwrap();
        assert_eq!(first, 0);
        if sent {
            assert_eq!(rx.recv(&ctx), Ok(2));
        }
        sender.join().unwrap();
        assert_eq!(rx.drain(), [1]);
    });
}

#[test]
fn one_chunk_wakes_both_receivers_that_wait_for_one_item_each() {
    model(2, || {
        let ctx = Context::new();
        let (tx, rx) = channel(2);
        let receivers = [rx.clone(), rx].map(|rx| {
            let ctx = ctx.clone();
            thread::spawn(move || rx.recv(&ctx).unwrap())
        });
        tx.try_send_all(&mut VecDeque::from([1, 2])).unwrap();
        let mut all = receivers.map(|receiver| receiver.join().unwrap());
        all.sort_unstable();
        assert_eq!(all, [1, 2]);
        // `tx` lives until here, so nobody was woken by the end of the channel instead.
        drop(tx);
    });
}

#[test]
fn one_take_of_many_wakes_both_senders_that_wait() {
    model(2, || {
        let ctx = Context::new();
        let (tx, rx) = channel(2);
        tx.try_send_all(&mut VecDeque::from([0, 0])).unwrap();
        let senders = [tx.clone(), tx.clone()].map(|tx| {
            let ctx = ctx.clone();
            thread::spawn(move || tx.send(&ctx, 1).unwrap())
        });
        assert_eq!(rx.drain(), [0, 0]);
        for sender in senders {
            sender.join().unwrap();
        }
        assert_eq!(rx.drain(), [1, 1]);
        drop(tx);
    });
}

#[test]
fn the_oldest_item_is_dropped_or_received_but_never_both() {
    model(3, || {
        let (tx, rx) = ChannelBuilder::new(1).overflow(Overflow::DropOldest).build();
        tx.try_send(1).unwrap();
        let sender = thread::spawn(move || {
            tx.try_send(2).unwrap();
            tx.dropped()
        });
        let early = rx.try_recv().ok();
        let dropped = sender.join().unwrap();
        let mut received = Vec::from_iter(early);
        received.extend(rx.drain());
        match received[..] {
            [1, 2] => assert_eq!(dropped, 0),
            [2] => assert_eq!(dropped, 1),
            _ => panic!("{received:?}"),
        }
    });
}
