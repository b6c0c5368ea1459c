//! The account: file by file, in sums, and as the report that all programs share.

use std::time::{Duration, Instant};

use connect::paths::escaped;
use millstream::report::{ErrorReport, StageReport};
use millstream::{Cause, Clock, Context, Report};

use crate::config::{Config, Place};
use crate::failure::{Failure, FailureKind};
use crate::files::plan::Item;
use crate::job::Done;
use crate::made::Made;
use crate::outcome::{FileRecord, Outcome, Status, Summary};
use crate::probe::Probe;

#[derive(Debug)]
pub(crate) struct Account {
    clock: Clock,
    started: Instant,
    busy: Duration,
    times: Vec<Duration>,
    summary: Summary,
    errors: Vec<ErrorReport>,
    files: Vec<FileRecord>,
}

impl Account {
    pub(crate) fn new(ctx: &Context) -> Self {
        let clock = ctx.clock().clone();
        Self {
            started: clock.now(),
            clock,
            busy: Duration::ZERO,
            times: Vec::new(),
            summary: Summary::default(),
            errors: Vec::new(),
            files: Vec::new(),
        }
    }

    pub(crate) fn add(
        &mut self,
        item: &Item,
        probe: Option<Probe>,
        done: Result<Done, Failure>,
        time: Duration,
    ) {
        let mut record = record(item, probe, time);
        if !time.is_zero() {
            self.busy += time;
            self.times.push(time);
        }
        match done {
            Ok(Done::Made { made, bytes, written }) => {
                self.made(&mut record, item, &made, bytes, written)
            }
            Ok(Done::Skipped(why)) => {
                self.summary.skipped += 1;
                (record.status, record.reason) = (Status::Skipped, Some(why.to_owned()));
            }
            Ok(Done::Ignored) => {
                self.summary.ignored += 1;
                record.status = Status::Ignored;
            }
            Err(failure) => self.failed(&mut record, failure),
        }
        self.files.push(record);
    }

    fn made(
        &mut self,
        record: &mut FileRecord,
        item: &Item,
        made: &Made,
        bytes: u64,
        written: bool,
    ) {
        let target = if made.is_original_coding() { &item.copy } else { &item.target };
        record.target = written.then(|| target.clone());
        record.to = Some(made.to.name());
        record.bytes_after = Some(bytes);
        record.size_after = Some(made.size);
        record.quality = made.quality;
        record.notes.clone_from(&made.notes);
        self.summary.bytes_before += item.bytes;
        self.summary.bytes_after += bytes;
        for note in &made.notes {
            *self.summary.notes.entry(*note).or_default() += 1;
        }
        match made.kept {
            Some(why) => {
                self.summary.kept += 1;
                (record.status, record.reason) = (Status::Kept, Some(why.to_owned()));
            }
            None => self.summary.compressed += 1,
        }
    }

    fn failed(&mut self, record: &mut FileRecord, failure: Failure) {
        self.summary.failed += 1;
        *self.summary.failures.entry(failure.kind).or_default() += 1;
        let word = failure.kind.word();
        if let Some(known) = self.errors.iter_mut().find(|error| error.kind == word) {
            known.count += 1;
        } else {
            let mut error = ErrorReport::default();
            (error.stage, error.kind, error.count) = ("compress".to_owned(), word.to_owned(), 1);
            error.sample = format!("{}: {}", escaped(&record.path), failure.reason);
            self.errors.push(error);
        }
        (record.status, record.kind, record.reason) =
            (Status::Failed, Some(failure.kind), Some(failure.reason));
    }

    pub(crate) fn panicked(&mut self, item: &Item, probe: Option<Probe>, panic: &str) {
        self.add(item, probe, Err(Failure::new(FailureKind::Panic, panic)), Duration::ZERO);
    }

    pub(crate) fn cancelled(&mut self, item: &Item) {
        self.summary.cancelled += 1;
        let mut record = record(item, None, Duration::ZERO);
        record.status = Status::Cancelled;
        self.files.push(record);
    }

    pub(crate) fn close(mut self, config: &Config, ended: Option<Cause>) -> Outcome {
        let mut report = Report::default();
        report.elapsed = self.clock.now() - self.started;
        report.stages = self.stages(config);
        report.errors = std::mem::take(&mut self.errors);
        Outcome { report, summary: self.summary, files: self.files, ended, problems: Vec::new() }
    }

    fn stages(&mut self, config: &Config) -> Vec<StageReport> {
        let sum = &self.summary;
        let all = self.files.len() as u64;
        let mut found = StageReport::default();
        found.name = "find".to_owned();
        (found.workers, found.entered, found.filtered, found.left) =
            (1, all, sum.ignored, all - sum.ignored);
        let mut compress = StageReport::default();
        compress.name = "compress".to_owned();
        compress.workers = *config.workers.end();
        compress.entered = found.left;
        compress.left = sum.compressed + sum.kept;
        (compress.skipped, compress.failed, compress.cancelled) =
            (sum.skipped, sum.failed, sum.cancelled);
        compress.busy = self.busy;
        self.times.sort_unstable();
        let at = |part: usize| self.times.get(self.times.len() * part / 100).copied();
        (compress.p50, compress.p99) = (at(50), at(99));
        let mut sink = StageReport::default();
        sink.name =
            if config.place == Place::InPlace { "in place" } else { "directory" }.to_owned();
        (sink.workers, sink.entered, sink.left) = (compress.workers, compress.left, compress.left);
        vec![found, compress, sink]
    }
}

fn record(item: &Item, probe: Option<Probe>, time: Duration) -> FileRecord {
    FileRecord {
        path: item.source.clone(),
        status: Status::Compressed,
        target: None,
        from: probe.map(|probe| probe.kind.name()),
        to: None,
        bytes_before: item.bytes,
        bytes_after: None,
        size_before: probe.map(|probe| (probe.width, probe.height)),
        size_after: None,
        quality: None,
        kind: None,
        reason: None,
        notes: Vec::new(),
        seconds: time.as_secs_f64(),
    }
}
