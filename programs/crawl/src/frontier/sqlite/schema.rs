//! The tables of a frontier in an SQLite file: made in one transaction, recognised, and read back
//! into memory.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use connect::SqliteTable;
use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension, Row, Transaction, TransactionBehavior,
    params,
};

use super::memory::{Memory, Number};
use super::output::Output;
use crate::frontier::way::Way;
use crate::frontier::{Begin, FrontierError, HostState, Settings};

/// The number of this way to lay a frontier out. It changes with every table below.
const FORMAT: i64 = 2;

/// Everything that grows only grows at its end: a page of the file is written once, not once for
/// each row. `crawl_urls` is changed only when a shorter way to a URL is found, and what is done is
/// a narrow table beside it. `crawl_links` has what pages lead to that could still turn out to be
/// nearer: numbers of URLs, or what is out of reach. `crawl_nearer` has rows of pages that are to
/// be brought up to date.
const CREATE: &str = "
    CREATE TABLE crawl_job (format INTEGER NOT NULL, output TEXT NOT NULL, output_bytes INTEGER NOT NULL);
    CREATE TABLE crawl_settings (position INTEGER PRIMARY KEY, name TEXT NOT NULL, value TEXT NOT NULL);
    CREATE TABLE crawl_hosts (id INTEGER PRIMARY KEY, origin TEXT NOT NULL, not_before_us INTEGER NOT NULL,
        delay_us INTEGER NOT NULL, failures INTEGER NOT NULL);
    CREATE TABLE crawl_urls (id INTEGER PRIMARY KEY, host INTEGER NOT NULL, key BLOB NOT NULL, depth INTEGER NOT NULL,
        redirects INTEGER NOT NULL, via INTEGER, url TEXT NOT NULL);
    CREATE TABLE crawl_done (id INTEGER PRIMARY KEY);
    CREATE TABLE crawl_retries (id INTEGER PRIMARY KEY, attempts INTEGER NOT NULL, not_before_us INTEGER NOT NULL);
    CREATE TABLE crawl_links (id INTEGER PRIMARY KEY, step INTEGER NOT NULL, numbers BLOB, beyond BLOB);
    CREATE TABLE crawl_nearer (url TEXT PRIMARY KEY, depth INTEGER NOT NULL, redirects INTEGER NOT NULL,
        followed INTEGER NOT NULL) WITHOUT ROWID;";

const TABLES: i64 = 8;

