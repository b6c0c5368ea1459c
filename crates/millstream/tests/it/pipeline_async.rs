//! Async stages: order, limits, progress while the consumer is busy, and what becomes of items when
//! a run ends early.

use std::collections::HashMap;
use std::future::{Future, pending, poll_fn};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, mpsc};
use std::task::{Poll, Waker};

use millstream::{Batch, Context, DeadLetter, Pipeline, Skip, leak, scope};
use proptest::prelude::*;

/// Ready after `0` more polls; wakes itself each time.
async fn yields(mut times: usize) {
    poll_fn(|cx| {
        if times == 0 {
            return Poll::Ready(());
        }
        times -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Counts what runs at the same time.
#[derive(Default)]
struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
    started: AtomicUsize,
}

impl Gauge {
    fn enter(&self) -> Inside<'_> {
        self.started.fetch_add(1, SeqCst);
        self.most.fetch_max(self.now.fetch_add(1, SeqCst) + 1, SeqCst);
        Inside(self)
    }

    fn most(&self) -> usize {
        self.most.load(SeqCst)
    }
}

struct Inside<'a>(&'a Gauge);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, SeqCst);
    }
}

/// Opens once a number of futures wait at it.
struct Gate {
    wanted: usize,
    waiting: Mutex<(usize, Vec<Waker>)>,
}

impl Gate {
    fn new(wanted: usize) -> Self {
        Self { wanted, waiting: Mutex::default() }
    }

    async fn pass(&self) {
        let mut came = false;
        poll_fn(|cx| {
            let mut waiting = self.waiting.lock().unwrap();
            waiting.0 += usize::from(!std::mem::replace(&mut came, true));
            if waiting.0 < self.wanted {
                waiting.1.push(cx.waker().clone());
                return Poll::Pending;
            }
            waiting.1.drain(..).for_each(Waker::wake);
            Poll::Ready(())
        })
        .await;
    }
}

proptest! {
    #[test]
    fn results_are_those_of_the_iterator_in_its_order_whatever_order_futures_end_in(
        delays in prop::collection::vec(0_usize..12, 0..200),
        limit in 0_usize..9,
    ) {
        let guard = leak::Guard::new();
        let gauge = Gauge::default();
        let results = Pipeline::from_iter(delays.iter().copied().enumerate())
            .map_async(limit, async |(at, delay)| {
                let _inside = gauge.enter();
                yields(delay).await;
                at * 3
            })
            .collect(&guard.context())
            .unwrap();
        prop_assert_eq!(results, (0..delays.len()).map(|at| at * 3).collect::<Vec<_>>());
        prop_assert!(gauge.most() <= limit.max(1));
    }

    #[test]
    fn unordered_results_are_those_of_the_iterator_each_once(
        delays in prop::collection::vec(0_usize..12, 0..200),
        limit in 0_usize..9,
    ) {
        let guard = leak::Guard::new();
        let gauge = Gauge::default();
        let mut results = Pipeline::from_iter(delays.iter().copied().enumerate())
            .map_async_unordered(limit, async |(at, delay)| {
                let _inside = gauge.enter();
                yields(delay).await;
                at
            })
            .collect(&guard.context())
            .unwrap();
        results.sort_unstable();
        prop_assert_eq!(results, (0..delays.len()).collect::<Vec<_>>());
        prop_assert!(gauge.most() <= limit.max(1));
    }

    #[test]
    fn items_of_one_key_never_overlap_and_keep_their_order(
        items in prop::collection::vec((0_usize..5, 0_usize..12), 0..200),
        limit in 0_usize..9,
    ) {
        let guard = leak::Guard::new();
        let (all, keys) = (Gauge::default(), <[Gauge; 5]>::default());
        let results = Pipeline::from_iter(items.iter().copied().enumerate())
            .map_async_by_key(limit, |(_, (key, _))| *key, async |(at, (key, delay))| {
                let _inside = (all.enter(), keys[key].enter());
                yields(delay).await;
                (key, at)
            })
            .collect(&guard.context())
            .unwrap();
        let branch = |key| items.iter().enumerate().filter(move |(_, item)| item.0 == key).map(move |(at, _)| (key, at));
        for (key, alone) in keys.iter().enumerate() {
            let seen: Vec<_> = results.iter().copied().filter(|result| result.0 == key).collect();
            prop_assert_eq!(seen, branch(key).collect::<Vec<_>>());
            prop_assert!(alone.most() <= 1);
        }
        prop_assert!(all.most() <= limit.max(1));
    }

    #[test]
    fn a_run_that_is_cancelled_anywhere_drops_its_futures_and_balances(
        delays in prop::collection::vec(0_usize..12, 1..200),
        limit in 1_usize..9,
        stop in any::<prop::sample::Index>(),
        verb in 0..3,
    ) {
        let guard = leak::Guard::new();
        let ctx = guard.context().child();
        let (gauge, stop) = (Gauge::default(), stop.index(delays.len()));
        let work = async |(at, delay)| {
            let _inside = gauge.enter();
            yields(delay).await;
            if at == stop {
                ctx.cancel("enough");
            }
            at
        };
        let source = Pipeline::from_iter(delays.iter().copied().enumerate());
        let ended = match verb {
            0 => source.map_async(limit, work).for_each(&ctx, drop),
            1 => source.map_async_unordered(limit, work).for_each(&ctx, drop),
            _ => source.map_async_by_key(limit, |item| item.0 % 3, work).for_each(&ctx, drop),
        };
        prop_assert_eq!(gauge.now.load(SeqCst), 0);
        // The last item's own result may have been all that was missing.
        let report = match ended {
            Ok(report) => report,
            Err(error) => {
                prop_assert_eq!(error.cancelled().unwrap().reason(), "enough");
                error.into_report()
            }
        };
        prop_assert!(report.balances(), "{}", report);
        prop_assert_eq!(report.totals().failed, 0);
        drop(ctx);
    }
}

