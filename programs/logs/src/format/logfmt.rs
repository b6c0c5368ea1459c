//! logfmt: `time=... level=info msg="it works" status=200`, one record a line.

use super::keys::Keys;
use super::{Draft, FailKind, keyed};
use crate::format::draft::number_or_text;
use crate::record::{Form, Key, Span};

/// Parses a line. A key without `=` is a field with an empty text; a line with no `=` at all, with
/// a quote that does not end, or with an `=` that has no key fails.
pub(super) fn parse(line: &[u8], keys: &Keys, draft: &mut Draft) -> Result<(), FailKind> {
    parse_from(line, 0, keys, draft)
}

/// The same for pairs that begin at a place in the line.
#[inline]
pub(super) fn parse_from(
    line: &[u8],
    at: usize,
    keys: &Keys,
    draft: &mut Draft,
) -> Result<(), FailKind> {
    let mut at = at;
    let mut pairs = 0;
    loop {
        at += line[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        if at == line.len() {
            break;
        }
        let key_len = line[at..]
            .iter()
            .take_while(|byte| !matches!(byte, b' ' | b'\t' | b'=' | b'"'))
            .count();
        let key = Span::new(at, at + key_len);
        at += key_len;
        if key.is_empty() || line.get(at) == Some(&b'"') {
            return Err(FailKind::Logfmt);
        }
        let (value, form, end) = if line.get(at) == Some(&b'=') {
            pairs += 1;
            value(line, at + 1)?
        } else {
            (Span::new(at, at), Form::Text, at)
        };
        at = end;
        keyed::push(draft, keys.role(key.of(line)), Key::Plain(key), value, form);
    }
    if pairs == 0 {
        return Err(FailKind::Logfmt);
    }
    keyed::level(line, draft);
    Ok(())
}

/// Reads a value in quotes or a bare one, and where it ends.
fn value(line: &[u8], at: usize) -> Result<(Span, Form, usize), FailKind> {
    if line.get(at) == Some(&b'"') {
        let close = at + 1 + closing_quote(&line[at + 1..]).ok_or(FailKind::Logfmt)?;
        return match line.get(close + 1) {
            None | Some(b' ' | b'\t') => Ok((Span::new(at + 1, close), Form::Quoted, close + 1)),
            Some(_) => Err(FailKind::Logfmt),
        };
    }
    let len = line[at..].iter().take_while(|byte| !matches!(byte, b' ' | b'\t')).count();
    let form = number_or_text(&line[at..at + len]);
    Ok((Span::new(at, at + len), form, at + len))
}

/// The place of the quote that ends a text, passing over escaped ones.
pub(super) fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', &text[at..])?;
        if text[at] == b'"' {
            return Some(at);
        }
        at += 2;
        if at > text.len() {
            return None;
        }
    }
}
