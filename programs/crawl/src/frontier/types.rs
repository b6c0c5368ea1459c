//! What goes into a frontier and what comes out of it; plain values.

use std::time::Duration;

use crate::page::Page;

/// Names a host (scheme, name and port) within one frontier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostId(pub u64);

/// Names a URL within one frontier; the smaller was found earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VisitId(pub u64);

/// What leads from a page to a URL that was found on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing that counts: the URL is a start, or an entry of a sitemap. Its depth is what it is
    /// said to be.
    Start,
    /// A link: its depth is one more than the page's.
    Link,
    /// A redirect: its depth is the page's, and one more redirect led to it.
    Redirect,
}

/// A URL that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The canonical URL.
    pub url: String,
    /// Its host, as `https://name:port`: the unit of politeness.
    pub origin: String,
    /// A 128-bit hash of the URL. Two URLs are the same if and only if their keys are.
    pub key: u128,
    /// How many links it is away from a start; from 2^30 on it is wanted as a sitemap, and counts
    /// as a start.
    pub depth: u32,
    /// How many redirects led to it.
    pub redirects: u32,
    /// What leads to it: if a shorter way to its page is found later, it is nearer as well.
    pub step: Step,
}

/// A URL that is to be visited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// Its name in the frontier.
    pub id: VisitId,
    /// Its host.
    pub host: HostId,
    /// The canonical URL.
    pub url: String,
    /// How many links it is away from a start.
    pub depth: u32,
    /// How many redirects led to it.
    pub redirects: u32,
    /// How often it was tried before.
    pub attempts: u32,
    /// The page on which it was found first; none for a start and for what a sitemap named.
    pub via: Option<VisitId>,
}

/// What is to be known of a host even after a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostState {
    /// Nothing is asked of it before this time.
    pub not_before_us: i64,
    /// The pause between two requests.
    pub delay: Duration,
    /// How often it has failed in a row.
    pub failures: u32,
}

/// A host that was claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostLease {
    /// Its name in the frontier.
    pub id: HostId,
    /// The host, as `https://name:port`.
    pub origin: String,
    /// How many of its URLs can be taken, now or later; a shared frontier counts no further than
    /// 10,000.
    pub pending: u64,
    /// What the one who had it last knew.
    pub state: HostState,
}

/// What a claim gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claimed {
    /// The hosts; fewer than were wanted if there are no more at present.
    pub hosts: Vec<HostLease>,
    /// When there will be another to claim, as far as is known: what others find, release or lose
    /// may come earlier.
    pub next_us: Option<i64>,
}

/// What came of a visit.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// The visit.
    pub visit: VisitId,
    /// Its host.
    pub host: HostId,
    /// How it ended.
    pub end: End,
}

/// How a visit ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// With a row that is to be stored: the URL is done.
    Stored {
        /// The row.
        page: Page,
        /// The URLs that it leads to and that are to be visited.
        found: Vec<Found>,
    },
    /// It is to be tried again.
    Retry {
        /// How often it was tried by now.
        attempts: u32,
        /// Not before this time.
        not_before_us: i64,
    },
}

/// What was kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Pages that were stored.
    pub stored: u64,
    /// For each host how many URLs of it are new; hosts without any are left out. They need not be
    /// claimed by this crawler.
    pub new: Vec<(HostId, u64)>,
    /// Rows that said that too many redirects had led to them, until another way was found: they
    /// are failures no longer.
    pub mended: u64,
    /// Hosts that another crawler has now: nothing of them was kept, and nothing of them may be
    /// visited any more.
    pub lost: Vec<HostId>,
}

impl Committed {
    /// How many URLs are new.
    #[must_use]
    pub fn new_urls(&self) -> u64 {
        self.new.iter().map(|(_, count)| count).sum()
    }
}

/// How a crawl stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// URLs that were ever found.
    pub seen: u64,
    /// URLs of which a page is stored.
    pub done: u64,
    /// Hosts that were ever found.
    pub hosts: u64,
    /// The most pages that the crawl stores.
    pub max_pages: Option<u64>,
}

impl Counts {
    /// URLs that are still to be visited, with those that somebody is visiting.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.seen.saturating_sub(self.done)
    }

    /// Whether nothing is left to be done by anybody: nothing is pending or in flight, or the
    /// budget of pages is spent.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.pending() == 0 || self.max_pages.is_some_and(|most| self.done >= most)
    }
}
