//! The scanner: walks the records of a block, rules out by the cheapest question first, and parses
//! what is left.
//!
//! It does no input or output and owns no thread; one scanner belongs to one worker.

use std::fmt;

use crate::filter::{Filter, MetHere};
use crate::format::{Begin, Context, Draft, FailKind, Format, skip_bom};
use crate::record::Parsed;
use crate::time::{MinuteCache, Timestamp};

/// What a scanner hands out.
pub trait Visit {
    /// A record that the filter keeps, in the order of the block.
    fn record(&mut self, record: &Parsed<'_>);

    /// A record that could not be read.
    fn failed(&mut self, failure: Failure);
}

/// A record that could not be read: its bytes are `block[offset..offset + len]`, newline included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub kind: FailKind,
    /// Where it begins in the block.
    pub offset: usize,
    /// How many bytes it takes.
    pub len: usize,
}

/// What became of the records of a block: `records = kept + filtered + failed`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records seen.
    pub records: u64,
    /// Records handed to [`Visit::record`].
    pub kept: u64,
    /// Records that the filter does not keep.
    pub filtered: u64,
    /// Records handed to [`Visit::failed`].
    pub failed: u64,
    /// Of the filtered ones, those for which the condition had no answer, because it compares
    /// values of different kinds or gives neither true nor false.
    pub undecided: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, more: Counts) {
        self.records += more.records;
        self.kept += more.kept;
        self.filtered += more.filtered;
        self.failed += more.failed;
        self.undecided += more.undecided;
    }
}

/// Walks blocks of one format with one filter.
///
/// ```
/// use millstream_logs::filter::Filter;
/// use millstream_logs::format::{Format, Keys};
/// use millstream_logs::record::Parsed;
/// use millstream_logs::scan::{Failure, Scanner, Visit};
/// use millstream_logs::time::Timestamp;
///
/// struct Messages(Vec<String>);
/// impl Visit for Messages {
///     fn record(&mut self, record: &Parsed<'_>) {
///         self.0.push(String::from_utf8_lossy(record.message).into_owned());
///     }
///     fn failed(&mut self, _: Failure) {}
/// }
///
/// let log = b"INFO 2024-01-15T10:23:45Z started\nERROR 2024-01-15T10:23:46Z no disk\n  at main.c:3\n";
/// let format = Format::detect(log, &Keys::default()).format;
/// let filter = Filter::new().levels("error+".parse()?);
/// let mut messages = Messages(Vec::new());
/// let counts = Scanner::new(format, filter, 1 << 20, Timestamp::from_nanos(0)).scan(log, &mut messages);
/// assert_eq!((counts.records, counts.kept, counts.filtered), (2, 1, 1));
/// assert_eq!(messages.0, ["no disk\n  at main.c:3"]);
/// # Ok::<(), millstream_logs::level::ParseLevelsError>(())
/// ```
pub struct Scanner {
    format: Format,
    filter: Filter,
    max_record: usize,
    context: Context,
    draft: Draft,
    stripped: Vec<u8>,
    /// Whether nothing but the level decides, and the format gives it without parsing.
    plain_levels: bool,
    met: MetHere,
    /// The run was stopped in the middle of a block, so that the counts lack the rest.
    stopped: bool,
}

impl fmt::Debug for Scanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scanner")
            .field("format", &self.format)
            .field("filter", &self.filter)
            .finish_non_exhaustive()
    }
}

impl Scanner {
    /// A scanner for files of one format.
    ///
    /// A record longer than `max_line` bytes, with the lines that continue it, is failed. `now`
    /// completes times that lack a year or a date: without a year it is the latest that is at most
    /// a day after `now`, without a date it is of the day of `now`.
    pub fn new(format: Format, filter: Filter, max_line: usize, now: Timestamp) -> Scanner {
        let plain_levels = filter.levels.is_some() && format.multiline();
        Scanner {
            format,
            filter,
            max_record: max_line.min(u32::MAX as usize - 4),
            context: Context { now, minute: MinuteCache::default() },
            draft: Draft::new(),
            stripped: Vec::new(),
            plain_levels,
            met: MetHere::default(),
            stopped: false,
        }
    }

    /// Completes times of later blocks by another `now`, as the years of a followed log go by.
    pub fn set_now(&mut self, now: Timestamp) {
        self.context.now = now;
    }

    /// Whether the run was stopped in the middle of a block: records that it did not decide about
    /// were not counted.
    pub(crate) fn was_stopped(&self) -> bool {
        self.stopped
    }

    /// The format it reads.
    pub fn format(&self) -> &Format {
        &self.format
    }

    /// Walks a block that begins at a record and ends where one ends, or where the file does.
    ///
    /// Lines before the first record of a file that begin none make one record without time and
    /// level. Empty lines belong to the record before them in formats of many lines a record, and
    /// to none in the others.
    pub fn scan(&mut self, block: &[u8], out: &mut impl Visit) -> Counts {
        let mut counts = Counts::default();
        if self.format.multiline() {
            self.scan_records(block, out, &mut counts);
        } else {
            self.scan_lines(block, out, &mut counts);
        }
        self.filter.met.add(self.met);
        counts
    }

    fn scan_lines(&mut self, block: &[u8], out: &mut impl Visit, counts: &mut Counts) {
        let mut start = 0;
        let newlines = memchr::memchr_iter(b'\n', block).map(|newline| newline + 1);
        let tail = (!block.ends_with(b"\n")).then_some(block.len());
        for end in newlines.chain(tail) {
            if !line_end_trimmed(&block[start..end]).is_empty() {
                self.consider(block, start, end, true, out, counts);
            }
            start = end;
        }
    }

