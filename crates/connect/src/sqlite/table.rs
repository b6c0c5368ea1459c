//! A table of rows for a program that keeps more than rows in the database, and in the same
//! transaction.
//!
//! It makes the table and inserts into it; transactions, and whatever else they hold, are the
//! program's.

use std::path::Path;

use rusqlite::{Connection, Transaction};

use super::{failed, insert, schema, set_up, write_failed};
use crate::SinkError;
use crate::paths::shown;
use crate::rows::{Layout, Row, Style, TimeText};

/// One table of an SQLite database, for transactions of the program's own.
///
/// A program that only stores rows takes [`SqliteSink`](crate::SqliteSink). This is for one whose
/// rows must be stored together with a state that is more than positions.
///
/// # Examples
/// ```
/// use millstream_connect::{Cells, ColumnType, Layout, Row, SqliteTable};
///
/// struct Word(&'static str);
/// impl Row for Word {
///     fn write<C: Cells + ?Sized>(&self, cells: &mut C) { cells.text(self.0) }
/// }
///
/// let directory = tempfile::tempdir()?;
/// let mut connection = SqliteTable::connect(&directory.path().join("out.db"))?;
/// let layout = Layout::new("words")?.column("word", ColumnType::Text)?;
/// let mut words = SqliteTable::ensure(&connection, "out.db", layout)?;
/// let transaction = connection.transaction()?;
/// assert_eq!(words.insert(&transaction, &[Word("mill"), Word("str\0eam")])?, 1, "one was changed to be storable");
/// transaction.execute_batch("CREATE TABLE state AS SELECT count(*) AS words FROM words")?;
/// transaction.commit()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SqliteTable {
    name: String,
    layout: Layout,
    insert: insert::Insert,
    time: TimeText,
}

impl SqliteTable {
    /// Opens or creates the database at `path` as the sink does: write-ahead log,
    /// `synchronous = NORMAL`, ten seconds of patience with other programs' locks.
    ///
    /// # Errors
    /// The file cannot be opened, or is not a database.
    pub fn connect(path: &Path) -> Result<Connection, SinkError> {
        let name = shown(path).to_string();
        let connection = Connection::open(path).map_err(|e| failed("open", &name, &e))?;
        set_up(&connection).map_err(|e| failed("open", &name, &e))?;
        Ok(connection)
    }

    /// Makes the layout's table, or checks the one that is there; messages call the database
    /// `name`.
    ///
    /// # Errors
    /// The table has other columns, or the database fails.
    pub fn ensure(connection: &Connection, name: &str, layout: Layout) -> Result<Self, SinkError> {
        schema::ensure(connection, name, &layout)?;
        let insert = insert::Insert::new(&layout);
        Ok(Self { name: name.to_owned(), layout, insert, time: TimeText::new(Style::Sql) })
    }

    /// Inserts every row; gives the number of cells that were changed to be storable.
    ///
    /// # Errors
    /// The database fails, or refuses a row. The transaction should be given up then.
    pub fn insert<R: Row>(
        &mut self,
        transaction: &Transaction<'_>,
        rows: &[R],
    ) -> Result<u64, SinkError> {
        let Self { name, layout, insert, time } = self;
        Ok(insert.rows(transaction, layout, time, rows, name, false)?.lossy)
    }

    /// An error of the program's own statements on the table `table` of the database `name`, sorted
    /// as the sink's are.
    #[must_use]
    pub fn error(name: &str, table: &str, error: &rusqlite::Error) -> SinkError {
        write_failed(name, table, error)
    }
}
