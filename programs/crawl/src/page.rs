//! What is told of a URL that was visited: one row.

use std::time::Duration;

use serde::Serialize;

/// One URL that was visited, whatever came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Page {
    /// The canonical URL that was asked for.
    pub url: String,
    /// How many links it is away from a start.
    pub depth: u32,
    /// The status of the response; none if there was no response.
    pub status: Option<u16>,
    /// Where it leads to, if it redirects: a URL that is visited by itself.
    pub redirect: Option<String>,
    /// How many redirects led here.
    pub redirects: u32,
    /// The type that the response names.
    pub content_type: Option<String>,
    /// Bytes of the body, after decompression.
    pub bytes: u64,
    /// From the request to the end of the body.
    pub elapsed: Duration,
    /// The title of an HTML document.
    pub title: Option<String>,
    /// Different URLs that it links to, those that are not followed as well.
    pub links: u32,
    /// Why it is not a page, if it is none.
    pub error: Option<ErrorKind>,
    /// What went wrong, in words.
    pub message: Option<String>,
    /// Requests that were made for it, with those that were repeated.
    pub attempts: u32,
    /// When the visit ended: microseconds since 1970, UTC.
    pub fetched_at: i64,
}

/// Why a URL gave no page. Each kind is counted in the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// robots.txt forbids it, or could not be had.
    Robots,
    /// The name has no address.
    Dns,
    /// Its address is private, loopback or link-local, and that is not allowed.
    Address,
    /// No connection, or it was cut.
    Connect,
    /// The certificate is not valid for the name, or TLS failed otherwise.
    Tls,
    /// A time limit passed: for the connection, the head, the body, or a body that comes too slowly.
    Timeout,
    /// The response is not HTTP: a head that is too long, a body shorter than announced, broken chunks.
    Protocol,
    /// The body is longer than allowed, before or after decompression.
    TooLarge,
    /// The body could not be decompressed.
    Encoding,
    /// Redirects lead in a circle, are too many, or lead to no URL.
    Redirect,
    /// The server answered with a status from 400 to 499.
    Client,
    /// The server answered with a status from 500 to 599.
    Server,
    /// The host failed so often that it is left alone.
    HostDown,
}

impl ErrorKind {
    /// The name in reports and tables.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(crawl::page::ErrorKind::TooLarge.name(), "too_large");
    /// ```
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Robots => "robots",
            Self::Dns => "dns",
            Self::Address => "address",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Protocol => "protocol",
            Self::TooLarge => "too_large",
            Self::Encoding => "encoding",
            Self::Redirect => "redirect",
            Self::Client => "client",
            Self::Server => "server",
            Self::HostDown => "host_down",
        }
    }
}
