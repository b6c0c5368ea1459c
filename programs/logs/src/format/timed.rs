//! JSON or logfmt behind a time, and perhaps a word or two, that a collector has put before each
//! line: `docker logs -t`, `kubectl logs --timestamps`, relays.
//!
//! What stands behind the time may also be text, as a banner is: then it is the message. Formats
//! whose programs write the time themselves are the business of `plain` and `syslog`.

use std::sync::Arc;

use super::keys::{Keys, Role};
use super::{Context, Draft, FailKind, Message, header, json, keyed, logfmt};
use crate::record::{Form, Span};
use crate::time::{self, MinuteCache, Timestamp};

/// At most this many words stand between the time and what it was put before, such as a host or
/// `stdout F`.
const WORDS: usize = 3;

/// What stands behind the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Payload {
    Json,
    Logfmt,
}

/// Lines that begin with a time that is not their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timed {
    pub(super) payload: Payload,
    pub(super) keys: Arc<Keys>,
}

/// The places of what was put before a line.
struct Prefix {
    time_end: usize,
    words: Span,
    payload_at: usize,
}

impl Timed {
    /// The name to show.
    pub fn name(&self) -> &'static str {
        match self.payload {
            Payload::Json => "json after a time",
            Payload::Logfmt => "logfmt after a time",
        }
    }

    /// Parses a line; it fails if it does not begin with a time.
    pub(super) fn parse(
        &self,
        line: &[u8],
        context: &mut Context,
        draft: &mut Draft,
    ) -> Result<(), FailKind> {
        let (time, time_end) = stamp(line, context).ok_or(FailKind::NoTime)?;
        draft.time = Some(time);
        if let Some(prefix) = self.prefix(line, time_end)
            && self.payload(line, prefix.payload_at, draft)
        {
            if !prefix.words.is_empty() {
                let one = !prefix.words.of(line).contains(&b' ');
                draft.push(if one { "host" } else { "context" }, prefix.words, Form::Text);
            }
            return Ok(());
        }
        draft.fields.clear();
        draft.chosen = [None; 3];
        draft.level = None;
        let at = header::skip_blank(line, time_end);
        draft.message = Message::At(Span::new(at, line.len()));
        Ok(())
    }

    /// Completes a record: a time of the line's own counts, and the collector's becomes a field
    /// then.
    pub(super) fn finish(&self, line: &[u8], draft: &mut Draft) {
        let collected = draft.time;
        let own = draft.chosen[Role::Time as usize].is_some();
        keyed::finish(line, draft, true);
        if draft.time.is_none() {
            draft.time = collected;
        } else if own && let Some(len) = stamp_len(line) {
            draft.push(
                "collected",
                Span::new(usize::from(line.first() == Some(&b'[')), len),
                Form::Text,
            );
        }
    }

    /// Whether a line is read whole: a time, at most a few words, and then what this format is of,
    /// with one of the usual keys in it.
    pub(super) fn explains(&self, line: &[u8], draft: &mut Draft) -> bool {
        let Some(prefix) = stamp_len(line).and_then(|end| self.prefix(line, end)) else {
            return false;
        };
        self.payload(line, prefix.payload_at, draft) && draft.chosen.iter().any(Option::is_some)
    }

    /// Whether a line begins with a time.
    pub(super) fn begins(line: &[u8]) -> bool {
        stamp_len(line).is_some()
    }

    fn payload(&self, line: &[u8], at: usize, draft: &mut Draft) -> bool {
        match self.payload {
            Payload::Json => json::parse_from(line, at, &self.keys, draft).is_ok(),
            Payload::Logfmt => logfmt::parse_from(line, at, &self.keys, draft).is_ok(),
        }
    }

    /// Passes over the words before what this format is of; `None` if it is not there.
    fn prefix(&self, line: &[u8], time_end: usize) -> Option<Prefix> {
        let time_end = time_end + usize::from(line.get(time_end) == Some(&b']'));
        let start = header::skip_blank(line, time_end);
        let mut at = start;
        let mut end = start;
        for _ in 0..=WORDS {
            let len = line[at..].iter().take_while(|byte| !matches!(byte, b' ' | b'\t')).count();
            let word = &line[at..at + len];
            let found = match self.payload {
                Payload::Json => word.first() == Some(&b'{'),
                Payload::Logfmt => memchr::memchr(b'=', word).is_some_and(|equals| equals > 0),
            };
            if found {
                return Some(Prefix { time_end, words: Span::new(start, end), payload_at: at })
                    .filter(|prefix| at > prefix.time_end);
            }
            // A word that ends with a colon names a program, whose message may be anything.
            if word.is_empty() || word.ends_with(b":") {
                return None;
            }
            end = at + len;
            at = header::skip_blank(line, end);
        }
        None
    }
}

fn opened(line: &[u8]) -> (&[u8], usize) {
    match line {
        [b'[', rest @ ..] => (rest, 1),
        _ => (line, 0),
    }
}

fn stamp(line: &[u8], context: &mut Context) -> Option<(Timestamp, usize)> {
    let (text, bracket) = opened(line);
    let (time, len) = time::iso(text, &mut context.minute)
        .or_else(|| time::syslog(text, context.now))
        .or_else(|| time::clock(text, context.now))?;
    Some((time, bracket + len))
}

fn stamp_len(line: &[u8]) -> Option<usize> {
    let mut context = Context { now: Timestamp::from_nanos(0), minute: MinuteCache::default() };
    stamp(line, &mut context).map(|(_, len)| len)
}
