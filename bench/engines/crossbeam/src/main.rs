//! Bare crossbeam channels: three between four threads, and one of boxed closures for two workers.
//! What a careful programmer writes without a library.
#![forbid(unsafe_code)]

use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use protocol::{Measured, OneByOne, Slots, median, once, spin};

const CAPACITY: usize = 1024;

/// Passes items on until the sender is gone.
fn forward(from: &Receiver<u64>, to: &Sender<u64>) {
    for n in from {
        if to.send(n).is_err() {
            return;
        }
    }
}

/// Four threads, this one included, and what this one does with the two ends.
fn with_hops<R>(work: impl FnOnce(Sender<u64>, Receiver<u64>) -> R) -> R {
    let (first, a) = bounded(CAPACITY);
    let (to_b, b) = bounded(CAPACITY);
    let (to_last, last) = bounded(CAPACITY);
    thread::scope(|s| {
        s.spawn(move || forward(&a, &to_b));
        s.spawn(move || forward(&b, &to_last));
        work(first, last)
    })
}

fn hops(n: u64) -> Measured {
    median(n, |n| {
        with_hops(|first, last| {
            thread::scope(|s| {
                s.spawn(move || (1..=n).all(|n| first.send(n).is_ok()));
                last.iter().fold(0, u64::wrapping_add)
            })
        })
    })
}

/// There and back again: out by one channel, through three threads, back to this thread: four
/// waits.
fn there_and_back(mut items: OneByOne) -> Measured {
    with_hops(|first, last| {
        let (to_me, back) = bounded(CAPACITY);
        thread::scope(|s| {
            s.spawn(move || forward(&last, &to_me));
            while let Some(n) = items.to_send() {
                first.send(n).expect("the hops are there");
                items.arrived(back.recv().expect("the hops are there"));
            }
            drop(first);
        });
        items.measured()
    })
}

fn idle(n: u64) -> Measured {
    there_and_back(OneByOne::idle(n))
}

fn busy(n: u64) -> Measured {
    there_and_back(OneByOne::busy(n))
}

/// Item by item from `senders` threads to this one.
fn sent(n: u64, senders: u64) -> Measured {
    median(n, |n| {
        let (sender, receiver) = bounded(CAPACITY);
        thread::scope(|s| {
            for share in 0..senders {
                let sender = sender.clone();
                s.spawn(move || {
                    (share..n).step_by(senders as usize).all(|n| sender.send(n).is_ok())
                });
            }
            drop(sender);
            receiver.iter().fold(0, u64::wrapping_add)
        })
    })
}

fn one_to_one(n: u64) -> Measured {
    sent(n, 1)
}

fn four_to_one(n: u64) -> Measured {
    sent(n, 4)
}

/// A pool in ten lines: a channel of a hundred boxed closures and two threads, which end with the
/// channel.
fn pooled(n: u64, job: fn(u64) -> u64) -> Measured {
    type Job<'a> = Box<dyn FnOnce() + Send + 'a>;
    once(n, |n| {
        let slots = &Slots::new(n);
        thread::scope(|s| {
            let (sender, jobs) = bounded::<Job<'_>>(100);
            for jobs in [jobs.clone(), jobs] {
                s.spawn(move || jobs.iter().for_each(|job| job()));
            }
            for n in 0..n {
                sender.send(Box::new(move || slots.set(n, job(n)))).expect("the workers are there");
            }
        });
        slots.sum()
    })
}

fn empty(n: u64) -> Measured {
    pooled(n, |n| n)
}

fn spins(n: u64) -> Measured {
    pooled(n, spin)
}

fn main() -> std::process::ExitCode {
    protocol::main(&[
        ("hops", hops),
        ("one-to-one", one_to_one),
        ("four-to-one", four_to_one),
        ("latency", idle),
        ("latency-busy", busy),
        ("empty", empty),
        ("spin", spins),
    ])
}
