//! Pipelines in tokio's world: whose timers futures find, streams as sources, runs awaited by
//! tasks.
#![expect(
    clippy::disallowed_methods,
    reason = "tokio's own timers and tasks are what the stages are tested with"
)]

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use futures_core::Stream;
use millstream::{CauseKind, Context, Pipeline, ScopeError, leak, on_thread};
use tokio::runtime::{Builder, Handle, RuntimeFlavor};

use crate::channel_threads::until;

const HOUR: Duration = Duration::from_secs(3600);

fn with_one_thread<R>(future: impl Future<Output = R>) -> R {
    Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Time stands still and jumps to the next timer when nothing else is to do.
fn with_virtual_time<R>(future: impl Future<Output = R>) -> R {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(future)
}

/// What a receiver of tokio yields.
struct Messages<T>(tokio::sync::mpsc::Receiver<T>);

impl<T> Stream for Messages<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<T>> {
        self.0.poll_recv(cx)
    }
}

/// A stream made of its poll function.
struct FromFn<F>(F);

impl<T, F: FnMut(&mut TaskContext<'_>) -> Poll<Option<T>> + Unpin> Stream for FromFn<F> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<T>> {
        (self.0)(cx)
    }
}

#[test]
fn timers_fire_on_a_private_runtime_when_there_is_none() {
    let napped = Pipeline::from_iter(0..100)
        .map_async(50, async |n| {
            // A timer that fires at all is what this is about.
            tokio::time::sleep(Duration::from_millis(1)).await;
            n
        })
        .collect(&Context::new())
        .unwrap();
    assert_eq!(napped, (0..100).collect::<Vec<_>>());
}

#[test]
fn timers_fire_although_the_run_blocks_the_only_thread_of_a_runtime() {
    let napped = with_one_thread(async {
        // A timer that fires at all is what this is about.
        Pipeline::from_iter(0..10)
            .map_async_unordered(5, async |_| tokio::time::sleep(Duration::from_millis(1)).await)
            .collect(&Context::new())
    });
    assert_eq!(napped.unwrap().len(), 10);
}

#[test]
fn a_run_within_a_runtime_of_many_threads_uses_that_one() {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let flavors = runtime.block_on(async {
        Pipeline::from_iter(0..3)
            .map_async(2, async |_| {
                tokio::task::yield_now().await;
                tokio::spawn(async { Handle::current().runtime_flavor() }).await.unwrap()
            })
            .collect(&Context::new())
    });
    assert_eq!(flavors.unwrap(), [const { RuntimeFlavor::MultiThread }; 3]);
}

#[test]
fn futures_of_a_run_that_a_task_awaits_live_in_the_virtual_time_of_its_runtime() {
    let (hours, passed) = with_virtual_time(async {
        let start = tokio::time::Instant::now();
        let ended = on_thread(&Context::new(), |ctx| {
            Pipeline::from_iter([3, 1, 2])
                .map_async(3, async |hours| {
                    // On the runtime's paused time.
                    tokio::time::sleep(HOUR * hours).await;
                    hours
                })
                .collect(ctx)
        })
        .await;
        (ended.unwrap(), start.elapsed())
    });
    assert_eq!(hours, [3, 1, 2]);
    assert!(passed >= 3 * HOUR);
}

#[test]
fn input_and_output_of_tokio_work_in_futures_and_as_a_source() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    with_one_thread(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut left = 20;
        let sockets = FromFn(move |cx: &mut TaskContext<'_>| {
            if left == 0 {
                return Poll::Ready(None);
            }
            listener.poll_accept(cx).map(|accepted| {
                left -= 1;
                Some(accepted.unwrap().0)
            })
        });
        let ctx = Context::new();
        let server = on_thread(&ctx, |ctx| {
            Pipeline::from_stream(sockets)
                .map_async_unordered(4, async |mut socket| {
                    let mut asked = [0];
                    socket.read_exact(&mut asked).await?;
                    socket.write_all(&[asked[0] * 2]).await
                })
                .try_map(|served| served)
                .for_each(ctx, drop)
        });
        let clients = on_thread(&ctx, move |ctx| {
            Pipeline::from_iter(0..20)
                .map_async(3, async |n: u8| {
                    let mut socket = tokio::net::TcpStream::connect(address).await?;
                    socket.write_all(&[n]).await?;
                    let mut answer = [0];
                    socket.read_exact(&mut answer).await?;
                    Ok(answer[0])
                })
                .try_map(|answer: std::io::Result<u8>| answer)
                .collect(ctx)
        });
        let (served, answers) = tokio::join!(server, clients);
        assert_eq!(answers.unwrap(), (0..20).map(|n| n * 2).collect::<Vec<u8>>());
        assert_eq!(served.unwrap().totals().left, 20);
    });
}

