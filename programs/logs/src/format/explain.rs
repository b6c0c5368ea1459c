//! How much of a file's first lines each format explains.
//!
//! A format that takes nearly every text (a level alone, `key=value` anywhere) must not win over
//! one that says more of the same lines, only because it also takes an odd line. So the candidates
//! stand in an order, the ones that say more first, and the first one wins that explains nearly as
//! much as the best.

use std::sync::Arc;

use super::header::Style;
use super::plain::Layout;
use super::stamp::Stamp;
use super::timed::{Payload, Timed};
use super::{Choice, Context, Draft, Format, Keys, Plain, Syslog, access, json, logfmt};
use crate::level::Level;
use crate::record::Key;
use crate::time::{self, Timestamp};

/// What a line that is understood whole, or a header with time or level, is worth.
const WHOLE: u32 = 2;
/// What a line is worth of which a collector's time and the line behind it are understood.
const WHOLE_AND_TIME: u32 = 3;
/// What a line is worth of which only the time is understood, or that may continue the record
/// before it.
const PART: u32 = 1;

/// What one format makes of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Makes {
    /// Nothing: it is none of its lines, or it continues a record.
    Nothing,
    /// It understands the line, which may still be one of another format.
    Something(u32),
    /// The line can hardly be anything else: it has the keys, or the header, of this format.
    Proof(u32),
}

/// What one format makes of all lines.
#[derive(Clone, Debug)]
pub(super) struct Explained {
    pub(super) format: Format,
    pub(super) matched: usize,
    /// Of these, lines that can hardly be anything else.
    pub(super) proofs: usize,
    score: u32,
    fits: bool,
}

/// Looks at the lines as each candidate would, and gives the one that says the most about them.
pub(super) fn best(
    lines: &[&[u8]],
    keys: &Keys,
    choice: Choice,
    coloured: bool,
) -> Option<Explained> {
    let json = lines.iter().map(|line| json_keys(line, keys)).collect::<Vec<_>>();
    let all: Vec<Explained> = candidates(choice, keys, coloured)
        .into_iter()
        .map(|format| explained(format, lines, &json))
        .filter(|explained| explained.fits)
        .collect();
    let most = all.iter().map(|explained| explained.score).max()?;
    all.into_iter().find(|explained| explained.score * 10 >= most * 9)
}

/// How much a format explains of the lines, in the same measure for all formats; 0 for none of
/// them.
pub(super) fn score(format: &Format, lines: &[&[u8]], keys: &Keys) -> u32 {
    let json = lines.iter().map(|line| json_keys(line, keys)).collect::<Vec<_>>();
    explained(format.clone(), lines, &json).score
}

/// The candidates, those that say more about a line first.
fn candidates(choice: Choice, keys: &Keys, coloured: bool) -> Vec<Format> {
    let plain = |layout| Format::Plain(Plain::new(layout, coloured));
    let keys = || Arc::new(keys.clone());
    let timed = |payload| Format::Timed(Timed { payload, keys: keys() });
    let all = [
        (Choice::Json, Format::Json(keys())),
        (Choice::Json, timed(Payload::Json)),
        (Choice::Combined, Format::Combined),
        (Choice::Clf, Format::Clf),
        (Choice::Syslog, Format::Syslog(Syslog::Rfc5424)),
        (Choice::Logfmt, timed(Payload::Logfmt)),
        (Choice::Syslog, Format::Syslog(Syslog::Rfc3164)),
        (Choice::Plain, plain(Layout::Glog)),
        (Choice::Plain, plain(Layout::LevelFirst)),
        (Choice::Plain, plain(Layout::TimeFirst(Stamp::Iso, Style::Any))),
        (Choice::Plain, plain(Layout::TimeFirst(Stamp::Apache, Style::Any))),
        (Choice::Plain, plain(Layout::TimeFirst(Stamp::Clock, Style::Any))),
        (Choice::Plain, plain(Layout::Among)),
        (Choice::Plain, plain(Layout::LevelOnly)),
        (Choice::Logfmt, Format::Logfmt(keys())),
    ];
    all.into_iter()
        .filter(|(of, _)| choice == Choice::Auto || *of == choice)
        .map(|(_, format)| format)
        .collect()
}

fn explained(format: Format, lines: &[&[u8]], json: &[Option<bool>]) -> Explained {
    let made: Vec<Makes> =
        lines.iter().zip(json).map(|(line, json)| makes(&format, line, *json)).collect();
    let matched = made.iter().filter(|made| **made != Makes::Nothing).count();
    let proofs = made.iter().filter(|made| matches!(made, Makes::Proof(_))).count();
    let mut score = made
        .iter()
        .map(|made| match made {
            Makes::Nothing => 0,
            Makes::Something(worth) | Makes::Proof(worth) => *worth,
        })
        .sum();
    if format.multiline() {
        // Lines that begin none of its records continue one; but not without end, and not if they
        // are records of JSON.
        let others = made
            .iter()
            .zip(json)
            .filter(|(made, json)| **made == Makes::Nothing && **json != Some(true));
        score += PART * u32::try_from(others.count().min(matched)).unwrap_or(u32::MAX);
    }
    let begins = made.first().is_some_and(|made| *made != Makes::Nothing);
    let fits = matched > 0
        && (proofs >= 2
            || match format.multiline() {
                true => begins || matched * 4 >= lines.len(),
                false => matched * 2 >= lines.len(),
            });
    Explained { format, matched, proofs, score, fits }
}

