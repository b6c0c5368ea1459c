//! Which format a file has, told from its first lines.
//!
//! Each format says how many of the lines it understands; the most wins, and of equals the more particular.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::header::Style;
use super::plain::{Layout, Stamp};
use super::{Draft, Format, Keys, Plain, Syslog, access, ansi, json, logfmt, skip_bom};

/// At most this many lines are looked at.
const LINES: usize = 100;

/// What `--format` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// Whatever the first lines say.
    #[default]
    Auto,
    /// One of the plain orders; which one, the first lines say.
    Plain,
    /// JSON lines.
    Json,
    /// `key=value` pairs.
    Logfmt,
    /// The common log format.
    Clf,
    /// The combined log format.
    Combined,
    /// One of the forms of syslog; which one, the first lines say.
    Syslog,
}

impl Choice {
    /// All choices with the names that `--format` takes.
    pub const NAMES: [(&'static str, Choice); 7] = [
        ("auto", Choice::Auto),
        ("plain", Choice::Plain),
        ("json", Choice::Json),
        ("logfmt", Choice::Logfmt),
        ("clf", Choice::Clf),
        ("combined", Choice::Combined),
        ("syslog", Choice::Syslog),
    ];
}

impl FromStr for Choice {
    type Err = ParseChoiceError;

    fn from_str(text: &str) -> Result<Choice, ParseChoiceError> {
        let found = Choice::NAMES.iter().find(|(name, _)| *name == text);
        found.map(|(_, choice)| *choice).ok_or_else(|| ParseChoiceError { text: text.into() })
    }
}

/// A name that is no format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseChoiceError {
    text: String,
}

impl fmt::Display for ParseChoiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" is not a format: expected one of", self.text)?;
        for (at, (name, _)) in Choice::NAMES.iter().enumerate() {
            write!(f, "{} {name}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl std::error::Error for ParseChoiceError {}

/// A format, and how well it fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detected {
    /// The format.
    pub format: Format,
    /// How many of the lines that were looked at it understands: lines that parse, or that begin a record.
    pub matched: usize,
    /// How many lines were looked at; empty ones do not count.
    pub lines: usize,
}

/// Whether a file is binary: a zero byte among its first 1024 bytes, or one byte in ten of its first 64 KiB a control
/// character that no text has.
///
/// A zero byte further on is taken for damage, as a crash leaves it, and stays in its message. UTF-16 is binary in this
/// sense: it has to be converted first.
pub fn binary(sample: &[u8]) -> bool {
    let sample = &sample[..sample.len().min(64 << 10)];
    let is_control = |byte: &&u8| matches!(byte, 0x00..=0x08 | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f);
    memchr::memchr(0, &sample[..sample.len().min(1024)]).is_some()
        || sample.iter().filter(is_control).count() * 10 > sample.len()
}

/// Finds out the format from the beginning of a file, which may end in the middle of a line.
///
/// A line format has to understand at least half of the lines. A plain or syslog format has to begin with the first
/// line, or to understand a quarter of them. What nothing understands is [`Format::Unknown`], except when `choice`
/// asks for a format: then it is the most general of its kind.
pub fn detect(sample: &[u8], keys: &Keys, choice: Choice) -> Detected {
    let sample = skip_bom(sample);
    let lines = sample_lines(sample);
    let coloured = lines.iter().any(|line| ansi::has(line));
    let best = candidates(choice, keys, coloured)
        .into_iter()
        .map(|format| Detected { matched: matched(&format, &lines), lines: lines.len(), format })
        .filter(|detected| fits(detected, &lines))
        // The first of equals: `max_by_key` alone would take the last.
        .rev()
        .max_by_key(|detected| detected.matched);
    let mut detected = best.unwrap_or_else(|| Detected {
        format: fallback(choice, keys, coloured),
        matched: 0,
        lines: lines.len(),
    });
    if let Format::Plain(plain) = &mut detected.format {
        plain.layout = with_style(plain.layout, &lines);
    }
    detected
}

/// The first lines that have something on them, without their ends. The last one counts only if it is whole or alone.
fn sample_lines(sample: &[u8]) -> Vec<&[u8]> {
    let whole = match memchr::memrchr(b'\n', sample) {
        Some(newline) => &sample[..newline],
        None => sample,
    };
    whole
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.iter().all(u8::is_ascii_whitespace))
        .take(LINES)
        .collect()
}