    fn scan_records(&mut self, block: &[u8], out: &mut impl Visit, counts: &mut Counts) {
        let mut start = 0;
        let mut begin = self.format.begin(block);
        for newline in memchr::memchr_iter(b'\n', block) {
            let next = newline + 1;
            let next_begin = self.format.begin(&block[next..]);
            if next_begin == Begin::No {
                continue;
            }
            self.consider_text(block, start, next, begin, out, counts);
            start = next;
            begin = next_begin;
        }
        if start < block.len() {
            self.consider_text(block, start, block.len(), begin, out, counts);
        }
    }

    /// One record of a format of many lines. Empty lines before the first record are none.
    #[inline]
    fn consider_text(
        &mut self,
        block: &[u8],
        start: usize,
        end: usize,
        begin: Begin,
        out: &mut impl Visit,
        counts: &mut Counts,
    ) {
        // The usual question, answered from a few bytes of the line.
        if self.plain_levels
            && end - start <= self.max_record
            && !self.may_keep(&block[start..end], begin)
        {
            counts.records += 1;
            counts.filtered += 1;
            return;
        }
        let begins = begin != Begin::No;
        if !begins && block[start..end].iter().all(|byte| matches!(byte, b'\n' | b'\r')) {
            return;
        }
        self.consider(block, start, end, begins, out, counts);
    }

    /// Whether a record can have a level that the filter keeps, as far as it can be known without
    /// parsing.
    #[inline]
    fn may_keep(&mut self, record: &[u8], begin: Begin) -> bool {
        let level = match begin {
            Begin::No => return true,
            Begin::Level(level) => Some(level),
            Begin::Yes => match self.format.level(skip_bom(record)) {
                Some(level) => level,
                None => return true,
            },
        };
        self.met.level_asked = true;
        self.met.level |= level.is_some();
        self.filter.keeps_level(level)
    }

    fn consider(
        &mut self,
        block: &[u8],
        start: usize,
        end: usize,
        begins: bool,
        out: &mut impl Visit,
        counts: &mut Counts,
    ) {
        counts.records += 1;
        let raw = line_end_trimmed(&block[start..end]);
        match self.judge(raw, end - start, begins) {
            Ok(Verdict::Kept(text)) => {
                let text =
                    if text == Text::Stripped { self.stripped.as_slice() } else { skip_bom(raw) };
                let record = self.parsed(text, start, end - start);
                let holds = self
                    .filter
                    .condition
                    .as_ref()
                    .map_or(Ok(true), |condition| condition.holds(&record));
                match holds {
                    Ok(true) => {
                        counts.kept += 1;
                        out.record(&record);
                    }
                    Ok(false) => counts.filtered += 1,
                    Err(error) if error.is_stopped() => {
                        counts.records -= 1;
                        self.stopped = true;
                    }
                    Err(_) => {
                        counts.filtered += 1;
                        counts.undecided += 1;
                    }
                }
            }
            Ok(Verdict::Filtered) => counts.filtered += 1,
            Err(kind) => {
                counts.failed += 1;
                out.failed(Failure { kind, offset: start, len: end - start });
            }
        }
    }

    fn parsed<'s>(&'s self, text: &'s [u8], offset: usize, len: usize) -> Parsed<'s> {
        Parsed {
            time: self.draft.time,
            level: self.draft.level,
            message: self.draft.message(text),
            offset,
            len,
            text,
            fields: &self.draft.fields,
        }
    }

    /// Decides about a record by everything but the condition, and leaves what it parsed in the
    /// draft. What makes a record failed comes before what makes it filtered, so that a filter
    /// never hides a broken line.
    fn judge(&mut self, raw: &[u8], len: usize, begins: bool) -> Result<Verdict, FailKind> {
        if len > self.max_record {
            return Err(FailKind::TooLong);
        }
        let text = skip_bom(raw);
        if self.format.multiline() {
            if !self.filter.keeps_text(raw) {
                return Ok(Verdict::Filtered);
            }
            if begins
                && self.filter.wants_time()
                && let Some(time) = self.format.time(text, &mut self.context)
            {
                self.met.time_asked = true;
                self.met.time |= time.is_some();
                if !self.filter.keeps_time(time) {
                    return Ok(Verdict::Filtered);
                }
            }
        }
        self.draft.clear();
        let stripped = self.format.strip(text, &mut self.stripped);
        let text = if stripped { self.stripped.as_slice() } else { text };
        self.format.parse(text, &mut self.context, &mut self.draft)?;
        self.met.level_asked = true;
        self.met.level |= self.draft.level.is_some();
        let kept = self.filter.keeps_level(self.draft.level)
            && (self.format.multiline() || self.filter.keeps_text(raw))
            && (self.format.finish(text, &mut self.draft), self.keeps_time()).1;
        Ok(match (kept, stripped) {
            (false, _) => Verdict::Filtered,
            (true, true) => Verdict::Kept(Text::Stripped),
            (true, false) => Verdict::Kept(Text::Raw),
        })
    }
}

impl Scanner {
    /// Whether the filter keeps the time of the draft.
    #[inline]
    fn keeps_time(&mut self) -> bool {
        self.met.time_asked = true;
        self.met.time |= self.draft.time.is_some();
        self.filter.keeps_time(self.draft.time)
    }
}

enum Verdict {
    Kept(Text),
    Filtered,
}

#[derive(PartialEq)]
enum Text {
    Raw,
    Stripped,
}

/// A record without the newlines at its end.
#[inline]
fn line_end_trimmed(record: &[u8]) -> &[u8] {
    let newlines = record.iter().rev().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
    &record[..record.len() - newlines]
}
