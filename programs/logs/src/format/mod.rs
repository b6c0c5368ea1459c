//! The formats of logs: where records begin, where a block can be cut, and the parser of each.
//!
//! Which format a file has is found out by [`detect`]; which records are kept is the business of
//! `scan`.

pub mod detect;
pub mod keys;

mod access;
mod among;
mod ansi;
mod choice;
mod context;
mod draft;
mod explain;
mod fail_kind;
mod header;
mod json;
mod json_marks;
mod json_text;
mod keyed;
mod logfmt;
mod plain;
mod shape;
mod stamp;
mod syslog;
mod timed;

use std::borrow::Cow;
use std::sync::Arc;

pub use choice::{Choice, ParseChoiceError};
pub use detect::{Detected, binary};
pub use fail_kind::FailKind;
pub use keys::Keys;
pub use plain::Plain;
pub use syslog::Syslog;
pub use timed::Timed;

pub(crate) use context::{Begin, Context, skip_bom};
pub(crate) use draft::{Draft, Message};

use crate::level::Level;
use crate::record::Span;
use crate::time::Timestamp;

/// The format of a file, as detected or as asked for. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// Lines for people: level, time and message in one of the usual orders; other lines continue a
    /// record.
    Plain(Plain),
    /// One JSON object a line.
    Json(Arc<Keys>),
    /// `key=value` pairs, one record a line.
    Logfmt(Arc<Keys>),
    /// JSON or `key=value` pairs behind a time that a collector has put before each line.
    Timed(Timed),
    /// The common log format of web servers. Lines with referer and agent are read as
    /// [`Combined`](Self::Combined) is.
    Clf,
    /// The combined log format: common, with referer and agent, which a line may lack.
    Combined,
    /// The files and messages of syslog.
    Syslog(Syslog),
    /// Anything else: each line is a record that has only a message.
    Unknown,
}

impl Format {
    /// The name to show, such as `plain (log4j)` or `json`.
    pub fn name(&self) -> Cow<'static, str> {
        match self {
            Format::Plain(plain) => Cow::Owned(format!("plain ({})", plain.name())),
            Format::Json(_) => Cow::Borrowed("json"),
            Format::Logfmt(_) => Cow::Borrowed("logfmt"),
            Format::Timed(timed) => Cow::Borrowed(timed.name()),
            Format::Clf => Cow::Borrowed("clf"),
            Format::Combined => Cow::Borrowed("combined"),
            Format::Syslog(syslog) => Cow::Owned(format!("syslog ({})", syslog.name())),
            Format::Unknown => Cow::Borrowed("unknown"),
        }
    }

    /// Whether lines that begin no record continue the one before. Where not, each line with
    /// something on it is a record, and empty lines are none.
    pub fn multiline(&self) -> bool {
        matches!(self, Format::Plain(_) | Format::Syslog(_))
    }

    /// Whether a line begins a record. It looks only at the first bytes and never changes its mind
    /// from yes to no when the line turns out to be longer; the line may be followed by others.
    #[inline]
    pub fn begins_record(&self, line: &[u8]) -> bool {
        match self {
            Format::Plain(plain) => plain.begins(skip_bom(line)),
            Format::Syslog(syslog) => syslog.begins(skip_bom(line)),
            // What follows a lone CR may be the end of an empty line.
            _ => !matches!(line, [] | [b'\n', ..] | [b'\r'] | [b'\r', b'\n', ..]),
        }
    }

    /// Where to cut a block that begins at a record, when more of the file is to come: what stands
    /// before the cut is whole records, what stands after it must come first in the next block.
    ///
    /// Formats of one line a record are cut after the last newline. In the others the cut is where
    /// the last record begins, because its next line may not have been read yet. 0 means that the
    /// block holds no more than a part of one record; see [`next_record`](Self::next_record) for
    /// records that never seem to end.
    ///
    /// # Cost
    /// It looks at the end of the block, backwards to the beginning of the last record.
    pub fn cut(&self, block: &[u8]) -> usize {
        let mut end = block.len();
        while let Some(newline) = memchr::memrchr(b'\n', &block[..end]) {
            if !self.multiline() || self.begins_record(&block[newline + 1..]) {
                return newline + 1;
            }
            end = newline;
        }
        0
    }

    /// Where the next record begins after the one that a block begins with; `None` if it is not in
    /// the block.
    ///
    /// With it a reader can pass over a record that is longer than it is willing to hold.
    pub fn next_record(&self, block: &[u8]) -> Option<usize> {
        memchr::memchr_iter(b'\n', block)
            .map(|newline| newline + 1)
            .find(|start| !self.multiline() || self.begins_record(&block[*start..]))
    }
}

/// What the scanner asks of a format.
impl Format {
    /// The answer of [`begins_record`](Self::begins_record), with the level where it was met on the
    /// way.
    #[inline]
    pub(crate) fn begin(&self, line: &[u8]) -> Begin {
        match self {
            Format::Plain(plain) => plain.begin(skip_bom(line)),
            _ if self.begins_record(line) => Begin::Yes,
            _ => Begin::No,
        }
    }

    /// The level of a record that begins properly, if it can be had without parsing; `None` if
    /// parsing decides.
    #[inline]
    pub(crate) fn level(&self, text: &[u8]) -> Option<Option<Level>> {
        match self {
            Format::Plain(plain) if !plain.must_strip(text) => Some(plain.level(text)),
            Format::Syslog(syslog) => Some(syslog.level(text)),
            _ => None,
        }
    }

    /// The time of a record that begins properly, if it can be had without parsing; `None` if
    /// parsing decides.
    #[inline]
    pub(crate) fn time(&self, text: &[u8], context: &mut Context) -> Option<Option<Timestamp>> {
        match self {
            Format::Plain(plain) if !plain.must_strip(text) => Some(plain.time(text, context)),
            Format::Syslog(syslog) => Some(syslog.time(text, context)),
            _ => None,
        }
    }

    /// Takes the colours out of a record into a buffer, if it has any, and says whether it did.
    #[inline]
    pub(crate) fn strip(&self, text: &[u8], stripped: &mut Vec<u8>) -> bool {
        let must = matches!(self, Format::Plain(plain) if plain.must_strip(text));
        if must {
            stripped.clear();
            ansi::strip_into(text, stripped);
        }
        must
    }

    /// Parses a record as far as it takes to know its level and whether it is failed.
    #[inline]
    pub(crate) fn parse(
        &self,
        text: &[u8],
        context: &mut Context,
        draft: &mut Draft,
    ) -> Result<(), FailKind> {
        match self {
            Format::Plain(plain) => plain.parse(text, context, draft),
            Format::Json(keys) => json::parse(text, keys, draft)?,
            Format::Logfmt(keys) => logfmt::parse(text, keys, draft)?,
            Format::Timed(timed) => timed.parse(text, context, draft)?,
            Format::Clf | Format::Combined => access::parse(text, draft)?,
            Format::Syslog(syslog) => syslog.parse(text, context, draft),
            Format::Unknown => draft.message = Message::At(Span::new(0, text.len())),
        }
        Ok(())
    }

    /// Completes a record that [`parse`](Self::parse) began.
    #[inline]
    pub(crate) fn finish(&self, text: &[u8], draft: &mut Draft) {
        match self {
            Format::Json(_) => keyed::finish(text, draft, true),
            Format::Logfmt(_) => keyed::finish(text, draft, false),
            Format::Timed(timed) => timed.finish(text, draft),
            _ => {}
        }
    }
}
