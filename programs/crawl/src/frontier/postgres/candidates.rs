//! URLs that may be new: added with their hosts, each once.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::hosts;
use super::session::Session;
use crate::frontier::way::Way;
use crate::frontier::{Found, FrontierError, VisitId};

const ADD_HOSTS: &str =
    "INSERT INTO crawl_hosts (origin) SELECT origin FROM unnest($1::text[]) AS new (origin)
    ORDER BY origin ON CONFLICT DO NOTHING RETURNING id";

const FIND_HOSTS: &str = "SELECT id, origin FROM crawl_hosts WHERE origin = ANY ($1)";

/// Keeps those hosts from being closed until the end of the transaction.
const KEEP_OPEN: &str = "SELECT id FROM crawl_hosts WHERE id = ANY ($1) ORDER BY id FOR KEY SHARE";

const OPEN: &str = "UPDATE crawl_hosts SET open = true WHERE id IN
    (SELECT id FROM crawl_hosts WHERE id = ANY ($1) AND NOT open ORDER BY id FOR NO KEY UPDATE)";

/// Numbers are given in the order of finding. One crawler at a time adds URLs.
const ADD_URLS: &str = "WITH given AS MATERIALIZED (
        SELECT nextval('crawl_url_ids') AS id, f.*
        FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[])
            AS f (key, host, depth, redirects, via, url)),
    new AS (INSERT INTO crawl_urls (id, key, host, depth, redirects, via, url)
        SELECT id, key, host, depth, redirects, via, url FROM given ORDER BY key ON CONFLICT (key) DO NOTHING
        RETURNING host, id)
    INSERT INTO crawl_queue (host, id) SELECT host, id FROM new RETURNING host";

/// Origins whose numbers are remembered.
const KNOWN_HOSTS: usize = 100_000;

/// A URL that may be new, how it is reached, and the visit on which it was found.
pub(super) struct Candidate<'a> {
    pub(super) found: Cow<'a, Found>,
    pub(super) way: Way,
    pub(super) via: Option<i64>,
}

/// Adds URLs and their hosts; gives the hosts of those that are new, and how many hosts are new.
pub(super) fn add(
    session: &mut Session,
    known: &mut HashMap<String, i64>,
    candidates: &[Candidate<'_>],
) -> Result<(Vec<i64>, u64), FrontierError> {
    if candidates.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let added = find_hosts(session, known, candidates)?;
    let hosts: Vec<i64> = candidates.iter().map(|one| known[&one.found.origin]).collect();
    let mut different = hosts.clone();
    different.sort_unstable();
    different.dedup();
    session.query(KEEP_OPEN, &[&different])?;
    let keys: Vec<[u8; 16]> = candidates.iter().map(|one| one.found.key.to_be_bytes()).collect();
    let keys: Vec<&[u8]> = keys.iter().map(|key| key.as_slice()).collect();
    let depths: Vec<i64> = candidates.iter().map(|one| one.way.depth.into()).collect();
    let redirects: Vec<i64> = candidates.iter().map(|one| one.way.redirects.into()).collect();
    let vias: Vec<Option<i64>> = candidates.iter().map(|one| one.via).collect();
    let urls: Vec<&str> = candidates.iter().map(|one| one.found.url.as_str()).collect();
    let rows = session.query(ADD_URLS, &[&keys, &hosts, &depths, &redirects, &vias, &urls])?;
    let new = hosts::numbers(session, &rows)?;
    let mut grown = new.clone();
    grown.sort_unstable();
    grown.dedup();
    if !grown.is_empty() {
        session.query(OPEN, &[&grown])?;
    }
    Ok((new, added))
}

/// Learns the numbers of all hosts; gives how many of them are new.
fn find_hosts(
    session: &mut Session,
    known: &mut HashMap<String, i64>,
    candidates: &[Candidate<'_>],
) -> Result<u64, FrontierError> {
    if known.len() > KNOWN_HOSTS {
        known.clear();
    }
    let origins = candidates.iter().map(|one| one.found.origin.as_str());
    let unknown: HashSet<&str> = origins.filter(|origin| !known.contains_key(*origin)).collect();
    let unknown: Vec<&str> = unknown.into_iter().collect();
    if unknown.is_empty() {
        return Ok(0);
    }
    let added = session.query(ADD_HOSTS, &[&unknown])?.len() as u64;
    for row in session.query(FIND_HOSTS, &[&unknown])? {
        let id = row.try_get(0).map_err(|error| session.error(error))?;
        known.insert(row.try_get(1).map_err(|error| session.error(error))?, id);
    }
    Ok(added)
}

pub(super) fn id(visit: VisitId) -> i64 {
    i64::try_from(visit.0).unwrap_or(i64::MAX)
}