/// Whether a line is a JSON object, and whether it has one of the usual keys.
fn json_keys(line: &[u8], keys: &Keys) -> Option<bool> {
    let mut draft = Draft::new();
    json::parse(line, keys, &mut draft).ok()?;
    Some(draft.chosen.iter().any(Option::is_some))
}

fn makes(format: &Format, line: &[u8], json: Option<bool>) -> Makes {
    let mut draft = Draft::new();
    let some = |holds: bool| if holds { Makes::Something(WHOLE) } else { Makes::Nothing };
    let proof = |holds: bool| if holds { Makes::Proof(WHOLE) } else { Makes::Nothing };
    match format {
        Format::Json(_) => match json {
            Some(true) => Makes::Proof(WHOLE),
            Some(false) => Makes::Something(PART),
            None => Makes::Nothing,
        },
        Format::Timed(timed) if timed.explains(line, &mut draft) && !syslog_tag(line) => {
            Makes::Proof(WHOLE_AND_TIME)
        }
        Format::Timed(_) => match Timed::begins(line) {
            true => Makes::Something(PART),
            false => Makes::Nothing,
        },
        Format::Logfmt(keys) => some(is_logfmt(line, keys, &mut draft)),
        Format::Clf => proof(access::kind(line).is_some()),
        Format::Combined => proof(access::kind(line) == Some(true)),
        Format::Syslog(Syslog::Rfc3164) => proof(format.begins_record(line) && syslog_tag(line)),
        Format::Syslog(_) => proof(format.begins_record(line)),
        Format::Plain(_) if !format.begins_record(line) => Makes::Nothing,
        Format::Plain(plain) => match plain.layout {
            Layout::LevelOnly => Makes::Something(WHOLE),
            _ if format.level(line).flatten().is_some() => Makes::Proof(WHOLE),
            _ => Makes::Something(WHOLE),
        },
        Format::Unknown => Makes::Nothing,
    }
}

/// Whether a line is logfmt. A text with an equals sign in it is not yet: two pairs, or one of the
/// usual keys, are asked for. And where a time or a level stands before the first pair, it is a
/// plain line whose message has pairs in it.
fn is_logfmt(line: &[u8], keys: &Keys, draft: &mut Draft) -> bool {
    logfmt::parse(line, keys, draft).is_ok()
        && (draft.chosen.iter().any(Option::is_some) || draft.fields.len() >= 2)
        && draft.fields.iter().filter(|field| field.value.is_empty()).count() * 2
            <= draft.fields.len()
        && !has_header(line)
}

/// Whether one of the words before the first pair is a time, a level in capitals, or in brackets.
fn has_header(line: &[u8]) -> bool {
    line.split(|byte| matches!(byte, b' ' | b'\t')).take_while(|word| !word.contains(&b'=')).any(
        |word| {
            let (date, rest) = word.split_at(word.len().min(10));
            let is_date = date.len() == 10
                && matches!(date[4], b'-' | b'/')
                && date[4] == date[7]
                && [0, 1, 2, 3, 5, 6, 8, 9].iter().all(|at| date[*at].is_ascii_digit())
                && (rest.is_empty()
                    || !rest[0].is_ascii_alphanumeric()
                    || matches!(rest[0], b'T' | b't'));
            let bare = word.strip_suffix(b":").unwrap_or(word);
            let is_level = bare.len() > 1
                && !bare.iter().any(u8::is_ascii_lowercase)
                && Level::from_word(bare).is_some();
            is_date || time::clock_shape(word) || is_level || word.starts_with(b"[")
        },
    )
}

/// Whether a line that begins with a time goes on as syslog's `host app[pid]:` does, which
/// distinguishes it from a plain one.
fn syslog_tag(line: &[u8]) -> bool {
    let mut context = Context { now: Timestamp::from_nanos(0), minute: Default::default() };
    let mut draft = Draft::new();
    Syslog::Rfc3164.parse(line, &mut context, &mut draft);
    let named = |name| draft.fields.iter().find(|field| field.key == Key::Name(name));
    let (Some(host), Some(app)) = (named("host"), named("app")) else { return false };
    // The first key of JSON behind a host ends with a colon as well.
    if app.value.of(line).iter().any(|byte| matches!(byte, b'{' | b'"' | b'=')) {
        return false;
    }
    // "INFO app: text" after an RFC 3339 time has the same shape.
    let host = host.value.of(line);
    let is_host =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':');
    host.iter().all(is_host) && Level::from_word(host).is_none() && host != b"-"
}
