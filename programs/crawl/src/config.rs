//! Everything that a run of the program can be asked for, as plain data: the command line fills it,
//! tests do, others may.

use std::path::PathBuf;
use std::time::Duration;

use connect::Destination;

use crate::address::Scope;

/// What to visit, how gently, how far, and where it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// URLs to start from.
    pub starts: Vec<String>,
    /// A file with more of them, one a line; `-` is standard input.
    pub urls: Option<PathBuf>,
    /// Whether the sitemaps of the starts' hosts are starts as well.
    pub sitemap: bool,
    /// How far to follow links.
    pub reach: Reach,
    /// How gently hosts are asked.
    pub politeness: Politeness,
    /// What a single request may cost.
    pub request: Request,
    /// Requests at the same time, over all hosts.
    pub workers: usize,
    /// Where the rows go.
    pub to: Destination,
    /// What is still to be visited, and what has been seen.
    pub frontier: Place,
    /// Where responses are kept as they came.
    pub warc: Option<PathBuf>,
    /// Whether a frontier that has something in it is gone on with. Otherwise it must be empty.
    pub resume: bool,
}

/// How far links are followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// The most links between a start and a page; none is no limit.
    pub depth: Option<u32>,
    /// Which pages count as being of the same site as the start.
    pub scope: Scope,
    /// The run ends when this many URLs have been visited.
    pub max_pages: Option<u64>,
    /// Whether parameters that only follow visitors around (`utm_source`, `gclid` and their like)
    /// are left out of URLs.
    pub drop_tracking: bool,
}

/// How gently hosts are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Politeness {
    /// Requests of one host at the same time.
    pub per_host: u32,
    /// Between the starts of two requests of a host, at least.
    pub delay: Duration,
    /// Whether robots.txt is neither read nor obeyed.
    pub ignore_robots: bool,
    /// Requests for one URL in all, if the first ones fail in a way that may pass.
    pub attempts: u32,
}

/// What a single request may cost, and what it says of us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// For all of it: name, connection, request, response.
    pub timeout: Duration,
    /// The most bytes of a body, before and after decompression.
    pub max_body: u64,
    /// Whether private, loopback and link-local addresses may be asked.
    pub allow_private: bool,
    /// The header `User-Agent`; its first word is the name that robots.txt knows the crawler by.
    pub user_agent: String,
}

/// Where the frontier lives.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// In an SQLite file beside the rows, or in the very same database.
    Beside,
    /// In this SQLite file.
    Sqlite(PathBuf),
    /// In a PostgreSQL database, shared by as many crawlers as there are.
    Postgres(String),
}

impl std::fmt::Debug for Place {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Beside => f.write_str("Beside"),
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Self::Postgres(url) => f
                .debug_tuple("Postgres")
                .field(&Destination::Postgres(url.clone()).to_string())
                .finish(),
        }
    }
}

impl Default for Politeness {
    fn default() -> Self {
        Self { per_host: 1, delay: Duration::from_secs(1), ignore_robots: false, attempts: 3 }
    }
}

impl Default for Request {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            max_body: 10_000_000,
            allow_private: false,
            user_agent: concat!("millstream/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

impl Config {
    /// The defaults, with these starts and this destination.
    ///
    /// # Examples
    /// ```
    /// use crawl::Config;
    /// use connect::Destination;
    ///
    /// let config = Config::new(["https://example.org/"], Destination::Sqlite("pages.db".into()));
    /// assert_eq!((config.workers, config.politeness.per_host), (20, 1));
    /// ```
    pub fn new<S: Into<String>>(starts: impl IntoIterator<Item = S>, to: Destination) -> Self {
        Self {
            starts: starts.into_iter().map(Into::into).collect(),
            urls: None,
            sitemap: false,
            reach: Reach::default(),
            politeness: Politeness::default(),
            request: Request::default(),
            workers: 20,
            to,
            frontier: Place::Beside,
            warc: None,
            resume: false,
        }
    }
}
