//! Work of any cost: items that compute or sleep for as long as the workload's name says, on so
//! many threads.

use std::thread::sleep;
use std::time::Duration;

use crate::{Measured, median, microsecond, sum};

/// What each engine does with a load: all items of `0..n` through `work`, on `threads` threads, the
/// results in order.
pub type Engine = fn(load: &Load, n: u64) -> Vec<u64>;

/// Items of one cost.
#[derive(Debug)]
pub struct Load {
    /// Its name on the command line.
    pub name: &'static str,
    /// Threads that work on it.
    pub threads: usize,
    work: Work,
}

#[derive(Debug)]
enum Work {
    /// Computes for about `microseconds`.
    Compute(u64),
    /// One item in a hundred computes a thousand times as long as a microsecond: which ones.
    Uneven(fn(u64, u64) -> bool),
    Sleep(Duration),
}

const fn compute(name: &'static str, microseconds: u64) -> Load {
    Load { name, threads: 2, work: Work::Compute(microseconds) }
}

const fn uneven(name: &'static str, is_long: fn(u64, u64) -> bool) -> Load {
    Load { name, threads: 2, work: Work::Uneven(is_long) }
}

const fn sleeps(name: &'static str, threads: usize, ms: u64) -> Load {
    Load { name, threads, work: Work::Sleep(Duration::from_millis(ms)) }
}

/// All loads.
pub const LOADS: &[Load] = &[
    compute("compute-1us", 1),
    compute("compute-10us", 10),
    compute("compute-100us", 100),
    compute("compute-1ms", 1_000),
    compute("compute-20ms", 20_000),
    uneven("uneven-start", |item, n| item < n / 100),
    uneven("uneven-spread", |item, _| item % 100 == 50),
    uneven("uneven-end", |item, n| item >= n - n / 100),
    sleeps("sleep-100ms-on-8", 8, 100),
    sleeps("sleep-100ms-on-20", 20, 100),
    sleeps("sleep-15ms-on-2", 2, 15),
    sleeps("sleep-1ms-on-64", 64, 1),
];

impl Load {
    /// Works on one of `n` items.
    pub fn work(&self, item: u64, n: u64) -> u64 {
        let microseconds = match self.work {
            Work::Compute(microseconds) => microseconds,
            Work::Uneven(is_long) if is_long(item, n) => 1_000,
            Work::Uneven(_) => 1,
            Work::Sleep(time) => {
                sleep(time);
                0
            }
        };
        (0..microseconds).fold(item, |x, _| microsecond(x))
    }
}

/// The load of this name, measured.
pub(crate) fn measure(engine: Engine, name: &str, n: u64) -> Option<Measured> {
    let load = LOADS.iter().find(|load| load.name == name)?;
    Some(median(n, |n| sum(&engine(load, n))))
}

/// What happens when a run ends early, and when it begins: how long it takes, with items that sleep
/// for [`ITEM`].
pub mod ends {
    use std::time::{Duration, Instant};

    use crate::{Measured, middle};

    /// How long an item sleeps.
    pub const ITEM: Duration = Duration::from_millis(20);
    /// The item that fails sleeps as long: those that began with it are still at work when it ends.
    pub const FAILS: Duration = Duration::from_millis(10);
    /// The deadline: in the second round of items.
    pub const DEADLINE: Duration = Duration::from_millis(30);

    /// Does it eleven times; the median in nanoseconds. `work` says how long it took if that is not
    /// until its end, and the answer.
    pub fn median(mut work: impl FnMut() -> (Option<Duration>, u64)) -> Measured {
        let mut answer = 0;
        let times = (0..11).map(|_| {
            let start = Instant::now();
            let (took, now) = work();
            answer = now;
            took.unwrap_or_else(|| start.elapsed()).as_nanos() as f64
        });
        let times = times.collect();
        (middle(times), answer)
    }
}
