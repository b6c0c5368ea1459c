//! orx-parallel: a range whose length is known, and an iterator of which nothing is.
#![forbid(unsafe_code)]

use orx_parallel::*;
use protocol::costs::Load;

fn mapped(load: &Load, n: u64) -> Vec<u64> {
    let items: Vec<u64> = (0..n).collect();
    items.into_par().num_threads(load.threads).map(|item| load.work(item, n)).collect()
}

fn streamed(load: &Load, n: u64) -> Vec<u64> {
    (0..n).iter_into_par().num_threads(load.threads).map(|item| load.work(item, n)).collect()
}

fn main() -> std::process::ExitCode {
    protocol::main_with(&[], &[("", mapped), ("stream", streamed)])
}