#[test]
fn a_panic_of_a_future_fails_the_run_naming_stage_message_and_place() {
    let guard = leak::Guard::new();
    let gauge = Gauge::default();
    let error = Pipeline::from_iter(0..100)
        .map_async(4, async |n| {
            let _inside = gauge.enter();
            yields(n).await;
            assert!(n < 7, "number {n} is too much");
            n
        })
        .collect(&guard.context())
        .unwrap_err();
    assert_eq!(error.stage(), Some("map_async"));
    assert_eq!(error.panic().unwrap().message(), "number 7 is too much");
    assert!(error.panic().unwrap().location().unwrap().contains("pipeline_async.rs"));
    assert_eq!(gauge.now.load(SeqCst), 0);
    assert!(error.report().balances(), "{}", error.report());
    assert_eq!(error.report().totals().failed, 1);
}

#[test]
fn a_panic_before_the_future_is_there_counts_its_item_as_failed_too() {
    let guard = leak::Guard::new();
    let by_closure = Pipeline::from_iter(0..10)
        .map_async_unordered(2, |n| {
            assert!(n < 3, "no future for {n}");
            async move { n }
        })
        .collect(&guard.context())
        .unwrap_err();
    let by_key = Pipeline::from_iter(0..10)
        .map_async_by_key(2, |n| 1 / (3 - n), async |n| n)
        .collect(&guard.context())
        .unwrap_err();
    for (error, stage) in [(by_closure, "map_async_unordered"), (by_key, "map_async_by_key")] {
        assert_eq!(error.stage(), Some(stage));
        assert_eq!(error.report().totals().failed, 1);
        assert!(error.report().balances(), "{}", error.report());
    }
}

#[test]
fn a_panic_in_the_drop_of_a_cancelled_future_ends_the_run_and_nothing_hangs() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let error = Pipeline::from_iter(0..2)
        .map_async(2, async |n| {
            if n == 1 {
                ctx.cancel("enough");
                pending::<()>().await;
            }
            let bomb = Bomb;
            pending::<()>().await;
            drop(bomb);
        })
        .collect(&ctx)
        .unwrap_err();
    assert_eq!(error.panic().unwrap().message(), "on purpose");
    assert!(error.report().balances(), "{}", error.report());
    assert_eq!(error.report().totals().cancelled, 2);
}

