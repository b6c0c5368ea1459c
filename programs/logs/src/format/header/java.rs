//! The headers of log4j, logback and Spring Boot.

use super::parts::{
    Header, Parts, after_level, bracketed, find, level_apart, name_end, skip_blank, trim_end,
};

pub(super) fn log4j(line: &[u8], at: usize) -> Option<Header> {
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
    if let Some((start, end, behind)) = bracketed(line, at).filter(|_| parts.is_empty()) {
        parts.push("thread", line, start, end);
        at = skip_blank(line, behind);
    }
    // The logger, perhaps with a place in the source, up to " - ", ": " or " : ".
    let end = name_end(line, at);
    let behind = skip_blank(line, end);
    let place = line.get(behind) == Some(&b'(') || line.get(behind) == Some(&b'[');
    let message_at = match &line[end..] {
        [b':', b' ', ..] => Some(end + 2),
        _ if place => {
            find(line, behind, b" - ").or_else(|| find(line, behind, b": ")).map(|found| found + 2)
        }
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
    } else if parts.is_empty() {
        return None;
    }
    Some(Header { level: Some(level), message_at: at, parts })
}

pub(super) fn spring(line: &[u8], at: usize) -> Option<Header> {
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
