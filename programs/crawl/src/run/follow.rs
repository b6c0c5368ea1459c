//! Which links become URLs to visit.

use std::collections::HashMap;

use super::starts::Starts;
use crate::address::{Address, Canonical, Scope, Traps};
use crate::config::Reach;
use crate::frontier::{Found, Visit};
use crate::links::Extracted;
use crate::sitemap::{Kind, Limits, Sitemap};

/// How far to go.
pub(super) struct Follow {
    pub(super) canonical: Canonical,
    scope: Scope,
    depth: Option<u32>,
    /// Whether links that ask not to be followed are.
    ignores_wishes: bool,
    traps: Traps,
    /// The starts, by domain: so a link is compared with few of them.
    starts: HashMap<String, Vec<Address>>,
}

impl Follow {
    pub(super) fn new(reach: &Reach, ignores_wishes: bool, starts: &Starts) -> Self {
        let mut by_domain: HashMap<String, Vec<Address>> = HashMap::new();
        for start in &starts.addresses {
            by_domain.entry(start.domain().to_owned()).or_default().push(start.clone());
        }
        Self {
            canonical: starts.canonical,
            scope: reach.scope,
            depth: reach.depth,
            ignores_wishes,
            traps: Traps::default(),
            starts: by_domain,
        }
    }

    /// Whether any of the starts leads to this address.
    fn admits(&self, address: &Address) -> bool {
        if self.scope == Scope::Any {
            return true;
        }
        let starts = self.starts.get(address.domain()).map_or(&[][..], Vec::as_slice);
        starts.iter().any(|start| self.scope.admits(start, address))
    }

    /// The links of a page that are to be visited.
    pub(super) fn links(&self, visit: &Visit, extracted: &Extracted) -> Vec<Found> {
        if self.scope == Scope::Page || self.depth.is_some_and(|most| visit.depth >= most) {
            return Vec::new();
        }
        let followed = extracted.links.iter().filter(|link| {
            link.kind.is_navigation()
                && (self.ignores_wishes || !link.nofollow)
                && self.is_wanted(&link.address)
        });
        followed.map(|link| found(&link.address, visit.depth + 1, 0)).collect()
    }

    /// Where a page redirects to, if that is to be visited. A start may redirect anywhere.
    pub(super) fn redirect(&self, visit: &Visit, target: &Address) -> Option<Found> {
        let is_start = visit.depth == 0;
        let is_wanted = self.traps.check(target).is_ok() && (is_start || self.admits(target));
        is_wanted.then(|| found(target, visit.depth, visit.redirects + 1))
    }

    /// A sitemap that robots.txt names; it may be of another host.
    pub(super) fn sitemap(&self, text: &str) -> Option<Found> {
        Address::parse(text, &self.canonical).ok().map(|address| found(&address, 0, 0))
    }

    /// What stands in a sitemap; nothing, if it is none.
    pub(super) fn in_sitemap(&self, body: &[u8]) -> Vec<Found> {
        let sitemap = Sitemap::read(body, &Limits::default());
        let is_index = sitemap.kind == Kind::Index;
        let addresses =
            sitemap.entries.iter().filter_map(|entry| Address::parse(&entry.location, &self.canonical).ok());
        addresses
            .filter(|address| is_index || self.is_wanted(address))
            .map(|address| found(&address, 0, 0))
            .collect()
    }

    fn is_wanted(&self, address: &Address) -> bool {
        self.admits(address) && self.traps.check(address).is_ok()
    }
}

/// A start.
pub(super) fn start(address: &Address) -> Found {
    found(address, 0, 0)
}

fn found(address: &Address, depth: u32, redirects: u32) -> Found {
    Found {
        url: address.as_str().to_owned(),
        origin: address.origin().to_owned(),
        key: address.key(),
        depth,
        redirects,
    }
}
