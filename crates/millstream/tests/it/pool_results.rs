//! What comes of jobs: values without a `Result`, errors with their chains, results as they finish,
//! refused jobs.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use anyhow::Context as _;
use millstream::pool::{SubmitError, TrySubmitError};
use millstream::{AnyError, Cause, Context, JobError, Pool};

/// An error with a source, as libraries have them.
#[derive(Debug)]
struct Reading(std::io::Error);

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("reading config")
    }
}

impl Error for Reading {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

fn missing() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::NotFound, "no such file")
}

/// The texts of a chain, from the outside in.
fn texts(error: &(dyn Error + 'static)) -> Vec<String> {
    let (mut texts, mut next) = (Vec::new(), Some(error));
    while let Some(error) = next {
        texts.push(error.to_string());
        next = error.source();
    }
    texts
}

#[test]
fn the_chain_of_a_jobs_error_has_each_text_once_and_all_its_types() {
    let ctx = Context::new();
    let pool = Pool::new(&ctx, 1).unwrap();
    let error = pool.submit(&ctx, || Err::<(), _>(Reading(missing()))).unwrap().join().unwrap_err();
    assert_eq!(texts(&error), ["reading config", "no such file"]);
    assert!(error.downcast_ref::<Reading>().is_some());
    assert!(error.downcast_ref::<std::io::Error>().is_some());
    assert!(error.downcast_ref::<fmt::Error>().is_none());
    // As the source of a program's own error, and with anyhow's way to print it.
    let outer = anyhow::Error::from(error).context("starting");
    assert_eq!(format!("{outer:#}"), "starting: reading config: no such file");
}

#[test]
fn an_error_of_anyhow_or_in_a_box_keeps_its_context() {
    let ctx = Context::new();
    let pool = Pool::new(&ctx, 1).unwrap();
    let anyhow = || Err::<(), _>(missing()).context("reading config").context("starting");
    let error = pool.submit(&ctx, anyhow).unwrap().join().unwrap_err();
    let error: JobError<AnyError> = error.boxed();
    assert_eq!(texts(&error), ["starting", "reading config", "no such file"]);
    assert!(error.downcast_ref::<std::io::Error>().is_some());
    let boxed = || Err::<(), Box<dyn Error + Send + Sync>>(Box::new(Reading(missing())));
    let error = pool.submit(&ctx, boxed).unwrap().join().unwrap_err().boxed();
    assert_eq!(texts(&error), ["reading config", "no such file"]);
    assert!(error.downcast_ref::<Reading>().is_some());
    let text = pool.submit(&ctx, || Err::<(), _>("no config")).unwrap().join().unwrap_err().boxed();
    assert_eq!(texts(&text), ["no config"]);
}

#[test]
fn a_cancelled_job_says_so_once() {
    let text = |cause: Cause| JobError::<fmt::Error>::Cancelled(cause).to_string();
    assert_eq!(text(Cause::from("not needed")), "cancelled: not needed");
    assert_eq!(text(Cause::deadline()), "cancelled: the deadline has passed");
    assert_eq!(text(Cause::dropped()), "cancelled: the other side is gone");
    assert_eq!(texts(&JobError::<fmt::Error>::Cancelled("enough".into())).len(), 1);
}

#[test]
fn a_refused_job_is_an_error_for_anyhow_and_a_box_whatever_it_captures() {
    fn any(pool: &Pool, numbers: mpsc::Receiver<u32>) -> anyhow::Result<u32> {
        let ctx = Context::new();
        Ok(pool.spawn(&ctx, move || numbers.iter().sum())?.join()?)
    }
    fn boxed(pool: &Pool, cell: std::cell::Cell<u32>) -> Result<u32, Box<dyn Error + Send + Sync>> {
        Ok(pool.try_submit(move || Ok::<_, fmt::Error>(cell.get()))?.join()?)
    }
    let pool = Pool::new(&Context::new(), 1).unwrap();
    let (sender, numbers) = mpsc::channel();
    sender.send(7).unwrap();
    drop(sender);
    assert_eq!(any(&pool, numbers).unwrap(), 7);
    assert_eq!(boxed(&pool, 8.into()).unwrap(), 8);
    pool.close();
    let (_sender, numbers) = mpsc::channel();
    assert!(any(&pool, numbers).unwrap_err().to_string().contains("takes no jobs"));
    assert!(boxed(&pool, 8.into()).unwrap_err().to_string().contains("takes no jobs"));
    // The job is still to be had, with what it captured.
    let cell = std::cell::Cell::new(9);
    match pool.spawn(&Context::new(), move || cell.get()) {
        Err(SubmitError::Closed(refused, _)) => assert_eq!(refused.into_job()(), 9),
        other => panic!("{other:?}"),
    }
    let cell = std::cell::Cell::new(10);
    match pool.try_spawn(move || cell.get()) {
        Err(TrySubmitError::Closed(refused, _)) => assert_eq!(refused.into_job()(), 10),
        other => panic!("{other:?}"),
    }
}

#[test]
fn jobs_return_plain_values_by_every_door() {
    let ctx = Context::new();
    let pool = Pool::builder().workers(1).state(|number| number * 100).build(&ctx).unwrap();
    assert_eq!(pool.spawn(&ctx, || 1).unwrap().join().unwrap(), 1);
    assert_eq!(pool.try_spawn(|| "two").unwrap().join().unwrap(), "two");
    assert_eq!(pool.spawn_with(&ctx, |worker| *worker.state()).unwrap().join().unwrap(), 100);
    let squares: Vec<u32> = pool.map(&ctx, 0..100, |n| n * n).map(Result::unwrap).collect();
    assert!(squares.into_iter().eq((0..100).map(|n| n * n)));
    let sums = pool.map_with(&ctx, 1..=2, |worker, n| *worker.state() + n);
    assert_eq!(sums.collect::<Result<Vec<_>, _>>().unwrap(), [101, 102]);
    let odd = pool
        .try_map_with(&ctx, 1..=2, |_, n| if n % 2 == 0 { Ok(n) } else { Err(Reading(missing())) });
    assert_eq!(odd.map(|result| result.is_ok()).collect::<Vec<_>>(), [false, true]);
    // A job that returns a Result as its value is none that fails.
    pool.spawn(&ctx, || Err::<(), _>("no")).unwrap().detach();
    pool.wait(&ctx).unwrap();
    assert_eq!(pool.stats().failed, 0);
}

#[test]
fn results_come_as_they_finish_and_a_slow_one_holds_nothing_back() {
    let ctx = Context::new();
    let pool = Pool::new(&ctx, 2).unwrap();
    let (open, closed) = mpsc::channel::<()>();
    let closed = std::sync::Mutex::new(closed);
    let mut results = pool
        .map(&ctx, 0..100_u32, move |n| {
            if n == 0 {
                // Ends when all others have come.
                closed.lock().unwrap().recv().unwrap();
            }
            n
        })
        .unordered();
    let others: BTreeSet<u32> = results.by_ref().take(99).map(Result::unwrap).collect();
    assert!(others.into_iter().eq(1..100));
    open.send(()).unwrap();
    assert_eq!(results.next().unwrap().unwrap(), 0);
    assert!(results.next().is_none());
}

#[test]
fn unordered_results_are_each_item_once_with_errors_and_panics_among_them() {
    let ctx = Context::new();
    for workers in [1, 3] {
        let pool = Pool::new(&ctx, workers).unwrap();
        let results = pool.try_map(&ctx, 0..5_000_u32, |n| match n % 1_000 {
            7 => panic!("{n}"),
            8 => Err(n),
            _ => Ok(n),
        });
        let mut seen: Vec<u32> = results
            .unordered()
            .map(|result| match result {
                Ok(n) | Err(JobError::Failed(n)) => n,
                Err(JobError::Panicked(panic)) => panic.message().parse().unwrap(),
                Err(other) => panic!("{other}"),
            })
            .collect();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..5_000));
    }
}

