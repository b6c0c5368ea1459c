//! Pools: results, refusals, groups, limits, growth, ends. Each complaint that other pools got is a
//! test here.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::time::Duration;

use millstream::pool::{JobError, Nested, SubmitError, TrySubmitError};
use millstream::{Cause, Context, Pool, leak};
use proptest::prelude::*;

/// A job that says when it has started and ends when it is let go.
fn gate()
-> (impl FnOnce() -> Result<(), Infallible> + Send + 'static, mpsc::Receiver<()>, mpsc::Sender<()>)
{
    let (started, has_started) = mpsc::channel();
    let (let_go, wait) = mpsc::channel();
    let job = move || {
        started.send(()).ok();
        // An error is the end as well: the test has finished.
        wait.recv().ok();
        Ok(())
    };
    (job, has_started, let_go)
}

/// Waits until something is so, which other threads are about to bring about.
fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        std::thread::yield_now();
    }
}

#[test]
fn every_job_has_its_own_result_error_or_panic() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let pool = Pool::builder().workers(2).named("mill").build(&ctx).unwrap();
    let jobs: Vec<_> = (0..300_u32)
        .map(|n| {
            pool.submit(&ctx, move || match n % 3 {
                0 => Ok(n),
                1 => Err(n),
                _ => panic!("job {n}"),
            })
            .unwrap()
        })
        .collect();
    for (n, job) in (0..).zip(jobs) {
        match (n % 3, job.join()) {
            (0, Ok(value)) => assert_eq!(value, n),
            (1, Err(JobError::Failed(error))) => assert_eq!(error, n),
            (2, Err(JobError::Panicked(panic))) => {
                assert_eq!((panic.task(), panic.message()), ("mill", format!("job {n}").as_str()));
                assert!(panic.location().unwrap().contains("pool.rs:"));
            }
            (_, other) => panic!("job {n}: {other:?}"),
        }
    }
    let stats = pool.stats();
    assert_eq!((stats.submitted, stats.done, stats.failed, stats.panicked), (300, 100, 100, 100));
    assert_eq!(stats.workers, 2, "a panic costs no worker");
}

#[test]
fn a_submission_that_waits_can_be_cancelled_and_gives_the_job_back() {
    let ctx = Context::new();
    let pool = Pool::builder().workers(1).queue(0).build(&ctx).unwrap();
    let (job, started, let_go) = gate();
    let busy = pool.submit(&ctx, job).unwrap();
    started.recv().unwrap();
    let waits = ctx.child();
    let refused = millstream::scope::<_, (), _>(&ctx, |s| {
        let stop = waits.clone();
        s.spawn("canceller", move |_| {
            stop.cancel("too long");
            Ok(())
        });
        Ok(pool.submit(&waits, || Ok::<_, Infallible>(7)).unwrap_err())
    })
    .unwrap();
    assert_eq!(refused.cause().unwrap().reason(), "too long");
    assert!(matches!(refused, SubmitError::Cancelled(..)));
    assert_eq!(refused.into_job()(), Ok(7));
    let_go.send(()).unwrap();
    busy.join().unwrap();
    assert_eq!(pool.stats().submitted, 1);
}

#[test]
fn full_is_distinguished_from_closed_and_both_give_the_job_back() {
    let ctx = Context::new();
    let pool = Pool::builder().workers(1).queue(1).build(&ctx).unwrap();
    let (job, started, let_go) = gate();
    let busy = pool.submit(&ctx, job).unwrap();
    started.recv().unwrap();
    let waits = pool.try_submit(|| Ok::<_, Infallible>(1)).unwrap();
    let full = pool.try_submit(|| Ok::<_, Infallible>(2)).unwrap_err();
    assert!(full.is_full());
    assert_eq!(full.into_job()(), Ok(2));
    pool.close();
    let closed = pool.try_submit(|| Ok::<_, Infallible>(3)).unwrap_err();
    assert!(matches!(&closed, TrySubmitError::Closed(_, cause) if *cause == Cause::finished()));
    assert_eq!(closed.into_job()(), Ok(3));
    let_go.send(()).unwrap();
    busy.join().unwrap();
    assert_eq!(waits.join().unwrap(), 1, "what was taken before the close is run");
}

