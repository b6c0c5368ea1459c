//! The draft of a record: what a parser fills in, as places in the text. It is used again for each
//! record.

use super::shape::Shape;
use crate::level::Level;
use crate::record::{Field, Form, Key, Span};
use crate::time::Timestamp;

/// Where the message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// A stretch of the text.
    At(Span),
    /// In the draft's own buffer, because escapes had to be undone.
    Scratch,
}

#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) time: Option<Timestamp>,
    pub(crate) level: Option<Level>,
    pub(crate) message: Message,
    pub(crate) scratch: Vec<u8>,
    pub(crate) fields: Vec<Field>,
    /// Which fields a keyed format takes for time, level and message, with the rank of their keys.
    pub(crate) chosen: [Option<Chosen>; 3],
    /// What is known of keys from the records before.
    pub(crate) shape: Shape,
}

/// A field that was chosen for its key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chosen {
    pub(crate) rank: usize,
    pub(crate) index: usize,
}

impl Draft {
    pub(crate) fn new() -> Draft {
        Draft {
            time: None,
            level: None,
            message: Message::At(Span::default()),
            scratch: Vec::new(),
            fields: Vec::new(),
            chosen: [None; 3],
            shape: Shape::default(),
        }
    }

    #[inline]
    pub(crate) fn clear(&mut self) {
        self.time = None;
        self.level = None;
        self.message = Message::At(Span::default());
        self.fields.clear();
        self.chosen = [None; 3];
    }

    #[inline]
    pub(crate) fn push(&mut self, name: &'static str, value: Span, form: Form) {
        self.fields.push(Field { key: Key::Name(name), value, form });
    }

    pub(crate) fn message<'a>(&'a self, text: &'a [u8]) -> &'a [u8] {
        match self.message {
            Message::At(span) => span.of(text),
            Message::Scratch => &self.scratch,
        }
    }
}

/// The form of a bare word: a number if JSON would write it in the same way, so that nothing is
/// lost by calling it one.
///
/// Leading zeros, a plus sign, exponents, zeros at the end of a fraction and more than 15 digits
/// make it text.
pub(crate) fn number_or_text(word: &[u8]) -> Form {
    let digits = word.strip_prefix(b"-").unwrap_or(word);
    if digits.is_empty() || digits.len() > 16 || !digits[0].is_ascii_digit() {
        return Form::Text;
    }
    let point = digits.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = digits.split_at(point.unwrap_or(digits.len()));
    let whole_fits = whole.len() <= 15
        && (whole == b"0" || whole[0] != b'0')
        && whole.iter().all(u8::is_ascii_digit);
    let fraction_fits = match fraction {
        [] => true,
        [_point, digits @ ..] => {
            digits.iter().all(u8::is_ascii_digit) && digits.last().is_some_and(|last| *last != b'0')
        }
    };
    if whole_fits && fraction_fits && word != b"-0" { Form::Number } else { Form::Text }
}
