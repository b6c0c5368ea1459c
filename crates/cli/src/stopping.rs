//! What ends a run from outside: signals, and the deadline.

use millstream::{Context, OnCancel, Shutdown};

use crate::args::common::Common;
use crate::screen::Screen;

/// Listens for signals as long as it lives.
#[derive(Debug)]
pub(crate) struct Stopping {
    /// Ends with a second signal, with the grace after a first one, and with the deadline.
    pub(crate) ctx: Context,
    /// Ends with a first signal: what was started is finished.
    pub(crate) drain: Context,
    shutdown: Shutdown,
    _notice: OnCancel,
}

impl Stopping {
    /// `finished` says what becomes of what was started when a first signal comes.
    pub(crate) fn new(common: &Common, screen: &Screen, finished: &'static str) -> Self {
        let shutdown = Shutdown::on_signals().grace(common.grace);
        let ctx = match common.deadline {
            Some(deadline) => shutdown.context().with_timeout(deadline),
            None => shutdown.context(),
        };
        let (drain, screen) = (shutdown.draining(), screen.clone());
        let notice = drain.on_cancel(move |_| {
            screen.note(format_args!("stopping: {finished}; Ctrl-C again leaves at once"))
        });
        Self { ctx, drain, shutdown, _notice: notice }
    }

    /// Whether a signal came.
    pub(crate) fn signalled(&self) -> bool {
        self.shutdown.exit_code().is_some()
    }
}
