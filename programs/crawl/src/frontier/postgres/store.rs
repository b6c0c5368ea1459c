//! One transaction: what is done, the pages, and what is new.
//!
//! It may be run twice, when the answer to its COMMIT was lost: who deletes a row of `crawl_queue` stores the page, so the
//! second time there is nothing to be deleted, stored or counted.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::hosts::{self, Held};
use super::session::Session;
use crate::frontier::seen::Recent;
use crate::frontier::{Committed, Done, End, Found, FrontierError, HostId, HostState, VisitId};
use crate::page::Page;

const FINISH: &str = "DELETE FROM crawl_queue AS q USING unnest($1::bigint[], $2::bigint[]) AS d (host, id)
    WHERE q.host = d.host AND q.id = d.id RETURNING q.id";

const RETRY: &str = "UPDATE crawl_queue AS q SET attempts = r.attempts, not_before_us = r.not_before_us
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS r (host, id, attempts, not_before_us)
    WHERE q.host = r.host AND q.id = r.id AND q.attempts < r.attempts RETURNING q.host";

/// What was stored has used up its place in the budget, what is to be tried again gives it back.
const SPEND: &str = "UPDATE crawl_hosts AS h SET granted = granted - g.pages
    FROM (SELECT id, count(*) AS pages FROM unnest($1::bigint[]) AS g (id) GROUP BY id) AS g WHERE h.id = g.id";

const ADD_HOSTS: &str =
    "INSERT INTO crawl_hosts (origin) SELECT origin FROM unnest($1::text[]) AS new (origin)
    ORDER BY origin ON CONFLICT DO NOTHING RETURNING id";

const FIND_HOSTS: &str = "SELECT id, origin FROM crawl_hosts WHERE origin = ANY ($1)";

/// Keeps those hosts from being closed until the end of the transaction.
const KEEP_OPEN: &str = "SELECT id FROM crawl_hosts WHERE id = ANY ($1) ORDER BY id FOR KEY SHARE";

const OPEN: &str = "UPDATE crawl_hosts SET open = true WHERE id IN
    (SELECT id FROM crawl_hosts WHERE id = ANY ($1) AND NOT open ORDER BY id FOR NO KEY UPDATE)";

/// Numbers are given in the order of finding, rows go in by key: two crawlers that find the same URLs then wait for each
/// other in one direction only.
const ADD_URLS: &str = "WITH given AS MATERIALIZED (
        SELECT nextval('crawl_url_ids') AS id, f.*
        FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[])
            AS f (key, host, depth, redirects, via, url)),
    new AS (INSERT INTO crawl_urls (id, key, host, depth, redirects, via, url)
        SELECT id, key, host, depth, redirects, via, url FROM given ORDER BY key ON CONFLICT (key) DO NOTHING
        RETURNING host, id)
    INSERT INTO crawl_queue (host, id) SELECT host, id FROM new RETURNING host";

const COUNT: &str =
    "UPDATE crawl_workers SET seen = seen + $2, done = done + $3, hosts = hosts + $4 WHERE id = $1";

/// Origins whose numbers are remembered.
const KNOWN_HOSTS: usize = 100_000;

/// What is to be kept.
pub(super) struct Batch<'a> {
    pub(super) held: Held<'a>,
    pub(super) done: Vec<&'a Done>,
    pub(super) states: &'a [(HostId, HostState)],
    pub(super) found: &'a [Found],
    pub(super) budget: bool,
}

/// A URL that may be new, and the visit on which it was found.
type Candidate<'a> = (&'a Found, Option<i64>);

impl<'a> Batch<'a> {
    /// Keeps it, in the transaction that is open.
    pub(super) fn store(
        &self,
        session: &mut Session,
        recent: &Recent,
        known: &mut HashMap<String, i64>,
    ) -> Result<Committed, FrontierError> {
        let ours: HashSet<i64> = hosts::lock(session, &self.held)?.into_iter().collect();
        let lost = self.held.ids.iter().filter(|id| !ours.contains(id));
        let lost: Vec<HostId> = lost.map(|id| HostId(id.unsigned_abs())).collect();
        let done: Vec<&'a Done> =
            self.done.iter().copied().filter(|done| ours.contains(&hosts::number(done.host))).collect();
        let stored = self.finish(session, &done)?;
        let ours: Vec<i64> = ours.into_iter().collect();
        hosts::store_states(session, &ours, self.states)?;
        let candidates = self.candidates(recent, &stored);
        let (new, new_hosts) = add(session, known, &candidates)?;
        let pages = stored.len() as u64;
        let urls: u64 = new.values().sum();
        if urls + pages + new_hosts > 0 {
            let counts = [urls, pages, new_hosts].map(|n| i64::try_from(n).unwrap_or(i64::MAX));
            session.query(COUNT, &[&self.held.worker, &counts[0], &counts[1], &counts[2]])?;
        }
        let new = new.into_iter().map(|(host, count)| (HostId(host.unsigned_abs()), count)).collect();
        Ok(Committed { stored: pages, new, lost })
    }

