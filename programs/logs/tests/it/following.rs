//! What the tests of followed files share: a configuration, a log that grows, and waiting with an end.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use connect::Destination;
use millstream::Context;
use millstream_logs::Config;
use millstream_logs::filter::Filter;
use millstream_logs::format::{Choice, Keys};

/// Follows `input` into `to` and keeps everything; the positions are those of the job `proof`.
pub(crate) fn config(input: &Path, to: Destination) -> Config {
    Config {
        inputs: vec![input.display().to_string()],
        follow: true,
        format: Choice::default(),
        keys: Keys::default(),
        filter: Filter::new(),
        to,
        table: "records".to_owned(),
        job: Some("proof".to_owned()),
        batch: 1000,
        flush: Duration::from_millis(5),
        workers: 1..=2,
        max_line: 1 << 20,
        dead_letter: None,
        limit: None,
        stats: false,
    }
}

/// Opens `path` for appending, makes it if there is none, and appends `text` in one write.
pub(crate) fn append(path: &Path, text: &str) -> File {
    let mut file = File::options().append(true).create(true).open(path).expect("the folder exists");
    file.write_all(text.as_bytes()).expect("there is room");
    file
}

/// Waits until `holds` says so; what is waited for has a minute, so that a test that fails ends.
///
/// # Panics
/// When the minute is over; with `what`.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let limit = Context::new().with_timeout(Duration::from_secs(60));
    while !holds() {
        assert!(limit.sleep(Duration::from_millis(2)).is_ok(), "waited for a minute in vain: {what}");
    }
}
