//! Character references in attributes and text: `&amp;`, `&#38;`, and the old ones that need no
//! semicolon.

use std::borrow::Cow;

use quick_xml::escape::resolve_html5_entity;

/// Names that are known without a semicolon, as WHATWG lists them.
const BARE: &str = " AElig AMP Aacute Acirc Agrave Aring Atilde Auml COPY Ccedil ETH Eacute Ecirc Egrave Euml GT Iacute Icirc Igrave Iuml LT \
Ntilde Oacute Ocirc Ograve Oslash Otilde Ouml QUOT REG THORN Uacute Ucirc Ugrave Uuml Yacute aacute acirc acute aelig agrave amp aring atilde \
auml brvbar ccedil cedil cent copy curren deg divide eacute ecirc egrave eth euml frac12 frac14 frac34 gt iacute icirc iexcl igrave iquest iuml \
laquo lt macr micro middot nbsp not ntilde oacute ocirc ograve ordf ordm oslash otilde ouml para plusmn pound quot raquo reg sect shy sup1 sup2 \
sup3 szlig thorn times uacute ucirc ugrave uml uuml yacute yen yuml ";

/// The longest name of all.
const MAX_NAME: usize = 32;

/// A value as it is meant. A reference without a semicolon stays if it could be a parameter, as in
/// `?a=1&copy=2`.
pub(super) fn decode_attribute(text: &str) -> Cow<'_, str> {
    decode(text, true)
}

/// Text as it is meant.
pub(super) fn decode_text(text: &str) -> Cow<'_, str> {
    decode(text, false)
}

fn decode(text: &str, in_attribute: bool) -> Cow<'_, str> {
    if memchr::memchr(b'&', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        decoded.push_str(before);
        let reference = if let Some(number) = after.strip_prefix('#') {
            numeric(number).map(|(letter, length)| (Cow::Owned(letter.to_string()), length + 1))
        } else {
            named(after, in_attribute).map(|(letters, length)| (Cow::Borrowed(letters), length))
        };
        match reference {
            Some((letters, length)) => {
                decoded.push_str(&letters);
                rest = &after[length..];
            }
            None => {
                decoded.push('&');
                rest = after;
            }
        }
    }
    decoded.push_str(rest);
    Cow::Owned(decoded)
}

/// The letter of a number, and how long the reference is behind its `#`.
fn numeric(text: &str) -> Option<(char, usize)> {
    let (digits, radix, skip) = match text.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16, 1),
        None => (text, 10, 0),
    };
    let length = digits.bytes().take_while(|byte| char::from(*byte).is_digit(radix)).count();
    if length == 0 {
        return None;
    }
    let semicolon = usize::from(digits[length..].starts_with(';'));
    // A number that is too large for 32 bits is no letter either.
    let number = u32::from_str_radix(&digits[..length], radix).unwrap_or(u32::MAX);
    Some((letter(number), skip + length + semicolon))
}

fn letter(number: u32) -> char {
    match number {
        // Pages that meant windows-1252.
        0x80..=0x9F => {
            let byte = [u8::try_from(number).unwrap_or_default()];
            encoding_rs::WINDOWS_1252
                .decode_without_bom_handling(&byte)
                .0
                .chars()
                .next()
                .unwrap_or('\u{FFFD}')
        }
        0 => '\u{FFFD}',
        number => char::from_u32(number).unwrap_or('\u{FFFD}'),
    }
}

/// The letters of a name, and how long the reference is.
fn named(text: &str, in_attribute: bool) -> Option<(&'static str, usize)> {
    let length = text.bytes().take(MAX_NAME).take_while(u8::is_ascii_alphanumeric).count();
    if text[length..].starts_with(';')
        && let Some(letters) = resolve_html5_entity(&text[..length])
    {
        return Some((letters, length + 1));
    }
    // The longest name that needs no semicolon; the longest of them has six letters.
    let end = (2..=length.min(6)).rev().find(|end| is_bare(&text[..*end]))?;
    let next = text.as_bytes().get(end);
    if in_attribute && next.is_some_and(|byte| *byte == b'=' || byte.is_ascii_alphanumeric()) {
        return None;
    }
    Some((resolve_html5_entity(&text[..end])?, end))
}

fn is_bare(name: &str) -> bool {
    memchr::memmem::find_iter(BARE.as_bytes(), name.as_bytes()).any(|at| {
        BARE.as_bytes().get(at.wrapping_sub(1)) == Some(&b' ')
            && BARE.as_bytes().get(at + name.len()) == Some(&b' ')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_decoded_as_in_browsers() {
        let cases = [
            ("a&amp;b", "a&b", "a&b"),
            ("a&ampb", "a&ampb", "a&b"),
            ("a&amp=b", "a&amp=b", "a&=b"),
            ("a&amp", "a&", "a&"),
            ("?a=1&copy=2", "?a=1&copy=2", "?a=1©=2"),
            ("?a=1&copy;=2", "?a=1©=2", "?a=1©=2"),
            ("&notit;", "&notit;", "¬it;"),
            ("&notin;", "∉", "∉"),
            ("&lt;&gt;&quot;&apos;&nbsp;&eacute;", "<>\"'\u{a0}é", "<>\"'\u{a0}é"),
            ("&#38;&#x26;&#X26;&#38", "&&&&", "&&&&"),
            (
                "&#128;&#0;&#x110000;&#xD800;&#99999999999;",
                "€\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
                "€\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
            ),
            ("&;&#;&#x;&unknown;& ", "&;&#;&#x;&unknown;& ", "&;&#;&#x;&unknown;& "),
            ("a&b=1&c", "a&b=1&c", "a&b=1&c"),
            ("&ü&é", "&ü&é", "&ü&é"),
            ("&CounterClockwiseContourIntegral;", "∳", "∳"),
        ];
        for (given, attribute, text) in cases {
            assert_eq!(decode_attribute(given), attribute, "{given}");
            assert_eq!(decode_text(given), text, "{given}");
        }
    }

    #[test]
    fn every_name_that_needs_no_semicolon_is_known() {
        let names: Vec<&str> = BARE.split_whitespace().collect();
        assert_eq!(names.len(), 106);
        for name in names {
            assert!(
                resolve_html5_entity(name).is_some() && name.len() <= 6 && is_bare(name),
                "{name}"
            );
        }
    }
}
