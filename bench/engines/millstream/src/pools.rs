//! The library's pool by its public items, as its users would write it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use millstream::pipeline::Workers;
use millstream::pool::JobHandle;
use millstream::{Context, Pool};
use protocol::burst::{self, Reaction};
use protocol::{Measured, once, spin};

use crate::whole::WHOLE;

/// Handles that are open at a time where not all are kept.
const WINDOW: usize = 1_000;

fn pool(ctx: &Context, workers: impl Into<Workers>) -> Pool {
    Pool::new(ctx, workers).expect(WHOLE)
}

/// One submission a job, all handles kept, then joined in order.
fn submitted<J>(n: u64, workers: impl Into<Workers>, job: J) -> Measured
where
    J: Fn(u64) -> u64 + Copy + Send + 'static,
{
    let ctx = Context::new();
    let pool = pool(&ctx, workers);
    once(n, |n| {
        let submit = |n| pool.submit(&ctx, move || Ok::<_, Infallible>(job(n))).expect(WHOLE);
        let jobs: Vec<_> = (0..n).map(submit).collect();
        jobs.into_iter().fold(0, |sum, job| sum.wrapping_add(job.join().expect(WHOLE)))
    })
}

pub(crate) fn empty(n: u64) -> Measured {
    submitted(n, 2, |n| n)
}

pub(crate) fn empty_elastic(n: u64) -> Measured {
    submitted(n, 1..=2, |n| n)
}

pub(crate) fn spins(n: u64) -> Measured {
    submitted(n, 2, spin)
}

/// One submission a job; the oldest of a thousand handles is joined before the next job is
/// submitted.
pub(crate) fn empty_window(n: u64) -> Measured {
    let ctx = Context::new();
    let pool = pool(&ctx, 2);
    once(n, |n| {
        let mut open: VecDeque<JobHandle<u64, Infallible>> = VecDeque::with_capacity(WINDOW);
        let mut sum = 0u64;
        for n in 0..n {
            if open.len() == WINDOW
                && let Some(oldest) = open.pop_front()
            {
                sum = sum.wrapping_add(oldest.join().expect(WHOLE));
            }
            open.push_back(pool.submit(&ctx, move || Ok(n)).expect(WHOLE));
        }
        open.into_iter().fold(sum, |sum, job| sum.wrapping_add(job.join().expect(WHOLE)))
    })
}

/// Nobody keeps a handle; each job's end is in the pool's numbers only.
pub(crate) fn detached(n: u64) -> Measured {
    let ctx = Context::new();
    once(n, |n| {
        let pool = pool(&ctx, 2);
        for n in 0..n {
            pool.spawn(&ctx, move || std::hint::black_box(n)).expect(WHOLE).detach();
        }
        pool.drain(&ctx).expect(WHOLE);
        assert_eq!(pool.stats().done, n, "each job is counted");
        n * (n - 1) / 2
    })
}

fn through_map(n: u64, workers: impl Into<Workers>) -> Measured {
    let ctx = Context::new();
    let pool = pool(&ctx, workers);
    once(n, |n| {
        let results = pool.map(&ctx, 0..n, std::hint::black_box);
        results.fold(0, |sum, n| sum.wrapping_add(n.expect(WHOLE)))
    })
}

pub(crate) fn mapped(n: u64) -> Measured {
    through_map(n, 2)
}

pub(crate) fn mapped_elastic(n: u64) -> Measured {
    through_map(n, 1..=2)
}

fn bursts(n: u64, workers: impl Into<Workers>) -> Measured {
    let ctx = Context::new();
    let pool = pool(&ctx, workers);
    let job = || {
        std::thread::sleep(burst::JOB);
        Ok::<u64, Infallible>(1)
    };
    burst::bursts(n, |jobs| {
        let jobs: Vec<_> = (0..jobs).map(|_| pool.submit(&ctx, job).expect(WHOLE)).collect();
        jobs.into_iter().map(|job| job.join().expect(WHOLE)).sum()
    })
}

pub(crate) fn burst_fixed_1(n: u64) -> Measured {
    bursts(n, 1)
}

pub(crate) fn burst_fixed_16(n: u64) -> Measured {
    bursts(n, 16)
}

pub(crate) fn burst_elastic(n: u64) -> Measured {
    bursts(n, 1..=16)
}

/// A pool that lets its workers go fast, so that each burst finds one.
fn forgetful(ctx: &Context) -> Pool {
    let pool = Pool::builder().workers(1..=16).idle_timeout(Duration::from_millis(2));
    pool.build(ctx).expect(WHOLE)
}

/// Waits, for a second at most, until the pool has `most` workers or fewer; returns how many it has
/// then.
fn shrunk(pool: &Pool, workers: usize) -> usize {
    for _ in 0..1_000 {
        if pool.stats().workers <= workers {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    pool.stats().workers
}

pub(crate) fn reaction(n: u64) -> Measured {
    let ctx = Context::new();
    let pool = forgetful(&ctx);
    burst::reactions(n, || {
        assert_eq!(shrunk(&pool, 1), 1, "each burst finds one worker");
        std::thread::sleep(burst::PAUSE);
        let reaction = Arc::new(Reaction::new());
        let submit = |_| {
            let reaction = Arc::clone(&reaction);
            pool.submit(&ctx, move || Ok::<_, Infallible>(reaction.job())).expect(WHOLE)
        };
        let jobs: Vec<_> = (0..burst::JOBS).map(submit).collect();
        let ended = jobs.into_iter().map(|job| job.join().expect(WHOLE)).sum();
        (reaction.time(), ended)
    })
}

/// How many workers an elastic pool has a moment after a burst that had more of them.
pub(crate) fn idle_workers(n: u64) -> Measured {
    let ctx = Context::new();
    let pool = forgetful(&ctx);
    let mut most = 0;
    let (_, answer) = burst::bursts(n, |jobs| {
        let job = || {
            std::thread::sleep(burst::JOB);
            Ok::<u64, Infallible>(1)
        };
        let jobs: Vec<_> = (0..jobs).map(|_| pool.submit(&ctx, job).expect(WHOLE)).collect();
        let ended = jobs.into_iter().map(|job| job.join().expect(WHOLE)).sum();
        most = shrunk(&pool, 1).max(most);
        ended
    });
    assert!(pool.stats().most_workers > 1, "there were workers to let go");
    (most as f64, answer)
}
