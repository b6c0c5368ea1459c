//! Ends for tasks: they await what a thread does, hold up no runtime, and cancel the run when they
//! are dropped.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Waker;

use futures_core::Stream;
use millstream::channel::Sender;
use millstream::{Batch, Cause, CauseKind, Context, Error, Pipeline, Sink, channel, leak};

use crate::support::poll;

/// A runtime of one thread, which nothing may hold up.
fn on_one_thread<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    poll_fn(|task| Pin::new(&mut *stream).poll_next(task)).await
}

/// Sends some numbers from the task that calls it, which lets others run after each.
async fn send(ctx: &Context, tx: Sender<u64>, numbers: std::ops::Range<u64>) {
    for n in numbers {
        tx.send_async(ctx, &mut Some(n)).await.unwrap();
        tokio::task::yield_now().await;
    }
}

#[test]
fn every_end_for_tasks_lets_the_other_tasks_of_the_only_thread_run() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    on_one_thread(async {
        let open = || {
            let (tx, rx) = channel(2);
            (send(&ctx, tx, 0..100), Pipeline::from_stream(rx.stream(&ctx)).filter(|n| n % 2 == 0))
        };
        let expected: Vec<u64> = (0..100).step_by(2).collect();

        let (sends, even) = open();
        let (all, ()) = tokio::join!(even.collect_async(&ctx), sends);
        assert_eq!(all.unwrap(), expected);

        let (sends, even) = open();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&seen);
        let (report, ()) =
            tokio::join!(even.for_each_async(&ctx, move |n| keep.lock().unwrap().push(n)), sends);
        assert!(report.unwrap().balances());
        assert_eq!(*seen.lock().unwrap(), expected);

        let (sends, even) = open();
        let (sum, ()) = tokio::join!(even.fold_async(&ctx, 0, |sum, n| sum + n), sends);
        assert_eq!(sum.unwrap(), expected.iter().sum::<u64>());

        let (sends, even) = open();
        let closed = Arc::new(AtomicBool::new(false));
        let (report, ()) = tokio::join!(
            even.batch(Batch::of(7)).run_async(&ctx, Closes(Arc::clone(&closed))),
            sends
        );
        assert_eq!(report.unwrap().totals().left, 50);
        assert!(closed.load(Ordering::SeqCst));

        let (sends, even) = open();
        let mut stream = even.into_stream(&ctx);
        let all = async {
            let mut all = Vec::new();
            while let Some(item) = next(&mut stream).await {
                all.push(item.unwrap());
            }
            all
        };
        let (all, ()) = tokio::join!(all, sends);
        assert_eq!(all, expected);
        assert_eq!(stream.report().unwrap().totals().left, 50);
        assert!(next(&mut stream).await.is_none(), "it stays at its end");
    });
    drop(ctx);
    guard.finish().unwrap();
}

struct Closes(Arc<AtomicBool>);

impl<T> Sink<T> for Closes {
    type Error = String;

    fn write(&mut self, _: T) -> Result<(), String> {
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        self.0.store(true, Ordering::SeqCst);
        Ok(())
    }
}

#[test]
fn async_stages_behind_an_end_for_tasks_use_the_runtime_that_awaits_it() {
    let squares = on_one_thread(async {
        let yields = async |n: u64| {
            tokio::task::yield_now().await;
            #[expect(
                clippy::disallowed_methods,
                reason = "that the runtime is entered is the point"
            )]
            tokio::spawn(async move { n * n }).await.unwrap()
        };
        Pipeline::from_iter(0..20).map_async(5, yields).collect_async(&Context::new()).await
    });
    assert_eq!(squares.unwrap(), (0..20).map(|n| n * n).collect::<Vec<_>>());
}

#[test]
fn a_run_whose_future_is_dropped_is_cancelled_and_its_thread_ends() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let (started, starts) = channel(1);
    let (ended, ends) = channel(1);
    let own = ctx.clone();
    let endless = Pipeline::from_iter(0_u64..).inspect(move |_| drop(started.try_send(())));
    let mut run = Box::pin(async move {
        struct Notifies(Sender<()>);
        impl Drop for Notifies {
            fn drop(&mut self) {
                let _ = self.0.try_send(());
            }
        }
        let notifies = Notifies(ended);
        endless
            .for_each_async(&own, move |_| {
                let _keep = &notifies;
            })
            .await
    });
    assert!(poll(&mut run, Waker::noop()).is_pending());
    starts.recv(&ctx).unwrap();
    drop(run);
    ends.recv(&ctx).unwrap();
    drop(ctx);
    guard.finish().unwrap();
}

