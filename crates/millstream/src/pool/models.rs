//! Models of the pool's lock under every interleaving that loom finds: a job and a worker that
//! falls asleep, grows out of a look, or leaves. They are here and not in `tests/loom` because the
//! look and the idle time are private.
//!
//! A look is called by a thread of the model in place of the clock, and an idle time of nothing is
//! over at once.

use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::time::Duration;

use loom::thread;

use super::job_length::JobLength;
use super::{Builder, Nested, Pool};
use crate::Context;
use crate::sync::Arc;

/// Runs a model with a bound on how often a thread is interrupted where it need not wait.
fn model(interruptions: usize, f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(interruptions);
    builder.check(f);
}

fn pool(least: usize, most: usize, queue: usize) -> Pool {
    let builder = Builder::new().workers(least..=most).queue(queue).idle_timeout(Duration::ZERO);
    builder.nested(Nested::Refuse).build(&Context::new()).expect("a model has threads")
}

fn job(n: u8) -> impl FnOnce() -> Result<u8, Infallible> + Send + 'static {
    move || Ok(n)
}

/// On a thread of its own: loom's joins do not bear a late wake-up, which parkers do.
fn on_a_thread(f: impl FnOnce() + 'static) {
    thread::spawn(f).join().expect("it does not panic");
}

#[test]
fn a_job_that_comes_while_the_only_worker_falls_asleep_is_run() {
    model(3, || {
        on_a_thread(|| {
            let pool = pool(1, 1, 1);
            let handle = pool.try_submit(job(7)).expect("there is room");
            assert_eq!(handle.join().expect("it returns well"), 7);
            pool.close();
        });
    });
}

#[test]
fn a_worker_that_leaves_and_a_job_that_comes_do_not_miss_each_other() {
    model(2, || {
        on_a_thread(|| {
            let pool = pool(1, 2, 4);
            let first = pool.try_submit(job(1)).expect("there is room");
            // A second worker may be started, and leaves as soon as it finds nothing.
            pool.all.core.check_scale();
            let second = pool.try_submit(job(2)).expect("there is room");
            assert_eq!(first.join().expect("it returns well"), 1);
            assert_eq!(second.join().expect("it returns well"), 2);
            let stats = pool.stats();
            assert!(stats.workers >= 1 && stats.most_workers <= 2, "{stats:?}");
        });
    });
}

#[test]
fn a_look_beside_submissions_never_starts_more_than_the_most() {
    // Four threads: with one more interruption it takes minutes.
    model(1, || {
        on_a_thread(|| {
            let pool = Arc::new(pool(1, 2, 4));
            let looks = Arc::clone(&pool);
            let look = thread::spawn(move || looks.all.core.check_scale());
            let handle = pool.try_submit(job(1)).expect("there is room");
            pool.all.core.check_scale();
            assert_eq!(handle.join().expect("it returns well"), 1);
            look.join().expect("a look does not panic");
            assert!(pool.stats().most_workers <= 2);
        });
    });
}

#[test]
fn a_waiter_for_room_is_notified_when_there_is_some() {
    model(2, || {
        on_a_thread(|| {
            let pool = pool(1, 1, 0);
            let ctx = Context::new();
            let first = pool.submit(&ctx, job(1)).expect("it waits for room");
            let second = pool.submit(&ctx, job(2)).expect("it waits for room");
            assert_eq!(first.join().expect("it returns well"), 1);
            assert_eq!(second.join().expect("it returns well"), 2);
        });
    });
}

#[test]
fn closing_ends_every_worker_whatever_it_does() {
    model(2, || {
        on_a_thread(|| {
            let pool = pool(2, 2, 4);
            let handle = pool.try_submit(job(1)).expect("there is room");
            // Dropping joins: a worker that missed the end would hang the model.
            drop(pool);
            assert_eq!(handle.join().expect("what was taken is run"), 1);
        });
    });
}

