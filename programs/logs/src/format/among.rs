//! Plain lines in which level and time stand among other words: `[main] INFO 2024-01-15 10:23:45
//! message`, `INFO [main] 2024-01-15 10:23:45,123 message`.
//!
//! The orders that have a layout of their own, level or time first, are the business of `plain`.

use super::header::{after_level, level_apart, skip_blank};
use super::stamp::Stamp;
use crate::level::Level;
use crate::record::Span;

/// Level and time are looked for among this many words.
const WORDS: usize = 6;
/// A header that is longer than this is none.
const BYTES: usize = 512;

/// Where the parts of a header are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Among {
    pub(super) level: Level,
    pub(super) stamp: Stamp,
    pub(super) time_at: usize,
    pub(super) message_at: usize,
    /// What stands before level and time.
    pub(super) before: Span,
    /// What stands between them.
    pub(super) between: Span,
}

/// Finds level and time; `None` if one of them is not there. Only the first bytes count, and each
/// word only once the byte behind it is known, so that more of the line never changes the answer.
pub(super) fn read(line: &[u8]) -> Option<Among> {
    let window = &line[..line.len().min(BYTES)];
    let line = memchr::memchr2(b'\n', b'\r', window).map_or(window, |end| &window[..end]);
    let (mut level, mut time): (Option<(Level, usize, usize)>, Option<(Stamp, usize, usize)>) =
        (None, None);
    let mut at = skip_blank(line, 0);
    for _ in 0..WORDS {
        let start = at;
        if let (None, Some((stamp, end))) = (time, stamp_at(line, at)) {
            time = Some((stamp, start, end));
            at = end;
        } else if let (None, Some((found, end))) = (level, level_at(line, at)) {
            level = Some((found, start, end));
            at = end;
        } else {
            at += line[at..].iter().take_while(|byte| !matches!(byte, b' ' | b'\t')).count();
        }
        if let (Some((level, level_at, level_end)), Some((stamp, time_at, time_end))) =
            (level, time)
        {
            let (first, first_end, second) = match level_at < time_at {
                true => (level_at, level_end, time_at),
                false => (time_at, time_end, level_at),
            };
            return Some(Among {
                level,
                stamp,
                time_at,
                message_at: skip_blank(line, at),
                before: inside(line, 0, first),
                between: inside(line, first_end, second),
            });
        }
        at = skip_blank(line, at);
    }
    None
}

/// A time at the start of a word, with or without brackets, and where it ends.
fn stamp_at(line: &[u8], at: usize) -> Option<(Stamp, usize)> {
    let word = &line[at..];
    let stamp = [Stamp::Iso, Stamp::Clock].into_iter().find(|stamp| stamp.begins(word))?;
    let end = at + stamp.skip(word)?;
    Some((stamp, end + usize::from(line.get(end) == Some(&b']'))))
}

/// A level at the start of a word: in capitals, or in brackets.
fn level_at(line: &[u8], at: usize) -> Option<(Level, usize)> {
    let open = usize::from(matches!(line.get(at), Some(b'[' | b'<' | b'(')));
    let (level, end) = level_apart(line, at + open)?;
    let word = &line[at + open..end];
    let meant = open == 1 || (word.len() > 1 && !word.iter().any(u8::is_ascii_lowercase));
    (meant && end < line.len()).then(|| (level, after_level(line, end)))
}

/// The words between two places, without blanks and brackets around them.
fn inside(line: &[u8], start: usize, end: usize) -> Span {
    let text = &line[start..end];
    let trimmed = text.trim_ascii();
    let start = start + (text.len() - text.trim_ascii_start().len());
    match trimmed {
        [b'[', inner @ .., b']'] if !inner.contains(&b']') => {
            Span::new(start + 1, start + 1 + inner.len())
        }
        _ => Span::new(start, start + trimmed.len()),
    }
}
