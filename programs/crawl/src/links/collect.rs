//! What was found so far. Links are kept as they are written until the end, for the base that they
//! start from may come late.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use encoding_rs::Encoding;

use super::directives::Directives;
use super::{Extracted, Link, LinkKind};
use crate::address::{Address, AddressError, Canonical};

/// Bytes of a title that are kept.
const MAX_TITLE: usize = 1024;

/// A link as it is written.
struct Found {
    href: String,
    kind: LinkKind,
    nofollow: bool,
}

pub(super) struct Collector<'a> {
    pub(super) agent: &'a str,
    pub(super) directives: Directives,
    pub(super) is_complete: bool,
    found: Vec<Found>,
    canonical: Option<String>,
    base: Option<String>,
    title: Option<String>,
    refused: u32,
}

impl<'a> Collector<'a> {
    pub(super) fn new(agent: &'a str) -> Self {
        Self {
            agent,
            directives: Directives::default(),
            is_complete: true,
            found: Vec::new(),
            canonical: None,
            base: None,
            title: None,
            refused: 0,
        }
    }

    pub(super) fn link(
        &mut self,
        href: impl AsRef<str> + Into<String>,
        kind: LinkKind,
        nofollow: bool,
    ) {
        // What is longer is no address, and need not be kept until that is said of it.
        if href.as_ref().len() > Address::MAX_INPUT || is_data(href.as_ref()) {
            self.refused = self.refused.saturating_add(1);
        } else if self.found.len() < Extracted::MAX_LINKS {
            self.found.push(Found { href: href.into(), kind, nofollow });
        } else {
            self.is_complete = false;
        }
    }

    /// The first one counts.
    pub(super) fn canonical(&mut self, href: &str) {
        self.canonical.get_or_insert_with(|| href.to_owned());
    }

    /// The first one counts.
    pub(super) fn base(&mut self, href: String) {
        self.base.get_or_insert(href);
    }

    pub(super) fn has_title(&self) -> bool {
        self.title.is_some()
    }

    pub(super) fn title(&mut self, text: &str) {
        let mut title = String::new();
        for word in text.split_ascii_whitespace() {
            if !title.is_empty() {
                title.push(' ');
            }
            title.push_str(word);
            if title.len() > MAX_TITLE {
                title.truncate(title.floor_char_boundary(MAX_TITLE));
                break;
            }
        }
        if !title.is_empty() {
            self.title.get_or_insert(title);
        }
    }

    pub(super) fn finish(
        self,
        page: &Address,
        encoding: &'static Encoding,
        canonical: &Canonical,
    ) -> Extracted {
        let join = |base: &Address, href: &str| {
            if encoding == encoding_rs::UTF_8 {
                base.join(href, canonical)
            } else {
                base.join_encoded(href, encoding.output_encoding(), canonical)
            }
        };
        // A base that is no address is as if there were none.
        let base = self.base.as_deref().and_then(|href| join(page, href).ok());
        let base = base.as_ref().unwrap_or(page);
        let mut unique =
            Unique { links: Vec::with_capacity(self.found.len()), places: HashMap::default() };
        let mut refused = self.refused;
        for found in self.found {
            match join(base, &found.href) {
                Ok(address) => {
                    let nofollow = found.nofollow || self.directives.nofollow;
                    unique.add(Link { address, kind: found.kind, nofollow });
                }
                Err(
                    AddressError::NotHttp
                    | AddressError::Invalid(_)
                    | AddressError::Host
                    | AddressError::TooLong,
                ) => {
                    refused = refused.saturating_add(1);
                }
            }
        }
        Extracted {
            title: self.title,
            links: unique.links,
            canonical: self.canonical.and_then(|href| join(base, &href).ok()),
            directives: self.directives,
            refused,
            is_complete: self.is_complete,
        }
    }
}

/// Images inside of a page are many, and long.
fn is_data(href: &str) -> bool {
    let href = href.trim_start().as_bytes();
    href.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"data:"))
}

/// Links of which each leads elsewhere.
struct Unique {
    links: Vec<Link>,
    places: HashMap<u128, usize, BuildHasherDefault<KeyHasher>>,
}

impl Unique {
    fn add(&mut self, link: Link) {
        let next = self.links.len();
        let place = *self.places.entry(link.address.key()).or_insert(next);
        match self.links.get_mut(place) {
            None => self.links.push(link),
            Some(first) => {
                first.nofollow &= link.nofollow;
                if link.kind.is_navigation() && !first.kind.is_navigation() {
                    first.kind = link.kind;
                }
            }
        }
    }
}

/// A key is a hash already.
#[derive(Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, key: u128) {
        // The lower half is as good as the whole.
        self.0 = key as u64;
    }
}
