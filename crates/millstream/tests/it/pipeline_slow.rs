//! Work of any cost: an item that may start does not wait for another one, what is done leaves, and
//! what ends, ends.
//!
//! A barrier that `n` items must reach proves that `n` of them are at work at the same time; if
//! they are not, the run hangs, which the watchdog reports. Nothing here measures a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex, mpsc};
use std::time::Duration;

use millstream::{Batch, Clock, FanOut, Pipeline, channel};

use crate::pipeline_support::{clean, clean_on};

/// Work of which `n` items must be under way at the same time before one of them can end.
fn meet(n: usize) -> impl Fn(u64) -> u64 + Send + Sync + Clone {
    let barrier = Arc::new(Barrier::new(n));
    move |item| {
        barrier.wait();
        item
    }
}

/// Runs one pipeline in several ways: each kind of source, in order and as results come.
macro_rules! from_every_source {
    ($ctx:expr, $items:expr, |$pipeline:ident| $run:expr) => {{
        let items = $items;
        {
            let $pipeline = Pipeline::from_iter(items.clone());
            $run;
        }
        {
            let $pipeline = Pipeline::from_iter(items.clone().collect::<Vec<u64>>());
            $run;
        }
        {
            let $pipeline = Pipeline::from_waiting_iter(items.clone());
            $run;
        }
        {
            let (sender, receiver) = channel(64);
            items.clone().for_each(|item| sender.try_send(item).unwrap());
            drop(sender);
            let $pipeline = Pipeline::from(receiver);
            $run;
        }
        {
            let $pipeline = Pipeline::from_iter([()]).flat_map(|()| items.clone());
            $run;
        }
        {
            let $pipeline = Pipeline::from_iter(items.clone()).thread();
            $run;
        }
    }};
}

#[test]
fn as_many_items_as_workers_are_at_work_at_the_same_time_whatever_the_source_is() {
    clean(|ctx| {
        from_every_source!(ctx, 0..16_u64, |items| {
            let all = items.parallel(8).map(meet(8)).collect(ctx).unwrap();
            assert!(all.into_iter().eq(0..16));
        });
        from_every_source!(ctx, 0..16_u64, |items| {
            let mut all = items.parallel(8).unordered().map(meet(8)).collect(ctx).unwrap();
            all.sort_unstable();
            assert!(all.into_iter().eq(0..16));
        });
    });
}

#[test]
fn a_range_grows_to_its_maximum_for_items_that_wait() {
    clean(|ctx| {
        from_every_source!(ctx, 0..16_u64, |items| {
            let all = items.parallel(2..=8).map(meet(8)).collect(ctx).unwrap();
            assert!(all.into_iter().eq(0..16));
        });
    });
}

#[test]
fn as_many_items_as_branches_are_at_work_at_the_same_time() {
    clean(|ctx| {
        from_every_source!(ctx, 0..16_u64, |items| {
            let shared = meet(8);
            let fan = items.fan_out(FanOut::shared(8), |branch| branch.map(shared.clone()));
            assert_eq!(fan.for_each(ctx, |_| ()).unwrap().totals().left, 16);
        });
        from_every_source!(ctx, 0..16_u64, |items| {
            let shared = meet(8);
            let fan =
                items.fan_out(FanOut::shared(8), |branch| branch.map(shared.clone())).in_order();
            assert!(fan.collect(ctx).unwrap().into_iter().eq(0..16));
        });
    });
}

/// Cheap items, then expensive ones, of which `n` must meet.
fn after_cheap_ones(cheap: u64, n: usize) -> impl Fn(u64) -> u64 + Send + Sync + Clone {
    let meet = meet(n);
    move |item| if item < cheap { item } else { meet(item) }
}

#[test]
fn items_that_become_expensive_are_shared_by_all_workers() {
    for cheap in [1, 17, 5_000, 100_000] {
        clean(move |ctx| {
            let all = Pipeline::from_iter(0..cheap + 8).parallel(8).map(after_cheap_ones(cheap, 8));
            assert!(all.collect(ctx).unwrap().into_iter().eq(0..cheap + 8));
            let work = after_cheap_ones(cheap, 8);
            let fan = Pipeline::from_iter(0..cheap + 8)
                .fan_out(FanOut::shared(8), |branch| branch.map(work.clone()));
            assert!(fan.in_order().collect(ctx).unwrap().into_iter().eq(0..cheap + 8));
        });
    }
}

