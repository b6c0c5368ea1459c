//! The shape of a good web: which page links to which, computed from numbers alone.
//!
//! Pages are numbered through all hosts: those of host 0 first. The first page of a host is its
//! start. From it a tree leads to each other page of the host, and to the starts of two other
//! hosts; so everything can be reached from page 0, by few steps. The rest of a page's links lead
//! anywhere on its host.

/// The number of hosts, pages and links.
///
/// # Examples
/// ```
/// use crawl::testing::good_web::Graph;
///
/// let graph = Graph::new(2, 100, 10);
/// assert_eq!(graph.pages(), 200);
/// assert_eq!(graph.reachable(0).len(), 200);
/// assert!(graph.all_links() >= 2_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Graph {
    hosts: u64,
    pages: u64,
    links: u64,
}

impl Graph {
    /// `hosts` with `pages` each, which have `links` each: different pages, and not itself. Fewer
    /// if the host has no more pages; up to three more if the tree needs them. Without hosts or
    /// pages, there is one of them.
    #[must_use]
    pub fn new(hosts: u32, pages: u32, links: u32) -> Self {
        Self { hosts: hosts.max(1).into(), pages: pages.max(1).into(), links: links.into() }
    }

    /// How many hosts there are.
    #[must_use]
    pub fn hosts(&self) -> u64 {
        self.hosts
    }

    /// How many pages all hosts have together.
    #[must_use]
    pub fn pages(&self) -> u64 {
        self.hosts * self.pages
    }

    /// Host of a page, and its number among the host's own.
    #[must_use]
    pub fn place(&self, page: u64) -> (u64, u64) {
        (page / self.pages, page % self.pages)
    }

    /// The page of a host by its number among the host's own; none if it has no such page.
    #[must_use]
    pub fn page(&self, host: u64, index: u64) -> Option<u64> {
        (host < self.hosts && index < self.pages).then(|| host * self.pages + index)
    }

    /// The pages that a page links to.
    #[must_use]
    pub fn links(&self, page: u64) -> Vec<u64> {
        let mut links = Vec::new();
        self.links_into(page, &mut links);
        links
    }

    /// The same into a list whose memory is used again.
    pub fn links_into(&self, page: u64, links: &mut Vec<u64>) {
        links.clear();
        let (host, index) = self.place(page);
        let first = host * self.pages;
        // Half of the links are the tree, so that the other half can make it a web.
        let arms = (self.links / 2).max(1);
        let children = index * arms + 1..=index * arms + arms;
        links.extend(children.take_while(|child| *child < self.pages).map(|child| first + child));
        if index == 0 {
            let hosts = [2 * host + 1, 2 * host + 2];
            links.extend(
                hosts.iter().filter(|host| **host < self.hosts).map(|host| host * self.pages),
            );
        }
        let wanted = self.links.min(self.pages - 1);
        let mut other = mixed(page);
        while (links.len() as u64) < wanted {
            other = (other + 1) % self.pages;
            if other == index || links.contains(&(first + other)) {
                continue;
            }
            links.push(first + other);
            other = mixed(other ^ page << 20);
        }
    }

    /// How many links all pages have together.
    #[must_use]
    pub fn all_links(&self) -> u64 {
        let mut links = Vec::new();
        let of = |page| {
            self.links_into(page, &mut links);
            links.len() as u64
        };
        (0..self.pages()).map(of).sum()
    }

    /// The pages that can be reached from a page, itself included, the nearest first.
    #[must_use]
    pub fn reachable(&self, from: u64) -> Vec<u64> {
        self.within(from, u32::MAX)
    }

    /// The pages at most this many links away, the nearest first.
    #[must_use]
    pub fn within(&self, from: u64, depth: u32) -> Vec<u64> {
        let mut seen =
            vec![false; usize::try_from(self.pages()).expect("pages that fit into memory")];
        let mut found = vec![from];
        seen[from as usize] = true;
        let (mut done, mut links) = (0, Vec::new());
        for _ in 0..depth {
            let ring = done..found.len();
            if ring.is_empty() {
                break;
            }
            for at in ring {
                self.links_into(found[at], &mut links);
                links.retain(|link| !std::mem::replace(&mut seen[*link as usize], true));
                found.append(&mut links);
                done += 1;
            }
        }
        found
    }
}

/// Spreads numbers; far below the number of pages it would repeat itself, so it is as wide as they
/// come.
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed ^ mixed >> 27) >> 16
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_page_can_be_reached_and_has_the_links_that_were_asked_for() {
        for (hosts, pages, links) in
            [(1, 1, 0), (1, 1, 10), (1, 7, 10), (5, 100, 10), (3, 50, 1), (9, 40, 0)]
        {
            let graph = Graph::new(hosts, pages, links);
            let reachable: BTreeSet<u64> = graph.reachable(0).into_iter().collect();
            assert_eq!(reachable.len() as u64, graph.pages(), "{graph:?}");
            for page in 0..graph.pages() {
                let found = graph.links(page);
                let different: BTreeSet<_> = found.iter().collect();
                assert_eq!(different.len(), found.len(), "{graph:?} links twice on {page}");
                assert!(!found.contains(&page) && found.iter().all(|link| *link < graph.pages()));
                let wanted = u64::from(links.min(pages - 1));
                assert!(
                    (wanted..=wanted.max(1) + 2).contains(&(found.len() as u64)),
                    "{graph:?} {page}"
                );
            }
        }
    }

    #[test]
    fn the_web_of_the_benchmark_has_twenty_thousand_pages_with_ten_links_each() {
        let graph = Graph::new(1, 20_000, 10);
        assert_eq!((graph.pages(), graph.all_links()), (20_000, 200_000));
        assert_eq!(graph.reachable(0).len(), 20_000);
    }

    #[test]
    fn depth_is_the_number_of_links_on_the_way() {
        let graph = Graph::new(2, 30, 4);
        assert_eq!(graph.within(0, 0), [0]);
        let mut near: Vec<u64> = graph.within(0, 1);
        let mut links = graph.links(0);
        links.push(0);
        near.sort_unstable();
        links.sort_unstable();
        assert_eq!(near, links);
    }
}
