//! What a client is allowed, and how long it waits: every limit of a fetch in one place.

use std::time::Duration;

use tokio_rustls::rustls::pki_types::CertificateDer;

/// The number of fields that are read into a place on the stack; for another number one is
/// allocated each time.
pub(super) const MAX_HEADERS: usize = 100;

/// Limits and habits of a [`Client`](super::Client).
///
/// # Examples
/// ```
/// use crawl::fetch::Settings;
///
/// let settings = Settings { max_body: 1_000_000, ..Settings::default() };
/// assert_eq!(settings.timeout.as_secs(), 10);
/// assert!(!settings.allow_private);
/// ```
#[derive(Clone, Debug)]
pub struct Settings {
    /// The User-Agent header.
    pub user_agent: String,
    /// For all of it: name, connection, request, response. 10 s.
    pub timeout: Duration,
    /// For the name, the connection and TLS. 5 s.
    pub connect_timeout: Duration,
    /// From the request to the end of the response's head. 10 s.
    pub head_timeout: Duration,
    /// Between two arrivals of bytes of the body. 5 s.
    pub idle_timeout: Duration,
    /// The longest body in bytes, as it comes and after decompression. 10 MB.
    pub max_body: usize,
    /// The longest head in bytes, with interim responses (status 1xx) before it. 64 KiB.
    pub max_head: usize,
    /// The most fields of a head. 100, which a client reads without allocating for them.
    pub max_headers: usize,
    /// Whether addresses that are not public may be connected to: loopback, private, link-local and
    /// their like.
    pub allow_private: bool,
    /// Whether a response keeps what was sent and received byte for byte, for a WARC.
    pub keep_wire: bool,
    /// Connections without work that are kept for one origin. 64.
    pub idle_per_origin: usize,
    /// Connections without work that are kept in all; beyond, the one that has waited longest is
    /// closed. 512.
    pub idle_total: usize,
    /// How long a connection without work is kept. 15 s.
    pub keep_idle: Duration,
    /// How long the addresses of a name are believed. 5 minutes.
    pub name_ttl: Duration,
    /// How long it is believed that a name has no address. 10 s.
    pub missing_name_ttl: Duration,
    /// The most names that are remembered. 10,000.
    pub max_names: usize,
    /// Certificates to trust, in DER; without them those that the system trusts.
    pub roots: Option<Vec<CertificateDer<'static>>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            user_agent: concat!("millstream/", env!("CARGO_PKG_VERSION")).to_owned(),
            timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(5),
            max_body: 10_000_000,
            max_head: 64 * 1024,
            max_headers: MAX_HEADERS,
            allow_private: false,
            keep_wire: false,
            idle_per_origin: 64,
            idle_total: 512,
            keep_idle: Duration::from_secs(15),
            name_ttl: Duration::from_secs(300),
            missing_name_ttl: Duration::from_secs(10),
            max_names: 10_000,
            roots: None,
        }
    }
}

/// What is asked for one URL beyond the client's settings.
///
/// A text that cannot be a header's value (a line break in it) is left out of the request.
///
/// # Examples
/// ```
/// use crawl::fetch::Ask;
///
/// // The first 500 KiB of robots.txt, however long it is.
/// let robots = Ask { max_body: Some(500 * 1024), cut: true, ..Ask::default() };
/// assert_eq!(robots.accept, None);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// The types that are wanted; without it, HTML before all others.
    pub accept: Option<String>,
    /// The tag of the version that is known: the answer may be status 304.
    pub if_none_match: Option<String>,
    /// When the version that is known was changed, as the server wrote it: the answer may be status
    /// 304.
    pub if_modified_since: Option<String>,
    /// In place of [`Settings::max_body`].
    pub max_body: Option<usize>,
    /// Whether a body that is too long is cut at the limit and returned, instead of being a
    /// failure.
    pub cut: bool,
}
