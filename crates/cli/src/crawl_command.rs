//! `millstream crawl`: from flags to a run, from its outcome to a table, a report and an exit code.

use std::io::{self, IsTerminal};
use std::path::Path;

use crawl::{Config, Ended, Outcome, Progress, StartError, Summary};
use serde::Serialize;

use crate::args::crawl::Flags;
use crate::command::{Command, is_typed};
use crate::crawl_table;
use crate::exit::Exit;
use crate::{progress, report};

pub(crate) fn run(flags: Flags) -> Exit {
    let common = flags.common.clone();
    let finished = "requests under way are finished, the rest is left for --resume";
    let plan = |command: &Command| {
        let config = unmixed(flags.config()?, common.report.as_deref())?;
        if typed(&config) {
            command.screen.note("reading URLs that are typed; Ctrl-D ends them");
        }
        Ok(config)
    };
    Command::run("crawl", &common, finished, plan, |command, config| {
        let outcome = crawl(command, &config)?;
        Ok(end(command, &config, &outcome))
    })
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
    config.urls.as_deref() == Some(Path::new("-")) && is_typed()
}

fn crawl(command: &Command, config: &Config) -> Result<Outcome, StartError> {
    let control = command.control(Progress::default());
    let rows_shown = progress::goes_to_stdout(&config.to) && io::stdout().is_terminal();
    command.with_progress(
        rows_shown || typed(config),
        |ctx, bar| progress::crawl::draw(ctx, bar, &control.progress),
        || crawl::run(config, &control),
    )
}

/// Reports how the run ended; its exit code, and its report as JSON.
fn end(command: &Command, config: &Config, outcome: &Outcome) -> (Exit, String) {
    let mut unusable = outcome.problems.clone();
    if let Some(Ended::Failed(error)) = &outcome.ended {
        unusable.push(error.clone());
    }
    for error in &unusable {
        command.screen.error(error);
    }
    let exit = judge(outcome, command.stopping.signalled());
    for line in crawl_table::lines(config, outcome, exit) {
        command.screen.note(line);
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
