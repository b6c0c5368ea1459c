//! A record: as borrowed from a block while it is scanned ([`Parsed`]), and as kept for later
//! ([`Record`]).
//!
//! How a line becomes a record is the business of `format`; where it is stored, of the sinks.

use std::borrow::Cow;

use crate::escape;
use crate::level::Level;
use crate::time::Timestamp;

/// A stretch of a record's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// The stretch between two places; the scanner never lets a record of 4 GiB in.
    #[inline]
    pub(crate) fn new(start: usize, end: usize) -> Span {
        debug_assert!(start <= end && end <= u32::MAX as usize);
        Span { start: start as u32, end: end as u32 }
    }

    #[inline]
    pub(crate) fn of(self, text: &[u8]) -> &[u8] {
        &text[self.start as usize..self.end as usize]
    }

    /// The stretch without its first and its last byte.
    pub(crate) fn inside_quotes(self) -> Span {
        Span { start: self.start + 1, end: self.end - 1 }
    }

    pub(crate) fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// How a value is written in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As a JSON value.
    Json,
    /// As it is.
    Text,
    /// As a number that JSON would write in the same way.
    Number,
    /// With backslash escapes, the quotes around it left out.
    Quoted,
    /// Not in the text at all: a name that stands for a number in it.
    Fixed(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// A name that the format gives.
    Name(&'static str),
    /// A name in the text, without quotes and without escapes.
    Plain(Span),
    /// A name in the text as the inside of a JSON string, escapes and all.
    Json(Span),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) key: Key,
    pub(crate) value: Span,
    pub(crate) form: Form,
}

/// The value of one field.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldValue<'a> {
    /// Text; what was not UTF-8 is replaced by U+FFFD.
    Text(Cow<'a, str>),
    /// A number, written as JSON writes it, or any other JSON value but a string.
    Json(&'a str),
}

/// A record that borrows from the block it was found in, or from the scanner's scratch space.
#[derive(Clone, Copy, Debug)]
pub struct Parsed<'a> {
    /// When it happened, if it says so; without a zone it is taken as UTC.
    pub time: Option<Timestamp>,
    /// How bad it is, if it says so. Access logs never do; ask for `status >= 500` instead.
    pub level: Option<Level>,
    /// The message without the newline at its end, but with the lines that continue it. Not always
    /// UTF-8.
    pub message: &'a [u8],
    /// Where its first byte is in the block.
    pub offset: usize,
    /// How many bytes of the block it takes, newlines included.
    pub len: usize,
    pub(crate) text: &'a [u8],
    pub(crate) fields: &'a [Field],
}

impl<'a> Parsed<'a> {
    /// The fields in their order, as name and value. Time, level and message are not among them.
    pub fn fields(&self) -> impl Iterator<Item = (Cow<'a, str>, FieldValue<'a>)> + use<'a> {
        let text = self.text;
        self.fields.iter().map(move |field| (key(field.key, text), value(field, text)))
    }

    /// The value of one field; of the last one, if a line gives the name twice.
    pub fn field(&self, name: &str) -> Option<FieldValue<'a>> {
        let text = self.text;
        let is_it = |field: &&Field| match field.key {
            Key::Name(key) => key == name,
            Key::Plain(span) => span.of(text) == name.as_bytes(),
            Key::Json(_) => key(field.key, text) == name,
        };
        self.fields.iter().rev().find(is_it).map(|field| value(field, text))
    }

    /// Appends the fields as one JSON object; `{}` if there are none. JSON values keep the text
    /// they had, but for escapes of half a surrogate pair, which are no text and become U+FFFD.
    pub fn fields_json(&self, out: &mut Vec<u8>) {
        let start = out.len();
        self.fields_as_written(out);
        if memchr::memchr(b'\\', &out[start..]).is_some() {
            let strict = std::str::from_utf8(&out[start..]).ok().and_then(connect::strict_json);
            if let Some(strict) = strict {
                out.truncate(start);
                out.extend_from_slice(strict.as_bytes());
            }
        }
    }

    fn fields_as_written(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for (at, field) in self.fields.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            out.push(b'"');
            match field.key {
                Key::Name(name) => out.extend_from_slice(name.as_bytes()),
                Key::Plain(span) => escape::json_string(span.of(self.text), out),
                Key::Json(span) => out.extend_from_slice(span.of(self.text)),
            }
            out.extend_from_slice(b"\":");
            let value = field.value.of(self.text);
            match field.form {
                Form::Json | Form::Number => out.extend_from_slice(value),
                Form::Text => escape::quoted_json(value, out),
                Form::Quoted => escape::quoted_json(&escape::unescape(value), out),
                Form::Fixed(name) => escape::quoted_json(name.as_bytes(), out),
            }
        }
        out.push(b'}');
    }

    /// Appends the record as one JSON object and a newline: `time`, `level`, `message`, `fields`,
    /// `file`, `offset`.
    ///
    /// Bytes that are not UTF-8 become U+FFFD; [`is_utf8`](Self::is_utf8) says whether there were
    /// any.
    pub fn to_json_line(&self, out: &mut Vec<u8>, file: &str, offset: u64) {
        json_line(
            out,
            self.time,
            self.level,
            self.message,
            |out| self.fields_json(out),
            file,
            offset,
        );
    }

    /// Whether the record is UTF-8 throughout, so that no output has to replace anything.
    pub fn is_utf8(&self) -> bool {
        let (text, message) = (self.text.as_ptr_range(), self.message.as_ptr_range());
        // Mostly the message is a part of the text, which need not be looked at twice.
        let apart = message.start < text.start || message.end > text.end;
        std::str::from_utf8(self.text).is_ok()
            && !(apart && std::str::from_utf8(self.message).is_err())
    }

    /// A copy that outlives the block, in one allocation.
    pub fn to_record(&self) -> Record {
        let fields = match self.fields.len() {
            0 => 2,
            count => self.text.len().saturating_sub(self.message.len()) + count * 12,
        };
        let mut text = Vec::with_capacity(self.message.len() + fields);
        text.extend_from_slice(self.message);
        self.fields_json(&mut text);
        Record {
            time: self.time,
            level: self.level,
            offset: self.offset as u64,
            len: self.len as u64,
            message_len: self.message.len(),
            text,
        }
    }
}

