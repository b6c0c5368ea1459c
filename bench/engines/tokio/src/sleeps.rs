//! Sleeps of ten milliseconds, 50,000 at a time: futures in one task, and a task for each behind a
//! semaphore.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt};
use protocol::{AT_ONCE, Measured, SLEEP, once};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, unconstrained};

async fn job(n: u64) -> u64 {
    tokio::time::sleep(SLEEP).await;
    n
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("a runtime")
}

/// All of them are polled by one task; a panic of one ends all.
pub(crate) fn buffered(n: u64) -> Measured {
    let runtime = runtime();
    once(n, |n| {
        let sum = async move {
            let jobs = stream::iter(0..n).map(job).buffer_unordered(AT_ONCE);
            jobs.fold(0u64, |sum, n| async move { sum.wrapping_add(n) }).await
        };
        // tokio lets a task have 128 timers a turn; with 50,000 in one task each turn would ask
        // all the others in vain.
        runtime.block_on(runtime.spawn(unconstrained(sum))).expect("the task ends well")
    })
}

/// A task each, with its result or its panic; those that have finished are joined before the
/// next one starts.
pub(crate) fn joined(n: u64) -> Measured {
    let runtime = runtime();
    once(n, |n| {
        let sum = async move {
            let places = Arc::new(Semaphore::new(AT_ONCE));
            let (mut jobs, mut sum) = (JoinSet::new(), 0u64);
            for n in 0..n {
                let place = Arc::clone(&places).acquire_owned().await.expect("it is never closed");
                jobs.spawn(async move {
                    let _place = place;
                    job(n).await
                });
                while let Some(ended) = jobs.try_join_next() {
                    sum = sum.wrapping_add(ended.expect("the job ends well"));
                }
            }
            while let Some(ended) = jobs.join_next().await {
                sum = sum.wrapping_add(ended.expect("the job ends well"));
            }
            sum
        };
        runtime.block_on(runtime.spawn(sum)).expect("the task ends well")
    })
}