#[test]
fn the_limit_is_reached_and_never_exceeded() {
    fn full<R>(limit: usize, run: impl FnOnce(&Gauge, &Gate) -> R) -> R {
        let (gauge, gate) = (Gauge::default(), Gate::new(limit));
        let result = run(&gauge, &gate);
        assert_eq!(gauge.most(), limit);
        result
    }
    let ctx = Context::new();
    for limit in [1, 2, 7, 300, 1_000] {
        // Nobody gets past the gate before as many as the limit wait at it.
        full(limit, |gauge, gate| {
            let work = async |n: usize| {
                let _inside = gauge.enter();
                gate.pass().await;
                n
            };
            let all =
                Pipeline::from_iter(0..3 * limit).map_async(limit, work).collect(&ctx).unwrap();
            assert_eq!(all.len(), 3 * limit);
        });
        full(limit, |gauge, gate| {
            let work = async |_| {
                let _inside = gauge.enter();
                gate.pass().await;
            };
            let report = Pipeline::from_iter(0..limit)
                .map_async_unordered(limit, work)
                .for_each(&ctx, drop)
                .unwrap();
            assert_eq!(report.stages[2].workers, limit);
        });
        full(limit, |gauge, gate| {
            let work = async |_| {
                let _inside = gauge.enter();
                gate.pass().await;
            };
            Pipeline::from_iter(0..limit)
                .map_async_by_key(limit, |n| *n, work)
                .for_each(&ctx, drop)
                .unwrap();
        });
    }
}

#[test]
fn a_slow_head_does_not_lower_the_concurrency_of_the_others() {
    let others = Gate::new(3);
    let head = Gate::new(4);
    let all = Pipeline::from_iter(0..4)
        .map_async(4, async |n| {
            if n > 0 {
                others.pass().await;
            }
            head.pass().await;
            n
        })
        .collect(&Context::new())
        .unwrap();
    assert_eq!(all, [0, 1, 2, 3]);
}

#[test]
fn results_behind_a_slow_head_wait_up_to_the_limit_and_then_nothing_begins() {
    let (gauge, release) = (Gauge::default(), Context::new());
    let all = Pipeline::from_iter(0..100)
        .map_async(4, async |n| {
            let _inside = gauge.enter();
            match n {
                0 => drop(release.cancelled().await),
                // The head, four results that wait for it, and two more that were in flight with
                // the fourth.
                4 => drop(release.cancel("the others have finished")),
                _ => {}
            }
            assert!(n < 7 || release.is_cancelled(), "{n} began too soon");
            n
        })
        .collect(&Context::new())
        .unwrap();
    assert_eq!(all, (0..100).collect::<Vec<_>>());
}

#[test]
fn futures_go_on_while_the_consumer_is_blocked() {
    let guard = leak::Guard::new();
    let (done, wait_for_it) = mpsc::channel();
    let consumer_is_busy = Context::new();
    let mut seen = Vec::new();
    Pipeline::from_iter(0..2)
        .map_async_unordered(2, |n| {
            let (done, busy) = (done.clone(), consumer_is_busy.cancelled());
            async move {
                if n == 1 {
                    busy.await;
                    yields(10).await;
                    done.send("worked meanwhile").unwrap();
                }
                n
            }
        })
        .for_each(&guard.context(), |n| {
            if n == 0 {
                consumer_is_busy.cancel("now");
                assert_eq!(wait_for_it.recv().unwrap(), "worked meanwhile");
            }
            seen.push(n);
        })
        .unwrap();
    assert_eq!(seen, [0, 1]);
}

