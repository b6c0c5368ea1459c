//! Where the pages of a frontier's file go: into it, or into an output beside it that is brought to
//! the same point.

use std::path::PathBuf;

use connect::{JsonLines, SinkError, SqliteTable};
use millstream::Sink;
use rusqlite::{Connection, Transaction};

use crate::frontier::{Begin, FrontierError};
use crate::page::Page;

/// Where pages are stored.
pub enum Output {
    /// In the table `pages` of the frontier's own file: stored in the transaction that marks their
    /// URLs as done.
    Table,
    /// As JSON lines in a file, whose length is part of each transaction: what a kill leaves behind
    /// that length is cut off when the crawl goes on, so that every page is there once. Each
    /// transaction waits until the disk has its lines.
    JsonLines(PathBuf),
    /// In a sink that cannot be taken back (standard output): pages are given to it before their
    /// transaction, so a kill between the two lets the pages of one transaction come twice, and
    /// none be lost.
    Sink(Box<dyn Sink<Vec<Page>, Error = SinkError> + Send>),
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Table => f.write_str("Table"),
            Self::JsonLines(path) => f.debug_tuple("JsonLines").field(path).finish(),
            Self::Sink(_) => f.write_str("Sink"),
        }
    }
}

/// An output that is open.
pub(super) enum Open {
    Table(Box<SqliteTable>),
    /// The length is that of the last transaction.
    JsonLines {
        lines: Box<JsonLines<Page>>,
        bytes: u64,
    },
    Sink(Box<dyn Sink<Vec<Page>, Error = SinkError> + Send>),
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Table(_) => "Table",
            Self::JsonLines { .. } => "JsonLines",
            Self::Sink(_) => "Sink",
        })
    }
}

impl Output {
    /// Opens it where the last transaction left it.
    pub(super) fn open(
        self,
        connection: &Connection,
        name: &str,
        bytes: u64,
    ) -> Result<Open, FrontierError> {
        let layout = Page::layout("pages")?;
        Ok(match self {
            Self::Table => Open::Table(Box::new(SqliteTable::ensure(connection, name, layout)?)),
            Self::JsonLines(path) => {
                if bytes > 0 && !path.exists() {
                    return Err(FrontierError::other(format!(
                        "{} is gone, but {bytes} bytes had been written to it by the crawl in {name}: bring it back, or \
                         begin a new crawl with another file",
                        path.display()
                    )));
                }
                let lines =
                    JsonLines::continue_at(path, layout, bytes).map_err(FrontierError::of_file)?;
                let lines = Box::new(lines);
                Open::JsonLines { lines, bytes }
            }
            Self::Sink(sink) => Open::Sink(sink),
        })
    }

    /// Refuses to empty a file on behalf of a crawl that begins: no crawl is there that could have
    /// written it.
    pub(super) fn check_fresh(&self, name: &str, begin: Begin) -> Result<(), FrontierError> {
        match self {
            Self::JsonLines(path) if std::fs::metadata(path).is_ok_and(|about| about.len() > 0) => {
                let path = path.display();
                let why = match begin {
                    Begin::New => "is not empty, and a new crawl would replace it".to_owned(),
                    Begin::Resume => {
                        format!("is not empty, but {name} holds no crawl that could go on with it")
                    }
                };
                Err(FrontierError::usage(format!(
                    "{path} {why}; move it away, or name another file"
                )))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a table `pages` of somebody else's. Changes nothing.
    pub(super) fn check_table(
        &self,
        connection: &Connection,
        name: &str,
    ) -> Result<(), FrontierError> {
        let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'pages'";
        match (self, connection.query_row(sql, [], |row| row.get(0))) {
            (Self::Table, Ok(1)) => {
                Ok(SqliteTable::ensure(connection, name, Page::layout("pages")?).map(drop)?)
            }
            _ => Ok(()),
        }
    }

    /// Makes what is missing for a crawl that begins, in its first transaction: what cannot be made
    /// leaves no crawl behind.
    pub(super) fn make(
        &self,
        transaction: &Transaction<'_>,
        name: &str,
    ) -> Result<(), FrontierError> {
        let layout = Page::layout("pages")?;
        match self {
            Self::Table => drop(SqliteTable::ensure(transaction, name, layout)?),
            Self::JsonLines(path) => drop(JsonLines::<Page>::append(path, layout)?),
            Self::Sink(_) => {}
        }
        Ok(())
    }

    /// What the crawl's settings say of it, so that a crawl does not go on into another kind of
    /// output.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Table => "its own table",
            Self::JsonLines(_) => "JSON lines",
            Self::Sink(_) => "a stream",
        }
    }
}

impl Open {
    /// Whether rows can be changed after they were stored.
    pub(super) fn is_table(&self) -> bool {
        matches!(self, Self::Table(_))
    }

    /// Stores pages with a transaction; gives the new length if the output has one.
    pub(super) fn store(
        &mut self,
        transaction: &Transaction<'_>,
        pages: &[&Page],
    ) -> Result<Option<u64>, FrontierError> {
        if pages.is_empty() {
            return Ok(None);
        }
        let owned = || pages.iter().copied().cloned().collect();
        match self {
            Self::Table(table) => {
                table.insert(transaction, pages)?;
                Ok(None)
            }
            Self::JsonLines { lines, .. } => {
                lines.write(owned())?;
                Ok(Some(lines.sync()?))
            }
            Self::Sink(sink) => {
                sink.write(owned())?;
                sink.flush()?;
                Ok(None)
            }
        }
    }

    /// The transaction is stored.
    pub(super) fn keep(&mut self, length: Option<u64>) {
        if let (Self::JsonLines { bytes, .. }, Some(length)) = (self, length) {
            *bytes = length;
        }
    }

    /// The transaction was given up: takes back what was written for it.
    pub(super) fn take_back(&mut self) -> Result<(), FrontierError> {
        match self {
            Self::JsonLines { lines, bytes } => Ok(lines.cut(*bytes)?),
            Self::Table(_) | Self::Sink(_) => Ok(()),
        }
    }

    pub(super) fn close(&mut self) -> Result<(), FrontierError> {
        match self {
            Self::Table(_) => Ok(()),
            Self::JsonLines { lines, .. } => Ok(lines.close()?),
            Self::Sink(sink) => Ok(sink.close()?),
        }
    }
}