#[test]
fn many_submitters_that_wait_for_room_all_get_it() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let pool = Pool::builder().workers(2).queue(1).build(&ctx).unwrap();
    let ran = Arc::new(AtomicUsize::new(0));
    millstream::scope::<_, (), _>(&ctx, |s| {
        for submitter in 0..4 {
            let (pool, ran) = (&pool, Arc::clone(&ran));
            s.spawn(format!("submitter {submitter}"), move |ctx| {
                for _ in 0..500 {
                    let ran = Arc::clone(&ran);
                    let job = move || Ok::<_, Infallible>(ran.fetch_add(1, Ordering::Relaxed));
                    drop(pool.submit(ctx, job).unwrap());
                }
                Ok(())
            });
        }
        Ok(())
    })
    .unwrap();
    pool.wait(&ctx).unwrap();
    assert_eq!(ran.load(Ordering::Relaxed), 2_000);
    assert!(pool.stats().balances());
}

#[test]
fn a_job_that_waits_for_jobs_of_its_own_pool_cannot_block_it() {
    let ctx = Context::new();
    let pool = Arc::new(Pool::builder().workers(1).queue(1).build(&ctx).unwrap());
    let (inner, there) = (Arc::clone(&pool), ctx.clone());
    let outer = pool.submit(&ctx, move || {
        let jobs: Vec<_> =
            (0..5).map(|n| inner.submit(&there, move || Ok::<_, Infallible>(n)).unwrap()).collect();
        jobs.into_iter().map(|job| job.join()).sum::<Result<u32, _>>()
    });
    assert_eq!(outer.unwrap().join().unwrap(), 10);
    let stats = pool.stats();
    assert_eq!((stats.submitted, stats.done), (6, 6));
}

#[test]
fn a_job_that_waits_for_a_group_of_its_own_pool_runs_it() {
    let ctx = Context::new();
    let pool = Arc::new(Pool::new(&ctx, 1).unwrap());
    let (inner, there) = (Arc::clone(&pool), ctx.clone());
    let outer = pool.submit(&ctx, move || {
        let group = inner.sub_pool(&there, 1);
        for n in 0..5 {
            drop(group.submit(&there, move || Ok::<_, Infallible>(n)).unwrap());
        }
        group.wait(&there)?;
        assert!(inner.wait(&there).is_err(), "it would wait for its own end");
        Ok::<_, Cause>(inner.stats().done)
    });
    assert_eq!(outer.unwrap().join().unwrap(), 5);
}

#[test]
fn a_nested_job_is_refused_where_that_was_chosen() {
    let ctx = Context::new();
    let pool =
        Arc::new(Pool::builder().workers(1).queue(0).nested(Nested::Refuse).build(&ctx).unwrap());
    let (inner, there) = (Arc::clone(&pool), ctx.clone());
    let outer = pool.submit(&ctx, move || match inner.submit(&there, || Ok::<_, Infallible>(())) {
        Err(SubmitError::Nested(_)) => Ok(()),
        _ => Err("it was taken"),
    });
    outer.unwrap().join().unwrap();
}

#[test]
fn a_group_is_waited_for_and_cancelled_alone() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let pool = Pool::builder().workers(1).build(&ctx).unwrap();
    let (job, started, let_go) = gate();
    let busy = pool.submit(&ctx, job).unwrap();
    started.recv().unwrap();
    let (mine, other) = (pool.group(&ctx), pool.group(&ctx));
    let cancelled = mine.submit(&ctx, || Ok::<_, Infallible>(())).unwrap();
    let runs = other.submit(&ctx, || Ok::<_, Infallible>(())).unwrap();
    mine.cancel("not needed");
    // It is reported at once, while the only worker is still busy.
    assert!(
        matches!(cancelled.join(), Err(JobError::Cancelled(cause)) if cause.reason() == "not needed")
    );
    mine.wait(&ctx).unwrap();
    assert!(matches!(mine.try_submit(|| Ok::<_, Infallible>(())), Err(TrySubmitError::Closed(..))));
    let_go.send(()).unwrap();
    other.wait(&ctx).unwrap();
    runs.join().unwrap();
    busy.join().unwrap();
    assert_eq!(pool.stats().cancelled, 1);
}

