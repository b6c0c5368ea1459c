//! Sleeps of ten milliseconds, 50,000 at a time, in the library's pool of tasks.

use std::collections::VecDeque;
use std::convert::Infallible;

use millstream::{Context, TaskPool};
use protocol::{AT_ONCE, Measured, SLEEP, once};
use tokio::runtime::{Builder, Runtime};

use crate::whole::WHOLE;

async fn job(n: u64) -> Result<u64, Infallible> {
    tokio::time::sleep(SLEEP).await;
    Ok(n)
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime")
}

fn two_threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("a runtime")
}

/// Each job's result is joined by its handle, the oldest first.
async fn by_handles(n: u64) -> u64 {
    let ctx = Context::new();
    let pool = TaskPool::new(&ctx, AT_ONCE);
    let (mut open, mut sum) = (VecDeque::new(), 0u64);
    for n in 0..n {
        open.push_back(pool.submit(&ctx, job(n)).await.expect(WHOLE));
        if open.len() > AT_ONCE
            && let Some(oldest) = open.pop_front()
        {
            sum = sum.wrapping_add(oldest.await.expect(WHOLE));
        }
    }
    for job in open {
        sum = sum.wrapping_add(job.await.expect(WHOLE));
    }
    pool.drain(&ctx).await.expect(WHOLE);
    sum
}

pub(crate) fn joined(n: u64) -> Measured {
    let runtime = one_thread();
    once(n, |n| runtime.block_on(by_handles(n)))
}

pub(crate) fn joined_by_two(n: u64) -> Measured {
    let runtime = two_threads();
    once(n, |n| runtime.block_on(runtime.spawn(by_handles(n))).expect(WHOLE))
}

/// The handles are dropped; each job's result or panic is in the pool's numbers only.
pub(crate) fn counted(n: u64) -> Measured {
    let runtime = one_thread();
    once(n, |n| {
        runtime.block_on(async {
            let ctx = Context::new();
            let pool = TaskPool::new(&ctx, AT_ONCE);
            for n in 0..n {
                pool.submit(&ctx, job(n)).await.expect(WHOLE).detach();
            }
            pool.drain(&ctx).await.expect(WHOLE);
            assert_eq!(pool.stats().done, n, "each job is counted");
            n * (n - 1) / 2
        })
    })
}