#[test]
fn what_is_started_and_not_consumed_is_bounded_by_the_limit() {
    let (started, consumed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let limit = 3;
    Pipeline::from_iter(0..20_000)
        .map_async_unordered(limit, async |n: usize| {
            let ahead = started.fetch_add(1, SeqCst) + 1 - consumed.load(SeqCst);
            assert!(ahead <= 6 * limit, "{ahead} ahead of the consumer");
            yields(n % 3).await;
        })
        .for_each(&Context::new(), |()| {
            consumed.fetch_add(1, SeqCst);
        })
        .unwrap();
}

#[test]
fn wake_ups_from_other_threads_are_not_lost() {
    let ctx = Context::new();
    let (ask, asked) = mpsc::channel::<Waker>();
    let asked = Mutex::new(asked);
    let sum = scope::<_, millstream::Error, _>(&ctx, |s| {
        for name in ["first", "second"] {
            let asked = &asked;
            s.spawn(name, move |_| {
                while let Ok(waker) = { asked.lock().unwrap().recv() } {
                    waker.wake();
                }
                Ok(())
            });
        }
        Pipeline::from_iter(0..20_000_u64)
            .map_async_unordered(64, move |n| {
                let ask = ask.clone();
                let mut rounds = n % 4;
                poll_fn(move |cx| {
                    if rounds == 0 {
                        return Poll::Ready(n);
                    }
                    rounds -= 1;
                    ask.send(cx.waker().clone()).unwrap();
                    Poll::Pending
                })
            })
            .fold(&ctx, 0, |sum, n| sum + n)
    })
    .unwrap();
    assert_eq!(sum, (0..20_000).sum::<u64>());
}

#[test]
fn a_future_that_waits_is_polled_only_when_woken() {
    let (opened, polls) = (Context::new(), AtomicUsize::new(0));
    Pipeline::from_iter(0..1_000)
        .map_async_unordered(2, |n| {
            let mut wait = Box::pin(opened.cancelled());
            let (opened, polls) = (&opened, &polls);
            poll_fn(move |cx| {
                if n > 0 {
                    if n == 999 {
                        opened.cancel("the last one");
                    }
                    return Poll::Ready(());
                }
                polls.fetch_add(1, SeqCst);
                wait.as_mut().poll(cx).map(drop)
            })
        })
        .for_each(&Context::new(), drop)
        .unwrap();
    assert_eq!(polls.into_inner(), 2);
}

#[test]
fn a_busy_key_does_not_keep_other_keys_from_beginning() {
    let b_began = Context::new();
    let all = Pipeline::from_iter(["a1", "a2", "a3", "b1", "a4"])
        .map_async_by_key(
            3,
            |name| name.as_bytes()[0],
            async |name| {
                match name {
                    "a1" => drop(b_began.cancelled().await),
                    "b1" => drop(b_began.cancel("now")),
                    _ => {}
                }
                name
            },
        )
        .collect(&Context::new())
        .unwrap();
    assert_eq!(all, ["b1", "a1", "a2", "a3", "a4"]);
}

#[test]
fn one_key_for_all_is_a_queue_that_comes_to_its_end() {
    let all = Pipeline::from_iter(0..5_000)
        .map_async_by_key(
            16,
            |_| (),
            async |n: usize| {
                yields(n % 2).await;
                n
            },
        )
        .collect(&Context::new())
        .unwrap();
    assert_eq!(all, (0..5_000).collect::<Vec<_>>());
}

#[test]
fn keys_that_are_done_are_forgotten() {
    #[derive(PartialEq, Eq, Hash)]
    struct Key(u64, std::sync::Arc<()>);
    let alive = std::sync::Arc::new(());
    Pipeline::from_iter(0..10_000_u64)
        .map_async_by_key(
            4,
            |n| Key(*n, std::sync::Arc::clone(&alive)),
            async |_| {
                assert!(std::sync::Arc::strong_count(&alive) < 16);
            },
        )
        .for_each(&Context::new(), drop)
        .unwrap();
    assert_eq!(std::sync::Arc::strong_count(&alive), 1);
}

#[test]
fn an_empty_input_and_a_limit_of_zero_come_to_an_end() {
    let ctx = Context::new();
    assert!(Pipeline::from_iter(0..0).map_async(0, async |n| n).collect(&ctx).unwrap().is_empty());
    assert_eq!(
        Pipeline::from_iter(0..3).map_async_unordered(0, async |n| n).collect(&ctx).unwrap(),
        [0, 1, 2]
    );
    assert_eq!(
        Pipeline::from_iter(0..3).map_async(usize::MAX, async |n| n).collect(&ctx).unwrap(),
        [0, 1, 2]
    );
}

#[test]
fn error_policies_after_an_async_stage_decide_by_its_results() {
    let ctx = Context::new();
    let fetch = async |n: u32| {
        yields(n as usize % 3).await;
        if n % 5 == 4 { Err(format!("{n} is not there")) } else { Ok(n) }
    };
    let source = || Pipeline::from_iter(0..10).map_async(3, fetch).try_map(|found| found);
    assert_eq!(source().on_error(Skip).collect(&ctx).unwrap(), [0, 1, 2, 3, 5, 6, 7, 8]);

    let letters = Mutex::new(Vec::new());
    let kept = DeadLetter(|error| letters.lock().unwrap().push(error));
    let report = source().on_error(kept).for_each(&ctx, drop).unwrap();
    assert_eq!(letters.into_inner().unwrap(), ["4 is not there", "9 is not there"]);
    assert_eq!((report.totals().left, report.totals().failed), (8, 2));
    assert!(report.balances());

    let error = source().collect(&ctx).unwrap_err();
    assert_eq!(error.to_string(), "stage \"try_map\" failed: 4 is not there");
    assert!(error.report().balances(), "{}", error.report());
}

#[test]
fn a_consumer_that_fails_ends_futures_that_would_wait_forever() {
    let guard = leak::Guard::new();
    let gauge = Gauge::default();
    let error = Pipeline::from_iter(0..1_000)
        .map_async_unordered(8, async |n| {
            let _inside = gauge.enter();
            if n > 0 {
                pending::<()>().await;
            }
        })
        .for_each(&guard.context(), |()| panic!("the consumer is at fault"))
        .unwrap_err();
    assert_eq!(error.stage(), Some("sink"));
    assert_eq!(gauge.now.load(SeqCst), 0);
    let totals = error.report().totals();
    assert!(error.report().balances(), "{}", error.report());
    assert_eq!((totals.left, totals.failed, totals.cancelled), (0, 1, totals.entered - 1));
}

#[test]
fn a_take_that_has_all_it_wants_ends_futures_that_would_wait_forever() {
    let guard = leak::Guard::new();
    let gauge = Gauge::default();
    let report = Pipeline::from_iter(0..)
        .map_async_unordered(8, async |n: u64| {
            let _inside = gauge.enter();
            if n % 8 != 3 {
                pending::<()>().await;
            }
        })
        .take(1)
        .for_each(&guard.context(), drop)
        .unwrap();
    assert_eq!(gauge.now.load(SeqCst), 0);
    assert!(report.balances(), "{report}");
    assert_eq!((report.totals().left, report.totals().failed), (1, 0));
}

#[test]
fn async_stages_stand_beside_all_others() {
    let guard = leak::Guard::new();
    let batches = Pipeline::from_iter(0..10_000_u64)
        .filter(|n| n % 2 == 0)
        .map_async(16, async |n| {
            yields(n as usize % 3).await;
            n / 2
        })
        .parallel(2)
        .map(|n| n + 1)
        .map_async_by_key(8, |n| n % 7, async |n| n)
        .named("again")
        .thread()
        .map_async_unordered(8, async |n| n)
        .batch(Batch::of(100))
        .collect(&guard.context())
        .unwrap();
    assert_eq!(batches.iter().map(Vec::len).sum::<usize>(), 5_000);
    assert_eq!(batches.iter().flatten().sum::<u64>(), (1..=5_000).sum::<u64>());
}

#[test]
fn the_report_names_the_thread_and_the_stage_and_how_long_futures_took() {
    let report = Pipeline::from_iter(0..100)
        .map_async(10, async |_| yields(1).await)
        .named("fetch")
        .for_each(&Context::new(), drop)
        .unwrap();
    let names: Vec<_> = report.stages.iter().map(|stage| stage.name.as_str()).collect();
    assert_eq!(names, ["source", "thread", "fetch", "sink"]);
    let fetch = &report.stages[2];
    assert_eq!((fetch.entered, fetch.left, fetch.workers), (100, 100, 10));
    assert!(fetch.p50.is_some() && !fetch.busy.is_zero());
    let by_kind: HashMap<_, _> =
        report.errors.iter().map(|error| (&error.kind, error.count)).collect();
    assert!(by_kind.is_empty());
}
