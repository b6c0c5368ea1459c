//! Rows into PostgreSQL by binary COPY: one transaction a batch, with the job's positions in the
//! same transaction.
//!
//! It stores rows; it does not query, migrate or delete them. It speaks no TLS.

mod encode;
mod job;
mod problem;
mod schema;
mod session;
mod store;
mod table;

pub use self::table::PostgresTable;

use std::time::Duration;

use ::postgres::Config;
use millstream::{Context, Sink};

use self::encode::Tuples;
use self::problem::Problem;
use self::schema::Stored;
use self::session::Session;
use self::store::{Batch, Fate, InDoubt, RefusedRows};
use crate::positions::{Job, Positions, SavedPosition};
use crate::refused::{Handler, Refused};
use crate::rows::{Layout, Row};
use crate::wait::BackOff;
use crate::{SinkCounts, SinkError};

/// How long a lost server is waited for where the program does not say.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a job's lock is waited for: the server may not have noticed yet that the job's last
/// process was killed.
const LOCK_PATIENCE: Duration = Duration::from_secs(3);

/// Stores batches of rows in a table of a PostgreSQL database (version 11 or later).
///
/// The table is created when it is missing; one that is there is used if it has the layout's
/// columns with their types (`text`, `bigint`, `double precision`, `timestamptz`, `jsonb`; also
/// `varchar`, `timestamp` in UTC and `json`), and more columns only if they may be left out.
/// PostgreSQL's times have microseconds: finer digits are cut off. Text cannot hold a NUL: it is
/// stored as `␀`, in JSON as `\u2400`, and counted in [`SinkCounts::lossy`].
///
/// Each batch is one transaction. A lost connection is made again, with growing pauses, for a
/// minute or as long as [`patience`](Self::patience) says; when it was lost during COMMIT, the
/// server is asked what became of that transaction, so that nothing is stored twice and nothing is
/// lost. A row that the server refuses fails its batch, or goes to [`on_refused`](Self::on_refused)
/// while the rest of the batch is stored.
///
/// The URL is one of libpq's (`postgres://user:password@host:5432/database?connect_timeout=5`);
/// `PGHOST`, `PGUSER` and `PGPASSWORD` fill in what it leaves open. There is no TLS:
/// `sslmode=require` is refused, `prefer` connects without.
///
/// # Order
/// Rows are stored in the order of the batches and of the rows in them.
///
/// # Panics
/// When it is used inside of a tokio runtime: it blocks. In async code give it a thread of its own.
///
/// # Cost
/// Seven round trips a batch with a job, five without: batches of a thousand rows and more hide
/// them.
#[derive(Debug)]
pub struct PostgresSink<R> {
    ctx: Context,
    config: Config,
    /// The database as messages name it.
    name: String,
    layout: Layout,
    stored: Vec<Stored>,
    session: Option<Session>,
    tuples: Tuples,
    job: Option<Job<R>>,
    handler: Handler<R>,
    counts: SinkCounts,
    patience: Duration,
    notice: Notice,
    /// Set while a batch of a job is being stored, so that it stays set when that fails or panics.
    broken: bool,
    closed: bool,
}

/// The listener that is called while the sink waits.
struct Notice(Option<Box<dyn FnMut(&str) + Send>>);

impl std::fmt::Debug for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Notice(set)" } else { "Notice(none)" })
    }
}

impl Notice {
    fn report(&mut self, text: &str) {
        if let Some(notice) = &mut self.0 {
            notice(text);
        }
    }
}

impl<R: Row> PostgresSink<R> {
    /// Connects to the database at `url`, and creates or checks the layout's table.
    ///
    /// Cancelling `ctx` ends later waits for a lost server. Nothing is tried twice here: a server
    /// that cannot be reached at the start is an error at once.
    ///
    /// # Errors
    /// The URL cannot be read, the server cannot be reached or refuses the user, or the table has
    /// other columns.
    pub fn open(ctx: &Context, url: &str, layout: Layout) -> Result<Self, SinkError> {
        let (config, name) = session::config(url)?;
        let opened = session::connect(&config).and_then(|mut client| {
            let stored = schema::ensure(&mut client, &name, &layout)?;
            Ok((Session::prepare(client, &layout, false)?, stored))
        });
        let (session, stored) = opened.map_err(|problem| problem.into_error("open", &name))?;
        Ok(Self {
            ctx: ctx.clone(),
            config,
            name,
            layout,
            stored,
            session: Some(session),
            tuples: Tuples::default(),
            job: None,
            handler: Handler::none(),
            counts: SinkCounts::default(),
            patience: PATIENCE,
            notice: Notice(None),
            broken: false,
            closed: false,
        })
    }

