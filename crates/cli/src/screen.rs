//! Standard error and standard output: lines that do not tear the progress bar, and no panic when
//! nobody listens.

use std::fmt::Display;
use std::io::{self, Write};

use connect::paths::shown_text;
use indicatif::ProgressBar;

/// Standard error of a command. Copies share the bar.
#[derive(Clone, Debug)]
pub(crate) struct Screen {
    pub(crate) bar: ProgressBar,
    program: &'static str,
    quiet: bool,
}

impl Screen {
    pub(crate) fn new(program: &'static str, quiet: bool) -> Self {
        Self { bar: ProgressBar::hidden(), program, quiet }
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// A line that `--quiet` leaves out.
    pub(crate) fn note(&self, text: impl Display) {
        if !self.quiet {
            self.line(text);
        }
    }

    /// A line that is always wanted.
    pub(crate) fn error(&self, text: impl Display) {
        self.line(format_args!("millstream {}: {text}", self.program));
    }

    /// Names, records and what servers say can be in a line; none of it acts on the terminal.
    fn line(&self, text: impl Display) {
        let text = text.to_string();
        // When standard error is gone there is nobody to report it to.
        self.bar.suspend(|| drop(writeln!(io::stderr(), "{}", shown_text(&text))));
    }
}

/// What is wrong with the arguments.
pub(crate) fn usage(text: &str) {
    // As above.
    drop(write!(io::stderr(), "{text}"));
}

/// Writes to standard output; a reader that went away wants no more and is no error.
pub(crate) fn print(text: &str) -> Result<(), String> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("cannot write to standard output: {error}"))
        }
        _ => Ok(()),
    }
}
