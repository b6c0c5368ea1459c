//! A header as read, and the words and brackets that all styles are made of.

use crate::format::draft::number_or_text;
use crate::level::Level;
use crate::record::{Form, Span};

/// A header as read: places only, so that nothing is paid for what is not wanted.
#[derive(Clone, Copy, Debug)]
pub(in crate::format) struct Header {
    pub(in crate::format) level: Option<Level>,
    pub(in crate::format) message_at: usize,
    pub(in crate::format) parts: Parts,
}

/// At most four fields of a header.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::format) struct Parts {
    parts: [Option<(&'static str, Span, Form)>; 4],
    len: usize,
}

impl Parts {
    pub(super) fn push(&mut self, name: &'static str, text: &[u8], start: usize, end: usize) {
        if start < end && self.len < self.parts.len() {
            self.parts[self.len] =
                Some((name, Span::new(start, end), number_or_text(&text[start..end])));
            self.len += 1;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(in crate::format) fn iter(&self) -> impl Iterator<Item = (&'static str, Span, Form)> + '_ {
        self.parts.iter().flatten().copied()
    }
}

/// The place after blanks and tabs.
#[inline]
pub(in crate::format) fn skip_blank(text: &[u8], at: usize) -> usize {
    at + text[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// Reads a run of letters and digits that is a level, and where it ends.
#[inline]
pub(in crate::format) fn level_word(text: &[u8], at: usize) -> Option<(Level, usize)> {
    let rest = text.get(at..)?;
    let len = rest.iter().take(14).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    Level::from_word(&rest[..len]).map(|level| (level, at + len))
}

/// Like [`level_word`], and nothing but a blank or punctuation may follow, as in `INFO:` but not in
/// `info_total`.
pub(in crate::format) fn level_apart(text: &[u8], at: usize) -> Option<(Level, usize)> {
    level_word(text, at).filter(|(_, end)| {
        matches!(
            text.get(*end),
            None | Some(b' ' | b'\t' | b':' | b']' | b')' | b'>' | b'|' | b',' | b'-')
        )
    })
}

/// The place after the closing bracket of a level and the separators that may follow it.
pub(in crate::format) fn after_level(text: &[u8], at: usize) -> usize {
    let closed = at + usize::from(matches!(text.get(at), Some(b']' | b')' | b'>')));
    let blank = skip_blank(text, closed);
    match &text[blank..] {
        [b':' | b'|' | b',', ..] => skip_blank(text, blank + 1),
        [b'-', b' ' | b'\t', ..] => skip_blank(text, blank + 1),
        _ => blank,
    }
}

/// Reads `[inside]` and gives the place inside and the place behind.
pub(super) fn bracketed(text: &[u8], at: usize) -> Option<(usize, usize, usize)> {
    if text.get(at) != Some(&b'[') {
        return None;
    }
    let end = at + memchr::memchr(b']', &text[at..])?;
    Some((at + 1, end, end + 1))
}

pub(super) fn find(text: &[u8], at: usize, what: &[u8]) -> Option<usize> {
    memchr::memmem::find(text.get(at..)?, what).map(|found| at + found)
}

/// Where a word of letters, digits and the punctuation of names ends.
pub(super) fn name_end(text: &[u8], at: usize) -> usize {
    let in_name = |byte: &&u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$' | b'/' | b'-' | b'#')
    };
    at + text[at..].iter().take_while(in_name).count()
}

pub(super) fn trim_end(text: &[u8], start: usize, end: usize) -> usize {
    let separators = text[start..end]
        .iter()
        .rev()
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'|' | b'-' | b':'));
    end - separators.count()
}
