//! What each crawler's part of the hosts is: every one says how many it has and whether it wants
//! more, and who has more than its part learns of those that have less.

use super::session::Session;
use crate::frontier::FrontierError;

/// A crawler that has said nothing for this long has no part: it ended, or hangs.
const ALIVE_US: i64 = 5_000_000;

const SHARE: &str =
    "UPDATE crawl_workers SET alive_until_us = $2, held = $3, wants = $4 WHERE id = $1";

/// The part, rounded up, if anybody else has less than it, rounded down, and wants more.
const PART: &str = "WITH alive AS (SELECT * FROM crawl_workers WHERE alive_until_us >= $2 OR id = $1),
    part AS (SELECT sum(held) / count(*) AS size FROM alive)
    SELECT ceil(size)::bigint FROM part WHERE EXISTS (SELECT FROM alive WHERE id <> $1 AND wants AND held < floor(part.size))";

const LEAVE: &str =
    "UPDATE crawl_workers SET alive_until_us = 0, held = 0, wants = false WHERE id = $1";

/// How many hosts this crawler should keep, if others wait for some.
pub(super) fn share(
    session: &mut Session,
    worker: i64,
    held: usize,
    wants: bool,
    now_us: i64,
) -> Result<Option<usize>, FrontierError> {
    let held = i64::try_from(held).unwrap_or(i64::MAX);
    session.query(SHARE, &[&worker, &now_us.saturating_add(ALIVE_US), &held, &wants])?;
    let rows = session.query(PART, &[&worker, &now_us])?;
    let Some(row) = rows.first() else { return Ok(None) };
    let part: i64 = row.try_get(0).map_err(|error| session.error(error))?;
    Ok(usize::try_from(part).ok())
}

/// This crawler has finished.
pub(super) fn leave(session: &mut Session, worker: i64) -> Result<(), FrontierError> {
    session.query(LEAVE, &[&worker]).map(drop)
}
