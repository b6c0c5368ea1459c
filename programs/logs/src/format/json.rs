//! JSON lines: one object a line, as structured loggers write it.
//!
//! The whole line is checked, whatever the filter wants; values are kept as the places where they
//! stand.

use super::json_text::Cursor;
use super::keys::Keys;
use super::shape::{Meaning, Shape};
use super::{Draft, FailKind, keyed};
use crate::escape;
use crate::record::{Form, Key, Span};

/// Parses a line. It fails if it is not UTF-8, not JSON, or not an object.
pub(super) fn parse(line: &[u8], keys: &Keys, draft: &mut Draft) -> Result<(), FailKind> {
    parse_from(line, 0, keys, draft)
}

/// The same for an object that begins at a place in the line.
#[inline]
pub(super) fn parse_from(
    line: &[u8],
    at: usize,
    keys: &Keys,
    draft: &mut Draft,
) -> Result<(), FailKind> {
    let ascii = object(line, at, keys, draft).ok_or_else(|| kind_of_failure(line))?;
    if !ascii && std::str::from_utf8(line).is_err() {
        return Err(FailKind::Json);
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

/// Collects the places of keys and values of an object and says whether it is ASCII for certain;
/// `None` if the line is not one.
fn object(line: &[u8], at: usize, keys: &Keys, draft: &mut Draft) -> Option<bool> {
    let mut cursor = Cursor::new(line);
    cursor.pass(at);
    cursor.blanks();
    cursor.take(b'{')?;
    cursor.blanks();
    if cursor.take(b'}').is_none() {
        for turn in 0.. {
            let (key, meaning) = key(line, keys, &mut draft.shape, turn, &mut cursor)?;
            let start = cursor.at();
            cursor.value()?;
            let value = Span::new(start, cursor.at());
            keyed::push(draft, meaning, Key::Json(key), value, Form::Json);
            cursor.blanks();
            if cursor.take(b',').is_none() {
                cursor.take(b'}')?;
                break;
            }
            cursor.blanks();
        }
    }
    cursor.ends().then_some(cursor.is_ascii())
}

/// Takes a key with all that stands before its value, and returns its name's place and what it
/// stands for.
#[inline]
fn key(
    line: &[u8],
    keys: &Keys,
    shape: &mut Shape,
    turn: usize,
    cursor: &mut Cursor<'_>,
) -> Option<(Span, Meaning)> {
    let start = cursor.at();
    if let Some(known) = shape.known(turn, &line[start..]) {
        cursor.pass(known.len);
        cursor.blanks();
        return Some((Span::new(start + 1, start + 1 + known.name_len), known.meaning));
    }
    let key = cursor.key()?;
    let name = key.of(line);
    // A key may be written with escapes and still be the one that is meant.
    let meaning =
        if name.contains(&b'\\') { keys.role(&escape::unescape(name)) } else { keys.role(name) };
    shape.learn(turn, &line[start..cursor.at()], name.len(), meaning);
    Some((key, meaning))
}
