//! Moves the write-ahead log into the database beside the writer, so that no batch waits for the disk.

use std::path::PathBuf;
use std::time::Duration;

use millstream::Context;
use rusqlite::Connection;

use super::{failed, set_up};
use crate::SinkError;

/// Between two looks at the log. Each takes microseconds when there is nothing to do.
const EVERY: Duration = Duration::from_millis(100);

/// How far the log may grow before the writer itself empties it after all, in pages (256 MiB).
pub(super) const LOG_PAGES: u32 = 32_768;
/// What is kept of the log's file once it was emptied.
pub(super) const LOG_KEPT_BYTES: u32 = 64 << 20;

/// Empties the log of one [`SqliteSink`](crate::SqliteSink) from another thread.
///
/// Without it every eight megabytes of log make one batch wait for the disk, which costs little in all and keeps the log
/// short, but was measured at 25 to 50 ms for that batch. Take it for a job that promises low latency, and run it in the
/// scope that runs the sink.
#[derive(Debug)]
pub struct Checkpointer {
    pub(super) path: PathBuf,
    pub(super) name: String,
}

impl Checkpointer {
    /// Works until `ctx` is cancelled; that is its good end.
    ///
    /// # Errors
    /// The database fails. The sink goes on without it, and empties its log itself once that has 256 MiB.
    pub fn run(&self, ctx: &Context) -> Result<(), SinkError> {
        let connection = Connection::open(&self.path).map_err(|e| failed("open", &self.name, &e))?;
        set_up(&connection).map_err(|e| failed("open", &self.name, &e))?;
        while ctx.sleep(EVERY).is_ok() {
            // Passive: it waits for nobody, nobody waits for it, and what it does not reach stays for the next time.
            connection
                .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
                .map_err(|e| failed("empty the log of", &self.name, &e))?;
        }
        Ok(())
    }
}
