//! What one thread can see of a channel: order, capacity, closing, overflow, and what comes back.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use millstream::channel::{
    ChannelBuilder, Overflow, RecvError, ReserveError, SendError, TryRecvError, TrySendError,
    channel,
};
use millstream::{Cause, CauseKind, Context, leak};

/// Counts how many of its kind were dropped.
#[derive(Debug)]
pub(crate) struct Counted(pub(crate) Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn items_arrive_in_the_order_in_which_they_were_sent() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let (tx, rx) = channel(8);
    tx.send(&ctx, 1).unwrap();
    tx.send_all(&ctx, &mut VecDeque::from([2, 3, 4])).unwrap();
    tx.reserve(&ctx).unwrap().send(5).unwrap();
    tx.try_send(6).unwrap();
    drop(tx);
    assert_eq!(rx.iter(&ctx).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_capacity_of_zero_is_one() {
    let (tx, rx) = channel(0);
    assert_eq!(tx.capacity(), 1);
    tx.try_send(1).unwrap();
    assert_eq!(tx.try_send(2), Err(TrySendError::Full(2)));
    assert_eq!(rx.try_recv(), Ok(1));
}

#[test]
fn a_huge_capacity_takes_no_memory_ahead() {
    let (tx, rx) = channel(usize::MAX);
    tx.send_all(&Context::new(), &mut (0..1000).collect()).unwrap();
    assert_eq!(rx.drain(), (0..1000).collect::<VecDeque<_>>());
}

#[test]
fn a_closed_channel_drains_first_and_then_reports_its_cause() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let (tx, rx) = channel(8);
    tx.send_all(&ctx, &mut VecDeque::from([1, 2, 3, 4])).unwrap();
    assert!(tx.close(Cause::failed("the disk is full")));
    assert_eq!(rx.recv(&ctx), Ok(1));
    assert_eq!(rx.try_recv(), Ok(2));
    let mut buffer = VecDeque::new();
    assert_eq!(rx.recv_many(&ctx, &mut buffer, 9), Ok(2));
    assert_eq!(buffer, [3, 4]);
    let RecvError::Closed(cause) = rx.recv(&ctx).unwrap_err() else { panic!("not closed") };
    assert_eq!((cause.kind(), cause.reason()), (CauseKind::Failed, "the disk is full"));
    assert_eq!(rx.recv_many(&ctx, &mut buffer, 9), Err(RecvError::Closed(cause.clone())));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed(cause.clone())));
    assert_eq!(rx.closed(), Some(cause.clone()));
    assert_eq!(tx.closed(), Some(cause));
}

#[test]
fn the_first_cause_of_a_close_stays() {
    let (tx, rx) = channel::<u8>(1);
    assert!(rx.close("first"));
    assert!(!tx.close("second"));
    drop(tx);
    assert_eq!(rx.closed().unwrap().reason(), "first");
}

#[test]
fn every_way_to_send_into_a_closed_channel_gives_the_item_back() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let (tx, rx) = channel(4);
    let place = tx.reserve(&ctx).unwrap();
    rx.close("closed");
    assert!(matches!(place.send(1).unwrap_err(), SendError::Closed(1, _)));
    assert!(matches!(tx.send(&ctx, 2).unwrap_err(), SendError::Closed(2, _)));
    assert_eq!(tx.try_send(3).unwrap_err().into_item(), 3);
    assert_eq!(tx.send_timeout(&ctx, 4, std::time::Duration::MAX).unwrap_err().into_item(), 4);
    let mut chunk = VecDeque::from([5, 6]);
    assert!(matches!(tx.send_all(&ctx, &mut chunk), Err(ReserveError::Closed(_))));
    assert!(matches!(tx.try_send_all(&mut chunk), Err(ReserveError::Closed(_))));
    assert_eq!(chunk, [5, 6]);
    assert!(matches!(tx.reserve(&ctx), Err(ReserveError::Closed(_))));
    assert!(rx.is_empty());
}

