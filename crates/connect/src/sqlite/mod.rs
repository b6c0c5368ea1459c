//! Rows into SQLite: one transaction a batch, with the job's positions in the same transaction.
//!
//! It stores rows; it does not query, migrate or delete them.

mod checkpoint;
mod error;
mod insert;
mod job;
mod schema;
mod table;

pub use self::checkpoint::Checkpointer;
pub use self::table::SqliteTable;

use std::path::{Path, PathBuf};

use millstream::Sink;
use rusqlite::{Connection, TransactionBehavior};

use self::error::{BUSY_WAIT, failed, write_failed};
use crate::paths::shown;
use crate::positions::{Job, Positions, SavedPosition};
use crate::refused::{Handler, Refused};
use crate::rows::{Layout, Row, Style, TimeText};
use crate::{SinkCounts, SinkError};

/// The size of a new database's pages.
const PAGE_BYTES: u32 = 8192;
/// How many pages the log of a database may have before it is emptied.
const BULK_LOG_PAGES: u32 = 8_192;

/// Stores batches of rows in a table of an SQLite database.
///
/// The database is created when it is missing, and so is the table; a table that is there is used
/// if it has the layout's columns with their types, and more columns only if they may be left out.
/// Times are text in UTC as SQLite's own functions write them (`2026-01-02 03:04:05.678`, 0, 3, 6
/// or 9 digits of a second), so that they sort, read well, and compare with
/// `datetime('now', '-1 day')`; JSON is text for SQLite's JSON functions.
///
/// Each batch is one transaction (write-ahead log, `synchronous = NORMAL`): a killed process loses
/// nothing that was committed; after a power failure the last transactions may be missing, but rows
/// and positions agree.
///
/// # Order
/// Rows are stored in the order of the batches and of the rows in them.
///
/// # Cost
/// About a microsecond of one core for a row of seven columns and 100 bytes of text, of which a few
/// per cent are not SQLite's own. A transaction costs some ten microseconds and a write to the log,
/// so a batch should hold hundreds of rows. Several rows in one INSERT were measured to be no
/// faster.
///
/// # Examples
/// ```
/// use millstream_connect::{Cells, ColumnType, Layout, Row, SqliteSink};
/// use millstream::Sink;
///
/// struct Word(&'static str);
/// impl Row for Word {
///     fn write<C: Cells + ?Sized>(&self, cells: &mut C) { cells.text(self.0) }
/// }
///
/// let directory = tempfile::tempdir()?;
/// let layout = Layout::new("words")?.column("word", ColumnType::Text)?;
/// let mut sink = SqliteSink::open(directory.path().join("out.db"), layout)?;
/// sink.write(vec![Word("mill"), Word("stream")])?;
/// sink.close()?;
/// assert_eq!(sink.counts().rows(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SqliteSink<R> {
    connection: Connection,
    path: PathBuf,
    /// The database as messages name it.
    name: String,
    layout: Layout,
    insert: insert::Insert,
    time: TimeText,
    counts: SinkCounts,
    job: Option<Job<R>>,
    handler: Handler<R>,
    /// Set while a batch of a job is being stored, so that it stays set when that fails or panics.
    broken: bool,
    closed: bool,
}

impl<R: Row> SqliteSink<R> {
    /// Opens or creates the database at `path` and the layout's table in it.
    ///
    /// # Errors
    /// The file cannot be opened or is not a database, the table has other columns, or another
    /// program keeps the database locked for ten seconds.
    pub fn open(path: impl AsRef<Path>, layout: Layout) -> Result<Self, SinkError> {
        let path = path.as_ref();
        let name = shown(path).to_string();
        if layout.schema().is_some() {
            return Err(SinkError::layout(format!(
                "the table {} names a schema, which SQLite does not have; write only '{}'",
                layout.quoted(),
                layout.table()
            )));
        }
        let connection = Connection::open(path).map_err(|e| failed("open", &name, &e))?;
        set_up(&connection).map_err(|e| failed("open", &name, &e))?;
        schema::ensure(&connection, &name, &layout)?;
        let insert = insert::Insert::new(&layout);
        Ok(Self {
            connection,
            path: path.to_owned(),
            name,
            layout,
            insert,
            time: TimeText::new(Style::Sql),
            counts: SinkCounts::default(),
            job: None,
            handler: Handler::none(),
            broken: false,
            closed: false,
        })
    }

    /// Gives rows that break a rule of the table (a constraint, a trigger) to `handle`, after the
    /// rest of their batch was stored. Without this they fail their batch.
    #[must_use]
    pub fn on_refused(mut self, handle: impl FnMut(Refused<R>) + Send + 'static) -> Self {
        self.handler = Handler::new(handle);
        self
    }

    /// Claims `job` for this process and stores what `positions` gives with every batch, in the
    /// same transaction.
    ///
    /// A process that ran the job before and still does is shut out: its next write fails, and
    /// nothing of it is stored.
    ///
    /// # Errors
    /// Another process of this machine runs the job ([`SinkError::is_job_taken`]), or the database
    /// fails.
    pub fn with_positions(
        mut self,
        job: &str,
        positions: impl Positions<R> + 'static,
    ) -> Result<Self, SinkError> {
        let claim = job::claim(&mut self.connection, &self.name, job)?;
        self.job = Some(Job {
            name: job.to_owned(),
            epoch: claim.epoch,
            batch: claim.batch,
            rows: 0,
            saved: claim.saved,
            positions: Box::new(positions),
            changes: Vec::new(),
        });
        Ok(self)
    }

