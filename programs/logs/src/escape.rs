//! Escapes: writing any bytes as a JSON string, and reading the backslash escapes of JSON, logfmt
//! and access logs.

use std::borrow::Cow;

/// The place of the next quote, backslash or control character.
///
/// Eight bytes are looked at together: subtracting one from a byte sets its highest bit if it was
/// zero, and the bytes looked for are made zero by xor. A borrow can spoil only bytes behind the
/// first hit, which is the one taken.
#[inline]
pub(crate) fn special(text: &[u8], from: usize) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    let mut at = from;
    while let Some(eight) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let bytes = u64::from_le_bytes(*eight);
        let quote = bytes ^ (ONES * b'"' as u64);
        let backslash = bytes ^ (ONES * b'\\' as u64);
        let hits = (quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash)
            | (bytes.wrapping_sub(ONES * 0x20) & !bytes);
        let hits = hits & HIGH;
        if hits != 0 {
            return Some(at + hits.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let rest = text.get(at..)?;
    rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0x00..0x20)).map(|found| at + found)
}

/// Appends bytes as a JSON string with its quotes; what is not UTF-8 becomes U+FFFD.
pub(crate) fn quoted_json(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    json_string(bytes, out);
    out.push(b'"');
}

/// Appends bytes as the inside of a JSON string; what is not UTF-8 becomes U+FFFD.
pub(crate) fn json_string(bytes: &[u8], out: &mut Vec<u8>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => json_text(text, out),
        Err(_) => json_text(&String::from_utf8_lossy(bytes), out),
    }
}

fn json_text(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let mut done = 0;
    while let Some(at) = special(bytes, done) {
        out.extend_from_slice(&bytes[done..at]);
        done = at + 1;
        match bytes[at] {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                let (high, low) = (HEX[(control >> 4) as usize], HEX[(control & 15) as usize]);
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            }
        }
    }
    out.extend_from_slice(&bytes[done..]);
}

/// Appends a number in decimal.
pub(crate) fn number(number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut first = digits.len();
    let mut rest = number;
    loop {
        first -= 1;
        digits[first] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[first..]);
}

/// Undoes backslash escapes: JSON's, and the `\xHH` of access logs. An escape that is none of them
/// stays as it is.
pub(crate) fn unescape(bytes: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', bytes).is_none() {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len());
    unescape_into(bytes, &mut out);
    Cow::Owned(out)
}

/// Like [`unescape`], as text: what is not UTF-8 becomes U+FFFD.
pub(crate) fn unescape_text(bytes: &[u8]) -> Cow<'_, str> {
    match unescape(bytes) {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// Appends bytes with their backslash escapes undone.
pub(crate) fn unescape_into(bytes: &[u8], out: &mut Vec<u8>) {
    let mut rest = bytes;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let taken = one_escape(rest, out);
        rest = &rest[taken..];
    }
    out.extend_from_slice(rest);
}

/// Undoes the escape at the start of the bytes and says how many of them it took.
fn one_escape(bytes: &[u8], out: &mut Vec<u8>) -> usize {
    let plain = match bytes.get(1) {
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(b'b') => 0x08,
        Some(b'f') => 0x0c,
        Some(b'v') => 0x0b,
        Some(byte @ (b'"' | b'\\' | b'/' | b'\'' | b']')) => *byte,
        Some(b'x') => match hex(bytes, 2, 2) {
            Some(byte) => {
                out.push(byte as u8);
                return 4;
            }
            None => b'\\',
        },
        Some(b'u') => match unicode(bytes) {
            Some((character, taken)) => {
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                return taken;
            }
            None => b'\\',
        },
        _ => b'\\',
    };
    out.push(plain);
    // A backslash that begins no escape is put out alone; what follows it is read as text.
    if plain == b'\\' && bytes.get(1) != Some(&b'\\') { 1 } else { 2 }
}

/// Reads `\uXXXX`, also as a pair of surrogates; a lone surrogate becomes U+FFFD.
fn unicode(bytes: &[u8]) -> Option<(char, usize)> {
    let first = hex(bytes, 2, 4)?;
    if let Some(character) = char::from_u32(first) {
        return Some((character, 6));
    }
    let second = (bytes.get(6..8) == Some(b"\\u")).then(|| hex(bytes, 8, 4)).flatten();
    match second {
        Some(second @ 0xdc00..=0xdfff) if first < 0xdc00 => {
            let scalar = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            Some((char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER), 12))
        }
        _ => Some((char::REPLACEMENT_CHARACTER, 6)),
    }
}

fn hex(bytes: &[u8], at: usize, width: usize) -> Option<u32> {
    bytes.get(at..at + width)?.iter().try_fold(0, |number, byte| {
        let digit = (*byte as char).to_digit(16)?;
        Some(number * 16 + digit)
    })
}
