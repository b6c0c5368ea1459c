//! One rule's pattern: `*` is anything, `$` at the end is the end, and the rest is compared octet
//! by octet.
//!
//! A pattern is cut at its stars. Taking each piece at its first place after the one before it is
//! enough: a later place leaves less for the rest. So nothing is ever tried again, and the cost is
//! that of some searches, one after the other.

use std::borrow::Cow;

use memchr::memmem;

/// What a rule says of the paths that it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Allow,
    Disallow,
}

/// A pattern that was prepared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pattern {
    /// As compared; stars are wildcards, and the last `$` is gone.
    text: Box<[u8]>,
    /// How specific it is: its length in octets, with stars and `$`.
    length: usize,
    /// It has to reach to the end.
    to_end: bool,
    has_star: bool,
    /// Allowed for `/` as well: what is in front of `index.htm`, with its slash.
    directory: Option<Box<[u8]>>,
}

/// A path as it is compared, in both forms.
pub(super) struct Subject<'a> {
    /// As it is written.
    literal: Cow<'a, [u8]>,
    /// With unreserved octets decoded.
    decoded: Cow<'a, [u8]>,
}

impl<'a> Subject<'a> {
    /// Of path and query; a fragment is no part of it.
    pub(super) fn new(path_and_query: &'a str) -> Self {
        let bytes = path_and_query.as_bytes();
        let bytes = &bytes[..memchr::memchr(b'#', bytes).unwrap_or(bytes.len())];
        let whole: Cow<'a, [u8]> = if bytes.first() == Some(&b'/') {
            Cow::Borrowed(bytes)
        } else {
            Cow::Owned([b"/", bytes].concat())
        };
        let is_plain = |byte: &u8| byte.is_ascii() && !matches!(byte, b'%' | b'*' | b'$');
        if whole.iter().all(is_plain) {
            return Self { decoded: whole.clone(), literal: whole };
        }
        let form = |decode| normal(&whole, decode, |byte| matches!(byte, b'*' | b'$')).into();
        Self { literal: form(false), decoded: form(true) }
    }
}

impl Pattern {
    pub(super) fn new(value: &[u8], verdict: Verdict) -> Self {
        let (body, to_end) = match value {
            [body @ .., b'$'] => (body, true),
            body => (body, false),
        };
        // A `$` elsewhere is a letter, which paths have in its encoded form.
        let decode = verdict == Verdict::Disallow;
        let text = normal(body, decode, |byte| byte == b'$');
        let dollars = memchr::memchr_iter(b'$', body).count();
        Self {
            length: text.len() - 2 * dollars + usize::from(to_end),
            has_star: text.contains(&b'*'),
            directory: if verdict == Verdict::Allow { directory(value, &text) } else { None },
            text: text.into(),
            to_end,
        }
    }

    /// How specific the pattern is, for a path that it matches.
    pub(super) fn matches(&self, subject: &Subject<'_>, verdict: Verdict) -> Option<usize> {
        let path = match verdict {
            Verdict::Allow => &subject.literal,
            Verdict::Disallow => &subject.decoded,
        };
        if self.is_in(path) {
            return Some(self.length);
        }
        let directory = self.directory.as_deref()?;
        glob(directory, true, path).then_some(directory.len() + 1)
    }

    /// No path that it matches makes it more specific than this.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    fn is_in(&self, path: &[u8]) -> bool {
        if self.has_star {
            glob(&self.text, self.to_end, path)
        } else if self.to_end {
            *path == *self.text
        } else {
            path.starts_with(&self.text)
        }
    }
}

/// Google takes an allowed `/directory/index.html` for the directory as well; so says the rule for
/// all that begins with `index.htm`.
fn directory(value: &[u8], text: &[u8]) -> Option<Box<[u8]>> {
    let is_index = |at: usize, of: &[u8]| of[at..].starts_with(b"/index.htm");
    is_index(memchr::memrchr(b'/', value)?, value).then_some(())?;
    let slash = memchr::memrchr(b'/', text)?;
    Some(text[..=slash].into())
}

/// Whether a pattern with stars matches the beginning of a path, or all of it.
fn glob(text: &[u8], to_end: bool, path: &[u8]) -> bool {
    let Some(first) = memchr::memchr(b'*', text) else {
        return if to_end { path == text } else { path.starts_with(text) };
    };
    let Some(mut rest) = path.strip_prefix(&text[..first]) else { return false };
    let mut pieces = text[first + 1..].split(|byte| *byte == b'*');
    let last = pieces.next_back().unwrap_or_default();
    for piece in pieces.filter(|piece| !piece.is_empty()) {
        match memmem::find(rest, piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    if to_end {
        rest.ends_with(last)
    } else {
        last.is_empty() || memmem::find(rest, last).is_some()
    }
}

/// The form in which octets are compared: what is not ASCII, and what `encode` names, is
/// percent-encoded, with upper-case digits; with `decode`, what is unreserved is not.
fn normal(text: &[u8], decode: bool, encode: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut form = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        rest = after;
        let octet = if *byte == b'%' { octet(after) } else { None };
        if octet.is_some() {
            rest = &after[2..];
        }
        match octet {
            Some(octet) if decode && is_unreserved(octet) => form.push(octet),
            Some(octet) => push_encoded(&mut form, octet),
            None if !byte.is_ascii() || encode(*byte) => push_encoded(&mut form, *byte),
            None => form.push(*byte),
        }
    }
    form
}

fn push_encoded(form: &mut Vec<u8>, octet: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    form.extend([b'%', DIGITS[usize::from(octet >> 4)], DIGITS[usize::from(octet & 15)]]);
}

/// The octet that two digits after a percent sign stand for.
fn octet(after: &[u8]) -> Option<u8> {
    let [high, low, ..] = after else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}
