//! No await point loses an item: every future is polled step by step and dropped at every place
//! where it can wait.
//!
//! Under each future the channel is driven into each state in which it can be dropped: never
//! polled, waiting, notified, notified and overtaken, and cancelled. Afterwards all items are
//! accounted for and all other waiters can go on.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as Task, Poll, Wake, Waker};

use futures_core::Stream;
use millstream::channel::{Receiver, Sender, channel};
use millstream::{Clock, Context, leak};

/// A waker that counts.
#[derive(Default)]
struct WakeCount(AtomicUsize);

impl Wake for WakeCount {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl WakeCount {
    fn wakes(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>, waker: &Arc<WakeCount>) -> Poll<F::Output> {
    let task = Waker::from(Arc::clone(waker));
    future.poll(&mut Task::from_waker(&task))
}

/// The step after which a waiting future is dropped.
#[derive(Clone, Copy, Debug, PartialEq)]
enum DropAt {
    Made,
    Waiting,
    WaitingPolledAgain,
    Notified,
    Overtaken,
    Cancelled,
    Closed,
}

const STEPS: [DropAt; 7] = [
    DropAt::Made,
    DropAt::Waiting,
    DropAt::WaitingPolledAgain,
    DropAt::Notified,
    DropAt::Overtaken,
    DropAt::Cancelled,
    DropAt::Closed,
];

/// Drops one receiving future at `step`, beside a second one that waits behind it, and shows that
/// every item arrives.
fn drop_receive<'a, F: Future + 'a>(
    step: DropAt,
    make: impl FnOnce(&'a Receiver<u32>, &'a Context) -> F,
    (tx, rx): (&'a Sender<u32>, &'a Receiver<u32>),
    ctx: &'a Context,
) {
    let (waker, other_waker) = (Arc::<WakeCount>::default(), Arc::<WakeCount>::default());
    let mut future = Box::pin(make(rx, ctx));
    let guard = leak::Guard::new();
    let lasting = guard.context();
    let mut other = pin!(rx.recv_async(&lasting));
    let mut sent = 0..;
    let mut received = VecDeque::new();
    let mut send = || tx.try_send(sent.next().unwrap()).unwrap();
    if step != DropAt::Made {
        assert!(poll(future.as_mut(), &waker).is_pending());
        assert!(poll(other.as_mut(), &other_waker).is_pending());
    }
    match step {
        DropAt::Made | DropAt::Waiting => {}
        DropAt::WaitingPolledAgain => assert!(poll(future.as_mut(), &waker).is_pending()),
        DropAt::Notified => send(),
        DropAt::Overtaken => {
            send();
            assert_eq!(waker.wakes(), 1);
            received.push_back(rx.try_recv().unwrap());
            assert!(poll(future.as_mut(), &waker).is_pending());
            send();
            assert_eq!(waker.wakes(), 2, "it kept its place at the head of the line");
        }
        DropAt::Cancelled => {
            send();
            ctx.cancel("stop");
            assert!(poll(future.as_mut(), &waker).is_ready(), "cancellation comes first");
        }
        DropAt::Closed => {
            send();
            tx.close("over");
        }
    }
    drop(future);
    if matches!(step, DropAt::Made | DropAt::Waiting | DropAt::WaitingPolledAgain) {
        assert_eq!(other_waker.wakes(), 0);
        assert_eq!(tx.receiver_waits(), step != DropAt::Made);
        send();
    }
    if step != DropAt::Made {
        assert_eq!(other_waker.wakes(), 1, "{step:?}: the notification passed on");
    }
    match poll(other.as_mut(), &other_waker) {
        Poll::Ready(item) => received.push_back(item.unwrap()),
        Poll::Pending => panic!("{step:?}: the item was lost"),
    }
    assert!(rx.is_empty());
    assert_eq!(received, (0..sent.start).collect::<VecDeque<_>>(), "{step:?}");
}

#[test]
fn a_receive_dropped_at_any_step_takes_no_item_and_passes_its_wake_up_on() {
    for step in STEPS {
        let (tx, rx) = channel(4);
        drop_receive(step, |rx, ctx| rx.recv_async(ctx), (&tx, &rx), &leak::Guard::new().context());
    }
}

#[test]
fn a_timed_receive_dropped_at_any_step_takes_no_item_and_passes_its_wake_up_on() {
    for step in STEPS {
        let (tx, rx) = channel(4);
        let clock = Clock::manual();
        let guard = leak::Guard::with_clock(clock.clone());
        let ctx = guard.context();
        let hour = std::time::Duration::from_secs(3600);
        drop_receive(step, |rx, ctx| rx.recv_timeout_async(ctx, hour), (&tx, &rx), &ctx);
        assert_eq!(clock.sleepers(), 0, "the timer went with the future");
    }
}

#[test]
fn a_receive_of_many_dropped_at_any_step_takes_no_item_and_passes_its_wake_up_on() {
    for step in STEPS {
        let (tx, rx) = channel(4);
        let mut buffer = VecDeque::new();
        let guard = leak::Guard::new();
        let ctx = guard.context();
        drop_receive(step, |rx, ctx| rx.recv_many_async(ctx, &mut buffer, 1), (&tx, &rx), &ctx);
        assert!(buffer.is_empty());
    }
}

#[test]
fn a_stream_dropped_at_any_step_takes_no_item_and_passes_its_wake_up_on() {
    for step in STEPS {
        let (tx, rx) = channel(4);
        let next = |rx: &Receiver<u32>, ctx: &Context| {
            let mut stream = rx.stream(ctx);
            std::future::poll_fn(move |task| Pin::new(&mut stream).poll_next(task))
        };
        drop_receive(step, next, (&tx, &rx), &leak::Guard::new().context());
    }
}

/// Drops one sending future at `step`, beside a second one that waits behind it for the only place.
///
/// `left` is what the future left with its caller: it must be all that was to be sent.
fn drop_send<'a, F: Future + 'a>(
    step: DropAt,
    make: impl FnOnce(&'a Sender<u32>, &'a Context) -> F,
    (tx, rx): (&'a Sender<u32>, &'a Receiver<u32>),
    ctx: &'a Context,
) {
    let (waker, other_waker) = (Arc::<WakeCount>::default(), Arc::<WakeCount>::default());
    tx.try_send(0).unwrap();
    let mut future = Box::pin(make(tx, ctx));
    let guard = leak::Guard::new();
    let lasting = guard.context();
    let mut item = Some(1);
    let mut other = Box::pin(tx.send_async(&lasting, &mut item));
    if step != DropAt::Made {
        assert!(poll(future.as_mut(), &waker).is_pending());
        assert!(poll(other.as_mut(), &other_waker).is_pending());
    }
    let mut received = Vec::new();
    match step {
        DropAt::Made | DropAt::Waiting => {}
        DropAt::WaitingPolledAgain => assert!(poll(future.as_mut(), &waker).is_pending()),
        DropAt::Notified | DropAt::Cancelled | DropAt::Closed => {
            received.push(rx.try_recv().unwrap())
        }
        DropAt::Overtaken => {
            received.push(rx.try_recv().unwrap());
            assert_eq!(waker.wakes(), 1);
            tx.try_send(9).unwrap();
            assert!(poll(future.as_mut(), &waker).is_pending());
            received.push(rx.try_recv().unwrap());
            assert_eq!(waker.wakes(), 2, "it kept its place at the head of the line");
        }
    }
    if step == DropAt::Cancelled {
        ctx.cancel("stop");
        assert!(poll(future.as_mut(), &waker).is_ready());
    }
    if step == DropAt::Closed {
        tx.close("over");
        assert!(poll(future.as_mut(), &waker).is_ready());
    }
    drop(future);
    if matches!(step, DropAt::Made | DropAt::Waiting | DropAt::WaitingPolledAgain) {
        assert_eq!(other_waker.wakes(), 0);
        received.push(rx.try_recv().unwrap());
    }
    if step != DropAt::Made {
        assert_eq!(other_waker.wakes(), 1, "{step:?}: the notification passed on");
    }
    let outcome = poll(other.as_mut(), &other_waker);
    drop(other);
    received.extend(rx.drain());
    if step == DropAt::Closed {
        assert!(matches!(outcome, Poll::Ready(Err(_))));
        received.extend(item);
    } else {
        assert_eq!((outcome, item), (Poll::Ready(Ok(())), None));
    }
    let expected: &[u32] = if step == DropAt::Overtaken { &[0, 9, 1] } else { &[0, 1] };
    assert_eq!(received, expected, "{step:?}");
}

#[test]
fn a_send_dropped_at_any_step_leaves_its_item_and_passes_its_wake_up_on() {
    for step in STEPS {
        let (tx, rx) = channel(1);
        let mut item = Some(5);
        drop_send(
            step,
            |tx, ctx| tx.send_async(ctx, &mut item),
            (&tx, &rx),
            &leak::Guard::new().context(),
        );
        assert_eq!(item, Some(5), "{step:?}");
    }
}

#[test]
fn a_send_of_many_dropped_at_any_step_leaves_its_items_and_passes_its_wake_up_on() {
    for step in STEPS {
        let (tx, rx) = channel(1);
        let mut chunk = VecDeque::from([5, 6, 7]);
        drop_send(
            step,
            |tx, ctx| tx.send_all_async(ctx, &mut chunk),
            (&tx, &rx),
            &leak::Guard::new().context(),
        );
        assert_eq!(chunk, [5, 6, 7], "{step:?}");
    }
}

#[test]
fn a_reservation_dropped_at_any_step_takes_no_place_and_passes_its_wake_up_on() {
    for step in STEPS {
        let (tx, rx) = channel(1);
        drop_send(step, |tx, ctx| tx.reserve_async(ctx), (&tx, &rx), &leak::Guard::new().context());
    }
}

#[test]
fn a_chunk_that_is_dropped_half_way_keeps_exactly_what_was_not_sent() {
    let (tx, rx) = channel(2);
    let guard = leak::Guard::new();
    let ctx = guard.context();
    for polls in 1..=3 {
        let mut chunk = (0..5).collect::<VecDeque<_>>();
        let mut received = VecDeque::new();
        let mut future = Box::pin(tx.send_all_async(&ctx, &mut chunk));
        for _ in 0..polls {
            let _ = poll(future.as_mut(), &Arc::default());
            received.append(&mut rx.drain());
        }
        drop(future);
        assert_eq!(chunk.len(), 5_usize.saturating_sub(2 * polls));
        received.append(&mut chunk);
        assert_eq!(received, [0, 1, 2, 3, 4]);
    }
}

#[test]
fn waiters_are_woken_in_the_order_in_which_they_came_and_overtaken_ones_keep_their_places() {
    let (tx, rx) = channel(8);
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let wakers: Vec<_> = (0..4).map(|_| Arc::<WakeCount>::default()).collect();
    let mut waiters: Vec<_> = wakers.iter().map(|_| Box::pin(rx.recv_async(&ctx))).collect();
    for (waiter, waker) in waiters.iter_mut().zip(&wakers) {
        assert!(poll(waiter.as_mut(), waker).is_pending());
    }
    let wakes = || wakers.iter().map(|waker| waker.wakes()).collect::<Vec<_>>();
    tx.try_send(0).unwrap();
    tx.try_send(1).unwrap();
    assert_eq!(wakes(), [1, 1, 0, 0]);
    assert_eq!(rx.drain(), [0, 1]);
    for (waiter, waker) in waiters.iter_mut().zip(&wakers).take(2).rev() {
        assert!(poll(waiter.as_mut(), waker).is_pending());
    }
    tx.try_send(2).unwrap();
    assert_eq!(wakes(), [2, 1, 0, 0]);
    tx.try_send_all(&mut VecDeque::from([3, 4])).unwrap();
    assert_eq!(wakes(), [2, 2, 1, 0], "one item each for as many as wait");
    for (n, waiter) in (2..5).zip(&mut waiters) {
        assert_eq!(poll(waiter.as_mut(), &Arc::default()), Poll::Ready(Ok(n)));
    }
    assert!(tx.receiver_waits());
}

#[test]
fn a_chunk_wakes_no_more_receivers_than_can_use_it() {
    let (tx, rx) = channel(100);
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let wakers: Vec<_> = (0..3).map(|_| Arc::<WakeCount>::default()).collect();
    let mut buffers = vec![VecDeque::new(); 3];
    let mut waiters: Vec<_> =
        buffers.iter_mut().map(|b| Box::pin(rx.recv_many_async(&ctx, b, 10))).collect();
    for (waiter, waker) in waiters.iter_mut().zip(&wakers) {
        assert!(poll(waiter.as_mut(), waker).is_pending());
    }
    tx.try_send_all(&mut (0..15).collect()).unwrap();
    assert_eq!(wakers.iter().map(|waker| waker.wakes()).collect::<Vec<_>>(), [1, 1, 0]);
    drop(waiters.remove(0));
    assert_eq!(wakers[2].wakes(), 1, "the one that left passed its share on");
    for waiter in &mut waiters {
        assert!(poll(waiter.as_mut(), &Arc::default()).is_ready());
    }
    drop(waiters);
    assert_eq!(buffers.into_iter().flatten().collect::<Vec<_>>(), (0..15).collect::<Vec<_>>());
}

#[test]
fn a_future_that_moves_to_another_task_wakes_that_task() {
    let (tx, rx) = channel(1);
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let (before, after) = (Arc::<WakeCount>::default(), Arc::<WakeCount>::default());
    let mut future = pin!(rx.recv_async(&ctx));
    assert!(poll(future.as_mut(), &before).is_pending());
    assert!(poll(future.as_mut(), &after).is_pending());
    tx.try_send(1).unwrap();
    assert_eq!((before.wakes(), after.wakes()), (0, 1));
    assert_eq!(Arc::strong_count(&before), 1, "the replaced waker was dropped");
}

#[test]
fn at_capacity_one_nobody_is_polled_more_often_than_there_is_something_for_it() {
    const ITEMS: usize = 100;
    let (tx, rx) = channel(1);
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let wakers = [Arc::<WakeCount>::default(), Arc::<WakeCount>::default()];
    let mut sender = pin!(async {
        for n in 0..ITEMS {
            tx.send_async(&ctx, &mut Some(n)).await.unwrap();
        }
    });
    let mut receiver = pin!(async {
        for n in 0..ITEMS {
            assert_eq!(rx.recv_async(&ctx).await, Ok(n));
        }
    });
    // An executor that polls only who was woken; the first poll is free.
    let (mut heard, mut polls) = ([0; 2], 0);
    let mut running = [true; 2];
    while running != [false; 2] {
        let woken =
            [0, 1].map(|who| running[who] && (heard[who] < wakers[who].wakes() || polls < 2));
        assert_ne!(woken, [false; 2], "both wait: a wake-up was lost");
        for who in (0..2).filter(|&who| woken[who]) {
            heard[who] = wakers[who].wakes();
            polls += 1;
            running[who] = match who {
                0 => poll(sender.as_mut(), &wakers[0]).is_pending(),
                _ => poll(receiver.as_mut(), &wakers[1]).is_pending(),
            };
        }
    }
    assert!(polls <= 2 * ITEMS + 2, "{polls} polls");
}
