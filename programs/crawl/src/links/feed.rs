//! Links of feeds: RSS, RDF and Atom. What is not understood is passed over, for feeds of all kinds
//! are broken in all ways.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::LinkKind;
use super::collect::Collector;
use super::entity;

/// Elements that may be inside of each other. The reader remembers each of them.
const MAX_DEPTH: u32 = 64;

/// Bytes of a title or an address that are kept.
const MAX_TEXT: usize = 64 << 10;

/// What the text of an element is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Title,
    Link,
}

pub(super) fn read(text: &str, collector: &mut Collector<'_>) {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    reader.config_mut().allow_dangling_amp = true;
    let mut depth = 0_u32;
    let mut wanted = None;
    let mut content = String::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                depth += 1;
                if depth > MAX_DEPTH {
                    collector.is_complete = false;
                    return;
                }
                content.clear();
                wanted = element(&start, collector);
            }
            Ok(Event::Empty(start)) => _ = element(&start, collector),
            Ok(Event::Text(text)) if wanted.is_some() => push(&mut content, &text),
            Ok(Event::CData(text)) if wanted.is_some() => push(&mut content, &text),
            Ok(Event::GeneralRef(name)) if wanted.is_some() => {
                push(&mut content, &entity::decode_text(&format!("&{};", &*name)));
            }
            Ok(Event::End(_)) => {
                depth = depth.saturating_sub(1);
                match wanted.take() {
                    Some(Wanted::Title) => collector.title(&content),
                    Some(Wanted::Link) if !content.trim_ascii().is_empty() => {
                        collector.link(content.as_str(), LinkKind::Entry, false);
                    }
                    _ => {}
                }
            }
            Ok(Event::Eof) => {
                collector.is_complete &= depth == 0;
                return;
            }
            Ok(_) => {}
            Err(_) => {
                collector.is_complete = false;
                return;
            }
        }
    }
}

fn push(content: &mut String, more: &str) {
    let room = MAX_TEXT.saturating_sub(content.len());
    content.push_str(&more[..more.floor_char_boundary(room)]);
}

/// Adds the links in an element's attributes, and returns what its text is.
fn element(start: &BytesStart<'_>, collector: &mut Collector<'_>) -> Option<Wanted> {
    match start.local_name().into_inner() {
        "title" => Some(Wanted::Title),
        "link" => match attribute(start, "href") {
            Some(href) => {
                let rel = attribute(start, "rel").unwrap_or_default();
                let kind = if rel == "enclosure" { LinkKind::Media } else { LinkKind::Entry };
                // The feed itself, and places for programs, are no entries.
                if !matches!(rel.as_str(), "self" | "hub" | "edit" | "replies") {
                    collector.link(href, kind, false);
                }
                None
            }
            None => Some(Wanted::Link),
        },
        "enclosure" => {
            if let Some(href) = attribute(start, "url") {
                collector.link(href, LinkKind::Media, false);
            }
            None
        }
        _ => None,
    }
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute =
        start.attributes().flatten().find(|attribute| attribute.key.as_ref() == name)?;
    Some(entity::decode_attribute(&attribute.value).into_owned())
}
