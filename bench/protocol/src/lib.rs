//! What the engines share: `engine-NAME WORKLOAD N` prints nanoseconds an item and the answer.
//!
//! It measures inside of the process, so that starting a program costs nobody anything, and it
//! holds the work that all engines do, so that none does less. It compares nothing:
//! `cargo xtask bench engines` does.

pub mod burst;
mod command;
pub mod costs;

pub use command::{main, main_with};

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long a job of the workload `sleeps` sleeps, and how many do at once.
pub const SLEEP: Duration = Duration::from_millis(10);
/// See [`SLEEP`].
pub const AT_ONCE: usize = 50_000;

/// Nanoseconds an item, and the answer that shows that the work was done.
pub type Measured = (f64, u64);

/// A workload by name: takes the number of items.
pub type Workload = (&'static str, fn(u64) -> Measured);

/// Does the work again and again, at least five times and until it has taken 0.2 s, and returns the
/// median.
pub fn median(items: u64, mut work: impl FnMut(u64) -> u64) -> Measured {
    let mut times = Vec::new();
    let mut total = 0.0;
    let mut answer = 0;
    while times.len() < 5 || (total < 2e8 && times.len() < 100_000) {
        let start = Instant::now();
        answer = black_box(work(black_box(items)));
        let elapsed = start.elapsed().as_nanos() as f64;
        total += elapsed;
        times.push(elapsed);
    }
    (middle(times) / items as f64, answer)
}

/// Does the work once, after a tenth of it for the threads to start and the code to be there; for
/// work whose memory counts.
pub fn once(items: u64, mut work: impl FnMut(u64) -> u64) -> Measured {
    black_box(work(black_box(items.div_ceil(10))));
    let start = Instant::now();
    let answer = black_box(work(black_box(items)));
    (start.elapsed().as_nanos() as f64 / items as f64, answer)
}

/// Places for the results of jobs whose pool hands none back: each job writes its own.
#[derive(Clone, Debug)]
pub struct Slots(Arc<[AtomicU64]>);

impl Slots {
    /// As many places as there are jobs.
    pub fn new(jobs: u64) -> Self {
        Self((0..jobs).map(|_| AtomicU64::new(0)).collect())
    }

    /// Keeps a job's result. The pool's own wait for the end of all jobs publishes it.
    pub fn set(&self, job: u64, result: u64) {
        self.0[job as usize].store(result, Ordering::Relaxed);
    }

    /// The sum of all results.
    pub fn sum(&self) -> u64 {
        self.0.iter().fold(0, |sum, slot| sum.wrapping_add(slot.load(Ordering::Relaxed)))
    }
}

/// Arithmetic of about 13 microseconds, which no compiler removes.
pub fn spin(n: u64) -> u64 {
    (0..80).fold(n, |x, _| hundred_ns(x))
}

/// Sends one item at a time on its way, waits until it has arrived, and keeps the times.
#[derive(Debug)]
pub struct OneByOne {
    left: u64,
    pause: Duration,
    sent: Instant,
    times: Vec<f64>,
    answer: u64,
}

impl OneByOne {
    /// Between items there is time enough for every thread to fall asleep.
    pub fn idle(items: u64) -> Self {
        OneByOne { pause: Duration::from_micros(300), ..Self::busy(items) }
    }

    /// The next item leaves as soon as one has arrived.
    pub fn busy(items: u64) -> Self {
        OneByOne {
            left: items,
            pause: Duration::ZERO,
            sent: Instant::now(),
            times: Vec::new(),
            answer: 0,
        }
    }

    /// The item to send now; none when all have been sent.
    pub fn to_send(&mut self) -> Option<u64> {
        if self.left == 0 {
            return None;
        }
        if !self.pause.is_zero() {
            std::thread::sleep(self.pause);
        }
        self.left -= 1;
        self.sent = Instant::now();
        Some(self.left)
    }

    /// Says that the item is there.
    pub fn arrived(&mut self, item: u64) {
        self.times.push(self.sent.elapsed().as_nanos() as f64);
        self.answer = self.answer.wrapping_add(item);
    }

    /// The median of the times, and the sum of what arrived.
    pub fn measured(self) -> Measured {
        (middle(self.times), self.answer)
    }
}

fn middle(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Work of about a tenth of a microsecond that no compiler removes: rounds of a mixing function.
pub fn hundred_ns(n: u64) -> u64 {
    let mut x = n;
    for _ in 0..120 {
        x ^= x >> 33;
        x = x.wrapping_mul(0xff51_afd7_ed55_8ccd);
    }
    x
}

/// Work of about a microsecond.
pub fn microsecond(n: u64) -> u64 {
    (0..9).fold(n, |x, _| hundred_ns(x))
}

/// The sum that stands for a collected result, modulo 2^64.
pub fn sum(numbers: &[u64]) -> u64 {
    numbers.iter().fold(0, |sum, n| sum.wrapping_add(*n))
}
