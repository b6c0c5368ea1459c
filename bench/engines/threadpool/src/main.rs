//! threadpool: closures for two threads. It hands no results back, so each job writes to a place of
//! its own.
#![forbid(unsafe_code)]

use protocol::{Measured, Slots, once, spin};
use threadpool::ThreadPool;

fn executed(n: u64, job: fn(u64) -> u64) -> Measured {
    let pool = ThreadPool::new(2);
    once(n, |n| {
        let slots = Slots::new(n);
        for n in 0..n {
            let slots = slots.clone();
            pool.execute(move || slots.set(n, job(n)));
        }
        pool.join();
        slots.sum()
    })
}

fn empty(n: u64) -> Measured {
    executed(n, |n| n)
}

fn spins(n: u64) -> Measured {
    executed(n, spin)
}

fn main() -> std::process::ExitCode {
    protocol::main(&[("empty", empty), ("spin", spins)])
}
