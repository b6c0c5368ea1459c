//! Encodes a row as one JSON object; shared by the JSON lines sink and what keeps a row as JSON.

use std::borrow::Cow;

use super::{Cells, Column, ColumnType, Slots, TimeText, strict_json};

/// Hexadecimal digits for `\u00XX`.
const HEX: &[u8; 16] = b"0123456789abcdef";

/// The cells of one row on their way into an object; nulls are left out.
#[derive(Debug)]
pub(crate) struct JsonRow<'a> {
    pub(crate) slots: Slots<'a>,
    pub(crate) columns: &'a [Column],
    pub(crate) out: &'a mut Vec<u8>,
    pub(crate) time: &'a mut TimeText,
    pub(crate) lossy: u64,
    pub(crate) first: bool,
}

impl JsonRow<'_> {
    /// Writes the comma, the name and the colon of a cell, if it fits its column.
    #[inline]
    fn key(&mut self, kind: ColumnType) -> bool {
        let Some(index) = self.slots.take(kind) else { return false };
        self.out.push(if self.first { b'{' } else { b',' });
        self.first = false;
        self.out.push(b'"');
        // Names are ASCII letters, digits and _, so nothing in them needs an escape.
        self.out.extend_from_slice(self.columns[index].name().as_bytes());
        self.out.extend_from_slice(b"\":");
        true
    }

    /// Ends the object and its line.
    pub(crate) fn end(&mut self) {
        self.out.extend_from_slice(if self.first { b"{}\n" } else { b"}\n" });
        self.first = true;
    }
}

impl Cells for JsonRow<'_> {
    fn text(&mut self, text: &str) {
        if self.key(ColumnType::Text) {
            escape_into(self.out, text);
        }
    }

    fn integer(&mut self, number: i64) {
        if self.key(ColumnType::Integer) {
            write_integer(self.out, number);
        }
    }

    fn real(&mut self, number: f64) {
        // JSON has no word for what is not a finite number.
        if !number.is_finite() {
            self.lossy += 1;
            self.null();
        } else if self.key(ColumnType::Real) {
            self.out.extend_from_slice(format!("{number:?}").as_bytes());
        }
    }

    fn timestamp_ns(&mut self, nanoseconds: i64) {
        if self.key(ColumnType::Timestamp) {
            self.out.push(b'"');
            self.out.extend_from_slice(self.time.format(nanoseconds).as_bytes());
            self.out.push(b'"');
        }
    }

    fn json(&mut self, json: &[u8]) {
        if !self.key(ColumnType::Json) {
            return;
        }
        let start = self.out.len();
        let text = String::from_utf8_lossy(json);
        let strict = strict_json(&text);
        self.lossy += u64::from(strict.is_some() || matches!(text, Cow::Owned(_)));
        self.out.extend_from_slice(strict.as_deref().unwrap_or(&text).as_bytes());
        // A line break can only stand between the tokens of valid JSON, where a space means the
        // same.
        for byte in &mut self.out[start..] {
            if matches!(*byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
    }

    fn null(&mut self) {
        self.slots.take_null();
    }

    fn note_lossy(&mut self) {
        self.lossy += 1;
    }
}

/// Appends `text` as a JSON string with its quotes.
fn escape_into(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[copied..at]);
        copied = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            other => {
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(other >> 4)]);
                out.push(HEX[usize::from(other & 15)]);
            }
        }
    }
    out.extend_from_slice(&bytes[copied..]);
    out.push(b'"');
}

/// Appends a number in decimal, without the detour over a `String`.
fn write_integer(out: &mut Vec<u8>, number: i64) {
    let mut text = [0; 20];
    let mut at = text.len();
    let mut rest = number.unsigned_abs();
    loop {
        at -= 1;
        text[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&text[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_reads_back_as_itself(text: String) {
            let mut out = Vec::new();
            escape_into(&mut out, &text);
            prop_assert!(!out.contains(&b'\n'));
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }

        #[test]
        fn any_integer_is_written_as_its_digits(number: i64) {
            let mut out = Vec::new();
            write_integer(&mut out, number);
            prop_assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
        }
    }
}