#[test]
fn the_last_sender_closes_it_as_done_and_the_last_receiver_as_dropped() {
    let (tx, rx) = channel::<u8>(1);
    let other = tx.clone();
    drop(tx);
    assert_eq!(rx.closed(), None);
    drop(other);
    assert_eq!(rx.closed().unwrap().kind(), CauseKind::Finished);

    let (tx, rx) = channel::<u8>(1);
    let other = rx.clone();
    drop(rx);
    assert_eq!(tx.closed(), None);
    drop(other);
    assert_eq!(tx.closed().unwrap().kind(), CauseKind::Dropped);
}

#[test]
fn a_cancelled_context_takes_and_sends_nothing() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let (tx, rx) = channel(4);
    tx.send(&ctx, 1).unwrap();
    ctx.cancel("stop");
    let mut buffer = VecDeque::new();
    assert!(matches!(rx.recv(&ctx), Err(RecvError::Cancelled(_))));
    assert!(matches!(rx.recv_many(&ctx, &mut buffer, 4), Err(RecvError::Cancelled(_))));
    assert!(matches!(tx.send(&ctx, 2), Err(SendError::Cancelled(2, _))));
    assert!(matches!(tx.reserve(&ctx), Err(ReserveError::Cancelled(_))));
    let mut chunk = VecDeque::from([3]);
    let Err(ReserveError::Cancelled(cause)) = tx.send_all(&ctx, &mut chunk) else {
        panic!("not cancelled")
    };
    assert_eq!(cause.reason(), "stop");
    assert_eq!((chunk, buffer, rx.drain()), ([3].into(), [].into(), [1].into()));
}

#[test]
fn a_permit_counts_as_an_occupied_place_until_it_is_used_or_dropped() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let (tx, rx) = channel(2);
    let (one, two) = (tx.reserve(&ctx).unwrap(), tx.reserve(&ctx).unwrap());
    assert_eq!(tx.try_send('x'), Err(TrySendError::Full('x')));
    assert!(rx.is_empty());
    one.send('a').unwrap();
    assert_eq!(tx.try_send('x'), Err(TrySendError::Full('x')));
    drop(two);
    assert_eq!(tx.try_send('b'), Ok(()));
    assert_eq!(rx.drain(), ['a', 'b']);
}

#[test]
fn drop_oldest_keeps_the_newest_and_counts_the_rest() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let (tx, rx) = ChannelBuilder::new(3).overflow(Overflow::DropOldest).build();
    tx.send_all(&ctx, &mut (1..=2).collect()).unwrap();
    tx.send_all(&ctx, &mut (3..=5).collect()).unwrap();
    assert_eq!((tx.dropped(), tx.len()), (2, 3));
    tx.send(&ctx, 6).unwrap();
    assert_eq!(tx.dropped(), 3);
    let mut long = (7..=20).collect();
    tx.send_all(&ctx, &mut long).unwrap();
    assert!(long.is_empty());
    assert_eq!(rx.drain(), [18, 19, 20]);
    assert_eq!(rx.dropped(), 17);
}

#[test]
fn drop_oldest_drops_the_new_item_when_every_place_is_reserved() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let (tx, rx) = ChannelBuilder::new(1).overflow(Overflow::DropOldest).build();
    let place = tx.reserve(&ctx).unwrap();
    tx.send(&ctx, "no room").unwrap();
    tx.send_all(&ctx, &mut VecDeque::from(["nor", "here"])).unwrap();
    assert_eq!((tx.dropped(), rx.len()), (3, 0));
    place.send("reserved").unwrap();
    assert_eq!(rx.drain(), ["reserved"]);
}

#[test]
fn drop_newest_keeps_the_oldest_and_counts_the_rest() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let (tx, rx) = ChannelBuilder::new(3).overflow(Overflow::DropNewest).build();
    tx.send_all(&ctx, &mut (1..=2).collect()).unwrap();
    tx.send_all(&ctx, &mut (3..=5).collect()).unwrap();
    tx.send(&ctx, 6).unwrap();
    assert_eq!(rx.dropped(), 3);
    assert_eq!(rx.drain(), [1, 2, 3]);
}

