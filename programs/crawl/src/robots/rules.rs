//! The rules for one crawler, in the order in which they decide.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use super::pattern::{Pattern, Subject, Verdict};

/// What one crawler may fetch of one origin. A clone shares the rules.
#[derive(Clone, Debug)]
pub struct Rules {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// The longest first, of equal ones those that allow: the first that matches decides.
    rules: Vec<(Verdict, Arc<Pattern>)>,
    delay: Option<Duration>,
    sitemaps: Arc<[Box<str>]>,
}

impl Rules {
    pub(super) fn new(
        mut rules: Vec<(Verdict, Arc<Pattern>)>,
        delay: Option<Duration>,
        sitemaps: Arc<[Box<str>]>,
    ) -> Self {
        // By text as well, so that a rule that is repeated a thousand times is compared once.
        let order = |(verdict, pattern): &(Verdict, Arc<Pattern>)| {
            (Reverse(pattern.length()), *verdict == Verdict::Disallow, Arc::clone(pattern))
        };
        rules.sort_by_cached_key(order);
        rules.dedup();
        Self { shared: Arc::new(Shared { rules, delay, sitemaps }) }
    }

    /// Whether the crawler may fetch what `path_and_query` names. The longest rule that matches
    /// decides, one that allows before one that forbids, and without such a rule everything is
    /// allowed. `/robots.txt` always is.
    ///
    /// # Cost
    /// A comparison for each rule that is longer than the deciding one; a rule with stars is
    /// searched for in the path, each of its pieces once. Nothing is allocated, unless the path has
    /// percent signs, stars, dollars, or anything but ASCII.
    ///
    /// # Examples
    /// ```
    /// let rules = crawl::robots::Robots::parse(b"User-agent: *\nDisallow: /*.pdf$").agent("millstream");
    /// assert!(!rules.allows("/a/b.pdf"));
    /// assert!(rules.allows("/a/b.pdf?page=2"));
    /// ```
    #[must_use]
    pub fn allows(&self, path_and_query: &str) -> bool {
        if self.shared.rules.is_empty() || path_and_query == "/robots.txt" {
            return true;
        }
        let subject = Subject::new(path_and_query);
        // The longest that was met, and whether it allows. A rule for an index page may match as a
        // shorter one.
        let mut best: Option<(usize, Verdict)> = None;
        for (verdict, pattern) in &self.shared.rules {
            if best.is_some_and(|(length, _)| length > pattern.length()) {
                break;
            }
            if let Some(length) = pattern.matches(&subject, *verdict) {
                let wins = |(best, _): (usize, Verdict)| {
                    length > best || length == best && *verdict == Verdict::Allow
                };
                if best.is_none_or(wins) {
                    best = Some((length, *verdict));
                }
            }
        }
        best.is_none_or(|(_, verdict)| verdict == Verdict::Allow)
    }

    /// The pause between two requests that the site asks this crawler for. The longest, if it names
    /// several.
    #[must_use]
    pub fn crawl_delay(&self) -> Option<Duration> {
        self.shared.delay
    }

    /// The sitemaps that the file names, for whatever crawler, as they are written.
    pub fn sitemaps(&self) -> impl Iterator<Item = &str> {
        self.shared.sitemaps.iter().map(AsRef::as_ref)
    }
}