    /// The positions that the job had when [`with_positions`](Self::with_positions) claimed it,
    /// sorted by key.
    #[must_use]
    pub fn saved_positions(&self) -> &[SavedPosition] {
        self.job.as_ref().map_or(&[], |job| &job.saved)
    }

    /// The positions of any job as they stand now, sorted by key, without claiming it.
    ///
    /// # Errors
    /// The database fails.
    pub fn load_positions(&self, job: &str) -> Result<Vec<SavedPosition>, SinkError> {
        job::load(&self.connection, job)
            .map_err(|e| failed("read the positions in", &self.name, &e))
    }

    /// A handle on this sink's counters, to be kept when the sink goes into a pipeline.
    #[must_use]
    pub fn counts(&self) -> SinkCounts {
        self.counts.clone()
    }

    /// Leaves most of emptying the log to the [`Checkpointer`] that is given back, which must be
    /// run on a thread of its own.
    ///
    /// # Errors
    /// The database fails.
    pub fn checkpointer(&self) -> Result<Checkpointer, SinkError> {
        Checkpointer::beside(&self.connection, &self.path)
    }

    /// Limits the database to `pages` pages (of 8 KiB unless it was made with others); more is
    /// "disk full".
    ///
    /// # Errors
    /// The database fails.
    pub fn with_max_pages(self, pages: u32) -> Result<Self, SinkError> {
        self.connection
            .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
            .map_err(|e| failed("limit", &self.name, &e))?;
        Ok(self)
    }

    /// One transaction: the rows, and the positions that go with them.
    fn store(&mut self, batch: Vec<R>) -> Result<(), SinkError> {
        if let Some(job) = &mut self.job {
            self.broken = true;
            job.collect(&batch);
            if batch.is_empty() && job.changes.is_empty() {
                self.broken = false;
                return Ok(());
            }
        } else if batch.is_empty() {
            return Ok(());
        }
        let Self { connection, name, layout, insert, time, job, handler, .. } = self;
        let fail = |e: rusqlite::Error| write_failed(name, layout.table(), &e);
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
        if let Some(job) = job {
            job::advance(&transaction, name, job)?;
        }
        let inserted = insert.rows(&transaction, layout, time, &batch, name, handler.is_set())?;
        transaction.commit().map_err(fail)?;
        if let Some(job) = job {
            job.batch += 1;
            job.changes.clear();
        }
        self.counts.add_rows((batch.len() - inserted.refused.len()) as u64);
        self.counts.add_refused(inserted.refused.len() as u64);
        self.counts.add_lossy(inserted.lossy);
        self.broken = false;
        self.handler.hand_over(batch, inserted.refused);
        Ok(())
    }

    fn check_usable(&self) -> Result<(), SinkError> {
        if self.broken {
            return Err(SinkError::other(format!(
                "an earlier batch was not stored in {}, so its job cannot go on; start it again from its saved positions",
                self.name
            )));
        }
        if self.closed {
            return Err(SinkError::other(format!(
                "the sink of {} was closed; open a new one",
                self.name
            )));
        }
        Ok(())
    }
}

impl<R: Row> Sink<Vec<R>> for SqliteSink<R> {
    type Error = SinkError;

    /// Stores a batch and its positions in one transaction; when this fails, none of it is stored.
    ///
    /// After a failure a sink without a job may go on with other batches. A sink with a job may
    /// not, since a later position would stand for the rows that are missing: every later write
    /// fails, and `close` only gives the job back.
    fn write(&mut self, batch: Vec<R>) -> Result<(), SinkError> {
        self.check_usable()?;
        self.store(batch)
    }

    /// Stores positions that moved on without rows; rows are stored already.
    fn flush(&mut self) -> Result<(), SinkError> {
        self.check_usable()?;
        self.store(Vec::new())
    }

    /// Stores the last positions and gives the job back, so that another process can claim it at
    /// once.
    fn close(&mut self) -> Result<(), SinkError> {
        if self.closed {
            return Ok(());
        }
        if !self.broken {
            self.store(Vec::new())?;
        }
        self.closed = true;
        match &self.job {
            Some(job) => job::release(&self.connection, job)
                .map_err(|e| failed("give back the job in", &self.name, &e)),
            None => Ok(()),
        }
    }
}

/// Sets what holds for the connection.
fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_WAIT)?;
    // Only a new database takes this: half the calls of the default size, at a hardly larger log
    // for small batches.
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    // Where there can be no log (in memory, some network file systems), SQLite stays with its
    // journal and says so; transactions are as atomic there.
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    // Emptying the log waits for the disk: a writer of many rows does so once in 64 MiB, not once
    // in 8.
    connection.pragma_update(None, "wal_autocheckpoint", BULK_LOG_PAGES)?;
    connection.pragma_update(None, "synchronous", "normal")
}
