//! `millstream images`: from flags to a run, from its outcome to a table, a report and an exit
//! code.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;

use connect::paths::STDOUT;
use images::{Config, Control, FileRecord, Outcome, Plan, StartError, Summary};
use millstream::{Context, Report};
use serde::Serialize;

use crate::args::images::Flags;
use crate::exit::Exit;
use crate::images_table;
use crate::progress;
use crate::report::{self, Place};
use crate::screen::Screen;
use crate::stopping::Stopping;

pub(crate) fn run(flags: &Flags) -> Exit {
    let screen = Screen::new("images", flags.common.quiet);
    let refuse = |error: &str, exit: Exit| {
        screen.error(error);
        exit
    };
    if io::stdin().is_terminal() && flags.inputs.iter().any(|name| name.as_os_str() == "-") {
        screen.note("reading names that are typed; Ctrl-D ends them");
    }
    let stopping = Stopping::new(&flags.common, &screen, "images started are finished");
    let config = flags.config();
    let report = flags.common.report.as_deref();
    let plan = match Plan::new(&config).and_then(|plan| checked(plan, report)) {
        Ok(plan) => plan,
        Err(error) => return refuse(&error.to_string(), Exit::Usage),
    };
    let place = match Place::open(flags.common.report.clone()) {
        Ok(place) => place,
        Err(error) => return refuse(&error, Exit::Unusable),
    };
    let (ctx, drain) = (stopping.ctx.clone(), stopping.drain.clone());
    let control = Control { ctx, drain, progress: Arc::default() };
    let (exit, text) = match with_progress(plan, &config, &control, &screen) {
        Ok(outcome) => end(&config, &screen, &outcome, stopping.signalled()),
        Err(error) => {
            let exit = if error.is_usage() { Exit::Usage } else { Exit::Unusable };
            let error = error.to_string();
            screen.error(&error);
            (exit, report::to_json("images", exit, &Report::default(), &[error]))
        }
    };
    match place.write(&text) {
        Ok(()) => exit,
        Err(error) => refuse(&error, Exit::Unusable),
    }
}

/// Refuses a report that would take the place of an image, a result, or a directory of results.
fn checked(plan: Plan, report: Option<&Path>) -> Result<Plan, StartError> {
    if let Some(path) = report {
        plan.check_output(
            "--report",
            if path.as_os_str() == "-" { Path::new(STDOUT) } else { path },
        )?;
    }
    Ok(plan)
}

/// Reports how the run ended; its exit code, and its report as JSON.
fn end(config: &Config, screen: &Screen, outcome: &Outcome, signalled: bool) -> (Exit, String) {
    let exit = match &outcome.ended {
        Some(cause) => Exit::of(cause),
        None if signalled => Exit::Interrupted,
        None if !outcome.problems.is_empty() => Exit::Unusable,
        None if outcome.summary.failed > 0 => Exit::ItemsFailed,
        None => Exit::Done,
    };
    images_table::report(screen, config, outcome, exit);
    let text = images_to_json(exit, outcome, config.dry_run);
    (exit, text)
}

/// The report with what only images have: the summary, and file by file what became of it.
fn images_to_json(exit: Exit, outcome: &Outcome, dry_run: bool) -> String {
    #[derive(Serialize)]
    struct Images<'a> {
        dry_run: bool,
        summary: &'a Summary,
        files: &'a [FileRecord],
    }
    let images = Images { dry_run, summary: &outcome.summary, files: &outcome.files };
    report::to_json_with("images", exit, &outcome.report, &outcome.problems, &images)
}

/// Runs with a progress bar beside it, where somebody sees it.
fn with_progress(
    plan: Plan,
    config: &Config,
    control: &Control,
    screen: &Screen,
) -> Result<Outcome, StartError> {
    let typed =
        io::stdin().is_terminal() && config.inputs.iter().any(|name| name.as_os_str() == "-");
    if screen.is_quiet() || typed || !io::stderr().is_terminal() {
        return plan.run(control);
    }
    let draw = |ctx: &Context| progress::images::draw(ctx, &screen.bar, &control.progress);
    let outcome = progress::beside(&control.ctx, draw, || plan.run(control));
    outcome.unwrap_or_else(|error| Err(StartError::Output(error)))
}
