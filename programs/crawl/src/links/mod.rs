//! Links in what was fetched: HTML, style sheets, feeds, and the head of the response. It decides
//! nothing about what is followed.

mod charset;
mod collect;
mod css;
mod directives;
mod element;
mod entity;
mod feed;
mod header;
mod html;
mod srcset;

use crate::address::{Address, Canonical};

use collect::Collector;

pub use directives::Directives;

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

/// Reads a document.
///
/// The character set is that of the byte order mark, of the header, of a `meta` element in the
/// first 1,024 bytes, or a guess, in this order. Links are resolved against the first `base`
/// element, and those of a document that is not UTF-8 are encoded as browsers do. What stands in
/// `noscript` counts, what stands in comments, scripts and text areas does not.
///
/// # Cost
/// One pass over the body. Memory is bounded by the body's length and some megabytes, whatever is
/// in it.
///
/// # Examples
/// ```
/// use crawl::address::{Address, Canonical};
/// use crawl::links::{Document, LinkKind, extract};
///
/// let page = Address::parse("http://example.com/a/", &Canonical::default())?;
/// let body = b"<title>Tom &amp; Co</title><a href='b?x=1&amp;y=2'>b</a><img src=/c.png>";
/// let found = extract(&Document::new(&page, Some("text/html"), body), &Canonical::default());
/// assert_eq!(found.title.as_deref(), Some("Tom & Co"));
/// assert_eq!(found.links[0].address.as_str(), "http://example.com/a/b?x=1&y=2");
/// assert_eq!(found.links[1].kind, LinkKind::Image);
/// # Ok::<(), crawl::address::AddressError>(())
/// ```
#[must_use]
pub fn extract(document: &Document<'_>, canonical: &Canonical) -> Extracted {
    let mut collector = Collector::new(document.agent);
    header::read(document, &mut collector);
    let format = Format::of(document);
    if format == Format::Other {
        return collector.finish(document.address, encoding_rs::UTF_8, canonical);
    }
    let encoding = charset::of(document);
    let text = charset::decode(document.body, encoding);
    match format {
        Format::Html => html::read(&text, &mut collector),
        Format::Css => css::read(&text, &mut |href, kind| collector.link(href, kind, false)),
        Format::Feed => feed::read(&text, &mut collector),
        Format::Other => {}
    }
    collector.finish(document.address, encoding, canonical)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Html,
    Css,
    Feed,
    Other,
}

/// What HTML begins with, WHATWG MIME Sniffing, section 7.1.
const HTML_STARTS: [&[u8]; 17] = [
    b"<!doctype html",
    b"<html",
    b"<head",
    b"<script",
    b"<iframe",
    b"<h1",
    b"<div",
    b"<font",
    b"<table",
    b"<a",
    b"<style",
    b"<title",
    b"<b",
    b"<body",
    b"<br",
    b"<p",
    b"<!--",
];

/// Whether a text begins with this tag, and not with another one whose name begins so.
fn begins_with(start: &[u8], tag: &[u8]) -> bool {
    let rest = start.strip_prefix(tag);
    rest.is_some_and(|rest| {
        tag == b"<!--"
            || rest.first().is_some_and(|byte| *byte == b'>' || byte.is_ascii_whitespace())
    })
}

impl Format {
    /// By the header; a document without one, or whose header says nothing, is recognized by how it
    /// begins.
    fn of(document: &Document<'_>) -> Self {
        // Of several types the last one counts, as the Fetch standard has it; what is no type is
        // none.
        let types = document.content_type.unwrap_or_default().split(',');
        let mut essences = types.map(|one| one.split(';').next().unwrap_or_default().trim());
        let essence = essences.rfind(|essence| essence.contains('/')).unwrap_or_default();
        match essence.to_ascii_lowercase().as_str() {
            "text/html" | "application/xhtml+xml" => Self::Html,
            "text/css" => Self::Css,
            "application/rss+xml" | "application/atom+xml" | "application/rdf+xml" => Self::Feed,
            "text/xml" | "application/xml" => Self::of_start(document.body, Self::Feed),
            "" | "unknown/unknown" | "application/unknown" | "*/*" => {
                Self::of_start(document.body, Self::Other)
            }
            _ => Self::Other,
        }
    }

    /// What it is by its beginning.
    fn of_start(body: &[u8], otherwise: Self) -> Self {
        let start = &body[..body.len().min(1024)];
        let start = start
            .strip_prefix(b"\xEF\xBB\xBF")
            .unwrap_or(start)
            .trim_ascii_start()
            .to_ascii_lowercase();
        let has = |part: &[u8]| memchr::memmem::find(&start, part).is_some();
        if has(b"<rss") || has(b"<feed") || has(b"<rdf:rdf") {
            Self::Feed
        } else if HTML_STARTS.iter().any(|tag| begins_with(&start, tag))
            || has(b"<html")
            || has(b"<head")
            || has(b"<body")
            || has(b"<a ")
        {
            Self::Html
        } else {
            otherwise
        }
    }
}
