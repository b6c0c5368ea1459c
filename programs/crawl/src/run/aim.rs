//! What a URL is wanted for. It stands in the frontier in place of the depth, which sitemaps have
//! none of; so another run of the crawl, or another crawler, knows it too.

use crate::frontier::SITEMAPS;

/// Nobody named this sitemap.
const GUESS: u32 = u32::MAX;

/// What a URL is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aim {
    /// As a page, this many links away from a start.
    Page(u32),
    /// As a sitemap, to which this many indexes led.
    Sitemap(u32),
    /// As a sitemap that may be there, since most sites have one at this place.
    Guess,
}

impl Aim {
    /// Indexes of sitemaps that may be inside of each other. sitemaps.org allows one; sites have
    /// two.
    pub(super) const MOST_INDEXES: u32 = 3;

    /// What the frontier's depth says.
    pub(super) fn of(depth: u32) -> Self {
        match depth {
            GUESS => Self::Guess,
            SITEMAPS.. => Self::Sitemap(depth - SITEMAPS),
            depth => Self::Page(depth),
        }
    }

    /// The depth by which the frontier keeps it.
    pub(super) fn state(self) -> u32 {
        match self {
            Self::Page(depth) => depth.min(SITEMAPS - 1),
            Self::Sitemap(indexes) => SITEMAPS + indexes.min(Self::MOST_INDEXES),
            Self::Guess => GUESS,
        }
    }

    /// Links from a start: what a row shows.
    pub(super) fn depth(self) -> u32 {
        match self {
            Self::Page(depth) => depth,
            Self::Sitemap(_) | Self::Guess => 0,
        }
    }

    /// Whether it is wanted as a sitemap.
    pub(super) fn is_sitemap(self) -> bool {
        !matches!(self, Self::Page(_))
    }

    /// What the sitemaps that this one names are wanted for; none if they are too deep.
    pub(super) fn deeper(self) -> Option<Self> {
        let indexes = match self {
            Self::Page(_) | Self::Guess => 0,
            Self::Sitemap(indexes) => indexes,
        };
        (indexes < Self::MOST_INDEXES).then_some(Self::Sitemap(indexes + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_known_again_and_no_depth_of_a_page_is_taken_for_a_sitemap() {
        let pages = [0, 1, 1_000_000, SITEMAPS - 1].map(Aim::Page);
        let sitemaps = (0..=Aim::MOST_INDEXES).map(Aim::Sitemap);
        for aim in pages.into_iter().chain(sitemaps).chain([Aim::Guess]) {
            assert_eq!(Aim::of(aim.state()), aim);
        }
        assert!(!Aim::of(Aim::Page(u32::MAX).state()).is_sitemap());
    }

    #[test]
    fn indexes_inside_of_each_other_come_to_an_end() {
        let chain = std::iter::successors(Some(Aim::Guess), |aim| aim.deeper());
        assert_eq!(chain.count(), 1 + Aim::MOST_INDEXES as usize);
    }
}
