//! Channels between tasks, and between tasks and threads: one account over futures that are dropped
//! at random.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::task::Poll;

use futures_core::Stream;
use millstream::channel::{Receiver, Sender, channel};
use millstream::{Context, leak};
use proptest::prelude::*;
use tokio::runtime::Runtime;

use crate::channel_threads::threads;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

/// Drives a future for some polls, and drops it if it is not ready by then, to let others run.
async fn give_up_after<F: Future>(polls: u32, future: F) -> Option<F::Output> {
    let output = drive(polls, future).await;
    if output.is_none() {
        tokio::task::yield_now().await;
    }
    output
}

async fn drive<F: Future>(polls: u32, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|task| match future.as_mut().poll(task) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            task.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await
}

/// Sends `items`, giving up and beginning again all the time.
async fn send_impatiently(tx: Sender<u64>, ctx: Context, items: std::ops::Range<u64>) {
    let mut chunk = VecDeque::new();
    for n in items {
        let mut item = Some(n);
        match n % 3 {
            0 => {
                while give_up_after(n as u32 % 4, tx.send_async(&ctx, &mut item)).await.is_none() {}
            }
            1 => loop {
                if let Some(permit) = give_up_after(n as u32 % 4, tx.reserve_async(&ctx)).await {
                    break permit.unwrap().send(n).unwrap();
                }
            },
            _ => chunk.push_back(n),
        }
        if chunk.len() == 5 {
            while give_up_after(n as u32 % 4, tx.send_all_async(&ctx, &mut chunk)).await.is_none() {
            }
        }
    }
    tx.send_all_async(&ctx, &mut chunk).await.unwrap();
}

/// Receives until the end, giving up and beginning again all the time.
async fn receive_impatiently(rx: Receiver<u64>, ctx: Context) -> Vec<u64> {
    let (mut all, mut buffer) = (Vec::new(), VecDeque::new());
    for round in 0_u32.. {
        let open = match round % 2 {
            0 => match give_up_after(round % 3, rx.recv_async(&ctx)).await {
                Some(Ok(item)) => {
                    all.push(item);
                    true
                }
                taken => taken.is_none(),
            },
            _ => give_up_after(round % 3, rx.recv_many_async(&ctx, &mut buffer, 4))
                .await
                .is_none_or(|n| n.is_ok()),
        };
        all.extend(buffer.drain(..));
        if !open {
            break;
        }
        tokio::task::yield_now().await;
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn tasks_that_give_up_at_random_lose_and_double_nothing(
        capacity in 1..5_usize,
        senders in 1..4_u64,
        receivers in 1..4_usize,
        each in 0..200_u64,
    ) {
        let guard = leak::Guard::new();
        let ctx = guard.context();
        let (tx, rx) = channel(capacity);
        let mut all = runtime().block_on(async {
            let mut tasks = tokio::task::JoinSet::new();
            for n in 0..senders {
                tasks.spawn(send_impatiently(tx.clone(), ctx.clone(), n * each..(n + 1) * each));
            }
            drop(tx);
            let mut receiving = tokio::task::JoinSet::new();
            for _ in 0..receivers {
                receiving.spawn(receive_impatiently(rx.clone(), ctx.clone()));
            }
            tasks.join_all().await;
            receiving.join_all().await.concat()
        });
        all.sort_unstable();
        prop_assert!(all.into_iter().eq(0..senders * each));
    }
}

#[test]
fn threads_and_tasks_share_a_channel() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let (tx, rx) = channel(2);
    let received = Mutex::new(Vec::new());
    threads(|s| {
        for sender in 0..2 {
            let (tx, ctx) = (tx.clone(), &ctx);
            s.spawn(move || {
                for n in 0..500 {
                    tx.send(ctx, sender * 1_000 + n).unwrap();
                }
            });
        }
        s.spawn(|| rx.iter(&ctx).for_each(|item| received.lock().unwrap().push(item)));
        runtime().block_on(async {
            let mut items = rx.stream(&ctx);
            for n in 0..500 {
                tx.send_async(&ctx, &mut Some(2_000 + n)).await.unwrap();
                if n % 2 == 0
                    && let Some(item) = give_up_after(3, next(&mut items)).await
                {
                    received.lock().unwrap().extend(item);
                }
            }
        });
        drop(tx);
    });
    let mut received = received.into_inner().unwrap();
    received.sort_unstable();
    let expected = (0..3).flat_map(|sender| (0..500).map(move |n| sender * 1_000 + n));
    assert!(received.into_iter().eq(expected));
}

fn next<S: Stream + Unpin>(stream: &mut S) -> impl Future<Output = Option<S::Item>> {
    poll_fn(|task| Pin::new(&mut *stream).poll_next(task))
}
