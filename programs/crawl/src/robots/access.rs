//! What follows from the attempt to fetch a robots.txt.

use std::time::Duration;

use super::{Robots, Rules};

/// What came of the request for robots.txt.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// A response, the last one if there were redirects; the caller follows at least five, to other
    /// hosts as well.
    Response {
        /// The status of the response.
        status: u16,
        /// The body, decompressed; of a long one the first [`Robots::MAX_BYTES`] and one byte more
        /// are enough.
        body: &'a [u8],
    },
    /// No response: no address, no connection, a time limit that passed, or something that is not
    /// HTTP.
    Unreachable,
}

/// What a crawler may do at an origin.
#[derive(Clone, Debug)]
pub enum Access {
    /// What the rules say.
    Rules(Rules),
    /// Everything: there is no robots.txt.
    AllowAll,
    /// Nothing, for the rules are not known.
    DisallowAll,
}

impl Access {
    /// RFC 9309, 2.3.1: 2xx is read; 4xx says that there are no rules, but for 429, which says to
    /// come back later; and whatever else keeps the rules from being known forbids all. A redirect
    /// that is still one after those that were followed counts as if there were no file.
    ///
    /// # Examples
    /// ```
    /// use crawl::robots::{Access, Outcome};
    ///
    /// let access = |status| Access::decide(Outcome::Response { status, body: b"User-agent: *\nDisallow: /x" }, "millstream");
    /// assert!(access(200).allows("/y") && !access(200).allows("/x"));
    /// assert!(access(404).allows("/x"));
    /// assert!(!access(503).allows("/y"));
    /// assert!(!Access::decide(Outcome::Unreachable, "millstream").allows("/y"));
    /// ```
    #[must_use]
    pub fn decide(outcome: Outcome<'_>, agent: &str) -> Self {
        match outcome {
            Outcome::Response { status: 200..=299, body } => {
                Self::Rules(Robots::parse(body).agent(agent))
            }
            Outcome::Response { status: 429, .. } => Self::DisallowAll,
            Outcome::Response { status: 300..=499, .. } => Self::AllowAll,
            Outcome::Response { .. } | Outcome::Unreachable => Self::DisallowAll,
        }
    }

    /// Whether the crawler may fetch what `path_and_query` names.
    #[must_use]
    pub fn allows(&self, path_and_query: &str) -> bool {
        match self {
            Self::Rules(rules) => rules.allows(path_and_query),
            Self::AllowAll => true,
            Self::DisallowAll => path_and_query == "/robots.txt",
        }
    }

    /// The pause between two requests that the site asks for.
    #[must_use]
    pub fn crawl_delay(&self) -> Option<Duration> {
        match self {
            Self::Rules(rules) => rules.crawl_delay(),
            Self::AllowAll | Self::DisallowAll => None,
        }
    }
}
