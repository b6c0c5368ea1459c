//! Bursts of jobs with nothing between them, as a pool gets them that serves people: how long they
//! take, and how soon a pool that has one worker puts a second one to work. It knows no pool.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Jobs of one burst.
pub const JOBS: u64 = 64;
/// How long a job waits, as one for an answer from elsewhere does.
pub const JOB: Duration = Duration::from_millis(5);
/// What lies between the end of a burst and the next one.
pub const PAUSE: Duration = Duration::from_millis(20);

/// Sends `n` bursts, each after the last one has finished, and returns milliseconds a burst without
/// the pauses.
pub fn bursts(n: u64, mut burst: impl FnMut(u64) -> u64) -> crate::Measured {
    let (mut busy, mut answer) = (Duration::ZERO, 0);
    for _ in 0..n {
        std::thread::sleep(PAUSE);
        let start = Instant::now();
        answer += burst(JOBS);
        busy += start.elapsed();
    }
    (busy.as_secs_f64() * 1e3 / n as f64, answer)
}

/// Notes when a second job began to run beside the first one.
#[derive(Debug)]
pub struct Reaction(Mutex<(Instant, u32, Option<Duration>)>);

impl Reaction {
    /// The burst begins now.
    #[expect(clippy::new_without_default, reason = "it notes the time")]
    pub fn new() -> Self {
        Self(Mutex::new((Instant::now(), 0, None)))
    }

    /// What each job does: it takes its time, and gives 1.
    pub fn job(&self) -> u64 {
        self.change(|(start, running, second)| {
            *running += 1;
            if *running == 2 && second.is_none() {
                *second = Some(start.elapsed());
            }
        });
        std::thread::sleep(JOB);
        self.change(|(_, running, _)| *running -= 1);
        1
    }

    /// Milliseconds from the begin of the burst to the second job that runs.
    pub fn time(&self) -> f64 {
        let mut time = f64::INFINITY;
        self.change(|(_, _, second)| {
            if let Some(second) = second {
                time = second.as_secs_f64() * 1e3;
            }
        });
        time
    }

    fn change(&self, change: impl FnOnce(&mut (Instant, u32, Option<Duration>))) {
        change(&mut self.0.lock().expect("nobody panics with it"));
    }
}

/// The middle one of the times of some bursts, and how many jobs they had.
pub fn reactions(n: u64, mut burst: impl FnMut() -> (f64, u64)) -> crate::Measured {
    let (times, jobs): (Vec<f64>, Vec<u64>) = (0..n).map(|_| burst()).unzip();
    (crate::middle(times), jobs.into_iter().sum())
}
