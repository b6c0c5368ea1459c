//! What a pool costs a job: `cargo bench -p millstream --bench pool`.
//!
//! Ratios within one run count, not times. Peers are measured by `cargo xtask bench pools`.
#![expect(clippy::unwrap_used, reason = "nothing here fails but by a defect")]

use std::convert::Infallible;

use divan::{Bencher, black_box, counter::ItemsCount};
use millstream::{Context, Pool};

fn main() {
    divan::main();
}

const JOBS: u64 = 200_000;

/// Empty jobs, one at a time, each with its typed handle, all joined at the end.
#[divan::bench(args = [1, 2], sample_count = 20)]
fn empty_jobs_with_handles(bencher: Bencher<'_, '_>, workers: usize) {
    let ctx = Context::new();
    let pool = Pool::new(&ctx, workers).unwrap();
    bencher.counter(ItemsCount::new(JOBS)).bench_local(|| {
        let jobs: Vec<_> = (0..JOBS)
            .map(|n| pool.submit(&ctx, move || Ok::<_, Infallible>(black_box(n))).unwrap())
            .collect();
        jobs.into_iter().map(|job| job.join().unwrap()).sum::<u64>()
    });
}

/// Empty jobs whose handles are dropped.
#[divan::bench(args = [1, 2], sample_count = 20)]
fn empty_jobs_detached(bencher: Bencher<'_, '_>, workers: usize) {
    let ctx = Context::new();
    let pool = Pool::new(&ctx, workers).unwrap();
    bencher.counter(ItemsCount::new(JOBS)).bench_local(|| {
        for n in 0..JOBS {
            drop(pool.submit(&ctx, move || Ok::<_, Infallible>(black_box(n))).unwrap());
        }
        pool.wait(&ctx).unwrap();
    });
}

/// The same work through `map`.
#[divan::bench(args = [1, 2], sample_count = 20)]
fn empty_items_mapped(bencher: Bencher<'_, '_>, workers: usize) {
    let ctx = Context::new();
    let pool = Pool::new(&ctx, workers).unwrap();
    bencher
        .counter(ItemsCount::new(JOBS))
        .bench_local(|| pool.map(&ctx, 0..JOBS, black_box).map(Result::unwrap).sum::<u64>());
}
