//! `millstream logs`: from flags to a run, from its outcome to an exit code.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use logs::time::Timestamp;
use logs::{Config, Ended, Event, Listener, Outcome, StartError};
use millstream::{Monitor, channel};
use serde::Serialize;

use crate::args::logs::Flags;
use crate::command::{Command, is_typed};
use crate::exit::Exit;
use crate::summary::{self, Formats};
use crate::{progress, report, screen};

pub(crate) fn run(mut flags: Flags) -> Exit {
    let common = flags.common.clone();
    let plan = |command: &Command| {
        if flags.inputs.is_empty() {
            if is_typed() {
                return Err(
                    "no FILES were named; name files or globs, or - to type records (see --help)"
                        .to_owned(),
                );
            }
            flags.inputs.push("-".into());
        }
        if is_typed() && flags.inputs.iter().any(|name| name == "-") {
            command.screen.note("reading what is typed; Ctrl-D ends it");
        }
        let config = flags.config(Timestamp::now(command.stopping.ctx.clock()))?;
        unmixed(config, common.report.as_deref())
    };
    Command::run("logs", &common, "what was read is finished", plan, |command, config| {
        let formats = Formats::default();
        let outcome = logs(command, &config, &formats)?;
        Ok(end(command, &config, &formats, outcome))
    })
}

/// Refuses to write to what is read, and records and report to the same place.
fn unmixed(config: Config, report: Option<&Path>) -> Result<Config, String> {
    let shown = match () {
        () if config.stats => Some("the chart"),
        () if progress::goes_to_stdout(&config.to) => Some("the records"),
        () => None,
    };
    report::paths::unmixed(report, shown)?;
    report::paths::check(&logs::paths(&config), report)?;
    Ok(config)
}

/// What only this program's report has.
#[derive(Serialize)]
struct More {
    /// Options that asked for what no record has, and conditions that could not be decided.
    notes: Vec<String>,
}

/// Reports how the run ended; its exit code, and its report as JSON.
fn end(
    command: &Command,
    config: &Config,
    formats: &Formats,
    mut outcome: Outcome,
) -> (Exit, String) {
    // What was wrong with a file was reported when it happened.
    let mut unusable = std::mem::take(&mut outcome.problems);
    let chart = outcome.stats.as_ref().map_or(Ok(()), |stats| screen::print(&stats.to_string()));
    let failed = match &outcome.ended {
        Some(Ended::Failed(error)) => Some(error.clone()),
        _ => chart.err(),
    };
    if let Some(error) = failed {
        command.screen.error(&error);
        unusable.push(error);
    }
    let exit = judge(&outcome, !unusable.is_empty(), command.stopping.signalled());
    // The reader that ended the run by going away reads no summary either.
    if !matches!(outcome.ended, Some(Ended::ReaderLeft)) {
        summary::report(&command.screen, config, formats, &outcome, exit);
    }
    let more = More { notes: config.filter.doubts() };
    let text = report::to_json_with("logs", exit, &outcome.report, &unusable, &more);
    (exit, text)
}

fn judge(outcome: &Outcome, unusable: bool, signalled: bool) -> Exit {
    match &outcome.ended {
        Some(Ended::Failed(_)) => Exit::Unusable,
        Some(Ended::Cancelled(cause)) => Exit::of(cause),
        _ if signalled => Exit::Interrupted,
        _ if unusable => Exit::Unusable,
        Some(Ended::ReaderLeft) => Exit::Done,
        _ if outcome.report.totals().failed > 0 => Exit::ItemsFailed,
        _ => Exit::Done,
    }
}

fn logs(command: &Command, config: &Config, formats: &Formats) -> Result<Outcome, StartError> {
    let (size, sizes) = channel::<(u64, Arc<AtomicU64>)>(1);
    let (screen, formats) = (command.screen.clone(), formats.clone());
    let listener: Listener = Arc::new(move |event| match event {
        Event::Reading { bytes, read } => drop(size.try_send((bytes, read))),
        Event::Began(seen) => formats.began(&screen, &seen),
        Event::Notice(notice) => screen.note(notice),
        Event::Failed(error) => screen.error(error),
        _ => {}
    });
    let control = command.control(Monitor::new());
    command.with_progress(
        progress::logs::is_covered(config),
        |ctx, bar| {
            if let Ok((bytes, read)) = sizes.recv(ctx) {
                progress::logs::draw(ctx, bar, bytes, &read);
            }
        },
        || logs::run(config, &control, listener),
    )
}
