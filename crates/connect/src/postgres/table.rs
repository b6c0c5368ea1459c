//! A table of rows for a program that keeps more than rows in the database, and in the same
//! transaction.
//!
//! It makes the table and copies into it; the connection, transactions, and what is tried again are
//! the program's.

use std::io::Write;

use ::postgres::{Client, Statement};

use super::encode::{HEADER, TRAILER, Tuples};
use super::problem::Problem;
use super::schema::{self, Stored};
use super::session;
use crate::SinkError;
use crate::rows::{Layout, Row};

/// What is handed to the connection at once.
const CHUNK_BYTES: usize = 256 << 10;

/// One table of a PostgreSQL database, for transactions of the program's own.
///
/// A program that only stores rows takes [`PostgresSink`](crate::PostgresSink). This is for one
/// whose rows must be stored together with a state that is more than positions. It belongs to one
/// connection: after a lost one, make it again.
///
/// # Panics
/// When it is used inside of a tokio runtime: it blocks.
pub struct PostgresTable {
    name: String,
    layout: Layout,
    stored: Vec<Stored>,
    copy: Statement,
    tuples: Tuples,
}

impl std::fmt::Debug for PostgresTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresTable")
            .field("name", &self.name)
            .field("layout", &self.layout)
            .finish_non_exhaustive()
    }
}

impl PostgresTable {
    /// Connects to the database at `url`, which is read as the sink reads it; also gives the
    /// database's name for messages, which holds no password.
    ///
    /// # Errors
    /// The URL cannot be read, or the server cannot be reached ([`SinkError::is_connection`]) or
    /// refuses the user.
    pub fn connect(url: &str) -> Result<(Client, String), SinkError> {
        let (config, name) = session::config(url)?;
        match session::connect(&config) {
            Ok(client) => Ok((client, name)),
            Err(problem) => Err(problem.into_error("open", &name)),
        }
    }

    /// Makes the layout's table, or checks the one that is there; messages call the database
    /// `name`.
    ///
    /// # Errors
    /// The table has other columns, or the database fails.
    pub fn ensure(client: &mut Client, name: &str, layout: Layout) -> Result<Self, SinkError> {
        let sql = format!(
            "COPY {} ({}) FROM STDIN (FORMAT binary)",
            layout.quoted(),
            layout.quoted_columns()
        );
        let made = schema::ensure(client, name, &layout)
            .and_then(|stored| Ok((stored, client.prepare(&sql).map_err(Problem::from)?)));
        let (stored, copy) = made.map_err(|problem| problem.into_error("make a table in", name))?;
        Ok(Self { name: name.to_owned(), layout, stored, copy, tuples: Tuples::default() })
    }

    /// Copies every row into the table, in the transaction that is open on `client`; gives the
    /// number of cells that were changed to be storable.
    ///
    /// # Errors
    /// The database fails, or refuses a row. The transaction must be given up then.
    pub fn insert<R: Row>(&mut self, client: &mut Client, rows: &[R]) -> Result<u64, SinkError> {
        if rows.is_empty() {
            return Ok(0);
        }
        self.tuples.encode(&self.layout, &self.stored, rows)?;
        let all = self.tuples.bytes(0, self.tuples.len());
        let copied = send(client, &self.copy, all);
        copied.map_err(|problem| {
            problem
                .into_error(&format!("write to the table {} of", self.layout.quoted()), &self.name)
        })?;
        Ok(self.tuples.lossy)
    }

    /// An error of the program's own statements while `doing` something with the database `name`,
    /// sorted as the sink's are: [`SinkError::is_connection`] asks for a new connection,
    /// [`SinkError::is_busy`] for the transaction once more.
    #[must_use]
    pub fn error(doing: &str, name: &str, error: ::postgres::Error) -> SinkError {
        Problem::from(error).into_error(doing, name)
    }
}

/// Copies tuples into a table, in the transaction that is open.
pub(super) fn send(client: &mut Client, copy: &Statement, tuples: &[u8]) -> Result<(), Problem> {
    let mut writer = client.copy_in(copy)?;
    writer.write_all(HEADER)?;
    for chunk in tuples.chunks(CHUNK_BYTES) {
        writer.write_all(chunk)?;
    }
    writer.write_all(TRAILER)?;
    // Fewer rows than were sent are no error: a trigger of the table may take rows away.
    writer.finish()?;
    Ok(())
}
