//! Sitemaps that are XML: `urlset` and `sitemapindex`. Names count without their prefix, but only
//! direct children count, and with the prefix of their parent: `image:loc` is the address of a
//! image.

use quick_xml::Reader;
use quick_xml::errors::Error as XmlError;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::input::Input;
use super::{Entry, Kind, SitemapError};

/// Elements that may be inside of each other. The reader remembers each of them.
const MAX_DEPTH: usize = 32;

/// Bytes of a location that are kept; no URL is longer.
const MAX_TEXT: usize = 64 << 10;

/// Depths of the root, of an entry, and of what is said of it.
const ROOT: usize = 1;
const ENTRY: usize = 2;
const FIELD: usize = 3;

#[derive(Debug)]
pub(super) struct Xml<'a> {
    reader: Reader<Input<'a>>,
    buffer: Vec<u8>,
    state: State,
}

/// Which text is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Location,
    Modified,
    Neither,
}

#[derive(Debug)]
struct State {
    depth: usize,
    kind: Option<Kind>,
    /// The prefix of the entry that is being read; none outside of an entry.
    prefix: Option<String>,
    field: Field,
    location: String,
    modified: String,
}

impl<'a> Xml<'a> {
    pub(super) fn new(input: Input<'a>) -> Self {
        let mut reader = Reader::from_reader(input);
        // Addresses whose `&` is not escaped are the commonest mistake of all.
        reader.config_mut().allow_dangling_amp = true;
        let state = State {
            depth: 0,
            kind: None,
            prefix: None,
            field: Field::Neither,
            location: String::new(),
            modified: String::new(),
        };
        Self { reader, buffer: Vec::new(), state }
    }

    pub(super) fn kind(&self) -> Kind {
        self.state.kind.unwrap_or(Kind::Pages)
    }

    pub(super) fn next(&mut self) -> Option<Result<Entry, SitemapError>> {
        loop {
            self.buffer.clear();
            let event = match self.reader.read_event_into(&mut self.buffer) {
                Ok(event) => event,
                Err(error) => return Some(Err(self.error(&error))),
            };
            let step = match event {
                Event::Start(start) => self.state.start(&start),
                Event::Empty(start) => {
                    let started = self.state.start(&start);
                    started.map(|entry| entry.or(self.state.end()))
                }
                Event::Text(text) => self.state.text(&text).map(|()| None),
                Event::CData(text) => self.state.text(&text).map(|()| None),
                Event::GeneralRef(reference) => self.state.reference(&reference).map(|()| None),
                Event::End(_) => Ok(self.state.end()),
                Event::Eof => return self.end_of_file().map(Err),
                Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Comment(_) => Ok(None),
            };
            match step {
                Ok(Some(entry)) => return Some(Ok(entry)),
                Ok(None) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }

    fn end_of_file(&self) -> Option<SitemapError> {
        if self.reader.get_ref().is_cut() {
            Some(SitemapError::TooLarge)
        } else if self.state.depth > 0 {
            Some(SitemapError::Truncated)
        } else {
            self.state.kind.is_none().then_some(SitemapError::Other)
        }
    }

    fn error(&self, error: &XmlError) -> SitemapError {
        match error {
            // A tag that the limit cuts looks like a mistake.
            _ if self.reader.get_ref().is_cut() => SitemapError::TooLarge,
            XmlError::Io(error) => Input::error_of(error),
            // An end inside of a tag, a comment, or a section.
            XmlError::Syntax(_) => SitemapError::Truncated,
            _ => SitemapError::Syntax(self.reader.error_position()),
        }
    }
}

impl State {
    /// The entry that ends where another location begins: some sitemaps have several in one.
    fn start(&mut self, start: &BytesStart<'_>) -> Result<Option<Entry>, SitemapError> {
        self.depth += 1;
        let mut before = None;
        let name = start.name();
        let prefix =
            || name.prefix().map(|prefix| prefix.into_inner().to_owned()).unwrap_or_default();
        let local = start.local_name().into_inner();
        match self.depth {
            ROOT => {
                self.kind = match local {
                    "urlset" => Some(Kind::Pages),
                    "sitemapindex" => Some(Kind::Index),
                    _ => return Err(SitemapError::Other),
                };
            }
            ENTRY => {
                let wanted = if self.kind == Some(Kind::Index) { "sitemap" } else { "url" };
                self.prefix = (local == wanted).then(prefix);
                self.location.clear();
                self.modified.clear();
            }
            FIELD if self.prefix == Some(prefix()) => {
                self.field = match local {
                    "loc" => {
                        before = self.entry();
                        self.location.clear();
                        Field::Location
                    }
                    "lastmod" => Field::Modified,
                    _ => Field::Neither,
                };
            }
            depth if depth > MAX_DEPTH => return Err(SitemapError::TooDeep),
            // Inside of a field, or of another namespace.
            _ => self.field = Field::Neither,
        }
        Ok(before)
    }

    fn text(&mut self, text: &str) -> Result<(), SitemapError> {
        let field = match self.field {
            Field::Location => &mut self.location,
            Field::Modified => &mut self.modified,
            Field::Neither => return Ok(()),
        };
        let room = MAX_TEXT.saturating_sub(field.len());
        field.push_str(&text[..text.floor_char_boundary(room)]);
        Ok(())
    }

    /// References to what XML defines are resolved; no others, for what a file defines itself may
    /// grow without end.
    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), SitemapError> {
        if let Ok(Some(letter)) = reference.resolve_char_ref() {
            return self.text(letter.encode_utf8(&mut [0; 4]));
        }
        match resolve_xml_entity(reference) {
            Some(letters) => self.text(letters),
            None => self.text(&format!("&{};", &**reference)),
        }
    }

    /// The entry that ends here.
    fn end(&mut self) -> Option<Entry> {
        let depth = self.depth;
        self.depth = self.depth.saturating_sub(1);
        self.field = Field::Neither;
        if depth != ENTRY || self.prefix.take().is_none() {
            return None;
        }
        self.entry()
    }

    /// What is known of the entry that is being read, if it has a location.
    fn entry(&self) -> Option<Entry> {
        let text = |field: &str| Some(field.trim().to_owned()).filter(|text| !text.is_empty());
        Some(Entry { location: text(&self.location)?, modified: text(&self.modified) })
    }
}
