//! A frontier in a PostgreSQL database, for any number of crawlers at once.
//!
//! It shares hosts, not URLs: a host is in one crawler's hands at a time, so politeness needs no
//! agreement.

mod candidates;
mod hosts;
mod nearer;
mod schema;
mod session;
mod shares;
mod store;
mod take;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use connect::PostgresTable;
use millstream::Context;

use self::hosts::Held;
use self::session::{Session, Sessions};
use self::store::Batch;
use super::seen::Recent;
use super::way::{Reach, Way};
use super::{
    Begin, Claimed, Committed, Counts, Done, End, Found, Frontier, FrontierError, HostId,
    HostState, Settings, Visit, VisitId,
};
use crate::page::Page;

/// How long a host is a crawler's that says nothing, where the program does not say.
const LEASE: Duration = Duration::from_secs(60);
/// Keys of URLs that are known to be seen: at most twice as many are remembered, in some 70 MB.
const RECENT_KEYS: usize = 1 << 20;
/// When to ask again for hosts, if none are free.
const ASK_AGAIN_US: i64 = 1_000_000;

const COUNTS: &str = "SELECT coalesce(sum(seen), 0)::bigint, coalesce(sum(done), 0)::bigint,
    coalesce(sum(hosts), 0)::bigint, (SELECT max_pages FROM crawl_job) FROM crawl_workers";

/// A frontier in a PostgreSQL database (version 12 or later), shared by crawlers on any number of
/// machines; see [`Frontier`].
///
/// Pages go to the table `pages` of the same database. The tables `crawl_urls`, `crawl_queue`,
/// `crawl_hosts`, `crawl_workers`, `crawl_links`, `crawl_nearer`, `crawl_settings` and `crawl_job`
/// are its own; one schema holds one crawl.
///
/// Hosts are claimed by lease: a crawler that does not [`renew`](Frontier::renew) in time, because
/// it died, loses its hosts to others. If it only was slow it learns that from its next call, and
/// nothing of those hosts is kept for it. Times are brought to the server's clock when it opens, so
/// clocks of crawlers need not agree.
///
/// A lost server is waited for, for a minute.
///
/// # Panics
/// When it is used inside of a tokio runtime: it blocks. In async code give it a thread of its own.
///
/// # Cost
/// A commit is about fifteen round trips, whatever it holds, and some more when a shorter way to a
/// page was found. Crawlers store what they found one after the other.
pub struct PostgresFrontier {
    sessions: Sessions,
    worker: i64,
    clock_offset_us: i64,
    lease: Duration,
    max_pages: Option<u64>,
    reach: Reach,
    /// Hosts that are claimed, with their epochs.
    held: BTreeMap<HostId, i64>,
    /// Visits in hand.
    taken: HashMap<VisitId, HostId>,
    recent: Recent,
    known: HashMap<String, i64>,
}

impl std::fmt::Debug for PostgresFrontier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("PostgresFrontier");
        shown
            .field("database", &self.sessions.name)
            .field("worker", &self.worker)
            .field("held", &self.held);
        shown.finish_non_exhaustive()
    }
}

impl PostgresFrontier {
    /// Joins the crawl in the database at `url`, or makes it; at most `max_pages` pages are stored
    /// by all crawlers together.
    ///
    /// Cancelling `ctx` ends waits for a lost server.
    ///
    /// # Errors
    /// The server cannot be reached; `begin` does not allow what is there; the settings are not
    /// those that the crawl was started with; another `max_pages` is given while others work; the
    /// crawl is of another version; the table `pages` has other columns.
    pub fn open(
        ctx: &Context,
        url: &str,
        settings: &Settings,
        begin: Begin,
        max_pages: Option<u64>,
        now_us: i64,
    ) -> Result<Self, FrontierError> {
        let (mut client, name) = PostgresTable::connect(url)?;
        if !schema::is_there(&mut client, &name)? {
            // A table `pages` of somebody else's is refused before anything is made beside it.
            PostgresTable::ensure(&mut client, &name, Page::layout("pages")?)?;
        }
        let limit = max_pages.map(|most| i64::try_from(most).unwrap_or(i64::MAX));
        let joined = schema::join(&mut client, &name, settings, begin, limit, now_us)?;
        let session = Session::new(client, &name)?;
        Ok(Self {
            sessions: Sessions::new(ctx, url, name, session),
            worker: joined.worker,
            clock_offset_us: joined.clock_offset_us,
            lease: LEASE,
            max_pages,
            reach: settings.reach,
            held: BTreeMap::new(),
            taken: HashMap::new(),
            recent: Recent::new(RECENT_KEYS),
            known: HashMap::new(),
        })
    }

