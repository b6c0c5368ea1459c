//! `millstream images`: from flags to a run, from its outcome to a table, a report and an exit code.

use std::convert::Infallible;
use std::io::{self, IsTerminal};
use std::sync::Arc;

use images::{Config, Control, Outcome, Progress, StartError};
use millstream::{CauseKind, Context, Report, Shutdown, scope};

use crate::args::images::Flags;
use crate::exit::Exit;
use crate::images_table;
use crate::progress;
use crate::report::{self, Place};
use crate::screen::Screen;

pub(crate) fn run(flags: &Flags) -> Exit {
    let screen = Screen::new("images", flags.common.quiet);
    let refuse = |error: &str, exit: Exit| {
        screen.error(error);
        exit
    };
    if io::stdin().is_terminal() && flags.inputs.iter().any(|name| name == "-") {
        screen.note("reading names that are typed; Ctrl-D ends them");
    }
    let shutdown = Shutdown::on_signals().grace(flags.common.grace);
    let ctx = match flags.common.deadline {
        Some(deadline) => shutdown.context().with_timeout(deadline),
        None => shutdown.context(),
    };
    let told = screen.clone();
    let _stopping = shutdown
        .draining()
        .on_cancel(move |_| told.note("stopping: pictures begun are finished; Ctrl-C again leaves at once"));
    let config = flags.config();
    let place = match Place::open(flags.common.report.clone()) {
        Ok(place) => place,
        Err(error) => return refuse(&error, Exit::Unusable),
    };
    let control = Control { ctx, drain: shutdown.draining(), progress: Arc::default() };
    let (exit, text) = match with_progress(&config, &control, &screen) {
        Ok(outcome) => end(&config, &screen, &outcome, shutdown.exit_code().is_some()),
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

/// Tells how the run ended; its exit code, and its report as JSON.
fn end(config: &Config, screen: &Screen, outcome: &Outcome, signalled: bool) -> (Exit, String) {
    let exit = match &outcome.ended {
        Some(cause) if cause.kind() == CauseKind::Deadline => Exit::Deadline,
        Some(_) => Exit::Interrupted,
        None if signalled => Exit::Interrupted,
        None if !outcome.troubles.is_empty() => Exit::Unusable,
        None if outcome.summary.failed > 0 => Exit::ItemsFailed,
        None => Exit::Done,
    };
    images_table::tell(screen, config, outcome, exit);
    let text = report::pictures_to_json(exit, outcome, config.dry_run);
    (exit, text)
}

/// Runs with a progress bar beside it, where somebody sees it.
fn with_progress(config: &Config, control: &Control, screen: &Screen) -> Result<Outcome, StartError> {
    let typed = io::stdin().is_terminal() && config.inputs.iter().any(|name| name == "-");
    if screen.is_quiet() || typed || !io::stderr().is_terminal() {
        return images::run(config, control);
    }
    let drawing = control.ctx.detached();
    let progress: Arc<Progress> = Arc::clone(&control.progress);
    let outcome = scope(&drawing, |threads| {
        threads.spawn("progress", |ctx: &Context| {
            progress::draw_pictures(ctx, &screen.bar, &progress);
            Ok::<(), Infallible>(())
        });
        let outcome = images::run(config, control);
        threads.context().cancel("the run is over");
        Ok(outcome)
    });
    outcome.unwrap_or_else(|error| Err(StartError::Output(error.to_string())))
}
