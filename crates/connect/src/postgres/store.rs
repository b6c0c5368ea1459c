//! One batch into the database, whatever happens to the connection meanwhile.
//!
//! A batch is one transaction. What can be tried again is: after a lost connection, after a
//! deadlock, and row by row when the server refuses something in it. The one doubtful moment is a
//! connection that dies during COMMIT; then the next connection first finds out what became of that
//! transaction.

use ::postgres::Client;

use super::encode::Tuples;
use super::job;
use super::problem::Problem;
use super::session::Session;
use super::table;
use crate::SinkError;
use crate::positions::Job;

/// Rows of a batch that the server refused: their numbers and the reasons.
pub(super) type RefusedRows = Vec<(usize, String)>;

/// A COMMIT that was sent and not answered.
#[derive(Debug)]
pub(super) struct InDoubt {
    /// The transaction's number on the server.
    transaction: i64,
    /// What is refused if it did commit.
    pub(super) refused: RefusedRows,
}

/// What one attempt needs to know about its batch.
pub(super) struct Batch<'a, R> {
    pub(super) tuples: &'a Tuples,
    pub(super) job: Option<&'a Job<R>>,
    pub(super) database: &'a str,
    /// Store what can be stored row by row, instead of failing on the first row that is refused.
    pub(super) sort_out: bool,
}

impl<R> Batch<'_, R> {
    /// Stores the batch in one transaction. `in_doubt` is set exactly when it ends with an
    /// unanswered COMMIT.
    pub(super) fn attempt(
        &self,
        session: &mut Session,
        in_doubt: &mut Option<InDoubt>,
    ) -> Result<RefusedRows, Problem> {
        let result = self.transaction(session, in_doubt);
        if let Err(problem) = &result
            && !matches!(problem, Problem::Lost(_))
        {
            // A failed transaction holds the row of the job until it is rolled back.
            session.client.batch_execute("ROLLBACK")?;
        }
        result
    }

    fn transaction(
        &self,
        session: &mut Session,
        in_doubt: &mut Option<InDoubt>,
    ) -> Result<RefusedRows, Problem> {
        session.client.batch_execute("BEGIN")?;
        if let (Some(job), Some(statements)) = (self.job, &session.job) {
            if !statements.advance(&mut session.client, job)? {
                return Err(self.fenced(&mut session.client, job));
            }
            statements.save(&mut session.client, job)?;
        }
        let refused = if self.sort_out { self.sort_out(session)? } else { self.copy_all(session)? };
        let transaction: i64 =
            session.client.query_one("SELECT txid_current()", &[])?.try_get(0)?;
        *in_doubt = Some(InDoubt { transaction, refused });
        let result = session.client.batch_execute("COMMIT").map_err(Problem::from);
        match result {
            Err(problem @ Problem::Lost(_)) => Err(problem),
            // Whatever else the server answered, it did answer: committed or not is known.
            answered => {
                let refused = in_doubt.take().map(|doubt| doubt.refused).unwrap_or_default();
                answered.map(|()| refused)
            }
        }
    }

    fn copy_all(&self, session: &mut Session) -> Result<RefusedRows, Problem> {
        self.copy(session, 0, self.tuples.len())?;
        Ok(Vec::new())
    }

    /// Stores the rows `from..to` by one COPY.
    fn copy(&self, session: &mut Session, from: usize, to: usize) -> Result<(), Problem> {
        if from == to {
            return Ok(());
        }
        table::send(&mut session.client, &session.copy, self.tuples.bytes(from, to))
    }

    /// Halves the batch until each half is stored or is one refused row.
    fn sort_out(&self, session: &mut Session) -> Result<RefusedRows, Problem> {
        let mut refused = Vec::new();
        // Else a deferred constraint would speak only at COMMIT, when it is too late to report rows
        // apart.
        session.client.batch_execute("SET CONSTRAINTS ALL IMMEDIATE")?;
        let mut parts = vec![(0, self.tuples.len())];
        while let Some((from, to)) = parts.pop() {
            session.client.batch_execute("SAVEPOINT part")?;
            match self.copy(session, from, to) {
                Ok(()) => session.client.batch_execute("RELEASE part")?,
                Err(Problem::Row(reason)) => {
                    session.client.batch_execute("ROLLBACK TO part; RELEASE part")?;
                    if to - from == 1 {
                        refused.push((from, reason));
                    } else {
                        let middle = from + (to - from) / 2;
                        parts.push((middle, to));
                        parts.push((from, middle));
                    }
                }
                Err(other) => return Err(other),
            }
        }
        Ok(refused)
    }

    /// The job's row is not as this sink knows it: another process has the job.
    fn fenced(&self, client: &mut Client, job: &Job<R>) -> Problem {
        match job::state(client, &job.name) {
            Err(problem) => problem,
            Ok(state) => Problem::Fatal(SinkError::job_taken(format!(
                "the job '{}' of {} was taken over by {}; nothing of this batch is stored here",
                job.name,
                self.database,
                state.map_or("somebody who removed its row".to_owned(), |state| state.owner)
            ))),
        }
    }
}

/// What became of a transaction whose COMMIT was not answered.
pub(super) enum Fate {
    /// It is stored.
    Stored,
    /// Nothing of it is stored: try again.
    Gone,
    /// The server still works on it: ask again later.
    Working,
}

/// Asks a new connection what became of a transaction.
pub(super) fn resolve<R>(
    client: &mut Client,
    database: &str,
    job: Option<&Job<R>>,
    doubt: &InDoubt,
) -> Result<Fate, Problem> {
    let row =
        client.query_one("SELECT txid_status($1)", &[&doubt.transaction]).map_err(Problem::from);
    let status: Option<String> = match row {
        Ok(row) => row.try_get(0)?,
        // A server that has taken over from a lost one may not have come to that number yet.
        Err(Problem::Row(_)) => None,
        Err(problem) => return Err(problem),
    };
    if status.as_deref() == Some("in progress") {
        return Ok(Fate::Working);
    }
    // With a job its row decides: it is right even on a server that has taken over from a lost one.
    if let Some(job) = job {
        return match job::state(client, &job.name)? {
            Some(state) if state.epoch == job.epoch && state.batch == job.batch + 1 => {
                Ok(Fate::Stored)
            }
            Some(state) if state.epoch == job.epoch && state.batch == job.batch => Ok(Fate::Gone),
            _ => Err(Problem::Fatal(SinkError::job_taken(format!(
                "the job '{}' of {database} was taken over while its connection was lost",
                job.name
            )))),
        };
    }
    match status.as_deref() {
        Some("committed") => Ok(Fate::Stored),
        Some("aborted") => Ok(Fate::Gone),
        _ => Err(Problem::Fatal(SinkError::other(
            "the connection was lost during COMMIT, and the server no longer knows whether it committed; the last batch \
             may be stored or not"
                .to_owned(),
        ))),
    }
}
