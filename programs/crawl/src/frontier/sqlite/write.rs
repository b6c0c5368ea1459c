//! One transaction: what is new, what is done, what is nearer than it was, and the pages.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::memory::{Memory, Number, Taken};
use super::nearer::{Links, Nearer};
use super::output::Open;
use super::schema::problem;
use crate::frontier::way::{Reach, Way};
use crate::frontier::{Done, End, Found, FrontierError, HostId, HostState, Step, links};
use crate::page::{ErrorKind, Page};

/// A URL that is new.
pub(super) struct New<'a> {
    url: Number,
    pub(super) host: Number,
    via: Option<Number>,
    found: Cow<'a, Found>,
    pub(super) way: Way,
}

/// A visit that is to be tried again.
pub(super) struct Again {
    pub(super) url: Number,
    pub(super) taken: Taken,
    pub(super) attempts: u32,
    pub(super) not_before_us: i64,
}

/// What a transaction will hold. In memory, keys and hosts of what is new are there already, ways
/// are as short as they will be, and what came back is no longer taken; everything else follows
/// when it is stored.
pub(super) struct Batch<'a> {
    pub(super) reach: Reach,
    /// The hosts before it.
    hosts_before: usize,
    next_url: usize,
    pub(super) new: Vec<New<'a>>,
    pages: Vec<(Number, &'a Page)>,
    /// What is done, with what was known of it while it was taken.
    pub(super) done: Vec<(Number, Taken)>,
    pub(super) again: Vec<Again>,
    pub(super) states: Vec<(Number, HostState)>,
    /// What pages lead to: those that are done now, and others that are nearer now.
    pub(super) links: BTreeMap<Number, Links>,
    pub(super) nearer: Nearer,
    /// Rows that are failures no longer.
    pub(super) mended: u64,
}

impl<'a> Batch<'a> {
    pub(super) fn new(memory: &Memory, reach: Reach) -> Self {
        Self {
            reach,
            hosts_before: memory.hosts.len(),
            next_url: memory.urls(),
            new: Vec::new(),
            pages: Vec::new(),
            done: Vec::new(),
            again: Vec::new(),
            states: Vec::new(),
            links: BTreeMap::new(),
            nearer: Nearer::default(),
            mended: 0,
        }
    }

    /// Adds what was found, as far as it is new; false if there is no number left for it.
    #[must_use]
    pub(super) fn find(
        &mut self,
        memory: &mut Memory,
        found: &'a [Found],
        via: Option<Number>,
    ) -> bool {
        found
            .iter()
            .all(|one| self.reached(memory, Cow::Borrowed(one), Way::of(one), via).is_some())
    }

    /// A URL that is reached this way, new or not; none if there is no number left for it.
    pub(super) fn reached(
        &mut self,
        memory: &mut Memory,
        found: Cow<'a, Found>,
        way: Way,
        via: Option<Number>,
    ) -> Option<Number> {
        let url = Number::try_from(self.next_url + 1).ok()?;
        if let Some(known) = memory.seen.insert(found.key, url) {
            self.shorten(memory, known, way);
            return Some(known);
        }
        let host = memory
            .host_of(&found.origin)
            .or_else(|| memory.add_host(&found.origin, HostState::default()));
        let Some(host) = host else {
            memory.seen.remove(found.key);
            return None;
        };
        self.next_url += 1;
        self.new.push(New { url, host, via, found, way });
        Some(url)
    }

    /// Adds what came of a visit, unless it is not taken (any more) or came before in this batch.
    #[must_use]
    pub(super) fn finish(&mut self, memory: &mut Memory, done: &'a Done) -> bool {
        let taken =
            Number::try_from(done.visit.0).ok().and_then(|url| Some((url, memory.finish(url)?)));
        let Some((url, taken)) = taken else { return true };
        match &done.end {
            End::Stored { page, found } => {
                self.done.push((url, taken));
                self.pages.push((url, page));
                self.leads_to(memory, url, found)
            }
            End::Retry { attempts, not_before_us } => {
                let (attempts, not_before_us) = ((*attempts).max(1), *not_before_us);
                self.again.push(Again { url, taken, attempts, not_before_us });
                true
            }
        }
    }

    /// Adds what a page leads to. How far away that is, the page's way says as it is now: it may be
    /// shorter than when the visit began.
    fn leads_to(&mut self, memory: &mut Memory, url: Number, found: &'a [Found]) -> bool {
        let way = self.way(memory, url);
        for step in [Step::Link, Step::Redirect] {
            let Some(child) = way.step(step) else { continue };
            let mut by_step = found.iter().filter(|one| one.step == step).peekable();
            if by_step.peek().is_none() {
                continue;
            }
            let links = if self.reach.admits(child) {
                if step == Step::Redirect {
                    self.nearer.follows(url);
                }
                let numbers =
                    by_step.map(|one| self.reached(memory, Cow::Borrowed(one), child, Some(url)));
                let Some(numbers) = numbers.collect() else { return false };
                Links::Within(step, numbers)
            } else {
                Links::Beyond(step, by_step.cloned().collect())
            };
            if !way.is_shortest() {
                self.links.insert(url, links);
            }
        }
        let starts = found.iter().filter(|one| one.step == Step::Start);
        starts
            .map(|one| self.reached(memory, Cow::Borrowed(one), Way::of(one), Some(url)))
            .all(|url| url.is_some())
    }

    /// How a URL is reached, as far as this batch knows.
    pub(super) fn way(&self, memory: &Memory, url: Number) -> Way {
        match (url as usize).checked_sub(memory.urls() + 1) {
            Some(at) => self.new[at].way,
            None => memory.way(url),
        }
    }

