//! Which sitemaps are still to be read, when sitemaps name sitemaps. Nothing is fetched here.

use std::collections::{HashSet, VecDeque};

use super::{Kind, Sitemap};

/// A way through sitemaps that ends: each is read once, and not for ever.
///
/// # Examples
/// ```
/// use crawl::sitemap::{Limits, Sitemap, Walk};
///
/// let mut walk = Walk::new(["http://a.com/index.xml"]);
/// let visit = walk.next().unwrap();
/// let index = b"<sitemapindex><sitemap><loc>http://a.com/1.xml</loc></sitemap></sitemapindex>";
/// walk.found(&visit, &Sitemap::read(index, &Limits::default()));
/// assert_eq!(walk.next().unwrap().location, "http://a.com/1.xml");
/// assert!(walk.next().is_none());
/// ```
#[derive(Debug)]
pub struct Walk {
    waiting: VecDeque<Visit>,
    seen: HashSet<String>,
}

/// A sitemap that is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// Its URL, as it was given.
    pub location: String,
    /// How many indexes led to it.
    pub depth: u32,
}

impl Walk {
    /// Indexes that may be inside of each other. sitemaps.org allows one; sites have two.
    pub const MAX_DEPTH: u32 = 3;
    /// Sitemaps of one walk. An index names as many.
    pub const MAX_SITEMAPS: usize = 50_000;

    /// From the sitemaps that a user or a robots.txt names.
    #[must_use]
    pub fn new<L: Into<String>>(starts: impl IntoIterator<Item = L>) -> Self {
        let mut walk = Self { waiting: VecDeque::new(), seen: HashSet::new() };
        for location in starts {
            walk.add(location.into(), 0);
        }
        walk
    }

    /// Adds what an index names, if it is not too deep and not known. Sitemaps of pages add nothing.
    pub fn found(&mut self, visit: &Visit, sitemap: &Sitemap) {
        if sitemap.kind == Kind::Index && visit.depth < Self::MAX_DEPTH {
            for entry in &sitemap.entries {
                self.add(entry.location.clone(), visit.depth + 1);
            }
        }
    }

    fn add(&mut self, location: String, depth: u32) {
        if self.seen.len() < Self::MAX_SITEMAPS && self.seen.insert(location.clone()) {
            self.waiting.push_back(Visit { location, depth });
        }
    }
}

impl Iterator for Walk {
    type Item = Visit;

    fn next(&mut self) -> Option<Visit> {
        self.waiting.pop_front()
    }
}
