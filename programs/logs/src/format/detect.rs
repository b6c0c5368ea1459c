//! Detects the format of a file from its first lines.
//!
//! How much each format explains of them is the business of `explain`.

use std::sync::Arc;

use super::header::Style;
use super::plain::Layout;
use super::{Choice, Format, Keys, Plain, Syslog, ansi, explain, skip_bom};

impl Format {
    /// Finds out the format from the beginning of a file; see [`detect`].
    pub fn detect(sample: &[u8], keys: &Keys) -> Detected {
        detect(sample, keys, Choice::Auto)
    }
}

/// This many lines are enough when they agree.
const LINES: usize = 100;
/// At most this many lines are looked at.
const ALL_LINES: usize = 2_000;

/// A format, and how well it fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detected {
    /// The format.
    pub format: Format,
    /// How many of the lines that were looked at it understands: lines that parse, or that begin a
    /// record.
    pub matched: usize,
    /// How many lines were looked at; empty ones do not count.
    pub lines: usize,
    /// Whether every one of these lines can hardly be anything else, so that a live input need not
    /// wait for more.
    pub certain: bool,
}

/// Whether a file looks binary: a zero byte among its first 1024 bytes, or one byte in ten of its
/// first 64 KiB a control character that no text has.
///
/// A zero byte further on is taken for damage, as a crash leaves it, and stays in its message; so
/// are zero bytes before the first other one, as a truncated file has them whose writer goes on at
/// its old place. UTF-16 is binary in this sense: it has to be converted first.
pub fn binary(sample: &[u8]) -> bool {
    let Some(hole) = sample.iter().position(|byte| *byte != 0) else { return !sample.is_empty() };
    let sample = &sample[hole..];
    let sample = &sample[..sample.len().min(64 << 10)];
    memchr::memchr(0, &sample[..sample.len().min(1024)]).is_some()
        || sample.iter().filter(|byte| is_control(**byte)).count() * 10 > sample.len()
}

/// Whether a byte is a control character that no text has.
fn is_control(byte: u8) -> bool {
    matches!(byte, 0x00..=0x08 | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f)
}

/// Whether the first line can hardly be anything but a log's, so that nothing behind it makes the
/// file binary. Where a format is asked for, a line that it understands and that has no control
/// characters is enough.
///
/// More lines never change the answer, so it is the same however they arrive.
pub(crate) fn vouches(sample: &[u8], keys: &Keys, choice: Choice) -> bool {
    let Some(first) = lines_of(skip_bom(sample)).next() else { return false };
    let found = detect_in(&[first], keys, choice);
    let is_asked_for = choice != Choice::Auto && found.matched > 0;
    found.certain || (is_asked_for && !first.iter().any(|byte| is_control(*byte)))
}

/// Finds out the format from the beginning of a file, which may end in the middle of a line.
///
/// The format that explains the most of the lines wins; of those that explain nearly as much, the
/// one that says more about a line. A line format has to understand at least half of the lines, a
/// plain or syslog format to begin with the first line or to understand a quarter of them, unless
/// two lines can hardly be anything else, as lines of JSON with the usual keys behind a long
/// banner. What nothing understands is [`Format::Unknown`], except when `choice` asks for a format:
/// then it is the most general of its kind.
pub fn detect(sample: &[u8], keys: &Keys, choice: Choice) -> Detected {
    let sample = skip_bom(sample);
    let all = sample_lines(sample);
    let first = &all[..all.len().min(LINES)];
    let found = detect_in(first, keys, choice);
    // Where the first lines are in doubt, as behind a long banner, the others are asked too.
    if all.len() == first.len() || found.matched * 10 >= found.lines * 9 {
        return found;
    }
    detect_in(&all, keys, choice)
}

/// Whether what came since `shown` bytes of a sample were shown is as it was expected of a file of
/// `known`, so that nothing else needs to be asked until the sample has doubled.
pub(crate) fn is_expected(sample: &[u8], shown: usize, known: &Format, keys: &Keys) -> bool {
    let more = sample_lines(sample.get(shown..).unwrap_or_default());
    let unexpected = more.iter().filter(|line| explain::score(known, &[line], keys) == 0).count();
    shown > 0
        && sample.len() < shown * 2
        && unexpected * 2 <= more.len()
        && *known != Format::Unknown
}

/// Whether a format makes anything of any of these lines.
pub(crate) fn explains(format: &Format, lines: &[u8], keys: &Keys) -> bool {
    sample_lines(lines).iter().any(|line| explain::score(format, &[line], keys) > 0)
}

/// Whether the lines of a file say that it is of another format than `known`, that of its
/// predecessor.
pub(crate) fn says_otherwise(sample: &[u8], found: &Detected, known: &Format, keys: &Keys) -> bool {
    let lines = sample_lines(skip_bom(sample));
    let lines = &lines[..lines.len().min(found.lines)];
    let score = |format: &Format| explain::score(format, lines, keys);
    let (as_found, as_known) = (score(&found.format), score(known));
    same_kind(&found.format, known) || (as_found > 0 && as_known * 10 < as_found * 9)
}

/// Whether two formats read lines by the same rules, up to the style of their headers.
fn same_kind(a: &Format, b: &Format) -> bool {
    match (a, b) {
        (Format::Plain(a), Format::Plain(b)) => {
            std::mem::discriminant(&a.layout) == std::mem::discriminant(&b.layout)
        }
        _ => a == b,
    }
}

impl Detected {
    /// Whether more lines would not change it, as [`detect`] would not look at them.
    pub(crate) fn is_settled(&self, full: bool) -> bool {
        let agreed = self.lines >= LINES && self.matched * 10 >= self.lines * 9;
        self.format != Format::Unknown && (full || agreed)
    }
}

fn detect_in(lines: &[&[u8]], keys: &Keys, choice: Choice) -> Detected {
    let coloured = lines.iter().any(|line| ansi::has(line));
    let mut detected = match explain::best(lines, keys, choice, coloured) {
        Some(best) => Detected {
            matched: best.matched,
            lines: lines.len(),
            certain: best.proofs == lines.len(),
            format: best.format,
        },
        None => Detected {
            format: fallback(choice, keys, coloured),
            matched: 0,
            lines: lines.len(),
            certain: false,
        },
    };
    if let Format::Plain(plain) = &mut detected.format {
        plain.layout = with_style(plain.layout, lines);
    }
    detected
}

/// The first lines that have something on them.
fn sample_lines(sample: &[u8]) -> Vec<&[u8]> {
    lines_of(sample).take(ALL_LINES).collect()
}

/// The lines that have something on them, without their ends. The last one counts only if it is
/// whole or alone.
fn lines_of(sample: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = match memchr::memrchr(b'\n', sample) {
        Some(newline) => &sample[..newline],
        None => sample,
    };
    whole
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.iter().all(u8::is_ascii_whitespace))
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
    let keeping = |style: Style| {
        plain_lines.iter().filter(|(line, at)| style.read(line, *at).is_some()).count()
    };
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
