//! How a run ended, for the caller that started it.

use std::collections::BTreeMap;

pub use connect::StartError;
use millstream::{Cause, Report};
use serde::Serialize;

use crate::page::{ErrorKind, Page};

/// A run that was started.
#[derive(Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// The account of every URL, stage by stage.
    pub report: Report,
    /// What the lines at the end show.
    pub summary: Summary,
    /// Why the run ended before its frontier was empty, if it did.
    pub ended: Option<Ended>,
    /// What was wrong beside the pages, such as a start that is no URL.
    pub problems: Vec<String>,
}

/// Why a run ended before its frontier was empty. What was left is in the frontier, for `--resume`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Ended {
    /// It was cancelled, or its deadline passed.
    Cancelled(Cause),
    /// As many pages as were asked for have been visited.
    Enough,
    /// The reader of standard output has left.
    ReaderLeft,
    /// Rows, the frontier or WARC files could not be written.
    Failed(String),
}

/// Pages, links and bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// URLs that were visited and gave a page, redirects included.
    pub pages: u64,
    /// URLs that gave none.
    pub failed: u64,
    /// Of the pages, those that only redirect.
    pub redirects: u64,
    /// Requests in all, with those that were repeated, without robots.txt.
    pub requests: u64,
    /// Bytes of bodies, after decompression.
    pub bytes: u64,
    /// Links on all pages together, the different ones of each.
    pub links: u64,
    /// URLs that were found, were in scope and had not been seen before, the starts included.
    pub found: u64,
    /// URLs that are left in the frontier.
    pub left: u64,
    /// Hosts that were asked for something.
    pub hosts: u64,
    /// Of those, the ones that were given up.
    pub hosts_down: u64,
    /// Failures by kind.
    pub failures: BTreeMap<ErrorKind, u64>,
    /// Responses by status.
    pub statuses: BTreeMap<u16, u64>,
}

impl Summary {
    /// Rows that were counted as redirects of which there were too many are pages after all: a
    /// shorter way to them was found.
    pub(crate) fn mend(&mut self, rows: u64) {
        let counted = self.failures.entry(ErrorKind::Redirect).or_default();
        // Those of an earlier run are not counted in this one.
        let rows = rows.min(*counted);
        *counted -= rows;
        if *counted == 0 {
            self.failures.remove(&ErrorKind::Redirect);
        }
        self.failed -= rows;
        self.pages += rows;
        self.redirects += rows;
    }

    /// Counts a URL that was visited.
    ///
    /// # Examples
    /// ```
    /// use crawl::outcome::Summary;
    /// use crawl::page::{ErrorKind, Page};
    ///
    /// let page = Page {
    ///     url: "https://example.org/".to_owned(),
    ///     depth: 0,
    ///     status: Some(404),
    ///     redirect: None,
    ///     redirects: 0,
    ///     content_type: None,
    ///     bytes: 120,
    ///     elapsed: std::time::Duration::from_millis(80),
    ///     title: None,
    ///     links: 0,
    ///     error: Some(ErrorKind::Client),
    ///     message: None,
    ///     attempts: 1,
    ///     fetched_at: 0,
    /// };
    /// let mut summary = Summary::default();
    /// summary.add(&page);
    /// assert_eq!((summary.pages, summary.failed, summary.failures[&ErrorKind::Client]), (0, 1, 1));
    /// ```
    pub fn add(&mut self, page: &Page) {
        match page.error {
            Some(kind) => {
                self.failed += 1;
                *self.failures.entry(kind).or_default() += 1;
            }
            None => self.pages += 1,
        }
        self.redirects += u64::from(page.redirect.is_some() && page.error.is_none());
        self.requests += u64::from(page.attempts);
        self.bytes += page.bytes;
        self.links += u64::from(page.links);
        if let Some(status) = page.status {
            *self.statuses.entry(status).or_default() += 1;
        }
    }
}