    pub(super) fn states(&mut self, memory: &mut Memory, hosts: &[(HostId, HostState)]) {
        let known = hosts.iter().filter_map(|(id, state)| Some((memory.claimed(*id)?, *state)));
        self.states.extend(known);
    }

    fn is_empty(&self) -> bool {
        self.new.is_empty()
            && self.done.is_empty()
            && self.again.is_empty()
            && self.states.is_empty()
            && self.nearer.is_empty()
    }

    /// Brings memory back to what it was.
    pub(super) fn undo(&self, memory: &mut Memory) {
        self.nearer.undo(memory);
        for new in &self.new {
            memory.seen.remove(new.found.key);
        }
        memory.forget_hosts(self.hosts_before);
        let again = self.again.iter().map(|again| (again.url, again.taken));
        for (url, taken) in self.done.iter().copied().chain(again) {
            memory.begin(url, taken);
        }
    }

    /// Stores it all, or nothing.
    pub(super) fn store(
        &self,
        connection: &mut Connection,
        name: &str,
        memory: &Memory,
        output: &mut Open,
    ) -> Result<(), FrontierError> {
        if self.is_empty() {
            return Ok(());
        }
        let stored = self.transaction(connection, name, memory, output);
        if stored.is_err() {
            output.take_back()?;
        }
        stored
    }

    fn transaction(
        &self,
        connection: &mut Connection,
        name: &str,
        memory: &Memory,
        output: &mut Open,
    ) -> Result<(), FrontierError> {
        let fail = |e: rusqlite::Error| problem(name, "crawl_urls", &e);
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
        self.store_new(&transaction, memory).map_err(fail)?;
        self.nearer.store(&transaction, memory, output.is_table()).map_err(fail)?;
        self.store_links(&transaction).map_err(fail)?;
        self.store_ends(&transaction).map_err(fail)?;
        let pages: Vec<Cow<'_, Page>> = self
            .pages
            .iter()
            .map(|(url, page)| self.page(self.way(memory, *url), *url, page))
            .collect();
        let pages: Vec<&Page> = pages.iter().map(AsRef::as_ref).collect();
        let length = output.store(&transaction, &pages)?;
        if let Some(length) = length {
            let length = i64::try_from(length).unwrap_or(i64::MAX);
            transaction
                .execute("UPDATE crawl_job SET output_bytes = ?1", [length])
                .map_err(fail)?;
        }
        transaction.commit().map_err(fail)?;
        output.keep(length);
        Ok(())
    }

    fn store_new(&self, transaction: &Transaction<'_>, memory: &Memory) -> rusqlite::Result<()> {
        let mut insert =
            transaction.prepare_cached("INSERT INTO crawl_hosts VALUES (?1, ?2, 0, 0, 0)")?;
        for (at, host) in memory.hosts.iter().enumerate().skip(self.hosts_before) {
            insert.execute(params![at as i64 + 1, host.origin.as_ref()])?;
        }
        let mut insert = transaction
            .prepare_cached("INSERT INTO crawl_urls VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
        for New { url, host, via, found, way } in &self.new {
            let key = found.key.to_be_bytes();
            insert.execute(params![url, host, key, way.depth, way.redirects, via, found.url])?;
        }
        Ok(())
    }

    fn store_links(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        let mut insert = transaction
            .prepare_cached("INSERT OR REPLACE INTO crawl_links VALUES (?1, ?2, ?3, ?4)")?;
        for (url, links) in &self.links {
            let (step, numbers, beyond) = links.packed()?;
            insert.execute(params![url, links::step_number(step), numbers, beyond])?;
        }
        Ok(())
    }

    /// A row as it is to be stored: with the way as it is now.
    fn page(&self, way: Way, url: Number, page: &'a Page) -> Cow<'a, Page> {
        let is_mended = self.is_mended(url, page);
        if !is_mended && (page.depth, page.redirects) == (way.row_depth(), way.redirects) {
            return Cow::Borrowed(page);
        }
        let mut page = Page { depth: way.row_depth(), redirects: way.redirects, ..page.clone() };
        if is_mended {
            (page.error, page.message) = (None, None);
        }
        Cow::Owned(page)
    }

    /// Whether a row says that too many redirects led to it, though its redirect is followed.
    fn is_mended(&self, url: Number, page: &Page) -> bool {
        page.error == Some(ErrorKind::Redirect) && self.nearer.is_followed(url)
    }

    /// How many rows are failures no longer, of those that are stored now and of others.
    pub(super) fn mended(&self) -> u64 {
        let here = self.pages.iter().filter(|(url, page)| self.is_mended(*url, page)).count();
        self.mended + here as u64
    }

    fn store_ends(&self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        let mut insert = transaction.prepare_cached("INSERT INTO crawl_done VALUES (?1)")?;
        let mut forget = transaction.prepare_cached("DELETE FROM crawl_retries WHERE id = ?1")?;
        for (url, taken) in &self.done {
            insert.execute([url])?;
            if taken.attempts > 0 {
                forget.execute([url])?;
            }
        }
        let mut retry = transaction
            .prepare_cached("INSERT OR REPLACE INTO crawl_retries VALUES (?1, ?2, ?3)")?;
        for Again { url, attempts, not_before_us, .. } in &self.again {
            retry.execute(params![url, attempts, not_before_us])?;
        }
        let mut update = transaction.prepare_cached(
            "UPDATE crawl_hosts SET not_before_us = ?2, delay_us = ?3, failures = ?4 WHERE id = ?1",
        )?;
        for (host, state) in &self.states {
            let delay_us = i64::try_from(state.delay.as_micros()).unwrap_or(i64::MAX);
            update.execute(params![host, state.not_before_us, delay_us, state.failures])?;
        }
        Ok(())
    }
}