/// A record on its own: message and fields share one buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// When it happened, if it says so.
    pub time: Option<Timestamp>,
    /// How bad it is, if it says so.
    pub level: Option<Level>,
    /// Where it began: in the block at first, in the file once the reader has added the block's
    /// place.
    pub offset: u64,
    /// How many bytes of the file it takes, newlines included.
    pub len: u64,
    message_len: usize,
    text: Vec<u8>,
}

impl Record {
    /// The message as it was in the file.
    pub fn message(&self) -> &[u8] {
        &self.text[..self.message_len]
    }

    /// The message as text; borrowed, unless bytes that are not UTF-8 had to be replaced by U+FFFD.
    pub fn message_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.message())
    }

    /// The fields as one JSON object.
    pub fn fields_json(&self) -> &str {
        // Every writer of the fields replaces what is not UTF-8, so that this never falls back.
        std::str::from_utf8(&self.text[self.message_len..]).unwrap_or("{}")
    }

    /// Appends the record as [`Parsed::to_json_line`] does, with its own offset.
    pub fn to_json_line(&self, out: &mut Vec<u8>, file: &str) {
        let fields = self.fields_json().as_bytes();
        let append = |out: &mut Vec<u8>| out.extend_from_slice(fields);
        json_line(out, self.time, self.level, self.message(), append, file, self.offset);
    }

    /// About how much memory it holds, for limits on what is queued.
    pub fn bytes(&self) -> usize {
        size_of::<Record>() + self.text.capacity()
    }
}

fn json_line(
    out: &mut Vec<u8>,
    time: Option<Timestamp>,
    level: Option<Level>,
    message: &[u8],
    fields: impl FnOnce(&mut Vec<u8>),
    file: &str,
    offset: u64,
) {
    out.extend_from_slice(b"{\"time\":");
    match time {
        Some(time) => {
            out.push(b'"');
            time.write_rfc3339(out);
            out.push(b'"');
        }
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"level\":");
    match level {
        Some(level) => {
            out.push(b'"');
            out.extend_from_slice(level.name().as_bytes());
            out.push(b'"');
        }
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"message\":");
    escape::quoted_json(message, out);
    out.extend_from_slice(b",\"fields\":");
    fields(out);
    out.extend_from_slice(b",\"file\":");
    escape::quoted_json(file.as_bytes(), out);
    out.extend_from_slice(b",\"offset\":");
    escape::number(offset, out);
    out.extend_from_slice(b"}\n");
}

fn key<'a>(key: Key, text: &'a [u8]) -> Cow<'a, str> {
    match key {
        Key::Name(name) => Cow::Borrowed(name),
        Key::Plain(span) => String::from_utf8_lossy(span.of(text)),
        Key::Json(span) => escape::unescape_text(span.of(text)),
    }
}

fn value<'a>(field: &Field, text: &'a [u8]) -> FieldValue<'a> {
    let value = field.value.of(text);
    match field.form {
        Form::Text => FieldValue::Text(String::from_utf8_lossy(value)),
        Form::Quoted => FieldValue::Text(escape::unescape_text(value)),
        Form::Fixed(name) => FieldValue::Text(Cow::Borrowed(name)),
        Form::Json if value.first() == Some(&b'"') && value.len() >= 2 => {
            FieldValue::Text(escape::unescape_text(&value[1..value.len() - 1]))
        }
        // The JSON parser checked that the line is UTF-8, and numbers are ASCII.
        Form::Json | Form::Number => FieldValue::Json(std::str::from_utf8(value).unwrap_or("null")),
    }
}
