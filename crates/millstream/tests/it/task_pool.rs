//! Task pools: the promises of pools of threads, kept for futures, and what a dropped pool does.
//!
//! Time is tokio's, paused, or a clock of the test's own.

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use millstream::pool::{JobError, SubmitError, TrySubmitError};
use millstream::{Cause, Clock, Context, TaskPool, leak};
use tokio::task::yield_now;

use crate::support::{Count, poll};

/// Lets others run until something is so.
async fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        yield_now().await;
    }
}

/// A job that ends when `door` is cancelled.
fn gate(door: &Context) -> impl Future<Output = Result<u32, Infallible>> + Send + 'static {
    let door = door.clone();
    async move {
        door.cancelled().await;
        Ok(0)
    }
}

#[tokio::test]
async fn every_job_has_its_own_result_error_or_panic() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let pool = TaskPool::builder(7).named("mill").build(&ctx);
    let mut jobs = Vec::new();
    for n in 0..300_u32 {
        let job = async move {
            yield_now().await;
            match n % 3 {
                0 => Ok(n),
                1 => Err(n),
                _ => panic!("job {n}"),
            }
        };
        jobs.push(pool.submit(&ctx, job).await.unwrap());
    }
    for (n, job) in (0..).zip(jobs) {
        match (n % 3, job.await) {
            (0, Ok(value)) => assert_eq!(value, n),
            (1, Err(JobError::Failed(error))) => assert_eq!(error, n),
            (2, Err(JobError::Panicked(panic))) => {
                assert_eq!((panic.task(), panic.message()), ("mill", format!("job {n}").as_str()));
                assert!(panic.location().unwrap().contains("task_pool.rs:"));
            }
            (_, other) => panic!("job {n}: {other:?}"),
        }
    }
    let stats = pool.stats();
    assert_eq!((stats.submitted, stats.done, stats.failed, stats.panicked), (300, 100, 100, 100));
    assert!(stats.run_p50.is_some() && stats.wait_p99.is_some());
    pool.drain(&ctx).await.unwrap();
    assert_eq!(pool.stats().workers, 0, "the drivers end with the jobs of a closed pool");
}

#[tokio::test]
async fn a_submission_that_waits_can_be_cancelled_and_gives_the_future_back() {
    let ctx = Context::new();
    let pool = TaskPool::builder(1).queue(0).build(&ctx);
    let door = Context::new();
    let busy = pool.submit(&ctx, gate(&door)).await.unwrap();
    let waits = ctx.child();
    let (refused, ()) =
        tokio::join!(pool.submit(&waits, async { Ok::<_, Infallible>(7) }), async {
            yield_now().await;
            waits.cancel("too long");
        });
    let refused = refused.unwrap_err();
    assert_eq!(refused.cause().unwrap().reason(), "too long");
    assert!(matches!(refused, SubmitError::Cancelled(..)));
    assert_eq!(refused.into_job().await, Ok(7));
    door.cancel("open");
    busy.await.unwrap();
    assert_eq!(pool.stats().submitted, 1);
}

#[tokio::test]
async fn a_submission_that_is_dropped_while_it_waits_passes_its_room_on() {
    let ctx = Context::new();
    let pool = TaskPool::builder(1).queue(0).build(&ctx);
    let door = Context::new();
    let busy = pool.submit(&ctx, gate(&door)).await.unwrap();
    {
        let mut first = Box::pin(pool.submit(&ctx, async { Ok::<_, Infallible>(1) }));
        let mut second = Box::pin(pool.submit(&ctx, async { Ok::<_, Infallible>(2) }));
        poll_fn(|task| {
            assert!(
                first.as_mut().poll(task).is_pending() && second.as_mut().poll(task).is_pending()
            );
            Poll::Ready(())
        })
        .await;
        door.cancel("open");
        busy.await.unwrap();
        // Notified, and dropped before it is polled.
        drop(first);
        assert_eq!(second.await.unwrap().await.unwrap(), 2);
    }
    assert_eq!(pool.stats().submitted, 2);
}

