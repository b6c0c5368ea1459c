//! How far from its start a crawl goes. It looks at addresses only, never at how a page was found.

use super::Address;

/// Which links of a crawl are followed, seen from the start that led to them.
///
/// `http` and `https` are alike where both use their own port, and so are `example.com` and
/// `www.example.com`: a start often redirects from one to the other, and a crawl that ended there
/// would be of no use to anybody. Other ports and other subdomains are other sites.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// The start alone, and no link.
    Page,
    /// The same site, and a path that begins as the start's does, up to its last slash: `/docs/`
    /// for `/docs/index.html`.
    Prefix,
    /// The same site.
    #[default]
    Host,
    /// Every host and every port of the same registrable domain.
    Domain,
    /// Everything.
    Any,
}

impl Scope {
    /// Whether `candidate` belongs to a crawl that began at `seed`.
    ///
    /// # Cost
    /// Some comparisons of text, no allocation; `Domain` looks both hosts up in the public suffix
    /// list.
    ///
    /// # Examples
    /// ```
    /// use crawl::address::{Address, Canonical, Scope};
    ///
    /// let address = |text| Address::parse(text, &Canonical::default());
    /// let seed = address("http://example.com/docs/start.html")?;
    /// assert!(Scope::Prefix.admits(&seed, &address("https://www.example.com/docs/next.html")?));
    /// assert!(!Scope::Prefix.admits(&seed, &address("http://example.com/blog/")?));
    /// assert!(Scope::Domain.admits(&seed, &address("http://blog.example.com/")?));
    /// # Ok::<(), crawl::address::AddressError>(())
    /// ```
    #[must_use]
    pub fn admits(self, seed: &Address, candidate: &Address) -> bool {
        match self {
            Self::Page => seed == candidate,
            Self::Prefix => {
                same_site(seed, candidate) && candidate.path().starts_with(directory(seed))
            }
            Self::Host => same_site(seed, candidate),
            Self::Domain => seed.host() == candidate.host() || seed.domain() == candidate.domain(),
            Self::Any => true,
        }
    }
}

fn same_site(one: &Address, other: &Address) -> bool {
    one.origin() == other.origin() || name(one) == name(other) && port(one) == port(other)
}

fn name(address: &Address) -> &str {
    let host = address.host();
    // `www.com` is a domain of its own, and not the same as `com`.
    host.strip_prefix("www.").filter(|rest| rest.contains('.')).unwrap_or(host)
}

/// The port, if it is not the scheme's own.
fn port(address: &Address) -> Option<u16> {
    let own = if address.is_https() { 443 } else { 80 };
    Some(address.port()).filter(|port| *port != own)
}

fn directory(address: &Address) -> &str {
    let path = address.path();
    &path[..path.rfind('/').map_or(0, |at| at + 1)]
}
