//! Three bare crossbeam channels between four threads: what a careful programmer writes without a library.
//!
//! It speaks the protocol of `bench/METHODOLOGY.md`: `engine-crossbeam WORKLOAD N` prints nanoseconds an item and the answer.
#![forbid(unsafe_code)]

fn main() {}
