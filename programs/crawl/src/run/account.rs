//! The account of a run: sums, and the report that all programs share.

use millstream::Report;
use millstream::report::{ErrorReport, StageReport};

use super::coordinator::RunState;
use super::shared::Shared;
use crate::config::Config;
use crate::outcome::{Ended, Outcome};
use crate::page::ErrorKind;

/// What became of every URL.
pub(super) fn close(
    config: &Config,
    state: RunState,
    shared: &Shared,
    ended: Option<Ended>,
) -> Outcome {
    let RunState { summary, problems, samples, elapsed, .. } = state;
    let mut report = Report::default();
    report.elapsed = elapsed;
    let visited = summary.pages + summary.failed;
    let robots = summary.failures.get(&ErrorKind::Robots).copied().unwrap_or(0);
    let (mut frontier, mut fetch, mut store) =
        (StageReport::default(), StageReport::default(), StageReport::default());
    (frontier.name, frontier.workers) = ("frontier".to_owned(), 1);
    // What others visited of a shared frontier is not this run's.
    (frontier.entered, frontier.left, frontier.held) =
        (visited + summary.left, visited, summary.left);
    (fetch.name, fetch.workers) = ("fetch".to_owned(), config.workers);
    (fetch.entered, fetch.left) = (visited, summary.pages);
    (fetch.skipped, fetch.failed) = (robots, summary.failed - robots);
    (store.name, store.workers) = (config.to.to_string(), 1);
    (store.entered, store.left) = (summary.pages, summary.pages);
    report.stages = vec![frontier, fetch, store];
    report.errors = summary
        .failures
        .iter()
        .map(|(kind, count)| {
            let mut error = ErrorReport::default();
            (error.stage, error.kind, error.count) =
                ("fetch".to_owned(), kind.name().to_owned(), *count);
            error.sample = samples.get(kind).cloned().unwrap_or_default();
            error
        })
        .collect();
    debug_assert!(
        shared.hosts().counts().in_flight == 0 || ended.is_some(),
        "every ticket came back"
    );
    Outcome { report, summary, ended, problems }
}
