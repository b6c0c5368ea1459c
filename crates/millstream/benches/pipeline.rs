//! What a pipeline costs beside the loop that it replaces: `cargo bench -p millstream`.
//!
//! Ratios within one run count, not times. Peers are measured by `cargo xtask bench engines`.
#![expect(clippy::unwrap_used, reason = "nothing here fails but by a defect")]

use divan::{Bencher, black_box, counter::ItemsCount};
use millstream::{Context, Pipeline};

fn main() {
    divan::main();
}

const SIZES: [u64; 3] = [5, 1_000, 1_000_000];

/// The guide's first pipeline: source, square, keep even, collect.
mod numbers {
    use super::*;

    #[divan::bench(args = SIZES)]
    fn plain_loop(bencher: Bencher<'_, '_>, size: u64) {
        bencher.counter(ItemsCount::new(size)).bench(|| {
            let mut even = Vec::new();
            for n in 0..black_box(size) {
                let square = n.wrapping_mul(n);
                if square % 2 == 0 {
                    even.push(square);
                }
            }
            even
        });
    }

    #[divan::bench(args = SIZES)]
    fn iterator(bencher: Bencher<'_, '_>, size: u64) {
        let run = || {
            (0..black_box(size))
                .map(|n| n.wrapping_mul(n))
                .filter(|n| n % 2 == 0)
                .collect::<Vec<u64>>()
        };
        bencher.counter(ItemsCount::new(size)).bench(run);
    }

    #[divan::bench(args = SIZES)]
    fn pipeline(bencher: Bencher<'_, '_>, size: u64) {
        let ctx = Context::new();
        bencher.counter(ItemsCount::new(size)).bench(|| {
            let numbers = Pipeline::from_iter(0..black_box(size));
            numbers.map(|n| n.wrapping_mul(n)).filter(|n| n % 2 == 0).collect(&ctx).unwrap()
        });
    }

    #[divan::bench(args = SIZES)]
    fn pipeline_parallel(bencher: Bencher<'_, '_>, size: u64) {
        let (ctx, cores) = (Context::new(), cores());
        bencher.counter(ItemsCount::new(size)).bench(|| {
            let numbers = Pipeline::from_iter(0..black_box(size)).parallel(1..=cores);
            numbers.map(|n| n.wrapping_mul(n)).filter(|n| n % 2 == 0).collect(&ctx).unwrap()
        });
    }
}

/// A stage of a little over 100 nanoseconds, on one thread and on all.
mod costly {
    use super::*;

    const COUNT: u64 = 1_000_000;

    #[divan::bench(sample_count = 20)]
    fn plain_loop() -> Vec<u64> {
        (0..black_box(COUNT)).map(work).filter(|n| n % 2 == 0).collect()
    }

    #[divan::bench(sample_count = 20)]
    fn pipeline_parallel() -> Vec<u64> {
        let numbers = Pipeline::from_iter(0..black_box(COUNT)).parallel(1..=cores());
        numbers.map(work).filter(|n| n % 2 == 0).collect(&Context::new()).unwrap()
    }

    fn work(mut n: u64) -> u64 {
        for _ in 0..100 {
            n = black_box(n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        }
        n
    }
}

/// Ten million items over three boundaries between four threads.
#[divan::bench(sample_count = 10)]
fn three_boundaries() -> u64 {
    let numbers =
        Pipeline::from_iter(0..black_box(10_000_000_u64)).thread().map(|n| n ^ 1).thread();
    numbers.filter(|n| n % 2 == 0).thread().fold(&Context::new(), 0, u64::wrapping_add).unwrap()
}

#[divan::bench]
fn is_cancelled(bencher: Bencher<'_, '_>) {
    let ctx = Context::new();
    bencher
        .counter(ItemsCount::new(1_000_u32))
        .bench_local(|| (0..1_000).filter(|_| black_box(&ctx).is_cancelled()).count());
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// A rate limit of 50,000 a second, whose spacing no timer keeps: 5,000 calls are to take 100 ms.
mod rate {
    use std::time::Duration;

    use millstream::{RateLimit, scope};

    use super::*;

    const CALLS: u64 = 5_000;

    #[divan::bench(args = [1, 4], sample_count = 10, sample_size = 1)]
    fn fifty_thousand_a_second(bencher: Bencher<'_, '_>, threads: u64) {
        bencher.counter(ItemsCount::new(CALLS)).bench(|| {
            let limit = RateLimit::per(Duration::from_secs(1), 50_000);
            scope(&Context::new(), |s| {
                for _ in 0..threads {
                    s.spawn("caller", |ctx| (0..CALLS / threads).try_for_each(|_| limit.wait(ctx)));
                }
                Ok(())
            })
            .unwrap();
        });
    }
}
