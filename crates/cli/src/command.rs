//! The way of every command: options are checked, the file of the report is opened, the run is made
//! with a progress display beside it, and its report is written.
//!
//! What runs, and what is printed at its end, differs from program to program and stands there.

use std::io::{self, IsTerminal};

use connect::{Control, StartError};
use indicatif::ProgressBar;
use millstream::{Context, Report};

use crate::args::common::Common;
use crate::exit::Exit;
use crate::progress;
use crate::report::{self, Place};
use crate::screen::Screen;
use crate::stopping::Stopping;

/// A command on its way from its start to its exit code.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) screen: Screen,
    pub(crate) stopping: Stopping,
}

impl Command {
    /// Plans a run, makes it, and writes its report.
    ///
    /// `plan` checks the options before anything is made; its error is one of usage. `run` makes
    /// the run, and returns its exit code with its report as JSON. `finished` says what becomes of
    /// what was started when a first signal comes.
    pub(crate) fn run<P>(
        program: &'static str,
        common: &Common,
        finished: &'static str,
        plan: impl FnOnce(&Self) -> Result<P, String>,
        run: impl FnOnce(&Self, P) -> Result<(Exit, String), StartError>,
    ) -> Exit {
        let screen = Screen::new(program, common.quiet);
        let stopping = Stopping::new(common, &screen, finished);
        let command = Self { screen, stopping };
        let plan = match plan(&command) {
            Ok(plan) => plan,
            Err(error) => return command.refuse(&error, Exit::Usage),
        };
        let place = match Place::open(common.report.clone()) {
            Ok(place) => place,
            Err(error) => return command.refuse(&error, Exit::Unusable),
        };
        let (exit, text) = run(&command, plan).unwrap_or_else(|error| {
            let exit = if error.is_usage() { Exit::Usage } else { Exit::Unusable };
            let error = error.to_string();
            command.screen.error(&error);
            (exit, report::to_json(program, exit, &Report::default(), &[error]))
        });
        match place.write(&text) {
            Ok(()) => exit,
            Err(error) => command.refuse(&error, Exit::Unusable),
        }
    }

    fn refuse(&self, error: &str, exit: Exit) -> Exit {
        self.screen.error(error);
        exit
    }

    /// What stops the run, with the view of it that its progress display reads.
    pub(crate) fn control<P>(&self, progress: P) -> Control<P> {
        let (ctx, drain) = (self.stopping.ctx.clone(), self.stopping.drain.clone());
        Control { ctx, drain, progress }
    }

    /// Runs `run` with `draw` beside it, where somebody sees it. `is_covered`: something else is on
    /// the same screen, such as rows or what is typed.
    pub(crate) fn with_progress<T>(
        &self,
        is_covered: bool,
        draw: impl FnOnce(&Context, &ProgressBar) + Send,
        run: impl FnOnce() -> Result<T, StartError>,
    ) -> Result<T, StartError> {
        if is_covered || self.screen.is_quiet() || !io::stderr().is_terminal() {
            return run();
        }
        progress::beside(&self.stopping.ctx, |ctx| draw(ctx, &self.screen.bar), run)
            .unwrap_or_else(|error| Err(StartError::Output(error)))
    }
}

/// Whether standard input is a keyboard.
pub(crate) fn is_typed() -> bool {
    io::stdin().is_terminal()
}
