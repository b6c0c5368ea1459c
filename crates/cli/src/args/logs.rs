//! The flags of `millstream logs`, and what they mean as a [`Config`].

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use connect::Destination;
use connect::paths::escaped;
use logs::Config;
use logs::filter::{self, Condition, Filter};
use logs::format::{Choice, Keys};
use logs::level::Levels;
use logs::time::Timestamp;

use super::common::{Common, bytes_in, duration, number};
use super::threads::Threads;

/// The long help: what one wants to know before the flags.
const ABOUT: &str = "\
Parse, filter and store log files, or a growing log

The format is found out file by file: JSON lines, logfmt, the common and combined log formats, syslog, and the plain
forms that programs write (level or time first, log4j, logback, Python, tracing, PostgreSQL, nginx, glog, dpkg).
gzip and zstd are read as they are. Lines that begin no record, such as a stack trace, belong to the record before.";

const EXAMPLES: &str = "\
Examples:
  millstream logs app.log --level error
  millstream logs 'logs/*.log.gz' --level error+ --since 2h --to errors.db
  millstream logs access.log --where 'status >= 500 && path.startsWith(\"/api\")' --to slow.jsonl
  millstream logs app.log --follow --level warn+ --to postgres://me@db/logs --job app
  kubectl logs -f pod | millstream logs - --level error+";

/// The table of a database if none is named.
const TABLE: &str = "records";

#[derive(Debug, Args)]
#[command(long_about = ABOUT, after_long_help = format!("{EXAMPLES}\n\n{}", crate::exit::HELP), after_help = crate::exit::HELP)]
pub(crate) struct Flags {
    /// Files or globs, in the order in which they are read; `-`, or nothing in a pipe, is standard
    /// input
    #[arg(value_name = "FILES")]
    pub(crate) inputs: Vec<OsString>,

    /// Go on with what is appended, through rotation and truncation, until interrupted
    #[arg(long, short)]
    follow: bool,

    /// The format, if it is not to be found out: auto, plain, json, logfmt, clf, combined, syslog
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    format: Choice,

    /// Other names of time, level and message in JSON and logfmt:
    /// `time=when,level=sev,message=text`
    #[arg(long, value_name = "NAMES")]
    keys: Option<Keys>,

    /// Keep these levels: `error,warn`; with a plus also everything worse: `warn+`
    #[arg(long, short, value_name = "LEVELS")]
    level: Option<Levels>,

    /// Keep records for which this CEL expression over their fields is true: `status == 404`
    #[arg(long = "where", value_name = "EXPR", value_parser = condition)]
    condition: Option<Condition>,

    /// Keep records that contain this text
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    contains: Vec<String>,

    /// Keep records in which this regular expression matches
    #[arg(long, value_name = "REGEX", allow_hyphen_values = true)]
    regex: Vec<String>,

    /// Keep records of this time or later: a date, a time (RFC 3339), or an age such as 2h
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,

    /// Keep records from before this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<String>,

    /// Where records go: FILE.jsonl (replaced), FILE.db or postgres://USER@HOST/DB (added to),
    /// `table`, or `-`: a table on a terminal, else JSON lines
    #[arg(long, value_name = "DEST", default_value = "-", value_parser = super::value::destination())]
    to: Destination,

    /// The table of a database [default: records]
    #[arg(long, value_name = "NAME", value_parser = table)]
    table: Option<String>,

    /// The name under which a followed file's position is stored with its rows, so that a restart
    /// goes on there [default: made of the inputs' names]
    #[arg(long, value_name = "NAME", requires = "follow")]
    job: Option<String>,

    /// Records stored together, at most
    #[arg(long, value_name = "N", default_value = "1000", value_parser = batch)]
    batch: usize,

    /// How long a record may wait for others when the input is live
    #[arg(long, value_name = "TIME", default_value = "5ms", value_parser = duration)]
    flush: Duration,

    /// How long the last record of a live input may wait for further lines of it, such as a stack
    /// trace
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    hold: Duration,

