//! Which links, titles and wishes are found in documents of all kinds.

mod charsets;
mod hostile;
mod markup;

use crawl::address::{Address, Canonical};
use crawl::links::{Document, Extracted, LinkKind, extract};

pub(crate) const PAGE: &str = "http://example.com/dir/page.html";

pub(crate) fn page() -> Address {
    Address::parse(PAGE, &Canonical::default()).unwrap()
}

pub(crate) fn of(content_type: &str, body: impl AsRef<[u8]>) -> Extracted {
    extract(&Document::new(&page(), Some(content_type), body.as_ref()), &Canonical::default())
}

pub(crate) fn html(body: impl AsRef<[u8]>) -> Extracted {
    of("text/html", body)
}

/// The links as text, those of the page's own host without it.
pub(crate) fn texts(found: &Extracted) -> Vec<&str> {
    let short = |text: &'static str| text;
    found
        .links
        .iter()
        .map(|link| {
            link.address
                .as_str()
                .strip_prefix(short("http://example.com"))
                .unwrap_or(link.address.as_str())
        })
        .collect()
}

pub(crate) fn kinds(found: &Extracted) -> Vec<LinkKind> {
    found.links.iter().map(|link| link.kind).collect()
}
