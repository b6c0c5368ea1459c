//! One transaction: what is done, the pages, and what is new.
//!
//! It may be run twice, when the answer to its COMMIT was lost: who deletes a row of `crawl_queue`
//! stores the page, so the second time there is nothing to be deleted, stored or counted.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::candidates::id;
use super::hosts::{self, Held};
use super::nearer::Nearer;
use super::session::Session;
use crate::frontier::seen::Recent;
use crate::frontier::way::Reach;
use crate::frontier::{Committed, Done, End, Found, FrontierError, HostId, HostState};
use crate::page::Page;

const FINISH: &str =
    "DELETE FROM crawl_queue AS q USING unnest($1::bigint[], $2::bigint[]) AS d (host, id)
    WHERE q.host = d.host AND q.id = d.id RETURNING q.id";

const RETRY: &str = "UPDATE crawl_queue AS q SET attempts = r.attempts, not_before_us = r.not_before_us
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS r (host, id, attempts, not_before_us)
    WHERE q.host = r.host AND q.id = r.id AND q.attempts < r.attempts RETURNING q.host";

/// What was stored has used up its place in the budget, what is to be tried again gives it back.
const SPEND: &str = "UPDATE crawl_hosts AS h SET granted = granted - g.pages
    FROM (SELECT id, count(*) AS pages FROM unnest($1::bigint[]) AS g (id) GROUP BY id) AS g WHERE h.id = g.id";

const COUNT: &str =
    "UPDATE crawl_workers SET seen = seen + $2, done = done + $3, hosts = hosts + $4 WHERE id = $1";

/// What is to be kept.
pub(super) struct Batch<'a> {
    pub(super) held: Held<'a>,
    pub(super) done: Vec<&'a Done>,
    pub(super) states: &'a [(HostId, HostState)],
    pub(super) found: &'a [Found],
    pub(super) budget: bool,
    pub(super) reach: Reach,
}

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
        let done: Vec<&'a Done> = self
            .done
            .iter()
            .copied()
            .filter(|done| ours.contains(&hosts::number(done.host)))
            .collect();
        let stored = self.finish(session, &done)?;
        let ours: Vec<i64> = ours.into_iter().collect();
        hosts::store_states(session, &ours, self.states)?;
        let mut nearer = Nearer::new(self.reach);
        if !self.found.is_empty() || !stored.is_empty() {
            nearer.begin(session, &stored)?;
            insert_pages(session, &nearer, &stored)?;
            let candidates = nearer.candidates(session, recent, self.found, &stored)?;
            nearer.spread(session, known, candidates)?;
        }
        let pages = stored.len() as u64;
        let urls: u64 = nearer.new.values().sum();
        if urls + pages + nearer.new_hosts > 0 {
            let counts =
                [urls, pages, nearer.new_hosts].map(|n| i64::try_from(n).unwrap_or(i64::MAX));
            session.query(COUNT, &[&self.held.worker, &counts[0], &counts[1], &counts[2]])?;
        }
        let new = nearer
            .new
            .into_iter()
            .map(|(host, count)| (HostId(host.unsigned_abs()), count))
            .collect();
        Ok(Committed { stored: pages, new, mended: nearer.mended, lost })
    }

    /// Marks what is done, and notes what is to be tried again; gives what was really done.
    fn finish(
        &self,
        session: &mut Session,
        done: &[&'a Done],
    ) -> Result<Vec<&'a Done>, FrontierError> {
        let is_page = |done: &&&Done| matches!(done.end, End::Stored { .. });
        let (hosts, ids) = places(done.iter().filter(is_page).copied());
        let gone =
            if ids.is_empty() { Vec::new() } else { session.query(FINISH, &[&hosts, &ids])? };
        let mut gone: HashSet<i64> = hosts::numbers(session, &gone)?.into_iter().collect();
        let stored: Vec<&Done> = done
            .iter()
            .filter(is_page)
            .copied()
            .filter(|done| gone.remove(&id(done.visit)))
            .collect();
        let again = retry(session, done)?;
        if self.budget {
            let back = i64::try_from(again.len()).unwrap_or(i64::MAX);
            let spent: Vec<i64> =
                places(stored.iter().copied()).0.into_iter().chain(again).collect();
            session.query(SPEND, &[&spent])?;
            hosts::refund(session, back)?;
        }
        Ok(stored)
    }
}

/// Stores rows, with the ways to their URLs as they are now.
fn insert_pages(
    session: &mut Session,
    nearer: &Nearer,
    stored: &[&Done],
) -> Result<(), FrontierError> {
    let pages = stored.iter().filter_map(|done| match &done.end {
        End::Stored { page, found } => Some(nearer.page(id(done.visit), page, found)),
        End::Retry { .. } => None,
    });
    let pages: Vec<Cow<'_, Page>> = pages.collect();
    let pages: Vec<&Page> = pages.iter().map(AsRef::as_ref).collect();
    session.pages.insert(&mut session.client, &pages)?;
    Ok(())
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

/// Hosts and numbers of visits.
fn places<'a>(done: impl Iterator<Item = &'a Done>) -> (Vec<i64>, Vec<i64>) {
    done.map(|done| (hosts::number(done.host), id(done.visit))).unzip()
}
