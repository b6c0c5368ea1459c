//! What every program has in common at its start: what stops a run, and why one could not start.
//!
//! It runs nothing. How a run ended is a type of each program.

use std::fmt;

use millstream::Context;

/// When to stop a run, and a live view of it.
///
/// # Examples
/// ```
/// use millstream::{Context, Monitor};
/// use millstream_connect::Control;
///
/// let control = Control::<Monitor> { ctx: Context::new(), ..Control::default() };
/// control.drain.cancel("no more input");
/// assert!(!control.ctx.is_cancelled());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Control<P> {
    /// Cancelling it gives up what has not finished.
    pub ctx: Context,
    /// Cancelling it ends the input: what was started is finished and stored.
    pub drain: Context,
    /// How far the run is. The program fills it, and a progress display reads it.
    pub progress: P,
}

/// A run that could not start.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartError {
    /// An input does not exist or cannot be read.
    Input(String),
    /// Results cannot be written where they should go.
    Output(String),
    /// The options do not fit together.
    Usage(String),
}

impl StartError {
    /// Whether the command was wrong, rather than a file or a service.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Usage(_))
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(error) | Self::Output(error) | Self::Usage(error) => f.write_str(error),
        }
    }
}

impl std::error::Error for StartError {}