#[test]
fn a_sub_pool_at_its_limit_lets_others_pass_and_keeps_its_order() {
    let ctx = Context::new();
    let pool = Pool::builder().workers(2).build(&ctx).unwrap();
    let narrow = pool.sub_pool(&ctx, 1);
    let (job, started, let_go) = gate();
    let first = narrow.submit(&ctx, job).unwrap();
    started.recv().unwrap();
    let (sender, order) = mpsc::channel();
    for n in 0..10 {
        let sender = sender.clone();
        drop(narrow.submit(&ctx, move || sender.send(n)).unwrap());
    }
    // The other worker is free for others, though ten jobs of the narrow one wait.
    assert_eq!(
        pool.submit(&ctx, || Ok::<_, Infallible>("passed")).unwrap().join().unwrap(),
        "passed"
    );
    assert_eq!(pool.stats().waiting, 10);
    let_go.send(()).unwrap();
    narrow.wait(&ctx).unwrap();
    first.join().unwrap();
    assert_eq!(order.try_iter().collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
}

#[test]
fn heavy_jobs_never_take_more_places_than_there_are_and_get_their_turn() {
    let ctx = Context::new();
    let pool = Pool::builder().workers(4).permits(10).build(&ctx).unwrap();
    let in_use = Arc::new(AtomicUsize::new(0));
    for weight in (1..=12).cycle().take(600) {
        let in_use = Arc::clone(&in_use);
        let takes = weight as usize;
        let job = move || {
            let now = in_use.fetch_add(takes, Ordering::SeqCst) + takes;
            assert!(now <= 10 || now == takes, "{now} places in use");
            std::thread::yield_now();
            in_use.fetch_sub(takes, Ordering::SeqCst);
            Ok::<_, Infallible>(())
        };
        drop(pool.with_permits(weight).submit(&ctx, job).unwrap());
    }
    pool.wait(&ctx).unwrap();
    assert_eq!(pool.stats().done, 600);
}

#[test]
fn a_burst_of_jobs_that_wait_brings_workers_up_to_the_most_and_idleness_takes_them_away() {
    let ctx = Context::new();
    let pool =
        Pool::builder().workers(1..=6).idle_timeout(Duration::from_millis(1)).build(&ctx).unwrap();
    let all_here = Arc::new(Barrier::new(6));
    for _ in 0..6 {
        let all_here = Arc::clone(&all_here);
        // Ends only when six run at the same time.
        drop(pool.submit(&ctx, move || Ok::<_, Infallible>(all_here.wait())).unwrap());
    }
    pool.wait(&ctx).unwrap();
    assert_eq!(pool.stats().most_workers, 6);
    until(|| pool.stats().workers == 1);
}

#[test]
fn short_jobs_that_turn_out_to_wait_for_each_other_all_run() {
    let ctx = Context::new();
    let pool = Pool::new(&ctx, 2).unwrap();
    for _ in 0..5_000 {
        drop(pool.submit(&ctx, || Ok::<_, Infallible>(())).unwrap());
    }
    // They are taken along with each other as short ones, and meet nevertheless.
    for _ in 0..50 {
        let meet = Arc::new(Barrier::new(2));
        let jobs = [Arc::clone(&meet), meet].map(|meet| {
            pool.submit(&ctx, move || Ok::<_, Infallible>(meet.wait().is_leader())).unwrap()
        });
        let leaders = jobs.map(|job| job.join().unwrap());
        assert_ne!(leaders[0], leaders[1]);
    }
}

#[test]
fn of_short_jobs_beside_resizes_and_an_abort_each_is_run_cancelled_or_given_back() {
    const JOBS: u64 = 100_000;
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let pool = Pool::builder().workers(1..=3).queue(1_000).build(&ctx).unwrap();
    let submit = || {
        let mut taken = 0;
        for n in 0..JOBS {
            match pool.submit(&ctx, move || Ok::<_, Infallible>(n)) {
                Ok(job) => drop(job),
                Err(refused) => {
                    assert!(matches!(refused, SubmitError::Closed(..)), "{refused}");
                    break;
                }
            }
            taken += 1;
            if n == JOBS / 2 {
                pool.abort("half of them are enough");
            }
        }
        taken
    };
    #[expect(clippy::disallowed_methods, reason = "submitters that are no tasks of the library")]
    let taken: u64 = std::thread::scope(|threads| {
        let submitters = [threads.spawn(submit), threads.spawn(submit)];
        while !pool.context().is_cancelled() {
            pool.resize(1..=2).unwrap();
            let stats = pool.stats();
            // What may begin at once does not count as waiting, of three workers at most.
            assert!(stats.waiting <= 1_000 + 3, "{stats:?}");
            pool.resize(2..=3).unwrap();
        }
        submitters.map(|submitter| submitter.join().unwrap()).into_iter().sum()
    });
    pool.wait(&Context::new()).unwrap();
    let stats = pool.stats();
    assert_eq!(stats.submitted, taken);
    assert_eq!(stats.done + stats.cancelled, taken, "{stats:?}");
    assert_eq!((stats.waiting, stats.running), (0, 0));
}

#[test]
fn a_pool_is_resized_while_it_runs() {
    let ctx = Context::new();
    let pool = Pool::new(&ctx, 1).unwrap();
    pool.resize(4).unwrap();
    let all_here = Arc::new(Barrier::new(4));
    let jobs: Vec<_> = (0..4)
        .map(|_| {
            let all_here = Arc::clone(&all_here);
            pool.submit(&ctx, move || Ok::<_, Infallible>(all_here.wait())).unwrap()
        })
        .collect();
    for job in jobs {
        job.join().unwrap();
    }
    pool.resize(1).unwrap();
    until(|| pool.stats().workers == 1);
    assert_eq!(pool.submit(&ctx, || Ok::<_, Infallible>(1)).unwrap().join().unwrap(), 1);
}

#[test]
fn draining_waits_for_all_and_at_its_deadline_reports_what_is_left() {
    let ctx = Context::new();
    let pool = Pool::new(&ctx, 1).unwrap();
    let done = pool.submit(&ctx, || Ok::<_, Infallible>(1)).unwrap();
    pool.drain(&ctx).unwrap();
    assert_eq!(done.join().unwrap(), 1);

    let pool = Pool::new(&ctx, 1).unwrap();
    let (started, has_started) = mpsc::channel();
    let runs = pool.submit_with(&ctx, move |worker| {
        started.send(()).ok();
        Err::<(), _>(worker.context().wait())
    });
    has_started.recv().unwrap();
    let waits = pool.submit(&ctx, || Ok::<_, Infallible>(())).unwrap();
    let late = ctx.child();
    late.cancel("it takes too long");
    let left = pool.drain(&late).unwrap_err();
    assert_eq!((left.cause.reason(), left.cancelled, left.running), ("it takes too long", 1, 1));
    assert!(waits.join().unwrap_err().is_cancelled());
    let JobError::Failed(cause) = runs.unwrap().join().unwrap_err() else {
        panic!("it was running")
    };
    assert_eq!(cause.reason(), "it takes too long");
}

#[test]
fn dropping_a_pool_runs_what_was_taken_and_joins_the_workers() {
    let guard = leak::Guard::new();
    let ctx = guard.context();
    let ran = Arc::new(AtomicUsize::new(0));
    let pool = Pool::new(&ctx, 2).unwrap();
    for _ in 0..100 {
        let ran = Arc::clone(&ran);
        drop(
            pool.submit(&ctx, move || Ok::<_, Infallible>(ran.fetch_add(1, Ordering::SeqCst)))
                .unwrap(),
        );
    }
    drop(pool);
    assert_eq!(ran.load(Ordering::SeqCst), 100);
    // The guard finds no worker.
}

#[test]
fn cancelling_the_context_of_a_pool_aborts_it() {
    let ctx = Context::new();
    let pool = Pool::new(&ctx, 1).unwrap();
    let (job, started, let_go) = gate();
    let busy = pool.submit(&ctx, job).unwrap();
    started.recv().unwrap();
    let waits = pool.submit(&ctx, || Ok::<_, Infallible>(())).unwrap();
    ctx.cancel("over");
    assert!(waits.join().unwrap_err().is_cancelled());
    assert!(matches!(pool.try_submit(|| Ok::<_, Infallible>(())), Err(TrySubmitError::Closed(..))));
    let_go.send(()).unwrap();
    busy.join().unwrap();
}

#[test]
fn a_destructor_that_panics_costs_neither_a_worker_nor_a_number() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            if !std::thread::panicking() {
                panic!("on purpose");
            }
        }
    }
    let ctx = Context::new();
    let pool = Pool::new(&ctx, 1).unwrap();
    // Nobody takes the results, so the worker drops them.
    let (job, started, let_go) = gate();
    let busy = pool.submit(&ctx, job).unwrap();
    started.recv().unwrap();
    for _ in 0..3 {
        drop(pool.submit(&ctx, || Ok::<_, Infallible>(Bomb)).unwrap());
    }
    let_go.send(()).unwrap();
    busy.join().unwrap();
    pool.wait(&ctx).unwrap();
    assert_eq!(pool.submit(&ctx, || Ok::<_, Infallible>(1)).unwrap().join().unwrap(), 1);
    // The result is there a moment before its worker is free.
    pool.wait(&ctx).unwrap();
    let stats = pool.stats();
    assert_eq!((stats.done, stats.running, stats.workers), (5, 0, 1));
    assert!(stats.balances());
}

