//! Syslog: RFC 5424, the older form of RFC 3164, and the files that syslog daemons write from them.

use super::{Context, Draft, Message};
use crate::format::draft::number_or_text;
use crate::level::Level;
use crate::record::{Field, Form, Key, Span};
use crate::time::{self, Timestamp};

/// The forms of syslog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syslog {
    /// `<34>Jan  2 03:04:05 host app[pid]: message`; in files mostly without the `<34>`, and then without a level. The
    /// time may also be RFC 3339, as rsyslog writes it.
    Rfc3164,
    /// `<34>1 2024-01-02T03:04:05.678Z host app pid id [data] message`.
    Rfc5424,
}

impl Syslog {
    /// The name to show.
    pub fn name(&self) -> &'static str {
        match self {
            Syslog::Rfc3164 => "rfc 3164",
            Syslog::Rfc5424 => "rfc 5424",
        }
    }

    #[inline]
    pub(super) fn begins(&self, line: &[u8]) -> bool {
        let priority = priority(line);
        let rest = &line[priority.map_or(0, |(_, end)| end)..];
        match self {
            Syslog::Rfc3164 => time::syslog_shape(rest) || time::iso_shape(rest),
            Syslog::Rfc5424 => priority.is_some() && matches!(rest, [b'1'..=b'9', b' ', ..]),
        }
    }

    #[inline]
    pub(super) fn level(&self, text: &[u8]) -> Option<Level> {
        priority(text).and_then(|(priority, _)| Level::from_severity((priority % 8) as u8))
    }

    pub(super) fn time(&self, text: &[u8], context: &mut Context) -> Option<Timestamp> {
        let at = priority(text).map_or(0, |(_, end)| end);
        match self {
            Syslog::Rfc3164 => stamp_3164(&text[at..], context).map(|(time, _)| time),
            Syslog::Rfc5424 => {
                time::iso(text.get(at + 2..)?, &mut context.minute).map(|(time, _)| time)
            }
        }
    }

    /// Fills in a record. A line that breaks off has its remainder in the message.
    pub(super) fn parse(&self, text: &[u8], context: &mut Context, draft: &mut Draft) {
        let at = if self.begins(text) { self.parse_head(text, context, draft) } else { 0 };
        draft.message = Message::At(Span::new(at, text.len()));
    }

    fn parse_head(&self, text: &[u8], context: &mut Context, draft: &mut Draft) -> usize {
        draft.level = self.level(text);
        let mut at = 0;
        if let Some((priority, end)) = priority(text) {
            if let Some(name) = FACILITIES.get(usize::from(priority / 8)) {
                draft.push("facility", Span::default(), Form::Fixed(name));
            }
            at = end;
        }
        match self {
            Syslog::Rfc3164 => parse_3164(text, at, context, draft),
            Syslog::Rfc5424 => parse_5424(text, at + 2, context, draft),
        }
    }
}

/// The names of the facilities, by number.
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
];

/// Reads `<34>` and gives the number and the place behind.
#[inline]
fn priority(text: &[u8]) -> Option<(u16, usize)> {
    if text.first() != Some(&b'<') {
        return None;
    }
    let digits = text[1..].iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=3).contains(&digits) || text.get(1 + digits) != Some(&b'>') {
        return None;
    }
    let number =
        text[1..=digits].iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0'));
    (number <= 191).then_some((number, digits + 2))
}

fn stamp_3164(text: &[u8], context: &mut Context) -> Option<(Timestamp, usize)> {
    if time::iso_shape(text) {
        return time::iso(text, &mut context.minute);
    }
    time::syslog(text, context.now)
}

/// Where the word at a place ends.
fn word_end(text: &[u8], at: usize) -> usize {
    at + text[at..].iter().take_while(|byte| !matches!(byte, b' ' | b'\n' | b'\r')).count()
}

