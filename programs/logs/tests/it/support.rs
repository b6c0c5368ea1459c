//! A visitor that keeps everything, and the fixtures.

use millstream_logs::filter::Filter;
use millstream_logs::format::{Format, Keys};
use millstream_logs::record::{Parsed, Record};
use millstream_logs::scan::{Counts, Failure, Scanner, Visit};
use millstream_logs::time::Timestamp;

/// The first of February 2024, which completes times without a year or a date.
pub(crate) fn now() -> Timestamp {
    Timestamp::parse(b"2024-02-01T00:00:00Z").unwrap()
}

pub(crate) const MAX_LINE: usize = 1 << 20;

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Seen {
    pub(crate) records: Vec<Record>,
    pub(crate) failures: Vec<Failure>,
}

impl Visit for Seen {
    fn record(&mut self, record: &Parsed<'_>) {
        self.records.push(record.to_record());
    }

    fn failed(&mut self, failure: Failure) {
        self.failures.push(failure);
    }
}

impl Seen {
    /// Everything moved by as much as the block's place in the file.
    pub(crate) fn shifted(mut self, by: usize) -> Seen {
        self.records.iter_mut().for_each(|record| record.offset += by as u64);
        self.failures.iter_mut().for_each(|failure| failure.offset += by);
        self
    }

    pub(crate) fn extend(&mut self, more: Seen) {
        self.records.extend(more.records);
        self.failures.extend(more.failures);
    }
}

pub(crate) fn scan_with(
    format: &Format,
    filter: &Filter,
    max_line: usize,
    block: &[u8],
) -> (Seen, Counts) {
    let mut seen = Seen::default();
    let counts =
        Scanner::new(format.clone(), filter.clone(), max_line, now()).scan(block, &mut seen);
    assert_eq!(counts.records, counts.kept + counts.filtered + counts.failed, "{counts:?}");
    assert_eq!(
        (counts.kept, counts.failed),
        (seen.records.len() as u64, seen.failures.len() as u64)
    );
    (seen, counts)
}

pub(crate) fn scan(text: &[u8], filter: &Filter) -> (Seen, Counts) {
    scan_with(&detected(text), filter, MAX_LINE, text)
}

pub(crate) fn detected(text: &[u8]) -> Format {
    Format::detect(text, &Keys::default()).format
}

/// All records of a text in the format that it is found to have.
pub(crate) fn records(text: &[u8]) -> Vec<Record> {
    scan(text, &Filter::new()).0.records
}

/// The messages that a filter keeps.
pub(crate) fn messages(text: &[u8], filter: &Filter) -> Vec<String> {
    let records = scan(text, filter).0.records;
    records.iter().map(|record| record.message_lossy().into_owned()).collect()
}

macro_rules! fixtures {
    ($($name:literal)+) => {
        /// The fixtures by name.
        pub(crate) const FIXTURES: &[(&str, &[u8])] =
            &[$(($name, include_bytes!(concat!("../fixtures/", $name)))),+];
    };
}

fixtures! {
    "apache_error.log" "bracketed.log" "clf.log" "clock.log" "combined.log" "dpkg.log" "env_logger.log" "glog.log"
    "hadoop.log" "json.log" "level_first.log" "level_only.log" "log4j.log" "logfmt.log" "nginx_error.log"
    "postgresql.log" "python.log" "spring.log" "syslog_3164.log" "syslog_5424.log" "syslog_iso.log" "syslog_pri.log"
    "tracing.log" "tracing_ansi.log" "unknown.txt"
}

pub(crate) fn fixture(name: &str) -> &'static [u8] {
    FIXTURES.iter().find(|(known, _)| *known == name).unwrap().1
}
