//! In which character set a document is written: its byte order mark, its header, itself, or a
//! guess, in this order.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};
use memchr::memmem;

use super::Document;

/// Bytes in which a document may name its own character set.
const HEAD: usize = 1024;

/// Bytes that a guess looks at.
const GUESSED: usize = 64 << 10;

pub(super) fn of(document: &Document<'_>) -> &'static Encoding {
    let body = document.body;
    if let Some((encoding, _)) = Encoding::for_bom(body) {
        return encoding;
    }
    document
        .content_type
        .and_then(|header| parameter(header.as_bytes()))
        .or_else(|| named_inside(&body[..body.len().min(HEAD)]))
        .unwrap_or_else(|| guess(body, document.address.host()))
}

/// The text. What is no letter in the encoding becomes U+FFFD, and the mark is no part of it.
pub(super) fn decode<'a>(body: &'a [u8], encoding: &'static Encoding) -> Cow<'a, str> {
    encoding.decode_with_bom_removal(body).0
}

fn guess(body: &[u8], host: &str) -> &'static Encoding {
    // Most documents that say nothing are UTF-8, and that is seen quickly.
    if Encoding::utf8_valid_up_to(body) == body.len() {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let whole = body.len() <= GUESSED;
    detector.feed(&body[..body.len().min(GUESSED)], whole);
    let top = host
        .rsplit('.')
        .next()
        .filter(|top| top.bytes().all(|byte| byte.is_ascii_lowercase()) && !top.is_empty());
    // A text that is cut or broken somewhere is still UTF-8.
    detector.guess(top.map(str::as_bytes), Utf8Detection::Allow)
}

/// The encoding that a parameter `charset` names, in a header or in a `meta` element's content.
fn parameter(value: &[u8]) -> Option<&'static Encoding> {
    let lower = value.to_ascii_lowercase();
    let mut from = 0;
    loop {
        let at = from + memmem::find(&lower[from..], b"charset")?;
        from = at + b"charset".len();
        if let [b'=', label @ ..] = lower[from..].trim_ascii_start() {
            return Encoding::for_label(label_of(label.trim_ascii_start()));
        }
    }
}

/// The label without its quotes.
fn label_of(text: &[u8]) -> &[u8] {
    match text {
        [quote @ (b'"' | b'\''), rest @ ..] => {
            rest.split(|byte| byte == quote).next().unwrap_or_default()
        }
        rest => rest
            .split(|byte| byte.is_ascii_whitespace() || matches!(byte, b';' | b',' | b'"' | b'\''))
            .next()
            .unwrap_or_default(),
    }
}

/// The encoding that a document names in a `meta` element, an XML declaration, or an `@charset`
/// rule.
fn named_inside(head: &[u8]) -> Option<&'static Encoding> {
    let start = head.trim_ascii_start();
    let named = if start.starts_with(b"<?xml") {
        let end = memmem::find(start, b"?>").unwrap_or(start.len());
        attribute(&start[..end], b"encoding").and_then(Encoding::for_label)
    } else if let Some(rest) = start.strip_prefix(b"@charset \"") {
        Encoding::for_label(rest.split(|byte| *byte == b'"').next().unwrap_or_default())
    } else {
        None
    };
    let named = named.or_else(|| in_meta(head))?;
    // It could be read, so it is none of these.
    Some(if named == UTF_16LE || named == UTF_16BE {
        UTF_8
    } else if named == X_USER_DEFINED {
        WINDOWS_1252
    } else {
        named
    })
}

fn in_meta(head: &[u8]) -> Option<&'static Encoding> {
    let mut rest = head;
    while let Some(at) = memchr::memchr(b'<', rest) {
        rest = &rest[at..];
        if rest.starts_with(b"<!--") {
            // Shorter comments end with the same bytes that begin them.
            rest = &rest[2 + memmem::find(&rest[2..], b"-->")?..];
            continue;
        }
        let is_meta = rest.get(1..5).is_some_and(|name| name.eq_ignore_ascii_case(b"meta"))
            && rest.get(5).is_some_and(|byte| byte.is_ascii_whitespace() || *byte == b'/');
        if is_meta {
            let end = memchr::memchr(b'>', rest).unwrap_or(rest.len());
            if let Some(encoding) = of_meta(&rest[5..end]) {
                return Some(encoding);
            }
        }
        rest = &rest[1..];
    }
    None
}

fn of_meta(attributes: &[u8]) -> Option<&'static Encoding> {
    if let Some(label) = attribute(attributes, b"charset") {
        return Encoding::for_label(label);
    }
    let names_type = attribute(attributes, b"http-equiv")
        .is_some_and(|name| name.eq_ignore_ascii_case(b"content-type"));
    if names_type { attribute(attributes, b"content").and_then(parameter) } else { None }
}

/// The value of an attribute, in the text of a tag.
fn attribute<'t>(tag: &'t [u8], wanted: &[u8]) -> Option<&'t [u8]> {
    let mut rest = tag;
    loop {
        let skipped = rest.iter().position(|byte| !byte.is_ascii_whitespace() && *byte != b'/')?;
        rest = &rest[skipped..];
        let end = rest
            .iter()
            .position(|byte| byte.is_ascii_whitespace() || matches!(byte, b'=' | b'/'))
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let Some(value) = after.trim_ascii_start().strip_prefix(b"=") else {
            // It has no value. A name is never empty but before `=`, which is passed below.
            rest = after;
            continue;
        };
        let value = value.trim_ascii_start();
        let (value, behind) = match value {
            [quote @ (b'"' | b'\''), inside @ ..] => {
                let end = memchr::memchr(*quote, inside).unwrap_or(inside.len());
                (&inside[..end], inside.get(end + 1..).unwrap_or_default())
            }
            value => value
                .split_at(value.iter().position(u8::is_ascii_whitespace).unwrap_or(value.len())),
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = behind;
    }
}
