//! What the tests of followed files share: a configuration, a log that grows, and waiting with an
//! end.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connect::Destination;
use millstream::{Clock, Context, scope};
use millstream_logs::filter::Filter;
use millstream_logs::format::{Choice, Keys};
use millstream_logs::{Config, Control, Outcome, run};

/// Follows `input` into `to` and keeps everything; the positions are those of the job `proof`.
pub(crate) fn config(input: &Path, to: Destination) -> Config {
    Config {
        inputs: vec![input.into()],
        follow: true,
        format: Choice::default(),
        keys: Keys::default(),
        filter: Filter::new(),
        to,
        table: "records".to_owned(),
        job: Some("proof".to_owned()),
        batch: 1000,
        flush: Duration::from_millis(5),
        hold: Duration::from_micros(2_500),
        workers: 1..=2,
        max_line: 1 << 20,
        dead_letter: None,
        limit: None,
        stats: false,
    }
}

/// Opens `path` for appending, makes it if there is none, and appends `text` in one write.
pub(crate) fn append(path: &Path, text: &str) -> File {
    let mut file =
        File::options().append(true).create(true).open(path).expect("the directory exists");
    file.write_all(text.as_bytes()).expect("there is room");
    file
}

/// Waits until `holds` says so; what is waited for has a minute, so that a test that fails ends.
///
/// # Panics
/// When the minute has passed; with `what`.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let limit = Context::new().with_timeout(Duration::from_secs(60));
    while !holds() {
        assert!(
            limit.sleep(Duration::from_millis(2)).is_ok(),
            "waited for a minute in vain: {what}"
        );
    }
}

/// Follows while `body` runs, then ends as a first Ctrl-C does: what was read is stored.
pub(crate) fn following(config: &Config, body: impl FnOnce()) -> Outcome {
    following_by(&Clock::real(), config, body)
}

/// The same by a clock of the test.
pub(crate) fn following_by(clock: &Clock, config: &Config, body: impl FnOnce()) -> Outcome {
    let control = Control { ctx: Context::with_clock(clock.clone()), ..Control::default() };
    let outcome = Mutex::new(None);
    let ended = scope(&Context::new(), |threads| {
        threads.spawn("logs", |_| {
            let run = run(config, &control, Arc::new(|_| {}));
            *outcome.lock().unwrap() = Some(run.map_err(|error| error.to_string())?);
            Ok::<(), String>(())
        });
        let body = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
        control.drain.cancel("the test has finished");
        body.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok(())
    });
    ended.unwrap();
    outcome.into_inner().unwrap().unwrap()
}

/// What a query gives as one text a row; nothing as long as the database is not there.
pub(crate) fn rows(database: &Path, sql: &str) -> Vec<String> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
    let read = || -> rusqlite::Result<Vec<String>> {
        let database = rusqlite::Connection::open_with_flags(database, flags)?;
        database.busy_timeout(Duration::from_secs(10))?;
        let mut statement = database.prepare(sql)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        rows.collect()
    };
    read().unwrap_or_default()
}

/// A named pipe at `path`, new for each reader: a child of another test may hold the end of an old
/// one for a moment, and a writer that finds it open would write into nothing.
pub(crate) fn new_pipe(path: &Path) -> PathBuf {
    let _there_may_be_none = std::fs::remove_file(path);
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    path.to_owned()
}
