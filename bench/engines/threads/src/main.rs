//! Scoped threads and a counter: what a careful engineer writes by hand for a known number of
//! items.
#![forbid(unsafe_code)]

mod ends;

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use protocol::costs::Load;

/// Each thread takes the next item, until there are none; the results are put in order at the end.
fn by_hand(load: &Load, n: u64) -> Vec<u64> {
    let next = &AtomicU64::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            // Relaxed: it only deals out numbers.
            let item = next.fetch_add(1, Ordering::Relaxed);
            if item >= n {
                return done;
            }
            done.push((item, load.work(item, n)));
        }
    };
    thread::scope(|s| {
        let threads: Vec<_> = (0..load.threads).map(|_| s.spawn(work)).collect();
        let mut all = vec![0; n as usize];
        for (item, result) in
            threads.into_iter().flat_map(|thread| thread.join().expect("no item panics"))
        {
            all[item as usize] = result;
        }
        all
    })
}

fn in_a_loop(load: &Load, n: u64) -> Vec<u64> {
    (0..n).map(|item| load.work(item, n)).collect()
}

fn main() -> std::process::ExitCode {
    let workloads: &[protocol::Workload] = &[
        ("deadline", ends::deadline),
        ("first-error", ends::first_error),
        ("take-one", ends::take_one),
        ("first-result", ends::first_result),
    ];
    protocol::main_with(workloads, &[("", by_hand), ("loop", in_a_loop)])
}
