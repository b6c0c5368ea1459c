//! How a good web is to be.

use std::time::Duration;

use super::Graph;

/// What a good web looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The shape: hosts, pages, links.
    pub graph: Graph,
    /// About this many bytes of HTML a page; more if its links need more.
    pub bytes: usize,
    /// The time from a request to its response.
    pub latency: Duration,
    /// How hosts differ.
    pub naming: Naming,
    /// The port of the first host, and with [`Naming::Ports`] the next ones follow; 0 takes what is
    /// free.
    pub port: u16,
    /// robots.txt of each host; a line that names the sitemap is added. None: it is not found.
    pub robots: Option<String>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            graph: Graph::new(1, 100, 10),
            bytes: 2_000,
            latency: Duration::ZERO,
            naming: Naming::Ports,
            port: 0,
            robots: Some("User-agent: *\nDisallow: /private/\n".to_owned()),
        }
    }
}

/// How hosts differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Naming {
    /// Each has a port of its own at 127.0.0.1.
    Ports,
    /// All are at one port; the header `Host` says which is meant: `h0`, `h1` and so on, below this
    /// domain.
    Names(String),
}
