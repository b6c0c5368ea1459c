//! What JSON and logfmt have in common: time, level and message are fields that are recognized by
//! their keys.
//!
//! A value that is not understood stays among the fields, so that nothing is lost.

use std::borrow::Cow;

use super::keys::Role;
use super::shape::Meaning;
use super::{Draft, Message};
use crate::escape;
use crate::format::draft::Chosen;
use crate::level::Level;
use crate::record::{Field, Form, Key, Span};
use crate::time::Timestamp;

/// Adds a field, and remembers it if its key makes it the time, the level or the message.
#[inline]
pub(super) fn push(draft: &mut Draft, meaning: Meaning, key: Key, value: Span, form: Form) {
    if let Some((role, rank)) = meaning {
        let chosen = &mut draft.chosen[role as usize];
        // Of a key that is there twice the last one counts, as in most JSON parsers.
        if chosen.is_none_or(|chosen| rank <= chosen.rank) {
            *chosen = Some(Chosen { rank, index: draft.fields.len() });
        }
    }
    draft.fields.push(Field { key, value, form });
}

/// Works out the level, which filters ask for first.
#[inline]
pub(super) fn level(text: &[u8], draft: &mut Draft) {
    let Some(chosen) = draft.chosen[Role::Level as usize] else { return };
    let field = draft.fields[chosen.index];
    let value = scalar(text, &field);
    // Go's slog writes a level between two names as `ERROR+2`.
    let name = value.split(|byte| *byte == b'+').next().unwrap_or_default();
    draft.level = Level::from_word(name).or_else(|| {
        let number = std::str::from_utf8(&value).ok()?.parse().ok()?;
        Level::from_number(number)
    });
    if draft.level.is_none() {
        draft.chosen[Role::Level as usize] = None;
    }
}

/// Works out time and message, and takes what was understood out of the fields.
pub(super) fn finish(text: &[u8], draft: &mut Draft, json: bool) {
    let [time, level, message] = draft.chosen;
    let mut taken = [level.map(|level| level.index), None, None];
    if let Some(time) = time {
        draft.time = Timestamp::parse(&scalar(text, &draft.fields[time.index]));
        taken[1] = draft.time.map(|_| time.index);
    }
    if let Some(message) = message {
        let field = draft.fields[message.index];
        taken[2] = Some(message.index);
        draft.message = message_of(text, field, &mut draft.scratch);
    } else if !json {
        draft.message = Message::At(Span::default());
    }
    if taken.iter().any(Option::is_some) {
        let mut index = 0;
        draft.fields.retain(|_| {
            let keep = !taken.contains(&Some(index));
            index += 1;
            keep
        });
    }
}

/// The text of a string, a word or a number, without quotes and escapes.
fn scalar<'a>(text: &'a [u8], field: &Field) -> Cow<'a, [u8]> {
    let value = field.value.of(text);
    match field.form {
        Form::Json => match value {
            [b'"', inside @ .., b'"'] => escape::unescape(inside),
            _ => Cow::Borrowed(value),
        },
        Form::Quoted => escape::unescape(value),
        Form::Text | Form::Number | Form::Fixed(_) => Cow::Borrowed(value),
    }
}

fn message_of(text: &[u8], field: Field, scratch: &mut Vec<u8>) -> Message {
    let value = field.value.of(text);
    let (inside, span, escapes) = match (field.form, value) {
        (Form::Json, [b'"', inside @ .., b'"']) => (inside, field.value.inside_quotes(), true),
        (Form::Quoted, _) => (value, field.value, true),
        _ => (value, field.value, false),
    };
    if escapes && memchr::memchr(b'\\', inside).is_some() {
        scratch.clear();
        escape::unescape_into(inside, scratch);
        return Message::Scratch;
    }
    Message::At(span)
}