#[test]
fn map_keeps_the_order_and_reads_no_further_than_its_window() {
    let ctx = Context::new();
    let pool = Pool::new(&ctx, 1..=3).unwrap();
    let read = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&read);
    let items = (0..100_000_u64).inspect(move |_| {
        counts.fetch_add(1, Ordering::Relaxed);
    });
    let mut results = pool.try_map(&ctx, items, |n| Ok::<_, Infallible>(n * 2));
    assert_eq!(read.load(Ordering::Relaxed), 0, "nothing is read before it is asked for");
    assert_eq!(results.next().unwrap().unwrap(), 0);
    assert!(read.load(Ordering::Relaxed) <= 6, "two chunks of one for each worker");
    assert!(results.map(Result::unwrap).eq((1..100_000).map(|n| n * 2)));
}

#[test]
fn cancelling_a_map_reports_it_for_each_item_that_was_read_and_leaves_the_others() {
    let ctx = Context::new();
    let pool = Pool::new(&ctx, 1).unwrap();
    let stop = ctx.child();
    let mut items = 0..1_000;
    let (stops, mut seen) = (stop.clone(), 0);
    let results = pool.try_map(&stop, items.by_ref(), move |n| {
        if n == 10 {
            stops.cancel("enough");
        }
        Ok::<_, Infallible>(n)
    });
    for result in results {
        assert!(matches!(result, Ok(n) if n == seen) || result.unwrap_err().is_cancelled());
        seen += 1;
    }
    assert_eq!(
        items.next().map_or(1_000, |n| n),
        seen,
        "every item was reported, or is still there"
    );
    assert!(seen < 1_000);
}