#[test]
fn a_stream_is_a_source_that_hands_on_what_is_ready() {
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    for n in 0..3 {
        sender.try_send(n).unwrap();
    }
    // The sender stays open: what is ready must get through without waiting for a fourth message.
    let ctx = Context::new();
    let stopped = Pipeline::from_stream(Messages(receiver)).thread().for_each(&ctx, |n| {
        if n == 2 {
            ctx.cancel("all have come");
        }
    });
    let error = stopped.unwrap_err();
    assert_eq!(error.cancelled().unwrap().reason(), "all have come");
    assert_eq!(error.report().stages[0].entered, 3);
    assert!(error.report().balances());
}

#[test]
fn a_stream_that_waits_is_polled_only_when_woken_and_not_after_its_end() {
    let polls = Arc::new(AtomicUsize::new(0));
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<u8>(1);
    let asked = Arc::clone(&polls);
    let stream = FromFn(move |cx: &mut TaskContext<'_>| {
        asked.fetch_add(1, SeqCst);
        receiver.poll_recv(cx)
    });
    let guard = leak::Guard::new();
    let ctx = guard.context();
    millstream::scope::<_, millstream::Error, _>(&ctx, |s| {
        let polls = &polls;
        s.spawn("sender", move |_| {
            until(|| polls.load(SeqCst) == 1);
            sender.blocking_send(1).unwrap();
            until(|| polls.load(SeqCst) >= 3);
            Ok(())
        });
        assert_eq!(Pipeline::from_stream(stream).collect(&ctx)?, [1]);
        Ok(())
    })
    .unwrap();
    // Nothing yet; the message; nothing more; the end; and one for a wake-up that came late.
    assert!(polls.load(SeqCst) <= 5, "{polls:?} polls");
}

#[test]
fn a_stream_that_waits_ends_with_the_run_or_by_until() {
    let guard = leak::Guard::new();
    let (_open, receiver) = tokio::sync::mpsc::channel::<u8>(1);
    let ctx = guard.context().child();
    let waits = ctx.clone();
    let stream = FromFn(move |_: &mut TaskContext<'_>| {
        waits.cancel("while it waits");
        Poll::<Option<u8>>::Pending
    });
    let error = Pipeline::from_stream(stream).collect(&ctx).unwrap_err();
    assert_eq!(error.cancelled().unwrap().reason(), "while it waits");
    drop((error, ctx));

    let drain = guard.context().child();
    drain.cancel("no more input");
    let taken =
        Pipeline::from_stream(Messages(receiver)).until(&drain).collect(&guard.context()).unwrap();
    assert!(taken.is_empty());
}

#[test]
fn a_panic_of_a_stream_is_one_of_the_source() {
    let stream =
        FromFn(|_: &mut TaskContext<'_>| -> Poll<Option<u8>> { panic!("the stream is at fault") });
    let error = Pipeline::from_stream(stream)
        .map_async(1, async |n| n)
        .collect(&Context::new())
        .unwrap_err();
    assert_eq!(error.stage(), Some("source"));
    assert_eq!(error.panic().unwrap().message(), "the stream is at fault");
}

#[test]
fn a_stream_of_timers_ticks_in_virtual_time() {
    let ticks = with_virtual_time(async {
        on_thread(&Context::new(), |ctx| {
            let mut interval = tokio::time::interval(HOUR);
            let mut left = 3;
            let stream = FromFn(move |cx: &mut TaskContext<'_>| {
                if left == 0 {
                    return Poll::Ready(None);
                }
                interval.poll_tick(cx).map(|_| {
                    left -= 1;
                    Some(left)
                })
            });
            Pipeline::from_stream(stream).thread().collect(ctx)
        })
        .await
    });
    assert_eq!(ticks.unwrap(), [2, 1, 0]);
}

#[test]
fn a_task_that_awaits_a_thread_lets_others_run() {
    let guard = leak::Guard::new();
    with_one_thread(async {
        let (sender, receiver) = mpsc::channel();
        let other =
            tokio::spawn(async move { sender.send("from a task of the same thread").unwrap() });
        let heard =
            on_thread::<_, mpsc::RecvError, _>(&guard.context(), move |_| receiver.recv()).await;
        assert_eq!(heard.unwrap(), "from a task of the same thread");
        // Not even a place on a list is left of the thread.
        assert!(guard.census().is_empty());
        other.await.unwrap();
    });
}