#[tokio::test]
async fn full_is_distinguished_from_closed_and_both_give_the_future_back() {
    let ctx = Context::new();
    let pool = TaskPool::builder(1).queue(1).build(&ctx);
    let door = Context::new();
    let busy = pool.try_submit(gate(&door)).unwrap();
    let waits = pool.try_submit(async { Ok::<_, Infallible>(1) }).unwrap();
    let full = pool.try_submit(async { Ok::<_, Infallible>(2) }).unwrap_err();
    assert!(full.is_full());
    assert_eq!(full.into_job().await, Ok(2));
    pool.close();
    let closed = pool.try_submit(async { Ok::<_, Infallible>(3) }).unwrap_err();
    assert!(matches!(&closed, TrySubmitError::Closed(_, cause) if *cause == Cause::finished()));
    assert_eq!(closed.into_job().await, Ok(3));
    door.cancel("open");
    busy.await.unwrap();
    assert_eq!(waits.await.unwrap(), 1, "what was taken before the close is run");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn never_more_run_than_the_limit_says_whichever_task_submits() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let pool = Arc::new(TaskPool::builder(5).queue(3).build(&ctx));
    let running = Arc::new(AtomicUsize::new(0));
    millstream::task_scope::<_, (), _>(&ctx, async |s| {
        for n in 0..4 {
            let (pool, running, ctx) = (Arc::clone(&pool), Arc::clone(&running), ctx.clone());
            s.spawn(format!("submitter {n}"), async move {
                for _ in 0..500 {
                    let running = Arc::clone(&running);
                    let job = async move {
                        assert!(running.fetch_add(1, Ordering::SeqCst) < 5);
                        yield_now().await;
                        running.fetch_sub(1, Ordering::SeqCst);
                        Ok::<_, Infallible>(())
                    };
                    drop(pool.submit(&ctx, job).await.unwrap());
                }
                Ok(())
            });
        }
        Ok(())
    })
    .await
    .unwrap();
    pool.drain(&ctx).await.unwrap();
    let stats = pool.stats();
    assert_eq!((stats.done, stats.panicked), (2_000, 0));
    assert!(stats.balances() && stats.most_waiting <= 8, "{stats:?}");
}

#[tokio::test(start_paused = true)]
async fn a_million_jobs_sleep_fifty_thousand_at_a_time() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let pool = TaskPool::new(&ctx, 50_000);
    let started = tokio::time::Instant::now();
    let (alive, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    for _ in 0..1_000_000 {
        let held = Held::new(&alive, &most);
        let job = async move {
            #[expect(
                clippy::disallowed_methods,
                reason = "on tokio's paused time, which the test is about"
            )]
            tokio::time::sleep(Duration::from_millis(10)).await;
            drop(held);
            Ok::<_, Infallible>(())
        };
        drop(pool.submit(&ctx, job).await.unwrap());
    }
    pool.drain(&ctx).await.unwrap();
    assert_eq!((pool.stats().done, alive.load(Ordering::SeqCst)), (1_000_000, 0));
    assert!(
        most.load(Ordering::SeqCst) <= 51_025,
        "the running, the waiting and the one that is being submitted"
    );
    let took = started.elapsed();
    assert!(
        (200..400).contains(&took.as_millis()),
        "20 rounds of 10 ms of paused time, to a tick each: {took:?}"
    );
}

/// Counts how many of it there are.
struct Held(Arc<AtomicUsize>);