    /// The longest record; a longer one counts as failed
    #[arg(long, value_name = "BYTES", default_value = "1MiB", value_parser = line)]
    max_line: usize,

    /// Stop after this number of matching records
    #[arg(long, value_name = "N", value_parser = count)]
    limit: Option<u64>,

    /// Show a chart of counts by level over time (in UTC) instead of the records
    #[arg(long, conflicts_with_all = ["to", "table", "job", "batch"])]
    stats: bool,

    /// Keep the bytes of what could not be read, or was not UTF-8, in FILE, exactly as they were
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    dead_letter: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) common: Common,

    #[command(flatten)]
    threads: Threads,
}

fn batch(text: &str) -> Result<usize, String> {
    // They are all in memory until they are stored.
    number(text, 1..=1_000_000, "a number of records")
}

fn count(text: &str) -> Result<u64, String> {
    number(text, 0..=u64::MAX, "a number of records")
}

fn line(text: &str) -> Result<usize, String> {
    bytes_in(text, 1..=1 << 30, "1GiB")
}

fn table(text: &str) -> Result<String, String> {
    // The layout knows which names databases take.
    connect::Layout::new(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

fn condition(text: &str) -> Result<Condition, String> {
    Condition::compile(text).map_err(|error| error.to_string())
}

impl Flags {
    /// The configuration they stand for; an error says which flag is wrong.
    pub(crate) fn config(self, now: Timestamp) -> Result<Config, String> {
        if self.follow && self.inputs.iter().any(|input| input == "-") {
            return Err(
                "--follow: standard input is read as it arrives anyway; leave --follow out"
                    .to_owned(),
            );
        }
        let is_database = matches!(self.to, Destination::Sqlite(_) | Destination::Postgres(_));
        for (flag, is_given) in [("--table", self.table.is_some()), ("--job", self.job.is_some())] {
            if is_given && !is_database {
                return Err(format!(
                    "{flag} is for a database, and --to is '{}'; name FILE.db or postgres://USER@HOST/DB, or leave it out",
                    self.to
                ));
            }
        }
        let filter = self.filter(now)?;
        let job = if self.follow {
            Some(self.job.unwrap_or_else(|| job_of(&self.inputs)))
        } else {
            self.job
        };
        Ok(Config {
            follow: self.follow,
            format: self.format,
            keys: self.keys.unwrap_or_default(),
            filter,
            to: self.to,
            table: self.table.unwrap_or_else(|| TABLE.to_owned()),
            job: job.filter(|_| self.follow),
            batch: self.batch,
            flush: self.flush,
            hold: self.hold,
            workers: self.threads.workers(),
            max_line: self.max_line,
            dead_letter: self.dead_letter,
            limit: self.limit,
            stats: self.stats,
            inputs: self.inputs,
        })
    }

    fn filter(&self, now: Timestamp) -> Result<Filter, String> {
        let mut filter = Filter::new();
        if let Some(levels) = self.level {
            filter = filter.levels(levels);
        }
        for text in &self.contains {
            filter = filter.contains(text.as_bytes());
        }
        for expression in &self.regex {
            filter = filter.regex(expression).map_err(|error| format!("--regex: {error}"))?;
        }
        let time = |flag: &str, text: &String| {
            filter::parse_time(text, now).map_err(|error| format!("{flag}: {error}"))
        };
        if let Some(since) = &self.since {
            filter = filter.since(time("--since", since)?);
        }
        if let Some(until) = &self.until {
            filter = filter.until(time("--until", until)?);
        }
        Ok(match &self.condition {
            Some(condition) => filter.condition(condition.clone()),
            None => filter,
        })
    }
}

/// A job is recognized by what it reads.
fn job_of(inputs: &[OsString]) -> String {
    let absolute = |name: &OsString| {
        let path = std::path::absolute(name).unwrap_or_else(|_| name.into());
        escaped(&path).into_owned()
    };
    let names: Vec<String> = inputs.iter().map(absolute).collect();
    format!("logs {}", names.join(" "))
}