#[test]
fn what_is_done_reaches_the_end_before_what_is_not() {
    clean(|ctx| {
        // Each item waits until the end has seen the one before the last: with two workers that is
        // always possible. The work is longer than a microsecond, below which items are started in
        // groups.
        let (seen, more) = (Mutex::new(0_u64), Condvar::new());
        let work = |item: u64| {
            drop(more.wait_while(seen.lock().unwrap(), |seen| *seen + 1 < item).unwrap());
            (0..20_000_u64).fold(item, |a, b| std::hint::black_box(a ^ b));
            item
        };
        let mut all = 0;
        let report = Pipeline::from_iter(0..200_u64).parallel(2).map(work).for_each(ctx, |_| {
            all += 1;
            *seen.lock().unwrap() += 1;
            more.notify_all();
        });
        assert!(report.is_ok());
        assert_eq!(all, 200);
    });
}

#[test]
fn cheap_results_do_not_wait_for_an_expensive_item_behind_them() {
    clean(|ctx| {
        let (seen, sees) = mpsc::channel();
        let sees = Mutex::new(sees);
        // The last item of a long input ends only when all others have been seen.
        let work = |item: u64| {
            if item == 9_999 {
                (0..9_999).for_each(|_| sees.lock().unwrap().recv().unwrap());
            }
            item
        };
        let end = Pipeline::from_iter(0..10_000_u64).parallel(2).map(work);
        end.for_each(ctx, |_| seen.send(()).unwrap()).unwrap();
    });
}

#[test]
fn a_batch_leaves_in_time_while_workers_are_still_at_work() {
    let clock = Clock::manual();
    clean_on(&clock.clone(), move |ctx| {
        // The work of the last item goes on until the batch of the others has left, which it does
        // by time alone.
        let (left, leaves) = mpsc::channel();
        let leaves = Mutex::new(leaves);
        let work = |item: u64| {
            if item == 3 {
                while leaves.lock().unwrap().try_recv().is_err() {
                    clock.advance(Duration::from_millis(1));
                    std::thread::yield_now();
                }
            }
            item
        };
        let batches = Pipeline::from_iter(0..4_u64).parallel(2).map(work);
        let mut sizes = Vec::new();
        let batches = batches.batch(Batch::of(100).within(Duration::from_millis(120)));
        batches
            .for_each(ctx, |batch| {
                sizes.push(batch.len());
                left.send(()).ok();
            })
            .unwrap();
        assert_eq!(sizes.iter().sum::<usize>(), 4);
        assert!(sizes.len() > 1, "{sizes:?}");
    });
}

/// Runs items of which each cancels the run, and returns how many were started.
fn started_after_a_cancellation(workers: std::ops::RangeInclusive<usize>) -> usize {
    clean(move |ctx| {
        let (started, stop) = (AtomicUsize::new(0), ctx.child());
        let work = |item: u64| {
            started.fetch_add(1, Ordering::Relaxed);
            stop.cancel("enough");
            item
        };
        let ended = Pipeline::from_iter(0..10_000_u64).parallel(workers).map(work).collect(&stop);
        assert!(ended.unwrap_err().cancelled().is_some());
        started.into_inner()
    })
}

#[test]
fn a_cancelled_run_starts_no_further_item() {
    for workers in [1..=1, 2..=2, 8..=8, 1..=4] {
        let most = *workers.end();
        assert!(started_after_a_cancellation(workers) <= most);
    }
}

#[test]
fn the_first_error_ends_the_run_when_what_is_in_hand_is_done() {
    clean(|ctx| {
        let started = AtomicUsize::new(0);
        let barrier = Barrier::new(2);
        let work = |item: u64| {
            started.fetch_add(1, Ordering::Relaxed);
            barrier.wait();
            if item < 2 { Err("broken") } else { Ok(item) }
        };
        let ended = Pipeline::from_iter(0..10_000_u64).parallel(2).try_map(work).collect(ctx);
        assert_eq!(ended.unwrap_err().report().totals().failed, 2);
        assert_eq!(started.into_inner(), 2);
    });
}