fn candidates(choice: Choice, keys: &Keys, coloured: bool) -> Vec<Format> {
    let plain = |layout| Format::Plain(Plain::new(layout, coloured));
    let keys = || Arc::new(keys.clone());
    let all = [
        (Choice::Json, Format::Json(keys())),
        (Choice::Combined, Format::Combined),
        (Choice::Clf, Format::Clf),
        (Choice::Syslog, Format::Syslog(Syslog::Rfc5424)),
        (Choice::Syslog, Format::Syslog(Syslog::Rfc3164)),
        (Choice::Plain, plain(Layout::Glog)),
        (Choice::Logfmt, Format::Logfmt(keys())),
        (Choice::Plain, plain(Layout::LevelFirst)),
        (Choice::Plain, plain(Layout::TimeFirst(Stamp::Iso, Style::Any))),
        (Choice::Plain, plain(Layout::TimeFirst(Stamp::Apache, Style::Any))),
        (Choice::Plain, plain(Layout::TimeFirst(Stamp::Clock, Style::Any))),
        (Choice::Plain, plain(Layout::LevelOnly)),
    ];
    all.into_iter()
        .filter(|(of, _)| choice == Choice::Auto || *of == choice)
        .map(|(_, format)| format)
        .collect()
}

fn fallback(choice: Choice, keys: &Keys, coloured: bool) -> Format {
    match choice {
        Choice::Auto => Format::Unknown,
        Choice::Plain => Format::Plain(Plain::new(Layout::LevelFirst, coloured)),
        Choice::Json => Format::Json(Arc::new(keys.clone())),
        Choice::Logfmt => Format::Logfmt(Arc::new(keys.clone())),
        Choice::Clf => Format::Clf,
        Choice::Combined => Format::Combined,
        Choice::Syslog => Format::Syslog(Syslog::Rfc3164),
    }
}

fn matched(format: &Format, lines: &[&[u8]]) -> usize {
    lines.iter().filter(|line| understands(format, line)).count()
}

fn understands(format: &Format, line: &[u8]) -> bool {
    let mut draft = Draft::new();
    match format {
        Format::Json(keys) => json::parse(line, keys, &mut draft).is_ok(),
        // A text with an equals sign in it is not logfmt yet: two pairs, or one of the usual keys, are asked for.
        Format::Logfmt(keys) => {
            logfmt::parse(line, keys, &mut draft).is_ok()
                && (draft.chosen.iter().any(Option::is_some) || draft.fields.len() >= 2)
                && draft.fields.iter().filter(|field| field.value.is_empty()).count() * 2
                    <= draft.fields.len()
        }
        Format::Clf => access::kind(line).is_some(),
        Format::Combined => access::kind(line) == Some(true),
        Format::Syslog(Syslog::Rfc3164) => format.begins_record(line) && syslog_tag(line),
        Format::Syslog(_) | Format::Plain(_) => format.begins_record(line),
        Format::Unknown => false,
    }
}

/// Whether a line that begins with a time goes on as syslog's `host app[pid]:` does, which tells it from a plain one.
fn syslog_tag(line: &[u8]) -> bool {
    let mut context =
        super::Context { now: crate::time::Timestamp::from_nanos(0), minute: Default::default() };
    let mut draft = Draft::new();
    Syslog::Rfc3164.parse(line, &mut context, &mut draft);
    let named = |name| draft.fields.iter().find(|field| field.key == crate::record::Key::Name(name));
    let (Some(host), Some(_)) = (named("host"), named("app")) else { return false };
    // "INFO app: text" after an RFC 3339 time has the same shape.
    let host = host.value.of(line);
    let is_host = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':');
    host.iter().all(is_host) && crate::level::Level::from_word(host).is_none() && host != b"-"
}

fn fits(detected: &Detected, lines: &[&[u8]]) -> bool {
    if detected.matched == 0 {
        return false;
    }
    if detected.format.multiline() {
        return understands(&detected.format, lines[0]) || detected.matched * 4 >= detected.lines;
    }
    detected.matched * 2 >= detected.lines
}

/// Chooses the style of a header that most of the lines that begin with a time keep to.
fn with_style(layout: Layout, lines: &[&[u8]]) -> Layout {
    let Layout::TimeFirst(stamp, _) = layout else { return layout };
    let mut plain_lines = Vec::new();
    for line in lines {
        let mut text = Vec::new();
        ansi::strip_into(line, &mut text);
        if let Some(at) = layout.begins(&text).then(|| stamp.skip(&text)).flatten() {
            plain_lines.push((text, at));
        }
    }
    let keeping =
        |style: Style| plain_lines.iter().filter(|(line, at)| style.read(line, *at).is_some()).count();
    let best = Style::DETECTABLE
        .into_iter()
        .map(|style| (keeping(style), style))
        .rev()
        .max_by_key(|(count, _)| *count);
    match best {
        Some((count, style)) if count * 2 > plain_lines.len() => Layout::TimeFirst(stamp, style),
        _ => Layout::TimeFirst(stamp, Style::Any),
    }
}
