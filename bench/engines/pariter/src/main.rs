//! pariter: an iterator mapped by threads, in order.
#![forbid(unsafe_code)]

use pariter::IteratorExt;
use protocol::costs::Load;

fn mapped(load: &Load, n: u64) -> Vec<u64> {
    let threads = load.threads;
    pariter::scope(|scope| {
        let work = move |item| load.work(item, n);
        (0..n)
            .parallel_map_scoped_custom(scope, move |builder| builder.threads(threads), work)
            .collect()
    })
    .expect("no item panics")
}

fn main() -> std::process::ExitCode {
    protocol::main_with(&[], &[("", mapped)])
}