/// conc#156: with errors among the results, those behind the last error were lost.
#[test]
fn results_behind_an_error_are_not_lost() {
    let ctx = Context::new();
    let pool = Pool::new(&ctx, 2).unwrap();
    let results: Vec<_> =
        pool.try_map(&ctx, 0..1_000, |n| if n % 7 == 3 { Err(n) } else { Ok(n) }).collect();
    assert_eq!(results.len(), 1_000);
    for (n, result) in (0..).zip(results) {
        let found = result.unwrap_or_else(|error| error.into_failed().unwrap());
        assert_eq!(found, n);
    }
}

/// ants#146: when all workers panicked, those who waited for room were stuck.
#[test]
fn when_every_job_panics_those_who_wait_for_room_still_get_it() {
    let ctx = Context::new();
    let pool = Pool::builder().workers(2).queue(1).build(&ctx).unwrap();
    let jobs: Vec<_> = (0..200)
        .map(|_| pool.submit(&ctx, || -> Result<(), ()> { panic!("on purpose") }).unwrap())
        .collect();
    assert!(jobs.into_iter().all(|job| job.join().unwrap_err().is_panicked()));
    assert_eq!((pool.stats().panicked, pool.stats().workers), (200, 2));
}

/// conc#88: jobs wait to be cancelled while the submission that would lead to it is blocked.
#[test]
fn jobs_that_end_on_cancel_end_though_a_submission_is_blocked() {
    let ctx = Context::new();
    let pool = Pool::builder().workers(1).queue(0).build(&ctx).unwrap();
    let group = pool.group(&ctx);
    let (started, has_started) = mpsc::channel();
    let waits = group.submit_with(&ctx, move |worker| {
        started.send(()).ok();
        Err::<(), _>(worker.context().wait())
    });
    has_started.recv().unwrap();
    let blocked = millstream::scope::<_, (), _>(&ctx, |s| {
        let stop = group.clone();
        s.spawn("canceller", move |_| {
            stop.cancel("enough");
            Ok(())
        });
        Ok(group.submit(&ctx, || Ok::<_, Infallible>(())))
    });
    assert!(
        matches!(blocked.unwrap(), Err(SubmitError::Closed(_, cause)) if cause.reason() == "enough")
    );
    assert!(waits.unwrap().join().is_err());
}

