//! Pending URLs of hosts that are held, and the budget of pages.

use ::postgres::Row;

use super::hosts::{self, Held};
use super::session::Session;
use crate::frontier::{FrontierError, HostId, Visit, VisitId};

/// First what is due again, then the rest in the order of its finding; both by an index, whatever
/// else is pending.
const TAKE: &str = "SELECT w.host, q.id, q.attempts, u.url, u.depth, u.redirects, u.via
    FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS w (host, want, place)
    CROSS JOIN LATERAL (
        (SELECT id, attempts, not_before_us, 0 AS part FROM crawl_queue
            WHERE host = w.host AND attempts > 0 AND not_before_us <= $4 AND id <> ALL ($3)
            ORDER BY not_before_us, id LIMIT w.want)
        UNION ALL
        (SELECT id, attempts, 0, 1 FROM crawl_queue WHERE host = w.host AND attempts = 0 AND id <> ALL ($3)
            ORDER BY id LIMIT w.want)
        ORDER BY part, not_before_us, id LIMIT w.want) AS q
    JOIN crawl_urls AS u ON u.id = q.id
    ORDER BY w.place, q.part, q.not_before_us, q.id";

const LEFT: &str = "SELECT greatest(max_pages - granted, 0) FROM crawl_job FOR UPDATE";

const GRANT: &str = "UPDATE crawl_job SET granted = granted + $1";

const GRANT_HOSTS: &str = "UPDATE crawl_hosts AS h SET granted = granted + g.pages
    FROM (SELECT id, count(*) AS pages FROM unnest($1::bigint[]) AS g (id) GROUP BY id) AS g WHERE h.id = g.id";

/// Gives pending URLs of hosts, none of those in `taken`. With a budget they count against it from
/// now on.
pub(super) fn take(
    session: &mut Session,
    held: &Held<'_>,
    wants: &[i64],
    taken: &[i64],
    now_us: i64,
    budget: bool,
) -> Result<Vec<Visit>, FrontierError> {
    let ours = if budget { hosts::lock(session, held)? } else { held.ids.to_vec() };
    let rows = session.query(TAKE, &[&held.ids, &wants, &taken, &now_us])?;
    let visits: Result<Vec<Visit>, ::postgres::Error> = rows.iter().map(visit).collect();
    let mut visits = visits.map_err(|error| session.error(error))?;
    if budget {
        visits.retain(|visit| ours.contains(&hosts::number(visit.host)));
        grant(session, &mut visits)?;
    }
    Ok(visits)
}

/// Cuts the visits to what the budget has left, and takes that from it.
fn grant(session: &mut Session, visits: &mut Vec<Visit>) -> Result<(), FrontierError> {
    if visits.is_empty() {
        return Ok(());
    }
    let rows = session.query(LEFT, &[])?;
    let left: Option<i64> = match rows.first() {
        Some(row) => row.try_get(0).map_err(|error| session.error(error))?,
        None => {
            return Err(FrontierError::other(
                "the table crawl_job is empty: the crawl was removed".to_owned(),
            ));
        }
    };
    let Some(left) = left else { return Ok(()) };
    visits.truncate(usize::try_from(left).unwrap_or(usize::MAX));
    let hosts: Vec<i64> = visits.iter().map(|visit| hosts::number(visit.host)).collect();
    let pages = i64::try_from(visits.len()).unwrap_or(i64::MAX);
    session.query(GRANT, &[&pages])?;
    session.query(GRANT_HOSTS, &[&hosts])?;
    Ok(())
}

fn visit(row: &Row) -> Result<Visit, ::postgres::Error> {
    let (host, id, attempts): (i64, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let (depth, redirects, via): (i64, i64, Option<i64>) =
        (row.try_get(4)?, row.try_get(5)?, row.try_get(6)?);
    let small = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    Ok(Visit {
        id: VisitId(id.unsigned_abs()),
        host: HostId(host.unsigned_abs()),
        url: row.try_get(3)?,
        depth: small(depth),
        redirects: small(redirects),
        attempts: small(attempts),
        via: via.map(|via| VisitId(via.unsigned_abs())),
    })
}