    /// Sets for how long, in all, a batch waits for a server that is lost or too busy.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Calls `notice` with a sentence when a server that is lost is waited for, and when it is
    /// back: what a person who looks at a program that stands still wants to know.
    #[must_use]
    pub fn on_wait(mut self, notice: impl FnMut(&str) + Send + 'static) -> Self {
        self.notice = Notice(Some(Box::new(notice)));
        self
    }

    /// Gives rows that the server refuses to `handle`, after the rest of their batch was stored.
    #[must_use]
    pub fn on_refused(mut self, handle: impl FnMut(Refused<R>) + Send + 'static) -> Self {
        self.handler = Handler::new(handle);
        self
    }

    /// Claims `job` for this process and stores what `positions` gives with every batch, in the
    /// same transaction.
    ///
    /// # Errors
    /// Another process runs the job ([`SinkError::is_job_taken`]); the message names it. Or the
    /// server fails.
    pub fn with_positions(
        mut self,
        job: &str,
        positions: impl Positions<R> + 'static,
    ) -> Result<Self, SinkError> {
        let (epoch, batch, saved) = self.claim(job).map_err(|problem| {
            problem.into_error(&format!("claim the job '{job}' in"), &self.name)
        })?;
        self.job = Some(Job {
            name: job.to_owned(),
            epoch,
            batch,
            rows: 0,
            saved,
            positions: Box::new(positions),
            changes: Vec::new(),
        });
        Ok(self)
    }

