//! The tables of a frontier in PostgreSQL: made once, recognised, and joined by one crawler after
//! another.

use ::postgres::{Client, GenericClient, Transaction};
use connect::PostgresTable;

use crate::frontier::{Begin, FrontierError, Settings};

/// The number of this way to lay a frontier out. It changes with every table below.
const FORMAT: i64 = 3;

/// Serialises the making of tables by several crawlers.
const CREATION_LOCK: i64 = 0x6372_6177_6c5f_6d6b;

/// `crawl_urls` is changed only when a shorter way to a URL is found. `crawl_links` has what pages
/// lead to that could still turn out to be nearer: keys of URLs, or what is out of reach.
/// `crawl_nearer` has rows of pages that are to be brought up to date. What is pending is a narrow
/// table beside it, from which a row goes when its page is
/// stored: who deletes that row stores the page, and nobody else can.
const CREATE: &str = "
    CREATE TABLE crawl_job (format bigint NOT NULL, max_pages bigint, granted bigint NOT NULL);
    CREATE TABLE crawl_settings (position bigint PRIMARY KEY, name text NOT NULL, value text NOT NULL);
    CREATE TABLE crawl_workers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner text NOT NULL,
        seen bigint NOT NULL DEFAULT 0, done bigint NOT NULL DEFAULT 0, hosts bigint NOT NULL DEFAULT 0,
        alive_until_us bigint NOT NULL DEFAULT 0, held bigint NOT NULL DEFAULT 0, wants boolean NOT NULL DEFAULT false)
        WITH (fillfactor = 50);
    CREATE TABLE crawl_hosts (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, origin text NOT NULL UNIQUE,
        open boolean NOT NULL DEFAULT true, not_before_us bigint NOT NULL DEFAULT 0, delay_us bigint NOT NULL DEFAULT 0,
        failures bigint NOT NULL DEFAULT 0, epoch bigint NOT NULL DEFAULT 0, worker bigint,
        lease_until_us bigint NOT NULL DEFAULT 0, granted bigint NOT NULL DEFAULT 0) WITH (fillfactor = 50);
    CREATE INDEX crawl_hosts_open ON crawl_hosts (not_before_us, id) WHERE open;
    CREATE SEQUENCE crawl_url_ids;
    CREATE TABLE crawl_urls (id bigint PRIMARY KEY, key bytea NOT NULL UNIQUE, host bigint NOT NULL, depth bigint NOT NULL,
        redirects bigint NOT NULL, via bigint, url text NOT NULL);
    CREATE TABLE crawl_queue (host bigint NOT NULL, id bigint NOT NULL, attempts bigint NOT NULL DEFAULT 0,
        not_before_us bigint NOT NULL DEFAULT 0, PRIMARY KEY (host, id));
    CREATE INDEX crawl_queue_retries ON crawl_queue (host, not_before_us, id) WHERE attempts > 0;
    CREATE TABLE crawl_links (id bigint PRIMARY KEY, step bigint NOT NULL, keys bytea, beyond bytea);
    CREATE TABLE crawl_nearer (url text PRIMARY KEY, depth bigint NOT NULL, redirects bigint NOT NULL, followed boolean NOT NULL);";

/// What a crawler learns when it joins.
pub(super) struct Joined {
    /// Its number.
    pub(super) worker: i64,
    /// What is to be added to its clock to get the server's.
    pub(super) clock_offset_us: i64,
}

/// Whether there is a crawl. With FROM, which locks a relation, the server looks again: without it,
/// it may say what it remembers.
pub(super) fn is_there(client: &mut impl GenericClient, name: &str) -> Result<bool, FrontierError> {
    let sql = "SELECT to_regclass('crawl_job') IS NOT NULL FROM pg_catalog.pg_class LIMIT 1";
    let found = client.query_one(sql, &[]);
    let found = found.and_then(|row| row.try_get(0));
    found.map_err(|e| FrontierError::from(PostgresTable::error("open the crawl in", name, e)))
}

