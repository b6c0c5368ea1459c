//! What is stored of a URL that was visited: one row.

use std::time::Duration;

use connect::{Cells, ColumnType, Layout, Row, SinkError};
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

impl Page {
    /// The columns of a table of pages, in the order in which a page writes its cells.
    ///
    /// # Errors
    /// `table` is not a name that a table may have.
    ///
    /// # Examples
    /// ```
    /// let layout = crawl::page::Page::layout("pages")?;
    /// assert_eq!(layout.columns()[0].name(), "url");
    /// # Ok::<(), connect::SinkError>(())
    /// ```
    pub fn layout(table: &str) -> Result<Layout, SinkError> {
        use ColumnType::{Integer, Real, Text, Timestamp};
        let columns = [
            ("url", Text),
            ("status", Integer),
            ("redirect", Text),
            ("redirects", Integer),
            ("content_type", Text),
            ("bytes", Integer),
            ("elapsed_ms", Real),
            ("title", Text),
            ("links", Integer),
            ("error", Text),
            ("message", Text),
            ("depth", Integer),
            ("attempts", Integer),
            ("fetched_at", Timestamp),
        ];
        columns
            .into_iter()
            .try_fold(Layout::new(table)?, |layout, (name, kind)| layout.column(name, kind))
    }
}

impl Row for Page {
    fn write<C: Cells + ?Sized>(&self, cells: &mut C) {
        cells.text(&self.url);
        match self.status {
            Some(status) => cells.integer(status.into()),
            None => cells.null(),
        }
        text_or_null(cells, self.redirect.as_deref());
        cells.integer(self.redirects.into());
        text_or_null(cells, self.content_type.as_deref());
        cells.integer(i64::try_from(self.bytes).unwrap_or(i64::MAX));
        cells.real(self.elapsed.as_secs_f64() * 1e3);
        text_or_null(cells, self.title.as_deref());
        cells.integer(self.links.into());
        text_or_null(cells, self.error.map(ErrorKind::name));
        text_or_null(cells, self.message.as_deref());
        cells.integer(self.depth.into());
        cells.integer(self.attempts.into());
        cells.timestamp_ns(self.fetched_at.saturating_mul(1_000));
    }
}

fn text_or_null<C: Cells + ?Sized>(cells: &mut C, text: Option<&str>) {
    match text {
        Some(text) => cells.text(text),
        None => cells.null(),
    }
}

/// Why a URL gave no page. Each kind is counted in the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// robots.txt forbids it, or the host answered something else instead of it. Where there was no
    /// way to the host at all, the kind says why.
    Robots,
    /// The name has no address.
    Dns,
    /// Its address is private, loopback or link-local, and that is not allowed.
    Address,
    /// No connection, or it was cut.
    Connect,
    /// The certificate is not valid for the name, or TLS failed otherwise.
    Tls,
    /// A time limit passed: for the connection, the head, the body, or a body that comes too
    /// slowly.
    Timeout,
    /// The response is not HTTP: a head that is too long, a body shorter than announced, broken
    /// chunks.
    Protocol,
    /// The body is longer than allowed, before or after decompression.
    TooLarge,
    /// The body could not be decompressed.
    Encoding,
    /// Redirects lead in a circle, are too many, or lead to no URL.
    Redirect,
    /// The server answered with a status from 400 to 499.
    Client,
    /// The server answered with a status from 500 on.
    Server,
    /// The host failed so often that it was given up.
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