    fn claim(&mut self, job: &str) -> Result<(i64, i64, Vec<SavedPosition>), Problem> {
        let Some(session) = &mut self.session else {
            return Err(Problem::Lost("the connection was lost".to_owned()));
        };
        let client = &mut session.client;
        job::create_tables(client)?;
        let mut back_off = BackOff::new(LOCK_PATIENCE);
        while !job::try_lock(client, job)? {
            if !back_off.pause(&self.ctx) {
                return Err(Problem::Fatal(job::running_elsewhere(client, &self.name, job)?));
            }
        }
        session.job = Some(job::Statements::prepare(client)?);
        job::claim(client, job)
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
    /// The server fails.
    pub fn load_positions(&self, job: &str) -> Result<Vec<SavedPosition>, SinkError> {
        session::connect(&self.config)
            .and_then(|mut client| job::load(&mut client, job))
            .map_err(|problem| problem.into_error("read the positions in", &self.name))
    }

    /// A handle on this sink's counters, to be kept when the sink goes into a pipeline.
    #[must_use]
    pub fn counts(&self) -> SinkCounts {
        self.counts.clone()
    }

    /// One batch and the positions that go with it.
    fn store(&mut self, batch: Vec<R>) -> Result<(), SinkError> {
        if let Some(job) = &mut self.job {
            self.broken = true;
            job.collect(&batch);
        }
        let nothing_to_save = self.job.as_ref().is_none_or(|job| job.changes.is_empty());
        if batch.is_empty() && nothing_to_save {
            self.broken = false;
            return Ok(());
        }
        self.tuples.encode(&self.layout, &self.stored, &batch)?;
        let refused = self.deliver()?;
        if let Some(job) = &mut self.job {
            job.batch += 1;
            job.changes.clear();
        }
        self.counts.add_rows((batch.len() - refused.len()) as u64);
        self.counts.add_refused(refused.len() as u64);
        self.counts.add_lossy(self.tuples.lossy);
        self.broken = false;
        self.handler.hand_over(batch, refused);
        Ok(())
    }

    /// Tries to store the encoded batch until it is stored, cannot be, or patience ends.
    fn deliver(&mut self) -> Result<RefusedRows, SinkError> {
        let mut back_off = BackOff::new(self.patience);
        let mut in_doubt = None;
        let (mut sort_out, mut reported) = (false, false);
        loop {
            let problem = match self.try_once(&mut in_doubt, sort_out) {
                Ok(Some(refused)) => {
                    if reported {
                        self.notice.report(&format!("{} is back", self.name));
                    }
                    return Ok(refused);
                }
                Ok(None) => {
                    Problem::Contention("its last transaction is still being committed".to_owned())
                }
                Err(problem) => problem,
            };
            match &problem {
                Problem::Row(_) if !sort_out && self.handler.is_set() => {
                    sort_out = true;
                    continue;
                }
                Problem::Lost(reason) => {
                    self.session = None;
                    if !std::mem::replace(&mut reported, true) {
                        let patience = self.patience;
                        self.notice.report(&format!(
                            "{} is lost ({reason}); trying for {patience:?}",
                            self.name
                        ));
                    }
                }
                Problem::Contention(_) => {}
                Problem::Row(_) | Problem::Fatal(_) => return Err(self.write_error(problem)),
            }
            if !back_off.pause(&self.ctx) {
                return Err(self.write_error(problem));
            }
        }
    }

    /// One attempt, on a new connection if there is none; nothing when the outcome of the last one
    /// is still open.
    fn try_once(
        &mut self,
        in_doubt: &mut Option<InDoubt>,
        sort_out: bool,
    ) -> Result<Option<RefusedRows>, Problem> {
        let mut session = match self.session.take() {
            Some(session) if !session.client.is_closed() => session,
            _ => self.reconnect()?,
        };
        if let Some(doubt) = in_doubt.as_ref() {
            let fate = store::resolve(&mut session.client, &self.name, self.job.as_ref(), doubt);
            match fate? {
                Fate::Stored => {
                    self.session = Some(session);
                    return Ok(Some(
                        in_doubt.take().map(|doubt| doubt.refused).unwrap_or_default(),
                    ));
                }
                Fate::Gone => *in_doubt = None,
                Fate::Working => {
                    self.session = Some(session);
                    return Ok(None);
                }
            }
        }
        let batch =
            Batch { tuples: &self.tuples, job: self.job.as_ref(), database: &self.name, sort_out };
        let result = batch.attempt(&mut session, in_doubt);
        self.session = Some(session);
        result.map(Some)
    }

    /// A new connection; with a job it must still be this sink's.
    fn reconnect(&mut self) -> Result<Session, Problem> {
        let mut client = session::connect(&self.config)?;
        if let Some(job) = &self.job {
            // The dead connection may still have the lock for a while; the epoch keeps others out
            // all the same.
            let _locked: bool = job::try_lock(&mut client, &job.name)?;
            let state = job::state(&mut client, &job.name)?;
            if state.as_ref().is_none_or(|state| state.epoch != job.epoch) {
                return Err(Problem::Fatal(SinkError::job_taken(format!(
                    "the job '{}' of {} was taken over by {} while the connection was lost",
                    job.name,
                    self.name,
                    state.map_or("somebody who removed its row".to_owned(), |state| state.owner)
                ))));
            }
        }
        let session = Session::prepare(client, &self.layout, self.job.is_some())?;
        self.counts.add_reconnect();
        Ok(session)
    }

    fn write_error(&self, problem: Problem) -> SinkError {
        problem.into_error(&format!("write to the table {} of", self.layout.quoted()), &self.name)
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

impl<R: Row> Sink<Vec<R>> for PostgresSink<R> {
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
        if let (Some(job), Some(session)) = (&self.job, &mut self.session) {
            // Everything is stored. A connection that dies now gives the job back as well.
            match job::release(&mut session.client, job) {
                Ok(()) | Err(Problem::Lost(_)) => {}
                Err(problem) => return Err(problem.into_error("give back the job in", &self.name)),
            }
        }
        self.session = None;
        Ok(())
    }
}