#[test]
fn an_abort_at_any_moment_runs_a_job_or_cancels_it_and_never_loses_it() {
    model(2, || {
        on_a_thread(|| {
            let pool = pool(1, 1, 4);
            let handle = pool.try_submit(job(1)).expect("there is room");
            pool.abort("enough");
            match handle.join() {
                Ok(n) => assert_eq!(n, 1),
                Err(error) => assert!(error.is_cancelled()),
            }
            drop(pool);
        });
    });
}

#[test]
fn short_jobs_in_a_local_queue_are_run_by_any_worker_that_takes_them() {
    model(1, || {
        on_a_thread(|| {
            let pool = pool(2, 2, 16);
            pool.all.core.length.set(JobLength::Short);
            let handles = [1, 2, 3].map(|n| pool.try_submit(job(n)).expect("there is room"));
            // In place of the look that was asked for.
            pool.all.core.check_scale();
            for (n, handle) in (1..).zip(handles) {
                assert_eq!(handle.join().expect("it returns well"), n);
            }
        });
    });
}

/// A pool whose jobs are thought short, and of which a look has been asked for: its injector is
/// open while a worker is at work.
fn with_short_jobs(workers: usize) -> Pool {
    let pool = pool(workers, workers, 16);
    pool.all.core.length.set(JobLength::Short);
    pool.all.core.lock().is_check_due = true;
    pool
}

#[test]
fn a_job_that_is_put_into_the_injector_is_fetched_whatever_the_worker_does() {
    model(2, || {
        on_a_thread(|| {
            let pool = with_short_jobs(1);
            let handles = [1, 2].map(|n| pool.try_submit(job(n)).expect("there is room"));
            for (n, handle) in (1..).zip(handles) {
                assert_eq!(handle.join().expect("it returns well"), n);
            }
            let stats = pool.stats();
            assert_eq!((stats.submitted, stats.done), (2, 2));
        });
    });
}

#[test]
fn an_abort_finds_what_is_in_the_injector() {
    model(2, || {
        on_a_thread(|| {
            let pool = with_short_jobs(1);
            let handles = [1, 2].map(|n| pool.try_submit(job(n)).expect("there is room"));
            pool.abort("enough");
            for (n, handle) in (1..).zip(handles) {
                match handle.join() {
                    Ok(ran) => assert_eq!(ran, n),
                    Err(error) => assert!(error.is_cancelled()),
                }
            }
            drop(pool);
        });
    });
}

#[test]
fn a_job_beside_a_close_is_run_or_comes_back() {
    model(2, || {
        on_a_thread(|| {
            let pool = Arc::new(with_short_jobs(1));
            let first = pool.try_submit(job(1)).expect("there is room");
            let theirs = Arc::clone(&pool);
            let closes = thread::spawn(move || theirs.close());
            match pool.try_submit(job(2)) {
                Ok(second) => assert_eq!(second.join().expect("what was taken is run"), 2),
                Err(refused) => assert!(!refused.is_full()),
            }
            assert_eq!(first.join().expect("what was taken is run"), 1);
            closes.join().expect("a close does not panic");
            assert!(pool.try_submit(job(3)).is_err(), "it is closed");
        });
    });
}

#[test]
fn a_job_behind_one_that_is_long_is_found_by_a_look() {
    model(1, || {
        on_a_thread(|| {
            let pool = with_short_jobs(2);
            let ctx = Context::new();
            let (waits, ends) = (ctx.clone(), ctx.clone());
            let long =
                pool.try_submit(move || Ok::<_, Infallible>(waits.wait())).expect("there is room");
            let second = pool
                .try_submit(move || Ok::<_, Infallible>(ends.cancel("met")))
                .expect("there is room");
            // In place of the clock, until they have met.
            while !ctx.is_cancelled() {
                pool.all.core.check_scale();
                thread::yield_now();
            }
            assert!(second.join().is_ok());
            assert_eq!(long.join().expect("it returns well").reason(), "met");
        });
    });
}
