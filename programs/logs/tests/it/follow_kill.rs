//! Killed with -9 again and again while a log grows and rotates: every record is stored exactly
//! once.
//!
//! The process that follows is this test binary, started again; what kills it does so at a random
//! moment, which is the one thing here that time decides: whatever the moment, the outcome must be
//! the same. Every round is killed only after it has stored something, so that each kill hits a
//! process at work.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connect::Destination;
use connect::testing::{Cluster, or_skip};
use millstream::{Context, scope};
use millstream_logs::{Control, run};

use crate::following::{append, config, until};

const INPUT: &str = "MILLSTREAM_TEST_FOLLOW";
const OUTPUT: &str = "MILLSTREAM_TEST_FOLLOW_TO";
/// The writer waits when the rows are this far behind, so that the end of the test is not far.
const AHEAD: u64 = 3_000;
/// Records between two rotations, at least.
const ROTATE: u64 = 1_500;

/// No test: the process that the tests below start and kill.
#[test]
fn the_process_that_is_killed() {
    let (Ok(input), Ok(to)) = (std::env::var(INPUT), std::env::var(OUTPUT)) else { return };
    let config = config(input.as_ref(), Destination::parse(&to).unwrap());
    let outcome = run(&config, &Control::default(), Arc::new(|_| {}));
    panic!("following ends only with its process: {outcome:?}");
}

/// The process that follows, killed at the latest when the test ends.
struct Follower(Child);

