//! What stands between the time and the message of a plain line: level, thread, logger and the
//! like, in the styles of the programs that write them.
//!
//! Each style falls back to [`any`], which looks for a level among the first words; so a line that
//! does not keep to its file's style still has its level, and loses nothing.

mod apps;
mod java;
mod parts;
mod servers;

pub(super) use apps::{basic_config, glog};
pub(super) use servers::postgres_begins;

pub(super) use parts::{Header, Parts, after_level, level_apart, level_word, skip_blank};

use parts::trim_end;

/// Whose habit of writing a header it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// A level among the first words, or none.
    Any,
    /// `[thread] LEVEL logger - message` and its relatives, of log4j and logback.
    Log4j,
    /// `LEVEL pid --- [app] [thread] logger : message`.
    Spring,
    /// `- logger - LEVEL - message`.
    Python,
    /// `LEVEL target: message`.
    Tracing,
    /// `[pid] user@database LEVEL:  message`.
    Postgres,
    /// `[level] pid#tid: *connection message`.
    Nginx,
    /// `[module:level] [pid 1:tid 2] [client address] message`.
    Apache,
    /// `LEVEL target] message`, the time being behind the same bracket.
    EnvLogger,
}

impl Style {
    /// The styles that the first lines of a file can show, the more particular first.
    pub(super) const DETECTABLE: [Style; 8] = [
        Style::Spring,
        Style::Python,
        Style::Nginx,
        Style::Apache,
        Style::Postgres,
        Style::EnvLogger,
        Style::Log4j,
        Style::Tracing,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Style::Any => "time first",
            Style::Log4j => "log4j",
            Style::Spring => "spring",
            Style::Python => "python",
            Style::Tracing => "tracing",
            Style::Postgres => "postgresql",
            Style::Nginx => "nginx error",
            Style::Apache => "apache error",
            Style::EnvLogger => "env_logger",
        }
    }

    /// Reads a header that keeps to the style; `None` if it does not. The line is one line without
    /// its newline.
    pub(super) fn read(self, line: &[u8], at: usize) -> Option<Header> {
        match self {
            Style::Any => Some(any(line, at)),
            Style::Log4j => java::log4j(line, at),
            Style::Spring => java::spring(line, at),
            Style::Python => apps::python(line, at),
            Style::Tracing => apps::tracing(line, at),
            Style::Postgres => servers::postgres(line, at),
            Style::Nginx => servers::nginx(line, at),
            Style::Apache => servers::apache(line, at),
            Style::EnvLogger => apps::env_logger(line, at),
        }
    }
}

/// Reads the header behind a time that ends at `at`.
#[inline]
pub(super) fn read(style: Style, text: &[u8], at: usize) -> Header {
    // A header that is longer than this is none.
    let window = &text[..text.len().min(at + 1024)];
    let line = match memchr::memchr2(b'\n', b'\r', &window[at..]) {
        Some(end) => &window[..at + end],
        None => window,
    };
    style.read(line, at).unwrap_or_else(|| any(line, at))
}

/// Looks for a level among the first four words. In small letters it counts only at the very first
/// place or set off by brackets or a colon, a single letter only in brackets: "an info page" and "I
/// am" are text. Words before the level go into the field `context`.
fn any(line: &[u8], at: usize) -> Header {
    let at = at + usize::from(line.get(at) == Some(&b']'));
    let start = skip_separators(line, at);
    let mut word_at = start;
    for place in 0..4 {
        let open = usize::from(matches!(line.get(word_at), Some(b'[' | b'<' | b'(')));
        let word = word_at + open;
        if let Some((level, end)) = level_apart(line, word) {
            let capitals = line[word..end].iter().all(|byte| !byte.is_ascii_lowercase());
            let padded = skip_blank(line, end);
            let set_off = match open {
                1 => matches!(line.get(padded), Some(b']' | b'>' | b')')),
                _ => end - word > 1 && (capitals || place == 0 || line.get(end) == Some(&b':')),
            };
            if set_off {
                let mut parts = Parts::default();
                parts.push("context", line, start, trim_end(line, start, word_at));
                let message_at = after_level(line, if open == 1 { padded } else { end });
                return Header { level: Some(level), message_at, parts };
            }
        }
        if let Some(header) = channel_level(line, word_at) {
            return header;
        }
        let Some(blank) = memchr::memchr(b' ', line.get(word_at..).unwrap_or_default()) else {
            break;
        };
        word_at = skip_separators(line, word_at + blank);
    }
    Header { level: None, message_at: skip_blank(line, at), parts: Parts::default() }
}

/// Reads Monolog's `channel.LEVEL: message`.
fn channel_level(line: &[u8], at: usize) -> Option<Header> {
    let name = line[at..]
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    let dot = at + name.count();
    let (level, end) = level_word(line, dot + usize::from(line.get(dot) == Some(&b'.')))?;
    let apart = dot > at && line.get(dot) == Some(&b'.') && line.get(end) == Some(&b':');
    if !apart || line[dot + 1..end].iter().any(u8::is_ascii_lowercase) {
        return None;
    }
    let mut parts = Parts::default();
    parts.push("channel", line, at, dot);
    Some(Header { level: Some(level), message_at: after_level(line, end), parts })
}

fn skip_separators(text: &[u8], at: usize) -> usize {
    at + text[at..]
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'|' | b'-' | b':' | b','))
        .count()
}