impl Held {
    fn new(alive: &Arc<AtomicUsize>, most: &AtomicUsize) -> Self {
        most.fetch_max(alive.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        Self(Arc::clone(alive))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn results_of_jobs_whose_handles_are_gone_are_dropped_at_once() {
    let ctx = Context::new();
    let pool = TaskPool::new(&ctx, 4);
    let (alive, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    for _ in 0..10_000 {
        let (alive, most) = (Arc::clone(&alive), Arc::clone(&most));
        drop(
            pool.submit(&ctx, async move { Ok::<_, Infallible>(Held::new(&alive, &most)) })
                .await
                .unwrap(),
        );
    }
    pool.wait(&ctx).await.unwrap();
    assert_eq!((alive.load(Ordering::SeqCst), most.load(Ordering::SeqCst)), (0, 1));
}

#[tokio::test]
async fn a_group_is_waited_for_and_cancelled_by_itself() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let pool = TaskPool::new(&ctx, 2);
    let door = Context::new();
    let other = pool.submit(&ctx, gate(&door)).await.unwrap();
    let group = pool.group(&ctx);
    let own = group.context().clone();
    let runs =
        group.submit(&ctx, async move { Err::<(), _>(own.cancelled().await) }).await.unwrap();
    let waits = group.submit(&ctx, gate(&door)).await.unwrap();
    until(|| pool.stats().running == 2).await;
    group.cancel("enough");
    assert_eq!(runs.await.unwrap_err().into_failed().unwrap().reason(), "enough");
    assert!(waits.await.unwrap_err().is_cancelled());
    group.wait(&ctx).await.unwrap();
    assert!(group.submit(&ctx, gate(&door)).await.is_err());
    assert!(!other.is_finished(), "it belongs to nobody who was cancelled");
    door.cancel("open");
    other.await.unwrap();
    let stats = pool.stats();
    assert_eq!((stats.failed, stats.cancelled, stats.done), (1, 1, 1));
    assert!(stats.balances());
    pool.drain(&ctx).await.unwrap();
}

#[tokio::test]
async fn a_sub_pool_at_its_limit_lets_others_pass_and_its_own_line_has_a_bound() {
    let ctx = Context::new();
    let pool = TaskPool::builder(3).queue(2).build(&ctx);
    let narrow = pool.sub_pool(&ctx, 1);
    let door = Context::new();
    let first = narrow.try_submit(gate(&door)).unwrap();
    let held: Vec<_> = (0..2).map(|_| narrow.try_submit(gate(&door)).unwrap()).collect();
    assert!(narrow.try_submit(gate(&door)).unwrap_err().is_full());
    assert_eq!(
        pool.submit(&ctx, async { Ok::<_, Infallible>(9) }).await.unwrap().await.unwrap(),
        9
    );
    // A waiter for room in the group is not asked again and again: it is woken when there is
    // some, or the end.
    let mut late = Box::pin(narrow.submit(&ctx, gate(&door)));
    let (count, waker) = Count::new();
    assert!(poll(&mut late, &waker).is_pending());
    for _ in 0..100 {
        yield_now().await;
    }
    assert_eq!(count.get(), 0);
    door.cancel("open");
    assert_eq!(late.await.unwrap().await.unwrap(), 0);
    first.await.unwrap();
    for job in held {
        job.await.unwrap();
    }
}

#[tokio::test]
async fn a_submission_that_waits_for_a_group_hears_of_the_groups_end_and_of_the_pools() {
    let ctx = Context::new();
    let pool = TaskPool::builder(3).queue(1).build(&ctx);
    let door = Context::new();
    for by_pool in [false, true] {
        let narrow = pool.sub_pool(&ctx, 1);
        let kept =
            (narrow.try_submit(gate(&door)).unwrap(), narrow.try_submit(gate(&door)).unwrap());
        let (refused, ()) = tokio::join!(narrow.submit(&ctx, gate(&door)), async {
            yield_now().await;
            if by_pool { pool.close() } else { narrow.cancel("enough") }
        });
        assert!(matches!(refused, Err(SubmitError::Closed(..))));
        drop(kept);
    }
    door.cancel("open");
    pool.drain(&ctx).await.unwrap();
}

#[tokio::test]
async fn a_drain_whose_time_has_passed_reports_what_it_left_and_the_drop_ends_it() {
    let clock = Clock::manual();
    let guard = leak::Guard::with_clock(clock.clone());
    let ctx = guard.context();
    let pool = TaskPool::new(&ctx, 1);
    let held = Arc::new(());
    let mine = Arc::clone(&held);
    let runs = pool
        .submit(&ctx, async move {
            pending::<()>().await;
            drop(mine);
            Ok::<_, Infallible>(())
        })
        .await
        .unwrap();
    let waits = pool.submit(&ctx, async { Ok::<_, Infallible>(()) }).await.unwrap();
    until(|| pool.stats().running == 1).await;
    let soon = ctx.with_timeout(Duration::from_secs(30));
    let (left, ()) = tokio::join!(pool.drain(&soon), async {
        yield_now().await;
        clock.advance(Duration::from_secs(30));
    });
    let left = left.unwrap_err();
    assert_eq!((left.cancelled, left.running), (1, 1));
    assert!(waits.await.unwrap_err().is_cancelled());
    assert!(!runs.is_finished(), "an abort asks");
    drop(pool);
    assert!(runs.await.unwrap_err().is_cancelled());
    assert_eq!(Arc::strong_count(&held), 1);
    drop(soon);
    until(|| guard.census().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_that_is_dropped_leaves_no_job_and_no_driver_and_every_handle_ends() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let (alive, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    for _ in 0..50 {
        let pool = TaskPool::new(&ctx, 20);
        let mut jobs = Vec::new();
        for _ in 0..40 {
            let held = Held::new(&alive, &most);
            jobs.push(
                pool.submit(&ctx, async move {
                    let _held = held;
                    pending::<Result<(), Infallible>>().await
                })
                .await
                .unwrap(),
            );
        }
        let group = pool.group(&ctx);
        drop(pool);
        for job in jobs {
            assert!(job.await.unwrap_err().is_cancelled());
        }
        assert!(group.submit(&ctx, async { Ok::<_, Infallible>(()) }).await.is_err());
        group.wait(&ctx).await.unwrap();
    }
    until(|| alive.load(Ordering::SeqCst) == 0 && guard.census().tasks.is_empty()).await;
}

#[test]
fn a_runtime_that_ends_leaves_no_handle_waiting() {
    let ctx = Context::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let (pool, runs, waits) = runtime.block_on(async {
        let pool = TaskPool::new(&ctx, 1);
        let runs = pool.submit(&ctx, pending::<Result<(), Infallible>>()).await.unwrap();
        let waits = pool.submit(&ctx, pending::<Result<(), Infallible>>()).await.unwrap();
        until(|| pool.stats().running == 1).await;
        (pool, runs, waits)
    });
    drop(runtime);
    assert!(runs.join().unwrap_err().is_cancelled());
    assert!(waits.join().unwrap_err().is_cancelled());
    assert!(pool.try_submit(async { Ok::<_, Infallible>(()) }).is_err());
    assert!(pool.stats().balances());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wake_up_from_another_thread_reaches_its_job() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let pool = TaskPool::new(&ctx, 100);
    let (sender, receiver) = millstream::channel(1);
    let jobs: Vec<_> = (0..100)
        .map(|_| {
            let (receiver, ctx) = (receiver.clone(), ctx.clone());
            pool.try_submit(async move { receiver.recv_async(&ctx).await }).unwrap()
        })
        .collect();
    millstream::on_thread(&ctx, move |ctx| {
        (0..100_u32).for_each(|n| sender.send(ctx, n).unwrap());
        Ok::<_, Infallible>(())
    })
    .await
    .unwrap();
    let mut sum = 0;
    for job in jobs {
        sum += job.await.unwrap();
    }
    assert_eq!(sum, 4_950);
    drop(receiver);
    pool.drain(&ctx).await.unwrap();
}

#[tokio::test]
async fn map_keeps_the_order_reads_no_further_than_its_window_and_leaves_the_rest() {
    let ctx = Context::new();
    let pool = TaskPool::new(&ctx, 4);
    let mut items = 0..1_000_u32;
    let stop = ctx.child();
    let mut map = pool.try_map(&stop, items.by_ref(), async |n| {
        for _ in 0..(7 * n) % 5 {
            yield_now().await;
        }
        if n == 5 {
            panic!("five")
        }
        if n % 2 == 0 { Ok(n) } else { Err(n) }
    });
    for n in 0..10 {
        match map.next().await.unwrap() {
            Ok(even) => assert_eq!(even, n),
            Err(JobError::Failed(odd)) => assert_eq!(odd, n),
            Err(JobError::Panicked(panic)) => assert_eq!((panic.message(), n), ("five", 5)),
            Err(other) => panic!("{other}"),
        }
    }
    stop.cancel("enough");
    let mut rest = 0;
    while let Some(result) = map.next().await {
        rest += 1;
        assert!(result.is_ok() || rest <= 4);
    }
    assert!(rest <= 4, "{rest}");
    drop(map);
    assert_eq!(items.next(), Some(10 + rest));
}

#[tokio::test]
async fn map_waits_for_room_that_others_hold() {
    let ctx = Context::new();
    let pool = TaskPool::builder(1).queue(0).build(&ctx);
    let door = Context::new();
    let busy = pool.submit(&ctx, gate(&door)).await.unwrap();
    let mut map = pool.try_map(&ctx, 0..3, async |n| Ok::<_, Infallible>(n));
    let (first, ()) = tokio::join!(map.next(), async {
        yield_now().await;
        door.cancel("open");
    });
    assert_eq!(first.unwrap().unwrap(), 0);
    assert_eq!((map.next().await.unwrap().unwrap(), map.next().await.unwrap().unwrap()), (1, 2));
    assert!(map.next().await.is_none());
    busy.await.unwrap();
}

#[tokio::test]
async fn a_job_that_submits_to_its_own_full_pool_is_refused_and_one_that_waits_for_it_too() {
    let ctx = Context::new();
    let pool = Arc::new(TaskPool::builder(1).queue(0).build(&ctx));
    let (again, there) = (Arc::clone(&pool), ctx.clone());
    let outer = pool
        .submit(&ctx, async move {
            let inner = again.submit(&there, async { Ok::<_, Infallible>(()) }).await;
            let mut map = again.map(&there, [1], async |n| Ok::<_, Infallible>(n));
            let mapped = map.next().await;
            Ok::<_, Infallible>((
                matches!(inner, Err(SubmitError::Nested(_))),
                mapped.is_some_and(|result| result.is_err_and(|error| error.is_cancelled())),
                again.wait(&there).await.is_err(),
            ))
        })
        .await
        .unwrap();
    assert_eq!(outer.await.unwrap(), (true, true, true));
}

#[tokio::test]
async fn a_job_is_cancelled_by_its_handle_only_before_it_begins() {
    let ctx = Context::new();
    let pool = TaskPool::new(&ctx, 1);
    let door = Context::new();
    let first = pool.submit(&ctx, gate(&door)).await.unwrap();
    let second = pool.submit(&ctx, gate(&door)).await.unwrap();
    until(|| pool.stats().running == 1).await;
    assert!(second.cancel("not needed") && !first.cancel("too late"));
    door.cancel("open");
    first.await.unwrap();
    assert!(second.await.unwrap_err().is_cancelled());
    pool.wait(&ctx).await.unwrap();
    let stats = pool.stats();
    assert!(stats.balances() && stats.cancelled == 1, "{stats:?}");
}

#[tokio::test]
async fn a_destructor_that_panics_harms_no_other_job() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let pool = TaskPool::new(&ctx, 3);
    // In the future's own state, in its result that nobody takes, and in a future that is dropped
    // with the pool.
    let bomb = Bomb;
    let held = async move {
        let _bomb = &bomb;
        Ok::<_, Infallible>(())
    };
    assert!(pool.submit(&ctx, held).await.unwrap().await.unwrap_err().is_panicked());
    drop(pool.submit(&ctx, async { Ok::<_, Infallible>(Bomb) }).await.unwrap());
    let lasting = async {
        let _bomb = Bomb;
        pending::<Result<(), Infallible>>().await
    };
    let left = pool.submit(&ctx, lasting).await.unwrap();
    until(|| pool.stats().running == 1).await;
    assert_eq!(
        pool.submit(&ctx, async { Ok::<_, Infallible>(1) }).await.unwrap().await.unwrap(),
        1
    );
    drop(pool);
    assert!(left.await.unwrap_err().is_cancelled());
    until(|| guard.census().is_empty()).await;
}

#[tokio::test]
async fn weights_share_places_and_a_resize_lets_more_run() {
    let ctx = Context::new();
    let pool = TaskPool::builder(10).permits(10).build(&ctx);
    let door = Context::new();
    let heavy = pool.with_permits(7);
    let jobs = [heavy.try_submit(gate(&door)).unwrap(), heavy.try_submit(gate(&door)).unwrap()];
    until(|| pool.stats().running == 1).await;
    assert_eq!(pool.stats().waiting, 1);
    pool.resize(1);
    door.cancel("open");
    for job in jobs {
        job.await.unwrap();
    }
    let shut = Context::new();
    let jobs: Vec<_> = (0..5).map(|_| pool.try_submit(gate(&shut)).unwrap()).collect();
    until(|| pool.stats().running == 1).await;
    pool.resize(3);
    until(|| pool.stats().running == 3).await;
    shut.cancel("open");
    for job in jobs {
        job.await.unwrap();
    }
}

#[tokio::test]
async fn jobs_that_are_always_ready_to_go_on_do_not_starve_the_runtime() {
    let ctx = Context::new();
    let pool = TaskPool::new(&ctx, 1_000);
    let stop = Context::new();
    let jobs: Vec<_> = (0..1_000)
        .map(|_| {
            let stop = stop.clone();
            let job = poll_fn(move |task| {
                task.waker().wake_by_ref();
                if stop.is_cancelled() {
                    Poll::Ready(Ok::<_, Infallible>(()))
                } else {
                    Poll::Pending
                }
            });
            pool.try_submit(job).unwrap()
        })
        .collect();
    // The only thread of the runtime is shared with the driver.
    for _ in 0..100 {
        yield_now().await;
    }
    stop.cancel("seen");
    for job in jobs {
        job.await.unwrap();
    }
}

#[tokio::test]
async fn futures_return_plain_values_and_results_come_as_they_finish() {
    let ctx = Context::new();
    let pool = TaskPool::new(&ctx, 10);
    assert_eq!(pool.spawn(&ctx, async { 1 }).await.unwrap().await.unwrap(), 1);
    assert_eq!(pool.try_spawn(async { "two" }).unwrap().await.unwrap(), "two");
    let door = Context::new();
    let opens = door.clone();
    let waits = move |n: u32| {
        let door = door.clone();
        async move {
            if n == 0 {
                // Ends when all others have come.
                door.cancelled().await;
            }
            n
        }
    };
    let mut results = pool.map(&ctx, 0..100, waits).unordered();
    let mut others = Vec::new();
    while others.len() < 99 {
        others.push(results.next().await.unwrap().unwrap());
    }
    others.sort_unstable();
    assert!(others.into_iter().eq(1..100));
    opens.cancel("all are here");
    assert_eq!(results.next().await.unwrap().unwrap(), 0);
    assert!(results.next().await.is_none());
}

#[tokio::test]
async fn cancelled_unordered_results_of_futures_lose_no_item_and_dropped_ones_cancel_the_rest() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let pool = TaskPool::builder(4).queue(1).build(&ctx);
    let stop = ctx.child();
    let mut items = 0..1_000_u32;
    let (stops, ends) = (stop.clone(), stop.clone());
    let mut results = pool
        .map(&stop, items.by_ref(), move |n| {
            let (stops, ends) = (stops.clone(), ends.clone());
            async move {
                if n == 20 {
                    stops.cancel("enough");
                }
                if n > 20 {
                    ends.cancelled().await;
                }
                n
            }
        })
        .unordered();
    let mut seen = 0;
    while results.next().await.is_some() {
        seen += 1;
    }
    drop(results);
    assert_eq!(items.next(), Some(seen), "each item has a result, or is still there");
    let mut endless = pool.map(&ctx, 0.., async |n: u64| n).unordered();
    endless.next().await.unwrap().unwrap();
    drop(endless);
    pool.drain(&ctx).await.unwrap();
    assert!(pool.stats().balances());
}
