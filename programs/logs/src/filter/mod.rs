//! Which records are kept: by level, by text, by time, and by an expression over fields. All of
//! them have to agree.
//!
//! The order in which they are asked, and what can be left unparsed, is the business of `scan`; it
//! never changes the answer.

pub mod bound;
pub mod condition;

mod budget;
mod limits;
mod met;

use memchr::memmem::Finder;
use regex::bytes::Regex;

pub use bound::{ParseTimeError, parse_time};
pub use condition::{CompileError, Condition};

pub(crate) use met::{Met, MetHere};

use crate::level::{Level, Levels};
use crate::record::Parsed;
use crate::time::Timestamp;

/// What a record has to be like to be kept; a new filter keeps everything. Cloning is cheap.
///
/// ```
/// use millstream_logs::filter::{Condition, Filter};
/// let filter = Filter::new()
///     .levels("error+".parse()?)
///     .contains(b"timeout")
///     .condition(Condition::compile("status >= 500")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub(crate) levels: Option<Levels>,
    contains: Vec<Finder<'static>>,
    regexes: Vec<Regex>,
    pub(crate) since: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
    pub(crate) condition: Option<Condition>,
    pub(crate) met: Met,
}

impl Filter {
    /// A filter that keeps every record.
    pub fn new() -> Filter {
        Filter::default()
    }

    /// Keeps records of these levels; a record without a level is not kept.
    #[must_use]
    pub fn levels(mut self, levels: Levels) -> Filter {
        self.levels = Some(levels);
        self
    }

    /// Keeps records with these bytes anywhere in them, as they stand in the file; asked again, all
    /// must be there.
    #[must_use]
    pub fn contains(mut self, bytes: &[u8]) -> Filter {
        self.contains.push(Finder::new(bytes).into_owned());
        self
    }

    /// Keeps records in which the expression matches somewhere, as they stand in the file, lines
    /// that continue a record included.
    ///
    /// # Errors
    /// The expression's own error, with the place in it.
    pub fn regex(mut self, expression: &str) -> Result<Filter, regex::Error> {
        self.regexes.push(Regex::new(expression)?);
        Ok(self)
    }

    /// Keeps records of this time or later; a record without a time is not kept.
    #[must_use]
    pub fn since(mut self, since: Timestamp) -> Filter {
        self.since = Some(since);
        self
    }

    /// Keeps records from before this time; a record without a time is not kept.
    #[must_use]
    pub fn until(mut self, until: Timestamp) -> Filter {
        self.until = Some(until);
        self
    }

    /// Keeps records for which the condition is true.
    #[must_use]
    pub fn condition(mut self, condition: Condition) -> Filter {
        self.condition = Some(condition);
        self
    }

    /// What its author should know after a run, of this filter and all its clones, a line each:
    /// options that ask for what no record has, so that they can keep nothing, and a condition that
    /// could not be decided.
    pub fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        if self.levels.is_some() && self.met.none_had_level() {
            doubts.push(
                "--level keeps nothing, as no record has a level; see which format was found, and set it with --format, or \
                 name the key with --keys level=NAME"
                    .to_owned(),
            );
        }
        let times = [("--since", self.since), ("--until", self.until)];
        let times: Vec<&str> =
            times.iter().filter(|(_, time)| time.is_some()).map(|(name, _)| *name).collect();
        if !times.is_empty() && self.met.none_had_time() {
            doubts.push(format!(
                "{} keeps nothing, as no record has a time; see which format was found, and set it with --format, or name \
                 the key with --keys time=NAME",
                times.join(" with ")
            ));
        }
        doubts.extend(
            self.condition
                .as_ref()
                .and_then(Condition::doubts)
                .map(|doubt| format!("--where {doubt}")),
        );
        doubts
    }

    /// Gives up evaluations of the condition once `ctx` is cancelled.
    pub(crate) fn stopped_by(mut self, ctx: &millstream::Context) -> Filter {
        self.condition = self.condition.map(|condition| condition.stopped_by(ctx));
        self
    }

    /// Whether the filter would keep a record, given its bytes in the file without the newline at
    /// the end.
    ///
    /// This is the meaning of a filter; the scanner comes to the same answer in fewer steps.
    pub fn keeps(&self, raw: &[u8], record: &Parsed<'_>) -> bool {
        self.keeps_level(record.level)
            && self.keeps_text(raw)
            && self.keeps_time(record.time)
            && self
                .condition
                .as_ref()
                .is_none_or(|condition| condition.holds(record).unwrap_or(false))
    }

    #[inline]
    pub(crate) fn keeps_level(&self, level: Option<Level>) -> bool {
        self.levels.is_none_or(|levels| levels.contains(level))
    }

    #[inline]
    pub(crate) fn keeps_text(&self, raw: &[u8]) -> bool {
        self.contains.iter().all(|finder| finder.find(raw).is_some())
            && self.regexes.iter().all(|regex| regex.is_match(raw))
    }

    /// Whether the filter asks for a time at all.
    #[inline]
    pub(crate) fn wants_time(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }

    #[inline]
    pub(crate) fn keeps_time(&self, time: Option<Timestamp>) -> bool {
        let at_least = |since| time.is_some_and(|time| time >= since);
        let before = |until| time.is_some_and(|time| time < until);
        self.since.is_none_or(at_least) && self.until.is_none_or(before)
    }
}