/// Looks at what is there before anything is made or changed, the lock's file and the database's
/// journal included: what is somebody else's is refused as it is.
pub(super) fn look(
    path: &Path,
    name: &str,
    output: &Output,
    begin: Begin,
) -> Result<(), FrontierError> {
    let is_there = std::fs::metadata(path).is_ok_and(|about| about.len() > 0);
    if !is_there {
        return output.check_fresh(name, begin);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // What keeps it from being read only may be no hindrance for a writer, or is reported then.
    let Ok(connection) = Connection::open_with_flags(path, flags) else { return Ok(()) };
    match tables(&connection) {
        Ok(0) => {
            output.check_fresh(name, begin)?;
            output.check_table(&connection, name)
        }
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            Err(problem(name, "crawl_job", &error))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Makes the tables, or checks those that are there; gives the noted length of the output, or
/// nothing if there was no crawl before. What it makes is made in one transaction, with the output.
pub(super) fn ensure(
    connection: &mut Connection,
    name: &str,
    settings: &Settings,
    output: &Output,
    begin: Begin,
) -> Result<Option<u64>, FrontierError> {
    let fail = |e: rusqlite::Error| problem(name, "crawl_job", &e);
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
    let there = tables(&transaction).map_err(fail)?;
    if there == 0 {
        output.check_fresh(name, begin)?;
        output.make(&transaction, name)?;
        create(&transaction, settings, output.kind()).map_err(fail)?;
        transaction.commit().map_err(fail)?;
        return Ok(None);
    }
    check_format(&transaction, name, there)?;
    if begin == Begin::New {
        return Err(FrontierError::usage(format!(
            "{name} holds a crawl already; --resume goes on with it, and another file begins a new one"
        )));
    }
    let (stored_output, bytes): (String, i64) = transaction
        .query_row("SELECT output, output_bytes FROM crawl_job", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .map_err(fail)?;
    let output = output.kind();
    if stored_output != output {
        return Err(FrontierError::usage(format!(
            "the crawl in {name} was started with {stored_output} as its output, and not {output}; give the same \
             destination again"
        )));
    }
    settings.check(name, &read_settings(&transaction).map_err(fail)?)?;
    u64::try_from(bytes)
        .map(Some)
        .map_err(|_| damaged(name, "the length of its output is negative"))
}

/// How many tables of ours are there.
fn tables(connection: &Connection) -> rusqlite::Result<i64> {
    let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN
        ('crawl_job', 'crawl_settings', 'crawl_hosts', 'crawl_urls', 'crawl_done', 'crawl_retries',
            'crawl_links', 'crawl_nearer')";
    connection.query_row(sql, [], |row| row.get(0))
}

fn create(
    transaction: &Transaction<'_>,
    settings: &Settings,
    output: &str,
) -> rusqlite::Result<()> {
    transaction.execute_batch(CREATE)?;
    transaction.execute("INSERT INTO crawl_job VALUES (?1, ?2, 0)", params![FORMAT, output])?;
    let mut insert =
        transaction.prepare("INSERT INTO crawl_settings (name, value) VALUES (?1, ?2)")?;
    for (name, value) in settings.pairs() {
        insert.execute([name, value])?;
    }
    Ok(())
}

fn check_format(
    transaction: &Transaction<'_>,
    name: &str,
    tables: i64,
) -> Result<(), FrontierError> {
    let format =
        transaction.query_row("SELECT format FROM crawl_job", [], |row| row.get(0)).optional();
    let format: Option<i64> = match format {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {
            return Err(problem(name, "crawl_job", &error));
        }
        // No such table or column, or not a number: it is somebody else's.
        Err(_) => None,
        Ok(format) => format,
    };
    match format {
        Some(FORMAT) if tables == TABLES => Ok(()),
        Some(other) if other != FORMAT => Err(FrontierError::usage(format!(
            "the crawl in {name} has format {other}, and this program knows format {FORMAT}: go on with the version that \
             began it, or begin a new crawl in another file"
        ))),
        _ => Err(FrontierError::usage(format!(
            "{name} has tables named like those of a crawl (crawl_job, crawl_urls, ...) that are none; choose another file"
        ))),
    }
}

fn read_settings(transaction: &Transaction<'_>) -> rusqlite::Result<Vec<(String, String)>> {
    let mut select =
        transaction.prepare("SELECT name, value FROM crawl_settings ORDER BY position")?;
    select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Reads everything back, in one pass over the tables in the order of their rows.
pub(super) fn load(connection: &Connection, name: &str) -> Result<Memory, FrontierError> {
    let mut memory = Memory::default();
    let fail = |e: rusqlite::Error| problem(name, "crawl_urls", &e);
    load_hosts(connection, name, &mut memory)?;
    let mut retries = load_retries(connection).map_err(fail)?;
    let mut done = connection.prepare("SELECT id FROM crawl_done ORDER BY id").map_err(fail)?;
    let mut done = done.query([]).map_err(fail)?;
    let mut next_done =
        || -> rusqlite::Result<Option<Number>> { done.next()?.map(|row| row.get(0)).transpose() };
    let mut upcoming = next_done().map_err(fail)?;
    let mut urls = connection
        .prepare("SELECT id, host, key, depth, redirects FROM crawl_urls ORDER BY id")
        .map_err(fail)?;
    let mut rows = urls.query([]).map_err(fail)?;
    while let Some(row) = rows.next().map_err(fail)? {
        let (id, host, key, way) = url_of(row).map_err(fail)?;
        if memory.add_url(way) != id
            || host == 0
            || host as usize > memory.hosts.len()
            || memory.seen.insert(key, id).is_some()
        {
            return Err(damaged(
                name,
                &format!("its URL {id} is out of order, has no host, or is there twice"),
            ));
        }
        if upcoming == Some(id) {
            memory.done += 1;
            upcoming = next_done().map_err(fail)?;
        } else if let Some((attempts, not_before_us)) = retries.remove(&id) {
            memory.add_retry(host, id, not_before_us, attempts);
        } else {
            memory.append(host, id);
        }
    }
    if upcoming.is_some() || !retries.is_empty() {
        return Err(damaged(name, "it has done or tried a URL that it does not know"));
    }
    for number in 1..=memory.hosts.len() {
        memory.settle(Number::try_from(number).expect("hosts were numbered when they were added"));
    }
    Ok(memory)
}

fn url_of(row: &Row<'_>) -> rusqlite::Result<(Number, Number, u128, Way)> {
    let way = Way { depth: row.get(3)?, redirects: row.get(4)? };
    Ok((row.get(0)?, row.get(1)?, u128::from_be_bytes(row.get(2)?), way))
}

fn load_hosts(
    connection: &Connection,
    name: &str,
    memory: &mut Memory,
) -> Result<(), FrontierError> {
    let fail = |e: rusqlite::Error| problem(name, "crawl_hosts", &e);
    let sql = "SELECT id, origin, not_before_us, delay_us, failures FROM crawl_hosts ORDER BY id";
    let mut select = connection.prepare(sql).map_err(fail)?;
    let mut rows = select.query([]).map_err(fail)?;
    while let Some(row) = rows.next().map_err(fail)? {
        let (id, origin, state) = host_of(row).map_err(fail)?;
        if memory.host_of(&origin).is_some() || memory.add_host(&origin, state) != Some(id) {
            return Err(damaged(name, &format!("its host {id} is out of order or there twice")));
        }
    }
    Ok(())
}

fn host_of(row: &Row<'_>) -> rusqlite::Result<(Number, String, HostState)> {
    let delay_us: i64 = row.get(3)?;
    let state = HostState {
        not_before_us: row.get(2)?,
        delay: Duration::from_micros(delay_us.unsigned_abs()),
        failures: row.get(4)?,
    };
    Ok((row.get(0)?, row.get(1)?, state))
}

fn load_retries(connection: &Connection) -> rusqlite::Result<HashMap<Number, (u32, i64)>> {
    let mut select = connection.prepare("SELECT id, attempts, not_before_us FROM crawl_retries")?;
    select.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?.collect()
}

/// An error of SQLite's.
pub(super) fn problem(name: &str, table: &str, error: &rusqlite::Error) -> FrontierError {
    FrontierError::of_file(SqliteTable::error(name, table, error))
}

/// What is in the tables cannot have been written by this program.
pub(super) fn damaged(name: &str, what: &str) -> FrontierError {
    FrontierError::other(format!(
        "the crawl in {name} is damaged: {what}; its pages can still be read, but it cannot go on: begin a new crawl in \
         another file"
    ))
}
