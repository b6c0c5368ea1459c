//! What a pool has done and does, as plain numbers.

use std::fmt;
use std::time::Duration;

use super::counters::Totals;
use crate::pipeline::percentiles;
use crate::report::StageReport;
use crate::snapshot::{Queue, Snapshot, StageSnapshot};

/// A pool's numbers at one moment; made by [`Pool::stats`](super::Pool::stats).
///
/// A thread that has seen a job's result finds it counted. While jobs run, the numbers of other
/// jobs may be a moment apart from each other; when the pool is quiet they
/// [balance](Self::balances).
///
/// # Examples
/// ```
/// use millstream::{Context, Pool};
///
/// let ctx = Context::new();
/// let pool = Pool::new(&ctx, 1..=4)?;
/// for text in ["1", "2", "three"] {
///     drop(pool.submit(&ctx, move || text.parse::<u8>())?);
/// }
/// pool.wait(&ctx)?;
/// let stats = pool.stats();
/// assert_eq!((stats.submitted, stats.done, stats.failed, stats.waiting), (3, 2, 1, 0));
/// assert!(stats.balances());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// Jobs that were taken.
    pub submitted: u64,
    /// Of those: wait for a worker, for permits, or for a place in their group.
    pub waiting: u64,
    /// Are with a worker.
    pub running: u64,
    /// Returned well.
    pub done: u64,
    /// Returned an error.
    pub failed: u64,
    /// Panicked.
    pub panicked: u64,
    /// Were cancelled before they began, or dropped with a pool of tasks.
    pub cancelled: u64,
    /// Workers now.
    pub workers: usize,
    /// The most workers that there were at one time.
    pub most_workers: usize,
    /// The most jobs that waited at one time.
    pub most_waiting: usize,
    /// Half of the jobs waited shorter than this, to an eighth; of jobs that are short, and of
    /// futures, one in sixteen is measured.
    pub wait_p50: Option<Duration>,
    /// 99 of 100 waited shorter.
    pub wait_p99: Option<Duration>,
    /// Half of the jobs ran shorter than this, counted as the waits are.
    pub run_p50: Option<Duration>,
    /// 99 of 100 ran shorter.
    pub run_p99: Option<Duration>,
}

impl PoolStats {
    pub(super) fn set_ended(&mut self, totals: &Totals) {
        self.done = totals.done;
        self.failed = totals.failed;
        self.panicked = totals.panicked;
        self.cancelled += totals.cancelled;
        let (wait, run) = (&totals.times.wait.whole, &totals.times.run.whole);
        (self.wait_p50, self.wait_p99) = (wait.percentile(0.5), wait.percentile(0.99));
        (self.run_p50, self.run_p99) = (run.percentile(0.5), run.percentile(0.99));
    }

    /// Two stages, and the queue between them.
    pub(super) fn snapshot(&self, name: &str, bound: usize, totals: &Totals) -> Snapshot {
        let started = self.running + self.done + self.failed + self.panicked;
        let submit = StageReport {
            name: "submit".into(),
            workers: 1,
            entered: self.submitted,
            left: started,
            cancelled: self.cancelled,
            held: self.waiting,
            p50: self.wait_p50,
            p99: self.wait_p99,
            ..StageReport::default()
        };
        let jobs = StageReport {
            name: name.to_owned(),
            workers: self.most_workers,
            entered: started,
            left: self.done,
            failed: self.failed + self.panicked,
            held: self.running,
            p50: self.run_p50,
            p99: self.run_p99,
            ..StageReport::default()
        };
        let mut all = Snapshot::default();
        for (account, times) in [(submit, &totals.times.wait), (jobs, &totals.times.run)] {
            let queue = Queue { length: self.waiting, bound: Some(bound as u64) };
            let (last_10s, last_minute) = (percentiles(times, 10), percentiles(times, 60));
            let workers = if all.stages.is_empty() { 1 } else { self.workers };
            all.push(
                StageSnapshot {
                    account,
                    workers,
                    last_10s,
                    last_minute,
                    ..StageSnapshot::default()
                },
                Some(queue),
            );
        }
        all
    }

    /// Whether every job that was taken is waiting, running, or has finished in one way. Always
    /// true while nothing changes.
    pub fn balances(&self) -> bool {
        let ended = self.done + self.failed + self.panicked + self.cancelled;
        self.submitted == self.waiting + self.running + ended
    }
}

impl fmt::Display for PoolStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            submitted, waiting, running, done, failed, panicked, cancelled, workers, ..
        } = self;
        write!(
            f,
            "{submitted} jobs: {done} done, {failed} failed, {panicked} panicked, {cancelled} cancelled, \
             {running} running, {waiting} waiting; {workers} workers"
        )
    }
}
