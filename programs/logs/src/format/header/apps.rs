//! The headers of Python's logging, of Rust's tracing and env_logger, and of glog.

use super::parts::{Header, Parts, after_level, find, level_apart, name_end, skip_blank, trim_end};
use crate::format::Draft;
use crate::record::{Form, Span};

pub(super) fn python(line: &[u8], at: usize) -> Option<Header> {
    if line.get(at..at + 3)? != b" - " {
        return None;
    }
    let start = at + 3;
    let mut word_at = start;
    for _ in 0..4 {
        if let Some((level, end)) =
            level_apart(line, word_at).filter(|(_, end)| ends_part(line, *end))
        {
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

pub(super) fn tracing(line: &[u8], at: usize) -> Option<Header> {
    let (level, end) = level_apart(line, skip_blank(line, at))?;
    if !matches!(line.get(end), Some(b' ')) {
        return None;
    }
    let at = skip_blank(line, end);
    let mut parts = Parts::default();
    let in_target =
        |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'-' | b'.');
    let len = line[at..].iter().take_while(in_target).count();
    let target = &line[at..at + len];
    let followed = matches!(line.get(at + len), Some(b' ') | None);
    if !followed || len < 2 || !target.ends_with(b":") || target.ends_with(b"::") {
        return None;
    }
    parts.push("target", line, at, at + len - 1);
    Some(Header { level: Some(level), message_at: skip_blank(line, at + len), parts })
}

pub(super) fn env_logger(line: &[u8], at: usize) -> Option<Header> {
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
pub(in crate::format) fn glog(text: &[u8], at: usize, draft: &mut Draft) -> usize {
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
pub(in crate::format) fn basic_config(text: &[u8], at: usize, draft: &mut Draft) -> usize {
    let end = name_end(text, at);
    if text.get(at.wrapping_sub(1)) == Some(&b':') && end > at && text.get(end) == Some(&b':') {
        draft.push("logger", Span::new(at, end), Form::Text);
        return end + 1;
    }
    at
}
