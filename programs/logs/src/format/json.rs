//! JSON lines: one object a line, as structured loggers write it.
//!
//! The whole line is checked, whatever the filter wants; values are kept as the places where they stand.

use super::json_text::Cursor;
use super::keys::Keys;
use super::{Draft, FailKind, keyed};
use crate::escape;
use crate::record::{Form, Key, Span};

/// Parses a line. It fails if it is not UTF-8, not JSON, or not an object.
pub(super) fn parse(line: &[u8], keys: &Keys, draft: &mut Draft) -> Result<(), FailKind> {
    if std::str::from_utf8(line).is_err() || object(line, keys, draft).is_none() {
        return Err(kind_of_failure(line));
    }
    keyed::level(line, draft);
    Ok(())
}

#[cold]
fn kind_of_failure(line: &[u8]) -> FailKind {
    let mut cursor = Cursor::new(line);
    cursor.blanks();
    let whole = std::str::from_utf8(line).is_ok() && cursor.value().is_some() && cursor.ends();
    if whole { FailKind::JsonNotObject } else { FailKind::Json }
}

/// Collects the places of keys and values of an object; `None` if the line is not one.
fn object(line: &[u8], keys: &Keys, draft: &mut Draft) -> Option<()> {
    let mut cursor = Cursor::new(line);
    cursor.blanks();
    cursor.take(b'{')?;
    cursor.blanks();
    if cursor.take(b'}').is_none() {
        loop {
            let key = cursor.key()?;
            let start = cursor.at();
            cursor.value()?;
            let value = Span::new(start, cursor.at());
            push(line, keys, key, value, draft);
            cursor.blanks();
            if cursor.take(b',').is_none() {
                cursor.take(b'}')?;
                break;
            }
            cursor.blanks();
        }
    }
    cursor.ends().then_some(())
}

#[inline]
fn push(line: &[u8], keys: &Keys, key: Span, value: Span, draft: &mut Draft) {
    let name = key.of(line);
    // A key may be written with escapes and still be the one that is meant.
    if name.contains(&b'\\') {
        keyed::push(draft, keys, &escape::unescape(name), Key::Json(key), value, Form::Json);
    } else {
        keyed::push(draft, keys, name, Key::Json(key), value, Form::Json);
    }
}
