//! A run's numbers as plain data: at its end, and live.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::counters::Counters;
use super::histogram::{Histogram, Recent};
use super::run::{Branch, Run};
use crate::report::{BranchReport, ErrorReport, Report, StageReport};
use crate::snapshot::{BranchOf, Percentiles, Queue, Snapshot, StageSnapshot};

impl Run {
    /// The numbers as they are now, without waits that go on.
    pub(crate) fn report(&self) -> Report {
        let mut stages: Vec<StageReport> = Vec::with_capacity(self.stages.all.len());
        for (at, counters) in self.stages.all.iter().enumerate() {
            let before = stages.last().map(|stage| stage.left);
            stages.push(stage_report(&self.name(at), counters, &counters.times().whole, before));
        }
        let branches = self.branches.lock().unwrap_or_else(PoisonError::into_inner);
        let branches = branches.iter().map(|branch| self.branch_report(branch)).collect();
        Report { elapsed: self.started.elapsed(), stages, errors: self.errors(), branches }
    }

    /// What goes on now.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut all = Snapshot {
            elapsed: self.started.elapsed(),
            errors: self.errors(),
            ..Snapshot::default()
        };
        for (at, counters) in self.stages.all.iter().enumerate() {
            let before = all.stages.last().map(|stage| stage.account.left);
            let stage = stage_snapshot(&self.name(at), counters, before);
            let bound = Some(read(&counters.bound)).filter(|bound| *bound > 0);
            // Where items are counted as they come in, they came from another thread, or wait for
            // one.
            let ahead = before.map_or(0, |before| before.saturating_sub(stage.account.entered));
            let queue = is(&counters.counts_in)
                .then_some(Queue { length: stage.account.held + ahead, bound });
            all.push(stage, queue);
        }
        for branch in &*self.branches.lock().unwrap_or_else(PoisonError::into_inner) {
            let of = BranchOf {
                stage: branch.at,
                number: branch.number,
                dropped: branch.dropped.clone(),
            };
            all.push_branch(&of, branch.run.snapshot());
        }
        all
    }

    fn errors(&self) -> Vec<ErrorReport> {
        let of = |(at, counters): (usize, &Counters)| {
            let stage = self.name(at).into_owned();
            counters.errors().into_iter().map(move |(kind, count, sample)| ErrorReport {
                stage: stage.clone(),
                kind: kind.to_string(),
                count,
                sample,
            })
        };
        self.stages.all.iter().enumerate().flat_map(of).collect()
    }

    fn branch_report(&self, branch: &Branch) -> BranchReport {
        BranchReport {
            stage: self.name(branch.at).into_owned(),
            number: branch.number,
            dropped: branch.dropped.clone(),
            report: branch.run.report(),
        }
    }
}

// Relaxed: of the counters, which are statistics.
fn read(cell: &AtomicU64) -> u64 {
    cell.load(Ordering::Relaxed)
}

fn is(flag: &AtomicBool) -> bool {
    flag.load(Ordering::Relaxed)
}

/// A stage that counts for itself says what entered and left; in a fused stage it follows from the
/// stage before.
fn stage_report(
    name: &str,
    counters: &Counters,
    times: &Histogram,
    before: Option<u64>,
) -> StageReport {
    let ns = |cell| Duration::from_nanos(read(cell));
    let (made, filtered, skipped, failed, cancelled) = (
        read(&counters.made),
        read(&counters.filtered),
        read(&counters.skipped),
        read(&counters.failed),
        read(&counters.cancelled),
    );
    let entered = match before {
        Some(before) if !is(&counters.counts_in) => before,
        _ => read(&counters.entered),
    };
    let lost = filtered + skipped + failed + cancelled;
    let followed = entered.wrapping_add(made).saturating_sub(lost);
    let left = if is(&counters.counts_out) { read(&counters.left) } else { followed };
    let sampled = Duration::from_nanos((times.mean_ns() * entered as f64) as u64);
    let busy = ns(&counters.busy_ns);
    StageReport {
        name: name.to_owned(),
        workers: counters.workers.load(Ordering::Relaxed).max(1),
        entered,
        made: made.cast_signed(),
        left,
        filtered,
        skipped,
        failed,
        cancelled,
        held: entered.wrapping_add(made).saturating_sub(left + lost),
        busy: if busy.is_zero() { sampled } else { busy },
        wait_in: ns(&counters.wait_in_ns),
        wait_out: ns(&counters.wait_out_ns),
        p50: times.percentile(0.5),
        p99: times.percentile(0.99),
    }
}

fn stage_snapshot(name: &str, counters: &Counters, before: Option<u64>) -> StageSnapshot {
    let times = counters.times();
    let mut account = stage_report(name, counters, &times.whole, before);
    let (waiting_in, open_in) = counters.open_in.now();
    let (waiting_out, open_out) = counters.open_out.now();
    account.wait_in += open_in;
    account.wait_out += open_out;
    let workers = match counters.workers_now.load(Ordering::Relaxed) {
        0 => account.workers,
        now => now,
    };
    let (last_10s, last_minute) = (percentiles(&times, 10), percentiles(&times, 60));
    StageSnapshot { account, workers, waiting_in, waiting_out, last_10s, last_minute, branch: None }
}

/// Of the last `seconds` seconds.
pub(crate) fn percentiles(times: &Recent, seconds: u64) -> Percentiles {
    let last = times.last(seconds);
    Percentiles { samples: last.samples(), p50: last.percentile(0.5), p99: last.percentile(0.99) }
}
