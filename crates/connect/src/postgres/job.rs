//! A job's row, its positions and its lock.
//!
//! Two things keep two processes from running one job. A session lock says at the start that the
//! job runs already, and by whom. The job's row is the fence that holds even when that lock was
//! lost with a connection: a claim raises its epoch, and each transaction first updates the row
//! where epoch and batch number are those that its sink knows, which also waits for a transaction
//! of a dead connection that is still being committed.

use ::postgres::types::Type;
use ::postgres::{Client, Statement};

use super::problem::Problem;
use super::schema;
use crate::SinkError;
use crate::positions::{Job, Owner, SavedPosition};

const CREATE_JOBS: &str = "CREATE TABLE millstream_jobs (
    job text PRIMARY KEY, epoch bigint NOT NULL, batch bigint NOT NULL, rows bigint NOT NULL, owner text,
    claimed_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now()) WITH (fillfactor = 50)";

const CREATE_POSITIONS: &str = "CREATE TABLE millstream_positions (
    job text NOT NULL, key text NOT NULL, value text NOT NULL, updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (job, key)) WITH (fillfactor = 50)";

const CLAIM: &str = "INSERT INTO millstream_jobs (job, epoch, batch, rows, owner) VALUES ($1, 1, 0, 0, $2)
    ON CONFLICT (job) DO UPDATE SET epoch = millstream_jobs.epoch + 1, owner = excluded.owner, claimed_at = now()
    RETURNING epoch, batch";

const ADVANCE: &str = "UPDATE millstream_jobs SET batch = batch + 1, rows = $4, updated_at = now()
    WHERE job = $1 AND epoch = $2 AND batch = $3";

const SAVE: &str = "INSERT INTO millstream_positions (job, key, value)
    SELECT $1, new.key, new.value FROM unnest($2::text[], $3::text[]) AS new (key, value)
    ON CONFLICT (job, key) DO UPDATE SET value = excluded.value, updated_at = now()";

const FORGET: &str = "DELETE FROM millstream_positions WHERE job = $1 AND key = ANY ($2)";

/// A job's row as it stands in the database.
pub(super) struct State {
    pub(super) epoch: i64,
    pub(super) batch: i64,
    pub(super) owner: String,
}

/// The statements that every batch of a job needs.
pub(super) struct Statements {
    advance: Statement,
    save: Statement,
    forget: Statement,
}

impl Statements {
    pub(super) fn prepare(client: &mut Client) -> Result<Self, Problem> {
        Ok(Self {
            advance: client.prepare(ADVANCE)?,
            save: client.prepare_typed(SAVE, &[Type::TEXT, Type::TEXT_ARRAY, Type::TEXT_ARRAY])?,
            forget: client.prepare(FORGET)?,
        })
    }

    /// Takes the job's row for this transaction; false when epoch or batch number are not as this
    /// sink knows them.
    pub(super) fn advance<R>(&self, client: &mut Client, job: &Job<R>) -> Result<bool, Problem> {
        let rows = i64::try_from(job.rows).unwrap_or(i64::MAX);
        Ok(client.execute(&self.advance, &[&job.name, &job.epoch, &job.batch, &rows])? == 1)
    }

    /// Stores the positions that go with this transaction's rows.
    pub(super) fn save<R>(&self, client: &mut Client, job: &Job<R>) -> Result<(), Problem> {
        let (mut keys, mut values, mut gone) = (Vec::new(), Vec::new(), Vec::new());
        for change in &job.changes {
            match &change.value {
                Some(value) => {
                    keys.push(change.key.as_str());
                    values.push(value.as_str());
                }
                None => gone.push(change.key.as_str()),
            }
        }
        if !keys.is_empty() {
            client.execute(&self.save, &[&job.name, &keys, &values])?;
        }
        if !gone.is_empty() {
            client.execute(&self.forget, &[&job.name, &gone])?;
        }
        Ok(())
    }
}

/// Creates the jobs' tables where they are missing.
pub(super) fn create_tables(client: &mut Client) -> Result<(), Problem> {
    schema::create_missing(client, "millstream_jobs", CREATE_JOBS)?;
    schema::create_missing(client, "millstream_positions", CREATE_POSITIONS)
}

