//! How near to a start a URL is, and what follows from it for the URLs that it leads to.
//!
//! The first way to a URL that is found need not be the shortest one. Links and redirects are
//! counted by themselves: the depth of a URL is the least of all ways to it, and so is the number
//! of redirects.

use super::types::{Found, Step};

/// Depths from here on are no links from a start: the URL is wanted as a sitemap. Such a URL counts
/// as a start.
pub(crate) const SITEMAPS: u32 = 1 << 30;

/// How a URL was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) depth: u32,
    pub(crate) redirects: u32,
}

/// How far a crawl goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    pub(crate) depth: u32,
    pub(crate) redirects: u32,
}

impl Default for Reach {
    fn default() -> Self {
        Self { depth: SITEMAPS - 1, redirects: u32::MAX }
    }
}

impl Reach {
    pub(super) fn admits(self, way: Way) -> bool {
        way.row_depth() <= self.depth && way.redirects <= self.redirects
    }
}

impl Way {
    pub(super) fn of(found: &Found) -> Self {
        Self { depth: found.depth, redirects: found.redirects }
    }

    /// Links from a start.
    pub(super) fn row_depth(self) -> u32 {
        if self.depth < SITEMAPS { self.depth } else { 0 }
    }

    /// A URL that is reached from here.
    pub(super) fn step(self, step: Step) -> Option<Self> {
        match step {
            Step::Start => None,
            Step::Link => {
                Some(Self { depth: (self.row_depth() + 1).min(SITEMAPS - 1), redirects: 0 })
            }
            Step::Redirect => Some(Self { redirects: self.redirects.saturating_add(1), ..self }),
        }
    }

    /// What is left of this way when there is another one, if that is shorter in anything.
    pub(super) fn or(self, other: Self) -> Option<Self> {
        let depth = if other.rank() < self.rank() { other.depth } else { self.depth };
        let both = Self { depth, redirects: self.redirects.min(other.redirects) };
        (both != self).then_some(both)
    }

    /// Whether no other way could be shorter, as far as what it leads to is concerned.
    pub(super) fn is_shortest(self) -> bool {
        self.row_depth() == 0 && self.redirects == 0
    }

    /// Lower is nearer: sitemaps come before pages, for who names one wants it read as such.
    pub(super) fn rank(self) -> u64 {
        match self.depth.checked_sub(SITEMAPS) {
            Some(sitemap) => sitemap.into(),
            None => u64::from(self.depth) + (1 << 33),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn way(depth: u32, redirects: u32) -> Way {
        Way { depth, redirects }
    }

    #[test]
    fn links_and_redirects_are_counted_by_themselves() {
        assert_eq!(way(5, 1).or(way(3, 2)), Some(way(3, 1)));
        assert_eq!(way(5, 1).or(way(6, 0)), Some(way(5, 0)));
        assert_eq!(way(5, 1).or(way(5, 1)), None);
        assert_eq!(way(3, 2).step(Step::Link), Some(way(4, 0)));
        assert_eq!(way(3, 2).step(Step::Redirect), Some(way(3, 3)));
    }

    #[test]
    fn a_sitemap_counts_as_a_start_and_stays_one_when_it_is_linked_to() {
        let sitemap = way(SITEMAPS + 1, 0);
        assert_eq!((sitemap.row_depth(), sitemap.is_shortest()), (0, true));
        assert_eq!(sitemap.step(Step::Link), Some(way(1, 0)));
        assert_eq!(sitemap.or(way(0, 0)), None);
        assert_eq!(way(0, 0).or(sitemap), Some(sitemap));
        assert_eq!(sitemap.or(way(SITEMAPS, 0)), Some(way(SITEMAPS, 0)));
        assert_eq!(way(u32::MAX, 0).or(sitemap), Some(sitemap), "one that is named is no guess");
    }
}
