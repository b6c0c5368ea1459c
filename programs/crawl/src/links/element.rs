//! Which attributes of which elements are links, and of what kind. How attributes are found is not
//! known here.

use super::collect::Collector;
use super::{LinkKind, css, header, srcset};

/// Gives the decoded value of an attribute.
type Attributes<'e> = dyn Fn(&str) -> Option<String> + 'e;

/// Adds the links of one element, whose name is in lower case.
pub(super) fn read(name: &str, attribute: &Attributes<'_>, collector: &mut Collector<'_>) {
    match name {
        "a" | "area" => anchor(attribute, collector),
        "link" => link(attribute, collector),
        "meta" => meta(attribute, collector),
        "base" => {
            if let Some(href) = attribute("href") {
                collector.base(href);
            }
        }
        "form" => form(attribute, collector),
        "iframe" | "frame" => plain("src", LinkKind::Frame, attribute, collector),
        "img" => {
            plain("src", LinkKind::Image, attribute, collector);
            candidates("srcset", attribute, collector);
        }
        "source" => {
            plain("src", LinkKind::Media, attribute, collector);
            candidates("srcset", attribute, collector);
        }
        // An image inside of SVG.
        "image" => {
            plain("href", LinkKind::Image, attribute, collector);
            plain("xlink:href", LinkKind::Image, attribute, collector);
        }
        "input" if attribute("type").is_some_and(|kind| kind.eq_ignore_ascii_case("image")) => {
            plain("src", LinkKind::Image, attribute, collector);
        }
        "script" => plain("src", LinkKind::Script, attribute, collector),
        "video" => {
            plain("src", LinkKind::Media, attribute, collector);
            plain("poster", LinkKind::Image, attribute, collector);
        }
        "audio" | "track" | "embed" => plain("src", LinkKind::Media, attribute, collector),
        "object" => plain("data", LinkKind::Media, attribute, collector),
        "body" | "table" | "td" | "th" => {
            plain("background", LinkKind::Image, attribute, collector)
        }
        _ => {}
    }
    if let Some(style) = attribute("style") {
        css::read(&style, &mut |href, kind| collector.link(href, kind, false));
    }
}

fn plain(name: &str, kind: LinkKind, attribute: &Attributes<'_>, collector: &mut Collector<'_>) {
    // An empty one would name the page itself, but says that there is nothing to load.
    if let Some(href) = attribute(name).filter(|href| !href.trim_ascii().is_empty()) {
        collector.link(href, kind, false);
    }
}

fn candidates(name: &str, attribute: &Attributes<'_>, collector: &mut Collector<'_>) {
    if let Some(value) = attribute(name) {
        for href in srcset::urls(&value) {
            collector.link(href, LinkKind::Image, false);
        }
    }
}

fn anchor(attribute: &Attributes<'_>, collector: &mut Collector<'_>) {
    let Some(href) = attribute("href").or_else(|| attribute("xlink:href")) else { return };
    let nofollow = attribute("rel").is_some_and(|rel| header::has_word(&rel, "nofollow"));
    collector.link(href, LinkKind::Anchor, nofollow);
}

fn link(attribute: &Attributes<'_>, collector: &mut Collector<'_>) {
    let Some(rel) = attribute("rel") else { return };
    if let Some(href) = attribute("href").filter(|href| !href.trim_ascii().is_empty()) {
        header::related(&rel, &href, attribute("as").as_deref(), collector);
    }
    candidates("imagesrcset", attribute, collector);
}

fn meta(attribute: &Attributes<'_>, collector: &mut Collector<'_>) {
    let Some(content) = attribute("content") else { return };
    if attribute("http-equiv").is_some_and(|name| name.trim_ascii().eq_ignore_ascii_case("refresh"))
    {
        header::refresh(&content, collector);
    }
    if let Some(name) = attribute("name") {
        let agent = collector.agent;
        collector.directives.meta(&name, &content, agent);
    }
}

fn form(attribute: &Attributes<'_>, collector: &mut Collector<'_>) {
    let sends_get = attribute("method").is_none_or(|method| {
        // What is no method is GET.
        !["post", "dialog"].iter().any(|other| method.trim_ascii().eq_ignore_ascii_case(other))
    });
    if sends_get {
        plain("action", LinkKind::Form, attribute, collector);
    }
}
