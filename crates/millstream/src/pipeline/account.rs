//! A run's numbers as plain data: at its end, and live.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::histogram::{Histogram, Recent};
use super::run::{Branch, Run};
use super::tally::Tally;
use crate::report::{BranchReport, ErrorReport, Report, StageReport};
use crate::snapshot::{BranchOf, Percentiles, Queue, Snapshot, StageSnapshot};

impl Run {
    /// The numbers as they are now, without waits that go on.
    pub(crate) fn report(&self) -> Report {
        let mut stages: Vec<StageReport> = Vec::with_capacity(self.stages.all.len());
        for (at, tally) in self.stages.all.iter().enumerate() {
            let before = stages.last().map(|stage| stage.left);
            stages.push(stage_report(&self.name(at), tally, &tally.times().whole, before));
        }
        let branches = self.branches.lock().unwrap_or_else(PoisonError::into_inner);
        let branches = branches.iter().map(|branch| self.branch_report(branch)).collect();
        Report { elapsed: self.started.elapsed(), stages, errors: self.errors(), branches }
    }

    /// What goes on now.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut all =
            Snapshot { elapsed: self.started.elapsed(), errors: self.errors(), ..Snapshot::default() };
        for (at, tally) in self.stages.all.iter().enumerate() {
            let before = all.stages.last().map(|stage| stage.account.left);
            let stage = stage_snapshot(&self.name(at), tally, before);
            let bound = Some(read(&tally.bound)).filter(|bound| *bound > 0);
            // Where items are counted as they come in, they came from another thread, or wait for one.
            let ahead = before.map_or(0, |before| before.saturating_sub(stage.account.entered));
            let queue = is(&tally.counts_in).then_some(Queue { length: stage.account.held + ahead, bound });
            all.push(stage, queue);
        }
        for branch in &*self.branches.lock().unwrap_or_else(PoisonError::into_inner) {
            let of = BranchOf { stage: branch.at, number: branch.lane, dropped: branch.dropped.clone() };
            all.push_branch(&of, branch.run.snapshot());
        }
        all
    }

    fn errors(&self) -> Vec<ErrorReport> {
        let of = |(at, tally): (usize, &Tally)| {
            let stage = self.name(at).into_owned();
            tally.errors().into_iter().map(move |(kind, count, sample)| ErrorReport {
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
            number: branch.lane,
            dropped: branch.dropped.clone(),
            report: branch.run.report(),
        }
    }
}

// Relaxed: of the tallies, which are statistics.
fn read(cell: &AtomicU64) -> u64 {
    cell.load(Ordering::Relaxed)
}

fn is(flag: &AtomicBool) -> bool {
    flag.load(Ordering::Relaxed)
}

/// A stage that counts for itself says what entered and left; in a fused stage it follows from the stage before.
fn stage_report(name: &str, tally: &Tally, times: &Histogram, before: Option<u64>) -> StageReport {
    let ns = |cell| Duration::from_nanos(read(cell));
    let (made, filtered, skipped, failed, cancelled) = (
        read(&tally.made),
        read(&tally.filtered),
        read(&tally.skipped),
        read(&tally.failed),
        read(&tally.cancelled),
    );
    let entered = match before {
        Some(before) if !is(&tally.counts_in) => before,
        _ => read(&tally.entered),
    };
    let lost = filtered + skipped + failed + cancelled;
    let followed = entered.wrapping_add(made).saturating_sub(lost);
    let left = if is(&tally.counts_out) { read(&tally.left) } else { followed };
    let sampled = Duration::from_nanos((times.mean_ns() * entered as f64) as u64);
    let busy = ns(&tally.busy_ns);
    StageReport {
        name: name.to_owned(),
        workers: tally.workers.load(Ordering::Relaxed).max(1),
        entered,
        made: made.cast_signed(),
        left,
        filtered,
        skipped,
        failed,
        cancelled,
        held: entered.wrapping_add(made).saturating_sub(left + lost),
        busy: if busy.is_zero() { sampled } else { busy },
        wait_in: ns(&tally.wait_in_ns),
        wait_out: ns(&tally.wait_out_ns),
        p50: times.percentile(0.5),
        p99: times.percentile(0.99),
    }
}

fn stage_snapshot(name: &str, tally: &Tally, before: Option<u64>) -> StageSnapshot {
    let times = tally.times();
    let mut account = stage_report(name, tally, &times.whole, before);
    let (waiting_in, open_in) = tally.open_in.now();
    let (waiting_out, open_out) = tally.open_out.now();
    account.wait_in += open_in;
    account.wait_out += open_out;
    let workers = match tally.workers_now.load(Ordering::Relaxed) {
        0 => account.workers,
        now => now,
    };
    let (last_10s, last_minute) = (percentiles(&times, 10), percentiles(&times, 60));
    StageSnapshot { account, workers, waiting_in, waiting_out, last_10s, last_minute, branch: None }
}

/// Of the last so many seconds.
pub(crate) fn percentiles(times: &Recent, seconds: u64) -> Percentiles {
    let last = times.last(seconds);
    Percentiles { samples: last.samples(), p50: last.percentile(0.5), p99: last.percentile(0.99) }
}
