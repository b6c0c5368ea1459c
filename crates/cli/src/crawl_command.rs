//! `millstream crawl`: from flags to a run, from its outcome to a table, a report and an exit code.

use std::io::{self, IsTerminal};
use std::path::Path;

use crawl::{Config, Control, Ended, Outcome, Progress, StartError, Summary};
use millstream::{Context, Report};
use serde::Serialize;

use crate::args::crawl::Flags;
use crate::crawl_table;
use crate::exit::Exit;
use crate::progress;
use crate::report::{self, Place};
use crate::screen::Screen;
use crate::stopping::Stopping;

pub(crate) fn run(flags: Flags) -> Exit {
    let screen = Screen::new("crawl", flags.common.quiet);
    let refuse = |error: &str, exit: Exit| {
        screen.error(error);
        exit
    };
    let stopping = Stopping::new(
        &flags.common,
        &screen,
        "requests under way are finished, the rest is left for --resume",
    );
    let to_report = flags.common.report.clone();
    let config = match flags.config().and_then(|config| unmixed(config, to_report.as_deref())) {
        Ok(config) => config,
        Err(error) => return refuse(&error, Exit::Usage),
    };
    if typed(&config) {
        screen.note("reading URLs that are typed; Ctrl-D ends them");
    }
    let place = match Place::open(to_report) {
        Ok(place) => place,
        Err(error) => return refuse(&error, Exit::Unusable),
    };
    let (ctx, drain) = (stopping.ctx.clone(), stopping.drain.clone());
    let control = Control { ctx, drain, progress: Progress::default() };
    let (exit, text) = match with_progress(&config, &control, &screen) {
        Ok(outcome) => end(&config, &screen, &outcome, stopping.signalled()),
        Err(error) => {
            let exit = if error.is_usage() { Exit::Usage } else { Exit::Unusable };
            let error = error.to_string();
            screen.error(&error);
            (exit, report::to_json("crawl", exit, &Report::default(), &[error]))
        }
    };
    match place.write(&text) {
        Ok(()) => exit,
        Err(error) => refuse(&error, Exit::Unusable),
    }
}

/// Refuses to write to what is read, and rows and report to the same place.
fn unmixed(config: Config, report: Option<&Path>) -> Result<Config, String> {
    let shown = progress::goes_to_stdout(&config.to).then_some("the pages");
    report::paths::unmixed(report, shown)?;
    report::paths::check(&crawl::paths(&config), report)?;
    Ok(config)
}

/// Whether URLs come from a keyboard.
fn typed(config: &Config) -> bool {
    config.urls.as_deref() == Some(Path::new("-")) && io::stdin().is_terminal()
}

/// Reports how the run ended; its exit code, and its report as JSON.
fn end(config: &Config, screen: &Screen, outcome: &Outcome, signalled: bool) -> (Exit, String) {
    let mut unusable = outcome.problems.clone();
    if let Some(Ended::Failed(error)) = &outcome.ended {
        unusable.push(error.clone());
    }
    for error in &unusable {
        screen.error(error);
    }
    let exit = judge(outcome, signalled);
    for line in crawl_table::lines(config, outcome, exit) {
        screen.note(line);
    }
    (exit, to_json(exit, outcome, &unusable))
}

/// A start that is no URL is one that failed: the others were crawled.
fn judge(outcome: &Outcome, signalled: bool) -> Exit {
    match &outcome.ended {
        Some(Ended::Failed(_)) => Exit::Unusable,
        Some(Ended::Cancelled(cause)) => Exit::of(cause),
        Some(Ended::ReaderLeft) => Exit::Done,
        _ if signalled => Exit::Interrupted,
        _ if outcome.summary.failed > 0 || !outcome.problems.is_empty() => Exit::ItemsFailed,
        _ => Exit::Done,
    }
}

/// The report with what only a crawl has: the summary, and whether it was ended by `--max-pages`.
fn to_json(exit: Exit, outcome: &Outcome, unusable: &[String]) -> String {
    #[derive(Serialize)]
    struct Crawl<'a> {
        enough: bool,
        summary: &'a Summary,
    }
    let enough = matches!(outcome.ended, Some(Ended::Enough));
    report::to_json_with(
        "crawl",
        exit,
        &outcome.report,
        unusable,
        &Crawl { enough, summary: &outcome.summary },
    )
}

/// Runs with a line of progress beside it, where somebody sees it and nothing else is on the same
/// screen.
fn with_progress(
    config: &Config,
    control: &Control,
    screen: &Screen,
) -> Result<Outcome, StartError> {
    let rows_shown = progress::goes_to_stdout(&config.to) && io::stdout().is_terminal();
    if screen.is_quiet() || rows_shown || typed(config) || !io::stderr().is_terminal() {
        return crawl::run(config, control);
    }
    let draw = |ctx: &Context| progress::crawl::draw(ctx, &screen.bar, &control.progress);
    let outcome = progress::beside(&control.ctx, draw, || crawl::run(config, control));
    outcome.unwrap_or_else(|error| Err(StartError::Output(error)))
}
