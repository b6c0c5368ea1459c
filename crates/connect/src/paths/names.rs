//! Names as text: lossless for reports and databases, harmless for terminals.
//!
//! One rule for both: `\xHH` stands for the byte `HH`. It is written for each byte that is not part
//! of valid UTF-8, and for a backslash before an `x`, so that every name can be had back with
//! [`unescaped`]. All other names are written as they are. For people, control characters and marks
//! of direction are written in the same way.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::{self, Write};
use std::path::{Path, PathBuf};

/// The name as text from which [`unescaped`] makes the same name again.
///
/// # Examples
/// ```
/// use millstream_connect::paths::{escaped, unescaped};
/// use std::path::Path;
/// assert_eq!(escaped(Path::new("café.jpg")), "café.jpg");
/// assert_eq!(escaped(Path::new(r"a\x41")), r"a\x5Cx41");
/// assert_eq!(unescaped(r"a\x5Cx41"), Path::new(r"a\x41"));
/// ```
pub fn escaped(name: &(impl AsRef<OsStr> + ?Sized)) -> Cow<'_, str> {
    let name = name.as_ref();
    match name.to_str() {
        Some(text) if !text.contains("\\x") => Cow::Borrowed(text),
        _ => {
            let mut text = String::with_capacity(name.len() + 16);
            push(&mut text, name, false);
            Cow::Owned(text)
        }
    }
}

/// The name that [`escaped`] made this text of.
pub fn unescaped(text: &str) -> PathBuf {
    if !text.contains("\\x") {
        return text.into();
    }
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let code = match rest {
            [b'\\', b'x', high, low, ..] => digit(*high).zip(digit(*low)),
            _ => None,
        };
        bytes.push(code.map_or(*first, |(high, low)| high << 4 | low));
        rest = if code.is_some() { &rest[4..] } else { after };
    }
    from_bytes(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

#[cfg(unix)]
fn from_bytes(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(not(unix))]
fn from_bytes(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

/// The name for people: no byte of it acts on a terminal or ends a line.
pub fn shown<N: AsRef<OsStr> + ?Sized>(name: &N) -> Shown<'_> {
    Shown(name.as_ref())
}

/// A name that is [`shown`].
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a>(&'a OsStr);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(self.0.len());
        push(&mut text, self.0, true);
        f.pad(&text)
    }
}

/// A message for people in which nothing acts on a terminal. Line ends and tabs stay.
pub fn shown_text(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c == '\n' || c == '\t' || !is_active(c);
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_plain(c) {
            out.push(c)
        } else {
            push_bytes(&mut out, c.encode_utf8(&mut [0; 4]).as_bytes())
        }
    }
    Cow::Owned(out)
}

fn push(out: &mut String, name: &OsStr, for_people: bool) {
    for chunk in Path::new(name).as_os_str().as_encoded_bytes().utf8_chunks() {
        let mut chars = chunk.valid().chars().peekable();
        while let Some(c) = chars.next() {
            let is_escape = c == '\\' && chars.peek() == Some(&'x');
            if is_escape || (for_people && is_active(c)) {
                push_bytes(out, c.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                out.push(c);
            }
        }
        push_bytes(out, chunk.invalid());
    }
}

fn push_bytes(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(out, "\\x{byte:02X}");
    }
}

/// Whether a character does something to a terminal, or shows text in another order than it has.
fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_name_can_be_had_back_from_its_text(
            name in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\\'), Just(b'x'), Just(b'4')], 0..24),
        ) {
            let name = OsStr::from_bytes(&name);
            let again = unescaped(&escaped(name));
            prop_assert_eq!(again.as_os_str(), name);
        }

        #[test]
        fn nothing_of_a_name_or_a_message_acts_on_a_terminal(name in prop::collection::vec(any::<u8>(), 0..24)) {
            let is_harmless = |text: &str| text.chars().all(|c| c == '\n' || c == '\t' || !c.is_control());
            let text = shown(OsStr::from_bytes(&name)).to_string();
            prop_assert!(is_harmless(&text) && !text.contains('\n'));
            prop_assert!(is_harmless(&shown_text(&String::from_utf8_lossy(&name))));
        }
    }

    #[test]
    fn a_byte_that_is_not_utf8_is_written_as_its_number() {
        assert_eq!(escaped(OsStr::from_bytes(b"caf\xe9.jpg")), r"caf\xE9.jpg");
        assert_eq!(escaped("a\x1b[31m.jpg"), "a\x1b[31m.jpg");
        assert_eq!(shown("a\x1b[31m\n.jpg").to_string(), r"a\x1B[31m\x0A.jpg");
        assert_eq!(shown("a\u{202e}gpj.exe").to_string(), r"a\xE2\x80\xAEgpj.exe");
    }

    #[test]
    fn what_only_looks_like_an_escape_is_taken_as_it_is() {
        for text in [r"a\x", r"a\xg1", r"a\x1", r"\\x+1"] {
            assert_eq!(unescaped(text), Path::new(text));
        }
    }
}
