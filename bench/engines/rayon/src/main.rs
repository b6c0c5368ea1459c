//! rayon: `par_bridge`, its bridge from a sequential iterator, and its own ranges, which know their ends.
#![forbid(unsafe_code)]

use protocol::{Measured, hundred_ns, median, sum};
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
    median(n, |n| sum(&(1..=n).into_par_iter().map(square).filter(|n| n % 2 == 0).collect::<Vec<u64>>()))
}

fn main() -> std::process::ExitCode {
    protocol::main(&[("numbers", numbers), ("costly", costly), ("costly-bridge", bridge)])
}
