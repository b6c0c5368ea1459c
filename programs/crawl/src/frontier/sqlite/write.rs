//! One transaction: what is new, what is done, and the pages.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::memory::{Memory, Number, Taken};
use super::output::Open;
use super::schema::trouble;
use crate::frontier::{Done, End, Found, FrontierError, HostId, HostState};
use crate::page::Page;

/// A URL that is new.
pub(super) struct New<'a> {
    url: Number,
    pub(super) host: Number,
    via: Option<Number>,
    found: &'a Found,
}

/// A visit that is to be tried again.
pub(super) struct Again {
    pub(super) url: Number,
    pub(super) taken: Taken,
    pub(super) attempts: u32,
    pub(super) not_before_us: i64,
}

/// What a transaction will hold. In memory, keys and hosts of what is new are there already, and what came back is no
/// longer taken; everything else follows when it is stored.
pub(super) struct Batch<'a> {
    /// The hosts before it.
    hosts_before: usize,
    next_url: usize,
    pub(super) new: Vec<New<'a>>,
    pages: Vec<&'a Page>,
    /// What is done, with what was known of it while it was taken.
    pub(super) done: Vec<(Number, Taken)>,
    pub(super) again: Vec<Again>,
    pub(super) states: Vec<(Number, HostState)>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(memory: &Memory) -> Self {
        Self {
            hosts_before: memory.hosts.len(),
            next_url: memory.urls(),
            new: Vec::new(),
            pages: Vec::new(),
            done: Vec::new(),
            again: Vec::new(),
            states: Vec::new(),
        }
    }

    /// Adds what was found, as far as it is new; false if there is no number left for it.
    #[must_use]
    pub(super) fn find(&mut self, memory: &mut Memory, found: &'a [Found], via: Option<Number>) -> bool {
        for one in found {
            if !memory.seen.insert(one.key) {
                continue;
            }
            let host =
                memory.host_of(&one.origin).or_else(|| memory.add_host(&one.origin, HostState::default()));
            self.next_url += 1;
            let (Some(host), Ok(url)) = (host, Number::try_from(self.next_url)) else {
                memory.seen.remove(one.key);
                return false;
            };
            self.new.push(New { url, host, via, found: one });
        }
        true
    }

    /// Adds what came of a visit, unless it is not taken (any more) or came before in this batch.
    #[must_use]
    pub(super) fn finish(&mut self, memory: &mut Memory, done: &'a Done) -> bool {
        let taken = Number::try_from(done.visit.0).ok().and_then(|url| Some((url, memory.finish(url)?)));
        let Some((url, taken)) = taken else { return true };
        match &done.end {
            End::Stored { page, found } => {
                self.done.push((url, taken));
                self.pages.push(page);
                self.find(memory, found, Some(url))
            }
            End::Retry { attempts, not_before_us } => {
                let (attempts, not_before_us) = ((*attempts).max(1), *not_before_us);
                self.again.push(Again { url, taken, attempts, not_before_us });
                true
            }
        }
    }

    pub(super) fn states(&mut self, memory: &mut Memory, hosts: &[(HostId, HostState)]) {
        let known = hosts.iter().filter_map(|(id, state)| Some((memory.claimed(*id)?, *state)));
        self.states.extend(known);
    }

    fn is_empty(&self) -> bool {
        self.new.is_empty() && self.done.is_empty() && self.again.is_empty() && self.states.is_empty()
    }

    /// Brings memory back to what it was.
    pub(super) fn undo(&self, memory: &mut Memory) {
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
        let fail = |e: rusqlite::Error| trouble(name, "crawl_urls", &e);
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
        self.store_new(&transaction, memory).map_err(fail)?;
        self.store_ends(&transaction).map_err(fail)?;
        let length = output.store(&transaction, &self.pages)?;
        if let Some(length) = length {
            let length = i64::try_from(length).unwrap_or(i64::MAX);
            transaction.execute("UPDATE crawl_job SET output_bytes = ?1", [length]).map_err(fail)?;
        }
        transaction.commit().map_err(fail)?;
        output.keep(length);
        Ok(())
    }

    fn store_new(&self, transaction: &Transaction<'_>, memory: &Memory) -> rusqlite::Result<()> {
        let mut insert = transaction.prepare_cached("INSERT INTO crawl_hosts VALUES (?1, ?2, 0, 0, 0)")?;
        for (at, host) in memory.hosts.iter().enumerate().skip(self.hosts_before) {
            insert.execute(params![at as i64 + 1, host.origin.as_ref()])?;
        }
        let mut insert =
            transaction.prepare_cached("INSERT INTO crawl_urls VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
        for New { url, host, via, found } in &self.new {
            let key = found.key.to_be_bytes();
            insert.execute(params![url, host, key, found.depth, found.redirects, via, found.url])?;
        }
        Ok(())
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
        let mut retry =
            transaction.prepare_cached("INSERT OR REPLACE INTO crawl_retries VALUES (?1, ?2, ?3)")?;
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
