//! Hosts and their leases.
//!
//! A claim raises the host's epoch. Whatever keeps something for a host first locks its row where
//! the epoch is the one that was claimed: so a crawler that has lost a host keeps nothing for it,
//! however late it notices. Row locks are taken in the order own hosts, other hosts, `crawl_job`,
//! and in each by number; they meet no other way round.

use std::time::Duration;

use ::postgres::Row;

use super::session::Session;
use crate::frontier::{FrontierError, HostId, HostLease, HostState};

/// Further pending URLs of a host are not counted when it is claimed.
const FREE: &str = "SELECT id, origin, not_before_us, delay_us, failures, epoch + 1, granted,
        (SELECT count(*) FROM (SELECT FROM crawl_queue WHERE host = h.id LIMIT 10000) AS counted)
    FROM crawl_hosts AS h
    WHERE open AND not_before_us <= $1 AND (worker IS NULL OR lease_until_us < $1)
        AND EXISTS (SELECT FROM crawl_queue WHERE host = h.id AND not_before_us <= $1)
    ORDER BY not_before_us, id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED";

const CLAIM: &str =
    "UPDATE crawl_hosts SET epoch = epoch + 1, worker = $2, lease_until_us = $3, granted = 0
    WHERE id = ANY ($1)";

const RENEW: &str = "UPDATE crawl_hosts AS h SET lease_until_us = $4
    FROM unnest($1::bigint[], $2::bigint[]) AS held (id, epoch)
    WHERE h.id = held.id AND h.epoch = held.epoch AND h.worker = $3 RETURNING h.id";

/// Adding URLs to a host locks its row FOR KEY SHARE, which does not meet this lock but the
/// stronger one below.
const LOCK: &str = "SELECT h.id FROM crawl_hosts AS h
    JOIN unnest($1::bigint[], $2::bigint[]) AS held (id, epoch) ON h.id = held.id AND h.epoch = held.epoch
    WHERE h.worker = $3 ORDER BY h.id FOR NO KEY UPDATE OF h";

/// For giving back: waits for those who add URLs to the host, so that it is closed only if it is
/// empty.
const LOCK_WHOLE: &str = "SELECT h.id, h.granted FROM crawl_hosts AS h
    JOIN unnest($1::bigint[], $2::bigint[]) AS held (id, epoch) ON h.id = held.id AND h.epoch = held.epoch
    WHERE h.worker = $3 ORDER BY h.id FOR UPDATE OF h";

const GIVE_BACK: &str =
    "UPDATE crawl_hosts AS h SET worker = NULL, lease_until_us = 0, granted = 0,
        open = EXISTS (SELECT FROM crawl_queue WHERE host = h.id)
    WHERE id = ANY ($1)";

const STATES: &str = "UPDATE crawl_hosts AS h
    SET not_before_us = s.not_before_us, delay_us = s.delay_us, failures = s.failures
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS s (id, not_before_us, delay_us, failures)
    WHERE h.id = s.id";

const REFUND: &str = "UPDATE crawl_job SET granted = granted - $1";

/// The crawler, and hosts that it has claimed with their epochs.
pub(super) struct Held<'a> {
    pub(super) worker: i64,
    pub(super) ids: &'a [i64],
    pub(super) epochs: &'a [i64],
}

/// Claims hosts; gives each with its epoch.
pub(super) fn claim(
    session: &mut Session,
    worker: i64,
    want: usize,
    now_us: i64,
    until_us: i64,
) -> Result<Vec<(HostLease, i64)>, FrontierError> {
    let want = i64::try_from(want).unwrap_or(i64::MAX);
    let rows = session.query(FREE, &[&now_us, &want])?;
    let read = |row: &Row| Ok((lease(row)?, row.try_get(5)?, row.try_get(6)?));
    let leases: Result<Vec<(HostLease, i64, i64)>, ::postgres::Error> =
        rows.iter().map(read).collect();
    let leases = leases.map_err(|error| session.error(error))?;
    if leases.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> = leases.iter().map(|(lease, ..)| number(lease.id)).collect();
    session.query(CLAIM, &[&ids, &worker, &until_us])?;
    // What a crawler that died had taken counts no longer.
    refund(session, leases.iter().map(|(.., granted)| *granted).sum())?;
    Ok(leases.into_iter().map(|(lease, epoch, _)| (lease, epoch)).collect())
}