    /// Sets for how long a host is this crawler's after a claim or a renewal; a minute unless it is
    /// set.
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// For how long a host is this crawler's after a claim or a renewal.
    #[must_use]
    pub fn lease(&self) -> Duration {
        self.lease
    }

    /// Now by the server's clock, and the end of a lease that begins now.
    fn times(&self, now_us: i64) -> (i64, i64) {
        let now = now_us.saturating_add(self.clock_offset_us);
        let lease = i64::try_from(self.lease.as_micros()).unwrap_or(i64::MAX);
        (now, now.saturating_add(lease))
    }

    /// Numbers and epochs of hosts that are held, those in `only` or all.
    fn held(&self, only: Option<&HashSet<HostId>>) -> (Vec<i64>, Vec<i64>) {
        let chosen = self.held.iter().filter(|(id, _)| only.is_none_or(|only| only.contains(id)));
        chosen.map(|(id, epoch)| (hosts::number(*id), *epoch)).unzip()
    }

    fn forget(&mut self, lost: &[HostId]) {
        for id in lost {
            self.held.remove(id);
        }
        self.taken.retain(|_, host| !lost.contains(host));
    }

    /// One transaction with what is done, and what was found.
    fn keep(
        &mut self,
        done: &[Done],
        states: &[(HostId, HostState)],
        found: &[Found],
    ) -> Result<Committed, FrontierError> {
        let mine: Vec<&Done> =
            done.iter().filter(|done| self.taken.get(&done.visit) == Some(&done.host)).collect();
        let about = mine.iter().map(|done| done.host).chain(states.iter().map(|(id, _)| *id));
        let about: HashSet<HostId> = about.collect();
        let (ids, epochs) = self.held(Some(&about));
        let Self { sessions, recent, known, worker, max_pages, reach, .. } = self;
        let held = Held { worker: *worker, ids: &ids, epochs: &epochs };
        let batch =
            Batch { held, done: mine, states, found, budget: max_pages.is_some(), reach: *reach };
        let kept = sessions.transaction(|session| batch.store(session, recent, known));
        if kept.is_err() {
            // Hosts that were made in it are not there.
            known.clear();
        }
        let kept = kept?;
        for done in &batch.done {
            self.taken.remove(&done.visit);
            if let End::Stored { found, .. } = &done.end
                && !kept.lost.contains(&done.host)
            {
                // What is out of reach is not kept as a URL, so it is not known to be seen.
                let within = found.iter().filter(|found| self.reach.admits(Way::of(found)));
                within.for_each(|found| self.recent.note(found.key, Way::of(found)));
            }
        }
        found.iter().for_each(|found| self.recent.note(found.key, Way::of(found)));
        self.forget(&kept.lost);
        Ok(kept)
    }

    fn give_back(
        &mut self,
        states: &[(HostId, HostState)],
        all: bool,
    ) -> Result<(), FrontierError> {
        let given: HashSet<HostId> = states.iter().map(|(id, _)| *id).collect();
        let (ids, epochs) = self.held((!all).then_some(&given));
        if ids.is_empty() {
            return Ok(());
        }
        let held = Held { worker: self.worker, ids: &ids, epochs: &epochs };
        self.sessions.transaction(|session| hosts::give_back(session, &held, states))?;
        let gone: Vec<HostId> = ids.iter().map(|id| HostId(id.unsigned_abs())).collect();
        self.forget(&gone);
        Ok(())
    }
}

impl Frontier for PostgresFrontier {
    fn add(&mut self, found: &[Found]) -> Result<Committed, FrontierError> {
        self.keep(&[], &[], found)
    }

    fn claim(&mut self, want: usize, now_us: i64) -> Result<Claimed, FrontierError> {
        let (now, until) = self.times(now_us);
        let worker = self.worker;
        let work = |session: &mut Session| hosts::claim(session, worker, want, now, until);
        let leases = self.sessions.transaction(work)?;
        let next_us = (leases.len() < want).then(|| now_us.saturating_add(ASK_AGAIN_US));
        self.held.extend(leases.iter().map(|(lease, epoch)| (lease.id, *epoch)));
        let mut hosts: Vec<_> = leases.into_iter().map(|(lease, _)| lease).collect();
        // An expired host of its own that it claims again is taken from nobody else, but what it
        // had in hand of it is void.
        let again: Vec<HostId> = hosts.iter().map(|host| host.id).collect();
        self.taken.retain(|_, host| !again.contains(host));
        for host in &mut hosts {
            host.state.not_before_us = self.local(host.state.not_before_us);
        }
        Ok(Claimed { hosts, next_us: if want == 0 { None } else { next_us } })
    }

