//! Lines for people: the guide's `LEVEL timestamp message`, and the orders in which other programs
//! write them.
//!
//! This file knows where records begin and where their times are; what stands between time and
//! message is in `header`.

use super::header::{self, Header, Style};
use super::stamp::Stamp;
use super::{Begin, Context, Draft, Message, among, ansi};
use crate::level::Level;
use crate::record::{Form, Span};
use crate::time::{self, Timestamp};

/// One of the orders of plain logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plain {
    pub(super) layout: Layout,
    pub(super) coloured: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// `LEVEL time message`.
    LevelFirst,
    /// `LEVEL message` or `LEVEL:logger:message`; a time behind the level is read where there is
    /// one.
    LevelOnly,
    /// Level and time among other words, such as `[thread] LEVEL time message`.
    Among,
    /// `E0102 03:04:05.678901 12345 file.cc:12] message`.
    Glog,
    /// A time, with or without brackets, and then a style of header.
    TimeFirst(Stamp, Style),
}

impl Plain {
    pub(super) fn new(layout: Layout, coloured: bool) -> Plain {
        Plain { layout, coloured }
    }

    /// The name of the order, such as `level first` or `log4j`.
    pub fn name(&self) -> &'static str {
        match self.layout {
            Layout::LevelFirst => "level first",
            Layout::LevelOnly => "level only",
            Layout::Among => "level and time",
            Layout::Glog => "glog",
            Layout::TimeFirst(_, style) => style.name(),
        }
    }

    #[inline]
    pub(super) fn begins(&self, line: &[u8]) -> bool {
        if self.coloured && ansi::has(&line[..line.len().min(64)]) {
            return self.layout.begins(ansi::strip_head(line, &mut [0; 96]));
        }
        self.layout.begins(line)
    }

    /// Like [`begins`](Self::begins), with the level if it comes first.
    #[inline]
    pub(super) fn begin(&self, line: &[u8]) -> Begin {
        let level = match self.layout {
            Layout::LevelFirst if !self.coloured => level_first(line)
                .filter(|(_, at)| Stamp::any_shape(&line[*at..]))
                .map(|(level, _)| level),
            Layout::Glog if !self.coloured => glog_level(line),
            _ => return if self.begins(line) { Begin::Yes } else { Begin::No },
        };
        level.map_or(Begin::No, Begin::Level)
    }

    /// Whether colours have to be taken out of a record before it is parsed.
    #[inline]
    pub(super) fn must_strip(&self, text: &[u8]) -> bool {
        self.coloured && ansi::has(text)
    }

    /// The level alone, without looking at anything that it does not depend on.
    #[inline]
    pub(super) fn level(&self, text: &[u8]) -> Option<Level> {
        match self.layout {
            Layout::LevelFirst | Layout::LevelOnly => level_first(text).map(|(level, _)| level),
            Layout::Among => among::read(text).map(|among| among.level),
            Layout::Glog => glog_level(text),
            Layout::TimeFirst(stamp, style) => {
                let at = stamp.skip(text)?;
                header::read(style, text, at).level
            }
        }
    }

    /// The time alone.
    #[inline]
    pub(super) fn time(&self, text: &[u8], context: &mut Context) -> Option<Timestamp> {
        match self.layout {
            Layout::LevelFirst | Layout::LevelOnly => {
                let (_, at) = level_first(text)?;
                Stamp::any(text, at, context).map(|(time, _)| time)
            }
            Layout::Among => {
                let among = among::read(text)?;
                among.stamp.read(&text[among.time_at..], context).map(|(time, _)| time)
            }
            Layout::Glog => time::glog(text.get(1..)?, context.now).map(|(time, _)| time),
            Layout::TimeFirst(stamp, _) => stamp.read(text, context).map(|(time, _)| time),
        }
    }

    /// Fills in a record. Nothing of a line is ever lost: what is not time, level or a field is in
    /// the message.
    #[inline]
    pub(super) fn parse(&self, text: &[u8], context: &mut Context, draft: &mut Draft) {
        let message_at =
            if self.layout.begins(text) { self.parse_head(text, context, draft) } else { 0 };
        draft.message = Message::At(Span::new(message_at, text.len()));
    }

    fn parse_head(&self, text: &[u8], context: &mut Context, draft: &mut Draft) -> usize {
        match self.layout {
            Layout::LevelFirst => {
                let Some((level, at)) = level_first(text) else { return 0 };
                draft.level = Some(level);
                match Stamp::any(text, at, context) {
                    Some((time, end)) => {
                        draft.time = Some(time);
                        header::skip_blank(text, end)
                    }
                    None => at,
                }
            }
            Layout::LevelOnly => {
                let Some((level, at)) = level_first(text) else { return 0 };
                draft.level = Some(level);
                if let Some((time, end)) = Stamp::any(text, at, context) {
                    draft.time = Some(time);
                    return header::skip_blank(text, end);
                }
                let end = header::after_level(text, at);
                header::basic_config(text, end, draft)
            }
            Layout::Among => {
                let Some(among) = among::read(text) else { return 0 };
                draft.level = Some(among.level);
                draft.time =
                    among.stamp.read(&text[among.time_at..], context).map(|(time, _)| time);
                if draft.time.is_none() {
                    return 0;
                }
                for (name, part) in [("context", among.before), ("thread", among.between)] {
                    if !part.is_empty() {
                        draft.push(name, part, Form::Text);
                    }
                }
                among.message_at
            }
            Layout::Glog => {
                draft.level = glog_level(text);
                let Some((time, end)) = time::glog(&text[1..], context.now) else { return 0 };
                draft.time = Some(time);
                header::glog(text, 1 + end, draft)
            }
            Layout::TimeFirst(stamp, style) => {
                let Some((time, _)) = stamp.read(text, context) else {
                    return self.level_only(text, draft);
                };
                let Some(at) = stamp.skip(text) else { return 0 };
                draft.time = Some(time);
                let Header { level, message_at, parts } = header::read(style, text, at);
                draft.level = level;
                for (name, span, form) in parts.iter() {
                    draft.push(name, span, form);
                }
                message_at
            }
        }
    }

    /// A line whose time has the right shape but is none, such as the 99th of a month: all of it
    /// stays in the message, and its level still counts.
    fn level_only(&self, text: &[u8], draft: &mut Draft) -> usize {
        draft.level = self.level(text);
        0
    }
}

