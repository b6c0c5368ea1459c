//! A job's row and its positions: claimed once, advanced in every transaction.
//!
//! The job's row is the fence. A claim raises its epoch, and a transaction goes through only while
//! the epoch is the one that its sink has claimed; SQLite lets one transaction write at a time, so
//! nothing can slip between.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::error::{failed, write_failed};
use crate::SinkError;
use crate::positions::{Job, Owner, SavedPosition};

const CREATE: &str = "
    CREATE TABLE IF NOT EXISTS millstream_jobs (
        job TEXT PRIMARY KEY, epoch INTEGER NOT NULL, batch INTEGER NOT NULL, rows INTEGER NOT NULL,
        owner TEXT, owner_token TEXT, claimed_at TEXT NOT NULL, updated_at TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS millstream_positions (
        job TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, updated_at TEXT NOT NULL, PRIMARY KEY (job, key)
    ) WITHOUT ROWID;";

const CLAIM: &str = "
    INSERT INTO millstream_jobs VALUES (?1, 1, 0, 0, ?2, ?3, strftime('%Y-%m-%d %H:%M:%f'), strftime('%Y-%m-%d %H:%M:%f'))
    ON CONFLICT (job) DO UPDATE SET epoch = epoch + 1, owner = excluded.owner, owner_token = excluded.owner_token,
        claimed_at = excluded.claimed_at
    RETURNING epoch, batch";

const ADVANCE: &str = "
    UPDATE millstream_jobs SET batch = batch + 1, rows = ?3, updated_at = strftime('%Y-%m-%d %H:%M:%f')
    WHERE job = ?1 AND epoch = ?2";

const SAVE: &str = "
    INSERT INTO millstream_positions VALUES (?1, ?2, ?3, strftime('%Y-%m-%d %H:%M:%f'))
    ON CONFLICT (job, key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at";

/// What a claim found.
pub(super) struct Claim {
    pub(super) epoch: i64,
    pub(super) batch: i64,
    pub(super) saved: Vec<SavedPosition>,
}

/// Makes this process the job's owner and reads where the job stands, in one transaction.
pub(super) fn claim(
    connection: &mut Connection,
    name: &str,
    job: &str,
) -> Result<Claim, SinkError> {
    let fail = |e: rusqlite::Error| failed(&format!("claim the job '{job}' in"), name, &e);
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
    transaction.execute_batch(CREATE).map_err(fail)?;
    if let Some((owner, token, since)) = owner_of(&transaction, job).map_err(fail)?
        && Owner::runs_elsewhere(&token)
    {
        return Err(SinkError::job_taken(format!(
            "the job '{job}' of the SQLite database {name} is being run by {owner} since {since} UTC; stop that \
                 process, or give this job another name"
        )));
    }
    let here = Owner::here();
    let (epoch, batch) = transaction
        .query_row(CLAIM, params![job, here.text, here.token], |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(fail)?;
    let saved = read(&transaction, job).map_err(fail)?;
    transaction.commit().map_err(fail)?;
    Ok(Claim { epoch, batch, saved })
}

/// Owner, its token and the time of its claim, if the job has an owner.
fn owner_of(
    connection: &Connection,
    job: &str,
) -> rusqlite::Result<Option<(String, String, String)>> {
    connection
        .query_row(
            "SELECT owner, owner_token, claimed_at FROM millstream_jobs WHERE job = ?1 AND owner IS NOT NULL",
            [job],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()
}

/// The positions of a job; none when no job has ever run here.
pub(super) fn load(connection: &Connection, job: &str) -> rusqlite::Result<Vec<SavedPosition>> {
    let known = connection.table_exists(None, "millstream_positions")?;
    if known { read(connection, job) } else { Ok(Vec::new()) }
}

fn read(connection: &Connection, job: &str) -> rusqlite::Result<Vec<SavedPosition>> {
    let mut statement = connection
        .prepare("SELECT key, value FROM millstream_positions WHERE job = ?1 ORDER BY key")?;
    let rows = statement
        .query_map([job], |row| Ok(SavedPosition { key: row.get(0)?, value: row.get(1)? }))?;
    rows.collect()
}

/// Checks the fence and stores the positions that go with this transaction's rows.
pub(super) fn advance<R>(
    transaction: &Transaction<'_>,
    name: &str,
    job: &Job<R>,
) -> Result<(), SinkError> {
    let fail = |e: rusqlite::Error| write_failed(name, "millstream_positions", &e);
    let rows = i64::try_from(job.rows).unwrap_or(i64::MAX);
    let hit = transaction
        .prepare_cached(ADVANCE)
        .and_then(|mut statement| statement.execute(params![job.name, job.epoch, rows]))
        .map_err(fail)?;
    if hit == 0 {
        let other = owner_of(transaction, &job.name).map_err(fail)?;
        let other = other.map_or("another process".to_owned(), |(owner, _, since)| {
            format!("{owner} at {since} UTC")
        });
        return Err(SinkError::job_taken(format!(
            "the job '{}' of the SQLite database {name} was taken over by {other}; nothing of this batch is stored here",
            job.name
        )));
    }
    for change in &job.changes {
        let done = match &change.value {
            Some(value) => transaction
                .prepare_cached(SAVE)
                .and_then(|mut statement| statement.execute(params![job.name, change.key, value])),
            None => transaction
                .prepare_cached("DELETE FROM millstream_positions WHERE job = ?1 AND key = ?2")
                .and_then(|mut statement| statement.execute(params![job.name, change.key])),
        };
        done.map_err(fail)?;
    }
    Ok(())
}

/// Takes this process's name off the job, if the job is still its own.
pub(super) fn release<R>(connection: &Connection, job: &Job<R>) -> rusqlite::Result<()> {
    let sql =
        "UPDATE millstream_jobs SET owner = NULL, owner_token = NULL WHERE job = ?1 AND epoch = ?2";
    connection.execute(sql, params![job.name, job.epoch]).map(drop)
}