    fn renew(&mut self, now_us: i64) -> Result<Vec<HostId>, FrontierError> {
        let (ids, epochs) = self.held(None);
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let (_, until) = self.times(now_us);
        let held = Held { worker: self.worker, ids: &ids, epochs: &epochs };
        let kept = self.sessions.transaction(|session| hosts::renew(session, &held, until))?;
        let kept: HashSet<i64> = kept.into_iter().collect();
        let lost = ids.iter().filter(|id| !kept.contains(id));
        let lost: Vec<HostId> = lost.map(|id| HostId(id.unsigned_abs())).collect();
        self.forget(&lost);
        Ok(lost)
    }

    fn release(
        &mut self,
        hosts: &[(HostId, HostState)],
        _now_us: i64,
    ) -> Result<(), FrontierError> {
        let hosts = self.on_server(hosts);
        self.give_back(&hosts, false)
    }

    fn share(&mut self, wants: bool, now_us: i64) -> Result<Option<usize>, FrontierError> {
        let (now, _) = self.times(now_us);
        let (worker, held) = (self.worker, self.held.len());
        self.sessions.transaction(|session| shares::share(session, worker, held, wants, now))
    }

    fn take(
        &mut self,
        wants: &[(HostId, usize)],
        now_us: i64,
    ) -> Result<Vec<Visit>, FrontierError> {
        let wants: Vec<_> =
            wants.iter().filter_map(|(id, n)| Some((*id, *self.held.get(id)?, *n))).collect();
        if wants.is_empty() {
            return Ok(Vec::new());
        }
        let (now, _) = self.times(now_us);
        let ids: Vec<i64> = wants.iter().map(|(id, ..)| hosts::number(*id)).collect();
        let epochs: Vec<i64> = wants.iter().map(|(_, epoch, _)| *epoch).collect();
        let counts: Vec<i64> =
            wants.iter().map(|(.., n)| i64::try_from(*n).unwrap_or(i64::MAX)).collect();
        let of_wanted =
            self.taken.iter().filter(|(_, host)| wants.iter().any(|(id, ..)| id == *host));
        let taken: Vec<i64> =
            of_wanted.map(|(visit, _)| i64::try_from(visit.0).unwrap_or(i64::MAX)).collect();
        let held = Held { worker: self.worker, ids: &ids, epochs: &epochs };
        let budget = self.max_pages.is_some();
        let work = |session: &mut Session| take::take(session, &held, &counts, &taken, now, budget);
        let visits = self.sessions.transaction(work)?;
        self.taken.extend(visits.iter().map(|visit| (visit.id, visit.host)));
        Ok(visits)
    }

    fn commit(
        &mut self,
        done: &[Done],
        hosts: &[(HostId, HostState)],
        _now_us: i64,
    ) -> Result<Committed, FrontierError> {
        let hosts = self.on_server(hosts);
        if done.iter().all(|done| matches!(done.end, End::Stored { .. })) {
            return self.keep(done, &hosts, &[]);
        }
        let mut done = done.to_vec();
        for one in &mut done {
            if let End::Retry { not_before_us, .. } = &mut one.end {
                *not_before_us = not_before_us.saturating_add(self.clock_offset_us);
            }
        }
        self.keep(&done, &hosts, &[])
    }

    fn counts(&mut self) -> Result<Counts, FrontierError> {
        self.sessions.transaction(|session| {
            let rows = session.query(COUNTS, &[])?;
            let read = |row: &::postgres::Row| -> Result<Counts, ::postgres::Error> {
                let (seen, done, hosts): (i64, i64, i64) =
                    (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
                let max_pages: Option<i64> = row.try_get(3)?;
                Ok(Counts {
                    seen: seen.unsigned_abs(),
                    done: done.unsigned_abs(),
                    hosts: hosts.unsigned_abs(),
                    max_pages: max_pages.map(i64::unsigned_abs),
                })
            };
            let counts = rows.first().map(read).unwrap_or_else(|| Ok(Counts::default()));
            counts.map_err(|error| session.error(error))
        })
    }

    fn close(&mut self, _now_us: i64) -> Result<(), FrontierError> {
        self.give_back(&[], true)?;
        self.sessions.transaction(nearer::mend_rows)?;
        let worker = self.worker;
        self.sessions.transaction(|session| shares::leave(session, worker))
    }
}

impl PostgresFrontier {
    /// A time of the server's, by this crawler's clock.
    fn local(&self, time_us: i64) -> i64 {
        if time_us == 0 { 0 } else { time_us.saturating_sub(self.clock_offset_us) }
    }

    /// States with their times by the server's clock; 0 is never.
    fn on_server(&self, states: &[(HostId, HostState)]) -> Vec<(HostId, HostState)> {
        let moved = |state: &HostState| match state.not_before_us {
            0 => *state,
            time => {
                HostState { not_before_us: time.saturating_add(self.clock_offset_us), ..*state }
            }
        };
        states.iter().map(|(id, state)| (*id, moved(state))).collect()
    }
}