impl Follower {
    fn start(input: &Path, to: &Destination, url: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["follow_kill::the_process_that_is_killed", "--exact", "--nocapture"]);
        let to =
            if matches!(to, Destination::Postgres(_)) { url.to_owned() } else { to.to_string() };
        command.env(INPUT, input).env(OUTPUT, to).stdout(Stdio::null()).stderr(Stdio::inherit());
        Self(command.spawn().unwrap())
    }

    fn is_alive(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // On Unix this is SIGKILL: nothing of the process gets to run any more.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Where the rows go, as the test looks at them.
trait Table: Send {
    fn count(&mut self) -> u64;
    /// All messages; in the order in which they were stored if that is known.
    fn messages(&mut self) -> Vec<String>;
    fn has_order(&self) -> bool;
}

struct Sqlite(PathBuf);

impl Sqlite {
    fn query<T>(&self, sql: &str, each: impl Fn(&rusqlite::Row<'_>) -> T) -> Option<Vec<T>> {
        // There is neither database nor table before the first process has made them.
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
        let database = rusqlite::Connection::open_with_flags(&self.0, flags).ok()?;
        database.busy_timeout(Duration::from_secs(10)).ok()?;
        let mut statement = database.prepare(sql).ok()?;
        let rows = statement.query_map([], |row| Ok(each(row))).ok()?;
        rows.collect::<Result<_, _>>().ok()
    }
}

impl Table for Sqlite {
    fn count(&mut self) -> u64 {
        let rows = self.query("SELECT count(*) FROM records", |row| row.get::<_, i64>(0).unwrap());
        rows.map_or(0, |rows| rows[0].unsigned_abs())
    }

    fn messages(&mut self) -> Vec<String> {
        self.query("SELECT message FROM records ORDER BY rowid", |row| row.get(0).unwrap()).unwrap()
    }

    fn has_order(&self) -> bool {
        true
    }
}

struct Postgres(postgres::Client);

impl Table for Postgres {
    fn count(&mut self) -> u64 {
        let rows = self.0.query_one("SELECT count(*) FROM records", &[]);
        rows.map_or(0, |row| row.get::<_, i64>(0).unsigned_abs())
    }

    fn messages(&mut self) -> Vec<String> {
        let rows = self.0.query("SELECT message FROM records", &[]).unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    fn has_order(&self) -> bool {
        false
    }
}

/// Random enough to hit different moments; the seed is shown when a test fails.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// What the writer and the test share.
#[derive(Default)]
struct Progress {
    written: AtomicU64,
    stored: AtomicU64,
    stop: AtomicBool,
    /// Every line by the number of its file.
    lines: Mutex<BTreeMap<u64, Vec<String>>>,
}

impl Progress {
    fn is_finished(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    fn behind(&self) -> u64 {
        self.written.load(Ordering::Acquire).saturating_sub(self.stored.load(Ordering::Acquire))
    }
}

/// Writes records until it is stopped: single lines, every seventh with a trace, in writes of a few
/// records.
fn write_log(directory: &Path, progress: &Progress) {
    let path = directory.join("app.log");
    let (mut id, mut number, mut copied) = (0u64, 0u64, false);
    let mut file = append(&path, "");
    let mut started = 0;
    while !progress.is_finished() {
        until("the process stores what is written", || {
            progress.behind() < AHEAD || progress.is_finished()
        });
        let mut text = String::new();
        let mut lines = Vec::new();
        for _ in 0..=id % 11 {
            lines.push(format!(
                "file={number} id={id} some text that makes the line as long as lines are"
            ));
            text.push_str(&format!("INFO 2024-01-15T10:23:45.123Z {}\n", lines.last().unwrap()));
            if id % 7 == 3 {
                lines.push(format!("    at file={number} id={id} Main.java:42"));
                text.push_str(lines.last().unwrap());
                text.push('\n');
            }
            id += 1;
        }
        file.write_all(text.as_bytes()).unwrap();
        progress.lines.lock().unwrap().entry(number).or_default().append(&mut lines);
        progress.written.store(id, Ordering::Release);
        if id - started < ROTATE || progress.is_finished() {
            continue;
        }
        if number == 2 && !copied {
            // Quiet, as who uses copytruncate must hope for.
            copied = true;
            until("all is stored", || progress.behind() == 0 || progress.is_finished());
            if progress.is_finished() {
                break;
            }
            fs::copy(&path, directory.join("copy-of-app.log")).unwrap();
            file.set_len(0).unwrap();
        } else {
            // A successor that is renamed before anybody has seen it would need a pattern to be
            // found.
            until("the file was started", || {
                progress.stored.load(Ordering::Acquire) > started || progress.is_finished()
            });
            if progress.is_finished() {
                break;
            }
            fs::rename(&path, directory.join(format!("app.log.{number}"))).unwrap();
            file = append(&path, "");
        }
        number += 1;
        started = id;
    }
}

/// Kills the process `times` times while the log grows, then lets one finish, and compares.
fn every_record_once(
    to: &Destination,
    url: &str,
    directory: &Path,
    times: usize,
    table: &mut impl Table,
) {
    let seed = u64::from(std::process::id()) << 20 | 0x5bd1_e995;
    let mut random = Random(seed);
    let progress = Progress::default();
    let input = directory.join("app.log");
    let kills = scope(&Context::new(), |threads| {
        threads.spawn("writer", |_| {
            write_log(directory, &progress);
            Ok::<(), String>(())
        });
        let look = |table: &mut dyn Table| {
            let count = table.count();
            progress.stored.store(count, Ordering::Release);
            count
        };
        for round in 0..times {
            let before = look(table);
            let mut follower = Follower::start(&input, to, url);
            until("the process stores something", || {
                assert!(follower.is_alive(), "round {round}: the process ended by itself");
                look(table) > before
            });
            let more = Duration::from_micros(random.below(60_000));
            let over = Context::new().with_timeout(more);
            while over.sleep(Duration::from_millis(1)).is_ok() {
                look(table);
            }
            drop(follower);
        }
        progress.stop.store(true, Ordering::Release);
        let mut follower = Follower::start(&input, to, url);
        // A record too few shows below, with what it is, and not only as a wait in vain.
        let limit = Context::new().with_timeout(Duration::from_secs(20));
        while look(table) < progress.written.load(Ordering::Acquire)
            && limit.sleep(Duration::from_millis(5)).is_ok()
        {
            assert!(follower.is_alive(), "the process ended by itself");
        }
        Ok(times)
    });
    kills.unwrap();
    compare(&progress.lines.into_inner().unwrap(), table, seed);
}

/// The lines of the messages, file by file, against those that were written.
fn compare(written: &BTreeMap<u64, Vec<String>>, table: &mut impl Table, seed: u64) {
    let mut stored: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for line in table.messages().iter().flat_map(|message| message.lines()) {
        let number = line.split("file=").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
        stored.entry(number.parse().unwrap()).or_default().push(line.to_owned());
    }
    let keys = |lines: &BTreeMap<u64, Vec<String>>| lines.keys().copied().collect::<Vec<_>>();
    assert_eq!(
        keys(&stored),
        keys(written),
        "files of which something was stored and written; seed {seed}"
    );
    for (number, written) in written {
        let (stored, mut written) = (stored.get_mut(number).unwrap(), written.clone());
        if !table.has_order() {
            stored.sort();
            written.sort();
        }
        let differs = stored.iter().zip(&written).position(|(stored, written)| stored != written);
        let at = differs.unwrap_or(stored.len().min(written.len()));
        let near = |lines: &[String]| {
            lines[at.saturating_sub(1).min(lines.len())..(at + 2).min(lines.len())].to_vec()
        };
        assert!(
            *stored == written,
            "file {number}, line {at} (seed {seed}): {} lines stored, {} written; {:#?} instead of {:#?}",
            stored.len(),
            written.len(),
            near(stored),
            near(&written),
        );
    }
    assert!(
        written.len() > 4,
        "there were rotations by name and one copytruncate: {} files",
        written.len()
    );
}

#[test]
fn killed_twenty_times_every_record_is_in_sqlite_exactly_once() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("out.db");
    let to = Destination::Sqlite(database.clone());
    every_record_once(&to, "", directory.path(), 20, &mut Sqlite(database));
}

#[test]
fn killed_five_times_every_record_is_in_postgresql_exactly_once() {
    let test = "killed_five_times_every_record_is_in_postgresql_exactly_once";
    let Some(cluster) = or_skip(test, Cluster::start()) else { return };
    let url = cluster.new_database().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
    every_record_once(
        &Destination::Postgres(url.clone()),
        &url,
        directory.path(),
        5,
        &mut Postgres(client),
    );
}

#[test]
fn a_job_that_another_process_runs_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let (log, database) = (directory.path().join("app.log"), directory.path().join("out.db"));
    let to = Destination::Sqlite(database.clone());
    append(&log, "INFO 2024-01-15T10:23:45Z one\n");
    let first = Follower::start(&log, &to, "");
    until("the first process works", || Sqlite(database.clone()).count() == 1);
    let error = run(&config(&log, to.clone()), &Control::default(), Arc::new(|_| {}))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("the job 'proof'") && error.contains(&first.0.id().to_string()),
        "{error}"
    );
    drop(first);
    // Killed, it is known to be gone at once.
    let _second = Follower::start(&log, &to, "");
    append(&log, "INFO 2024-01-15T10:23:46Z two\n");
    until("the second process works", || Sqlite(database.clone()).count() == 2);
}
