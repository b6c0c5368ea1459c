//! Which links become URLs to visit.

use std::collections::HashMap;

use super::aim::Aim;
use super::starts::Starts;
use crate::address::{Address, Canonical, Scope, Traps};
use crate::config::Reach;
use crate::frontier::{Found, Step, Visit};
use crate::links::Extracted;
use crate::sitemap::{Kind, Limits, Sitemap, SitemapError};

/// A chain of more redirects is given up.
pub(super) const MAX_REDIRECTS: u32 = 10;

/// What a sitemap leads to.
#[derive(Default)]
pub(super) struct Listed {
    pub(super) found: Vec<Found>,
    /// Entries that are URLs, those that are not visited as well.
    pub(super) links: u32,
    /// Why it is not all that there is.
    pub(super) message: Option<String>,
}

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

    /// Whether any of the starts leads to this address, by a link.
    fn admits(&self, address: &Address) -> bool {
        self.is_within(self.scope, address)
    }

    /// Whether a sitemap may name it as a start: it need not be linked to, but is of a site that
    /// the scope takes in.
    fn admits_start(&self, address: &Address) -> bool {
        let scope = if self.scope == Scope::Page { Scope::Host } else { self.scope };
        self.is_within(scope, address)
    }

    /// Whether a sitemap may be there that another one names, or redirects to.
    fn admits_sitemap(&self, from: &Address, address: &Address) -> bool {
        let scope = if matches!(self.scope, Scope::Page | Scope::Prefix) {
            Scope::Host
        } else {
            self.scope
        };
        // One that robots.txt names may be of another host, and so are those of its index then.
        from.origin() == address.origin() || self.is_within(scope, address)
    }

    fn is_within(&self, scope: Scope, address: &Address) -> bool {
        if scope == Scope::Any {
            return true;
        }
        let starts = self.starts.get(address.domain()).map_or(&[][..], Vec::as_slice);
        starts.iter().any(|start| scope.admits(start, address))
    }

    /// The links of a page that are to be visited.
    pub(super) fn links(&self, aim: Aim, extracted: &Extracted) -> Vec<Found> {
        // Those that are too deep as well: the page may turn out to be nearer. With no depth at all
        // it cannot.
        if self.scope == Scope::Page || self.depth == Some(0) {
            return Vec::new();
        }
        let followed = extracted.links.iter().filter(|link| {
            link.kind.is_navigation()
                && (self.ignores_wishes || !link.nofollow)
                && self.is_wanted(&link.address)
        });
        let aim = Aim::Page(aim.depth().saturating_add(1));
        followed.map(|link| found(&link.address, aim, 0, Step::Link)).collect()
    }

    /// Where a URL redirects to, if that is to be visited. A start may redirect anywhere.
    pub(super) fn redirect(
        &self,
        visit: &Visit,
        from: &Address,
        target: &Address,
    ) -> Option<Found> {
        let aim = Aim::of(visit.depth);
        let is_wanted = match aim {
            Aim::Page(0) => true,
            Aim::Page(_) => self.admits(target),
            Aim::Sitemap(_) | Aim::Guess => self.admits_sitemap(from, target),
        };
        let is_wanted = is_wanted && self.traps.check(target).is_ok();
        is_wanted.then(|| found(target, aim, visit.redirects + 1, Step::Redirect))
    }

    /// A sitemap that the robots.txt of this origin names; it may be of another host.
    pub(super) fn sitemap(&self, origin: &str, text: &str) -> Option<Found> {
        let robots = Address::parse(&format!("{origin}/robots.txt"), &self.canonical).ok()?;
        robots
            .join(text, &self.canonical)
            .ok()
            .map(|address| found(&address, Aim::Sitemap(0), 0, Step::Start))
    }

    /// A sitemap where most sites have it.
    pub(super) fn guess(&self, origin: &str) -> Option<Found> {
        let address = Address::parse(&format!("{origin}/sitemap.xml"), &self.canonical).ok()?;
        Some(found(&address, Aim::Guess, 0, Step::Start))
    }

    /// What stands in the sitemap at `from`.
    ///
    /// # Errors
    /// It is something else, or breaks before its first entry.
    pub(super) fn in_sitemap(
        &self,
        aim: Aim,
        from: &Address,
        body: &[u8],
    ) -> Result<Listed, SitemapError> {
        let sitemap = Sitemap::read(body, &Limits::default());
        if let (Some(error), true) = (&sitemap.error, sitemap.entries.is_empty()) {
            return Err(error.clone());
        }
        let mut listed =
            Listed { message: sitemap.error.map(|error| error.to_string()), ..Listed::default() };
        let entries = sitemap.entries.iter();
        let addresses: Vec<Address> =
            entries.filter_map(|entry| from.join(&entry.location, &self.canonical).ok()).collect();
        let left_out = sitemap.entries.len() - addresses.len();
        if left_out > 0 && listed.message.is_none() {
            listed.message = Some(format!("{left_out} of its entries are no URL to crawl"));
        }
        listed.links = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
        let aim = match sitemap.kind {
            Kind::Pages => Some(Aim::Page(0)),
            Kind::Index => aim.deeper(),
        };
        let Some(aim) = aim else {
            let most = Aim::MOST_INDEXES;
            listed.message = Some(format!(
                "what it names is not read: more than {most} indexes of sitemaps led there"
            ));
            return Ok(listed);
        };
        let wanted = addresses.iter().filter(|address| {
            self.traps.check(address).is_ok()
                && if aim.is_sitemap() {
                    self.admits_sitemap(from, address)
                } else {
                    self.admits_start(address)
                }
        });
        listed.found = wanted.map(|address| found(address, aim, 0, Step::Start)).collect();
        Ok(listed)
    }

    fn is_wanted(&self, address: &Address) -> bool {
        self.admits(address) && self.traps.check(address).is_ok()
    }
}

/// A start.
pub(super) fn start(address: &Address) -> Found {
    found(address, Aim::Page(0), 0, Step::Start)
}

fn found(address: &Address, aim: Aim, redirects: u32, step: Step) -> Found {
    Found {
        url: address.as_str().to_owned(),
        origin: address.origin().to_owned(),
        key: address.key(),
        depth: aim.state(),
        redirects,
        step,
    }
}
