//! Moves the write-ahead log into the database beside the writer, so that no batch waits for the
//! disk.

use std::path::{Path, PathBuf};
use std::time::Duration;

use millstream::Context;
use rusqlite::Connection;

use super::{failed, set_up};
use crate::SinkError;
use crate::paths::shown;

/// Between two looks at the log. Each takes microseconds when there is nothing to do.
const EVERY: Duration = Duration::from_millis(100);
/// From how many pages on the log is worth being started again (8 MiB).
const WORTH_PAGES: i64 = 1_024;
/// How often in one go what was written meanwhile is moved too.
const PASSES: u32 = 8;

/// What is kept of the log's file once it was emptied.
const LOG_KEPT_BYTES: u32 = 64 << 20;

/// Empties the log of one [`SqliteSink`](crate::SqliteSink) from another thread.
///
/// Without it every 64 MiB of log make one batch wait for the disk, measured at some 70 ms for that
/// batch, and closing the database waits for all that is left. Take it for a job that promises low
/// latency, or that writes much; run it in the scope that runs the sink.
///
/// While batches come without a pause it only moves pages, and the sink itself begins the log again
/// at those 64 MiB, when little is left to be moved.
#[derive(Debug)]
pub struct Checkpointer {
    path: PathBuf,
    name: String,
}

impl Checkpointer {
    /// One for a program that writes over a `connection` of its own to the database at `path`.
    ///
    /// # Errors
    /// The database fails.
    pub fn beside(connection: &Connection, path: &Path) -> Result<Self, SinkError> {
        let name = shown(path).to_string();
        connection
            .pragma_update_and_check(None, "journal_size_limit", LOG_KEPT_BYTES, |_| Ok(()))
            .map_err(|e| failed("set up the log of", &name, &e))?;
        Ok(Self { path: path.to_owned(), name })
    }

    /// Works until `ctx` is cancelled; that is its good end.
    ///
    /// # Errors
    /// The database fails. The sink goes on without it, and empties its log alone.
    pub fn run(&self, ctx: &Context) -> Result<(), SinkError> {
        if ctx.sleep(EVERY).is_err() {
            return Ok(());
        }
        let connection =
            Connection::open(&self.path).map_err(|e| failed("open", &self.name, &e))?;
        set_up(&connection).map_err(|e| failed("open", &self.name, &e))?;
        loop {
            empty(ctx, &connection).map_err(|e| failed("empty the log of", &self.name, &e))?;
            if ctx.sleep(EVERY).is_err() {
                return Ok(());
            }
        }
    }
}

/// Moves what is in the log, and then what was written meanwhile, as long as that becomes less: the
/// next batch begins the log again only if everything before it was moved.
fn empty(ctx: &Context, connection: &Connection) -> rusqlite::Result<()> {
    let (mut pages, mut added) = (0, i64::MAX);
    for _ in 0..PASSES {
        // Passive: it waits for nobody, nobody waits for it, and what it does not reach stays for
        // the next time.
        let now: i64 =
            connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))?;
        let more = now - pages;
        if now < WORTH_PAGES || more <= 0 || more >= added || ctx.is_cancelled() {
            break;
        }
        (pages, added) = (now, more);
    }
    Ok(())
}
