//! The sink that a destination names: one type for all, chosen at run time.

use std::io::IsTerminal;

use millstream::{Context, Sink};

use crate::positions::{Positions, SavedPosition};
use crate::rows::{Layout, Row};
use crate::{
    Destination, JsonLines, PostgresSink, Refused, SinkCounts, SinkError, SqliteSink, TerminalTable,
};

/// A sink of any kind, as [`Destination::open`] makes it.
///
/// # Examples
/// ```
/// use millstream::{Context, Sink};
/// use millstream_connect::{Cells, ColumnType, Destination, Layout, Row};
///
/// struct Word(&'static str);
/// impl Row for Word {
///     fn write<C: Cells + ?Sized>(&self, cells: &mut C) { cells.text(self.0) }
/// }
///
/// let directory = tempfile::tempdir()?;
/// let to = Destination::parse(directory.path().join("out.db").to_str().unwrap())?;
/// let layout = Layout::new("words")?.column("word", ColumnType::Text)?;
/// let mut sink = to.open(&Context::new(), layout)?;
/// sink.write(vec![Word("mill"), Word("stream")])?;
/// sink.close()?;
/// assert_eq!(sink.counts().rows(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum AnySink<R> {
    /// A table of an SQLite database.
    Sqlite(Box<SqliteSink<R>>),
    /// A table of a PostgreSQL database.
    Postgres(Box<PostgresSink<R>>),
    /// JSON lines.
    JsonLines(Box<JsonLines<R>>),
    /// A table for people.
    Table(Box<TerminalTable<R>>),
}

impl Destination {
    /// Opens the destination for rows of `layout`; a JSON lines file that is there is replaced.
    ///
    /// # Errors
    /// What the sink's own way to open says.
    pub fn open<R: Row>(&self, ctx: &Context, layout: Layout) -> Result<AnySink<R>, SinkError> {
        Ok(match self {
            Self::Sqlite(path) => AnySink::Sqlite(Box::new(SqliteSink::open(path, layout)?)),
            Self::Postgres(url) => {
                AnySink::Postgres(Box::new(PostgresSink::open(ctx, url, layout)?))
            }
            Self::JsonLines(Some(path)) => {
                AnySink::JsonLines(Box::new(JsonLines::create(path, layout)?))
            }
            Self::Stdout if std::io::stdout().is_terminal() => {
                AnySink::Table(Box::new(TerminalTable::stdout(layout)))
            }
            Self::JsonLines(None) | Self::Stdout => {
                AnySink::JsonLines(Box::new(JsonLines::stdout(layout)))
            }
            Self::Table => AnySink::Table(Box::new(TerminalTable::stdout(layout))),
        })
    }
}

impl<R: Row> AnySink<R> {
    /// Whether positions can be stored with the rows; only databases have the transaction for it.
    #[must_use]
    pub fn keeps_positions(&self) -> bool {
        matches!(self, Self::Sqlite(_) | Self::Postgres(_))
    }

    /// Claims `job` and stores its positions with the rows.
    ///
    /// # Errors
    /// The destination keeps no positions, another process runs the job, or the database fails.
    pub fn with_positions(
        self,
        job: &str,
        positions: impl Positions<R> + 'static,
    ) -> Result<Self, SinkError> {
        match self {
            Self::Sqlite(sink) => Ok(Self::Sqlite(Box::new(sink.with_positions(job, positions)?))),
            Self::Postgres(sink) => {
                Ok(Self::Postgres(Box::new(sink.with_positions(job, positions)?)))
            }
            Self::JsonLines(_) | Self::Table(_) => Err(SinkError::destination(format!(
                "the job '{job}' cannot be resumed from here: only SQLite and PostgreSQL store positions with rows"
            ))),
        }
    }

    /// The positions that the job had when it was claimed, sorted by key.
    #[must_use]
    pub fn saved_positions(&self) -> &[SavedPosition] {
        match self {
            Self::Sqlite(sink) => sink.saved_positions(),
            Self::Postgres(sink) => sink.saved_positions(),
            Self::JsonLines(_) | Self::Table(_) => &[],
        }
    }

    /// Gives rows that a database refuses to `handle`; files refuse none.
    #[must_use]
    pub fn on_refused(self, handle: impl FnMut(Refused<R>) + Send + 'static) -> Self {
        match self {
            Self::Sqlite(sink) => Self::Sqlite(Box::new(sink.on_refused(handle))),
            Self::Postgres(sink) => Self::Postgres(Box::new(sink.on_refused(handle))),
            other => other,
        }
    }

    /// A handle on the sink's counters, to be kept when the sink goes into a pipeline.
    #[must_use]
    pub fn counts(&self) -> SinkCounts {
        match self {
            Self::Sqlite(sink) => sink.counts(),
            Self::Postgres(sink) => sink.counts(),
            Self::JsonLines(sink) => sink.counts(),
            Self::Table(sink) => sink.counts(),
        }
    }
}

impl<R: Row> Sink<Vec<R>> for AnySink<R> {
    type Error = SinkError;

    fn write(&mut self, batch: Vec<R>) -> Result<(), SinkError> {
        match self {
            Self::Sqlite(sink) => sink.write(batch),
            Self::Postgres(sink) => sink.write(batch),
            Self::JsonLines(sink) => sink.write(batch),
            Self::Table(sink) => sink.write(batch),
        }
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        match self {
            Self::Sqlite(sink) => sink.flush(),
            Self::Postgres(sink) => sink.flush(),
            Self::JsonLines(sink) => sink.flush(),
            Self::Table(sink) => sink.flush(),
        }
    }

    fn close(&mut self) -> Result<(), SinkError> {
        match self {
            Self::Sqlite(sink) => sink.close(),
            Self::Postgres(sink) => sink.close(),
            Self::JsonLines(sink) => sink.close(),
            Self::Table(sink) => sink.close(),
        }
    }
}
