//! What came back, and what its head says.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{CONTENT_TYPE, HeaderName, LOCATION, RETRY_AFTER};
use memchr::memmem;
use url::Url;

use crate::page::ErrorKind;

/// A response, complete and decompressed, of whatever status.
#[derive(Clone, Debug)]
pub struct Response {
    /// From 200 to 999, or 101.
    pub status: u16,
    /// HTTP/1.0 or HTTP/1.1.
    pub version: hyper::Version,
    /// The fields as they came; those about compression too.
    pub headers: HeaderMap,
    /// The body after decompression.
    pub body: Bytes,
    /// Whether the body is only the beginning, as [`Ask::cut`](super::Ask::cut) has it.
    pub truncated: bool,
    /// Bytes that were received: head, framing, and the body before decompression.
    pub wire_bytes: u64,
    /// Who answered.
    pub remote: SocketAddr,
    /// Where a redirect leads to, seen from the URL; none without a redirect, or if it leads to no
    /// URL.
    pub location: Option<Url>,
    /// How long the server asks clients to wait; zero if the moment has passed.
    pub retry_after: Option<Duration>,
    /// From the call to the end of the body.
    pub elapsed: Duration,
    /// The bytes as they went over the wire, if [`Settings::keep_wire`](super::Settings::keep_wire)
    /// is set.
    pub capture: Option<Box<Capture>>,
}

/// One request and its response, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// The URL that was asked for.
    pub url: String,
    /// When the request was sent.
    pub at: SystemTime,
    /// Who answered.
    pub remote: SocketAddr,
    /// The request as it was sent.
    pub request: Bytes,
    /// The response as it was received, without interim responses before it.
    pub response: Bytes,
    /// Whether the response is only the beginning.
    pub truncated: bool,
}

impl Response {
    /// A field as text; none if it is missing or is not ASCII.
    ///
    /// # Cost
    /// A look into a hash table.
    #[must_use]
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The type that the response names, with its parameters.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.header(&CONTENT_TYPE)
    }

    /// Whether it redirects: 301, 302, 303, 307 or 308.
    #[must_use]
    pub fn is_redirect(&self) -> bool {
        is_redirect(self.status)
    }

    /// What a status counts as that gives no page: 400 to 499, 500 and above, and a redirect that
    /// leads to no URL.
    #[must_use]
    pub fn error_kind(&self) -> Option<ErrorKind> {
        match self.status {
            400..=499 => Some(ErrorKind::Client),
            // RFC 9110, section 15: a status above 599 counts as one of 500 to 599.
            500.. => Some(ErrorKind::Server),
            _ if self.is_redirect() && self.location.is_none() => Some(ErrorKind::Redirect),
            _ => None,
        }
    }
}

fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// Where a response of this status at `url` leads to.
pub(super) fn location(url: &Url, status: u16, headers: &HeaderMap) -> Option<Url> {
    if !is_redirect(status) {
        return None;
    }
    // Servers send UTF-8 as it is, against the rules, and browsers understand it. In other
    // encodings each byte is escaped.
    let value = headers.get(LOCATION)?.as_bytes();
    let value = match std::str::from_utf8(value) {
        Ok(value) => Cow::Borrowed(value),
        Err(_) => Cow::Owned(value.iter().map(|byte| escaped(*byte)).collect()),
    };
    url.join(&value).ok()
}

fn escaped(byte: u8) -> String {
    if byte.is_ascii() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
}

/// Both forms of Retry-After: seconds, or the moment.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number holds mean forever.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::from(u32::MAX))));
    }
    let moment = httpdate::parse_http_date(value).ok()?;
    Some(moment.duration_since(now).unwrap_or_default())
}

/// A message without the interim responses (status 1xx) that came before it.
pub(super) fn without_interim(mut message: Bytes) -> Bytes {
    while let [_, _, _, _, _, _, _, _, b' ', b'1', ..] = *message
        && !message[9..].starts_with(b"101")
        && let Some(end) = memmem::find(&message, b"\r\n\r\n")
    {
        message = message.slice(end + 4..);
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &[u8]) -> HeaderMap {
        HeaderMap::from_iter([(name, hyper::header::HeaderValue::from_bytes(value).unwrap())])
    }

    #[test]
    fn interim_responses_are_no_part_of_a_message() {
        let message = |text: &'static str| without_interim(Bytes::from_static(text.as_bytes()));
        assert_eq!(
            message(
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 200 OK"
            ),
            "HTTP/1.1 200 OK"
        );
        assert_eq!(message("HTTP/1.1 101 Other\r\n\r\nx"), "HTTP/1.1 101 Other\r\n\r\nx");
        assert_eq!(message(""), "");
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now = httpdate::parse_http_date("Thu, 26 Nov 2026 16:00:00 GMT").unwrap();
        let read = |value: &str| retry_after(&headers(RETRY_AFTER, value.as_bytes()), now);
        assert_eq!(read("120"), Some(Duration::from_secs(120)));
        assert_eq!(read(" 0 "), Some(Duration::ZERO));
        assert_eq!(read("99999999999999999999"), Some(Duration::from_secs(u64::from(u32::MAX))));
        assert_eq!(read("Thu, 26 Nov 2026 16:01:00 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(read("Thursday, 26-Nov-26 16:01:00 GMT"), Some(Duration::from_secs(60)));
        assert_eq!(read("Thu, 26 Nov 2026 15:00:00 GMT"), Some(Duration::ZERO));
        for value in ["", "-1", "+1", "1.5", "soon"] {
            assert_eq!(read(value), None, "{value:?}");
        }
    }

    #[test]
    fn a_location_is_seen_from_the_url_and_counts_only_with_a_redirect() {
        let url: Url = "http://example.com/a/b?c".parse().unwrap();
        let read = |status, value: &str| {
            location(&url, status, &headers(LOCATION, value.as_bytes())).map(String::from)
        };
        assert_eq!(read(301, "../d").as_deref(), Some("http://example.com/d"));
        assert_eq!(read(308, "//other.example/x").as_deref(), Some("http://other.example/x"));
        assert_eq!(read(302, "/\u{fc}").as_deref(), Some("http://example.com/%C3%BC"));
        let latin1 =
            |value: &[u8]| location(&url, 302, &headers(LOCATION, value)).map(String::from);
        assert_eq!(latin1(b"/caf\xe9").as_deref(), Some("http://example.com/caf%E9"));
        assert_eq!(latin1(b"?q=\xe9&\xff").as_deref(), Some("http://example.com/a/b?q=%E9&%FF"));
        assert_eq!(read(302, "http://[x"), None);
        assert_eq!(read(200, "/d"), None);
        assert_eq!(read(304, "/d"), None);
    }
}
