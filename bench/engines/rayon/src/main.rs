//! rayon: `par_bridge`, its bridge from a sequential iterator, its own ranges, which know their
//! ends, and its scopes.
#![forbid(unsafe_code)]

use std::sync::OnceLock;

use protocol::costs::Load;
use protocol::{Measured, hundred_ns, median, once, spin, sum};
use rayon::prelude::*;

/// The bridge loses the order, which the sum does not show.
fn bridge(n: u64) -> Measured {
    median(n, |n| sum(&(1..=n).par_bridge().map(hundred_ns).collect::<Vec<u64>>()))
}

fn costly(n: u64) -> Measured {
    median(n, |n| sum(&(1..=n).into_par_iter().map(hundred_ns).collect::<Vec<u64>>()))
}

fn numbers(n: u64) -> Measured {
    let square = |n: u64| n.wrapping_mul(n);
    median(n, |n| {
        sum(&(1..=n).into_par_iter().map(square).filter(|n| n % 2 == 0).collect::<Vec<u64>>())
    })
}

/// Two threads, as every pool in the comparison has.
fn two_threads() -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("two threads")
}

/// A scope hands no results back: each job is given the place for its own.
fn scoped(n: u64, job: fn(u64) -> u64) -> Measured {
    let pool = two_threads();
    once(n, |n| {
        let mut results = vec![0; n as usize];
        pool.scope(|s| {
            for (n, result) in (0..).zip(&mut results) {
                s.spawn(move |_| *result = job(n));
            }
        });
        sum(&results)
    })
}

fn empty(n: u64) -> Measured {
    scoped(n, |n| n)
}

fn spins(n: u64) -> Measured {
    scoped(n, spin)
}

/// The scope's closure stays on this thread and is not one of the two workers.
fn empty_in_place(n: u64) -> Measured {
    let pool = two_threads();
    once(n, |n| {
        let mut results = vec![0; n as usize];
        pool.in_place_scope(|s| {
            for (n, result) in (0..).zip(&mut results) {
                s.spawn(move |_| *result = n);
            }
        });
        sum(&results)
    })
}

/// A pool of as many threads as the load asks for, which is there before the work begins, as
/// rayon's own is.
fn mapped(load: &Load, n: u64) -> Vec<u64> {
    static POOL: OnceLock<rayon::ThreadPool> = OnceLock::new();
    let pool = POOL.get_or_init(|| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(load.threads)
            .build()
            .expect("threads can be started")
    });
    pool.install(|| (0..n).into_par_iter().map(|item| load.work(item, n)).collect())
}

fn main() -> std::process::ExitCode {
    let workloads: &[protocol::Workload] = &[
        ("numbers", numbers),
        ("costly", costly),
        ("costly-bridge", bridge),
        ("empty", empty),
        ("empty-in-place", empty_in_place),
        ("spin", spins),
    ];
    protocol::main_with(workloads, &[("", mapped)])
}
