//! What a good web was asked for.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::graph::Graph;

// Relaxed everywhere: numbers of which none says anything about another; who reads them to the end
// has waited for the responses, which came later.
const ANY: Ordering = Ordering::Relaxed;

#[derive(Debug)]
pub(super) struct Counts {
    pages: Vec<AtomicU32>,
    hosts: Vec<OfHost>,
    not_found: AtomicU64,
}

#[derive(Debug, Default)]
struct OfHost {
    robots: AtomicU32,
    at_once: AtomicU32,
    most_at_once: AtomicU32,
}

/// A request that waits for its response.
#[derive(Debug)]
pub(super) struct Waiting<'a>(&'a OfHost);

impl Counts {
    pub(super) fn new(graph: &Graph) -> Self {
        Self {
            pages: (0..graph.pages()).map(|_| AtomicU32::new(0)).collect(),
            hosts: (0..graph.hosts()).map(|_| OfHost::default()).collect(),
            not_found: AtomicU64::new(0),
        }
    }

    /// A request of a host begins to wait.
    pub(super) fn waits(&self, host: u64) -> Waiting<'_> {
        let of_host = &self.hosts[host as usize];
        let at_once = of_host.at_once.fetch_add(1, ANY) + 1;
        of_host.most_at_once.fetch_max(at_once, ANY);
        Waiting(of_host)
    }

    pub(super) fn add_page(&self, page: u64) {
        self.pages[page as usize].fetch_add(1, ANY);
    }

    pub(super) fn add_robots(&self, host: u64) {
        self.hosts[host as usize].robots.fetch_add(1, ANY);
    }

    pub(super) fn add_not_found(&self) {
        self.not_found.fetch_add(1, ANY);
    }

    pub(super) fn page(&self, page: u64) -> u32 {
        self.pages[page as usize].load(ANY)
    }

    pub(super) fn all_pages(&self) -> u64 {
        self.pages.iter().map(|count| u64::from(count.load(ANY))).sum()
    }

    pub(super) fn pages_asked_for(&self, at_least: u32) -> u64 {
        self.pages.iter().filter(|count| count.load(ANY) >= at_least).count() as u64
    }

    pub(super) fn robots(&self, host: u64) -> u32 {
        self.hosts[host as usize].robots.load(ANY)
    }

    pub(super) fn most_at_once(&self, host: u64) -> u32 {
        self.hosts[host as usize].most_at_once.load(ANY)
    }

    pub(super) fn not_found(&self) -> u64 {
        self.not_found.load(ANY)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.at_once.fetch_sub(1, ANY);
    }
}
