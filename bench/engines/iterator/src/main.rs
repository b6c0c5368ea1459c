//! The plain loop: what a pipeline must not be slower than when it has nothing to run at the same
//! time.
#![forbid(unsafe_code)]

use protocol::{hundred_ns, median, microsecond, once, spin, sum};

fn numbers(n: u64) -> protocol::Measured {
    median(n, |n| {
        sum(&(1..=n).map(|n| n.wrapping_mul(n)).filter(|n| n % 2 == 0).collect::<Vec<u64>>())
    })
}

fn costly(n: u64) -> protocol::Measured {
    median(n, |n| sum(&(1..=n).map(hundred_ns).collect::<Vec<u64>>()))
}

/// What the branches of the fan do, one item after the other.
fn fan_costly(n: u64) -> protocol::Measured {
    median(n, |n| (1..=n).map(microsecond).fold(0, u64::wrapping_add))
}

/// What the pools' jobs cost without a pool.
fn spins(n: u64) -> protocol::Measured {
    once(n, |n| (0..n).map(spin).fold(0, u64::wrapping_add))
}

fn main() -> std::process::ExitCode {
    protocol::main(&[
        ("numbers", numbers),
        ("costly", costly),
        ("fan-costly", fan_costly),
        ("spin", spins),
    ])
}
