//! HTML, element by element, by a streaming parser. Which attributes are links is known elsewhere.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::LazyLock;

use lol_html::html_content::{Element, TextChunk};
use lol_html::{
    ElementContentHandlers, HandlerResult, HtmlRewriter, MemorySettings, Selector, Settings,
};

use super::collect::Collector;
use super::{css, element, entity};

/// Memory for elements that are open. It is enough for some hundred thousand, which no page of good
/// will has.
const MAX_OPEN_BYTES: usize = 32 << 20;

/// Bytes of a title, of one style element and of one `noscript` that are looked at.
const MAX_TITLE: usize = 16 << 10;
const MAX_TEXT: usize = 4 << 20;

struct Selectors {
    any: Selector,
    title: Selector,
    image_title: Selector,
    style: Selector,
    noscript: Selector,
}

/// To parse them costs more than to read a small page.
static SELECTORS: LazyLock<Selectors> = LazyLock::new(|| {
    let parse =
        |text: &str| text.parse().expect("the selector is a constant, and the tests use it");
    Selectors {
        any: parse("*"),
        title: parse("title"),
        image_title: parse("svg title"),
        style: parse("style"),
        noscript: parse("noscript"),
    }
});

/// What the handlers share.
struct State<'c, 'a> {
    collector: &'c mut Collector<'a>,
    /// What was read of the title; none outside of the one that counts.
    title: Option<String>,
    style: String,
    noscript: String,
}

impl State<'_, '_> {
    fn element(&mut self, element: &Element<'_, '_>) {
        let name = element.tag_name();
        if name == "title" {
            self.title = (!self.collector.has_title()).then(String::new);
        }
        element::read(&name, &|name: &str| attribute(element, name), self.collector);
    }

    fn title(&mut self, chunk: &TextChunk<'_>) {
        if let Some(title) = &mut self.title {
            push_bounded(title, chunk.as_str(), MAX_TITLE);
        }
        if chunk.last_in_text_node() {
            self.end_of_title();
        }
    }

    fn end_of_title(&mut self) {
        if let Some(title) = self.title.take() {
            self.collector.title(&entity::decode_text(&title));
        }
    }

    fn style(&mut self, chunk: &TextChunk<'_>) {
        push_bounded(&mut self.style, chunk.as_str(), MAX_TEXT);
        if chunk.last_in_text_node() {
            self.end_of_style();
        }
    }

    fn end_of_style(&mut self) {
        css::read(&self.style, &mut |href, kind| self.collector.link(href, kind, false));
        self.style.clear();
    }

    fn noscript(&mut self, chunk: &TextChunk<'_>) {
        push_bounded(&mut self.noscript, chunk.as_str(), MAX_TEXT);
    }
}

/// The value of an attribute, with its references decoded.
fn attribute(element: &Element<'_, '_>, name: &str) -> Option<String> {
    let value = element.get_attribute(name)?;
    Some(match entity::decode_attribute(&value) {
        Cow::Borrowed(_) => value,
        Cow::Owned(decoded) => decoded,
    })
}

fn push_bounded(text: &mut String, more: &str, most: usize) {
    let room = most.saturating_sub(text.len());
    text.push_str(&more[..more.floor_char_boundary(room)]);
}

/// Adds what a page has.
pub(super) fn read(text: &str, collector: &mut Collector<'_>) {
    let noscript = pass(text, collector);
    if !noscript.is_empty() {
        // For the parser this is text, as it is for browsers that run scripts.
        pass(&noscript, collector);
    }
}

type Shared<'c, 'a> = Rc<RefCell<State<'c, 'a>>>;

fn on_element<'c, 'a>(
    state: &Shared<'c, 'a>,
    add: fn(&mut State<'c, 'a>, &Element<'_, '_>),
) -> impl FnMut(&mut Element<'_, '_>) -> HandlerResult + use<'c, 'a> {
    let state = Rc::clone(state);
    move |element| {
        add(&mut state.borrow_mut(), element);
        Ok(())
    }
}

fn on_text<'c, 'a>(
    state: &Shared<'c, 'a>,
    add: fn(&mut State<'c, 'a>, &TextChunk<'_>),
) -> impl FnMut(&mut TextChunk<'_>) -> HandlerResult + use<'c, 'a> {
    let state = Rc::clone(state);
    move |chunk| {
        add(&mut state.borrow_mut(), chunk);
        Ok(())
    }
}

/// Reads a text, and gives what stands in its `noscript` elements.
fn pass(text: &str, collector: &mut Collector<'_>) -> String {
    let state = Rc::new(RefCell::new(State {
        collector,
        title: None,
        style: String::new(),
        noscript: String::new(),
    }));
    let selectors = &*SELECTORS;
    let settings = Settings::new()
        .append_element_content_handler((
            Cow::Borrowed(&selectors.any),
            ElementContentHandlers::default().element(on_element(&state, State::element)),
        ))
        .append_element_content_handler((
            Cow::Borrowed(&selectors.image_title),
            ElementContentHandlers::default()
                .element(on_element(&state, |state, _| state.title = None)),
        ))
        .append_element_content_handler((
            Cow::Borrowed(&selectors.title),
            ElementContentHandlers::default().text(on_text(&state, State::title)),
        ))
        .append_element_content_handler((
            Cow::Borrowed(&selectors.style),
            ElementContentHandlers::default().text(on_text(&state, State::style)),
        ))
        .append_element_content_handler((
            Cow::Borrowed(&selectors.noscript),
            ElementContentHandlers::default().text(on_text(&state, State::noscript)),
        ))
        .with_memory_settings(MemorySettings::new().with_max_allowed_memory_usage(MAX_OPEN_BYTES))
        .with_strict(false);
    let mut rewriter = HtmlRewriter::new(settings, |_: &[u8]| {});
    let whole = rewriter.write(text.as_bytes()).and_then(|()| rewriter.end());
    let mut state = state.borrow_mut();
    // The last title or style may lack its end.
    state.end_of_title();
    state.end_of_style();
    if whole.is_err() {
        state.collector.is_complete = false;
    }
    std::mem::take(&mut state.noscript)
}
