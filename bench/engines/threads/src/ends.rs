//! Two threads that look between items whether they should go on.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::{self, sleep};
use std::time::Instant;

use protocol::Measured;
use protocol::costs::ends::{DEADLINE, FAILS, ITEM, median};

/// Two threads on `n` items until `work` says that it was enough.
fn two(n: u64, work: impl Fn(u64) -> bool + Sync) {
    let (next, stopped) = (&AtomicU64::new(0), &AtomicBool::new(false));
    let worker = || {
        while !stopped.load(Ordering::Relaxed) {
            let item = next.fetch_add(1, Ordering::Relaxed);
            if item >= n {
                return;
            }
            if !work(item) {
                stopped.store(true, Ordering::Relaxed);
            }
        }
    };
    thread::scope(|s| {
        s.spawn(worker);
        s.spawn(worker);
    });
}

pub fn deadline(n: u64) -> Measured {
    median(|| {
        let start = Instant::now();
        two(n, |_| {
            sleep(ITEM);
            start.elapsed() < DEADLINE
        });
        (None, 0)
    })
}

pub fn first_error(n: u64) -> Measured {
    median(|| {
        two(n, |item| {
            sleep(if item == 0 { FAILS } else { ITEM });
            item > 0
        });
        (None, 0)
    })
}

pub fn take_one(n: u64) -> Measured {
    median(|| {
        two(n, |_| {
            sleep(ITEM);
            false
        });
        (None, 0)
    })
}

pub fn first_result(n: u64) -> Measured {
    median(|| {
        let start = Instant::now();
        let (sender, first) = mpsc::channel();
        thread::scope(|s| {
            s.spawn(move || {
                two(n, |item| {
                    sleep(ITEM);
                    sender.send(item).is_ok()
                });
            });
            first.recv().expect("there is one");
            (Some(start.elapsed()), 0)
        })
    })
}
