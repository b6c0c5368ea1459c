//! What is still to be fetched, and what has been seen: on disk, so that a kill loses nothing.
//!
//! It fetches nothing, schedules nothing and judges no URL: it keeps what it is given, gives each
//! URL out until a page of it is stored, and stores that page in the transaction that marks the URL
//! as done and keeps what it links to.

mod error;
mod links;
mod postgres;
mod seen;
mod settings;
mod sqlite;
mod types;
mod way;

pub use error::FrontierError;
pub use postgres::PostgresFrontier;
pub use settings::{Begin, Settings};
pub use sqlite::{Output, SqliteFrontier};
pub use types::{
    Claimed, Committed, Counts, Done, End, Found, HostId, HostLease, HostState, Step, Visit,
    VisitId,
};

pub(crate) use way::SITEMAPS;

/// Where a crawl stands, kept so that a kill at any moment loses no URL and stores none twice.
///
/// One thread uses it. A URL is *seen* from the transaction that found it on, *pending* until a
/// page of it is stored, and *done* with that page's transaction. Hosts are the unit of work: a
/// crawler claims hosts, takes URLs of theirs, visits them and commits what came of it; what it
/// took and did not commit is pending again once its process has finished, or its hosts were
/// released.
///
/// The depth of a URL is that of the shortest way that was found to it, and so is the number of
/// redirects that led to it. What is out of reach by the [`Settings`] is not visited, but kept with
/// the page that leads to it: a shorter way to that page brings it into reach. Rows that are in a
/// table are brought up to date when the frontier is closed; lines in a file stay as they are.
///
/// Times are microseconds since 1970 in UTC and are given by the caller, since only its clock reads
/// time.
pub trait Frontier: Send {
    /// Keeps URLs that no page led to: starts, and those of sitemaps. What was seen before is left
    /// out; it does not matter where, by whom, or how often in `found`.
    ///
    /// # Errors
    /// The database fails; nothing of this call is kept then.
    fn add(&mut self, found: &[Found]) -> Result<Committed, FrontierError>;

    /// Takes up to `want` hosts that have pending URLs, may be visited now and are in nobody's
    /// hands.
    ///
    /// # Errors
    /// The database fails.
    fn claim(&mut self, want: usize, now_us: i64) -> Result<Claimed, FrontierError>;

    /// Keeps the claimed hosts for another while; gives those that were lost to others meanwhile.
    /// To be called a few times within [`lease`](PostgresFrontier::lease); where nobody else can
    /// claim, it does nothing.
    ///
    /// # Errors
    /// The database fails.
    fn renew(&mut self, now_us: i64) -> Result<Vec<HostId>, FrontierError>;

    /// Gives hosts back, with what is to be known of them. What was taken of them and not committed
    /// is pending again.
    ///
    /// # Errors
    /// The database fails.
    fn release(&mut self, hosts: &[(HostId, HostState)], now_us: i64) -> Result<(), FrontierError>;

    /// Shares the state of this crawler with others: whether it `wants` more hosts than there are
    /// to claim. Gives how many it should keep if another one wants some and has fewer than its
    /// part; none where that is not so, and where nobody else can claim. To be called every second
    /// or so.
    ///
    /// # Errors
    /// The database fails.
    fn share(&mut self, _wants: bool, _now_us: i64) -> Result<Option<usize>, FrontierError> {
        Ok(None)
    }

    /// Takes pending URLs of claimed hosts, for each up to the number beside it: first those that
    /// are to be tried again and whose time has come, then the others in the order of their
    /// finding. Fewer come when a host has no more, when it was lost, and when the crawl's budget
    /// of pages is spent.
    ///
    /// # Errors
    /// The database fails; nothing was taken then.
    fn take(&mut self, wants: &[(HostId, usize)], now_us: i64)
    -> Result<Vec<Visit>, FrontierError>;

    /// Keeps what came of visits, and the state of hosts, in one transaction: pages are stored and
    /// their URLs done, what they link to is seen and pending, and failures that are to be tried
    /// again are noted.
    ///
    /// A visit that is not taken (any more) is left out: it was committed before, or its host was
    /// lost. So the same call may be made again after an error.
    ///
    /// # Errors
    /// The database or the output fails; nothing of this call is kept then.
    fn commit(
        &mut self,
        done: &[Done],
        hosts: &[(HostId, HostState)],
        now_us: i64,
    ) -> Result<Committed, FrontierError>;

    /// How the crawl stands, with what all crawlers have done.
    ///
    /// # Errors
    /// The database fails.
    fn counts(&mut self) -> Result<Counts, FrontierError>;

    /// Gives everything back. Dropping does so as well, but reports no error.
    ///
    /// # Errors
    /// The database or the output fails.
    fn close(&mut self, now_us: i64) -> Result<(), FrontierError>;
}
