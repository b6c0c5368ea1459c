//! Makes text storable: what a database cannot hold is replaced by something that can be seen.

use std::borrow::Cow;

/// Replaces each NUL by `␀` (U+2400); says nothing when there is none.
pub(crate) fn clean_text(text: &str) -> Option<String> {
    memchr::memchr(0, text.as_bytes())?;
    Some(text.replace('\0', "\u{2400}"))
}

/// Makes JSON text storable as `jsonb`: valid Unicode, and no escaped NUL, which `jsonb` refuses.
///
/// The flag says whether something had to be replaced.
pub(crate) fn clean_json(json: &[u8]) -> (Cow<'_, str>, bool) {
    let (text, lossy) = match std::str::from_utf8(json) {
        Ok(text) => (Cow::Borrowed(text), false),
        Err(_) => (String::from_utf8_lossy(json), true),
    };
    let replace = |unit: u32| match unit {
        0 => Some(r"\u2400"),
        unit => lone_half(unit),
    };
    match with_escapes_replaced(&text, replace) {
        Some(clean) => (Cow::Owned(clean), true),
        None => (text, lossy),
    }
}

/// JSON text as strict parsers take it, if it is not that already: an escape of half a surrogate
/// pair that stands alone, which the grammar allows and Unicode does not, becomes `\ufffd`, in
/// values and in keys.
///
/// The text must be valid JSON, or a part of it that ends with no half-written escape.
///
/// # Examples
/// ```
/// use millstream_connect::strict_json;
/// assert_eq!(strict_json(r#"{"a":"cut \ud83d"}"#).as_deref(), Some(r#"{"a":"cut \ufffd"}"#));
/// assert_eq!(strict_json(r#"{"a":"\ud83d\ude00 \\ud83d"}"#), None, "a whole pair, and no escape at all");
/// ```
pub fn strict_json(json: &str) -> Option<String> {
    with_escapes_replaced(json, lone_half)
}

fn lone_half(unit: u32) -> Option<&'static str> {
    matches!(unit, 0xd800..=0xdfff).then_some(r"\ufffd")
}

/// Replaces `\uXXXX` for which `replace` has something else; whole surrogate pairs are not asked
/// for. `None` if nothing is replaced.
fn with_escapes_replaced(
    text: &str,
    replace: impl Fn(u32) -> Option<&'static str>,
) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out: Option<String> = None;
    let (mut at, mut copied) = (0, 0);
    while let Some(found) = memchr::memchr(b'\\', &bytes[at..]) {
        let escape = at + found;
        let Some(unit) = unit_at(bytes, escape) else {
            // The byte behind the backslash is a part of the escape, also if it is another
            // backslash.
            at = (escape + 2).min(bytes.len());
            continue;
        };
        let paired = matches!(unit, 0xd800..=0xdbff)
            && matches!(unit_at(bytes, escape + 6), Some(0xdc00..=0xdfff));
        at = escape + if paired { 12 } else { 6 };
        if let (false, Some(instead)) = (paired, replace(unit)) {
            let out = out.get_or_insert_with(|| String::with_capacity(text.len()));
            out.push_str(&text[copied..escape]);
            out.push_str(instead);
            copied = at;
        }
    }
    let mut out = out?;
    out.push_str(&text[copied..]);
    Some(out)
}

/// The number in the escape `\uXXXX` at a place, if there is one.
fn unit_at(text: &[u8], at: usize) -> Option<u32> {
    let escape = text.get(at..at + 6)?;
    let hex = escape.strip_prefix(br"\u")?;
    hex.iter().try_fold(0, |unit, byte| Some(unit * 16 + char::from(*byte).to_digit(16)?))
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
    fn only_escapes_that_are_no_text_are_replaced_in_json() {
        let cases: [(&[u8], &str, bool); 13] = [
            (br#"{"a":"x"}"#, r#"{"a":"x"}"#, false),
            (br#"{"a":"\u0000\u0000x"}"#, r#"{"a":"\u2400\u2400x"}"#, true),
            (br#"{"a":"\\u0000"}"#, r#"{"a":"\\u0000"}"#, false),
            (br#"{"a":"\\\u0000"}"#, r#"{"a":"\\\u2400"}"#, true),
            (b"\"\xff\"", "\"\u{fffd}\"", true),
            (br#"{"a":"\ud83d"}"#, r#"{"a":"\ufffd"}"#, true),
            (br#"{"a":"\uDE00 x"}"#, r#"{"a":"\ufffd x"}"#, true),
            (br#"{"\ud83d":[{"\uD83D\u0041":1}]}"#, r#"{"\ufffd":[{"\ufffd\u0041":1}]}"#, true),
            (br#""\ude00\ud83d""#, r#""\ufffd\ufffd""#, true),
            (br#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#, true),
            (br#""\ud83d\ude00""#, r#""\ud83d\ude00""#, false),
            (br#""\\ud83d""#, r#""\\ud83d""#, false),
            (br#""\ud83d\u0000""#, r#""\ufffd\u2400""#, true),
        ];
        for (json, clean, lossy) in cases {
            assert_eq!(clean_json(json), (Cow::Borrowed(clean), lossy));
        }
    }
}
