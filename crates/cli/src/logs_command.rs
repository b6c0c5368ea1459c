//! `millstream logs`: from flags to a run, from its outcome to an exit code.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use logs::time::Timestamp;
use logs::{Config, Control, Ended, Event, Listener, Outcome, StartError};
use millstream::{Context, Monitor, Report, channel};
use serde::Serialize;

use crate::args::logs::Flags;
use crate::exit::Exit;
use crate::progress;
use crate::report::{self, Place};
use crate::screen::{self, Screen};
use crate::stopping::Stopping;
use crate::summary::{self, Formats};

pub(crate) fn run(mut flags: Flags) -> Exit {
    let screen = Screen::new("logs", flags.common.quiet);
    let refuse = |error: &str, exit: Exit| {
        screen.error(error);
        exit
    };
    let typed = io::stdin().is_terminal();
    if flags.inputs.is_empty() {
        if typed {
            return refuse(
                "no FILES were named; name files or globs, or - to type records (see --help)",
                Exit::Usage,
            );
        }
        flags.inputs.push("-".into());
    }
    if typed && flags.inputs.iter().any(|name| name == "-") {
        screen.note("reading what is typed; Ctrl-D ends it");
    }
    let stopping = Stopping::new(&flags.common, &screen, "what was read is finished");
    let to_report = flags.common.report.clone();
    let config = match flags
        .config(Timestamp::now(stopping.ctx.clock()))
        .and_then(|config| unmixed(config, to_report.as_deref()))
    {
        Ok(config) => config,
        Err(error) => return refuse(&error, Exit::Usage),
    };
    let place = match Place::open(to_report) {
        Ok(place) => place,
        Err(error) => return refuse(&error, Exit::Unusable),
    };
    let formats = Formats::default();
    let (ctx, drain) = (stopping.ctx.clone(), stopping.drain.clone());
    let control = Control { ctx, drain, progress: Monitor::new() };
    let (exit, text) = match with_progress(&config, &control, &screen, &formats) {
        Ok(outcome) => end(&config, &screen, &formats, outcome, stopping.signalled()),
        Err(error) => {
            let exit = if error.is_usage() { Exit::Usage } else { Exit::Unusable };
            let error = error.to_string();
            screen.error(&error);
            (exit, report::to_json("logs", exit, &Report::default(), &[error]))
        }
    };
    match place.write(&text) {
        Ok(()) => exit,
        Err(error) => refuse(&error, Exit::Unusable),
    }
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
    config: &Config,
    screen: &Screen,
    formats: &Formats,
    mut outcome: Outcome,
    signalled: bool,
) -> (Exit, String) {
    // What was wrong with a file was reported when it happened.
    let mut unusable = std::mem::take(&mut outcome.problems);
    let chart = outcome.stats.as_ref().map_or(Ok(()), |stats| screen::print(&stats.to_string()));
    let failed = match &outcome.ended {
        Some(Ended::Failed(error)) => Some(error.clone()),
        _ => chart.err(),
    };
    if let Some(error) = failed {
        screen.error(&error);
        unusable.push(error);
    }
    let exit = judge(&outcome, !unusable.is_empty(), signalled);
    // Who ends the run by going away wants to hear no more of it.
    if !matches!(outcome.ended, Some(Ended::ReaderLeft)) {
        summary::report(screen, config, formats, &outcome, exit);
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

/// Runs with a progress bar beside it, where somebody sees it.
fn with_progress(
    config: &Config,
    control: &Control,
    screen: &Screen,
    formats: &Formats,
) -> Result<Outcome, StartError> {
    let (size, sizes) = channel::<(u64, Arc<AtomicU64>)>(1);
    let (printed, formats) = (screen.clone(), formats.clone());
    let listener: Listener = Arc::new(move |event| match event {
        Event::Reading { bytes, read } => drop(size.try_send((bytes, read))),
        Event::Began(seen) => formats.began(&printed, &seen),
        Event::Notice(notice) => printed.note(notice),
        Event::Failed(error) => printed.error(error),
        _ => {}
    });
    if screen.is_quiet() || !progress::logs::is_wanted(config) {
        return logs::run(config, control, listener);
    }
    let draw = |ctx: &Context| {
        if let Ok((bytes, read)) = sizes.recv(ctx) {
            progress::logs::draw(ctx, &screen.bar, bytes, &read);
        }
    };
    let outcome = progress::beside(&control.ctx, draw, || logs::run(config, control, listener));
    outcome.unwrap_or_else(|error| Err(StartError::Usage(error)))
}