/// Reads `time host app[pid]: ` and gives the place of the message.
fn parse_3164(text: &[u8], at: usize, context: &mut Context, draft: &mut Draft) -> usize {
    let Some((time, len)) = stamp_3164(&text[at..], context) else { return at };
    draft.time = Some(time);
    let end = at + len;
    if text.get(end) != Some(&b' ') {
        return end;
    }
    let host = end + 1;
    let host_end = word_end(text, host);
    if host_end == host || text.get(host_end) != Some(&b' ') {
        return host;
    }
    draft.push("host", Span::new(host, host_end), Form::Text);
    let tag = host_end + 1;
    let is_name = |byte: &&u8| !matches!(byte, b' ' | b':' | b'[' | b'\n' | b'\r');
    let app_end = tag + text[tag..].iter().take_while(is_name).count();
    let mut at = app_end;
    let mut pid = None;
    if text.get(at) == Some(&b'[') {
        let inside = at + 1;
        let len = text[inside..]
            .iter()
            .take(32)
            .take_while(|byte| !matches!(byte, b']' | b' ' | b'\n'))
            .count();
        if text.get(inside + len) != Some(&b']') {
            return tag;
        }
        pid = Some(Span::new(inside, inside + len));
        at = inside + len + 1;
    }
    if app_end == tag || text.get(at) != Some(&b':') {
        return tag;
    }
    draft.push("app", Span::new(tag, app_end), Form::Text);
    if let Some(pid) = pid {
        draft.push("pid", pid, number_or_text(pid.of(text)));
    }
    at + 1 + usize::from(text.get(at + 1) == Some(&b' '))
}

/// Reads `time host app pid id [data] ` and gives the place of the message.
fn parse_5424(text: &[u8], at: usize, context: &mut Context, draft: &mut Draft) -> usize {
    let mut at = at;
    for name in ["", "host", "app", "pid", "msgid"] {
        let end = word_end(text, at);
        if end == at || text.get(end) != Some(&b' ') {
            return at;
        }
        let word = Span::new(at, end);
        if name.is_empty() {
            draft.time = time::iso(word.of(text), &mut context.minute).map(|(time, _)| time);
        } else if word.of(text) != b"-" {
            draft.push(name, word, number_or_text(word.of(text)));
        }
        at = end + 1;
    }
    if text.get(at) == Some(&b'-') {
        at += 1;
    }
    let data = at;
    while text.get(at) == Some(&b'[') {
        match element(text, at, draft) {
            Some(end) => at = end,
            None => return at,
        }
    }
    if data < at && text[data] == b'[' {
        draft.push("sd", Span::new(data, at), Form::Text);
    }
    at += usize::from(text.get(at) == Some(&b' '));
    // The message may begin with a byte order mark, which says that it is UTF-8.
    if text[at..].starts_with(b"\xef\xbb\xbf") { at + 3 } else { at }
}

/// Reads one `[id name="value" ...]` of structured data; the values become fields by their names.
/// With its ids it is in the field `sd` as a whole.
fn element(text: &[u8], at: usize, draft: &mut Draft) -> Option<usize> {
    let fields = draft.fields.len();
    let end = element_fields(text, at, draft);
    if end.is_none() {
        // What does not end properly stays in the message.
        draft.fields.truncate(fields);
    }
    end
}

fn element_fields(text: &[u8], at: usize, draft: &mut Draft) -> Option<usize> {
    let in_name = |byte: &&u8| !matches!(byte, b' ' | b']' | b'=' | b'"' | b'\n');
    let id_end = at + 1 + text[at + 1..].iter().take_while(in_name).count();
    let mut at = id_end;
    while text.get(at) == Some(&b' ') {
        let name = at + 1;
        let name_end = name + text[name..].iter().take_while(in_name).count();
        if text.get(name_end..name_end + 2)? != b"=\"" {
            return None;
        }
        let value = name_end + 2;
        let end = value + super::logfmt::closing_quote(&text[value..])?;
        let key = Key::Plain(Span::new(name, name_end));
        draft.fields.push(Field { key, value: Span::new(value, end), form: Form::Quoted });
        at = end + 1;
    }
    (text.get(at) == Some(&b']')).then_some(at + 1)
}
