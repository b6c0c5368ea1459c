//! URLs as the crawler knows them: canonical, in scope or not, and no traps. Nothing is fetched or
//! resolved here.

mod canonical;
mod options;
mod plain;
mod read;
mod scope;
mod tracking;
mod traps;

use std::fmt;
use std::hash::{Hash, Hasher};

use twox_hash::XxHash3_128;
use url::Url;

pub use canonical::AddressError;
pub use options::Canonical;
pub use scope::Scope;
pub use traps::{TrapKind, Traps};

/// A canonical `http` or `https` URL, in one piece of text.
///
/// Two URLs that name the same resource by the rules of WHATWG and of RFC 3986 have one text, so
/// that a page is known again: scheme and host in lower case, the host in ASCII (IDNA) and without
/// its last dot, no default port, no user name or password, no fragment, no empty query, no dot
/// segments, `%7E` as `~` and `%c3` as `%C3`. The order of parameters and `+` are kept, for
/// servers may distinguish them.
///
/// A user name and a password are dropped, not refused: the page is the same one without them, a
/// secret in a link is nobody's to send or to store, and `http://bank.example@evil.example/` leads
/// to where it would have led.
///
/// # Cost
/// 32 bytes and one piece of memory as long as the text. A link that needs no change, and most need
/// none, is joined without a parse of the whole.
///
/// # Examples
/// ```
/// use crawl::address::{Address, Canonical};
///
/// let page = Address::parse("HTTP://User@Example.COM.:80/a/./b%7E?#top", &Canonical::default())?;
/// assert_eq!(page.as_str(), "http://example.com/a/b~");
/// assert_eq!(page.join("../c?d=1", &Canonical::default())?.as_str(), "http://example.com/c?d=1");
/// # Ok::<(), crawl::address::AddressError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    text: Box<str>,
    parts: Parts,
}

/// Where the parts of an address begin and end in its text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Parts {
    host_start: u32,
    host_end: u32,
    path_start: u32,
    path_end: u32,
}

impl Address {
    /// The longest text that is looked at, in bytes. Longer ones are refused before any work is
    /// done on them.
    pub const MAX_INPUT: usize = 64 * 1024;

    /// The whole, without a fragment.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The address as the `url` crate knows it. Costs a parse.
    ///
    /// # Panics
    /// Never: the text came from that crate, or is of a form that it leaves as it is.
    #[must_use]
    pub fn url(&self) -> Url {
        Url::parse(&self.text)
            .expect("an address is a URL that was parsed before, and parsing again changes nothing")
    }

    /// 128 bits that stand for the address in the set of what was seen. By chance two of ten
    /// million addresses share a key with a probability below 10^-24.
    #[must_use]
    pub fn key(&self) -> u128 {
        XxHash3_128::oneshot(self.text.as_bytes())
    }

    /// Scheme, host and port: the unit of robots.txt and of politeness.
    ///
    /// # Examples
    /// ```
    /// # use crawl::address::{Address, Canonical};
    /// let page = Address::parse("https://example.com:8443/a", &Canonical::default())?;
    /// assert_eq!(page.origin(), "https://example.com:8443");
    /// # Ok::<(), crawl::address::AddressError>(())
    /// ```
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.text[..self.parts.path_start as usize]
    }

    /// The host: a name, an IPv4 address, or an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.text[self.parts.host_start as usize..self.parts.host_end as usize]
    }

    /// The port, 80 or 443 if the text names none.
    #[must_use]
    pub fn port(&self) -> u16 {
        let named = &self.text[self.parts.host_end as usize..self.parts.path_start as usize];
        let default = if self.is_https() { 443 } else { 80 };
        named.strip_prefix(':').and_then(|port| port.parse().ok()).unwrap_or(default)
    }

    /// Whether the scheme is `https`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.text.starts_with("https:")
    }

    /// The path, which begins with a slash.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.text[self.parts.path_start as usize..self.parts.path_end as usize]
    }

    /// The query without its question mark, if there is one; it is never empty.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.text[self.parts.path_end as usize..].strip_prefix('?')
    }

    /// Path and query: what is asked of the server, and what robots.txt is about.
    #[must_use]
    pub fn path_and_query(&self) -> &str {
        &self.text[self.parts.path_start as usize..]
    }

    /// The registrable domain by the public suffix list: `example.co.uk` of `www.example.co.uk`. It
    /// is the host itself if that is an IP address, a name without a dot, or a public suffix.
    ///
    /// # Examples
    /// ```
    /// # use crawl::address::{Address, Canonical};
    /// let domain = |url| Address::parse(url, &Canonical::default()).map(|address| address.domain().to_owned());
    /// assert_eq!(domain("http://www.example.co.uk/")?, "example.co.uk");
    /// assert_eq!(domain("http://127.0.0.1/")?, "127.0.0.1");
    /// # Ok::<(), crawl::address::AddressError>(())
    /// ```
    #[must_use]
    pub fn domain(&self) -> &str {
        let host = self.host();
        // The last label of a name is no number, by WHATWG; a host that ends with one is an IPv4
        // address.
        if host.starts_with('[')
            || host.ends_with(|last: char| last.is_ascii_digit()) && is_ipv4(host)
        {
            return host;
        }
        psl::domain_str(host).unwrap_or(host)
    }

    /// Of text that is canonical.
    fn of(text: String, parts: Parts) -> Self {
        Self { text: text.into_boxed_str(), parts }
    }
}

fn is_ipv4(host: &str) -> bool {
    host.parse::<std::net::Ipv4Addr>().is_ok()
}

impl Parts {
    /// Of canonical text. The host begins after the scheme, and the path with the first slash
    /// behind it.
    fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let host_start = if text.starts_with("https") { 8 } else { 7 };
        let path_start =
            memchr::memchr(b'/', &bytes[host_start..]).map_or(bytes.len(), |at| host_start + at);
        let path_end =
            memchr::memchr(b'?', &bytes[path_start..]).map_or(bytes.len(), |at| path_start + at);
        // Colons are also inside the brackets of an IPv6 address, and there only.
        let authority = &bytes[host_start..path_start];
        let named = memchr::memrchr(b']', authority).unwrap_or(0);
        let host_end = memchr::memchr(b':', &authority[named..])
            .map_or(path_start, |at| host_start + named + at);
        let small = |at: usize| {
            u32::try_from(at).expect("an address is shorter than four gigabytes, by MAX_INPUT")
        };
        Self {
            host_start: small(host_start),
            host_end: small(host_end),
            path_start: small(path_start),
            path_end: small(path_end),
        }
    }
}

impl Hash for Address {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl AsRef<str> for Address {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.text)
    }
}