#[test]
fn reject_gives_back_what_does_not_fit() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let (tx, rx) = ChannelBuilder::new(2).overflow(Overflow::Reject).build();
    let mut chunk = (1..=3).collect::<VecDeque<_>>();
    assert_eq!(tx.send_all(&ctx, &mut chunk), Err(ReserveError::Full));
    assert_eq!(chunk, [3]);
    assert_eq!(tx.send(&ctx, 4), Err(SendError::Full(4)));
    assert_eq!(tx.reserve(&ctx).unwrap_err(), ReserveError::Full);
    assert_eq!((rx.drain(), rx.dropped()), ([1, 2].into(), 0));
}

#[test]
fn what_the_policy_drops_may_use_the_channel_while_it_is_dropped() {
    struct Nosy(millstream::channel::Sender<Option<Nosy>>);
    impl Drop for Nosy {
        fn drop(&mut self) {
            assert_eq!(self.0.len(), 1);
        }
    }
    let (tx, rx) = ChannelBuilder::new(1).overflow(Overflow::DropOldest).build();
    tx.try_send(Some(Nosy(tx.clone()))).unwrap();
    tx.try_send(None).unwrap();
    assert_eq!(rx.dropped(), 1);
}

#[test]
fn items_that_nobody_received_are_dropped_exactly_once() {
    let drops = Arc::new(AtomicUsize::new(0));
    let item = || Counted(Arc::clone(&drops));
    let (tx, rx) = channel(9);
    for _ in 0..5 {
        tx.try_send(item()).unwrap();
    }
    drop(rx.try_recv());
    assert_eq!(drops.load(Ordering::SeqCst), 1);
    drop(rx);
    assert_eq!(
        drops.load(Ordering::SeqCst),
        5,
        "the last receiver drops what nobody can receive any more"
    );
    assert_eq!(tx.dropped(), 4);
    drop(tx.try_send(item()));
    drop(tx);
    assert_eq!(drops.load(Ordering::SeqCst), 6);

    let (tx, rx) = channel(9);
    tx.try_send(item()).unwrap();
    drop(tx);
    drop(rx);
    assert_eq!(drops.load(Ordering::SeqCst), 7);
}

#[test]
fn an_item_that_holds_the_answers_end_is_dropped_with_the_last_receiver() {
    let (requests, server) = channel(1);
    let (answer, answered) = channel::<u8>(1);
    requests.try_send(answer).unwrap();
    drop(server);
    assert!(matches!(answered.recv(&Context::new()), Err(RecvError::Closed(_))));
}

#[test]
fn whole_chunks_change_hands_without_being_copied() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let (tx, rx) = channel(64);
    let mut chunk = (0..64).collect::<VecDeque<_>>();
    let address = chunk.as_slices().0.as_ptr();
    tx.send_all(&ctx, &mut chunk).unwrap();
    let mut buffer = VecDeque::new();
    rx.recv_many(&ctx, &mut buffer, 64).unwrap();
    assert_eq!(buffer.as_slices().0.as_ptr(), address);
}

#[test]
fn a_receive_of_many_appends_and_takes_no_more_than_it_may() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let (tx, rx) = channel(9);
    tx.send_all(&ctx, &mut (1..=5).collect()).unwrap();
    let mut buffer = VecDeque::from([0]);
    assert_eq!(rx.recv_many(&ctx, &mut buffer, 3), Ok(3));
    assert_eq!(rx.recv_many(&ctx, &mut buffer, 0), Ok(0));
    assert_eq!(rx.try_recv_many(&mut buffer, usize::MAX), Ok(2));
    assert_eq!(buffer, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn the_ends_need_only_items_that_are_send_and_show_no_items() {
    fn is_send_and_sync<T: Send + Sync>(_: &T) {}
    let (tx, rx) = channel::<std::cell::Cell<u8>>(2);
    is_send_and_sync(&tx);
    is_send_and_sync(&rx);
    tx.try_send(std::cell::Cell::new(1)).unwrap();
    assert_eq!(format!("{tx:?}"), "Sender { len: 1, capacity: 2, closed: None, .. }");
    let error = tx.send_timeout(&Context::new(), 2.into(), std::time::Duration::ZERO);
    assert!(error.is_ok());
    let error = tx.try_send(3.into()).unwrap_err();
    assert_eq!(
        format!("{error:?} {error}"),
        "Full(..) the item was not sent and is given back: the channel is full"
    );
}
