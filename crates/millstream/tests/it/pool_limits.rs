//! Pools at their limits: growth for jobs that wait and for jobs that compute, absurd numbers of
//! workers, threads that the system refuses.

use std::convert::Infallible;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use millstream::{Context, Pool};

use crate::support;

/// Jobs that end only when `count` of them run at the same time.
fn meet(pool: &Pool, ctx: &Context, count: usize) {
    let all_here = Arc::new(Barrier::new(count));
    for _ in 0..count {
        let all_here = Arc::clone(&all_here);
        drop(pool.submit(ctx, move || Ok::<_, Infallible>(all_here.wait())).unwrap());
    }
    pool.wait(ctx).unwrap();
}

#[test]
fn a_pool_with_an_absurd_maximum_grows_for_jobs_that_wait_and_only_as_far_as_there_are_jobs() {
    let ctx = Context::new();
    for (queue, places) in [(usize::MAX, None), (1_024, None), (0, Some(u64::MAX))] {
        let builder = Pool::builder().workers(1..=usize::MAX).queue(queue);
        let pool = match places {
            Some(places) => builder.permits(places).build(&ctx).unwrap(),
            None => builder.build(&ctx).unwrap(),
        };
        meet(&pool, &ctx, 24);
        let most = pool.stats().most_workers;
        assert_eq!(most, 24, "workers for as many jobs");
        // What short jobs and chunks are divided by and multiplied with has no limit either.
        for _ in 0..2_000 {
            drop(pool.submit(&ctx, || Ok::<_, Infallible>(())).unwrap());
        }
        let squares = pool.map(&ctx, 0..5_000_u64, |n| n * n);
        assert!(squares.map(Result::unwrap).eq((0..5_000).map(|n| n * n)));
        pool.resize(2..=usize::MAX).unwrap();
        pool.wait(&ctx).unwrap();
        assert!(pool.stats().balances());
    }
}

#[test]
fn a_map_of_a_pool_without_a_limit_reads_no_more_than_some_chunks_ahead() {
    let ctx = Context::new();
    let pool = Pool::builder().workers(1..=usize::MAX).queue(usize::MAX).build(&ctx).unwrap();
    let mut items = 0_u64..;
    let mut results = pool.map(&ctx, items.by_ref(), |n| n);
    assert_eq!(results.next().unwrap().unwrap(), 0);
    drop(results);
    let read = items.next().unwrap();
    assert!(read <= 2_048, "{read} items were read for the first result");
}

#[test]
fn more_workers_than_a_process_can_have_are_an_error_and_cost_nothing() {
    if !cfg!(target_os = "linux") {
        // Elsewhere the system names no number.
        return;
    }
    let ctx = Context::new();
    for workers in [usize::MAX, usize::MAX / 2, 1 << 40] {
        let refused = Pool::new(&ctx, workers).unwrap_err();
        assert!(refused.to_string().contains("refused a thread"), "{refused}");
    }
    let pool = Pool::new(&ctx, 1).unwrap();
    assert!(pool.resize(usize::MAX).is_err());
    let stats = pool.stats();
    assert_eq!((stats.workers, stats.most_workers), (1, 1));
    assert_eq!(pool.submit(&ctx, || Ok::<_, Infallible>(7)).unwrap().join().unwrap(), 7);
}

#[test]
fn jobs_that_compute_get_as_many_workers_as_cores_whatever_the_maximum_is() {
    if !cfg!(target_os = "linux") {
        // Only Linux says whether a thread computes.
        return;
    }
    let ctx = Context::new();
    let cores = std::thread::available_parallelism().unwrap().get();
    let pool = Pool::new(&ctx, 1..=usize::MAX).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    for _ in 0..8 * cores {
        let stop = Arc::clone(&stop);
        let job = move || {
            while !stop.load(Ordering::Relaxed) {
                black_box((0..1_000_u64).fold(0, |sum, n| sum ^ black_box(n)));
            }
            Ok::<_, Infallible>(())
        };
        drop(pool.submit(&ctx, job).unwrap());
    }
    while pool.stats().running < cores as u64 {
        std::thread::yield_now();
    }
    // Several looks pass while all cores are in use.
    ctx.sleep(Duration::from_millis(50)).unwrap();
    stop.store(true, Ordering::Relaxed);
    pool.wait(&ctx).unwrap();
    assert!(pool.stats().most_workers <= cores, "{:?}", pool.stats());
}

#[test]
fn a_thread_that_the_system_refuses_ends_the_growth_of_a_pool_and_nothing_else() {
    if support::role().is_some() {
        let ctx = Context::new();
        assert!(Pool::new(&ctx, 1_000).is_err(), "the stacks are too large for a thousand");
        let pool = Pool::builder().workers(1..=1_000).queue(1_000).build(&ctx).unwrap();
        let open = Context::new();
        let jobs: Vec<_> = (0..100)
            .map(|n| {
                let open = open.clone();
                pool.submit(&ctx, move || Ok::<_, Infallible>((n, open.wait()))).unwrap()
            })
            .collect();
        while pool.stats().running < 4 {
            std::thread::yield_now();
        }
        assert!(pool.resize(500).is_err());
        // Missing workers are not asked for again with each job.
        let late = pool.submit(&ctx, || Ok::<_, Infallible>(7)).unwrap();
        open.cancel("seen");
        for (n, job) in (0..).zip(jobs) {
            assert_eq!(job.join().unwrap().0, n);
        }
        assert_eq!(late.join().unwrap(), 7);
        println!("all jobs ran on {} workers", pool.stats().most_workers);
        return;
    }
    if !cfg!(target_os = "linux") {
        return;
    }
    // Room for a dozen large stacks, and among them for all else.
    let test =
        "pool_limits::a_thread_that_the_system_refuses_ends_the_growth_of_a_pool_and_nothing_else";
    let shell = "export RUST_MIN_STACK=268435456; ulimit -v 3500000;";
    let output = support::run_as("refused", test, shell).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("all jobs ran on"), "{text}");
}
