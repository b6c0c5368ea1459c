//! Reads a document: which format it has, and what its parts give.

use super::collect::Collector;
use super::{Document, Extracted, charset, css, feed, header, html};
use crate::address::Canonical;

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
