//! `millstream images`: from flags to a run, from its outcome to a table, a report and an exit
//! code.

use std::path::Path;
use std::sync::Arc;

use connect::paths::STDOUT;
use images::{Config, FileRecord, Outcome, Plan, Progress, StartError, Summary};
use serde::Serialize;

use crate::args::images::Flags;
use crate::command::{Command, is_typed};
use crate::exit::Exit;
use crate::images_table;
use crate::{progress, report};

pub(crate) fn run(flags: &Flags) -> Exit {
    let config = flags.config();
    let plan = |command: &Command| {
        if typed(&config) {
            command.screen.note("reading names that are typed; Ctrl-D ends them");
        }
        let report = flags.common.report.as_deref();
        let plan = Plan::new(&config).and_then(|plan| checked(plan, report));
        plan.map_err(|error| error.to_string())
    };
    Command::run("images", &flags.common, "images started are finished", plan, |command, plan| {
        let control = command.control(Arc::<Progress>::default());
        let outcome = command.with_progress(
            typed(&config),
            |ctx, bar| progress::images::draw(ctx, bar, &control.progress),
            || plan.run(&control),
        )?;
        Ok(end(command, &config, &outcome))
    })
}

/// Whether names come from a keyboard.
fn typed(config: &Config) -> bool {
    config.inputs.iter().any(|name| name.as_os_str() == "-") && is_typed()
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
fn end(command: &Command, config: &Config, outcome: &Outcome) -> (Exit, String) {
    let exit = match &outcome.ended {
        Some(cause) => Exit::of(cause),
        None if command.stopping.signalled() => Exit::Interrupted,
        None if !outcome.problems.is_empty() => Exit::Unusable,
        None if outcome.summary.failed > 0 => Exit::ItemsFailed,
        None => Exit::Done,
    };
    images_table::report(&command.screen, config, outcome, exit);
    (exit, images_to_json(exit, outcome, config.dry_run))
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
