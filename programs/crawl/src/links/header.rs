//! Links in the head of a response, and what they have in common with those of `link` and `meta`
//! elements.

use super::collect::Collector;
use super::{Document, LinkKind};

/// Adds what the headers have.
pub(super) fn read(document: &Document<'_>, collector: &mut Collector<'_>) {
    for value in document.robots {
        collector.directives.header(value, document.agent);
    }
    for value in document.link {
        links(value, collector);
    }
    if let Some(value) = document.refresh {
        refresh(value, collector);
    }
}

/// Whether a list of words has one, in any case.
pub(super) fn has_word(list: &str, wanted: &str) -> bool {
    list.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case(wanted))
}

/// Adds a document that stands in a relation to this one. What is only to be prepared for, such as
/// a connection, is no link, and neither are relations that nobody has agreed on.
pub(super) fn related(
    rel: &str,
    href: &str,
    loaded_as: Option<&str>,
    collector: &mut Collector<'_>,
) {
    if has_word(rel, "canonical") {
        collector.canonical(href);
    }
    if let Some(kind) =
        rel.split_ascii_whitespace().filter_map(|word| kind(word, loaded_as)).max_by_key(rank)
    {
        collector.link(href, kind, has_word(rel, "nofollow"));
    }
}

/// An alternate style sheet is a style sheet.
fn rank(kind: &LinkKind) -> bool {
    *kind == LinkKind::Style
}

fn kind(word: &str, loaded_as: Option<&str>) -> Option<LinkKind> {
    let kind = match word.to_ascii_lowercase().as_str() {
        "alternate" | "amphtml" | "author" | "canonical" | "contents" | "first" | "glossary"
        | "help" | "home" | "index" | "last" | "license" | "next" | "prev" | "previous"
        | "prerender" | "search" | "shortlink" | "start" | "up" => LinkKind::Relation,
        "stylesheet" => LinkKind::Style,
        "icon"
        | "apple-touch-icon"
        | "apple-touch-icon-precomposed"
        | "apple-touch-startup-image"
        | "mask-icon"
        | "image_src" => LinkKind::Image,
        "modulepreload" => LinkKind::Script,
        "manifest" => LinkKind::Asset,
        "preload" | "prefetch" => match loaded_as.unwrap_or_default().to_ascii_lowercase().as_str()
        {
            "image" => LinkKind::Image,
            "style" => LinkKind::Style,
            "script" => LinkKind::Script,
            "audio" | "video" | "track" => LinkKind::Media,
            _ => LinkKind::Asset,
        },
        _ => return None,
    };
    Some(kind)
}

/// Adds where `meta http-equiv=refresh` and the `Refresh` header lead: `5; url='next'`. Without an
/// address, the page only loads itself again, which is no link.
pub(super) fn refresh(value: &str, collector: &mut Collector<'_>) {
    let rest = value.trim_ascii_start();
    let after_time =
        rest.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
    if after_time.len() == rest.len() {
        return;
    }
    let rest = after_time.trim_ascii_start();
    let rest = rest.strip_prefix([';', ',']).unwrap_or(rest).trim_ascii_start();
    let rest = strip_url(rest).unwrap_or(rest);
    let href = match rest.chars().next() {
        Some(quote @ ('"' | '\'')) => rest[1..].split(quote).next().unwrap_or_default(),
        _ => rest,
    };
    if !href.trim_ascii().is_empty() {
        collector.link(href, LinkKind::Refresh, false);
    }
}

/// What follows `url =`.
fn strip_url(text: &str) -> Option<&str> {
    let begin = text.get(..3)?;
    let rest = text[3..].trim_ascii_start().strip_prefix('=')?;
    begin.eq_ignore_ascii_case("url").then(|| rest.trim_ascii_start())
}

/// Adds the links of a `Link` header, RFC 8288: `<href>; rel="next"; as=image, <href>; ...`.
fn links(value: &str, collector: &mut Collector<'_>) {
    let mut rest = value;
    while let Some(start) = rest.find('<') {
        let after = &rest[start + 1..];
        let Some((href, parameters)) = after.split_once('>') else { return };
        let (parameters, next) = split_unquoted(parameters, ',');
        let (mut rel, mut loaded_as) = (None, None);
        let mut left = parameters;
        while !left.is_empty() {
            let (parameter, others) = split_unquoted(left, ';');
            left = others;
            let Some((name, value)) = parameter.split_once('=') else { continue };
            let value = value.trim_ascii().trim_matches('"');
            // The first one counts.
            match name.trim_ascii().to_ascii_lowercase().as_str() {
                "rel" => rel = rel.or(Some(value)),
                "as" => loaded_as = loaded_as.or(Some(value)),
                _ => {}
            }
        }
        if let Some(rel) = rel {
            related(rel, href, loaded_as, collector);
        }
        rest = next;
    }
}

/// The text up to a separator that is in no quotes, and what is behind it.
fn split_unquoted(text: &str, separator: char) -> (&str, &str) {
    let (mut quoted, mut escaped) = (false, false);
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            letter if letter == separator && !quoted => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
    }
    (text, "")
}