#[test]
fn a_take_starts_no_more_items_than_it_wants_and_workers_are() {
    clean(|ctx| {
        for (workers, wanted) in [(1, 3), (2, 1), (4, 10), (8, 1)] {
            for ordered in [true, false] {
                let started = AtomicUsize::new(0);
                let work = |item: u64| {
                    started.fetch_add(1, Ordering::Relaxed);
                    item
                };
                let items = Pipeline::from_iter(0..100_000_u64).parallel(workers);
                let items = if ordered { items } else { items.unordered() };
                let taken = items.map(work).take(wanted).collect(ctx).unwrap();
                assert_eq!(taken.len() as u64, wanted);
                assert!(started.into_inner() as u64 <= wanted + workers as u64);
            }
            let started = AtomicUsize::new(0);
            let fan =
                Pipeline::from_iter(0..100_000_u64).fan_out(FanOut::shared(workers), |branch| {
                    branch.inspect(|_| {
                        started.fetch_add(1, Ordering::Relaxed);
                    })
                });
            assert_eq!(fan.take(wanted).collect(ctx).unwrap().len() as u64, wanted);
            assert!(started.into_inner() as u64 <= wanted + workers as u64);
        }
    });
}

#[test]
fn a_take_behind_a_filter_finds_what_it_wants_however_rare_that_is() {
    clean(|ctx| {
        let rare = |item: &u64| item % 1_000 == 999;
        let items = Pipeline::from_iter(0..).parallel(4).filter(rare).take(3).collect(ctx).unwrap();
        assert_eq!(items, [999, 1_999, 2_999]);
        let fan = Pipeline::from_iter(0..).fan_out(FanOut::shared(4), |branch| branch.filter(rare));
        assert_eq!(fan.in_order().take(3).collect(ctx).unwrap(), [999, 1_999, 2_999]);
    });
}

#[test]
fn a_plain_loop_that_becomes_expensive_ends_soon_after_it_is_cancelled() {
    clean(|ctx| {
        let (started, stop) = (AtomicUsize::new(0), ctx.child());
        // A million items are a few bursts. From there on each costs as much as many bursts.
        let work = |item: u64| {
            if item >= 1_000_000 {
                started.fetch_add(1, Ordering::Relaxed);
                stop.cancel("enough");
                let until = stop.clock().now() + Duration::from_millis(30);
                while stop.clock().now() < until {}
            }
            item
        };
        let ended = Pipeline::from_iter(0..2_000_000_u64).map(work).for_each(&stop, |_| ());
        assert!(ended.unwrap_err().cancelled().is_some());
        // On a busy machine the tick may come late, but not by half a minute.
        assert!(started.into_inner() < 1_000);
    });
}

#[test]
fn a_range_of_any_size_is_safe_and_a_number_that_the_system_refuses_is_an_error() {
    clean(|ctx| {
        let all = Pipeline::from_iter(0..1_000_u64)
            .parallel(1..=usize::MAX)
            .map(|n| n + 1)
            .collect(ctx)
            .unwrap();
        assert!(all.into_iter().eq(1..=1_000));
        let all = Pipeline::from_iter(0..32_u64)
            .parallel(2..=usize::MAX)
            .map(meet(16))
            .collect(ctx)
            .unwrap();
        assert!(all.into_iter().eq(0..32));
        let refused = Pipeline::from_iter(0..1_000_u64)
            .parallel(usize::MAX)
            .map(|n| n)
            .collect(ctx)
            .unwrap_err();
        assert_eq!(refused.stage(), Some("parallel"));
        assert!(refused.to_string().contains("refused"), "{refused}");
    });
}

#[test]
fn workers_that_compute_never_exceed_the_cores() {
    let cores = std::thread::available_parallelism().unwrap().get();
    let report = clean(|ctx| {
        let work =
            |n: u64| (0..200_000_u64).fold(n, |a, b| std::hint::black_box(a.rotate_left(5) ^ b));
        Pipeline::from_iter(0..3_000_u64).parallel(1..=32).map(work).for_each(ctx, |_| ()).unwrap()
    });
    assert!(
        report.stages[1].workers <= cores.max(2),
        "{} workers on {cores} cores",
        report.stages[1].workers
    );
}

#[test]
fn a_part_that_others_take_over_whole_leaves_no_gap_in_the_order() {
    clean(|ctx| {
        for _ in 0..2_000 {
            let fan = Pipeline::from_iter(0..5_u64)
                .fan_out(FanOut::shared(3), |branch| branch.map(|n| n));
            assert_eq!(fan.in_order().collect(ctx).unwrap(), [0, 1, 2, 3, 4]);
        }
    });
}