impl Layout {
    #[inline]
    pub(super) fn begins(self, line: &[u8]) -> bool {
        match self {
            Layout::LevelFirst => {
                level_first(line).is_some_and(|(_, at)| Stamp::any_shape(&line[at..]))
            }
            Layout::LevelOnly => level_only_begins(line),
            Layout::Glog => glog_level(line).is_some(),
            Layout::Among => among::read(line).is_some(),
            Layout::TimeFirst(stamp, Style::Postgres) => {
                stamp.begins(line)
                    && stamp.skip(line).is_some_and(|at| header::postgres_begins(line, at))
            }
            Layout::TimeFirst(stamp, _) => stamp.begins(line),
        }
    }
}

/// Reads `LEVEL `, `LEVEL:`, `[LEVEL] ` and the like at the start of a line, with the blanks
/// behind; the place is that of the first byte after them. The byte behind the level has to be
/// there, so that a line cut short in the middle of a word is not taken for one.
#[inline]
pub(super) fn level_first(line: &[u8]) -> Option<(Level, usize)> {
    usual_level(line).or_else(|| any_level_first(line))
}

/// The answer of [`any_level_first`] for the usual words in capitals with one blank behind, by
/// whole words of memory.
#[inline]
fn usual_level(line: &[u8]) -> Option<(Level, usize)> {
    const fn word(word: &[u8; 8]) -> u64 {
        u64::from_le_bytes(*word)
    }
    const FIVE: u64 = (1 << 40) - 1;
    const SIX: u64 = (1 << 48) - 1;
    let eight = line.first_chunk::<8>()?;
    let bytes = u64::from_le_bytes(*eight);
    let (level, end) = match (bytes & FIVE, bytes & SIX) {
        (five, _) if five == const { word(b"INFO \0\0\0") } => (Level::Info, 5),
        (_, six) if six == const { word(b"DEBUG \0\0") } => (Level::Debug, 6),
        (five, _) if five == const { word(b"WARN \0\0\0") } => (Level::Warn, 5),
        (_, six) if six == const { word(b"ERROR \0\0") } => (Level::Error, 6),
        _ => return None,
    };
    (!is_separator(eight[end])).then_some((level, end))
}

/// Stands between a level and what follows it.
#[inline]
fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b':' | b'|' | b'-')
}

fn any_level_first(line: &[u8]) -> Option<(Level, usize)> {
    let open = usize::from(matches!(line.first(), Some(b'[' | b'<' | b'(')));
    let (level, mut at) = header::level_word(line, open)?;
    if open == 1 {
        // Padding inside of the brackets, as in `[INFO ]`.
        at = header::skip_blank(line, at);
        if !matches!(line.get(at), Some(b']' | b'>' | b')')) {
            return None;
        }
        at += 1;
    }
    let separators = line[at..].iter().take(8).take_while(|byte| is_separator(**byte)).count();
    (separators > 0 || open == 1).then_some((level, at + separators))
}

/// Whether a line begins with a level that can only be meant as one: in brackets, or in capitals
/// and set off.
fn level_only_begins(line: &[u8]) -> bool {
    let Some((_, _)) = level_first(line) else { return false };
    let word: &[u8] = &line[..line.iter().take_while(|byte| byte.is_ascii_uppercase()).count()];
    line[0] == b'['
        || (word.len() >= 3 && matches!(line.get(word.len()), Some(b' ' | b':' | b'\t' | b'|')))
}

/// The level of a line that begins like glog's `E0102 03:04:05`.
#[inline]
fn glog_level(line: &[u8]) -> Option<Level> {
    let level = match line.first()? {
        b'I' => Level::Info,
        b'W' => Level::Warn,
        b'E' => Level::Error,
        b'F' => Level::Fatal,
        b'D' => Level::Debug,
        _ => return None,
    };
    let date = line.get(1..6)?;
    (date[..4].iter().all(u8::is_ascii_digit) && date[4] == b' ' && time::clock_shape(&line[6..]))
        .then_some(level)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_short_way_to_a_usual_level_gives_what_the_long_way_gives(
            line in "(INFO|DEBUG|WARN|ERROR|WARNING|info|ERR|TRACE)[ :|\\t-]{0,3}[0-9A-Z -]{0,8}",
        ) {
            let line = line.as_bytes();
            if let Some(usual) = usual_level(line) {
                prop_assert_eq!(Some(usual), any_level_first(line));
            }
            prop_assert_eq!(level_first(line), any_level_first(line));
        }
    }

    #[test]
    fn the_usual_levels_are_found_the_short_way() {
        for word in ["INFO", "DEBUG", "WARN", "ERROR"] {
            let line = format!("{word} 2024-01-15");
            assert_eq!(usual_level(line.as_bytes()).map(|(_, at)| at), Some(word.len() + 1));
        }
    }
}