fn lease(row: &Row) -> Result<HostLease, ::postgres::Error> {
    let (id, delay_us, failures, pending): (i64, i64, i64, i64) =
        (row.try_get(0)?, row.try_get(3)?, row.try_get(4)?, row.try_get(7)?);
    Ok(HostLease {
        id: HostId(id.unsigned_abs()),
        origin: row.try_get(1)?,
        pending: pending.unsigned_abs(),
        state: HostState {
            not_before_us: row.try_get(2)?,
            delay: Duration::from_micros(delay_us.unsigned_abs()),
            failures: u32::try_from(failures).unwrap_or(u32::MAX),
        },
    })
}

/// Moves the end of the leases; gives the hosts that are still held.
pub(super) fn renew(
    session: &mut Session,
    held: &Held<'_>,
    until_us: i64,
) -> Result<Vec<i64>, FrontierError> {
    let rows = session.query(RENEW, &[&held.ids, &held.epochs, &held.worker, &until_us])?;
    numbers(session, &rows)
}

/// Locks the rows of those hosts that are still held, for the rest of the transaction; gives them.
pub(super) fn lock(session: &mut Session, held: &Held<'_>) -> Result<Vec<i64>, FrontierError> {
    if held.ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = session.query(LOCK, &[&held.ids, &held.epochs, &held.worker])?;
    numbers(session, &rows)
}

/// Gives hosts back, with their states where they are given.
pub(super) fn give_back(
    session: &mut Session,
    held: &Held<'_>,
    states: &[(HostId, HostState)],
) -> Result<(), FrontierError> {
    let rows = session.query(LOCK_WHOLE, &[&held.ids, &held.epochs, &held.worker])?;
    let ours = numbers(session, &rows)?;
    let granted: Result<Vec<i64>, _> = rows.iter().map(|row| row.try_get(1)).collect();
    let granted: i64 = granted.map_err(|error| session.error(error))?.iter().sum();
    store_states(session, &ours, states)?;
    session.query(GIVE_BACK, &[&ours])?;
    refund(session, granted)
}

/// Stores the states of those hosts that are `ours`.
pub(super) fn store_states(
    session: &mut Session,
    ours: &[i64],
    states: &[(HostId, HostState)],
) -> Result<(), FrontierError> {
    let states: Vec<_> = states.iter().filter(|(id, _)| ours.contains(&number(*id))).collect();
    if states.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = states.iter().map(|(id, _)| number(*id)).collect();
    let not_before: Vec<i64> = states.iter().map(|(_, state)| state.not_before_us).collect();
    let delay = |state: &HostState| i64::try_from(state.delay.as_micros()).unwrap_or(i64::MAX);
    let delays: Vec<i64> = states.iter().map(|(_, state)| delay(state)).collect();
    let failures: Vec<i64> = states.iter().map(|(_, state)| state.failures.into()).collect();
    session.query(STATES, &[&ids, &not_before, &delays, &failures])?;
    Ok(())
}

/// Gives pages back to the budget.
pub(super) fn refund(session: &mut Session, pages: i64) -> Result<(), FrontierError> {
    if pages != 0 {
        session.query(REFUND, &[&pages])?;
    }
    Ok(())
}

/// The first column of rows.
pub(super) fn numbers(session: &Session, rows: &[Row]) -> Result<Vec<i64>, FrontierError> {
    let numbers: Result<Vec<i64>, _> = rows.iter().map(|row| row.try_get(0)).collect();
    numbers.map_err(|error| session.error(error))
}

/// A host's number as the database has it.
pub(super) fn number(id: HostId) -> i64 {
    i64::try_from(id.0).unwrap_or(i64::MAX)
}
