//! A frontier in one SQLite file, which belongs to one process at a time.
//!
//! It shares nothing between crawlers; the frontier in PostgreSQL does.

mod lock;
mod memory;
mod nearer;
mod output;
mod schema;
mod spread;
mod write;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use connect::{Checkpointer, SqliteTable};
use rusqlite::{Connection, OptionalExtension};

use self::lock::Lock;
use self::memory::{Memory, Number};
pub use self::output::Output;
use self::schema::{damaged, problem};
use self::write::Batch;
use super::way::Reach;
use super::{
    Begin, Claimed, Committed, Counts, Done, Found, Frontier, FrontierError, HostId, HostState,
    Settings, Visit, VisitId,
};

/// A frontier in an SQLite file, beside other tables if there are any; see [`Frontier`].
///
/// The tables `crawl_urls`, `crawl_done`, `crawl_hosts`, `crawl_retries`, `crawl_links`,
/// `crawl_nearer`, `crawl_settings` and `crawl_job` are its own, and so is `pages` unless pages go
/// elsewhere. Anybody may read them while a crawl runs. The file belongs to the process that has
/// opened it, by a lock on a file beside it (`out.db-crawl`) that ends with the process however it
/// ends.
///
/// # Cost
/// In memory: 30 bytes a URL and those of the hosts' names; in the file about 40 bytes a URL and
/// its text, and two bytes a link. Opening reads
/// all URLs that were found.
///
/// # Examples
/// ```
/// use crawl::frontier::{Begin, Found, Frontier, Output, Settings, SqliteFrontier, Step};
///
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("out.db");
/// let mut frontier = SqliteFrontier::open(&path, Output::Table, &Settings::new(), Begin::New, None)?;
/// let start = Found {
///     url: "https://example.com/".to_owned(),
///     origin: "https://example.com:443".to_owned(),
///     key: 1,
///     depth: 0,
///     redirects: 0,
///     step: Step::Start,
/// };
/// assert_eq!(frontier.add(&[start.clone(), start])?.new_urls(), 1);
/// let host = frontier.claim(10, 0)?.hosts.remove(0);
/// let visits = frontier.take(&[(host.id, 10)], 0)?;
/// assert_eq!(visits[0].url, "https://example.com/");
/// // It is not done: who opens the file next gets it again.
/// drop(frontier);
/// let mut frontier = SqliteFrontier::open(&path, Output::Table, &Settings::new(), Begin::Resume, None)?;
/// assert_eq!(frontier.claim(10, 0)?.hosts[0].pending, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SqliteFrontier {
    connection: Connection,
    path: PathBuf,
    name: String,
    output: output::Open,
    memory: Memory,
    max_pages: Option<u64>,
    reach: Reach,
    // Dropped last, when the connection is closed.
    _lock: Lock,
}

impl SqliteFrontier {
    /// Opens or makes the frontier in the file at `path`; its pages go to `output`, at most
    /// `max_pages` of them in all runs together.
    ///
    /// # Errors
    /// Another process has it; `begin` does not allow what is there; settings or output are not
    /// those that it was started with; the file is no database, damaged, or of another version; the
    /// output was shortened since, or a new crawl's holds something already; the database fails.
    /// What is refused because it is somebody else's stays as it is.
    pub fn open(
        path: &Path,
        output: Output,
        settings: &Settings,
        begin: Begin,
        max_pages: Option<u64>,
    ) -> Result<Self, FrontierError> {
        let name = path.display().to_string();
        schema::look(path, &name, &output, begin)?;
        let lock = Lock::take(path)?;
        let mut connection = SqliteTable::connect(path).map_err(FrontierError::of_file)?;
        let noted = schema::ensure(&mut connection, &name, settings, &output, begin)?;
        let output = output.open(&connection, &name, noted.unwrap_or(0))?;
        let memory = schema::load(&connection, &name)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            name,
            output,
            memory,
            max_pages,
            reach: settings.reach,
            _lock: lock,
        })
    }

    /// A handle that empties the database's log from another thread, so that no commit waits for
    /// it.
    ///
    /// # Errors
    /// The database fails.
    pub fn checkpointer(&self) -> Result<Checkpointer, FrontierError> {
        Ok(Checkpointer::beside(&self.connection, &self.path)?)
    }

    /// Limits the database to `pages` pages (of 8 KiB unless it was made with others); more is
    /// "disk full".
    ///
    /// # Errors
    /// The database fails.
    pub fn with_max_pages_of_file(self, pages: u32) -> Result<Self, FrontierError> {
        self.connection
            .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
            .map_err(|e| problem(&self.name, "crawl_urls", &e))?;
        Ok(self)
    }

    /// How many more URLs may be taken.
    fn budget(&self) -> u64 {
        let used = self.memory.done + self.memory.taken();
        self.max_pages.map_or(u64::MAX, |most| most.saturating_sub(used))
    }

    /// The text of a URL that was taken.
    fn visit(&self, url: Number, host: HostId, attempts: u32) -> Result<Visit, FrontierError> {
        let sql = "SELECT url, depth, redirects, via FROM crawl_urls WHERE id = ?1";
        let visit = self
            .connection
            .prepare_cached(sql)
            .and_then(|mut select| {
                select
                    .query_row([url], |row| {
                        let via: Option<Number> = row.get(3)?;
                        Ok(Visit {
                            id: VisitId(url.into()),
                            host,
                            url: row.get(0)?,
                            depth: row.get(1)?,
                            redirects: row.get(2)?,
                            attempts,
                            via: via.map(|via| VisitId(via.into())),
                        })
                    })
                    .optional()
            })
            .map_err(|e| problem(&self.name, "crawl_urls", &e))?;
        visit.ok_or_else(|| damaged(&self.name, &format!("its URL {url} is gone")))
    }

    /// Stores a batch and brings memory to the same point. `fits` is whether there was a number for
    /// everything in it.
    fn keep(&mut self, mut batch: Batch<'_>, fits: bool) -> Result<Committed, FrontierError> {
        let fits = fits.then(|| batch.spread(&mut self.memory, &self.connection, &self.name));
        match fits.transpose() {
            Ok(Some(true)) => self.store(&batch),
            Ok(_) => {
                batch.undo(&mut self.memory);
                Err(self.too_many())
            }
            Err(error) => {
                batch.undo(&mut self.memory);
                Err(error)
            }
        }
    }

    fn store(&mut self, batch: &Batch<'_>) -> Result<Committed, FrontierError> {
        if let Err(error) =
            batch.store(&mut self.connection, &self.name, &self.memory, &mut self.output)
        {
            batch.undo(&mut self.memory);
            return Err(error);
        }
        let memory = &mut self.memory;
        let mut new: BTreeMap<Number, u64> = BTreeMap::new();
        for one in &batch.new {
            let url = memory.add_url(one.way);
            memory.append(one.host, url);
            *new.entry(one.host).or_default() += 1;
        }
        for again in &batch.again {
            memory.add_retry(again.taken.host, again.url, again.not_before_us, again.attempts);
        }
        memory.done += batch.done.len() as u64;
        for (host, state) in &batch.states {
            memory.host(*host).state = *state;
        }
        for host in new.keys() {
            memory.settle(*host);
        }
        let new = new.into_iter().map(|(host, count)| (HostId(host.into()), count)).collect();
        Ok(Committed {
            stored: batch.done.len() as u64,
            new,
            mended: batch.mended(),
            lost: Vec::new(),
        })
    }

    fn too_many(&self) -> FrontierError {
        FrontierError::other(format!(
            "{} has four billion URLs, more than one file is for; use --frontier postgres://...",
            self.name
        ))
    }
}

