//! Makes text storable: what a database cannot hold is replaced by something that can be seen.

use std::borrow::Cow;

use memchr::memmem;

/// Replaces each NUL by `␀` (U+2400); says nothing when there is none.
pub(crate) fn clean_text(text: &str) -> Option<String> {
    memchr::memchr(0, text.as_bytes())?;
    Some(text.replace('\0', "\u{2400}"))
}

/// Makes JSON text storable as `jsonb`: valid UTF-8, and no escaped NUL, which `jsonb` refuses.
///
/// The flag tells whether something had to be replaced.
pub(crate) fn clean_json(json: &[u8]) -> (Cow<'_, str>, bool) {
    let (text, mut lossy) = match std::str::from_utf8(json) {
        Ok(text) => (Cow::Borrowed(text), false),
        Err(_) => (String::from_utf8_lossy(json), true),
    };
    let Some(first) = memmem::find(text.as_bytes(), br"\u0000") else { return (text, lossy) };
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    let mut at = first;
    loop {
        // `\\u0000` is a backslash and the word u0000: only an odd run of backslashes escapes.
        let backslashes = text.as_bytes()[..=at].iter().rev().take_while(|&&b| b == b'\\').count();
        if backslashes % 2 == 1 {
            out.push_str(&text[copied..at]);
            out.push_str(r"\u2400");
            copied = at + 6;
            lossy = true;
        }
        match memmem::find(&text.as_bytes()[at + 6..], br"\u0000") {
            Some(next) => at += 6 + next,
            None => break,
        }
    }
    out.push_str(&text[copied..]);
    (Cow::Owned(out), lossy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_becomes_visible_and_everything_else_stays() {
        assert_eq!(clean_text("a\0b"), Some("a\u{2400}b".to_owned()));
        assert_eq!(clean_text("a b"), None);
    }

    #[test]
    fn only_an_escaped_nul_is_replaced_in_json() {
        let cases: [(&[u8], &str, bool); 5] = [
            (br#"{"a":"x"}"#, r#"{"a":"x"}"#, false),
            (br#"{"a":"\u0000\u0000x"}"#, r#"{"a":"\u2400\u2400x"}"#, true),
            (br#"{"a":"\\u0000"}"#, r#"{"a":"\\u0000"}"#, false),
            (br#"{"a":"\\\u0000"}"#, r#"{"a":"\\\u2400"}"#, true),
            (b"\"\xff\"", "\"\u{fffd}\"", true),
        ];
        for (json, clean, lossy) in cases {
            assert_eq!(clean_json(json), (Cow::Borrowed(clean), lossy));
        }
    }
}