/// Raises the job's epoch; it is this process's from now on. Gives epoch, batch number and
/// positions.
pub(super) fn claim(
    client: &mut Client,
    job: &str,
) -> Result<(i64, i64, Vec<SavedPosition>), Problem> {
    let mut transaction = client.transaction()?;
    let row = transaction.query_one(CLAIM, &[&job, &Owner::here().text])?;
    let saved = transaction.query(
        "SELECT key, value FROM millstream_positions WHERE job = $1 ORDER BY key COLLATE \"C\"",
        &[&job],
    )?;
    transaction.commit()?;
    Ok((row.try_get(0)?, row.try_get(1)?, positions(&saved)?))
}

/// The positions of a job; none when no job has ever run here.
pub(super) fn load(client: &mut Client, job: &str) -> Result<Vec<SavedPosition>, Problem> {
    if !schema::exists(client, "millstream_positions")? {
        return Ok(Vec::new());
    }
    let saved = client.query(
        "SELECT key, value FROM millstream_positions WHERE job = $1 ORDER BY key COLLATE \"C\"",
        &[&job],
    )?;
    positions(&saved)
}

fn positions(rows: &[postgres::Row]) -> Result<Vec<SavedPosition>, Problem> {
    let mut saved = Vec::new();
    for row in rows {
        saved.push(SavedPosition { key: row.try_get(0)?, value: row.try_get(1)? });
    }
    Ok(saved)
}

/// How the job's row stands now.
pub(super) fn state(client: &mut Client, job: &str) -> Result<Option<State>, Problem> {
    let row = client.query_opt(
        "SELECT epoch, batch, coalesce(owner, 'a process that has finished since') ||
             to_char(claimed_at AT TIME ZONE 'UTC', '\" at \"YYYY-MM-DD HH24:MI:SS\" UTC\"')
         FROM millstream_jobs WHERE job = $1",
        &[&job],
    )?;
    row.map(|row| {
        Ok(State { epoch: row.try_get(0)?, batch: row.try_get(1)?, owner: row.try_get(2)? })
    })
    .transpose()
}

/// Takes the job's session lock; false when another session has it.
pub(super) fn try_lock(client: &mut Client, job: &str) -> Result<bool, Problem> {
    let schema: Option<String> =
        client.query_one("SELECT current_schema()::text", &[])?.try_get(0)?;
    let key = lock_key(schema.as_deref().unwrap_or_default(), job);
    Ok(client.query_one("SELECT pg_try_advisory_lock($1)", &[&key])?.try_get(0)?)
}

/// The error for a job whose lock another session has, naming it.
pub(super) fn running_elsewhere(
    client: &mut Client,
    database: &str,
    job: &str,
) -> Result<SinkError, Problem> {
    let schema: Option<String> =
        client.query_one("SELECT current_schema()::text", &[])?.try_get(0)?;
    let key = lock_key(schema.as_deref().unwrap_or_default(), job);
    let backend = client.query_opt(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
             AND classid::bigint = (($1::bigint >> 32) & 4294967295) AND objid::bigint = ($1::bigint & 4294967295)
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        &[&key],
    )?;
    let backend: Option<i32> = backend.map(|row| row.try_get(0)).transpose()?;
    let owner = state(client, job)?.map_or("another process".to_owned(), |state| state.owner);
    let mut message =
        format!("the job '{job}' of {database} is being run by {owner}; stop that process, ");
    if let Some(pid) = backend {
        message.push_str(&format!(
            "end its session if it is gone (SELECT pg_terminate_backend({pid})), "
        ));
    }
    message.push_str("or give this job another name");
    Ok(SinkError::job_taken(message))
}

/// Takes this process's name off the job, if the job is still its own.
pub(super) fn release<R>(client: &mut Client, job: &Job<R>) -> Result<(), Problem> {
    let sql = "UPDATE millstream_jobs SET owner = NULL WHERE job = $1 AND epoch = $2";
    client.execute(sql, &[&job.name, &job.epoch])?;
    client.execute("SELECT pg_advisory_unlock_all()", &[])?;
    Ok(())
}

/// A number for a job: FNV-1a, which is the same in every version of this program and on every
/// machine.
fn lock_key(schema: &str, job: &str) -> i64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in ["millstream", schema, job].join("\0").bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    i64::from_ne_bytes(hash.to_ne_bytes())
}