#[test]
fn cancelling_unordered_results_loses_no_item_and_reads_no_more() {
    let ctx = Context::new();
    let pool = Pool::new(&ctx, 2).unwrap();
    let stop = ctx.child();
    let mut items = 0..10_000_u32;
    let stops = stop.clone();
    let results = pool.map(&stop, items.by_ref(), move |n| {
        if n == 10 {
            stops.cancel("enough");
        }
        n
    });
    let mut first = results;
    assert_eq!(first.next().unwrap().unwrap(), 0);
    let seen = 1 + first.unordered().count();
    assert_eq!(
        items.next().map_or(10_000, |n| n as usize),
        seen,
        "each item has a result, or is still there"
    );
}

#[test]
fn unordered_results_that_are_dropped_cancel_what_has_not_started() {
    let ctx = Context::new();
    let pool = Pool::new(&ctx, 1).unwrap();
    let ran = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&ran);
    let mut results =
        pool.map(&ctx, 0.., move |_: u64| counts.fetch_add(1, Ordering::SeqCst)).unordered();
    results.next().unwrap().unwrap();
    drop(results);
    pool.drain(&ctx).unwrap();
    let stats = pool.stats();
    assert!(stats.balances() && stats.submitted <= 3, "{stats:?}");
}

#[test]
fn a_job_that_asks_its_own_pool_for_unordered_results_gets_them() {
    let ctx = Context::new();
    let pool = Arc::new(Pool::builder().workers(1).queue(1).build(&ctx).unwrap());
    let (own, there) = (Arc::clone(&pool), ctx.clone());
    let sum = pool.spawn(&ctx, move || {
        own.map(&there, 0..100_u32, |n| n).unordered().map(Result::unwrap).sum::<u32>()
    });
    assert_eq!(sum.unwrap().join().unwrap(), 4_950);
}

#[test]
fn a_group_is_cancelled_and_its_pool_goes_on() {
    let ctx = Context::new();
    let pool = Pool::new(&ctx, 1).unwrap();
    let group = pool.group(&ctx);
    group.cancel("not needed");
    assert!(!pool.context().is_cancelled());
    assert!(group.try_spawn(|| 1).is_err());
    assert_eq!(pool.try_spawn(|| 1).unwrap().join().unwrap(), 1);
    pool.abort("the end");
    assert_eq!(pool.context().cause().unwrap().reason(), "the end");
}