#[test]
fn a_stream_that_is_dropped_cancels_its_run_also_while_that_waits_for_room() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let (tx, rx) = channel::<()>(1);
    let endless = Pipeline::from_iter(0_u64..).map(move |n| (n, tx.len()));
    let mut stream = endless.into_stream(&ctx);
    let first = on_one_thread(next(&mut stream)).unwrap().unwrap();
    assert_eq!(first, (0, 0));
    drop(stream);
    // The closure goes with the run, and with it the last sender.
    assert_eq!(rx.recv(&ctx).unwrap_err().cause().kind(), CauseKind::Finished);
    drop(ctx);
    guard.finish().unwrap();
}

#[test]
fn a_streams_error_comes_behind_the_items_before_it_and_is_the_last() {
    on_one_thread(async {
        let ctx = Context::new();
        let mut stream = Pipeline::from_iter(0..1_000)
            .try_map(|n| if n < 700 { Ok(n) } else { Err("700") })
            .into_stream(&ctx);
        for n in 0..700 {
            assert_eq!(next(&mut stream).await.unwrap().unwrap(), n);
        }
        let error: Error = next(&mut stream).await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), "stage \"try_map\" failed: 700");
        assert!(error.report().balances());
        assert!(next(&mut stream).await.is_none());
        assert!(stream.report().is_none());
    });
}

#[test]
fn a_cancelled_stream_ends_with_the_cause() {
    on_one_thread(async {
        let ctx = Context::new();
        let mut stream = Pipeline::from_iter(0_u64..).into_stream(&ctx);
        assert_eq!(next(&mut stream).await.unwrap().unwrap(), 0);
        ctx.cancel("enough");
        let error = loop {
            if let Err(error) = next(&mut stream).await.unwrap() {
                break error;
            }
        };
        assert_eq!(error.cancelled().map(Cause::reason), Some("enough"));
        assert!(next(&mut stream).await.is_none());
    });
}

#[test]
fn a_task_that_is_not_polled_starts_nothing() {
    let ctx = Context::new();
    drop(
        Pipeline::from_iter([1]).inspect(|_| unreachable!("nobody polled it")).collect_async(&ctx),
    );
    drop(Pipeline::from_iter([1]).inspect(|_| unreachable!("nobody polled it")).into_stream(&ctx));
}

#[test]
fn a_stream_that_would_hold_up_the_only_thread_of_a_runtime_says_which_end_to_take() {
    for on_another_thread in [false, true] {
        let error = on_one_thread(async move {
            let ctx = Context::new();
            let (tx, rx) = channel::<u64>(1);
            let items = Pipeline::from_stream(rx.stream(&ctx));
            let blocked =
                if on_another_thread { items.thread().collect(&ctx) } else { items.collect(&ctx) };
            drop(tx);
            blocked.unwrap_err()
        });
        assert_eq!(error.stage(), Some("source"));
        assert!(error.panic().unwrap().message().contains("collect_async"), "{error}");
    }
}

#[test]
fn a_stream_may_wait_beside_a_runtime_of_one_thread_and_is_no_problem_when_it_is_ready() {
    on_one_thread(async {
        let ctx = Context::new();
        let (tx, rx) = channel(3);
        tx.try_send(1).unwrap();
        drop(tx);
        assert_eq!(
            Pipeline::from_stream(rx.stream(&ctx)).collect(&ctx).unwrap(),
            [1],
            "it need not wait"
        );

        let (tx, rx) = channel(1);
        let own = ctx.clone();
        #[expect(
            clippy::disallowed_methods,
            reason = "a thread that tokio lets block is the point"
        )]
        let waits = tokio::task::spawn_blocking(move || {
            Pipeline::from_stream(rx.stream(&own)).collect(&own)
        });
        send(&ctx, tx, 0..9).await;
        assert_eq!(waits.await.unwrap().unwrap(), (0..9).collect::<Vec<_>>());
    });
}
