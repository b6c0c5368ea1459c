//! Access logs of web servers: the common and the combined log format.
//!
//! They say nothing about levels, and none is made up: a status is a field, so that `status >= 500`
//! asks for errors. The message is the request as the client sent it.

use super::logfmt::closing_quote;
use super::{Draft, FailKind, Message};
use crate::format::draft::number_or_text;
use crate::record::{Form, Span};
use crate::time;

/// Parses a line; what stands behind the known parts goes into the field `extra`.
///
/// Referer and agent are read where they are: servers mix lines with and without them, and a line
/// without is a request as well.
pub(super) fn parse(line: &[u8], draft: &mut Draft) -> Result<(), FailKind> {
    read(line, draft).map(drop).ok_or(FailKind::Access)
}

/// Reads a line, and says whether it has referer and agent.
fn read(line: &[u8], draft: &mut Draft) -> Option<bool> {
    let remote = memchr::memchr(b' ', line).filter(|len| *len > 0)?;
    let open = memchr::memmem::find(&line[remote..], b" [")? + remote;
    // The identity, which nobody sends, and the user, who may have blanks in the name.
    let identity = remote + 1 + memchr::memchr(b' ', line.get(remote + 1..=open)?)?;
    let (time, len) = time::access(line.get(open + 2..)?)?;
    let close = open + 2 + len;
    if line.get(close..close + 3)? != b"] \"" {
        return None;
    }
    let request = close + 3;
    let request_end = request + closing_quote(&line[request..])?;
    draft.time = Some(time);
    draft.message = Message::At(Span::new(request, request_end));
    draft.push("remote", Span::new(0, remote), Form::Text);
    push_unless_dash(draft, line, "identity", remote + 1, identity.min(open));
    push_unless_dash(draft, line, "user", (identity + 1).min(open), open);
    push_request(draft, line, request, request_end);
    let (status, at) = word(line, request_end + 1)?;
    if status.of(line).len() != 3 || !status.of(line).iter().all(u8::is_ascii_digit) {
        return None;
    }
    draft.push("status", status, number_or_text(status.of(line)));
    let (bytes, mut at) = word(line, at)?;
    match bytes.of(line) {
        b"-" => {}
        digits if digits.iter().all(u8::is_ascii_digit) => {
            draft.push("bytes", bytes, number_or_text(digits))
        }
        _ => return None,
    }
    let fields = draft.fields.len();
    let combined =
        quoted(line, at, "referer", draft).and_then(|at| quoted(line, at, "agent", draft));
    match combined {
        Some(end) => at = end,
        // A referer without an agent is none.
        None => draft.fields.truncate(fields),
    }
    let extra = at + line[at..].iter().take_while(|byte| **byte == b' ').count();
    if extra < line.len() {
        draft.push("extra", Span::new(extra, line.len()), Form::Text);
    }
    Some(combined.is_some())
}

/// Whether a line is one of an access log, and then whether it has all the parts of the combined
/// format.
pub(super) fn kind(line: &[u8]) -> Option<bool> {
    read(line, &mut Draft::new())
}

fn push_unless_dash(draft: &mut Draft, line: &[u8], name: &'static str, start: usize, end: usize) {
    if start < end && &line[start..end] != b"-" {
        draft.push(name, Span::new(start, end), Form::Text);
    }
}

/// Splits `METHOD path protocol`. A request that is not like that, such as a TLS handshake sent to
/// a plain port, stays in the message alone.
fn push_request(draft: &mut Draft, line: &[u8], start: usize, end: usize) {
    let request = &line[start..end];
    let Some(method) = memchr::memchr(b' ', request) else { return };
    let is_method = method > 0
        && request[..method].iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'-');
    if !is_method {
        return;
    }
    draft.push("method", Span::new(start, start + method), Form::Text);
    let path = start + method + 1;
    // A path may have blanks in it; the protocol may be missing, as in HTTP/0.9.
    let protocol = memchr::memrchr(b' ', &line[path..end]).map(|at| path + at + 1);
    match protocol.filter(|at| line[*at..end].starts_with(b"HTTP/")) {
        Some(protocol) => {
            draft.push("path", Span::new(path, protocol - 1), Form::Quoted);
            draft.push("protocol", Span::new(protocol, end), Form::Text);
        }
        None => draft.push("path", Span::new(path, end), Form::Quoted),
    }
}

/// Reads a blank and the word behind it.
fn word(line: &[u8], at: usize) -> Option<(Span, usize)> {
    if line.get(at) != Some(&b' ') {
        return None;
    }
    let start = at + 1;
    let len = line[start..].iter().take_while(|byte| **byte != b' ').count();
    (len > 0).then(|| (Span::new(start, start + len), start + len))
}

/// Reads a blank and a text in quotes into a field, unless the text is `-`.
fn quoted(line: &[u8], at: usize, name: &'static str, draft: &mut Draft) -> Option<usize> {
    if line.get(at..at + 2)? != b" \"" {
        return None;
    }
    let start = at + 2;
    let end = start + closing_quote(&line[start..])?;
    if &line[start..end] != b"-" {
        draft.push(name, Span::new(start, end), Form::Quoted);
    }
    Some(end + 1)
}