    /// Marks what is done, stores its pages, and notes what is to be tried again; gives what was really stored.
    fn finish(&self, session: &mut Session, done: &[&'a Done]) -> Result<Vec<&'a Done>, FrontierError> {
        let is_page = |done: &&&Done| matches!(done.end, End::Stored { .. });
        let (hosts, ids) = places(done.iter().filter(is_page).copied());
        let gone = if ids.is_empty() { Vec::new() } else { session.query(FINISH, &[&hosts, &ids])? };
        let mut gone: HashSet<i64> = hosts::numbers(session, &gone)?.into_iter().collect();
        let stored: Vec<&Done> =
            done.iter().filter(is_page).copied().filter(|done| gone.remove(&id(done.visit))).collect();
        let page = |done: &&'a Done| match &done.end {
            End::Stored { page, .. } => Some(page),
            End::Retry { .. } => None,
        };
        let pages: Vec<&Page> = stored.iter().filter_map(page).collect();
        session.pages.insert(&mut session.client, &pages)?;
        let again = retry(session, done)?;
        if self.budget {
            let back = i64::try_from(again.len()).unwrap_or(i64::MAX);
            let spent: Vec<i64> = places(stored.iter().copied()).0.into_iter().chain(again).collect();
            session.query(SPEND, &[&spent])?;
            hosts::refund(session, back)?;
        }
        Ok(stored)
    }

    /// What was found on the stored pages or beside any, each once and without what is known to be seen.
    fn candidates(&self, recent: &Recent, stored: &[&'a Done]) -> Vec<Candidate<'a>> {
        let mut here = HashSet::new();
        let links = stored.iter().flat_map(|done| match &done.end {
            End::Stored { found, .. } => found.iter().map(|found| (found, Some(id(done.visit)))).collect(),
            End::Retry { .. } => Vec::new(),
        });
        let all = self.found.iter().map(|found| (found, None)).chain(links);
        all.filter(|(found, _)| !recent.has(found.key) && here.insert(found.key)).collect()
    }
}

/// Notes what is to be tried again; gives the hosts for which it was noted.
fn retry(session: &mut Session, done: &[&Done]) -> Result<Vec<i64>, FrontierError> {
    let mut times: Vec<(i64, i64)> = Vec::new();
    let again = done.iter().copied().filter(|done| match done.end {
        End::Stored { .. } => false,
        End::Retry { attempts, not_before_us } => {
            times.push((attempts.max(1).into(), not_before_us));
            true
        }
    });
    let (hosts, ids) = places(again);
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let (attempts, not_before): (Vec<i64>, Vec<i64>) = times.into_iter().unzip();
    let rows = session.query(RETRY, &[&hosts, &ids, &attempts, &not_before])?;
    hosts::numbers(session, &rows)
}

/// Adds URLs and their hosts; gives how many are new for each host, and how many hosts are new.
fn add(
    session: &mut Session,
    known: &mut HashMap<String, i64>,
    candidates: &[Candidate<'_>],
) -> Result<(BTreeMap<i64, u64>, u64), FrontierError> {
    let mut new: BTreeMap<i64, u64> = BTreeMap::new();
    if candidates.is_empty() {
        return Ok((new, 0));
    }
    let added = find_hosts(session, known, candidates)?;
    let hosts: Vec<i64> = candidates.iter().map(|(found, _)| known[&found.origin]).collect();
    let mut different = hosts.clone();
    different.sort_unstable();
    different.dedup();
    session.query(KEEP_OPEN, &[&different])?;
    let keys: Vec<[u8; 16]> = candidates.iter().map(|(found, _)| found.key.to_be_bytes()).collect();
    let keys: Vec<&[u8]> = keys.iter().map(|key| key.as_slice()).collect();
    let depths: Vec<i64> = candidates.iter().map(|(found, _)| found.depth.into()).collect();
    let redirects: Vec<i64> = candidates.iter().map(|(found, _)| found.redirects.into()).collect();
    let vias: Vec<Option<i64>> = candidates.iter().map(|(_, via)| *via).collect();
    let urls: Vec<&str> = candidates.iter().map(|(found, _)| found.url.as_str()).collect();
    let rows = session.query(ADD_URLS, &[&keys, &hosts, &depths, &redirects, &vias, &urls])?;
    for host in hosts::numbers(session, &rows)? {
        *new.entry(host).or_default() += 1;
    }
    let grown: Vec<i64> = new.keys().copied().collect();
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
    let origins = candidates.iter().map(|(found, _)| found.origin.as_str());
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

/// Hosts and numbers of visits.
fn places<'a>(done: impl Iterator<Item = &'a Done>) -> (Vec<i64>, Vec<i64>) {
    done.map(|done| (hosts::number(done.host), id(done.visit))).unzip()
}

fn id(visit: VisitId) -> i64 {
    i64::try_from(visit.0).unwrap_or(i64::MAX)
}