impl Frontier for SqliteFrontier {
    fn add(&mut self, found: &[Found]) -> Result<Committed, FrontierError> {
        let mut batch = Batch::new(&self.memory, self.reach);
        let fits = batch.find(&mut self.memory, found, None);
        self.keep(batch, fits)
    }

    fn claim(&mut self, want: usize, now_us: i64) -> Result<Claimed, FrontierError> {
        let mut hosts = Vec::new();
        while hosts.len() < want {
            let Some(lease) = self.memory.claim(now_us) else { break };
            hosts.push(lease);
        }
        Ok(Claimed { hosts, next_us: self.memory.next_idle() })
    }

    fn renew(&mut self, _now_us: i64) -> Result<Vec<HostId>, FrontierError> {
        Ok(Vec::new())
    }

    fn release(
        &mut self,
        hosts: &[(HostId, HostState)],
        _now_us: i64,
    ) -> Result<(), FrontierError> {
        let mut batch = Batch::new(&self.memory, self.reach);
        batch.states(&mut self.memory, hosts);
        self.store(&batch)?;
        let memory = &mut self.memory;
        for (host, _) in batch.states {
            // The one that was found first is put in front last.
            for url in memory.taken_of(host).into_iter().rev() {
                memory.put_back(url);
            }
            memory.host(host).claimed = false;
            memory.settle(host);
        }
        Ok(())
    }

    fn take(
        &mut self,
        wants: &[(HostId, usize)],
        now_us: i64,
    ) -> Result<Vec<Visit>, FrontierError> {
        // Without it, each URL would be read in a transaction of its own, with locks of its own. It
        // ends where it is dropped.
        let _reads = self
            .connection
            .unchecked_transaction()
            .map_err(|e| problem(&self.name, "crawl_urls", &e))?;
        let mut visits: Vec<Visit> = Vec::new();
        for (id, want) in wants {
            let Some(host) = self.memory.claimed(*id) else { continue };
            for _ in 0..*want {
                if self.budget() == 0 {
                    return Ok(visits);
                }
                let Some((url, attempts)) = self.memory.take(host, now_us) else { break };
                match self.visit(url, *id, attempts) {
                    Ok(visit) => visits.push(visit),
                    Err(error) => {
                        self.memory.put_back(url);
                        for visit in visits.iter().rev() {
                            self.memory.put_back(Number::try_from(visit.id.0).expect("it was one"));
                        }
                        return Err(error);
                    }
                }
            }
        }
        Ok(visits)
    }

    fn commit(
        &mut self,
        done: &[Done],
        hosts: &[(HostId, HostState)],
        _now_us: i64,
    ) -> Result<Committed, FrontierError> {
        let mut batch = Batch::new(&self.memory, self.reach);
        batch.states(&mut self.memory, hosts);
        let fits = done.iter().all(|one| batch.finish(&mut self.memory, one));
        self.keep(batch, fits)
    }

    fn counts(&mut self) -> Result<Counts, FrontierError> {
        Ok(Counts {
            seen: self.memory.urls() as u64,
            done: self.memory.done,
            hosts: self.memory.hosts.len() as u64,
            max_pages: self.max_pages,
        })
    }

    fn close(&mut self, _now_us: i64) -> Result<(), FrontierError> {
        if self.output.is_table() {
            nearer::mend_rows(&mut self.connection, &self.name)?;
        }
        self.output.close()
    }
}
