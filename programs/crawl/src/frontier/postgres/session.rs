//! One connection: its statements, prepared when they are first used, and transactions that are
//! tried again.

use std::collections::HashMap;
use std::time::Duration;

use ::postgres::types::ToSql;
use ::postgres::{Client, Row, Statement};
use connect::PostgresTable;
use millstream::Context;

use crate::frontier::FrontierError;
use crate::page::Page;

/// The first pause between two attempts; each later one is twice as long.
const FIRST: Duration = Duration::from_millis(20);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(2);
/// How long a lost or busy server is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) pages: PostgresTable,
    name: String,
    statements: HashMap<&'static str, Statement>,
}

impl Session {
    pub(super) fn new(mut client: Client, name: &str) -> Result<Self, FrontierError> {
        let pages = PostgresTable::ensure(&mut client, name, Page::layout("pages")?)?;
        Ok(Self { client, pages, name: name.to_owned(), statements: HashMap::new() })
    }

    /// The rows that a statement gives.
    pub(super) fn query(
        &mut self,
        sql: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, FrontierError> {
        let result = match self.statements.get(sql) {
            Some(statement) => self.client.query(statement, parameters),
            None => self.client.prepare(sql).and_then(|statement| {
                self.statements.insert(sql, statement.clone());
                self.client.query(&statement, parameters)
            }),
        };
        result.map_err(|error| self.error(error))
    }

    fn batch(&mut self, sql: &str) -> Result<(), FrontierError> {
        self.client.batch_execute(sql).map_err(|error| self.error(error))
    }

    pub(super) fn error(&self, error: ::postgres::Error) -> FrontierError {
        PostgresTable::error("keep the crawl in", &self.name, error).into()
    }
}

/// Where sessions come from.
pub(super) struct Sessions {
    pub(super) ctx: Context,
    url: String,
    pub(super) name: String,
    session: Option<Session>,
}

impl Sessions {
    pub(super) fn new(ctx: &Context, url: &str, name: String, session: Session) -> Self {
        Self { ctx: ctx.clone(), url: url.to_owned(), name, session: Some(session) }
    }

    /// Runs `work` in a transaction, again and again while the server is lost or too busy. An
    /// answer to COMMIT may get lost, so `work` must do nothing when it is done a second time.
    pub(super) fn transaction<T>(
        &mut self,
        mut work: impl FnMut(&mut Session) -> Result<T, FrontierError>,
    ) -> Result<T, FrontierError> {
        let (mut pause, mut left) = (FIRST, PATIENCE);
        loop {
            let error = match self.attempt(&mut work) {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if error.is_connection() {
                self.session = None;
            } else if let Some(session) = &mut self.session
                && session.batch("ROLLBACK").is_err()
            {
                self.session = None;
            }
            let again = error.is_connection() || error.is_busy();
            if !again || left.is_zero() || self.ctx.sleep(pause.min(left)).is_err() {
                return Err(error);
            }
            left = left.saturating_sub(pause);
            pause = (pause * 2).min(LONGEST);
        }
    }

    fn attempt<T>(
        &mut self,
        work: &mut impl FnMut(&mut Session) -> Result<T, FrontierError>,
    ) -> Result<T, FrontierError> {
        let session = match &mut self.session {
            Some(session) => session,
            none => {
                let (client, _) = PostgresTable::connect(&self.url)?;
                none.insert(Session::new(client, &self.name)?)
            }
        };
        session.batch("BEGIN")?;
        let value = work(session)?;
        session.batch("COMMIT")?;
        Ok(value)
    }
}
