//! When more workers would help: the jobs that wait would wait long, and the machine has cores for them or the workers
//! do not use those they have.
//!
//! It decides about the workers between the least and the most; below the least no question is asked. It looks a moment after a
//! job found nobody free, not at once: most such jobs are taken up by then, and a thread costs as much as many small jobs.

use std::time::{Duration, Instant};

/// From the first job that waits to the first look.
pub(crate) const FIRST_LOOK: Duration = Duration::from_micros(200);
/// Between two looks of which the first changed nothing.
const NEXT_LOOK: Duration = Duration::from_millis(1);
/// The same when all cores are in use, which is dearer to find out.
const BUSY_LOOK: Duration = Duration::from_millis(4);
/// A queue that will be empty within this needs nobody else.
const SOON: Duration = Duration::from_millis(1);

/// What a look sees of the pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    pub(crate) queue: usize,
    /// Workers that do not sleep.
    pub(crate) working: usize,
    pub(crate) most: usize,
    /// Jobs that workers took since the look before, or since the first one was asked for.
    pub(crate) served: u64,
}

/// When the look before was.
#[derive(Debug, Default)]
pub(crate) struct Growth {
    at: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) start: usize,
    /// When to look again; `None`: not until the next job finds nobody free.
    pub(crate) again: Option<Duration>,
}

impl Growth {
    /// Judges by how many jobs wait and how fast they are taken. `running` tells how many workers have or want a core; it
    /// is asked last.
    pub(crate) fn judge(
        &mut self,
        view: &View,
        now: Instant,
        running: impl FnOnce(usize) -> usize,
    ) -> Verdict {
        let View { queue, working, most, served } = *view;
        if queue == 0 || working >= most {
            self.at = None;
            return Verdict { start: 0, again: None };
        }
        let before = self.at.replace(now).map(|at| now.saturating_duration_since(at));
        if will_soon_be_empty(queue, served, before.unwrap_or(FIRST_LOOK)) {
            return Verdict { start: 0, again: Some(NEXT_LOOK) };
        }
        let cores = cores();
        if working >= cores && running(cores) >= cores {
            return Verdict { start: 0, again: Some(BUSY_LOOK) };
        }
        // Twice as many at each look: a burst has the most after a few, and a short one does not start them all.
        let start = working.min(queue).min(most - working).max(1);
        let again = (working + start < most).then_some(FIRST_LOOK);
        Verdict { start, again }
    }
}

/// Whether the workers, as fast as they were since the look before, will have taken all within a moment.
fn will_soon_be_empty(queue: usize, served: u64, since: Duration) -> bool {
    if served == 0 {
        return false;
    }
    let left = since.as_nanos().saturating_mul(queue as u128) / u128::from(served);
    left <= SOON.as_nanos()
}

fn cores() -> usize {
    use std::sync::OnceLock;
    static CORES: OnceLock<usize> = OnceLock::new();
    // Asking reads files of the system.
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn judge(growth: &mut Growth, view: [usize; 3], served: u64, at: u64, running: usize) -> Verdict {
        let [queue, working, most] = view;
        let now = crate::clock::stopwatch() + Duration::from_secs(1) + Duration::from_micros(at);
        growth.judge(&View { queue, working, most, served }, now, |_| running)
    }

    #[test]
    fn a_queue_that_moves_fast_needs_nobody_and_one_that_stands_does() {
        let mut growth = Growth::default();
        assert_eq!(judge(&mut growth, [1_000, 1, 64], 10_000, 0, 0).start, 0);
        assert_eq!(judge(&mut growth, [1_000, 1, 64], 0, 200, 0).start, 1);
        assert_eq!(judge(&mut growth, [1_000, 2, 64], 0, 400, 0).start, 2);
    }

    #[test]
    fn workers_that_use_all_cores_get_no_help_and_those_that_wait_do() {
        let mut growth = Growth::default();
        let cores = cores();
        assert_eq!(judge(&mut growth, [9, cores, 64], 0, 0, cores).start, 0);
        assert_eq!(judge(&mut growth, [9, cores, 64], 0, 1, 0).start, cores.min(9));
    }

    #[test]
    fn never_more_than_wait_or_may_be_and_an_empty_queue_ends_the_looking() {
        let mut growth = Growth::default();
        let ends = Verdict { start: 0, again: None };
        assert_eq!(judge(&mut growth, [1, 8, 64], 0, 0, 0).start, 1);
        assert_eq!(judge(&mut growth, [9, 8, 10], 0, 1, 0), Verdict { start: 2, again: None });
        assert_eq!(judge(&mut growth, [0, 8, 10], 0, 2, 0), ends);
        assert_eq!(judge(&mut growth, [5, 10, 10], 0, 3, 0), ends);
    }
}