/// pond#68: the wait for a group missed jobs that had started.
#[test]
fn the_wait_for_a_group_misses_no_job_that_has_started() {
    let ctx = Context::new();
    let pool = Pool::new(&ctx, 2).unwrap();
    for _ in 0..500 {
        let group = pool.group(&ctx);
        let ended = Arc::new(AtomicUsize::new(0));
        for _ in 0..4 {
            let ended = Arc::clone(&ended);
            drop(
                group
                    .submit(&ctx, move || Ok::<_, Infallible>(ended.fetch_add(1, Ordering::SeqCst)))
                    .unwrap(),
            );
        }
        group.wait(&ctx).unwrap();
        assert_eq!(ended.load(Ordering::SeqCst), 4);
    }
}

/// sim-ln#221 and others: results that nobody joins were kept until the end.
#[test]
fn results_that_nobody_takes_are_dropped_as_they_come() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let ctx = Context::new();
    let pool = Pool::builder().workers(2).queue(64).build(&ctx).unwrap();
    let living = Arc::new(AtomicUsize::new(0));
    for _ in 0..100_000 {
        let living = Arc::clone(&living);
        let job = move || {
            living.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Infallible>(Counted(living))
        };
        drop(pool.submit(&ctx, job).unwrap());
    }
    pool.wait(&ctx).unwrap();
    assert_eq!(living.load(Ordering::SeqCst), 0);
    assert_eq!(Arc::strong_count(&living), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is done to a pool, in whatever order: every job that was taken ends in exactly one
    /// way, which its handle and the numbers agree on.
    #[test]
    fn every_job_that_was_taken_ends_once_whatever_happens(
        steps in prop::collection::vec((0_u8..12, 0_u32..4), 1..200),
        workers in (1_usize..3, 0_usize..3),
        queue in 0_usize..20,
        places in prop::option::of(1_u64..6),
    ) {
        let guard = leak::Guard::new();
        let ctx = guard.context();
        let builder = Pool::builder().workers(workers.0..=workers.0 + workers.1).queue(queue);
        let builder = if let Some(places) = places { builder.permits(places) } else { builder };
        let pool = builder.idle_timeout(Duration::ZERO).build(&ctx).unwrap();
        let groups = [pool.group(&ctx), pool.sub_pool(&ctx, 1), pool.sub_pool(&ctx, 2), pool.with_permits(2)];
        let mut jobs = Vec::new();
        for (step, n) in steps {
            let group = &groups[n as usize];
            match step {
                0..=6 => {
                    let job = move || match n {
                        0 => Ok(()),
                        1 => Err(()),
                        2 => { std::thread::yield_now(); Ok(()) }
                        _ => panic!("on purpose"),
                    };
                    if let Ok(job) = group.try_submit(job) { jobs.push(job); }
                }
                7 => if let Some(job) = jobs.get(n as usize) { job.cancel("by its handle"); },
                8 => pool.resize(1..=1 + n as usize).unwrap(),
                9 if n == 3 => groups[1].cancel("a group"),
                10 if n == 3 => pool.close(),
                11 if n == 3 => pool.abort("all"),
                _ => drop(pool.stats()),
            }
        }
        let taken = jobs.len() as u64;
        let mut ends = [0; 4];
        for job in jobs {
            ends[match job.join() {
                Ok(()) => 0,
                Err(JobError::Failed(())) => 1,
                Err(JobError::Panicked(_)) => 2,
                Err(JobError::Cancelled(_)) => 3,
                Err(other) => panic!("{other:?}"),
            }] += 1;
        }
        pool.wait(&ctx).unwrap();
        let stats = pool.stats();
        prop_assert_eq!(stats.submitted, taken);
        prop_assert_eq!([stats.done, stats.failed, stats.panicked, stats.cancelled], ends);
        prop_assert!(stats.balances(), "{:?}", stats);
    }
}
