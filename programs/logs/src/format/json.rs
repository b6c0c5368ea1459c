//! JSON lines: one object a line, as structured loggers write it.
//!
//! The whole line is checked, whatever the filter wants; values are kept as the places where they stand.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::keys::Keys;
use super::{Draft, FailKind, keyed};
use crate::record::{Form, Key, Span};

pub(super) fn parse(line: &[u8], keys: &Keys, draft: &mut Draft) -> Result<(), FailKind> {
    let text = std::str::from_utf8(line).map_err(|_| FailKind::Json)?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let fields = Fields { text, keys, draft };
    match deserializer.deserialize_map(fields).and_then(|()| deserializer.end()) {
        Ok(()) => {
            keyed::level(line, draft);
            Ok(())
        }
        Err(_) => Err(kind_of_failure(text)),
    }
}

#[cold]
fn kind_of_failure(text: &str) -> FailKind {
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => FailKind::JsonNotObject,
        Err(_) => FailKind::Json,
    }
}

/// Collects the places of keys and values of one object.
struct Fields<'l, 'd> {
    text: &'l str,
    keys: &'d Keys,
    draft: &'d mut Draft,
}

impl<'l> Visitor<'l> for Fields<'l, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'l>>(self, mut map: A) -> Result<(), A::Error> {
        let mut before = 0;
        while let Some(name) = map.next_key_seed(Name)? {
            let value: &'l RawValue = map.next_value()?;
            let start = value.get().as_ptr() as usize - self.text.as_ptr() as usize;
            let end = start + value.get().len();
            let key = key_before(self.text.as_bytes(), before, start);
            keyed::push(
                self.draft,
                self.keys,
                name.as_bytes(),
                Key::Json(key),
                Span::new(start, end),
                Form::Json,
            );
            before = end;
        }
        Ok(())
    }
}

/// The inside of the key that stands between the end of the last value and the start of its own.
fn key_before(text: &[u8], from: usize, value: usize) -> Span {
    let between = &text[from..value];
    let open = memchr::memchr(b'"', between).map_or(value, |at| from + at + 1);
    let close = memchr::memrchr(b'"', between).map_or(value, |at| from + at);
    Span::new(open.min(close), close)
}

/// Reads a key, borrowed where it has no escapes.
struct Name;

impl<'l> DeserializeSeed<'l> for Name {
    type Value = Cow<'l, str>;

    fn deserialize<D: Deserializer<'l>>(self, deserializer: D) -> Result<Cow<'l, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'l> Visitor<'l> for Name {
    type Value = Cow<'l, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'l str) -> Result<Cow<'l, str>, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Cow<'l, str>, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}
