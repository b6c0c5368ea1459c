//! The headers of PostgreSQL, nginx and Apache.

use super::parts::{Header, Parts, bracketed, find, skip_blank};
use crate::level::Level;

pub(super) fn postgres(line: &[u8], at: usize) -> Option<Header> {
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
    // PostgreSQL's LOG is its normal level. A DETAIL or STATEMENT that stands alone has none: its
    // name stays in the message.
    let level = match &line[at..at + word] {
        b"LOG" => Some(Level::Info),
        name => Level::from_word(name),
    };
    let message_at = if level.is_some() { skip_blank(line, at + word + 1) } else { at };
    Some(Header { level, message_at, parts })
}

/// Whether a line that begins with a time begins a record: not where it is the details, the hint,
/// or the statement of the message before it, which PostgreSQL writes behind that at once. A line
/// whose kind is not to be seen goes on as well, so that it does not matter how much of it is
/// known.
pub(in crate::format) fn postgres_begins(line: &[u8], at: usize) -> bool {
    const GO_ON: [&[u8]; 7] =
        [b"DETAIL:", b"HINT:", b"STATEMENT:", b"CONTEXT:", b"QUERY:", b"LOCATION:", b"BACKTRACE:"];
    let window = &line[..line.len().min(at + 256)];
    let line =
        memchr::memchr2(b'\n', b'\r', &window[at..]).map_or(window, |end| &window[..at + end]);
    postgres(line, at).is_some_and(|header| {
        let message = &line[header.message_at..];
        header.level.is_some() || !GO_ON.iter().any(|name| message.starts_with(name))
    })
}

pub(super) fn nginx(line: &[u8], at: usize) -> Option<Header> {
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

pub(super) fn apache(line: &[u8], at: usize) -> Option<Header> {
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
