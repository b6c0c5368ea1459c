//! What stands between the time and the message of a plain line: level, thread, logger and the like, in the styles of
//! the programs that write them.
//!
//! Each style falls back to [`any`], which looks for a level among the first words; so a line that does not keep to
//! its file's style still has its level, and loses nothing.

use crate::format::Draft;
use crate::format::draft::number_or_text;
use crate::level::Level;
use crate::record::{Form, Span};

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

/// A header as read: places only, so that nothing is paid for what is not wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) level: Option<Level>,
    pub(super) message_at: usize,
    pub(super) parts: Parts,
}

/// At most four fields of a header.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Parts {
    parts: [Option<(&'static str, Span, Form)>; 4],
    len: usize,
}

impl Parts {
    fn push(&mut self, name: &'static str, text: &[u8], start: usize, end: usize) {
        if start < end && self.len < self.parts.len() {
            self.parts[self.len] = Some((name, Span::new(start, end), number_or_text(&text[start..end])));
            self.len += 1;
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, Span, Form)> + '_ {
        self.parts.iter().flatten().copied()
    }
}

impl Style {
    /// The styles that a file can be told to have by its first lines, the more particular first.
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

    /// Reads a header that keeps to the style; `None` if it does not. The line is one line without its newline.
    pub(super) fn read(self, line: &[u8], at: usize) -> Option<Header> {
        match self {
            Style::Any => Some(any(line, at)),
            Style::Log4j => log4j(line, at),
            Style::Spring => spring(line, at),
            Style::Python => python(line, at),
            Style::Tracing => tracing(line, at),
            Style::Postgres => postgres(line, at),
            Style::Nginx => nginx(line, at),
            Style::Apache => apache(line, at),
            Style::EnvLogger => env_logger(line, at),
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

/// The place after blanks and tabs.
#[inline]
pub(super) fn skip_blank(text: &[u8], at: usize) -> usize {
    at + text[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// Reads a run of letters and digits that is a level, and where it ends.
#[inline]
pub(super) fn level_word(text: &[u8], at: usize) -> Option<(Level, usize)> {
    let rest = text.get(at..)?;
    let len = rest.iter().take(14).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    Level::from_word(&rest[..len]).map(|level| (level, at + len))
}

/// Like [`level_word`], and nothing but a blank or punctuation may follow, as in `INFO:` but not in `info_total`.
fn level_apart(text: &[u8], at: usize) -> Option<(Level, usize)> {
    level_word(text, at).filter(|(_, end)| {
        matches!(text.get(*end), None | Some(b' ' | b'\t' | b':' | b']' | b')' | b'>' | b'|' | b',' | b'-'))
    })
}

/// The place after the closing bracket of a level and the separators that may follow it.
pub(super) fn after_level(text: &[u8], at: usize) -> usize {
    let closed = at + usize::from(matches!(text.get(at), Some(b']' | b')' | b'>')));
    let blank = skip_blank(text, closed);
    match &text[blank..] {
        [b':' | b'|' | b',', ..] => skip_blank(text, blank + 1),
        [b'-', b' ' | b'\t', ..] => skip_blank(text, blank + 1),
        _ => blank,
    }
}

/// Reads `[inside]` and gives the place inside and the place behind.
fn bracketed(text: &[u8], at: usize) -> Option<(usize, usize, usize)> {
    if text.get(at) != Some(&b'[') {
        return None;
    }
    let end = at + memchr::memchr(b']', &text[at..])?;
    Some((at + 1, end, end + 1))
}

fn find(text: &[u8], at: usize, what: &[u8]) -> Option<usize> {
    memchr::memmem::find(text.get(at..)?, what).map(|found| at + found)
}

/// Where a word of letters, digits and the punctuation of names ends.
fn name_end(text: &[u8], at: usize) -> usize {
    let in_name =
        |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$' | b'/' | b'-' | b'#');
    at + text[at..].iter().take_while(in_name).count()
}

/// Looks for a level among the first four words. In small letters it counts only at the very first place or set off by
/// brackets or a colon, a single letter only in brackets: "an info page" and "I am" are text. Words before the level
/// go into the field `context`.
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
        let Some(blank) = memchr::memchr(b' ', line.get(word_at..).unwrap_or_default()) else { break };
        word_at = skip_separators(line, word_at + blank);
    }
    Header { level: None, message_at: skip_blank(line, at), parts: Parts::default() }
}

/// Reads Monolog's `channel.LEVEL: message`.
fn channel_level(line: &[u8], at: usize) -> Option<Header> {
    let name =
        line[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
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
    at + text[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'|' | b'-' | b':' | b',')).count()
}

fn trim_end(text: &[u8], start: usize, end: usize) -> usize {
    let separators =
        text[start..end].iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t' | b'|' | b'-' | b':'));
    end - separators.count()
}

fn log4j(line: &[u8], at: usize) -> Option<Header> {
    let at = at + usize::from(line.get(at) == Some(&b']'));
    let mut parts = Parts::default();
    let mut at = skip_blank(line, at);
    // A thread may stand on either side of the level; a level in brackets is none.
    if let Some((start, end, behind)) =
        bracketed(line, at).filter(|(start, ..)| level_apart(line, *start).is_none())
    {
        parts.push("thread", line, start, end);
        at = skip_blank(line, behind);
    }
    let bracket = usize::from(line.get(at) == Some(&b'['));
    let (level, end) = level_apart(line, at + bracket)?;
    at = after_level(line, end);
    if let Some((start, end, behind)) = bracketed(line, at).filter(|_| parts.len == 0) {
        parts.push("thread", line, start, end);
        at = skip_blank(line, behind);
    }
    // The logger, perhaps with a place in the source, up to " - ", ": " or " : ".
    let end = name_end(line, at);
    let behind = skip_blank(line, end);
    let place = line.get(behind) == Some(&b'(') || line.get(behind) == Some(&b'[');
    let message_at = match &line[end..] {
        [b':', b' ', ..] => Some(end + 2),
        _ if place => find(line, behind, b" - ").or_else(|| find(line, behind, b": ")).map(|found| found + 2),
        _ => match &line[behind..] {
            [b'-' | b':', b' ', ..] if behind > end => Some(behind + 2),
            _ => None,
        },
    };
    if let Some(message_at) = message_at.filter(|_| end > at) {
        parts.push("logger", line, at, end);
        if place {
            parts.push("source", line, behind, trim_end(line, behind, message_at));
        }
        at = skip_blank(line, message_at);
    } else if parts.len == 0 {
        return None;
    }
    Some(Header { level: Some(level), message_at: at, parts })
}

fn spring(line: &[u8], at: usize) -> Option<Header> {
    let (level, end) = level_apart(line, skip_blank(line, at))?;
    let pid = skip_blank(line, end);
    let dashes = find(line, pid, b" --- ")?;
    let mut parts = Parts::default();
    parts.push("pid", line, pid, dashes);
    let mut at = skip_blank(line, dashes + 5);
    let mut last = None;
    while let Some((start, end, behind)) = bracketed(line, at) {
        if let Some((start, end)) = last.replace((start, end)) {
            parts.push("app", line, start, end);
        }
        at = skip_blank(line, behind);
    }
    let (start, end) = last?;
    let thread = start + line[start..end].iter().take_while(|byte| **byte == b' ').count();
    parts.push("thread", line, thread, end);
    let colon = find(line, at, b": ").or_else(|| line.ends_with(b":").then(|| line.len() - 1))?;
    parts.push("logger", line, at, trim_end(line, at, colon.max(at)));
    Some(Header { level: Some(level), message_at: skip_blank(line, colon + 1), parts })
}

fn python(line: &[u8], at: usize) -> Option<Header> {
    if line.get(at..at + 3)? != b" - " {
        return None;
    }
    let start = at + 3;
    let mut word_at = start;
    for _ in 0..4 {
        if let Some((level, end)) = level_apart(line, word_at).filter(|(_, end)| ends_part(line, *end)) {
            let mut parts = Parts::default();
            parts.push("logger", line, start, trim_end(line, start, word_at));
            return Some(Header { level: Some(level), message_at: after_level(line, end), parts });
        }
        word_at = find(line, word_at, b" - ")? + 3;
    }
    None
}

fn ends_part(line: &[u8], at: usize) -> bool {
    let rest = &line[skip_blank(line, at)..];
    rest.is_empty() || rest.starts_with(b"- ") || rest == b"-"
}

fn tracing(line: &[u8], at: usize) -> Option<Header> {
    let (level, end) = level_apart(line, skip_blank(line, at))?;
    if !matches!(line.get(end), Some(b' ')) {
        return None;
    }
    let at = skip_blank(line, end);
    let mut parts = Parts::default();
    let in_target = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'-' | b'.');
    let len = line[at..].iter().take_while(in_target).count();
    let target = &line[at..at + len];
    let followed = matches!(line.get(at + len), Some(b' ') | None);
    if !followed || len < 2 || !target.ends_with(b":") || target.ends_with(b"::") {
        return None;
    }
    parts.push("target", line, at, at + len - 1);
    Some(Header { level: Some(level), message_at: skip_blank(line, at + len), parts })
}

fn postgres(line: &[u8], at: usize) -> Option<Header> {
    let mut at = skip_blank(line, at);
    // The zone's name, where it is none that the time's own parser knows.
    let zone = line[at..].iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    if (2..=5).contains(&zone) && line.get(at + zone) == Some(&b' ') {
        at = skip_blank(line, at + zone);
    }
    let (start, end, behind) = bracketed(line, at)?;
    let digits = line[start..end].iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return None;
    }
    let mut parts = Parts::default();
    parts.push("pid", line, start, start + digits);
    at = skip_blank(line, behind);
    if let Some(sign) = memchr::memchr(b'@', &line[at..]) {
        let end = at + memchr::memchr(b' ', &line[at..])?;
        if at + sign < end {
            parts.push("user", line, at, at + sign);
            parts.push("database", line, at + sign + 1, end);
            at = skip_blank(line, end);
        }
    }
    let word = line[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    if word == 0 || line.get(at + word) != Some(&b':') || !line[at].is_ascii_uppercase() {
        return None;
    }
    // PostgreSQL's LOG is its normal level; DETAIL, HINT, STATEMENT and the like belong to a message of another line
    // and have no level of their own, so their name stays in the message.
    let level = match &line[at..at + word] {
        b"LOG" => Some(Level::Info),
        name => Level::from_word(name),
    };
    let message_at = if level.is_some() { skip_blank(line, at + word + 1) } else { at };
    Some(Header { level, message_at, parts })
}

fn nginx(line: &[u8], at: usize) -> Option<Header> {
    let (start, end, behind) = bracketed(line, skip_blank(line, at))?;
    let level = Level::from_word(&line[start..end])?;
    let pid = skip_blank(line, behind);
    let sign = pid + memchr::memchr(b'#', line.get(pid..)?)?;
    let colon = find(line, sign, b": ")?;
    if !line[pid..sign].iter().chain(&line[sign + 1..colon]).all(u8::is_ascii_digit) {
        return None;
    }
    let mut parts = Parts::default();
    parts.push("pid", line, pid, sign);
    parts.push("tid", line, sign + 1, colon);
    let mut at = colon + 2;
    if line.get(at) == Some(&b'*') {
        let end = at + 1 + line[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        parts.push("connection", line, at + 1, end);
        at = skip_blank(line, end);
    }
    Some(Header { level: Some(level), message_at: at, parts })
}

fn apache(line: &[u8], at: usize) -> Option<Header> {
    let closed = at + usize::from(line.get(at) == Some(&b']'));
    let (start, end, behind) = bracketed(line, skip_blank(line, closed))?;
    let mut parts = Parts::default();
    let level_at = match memchr::memchr(b':', &line[start..end]) {
        Some(colon) => {
            parts.push("module", line, start, start + colon);
            start + colon + 1
        }
        None => start,
    };
    // The levels trace1 to trace8.
    let digits = line[level_at..end].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let level = Level::from_word(&line[level_at..end - digits])?;
    let mut at = skip_blank(line, behind);
    while let Some((start, end, behind)) = bracketed(line, at) {
        let inside = &line[start..end];
        if inside.starts_with(b"pid ") {
            let len = inside[4..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            parts.push("pid", line, start + 4, start + 4 + len);
            if let Some(tid) = find(line, start, b":tid ").filter(|tid| *tid < end) {
                parts.push("tid", line, tid + 5, end);
            }
        } else if inside.starts_with(b"client ") {
            parts.push("client", line, start + 7, end);
        } else {
            break;
        }
        at = skip_blank(line, behind);
    }
    Some(Header { level: Some(level), message_at: at, parts })
}

fn env_logger(line: &[u8], at: usize) -> Option<Header> {
    if line.first() != Some(&b'[') {
        return None;
    }
    let (level, end) = level_apart(line, skip_blank(line, at))?;
    let target = skip_blank(line, end);
    let close = target + memchr::memchr(b']', &line[target..])?;
    let mut parts = Parts::default();
    parts.push("target", line, target, close);
    Some(Header { level: Some(level), message_at: skip_blank(line, close + 1), parts })
}

/// Reads glog's ` thread file:line] ` and gives the place of the message.
pub(super) fn glog(text: &[u8], at: usize, draft: &mut Draft) -> usize {
    let window = &text[..text.len().min(at + 512)];
    let line = &window[..memchr::memchr(b'\n', &window[at..]).map_or(window.len(), |end| at + end)];
    let thread = skip_blank(line, at);
    let close = find(line, thread, b"] ").or_else(|| line.ends_with(b"]").then(|| line.len() - 1));
    let Some(close) = close else { return thread };
    let Some(blank) = memchr::memchr(b' ', &line[thread..close]) else { return thread };
    let mut parts = Parts::default();
    parts.push("thread", line, thread, thread + blank);
    let source = skip_blank(line, thread + blank);
    match memchr::memrchr(b':', &line[source..close]) {
        Some(colon) => {
            parts.push("source", line, source, source + colon);
            parts.push("line", line, source + colon + 1, close);
        }
        None => parts.push("source", line, source, close),
    }
    for (name, span, form) in parts.iter() {
        draft.push(name, span, form);
    }
    skip_blank(line, close + 1)
}

/// Reads the logger of Python's `LEVEL:logger:message`, as `logging.basicConfig` writes it.
pub(super) fn basic_config(text: &[u8], at: usize, draft: &mut Draft) -> usize {
    let end = name_end(text, at);
    if text.get(at.wrapping_sub(1)) == Some(&b':') && end > at && text.get(end) == Some(&b':') {
        draft.push("logger", Span::new(at, end), Form::Text);
        return end + 1;
    }
    at
}