#[test]
fn a_future_of_a_thread_that_is_dropped_cancels_what_runs_there_and_leaves_nothing() {
    let guard = leak::Guard::new();
    let (sender, receiver) = mpsc::channel();
    with_one_thread(async {
        let (began, begin) = tokio::sync::oneshot::channel();
        let work = on_thread::<(), (), _>(&guard.context(), move |ctx| {
            began.send(()).unwrap();
            sender.send(ctx.wait()).unwrap();
            Ok(())
        });
        // Pinned out here, it is dropped after the look at what runs, not before it.
        let mut work = std::pin::pin!(work.named("endless"));
        tokio::select! {
            biased;
            _ = &mut work => unreachable!("it waits for its context"),
            _ = begin => assert_eq!(guard.census().tasks[0].name(), "endless"),
        }
    });
    assert_eq!(receiver.recv().unwrap().kind(), CauseKind::Dropped);
    until(|| guard.census().is_empty());
}

#[test]
fn what_a_thread_returns_to_nobody_is_dropped_there_and_may_panic() {
    struct Bomb(mpsc::Sender<Option<String>>);
    impl Drop for Bomb {
        fn drop(&mut self) {
            let name = std::thread::current().name().map(str::to_owned);
            self.0.send(name).unwrap();
            panic!("on purpose");
        }
    }
    let guard = leak::Guard::new();
    let (sender, receiver) = mpsc::channel();
    with_one_thread(async {
        let (began, begin) = tokio::sync::oneshot::channel();
        let work = on_thread::<_, (), _>(&guard.context(), move |ctx| {
            began.send(()).unwrap();
            ctx.wait();
            Ok(Bomb(sender))
        });
        tokio::select! {
            biased;
            _ = work => unreachable!("it waits for its context"),
            _ = begin => {}
        }
    });
    assert_eq!(receiver.recv().unwrap().as_deref(), Some("on_thread"));
    until(|| guard.census().is_empty());
}

#[test]
fn a_thread_that_nobody_polled_never_starts() {
    let guard = leak::Guard::new();
    let (sender, receiver) = mpsc::channel();
    drop(on_thread::<_, (), _>(&guard.context(), move |_| Ok(sender.send(()))));
    assert!(receiver.recv().is_err(), "the closure was dropped unrun");
}

#[test]
fn a_panic_and_an_error_come_back_as_values_with_the_name() {
    with_one_thread(async {
        let ctx = Context::new();
        let panicked =
            on_thread::<(), (), _>(&ctx, |_| panic!("on purpose")).named("work").await.unwrap_err();
        let ScopeError::Panicked(panic) = panicked else { panic!("{panicked:?}") };
        assert_eq!((panic.task(), panic.message()), ("work", "on purpose"));
        assert!(panic.location().unwrap().contains("pipeline_tokio.rs"));

        ctx.cancel("too late");
        let cut = on_thread(&ctx, |ctx| Pipeline::from_iter(0..3).collect(ctx)).await.unwrap_err();
        assert_eq!(cut.cause().unwrap().reason(), "too late");
        let ScopeError::Failed { error, .. } = cut else { panic!("{cut:?}") };
        assert_eq!(error.cancelled().unwrap().reason(), "too late");
        assert_eq!(
            on_thread::<_, (), _>(&ctx, |_| Ok("done all the same")).await.unwrap(),
            "done all the same"
        );
    });
}

#[test]
fn a_run_that_its_task_gives_up_drops_its_futures() {
    struct Dropped(Arc<AtomicUsize>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_sub(1, SeqCst);
        }
    }
    let guard = leak::Guard::new();
    let inside = Arc::new(AtomicUsize::new(0));
    let waits = Arc::clone(&inside);
    with_virtual_time(async {
        let work = on_thread(&guard.context(), move |ctx| {
            Pipeline::from_iter(0..)
                .map_async(8, async |n: u64| {
                    waits.fetch_add(1, SeqCst);
                    let _inside = Dropped(Arc::clone(&waits));
                    // On the runtime's paused time.
                    tokio::time::sleep(1000 * HOUR).await;
                    n
                })
                .collect(ctx)
        });
        assert!(tokio::time::timeout(HOUR, work).await.is_err());
    });
    until(|| guard.census().is_empty());
    assert_eq!(inside.load(SeqCst), 0);
}
