//! Links in what was fetched: HTML, style sheets, feeds, and the head of the response. It decides
//! nothing about what is followed.

mod charset;
mod collect;
mod css;
mod directives;
mod element;
mod entity;
mod extract;
mod feed;
mod header;
mod html;
mod srcset;

use crate::address::Address;

pub use directives::Directives;
pub use extract::extract;

/// A response, as far as links are concerned.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// Where it was fetched; relative links start there.
    pub address: &'a Address,
    /// The value of the `Content-Type` header.
    pub content_type: Option<&'a str>,
    /// The values of the `Link` headers.
    pub link: &'a [&'a str],
    /// The value of the `Refresh` header.
    pub refresh: Option<&'a str>,
    /// The values of the `X-Robots-Tag` headers.
    pub robots: &'a [&'a str],
    /// The name of the crawler, which pages and headers may address.
    pub agent: &'a str,
    /// The body, decompressed.
    pub body: &'a [u8],
}

impl<'a> Document<'a> {
    /// A document without headers but its type.
    #[must_use]
    pub fn new(address: &'a Address, content_type: Option<&'a str>, body: &'a [u8]) -> Self {
        Self {
            address,
            content_type,
            link: &[],
            refresh: None,
            robots: &[],
            agent: "millstream",
            body,
        }
    }
}

/// What a document says of itself and of others.
#[derive(Clone, Debug, Default)]
pub struct Extracted {
    /// The first title of an HTML document or of a feed, with single spaces, and at most 1,024
    /// bytes.
    pub title: Option<String>,
    /// Each address once, in the order of the first link to it. Links in the head of the response
    /// come first.
    pub links: Vec<Link>,
    /// The address that the document names as its own.
    pub canonical: Option<Address>,
    /// What it asks of crawlers.
    pub directives: Directives,
    /// Links that are no `http` or `https` URL, such as `mailto:`.
    pub refused: u32,
    /// All of it was read. It is not if the document is nested too deeply, has more than
    /// [`Extracted::MAX_LINKS`] links, or is XML that breaks off.
    pub is_complete: bool,
}

impl Extracted {
    /// Links that are kept of one document.
    pub const MAX_LINKS: usize = 50_000;
}

/// One address that a document leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where it leads.
    pub address: Address,
    /// How. If several links lead there, the first that is navigation, or else the first.
    pub kind: LinkKind,
    /// All links to this address ask not to be followed: `rel=nofollow`, or the whole document asks
    /// for it.
    pub nofollow: bool,
}

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LinkKind {
    /// `a` and `area`.
    Anchor,
    /// `iframe` and `frame`.
    Frame,
    /// The action of a form that is sent with GET. Forms that are sent with POST change something,
    /// and are no links.
    Form,
    /// `meta http-equiv=refresh`, or the `Refresh` header.
    Refresh,
    /// `link` and the `Link` header, if they name another page: `alternate`, `next`, `prev`,
    /// `canonical` and their like.
    Relation,
    /// An entry of a feed.
    Entry,
    /// Images, icons and posters.
    Image,
    /// Style sheets.
    Style,
    /// Scripts.
    Script,
    /// Video, audio, and what is embedded.
    Media,
    /// Anything else that a page is made of: fonts and images of style sheets, manifests, what is
    /// loaded ahead.
    Asset,
}

impl LinkKind {
    /// Whether the link leads to another page, and is not a part of this one.
    #[must_use]
    pub fn is_navigation(self) -> bool {
        match self {
            Self::Anchor
            | Self::Frame
            | Self::Form
            | Self::Refresh
            | Self::Relation
            | Self::Entry => true,
            Self::Image | Self::Style | Self::Script | Self::Media | Self::Asset => false,
        }
    }
}