/// Makes the tables, or checks those that are there, and joins.
pub(super) fn join(
    client: &mut Client,
    name: &str,
    settings: &Settings,
    begin: Begin,
    max_pages: Option<i64>,
    now_us: i64,
) -> Result<Joined, FrontierError> {
    let fail = |e: ::postgres::Error| {
        FrontierError::from(PostgresTable::error("open the crawl in", name, e))
    };
    let mut transaction = client.transaction().map_err(fail)?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&CREATION_LOCK]).map_err(fail)?;
    let there = is_there(&mut transaction, name)?;
    let now: i64 = transaction
        .query_one("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint", &[])
        .and_then(|row| row.try_get(0))
        .map_err(fail)?;
    if there {
        check(&mut transaction, name, settings, begin, max_pages, now)?;
    } else {
        create(&mut transaction, settings, max_pages).map_err(fail)?;
    }
    let owner = format!("process {}", std::process::id());
    let worker = transaction
        .query_one("INSERT INTO crawl_workers (owner) VALUES ($1) RETURNING id", &[&owner])
        .and_then(|row| row.try_get(0))
        .map_err(fail)?;
    transaction.commit().map_err(fail)?;
    Ok(Joined { worker, clock_offset_us: now.saturating_sub(now_us) })
}

fn create(
    transaction: &mut Transaction<'_>,
    settings: &Settings,
    max_pages: Option<i64>,
) -> Result<(), ::postgres::Error> {
    transaction.batch_execute(CREATE)?;
    transaction.execute("INSERT INTO crawl_job VALUES ($1, $2, 0)", &[&FORMAT, &max_pages])?;
    for (position, (name, value)) in (0i64..).zip(settings.pairs()) {
        transaction
            .execute("INSERT INTO crawl_settings VALUES ($1, $2, $3)", &[&position, name, value])?;
    }
    Ok(())
}

fn check(
    transaction: &mut Transaction<'_>,
    name: &str,
    settings: &Settings,
    begin: Begin,
    max_pages: Option<i64>,
    now: i64,
) -> Result<(), FrontierError> {
    let fail = |e: ::postgres::Error| {
        FrontierError::from(PostgresTable::error("read the crawl in", name, e))
    };
    let job =
        transaction.query_one("SELECT format, max_pages FROM crawl_job", &[]).map_err(fail)?;
    let (format, limit): (i64, Option<i64>) =
        (job.try_get(0).map_err(fail)?, job.try_get(1).map_err(fail)?);
    if format != FORMAT {
        return Err(FrontierError::usage(format!(
            "the crawl in {name} has format {format}, and this program knows format {FORMAT}: go on with the version that \
             began it, or begin a new crawl in another database"
        )));
    }
    if begin == Begin::New {
        return Err(FrontierError::usage(format!(
            "{name} holds a crawl already; --resume goes on with it, and another database begins a new one"
        )));
    }
    let rows = transaction
        .query("SELECT name, value FROM crawl_settings ORDER BY position", &[])
        .map_err(fail)?;
    let stored: Result<Vec<(String, String)>, _> =
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect();
    settings.check(name, &stored.map_err(fail)?)?;
    if limit == max_pages {
        return Ok(());
    }
    let sql =
        "SELECT EXISTS (SELECT FROM crawl_hosts WHERE worker IS NOT NULL AND lease_until_us >= $1)";
    let shared: bool =
        transaction.query_one(sql, &[&now]).and_then(|row| row.try_get(0)).map_err(fail)?;
    if shared {
        let words = |limit: Option<i64>| {
            limit.map_or("no limit of pages".to_owned(), |n| format!("{n} pages"))
        };
        return Err(FrontierError::usage(format!(
            "other crawlers work in {name} with {}, and not with {}; give the same --max-pages, or wait for their end",
            words(limit),
            words(max_pages)
        )));
    }
    transaction.execute("UPDATE crawl_job SET max_pages = $1", &[&max_pages]).map_err(fail)?;
    Ok(())
}
