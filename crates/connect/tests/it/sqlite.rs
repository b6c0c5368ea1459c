//! SQLite: what is stored, what is refused, and that rows and positions agree whatever happens.
#![expect(clippy::unwrap_used, reason = "in a test, what cannot be unwrapped is the failure")]

use std::sync::{Arc, Mutex};

use millstream::{Context, Sink};
use millstream_connect::testing::or_skip;
use millstream_connect::{Cells, ColumnType, Layout, Refused, Row, SqliteSink};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::sink_support::{
    Numbered, SmallDisk, Texts, Writer, after_last, next_of, numbered_layout, of_two_keys, random,
    shown, writer_target,
};

fn one<T: rusqlite::types::FromSql>(db: &Connection, sql: &str) -> T {
    db.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn directory() -> (TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.db").to_str().unwrap().to_owned();
    (directory, path)
}

#[test]
fn every_type_of_cell_is_stored_as_sqlite_users_expect_it() {
    let (_directory, path) = directory();
    let mut sink = SqliteSink::open(&path, numbered_layout("rows")).unwrap();
    sink.write(Numbered::range(1, 3)).unwrap();
    sink.close().unwrap();
    let db = Connection::open(&path).unwrap();
    let row: (i64, String, String, i64, Option<f64>) = db
        .query_row("SELECT n, text, at, fields ->> 'n', half FROM rows WHERE n = 2", [], |r| {
            Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?))
        })
        .unwrap();
    assert_eq!(
        row,
        (2, "row number 2".to_owned(), "1970-01-01 00:00:00.002".to_owned(), 2, Some(1.0))
    );
    assert_eq!(one::<Option<f64>>(&db, "SELECT half FROM rows WHERE n = 1"), None);
    assert_eq!(
        one::<i64>(&db, "SELECT count(*) FROM rows WHERE at < datetime('now', '-1 day')"),
        2
    );
    assert_eq!(sink.counts().rows(), 2);
}

#[test]
fn rows_are_added_to_a_table_that_has_the_columns_in_any_order_and_more_that_may_be_left_out() {
    let (_directory, path) = directory();
    let db = Connection::open(&path).unwrap();
    db.execute_batch(
        "CREATE TABLE rows (id INTEGER PRIMARY KEY, half REAL, fields TEXT, at text, text TEXT, n integer NOT NULL,
         seen TEXT NOT NULL DEFAULT 'no')",
    )
    .unwrap();
    let mut sink = SqliteSink::open(&path, numbered_layout("rows")).unwrap();
    sink.write(Numbered::range(0, 5)).unwrap();
    assert_eq!(one::<i64>(&db, "SELECT sum(n) FROM rows WHERE text LIKE 'row number%'"), 10);
}

#[test]
fn a_table_with_other_columns_is_refused_by_name_and_left_alone() {
    let (_directory, path) = directory();
    let db = Connection::open(&path).unwrap();
    db.execute_batch(
        "CREATE TABLE rows (n TEXT, text TEXT, at TEXT, half REAL, who TEXT NOT NULL)",
    )
    .unwrap();
    let error = SqliteSink::<Numbered>::open(&path, numbered_layout("rows")).unwrap_err();
    assert!(error.is_usage());
    let message = error.to_string();
    for part in [
        "table 'rows'",
        "out.db",
        "no column 'fields' (TEXT)",
        "column 'n' is TEXT where INTEGER",
        "'who' must be given",
        "choose another table name",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn a_file_that_is_no_database_and_a_directory_that_is_missing_are_named() {
    let (directory, path) = directory();
    std::fs::write(&path, "ERROR this is a log, not a database".repeat(100)).unwrap();
    let error =
        SqliteSink::<Numbered>::open(&path, numbered_layout("rows")).unwrap_err().to_string();
    assert!(error.contains("out.db") && error.contains("not an SQLite database"), "{error}");
    let missing = directory.path().join("no").join("out.db");
    let error =
        SqliteSink::<Numbered>::open(missing, numbered_layout("rows")).unwrap_err().to_string();
    assert!(error.contains("its directory must exist"), "{error}");
}

#[test]
fn a_row_that_does_not_fit_its_layout_fails_its_whole_batch() {
    struct Odd(u8);
    impl Row for Odd {
        fn write<C: Cells + ?Sized>(&self, cells: &mut C) {
            cells.integer(i64::from(self.0));
            match self.0 {
                0 => cells.text("fits"),
                1 => cells.real(1.0),
                2 => {}
                _ => {
                    cells.text("one");
                    cells.text("too many");
                }
            }
        }
    }
    let (_directory, path) = directory();
    let layout = Layout::new("t").unwrap().column("n", ColumnType::Integer).unwrap();
    let mut sink =
        SqliteSink::open(&path, layout.column("word", ColumnType::Text).unwrap()).unwrap();
    for (odd, part) in
        [(1, "type real to its column 'word'"), (2, "'word' is the first"), (3, "more cells than")]
    {
        let error = sink.write(vec![Odd(0), Odd(odd), Odd(0)]).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    sink.write(vec![Odd(0)]).unwrap();
    assert_eq!(one::<i64>(&Connection::open(&path).unwrap(), "SELECT count(*) FROM t"), 1);
}

#[test]
fn what_a_database_cannot_hold_is_stored_visibly_and_counted() {
    let (_directory, path) = directory();
    let layout = Layout::new("t").unwrap().column("text", ColumnType::Text).unwrap();
    let mut sink = SqliteSink::open(&path, layout).unwrap();
    sink.write(vec![Texts(b"fine \xc3\xa9"), Texts(b"nul\0here"), Texts(b"bad \xff byte")])
        .unwrap();
    assert_eq!(sink.counts().lossy(), 2);
    let db = Connection::open(&path).unwrap();
    let all: String = one(&db, "SELECT group_concat(text, '|') FROM t");
    assert_eq!(all, "fine \u{e9}|nul\u{2400}here|bad \u{fffd} byte");
}

#[test]
fn positions_are_stored_with_rows_forgotten_on_demand_and_move_on_without_rows() {
    let (_directory, path) = directory();
    let open = || SqliteSink::open(&path, numbered_layout("rows")).unwrap();
    let saved = || shown(&open().load_positions("job").unwrap());
    assert_eq!(saved(), [] as [&str; 0]);
    let mut sink = open().with_positions("job", of_two_keys).unwrap();
    sink.write(Numbered::range(0, 3)).unwrap();
    assert_eq!(saved(), [r#"a {"rows":3,"batch":3}"#, "b 3"]);
    sink.write(Numbered::range(3, 7)).unwrap();
    assert_eq!(saved(), [r#"a {"rows":7,"batch":4}"#]);
    sink.flush().unwrap();
    assert_eq!(saved(), [r#"a {"rows":7,"batch":0}"#]);
    assert!(open().load_positions("another job").unwrap().is_empty());
}

#[test]
fn after_a_failed_batch_a_job_stores_neither_later_rows_nor_later_positions() {
    let (_directory, path) = directory();
    let db = Connection::open(&path).unwrap();
    db.execute_batch(
        "CREATE TABLE rows (n INTEGER UNIQUE, text TEXT, at TEXT, fields TEXT, half REAL)",
    )
    .unwrap();
    let mut sink = SqliteSink::open(&path, numbered_layout("rows")).unwrap();
    sink = sink.with_positions("job", after_last).unwrap();
    sink.write(Numbered::range(0, 10)).unwrap();
    let error = sink.write(Numbered::range(9, 20)).unwrap_err();
    assert!(error.is_refused() && error.to_string().contains("UNIQUE"), "{error}");
    assert!(sink.write(Numbered::range(20, 30)).is_err());
    assert!(sink.flush().is_err());
    sink.close().unwrap();
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM rows"), 10);
    assert_eq!(one::<String>(&db, "SELECT value FROM millstream_positions"), "10");
}

#[test]
fn a_job_that_was_taken_over_stores_nothing_more_and_names_the_other() {
    let (_directory, path) = directory();
    let open = || {
        let sink = SqliteSink::open(&path, numbered_layout("rows")).unwrap();
        sink.with_positions("job", after_last).unwrap()
    };
    let mut first = open();
    first.write(Numbered::range(0, 10)).unwrap();
    let mut second = open();
    assert_eq!(next_of(second.saved_positions()), 10);
    let error = first.write(Numbered::range(10, 20)).unwrap_err();
    assert!(error.is_job_taken(), "{error}");
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    second.write(Numbered::range(10, 15)).unwrap();
    first.close().unwrap();
    second.write(Numbered::range(15, 20)).unwrap();
    assert_consistent(&path, 20);
}

#[test]
fn a_job_that_another_living_process_runs_cannot_be_started() {
    let (_directory, path) = directory();
    let mut writer = Writer::start("sqlite::writer_child", &path);
    writer.wait_for_commits(1);
    let sink = SqliteSink::open(&path, numbered_layout("rows")).unwrap();
    let error = sink.with_positions("job", after_last).unwrap_err();
    if cfg!(target_os = "linux") {
        assert!(
            error.is_job_taken() && error.to_string().contains("is being run by process"),
            "{error}"
        );
    }
    writer.wait_for_commits(1);
    writer.kill();
}

#[test]
fn a_writer_killed_twenty_times_at_any_point_loses_and_doubles_nothing() {
    let (_directory, path) = directory();
    let mut stored = 0;
    for _ in 0..20 {
        let mut writer = Writer::start("sqlite::writer_child", &path);
        writer.wait_for_commits(1 + random(60) as usize);
        writer.kill();
        let now = assert_consistent(&path, stored + 1);
        assert!(now > stored);
        stored = now;
    }
}

/// Asserts that the rows are `0..n` exactly once, that the position says `n`, and that `n` is at
/// least `least`.
fn assert_consistent(path: &str, least: i64) -> i64 {
    let db = Connection::open(path).unwrap();
    let position: i64 =
        one(&db, "SELECT CAST(value AS INTEGER) FROM millstream_positions WHERE job = 'job'");
    let count: i64 = one(&db, "SELECT count(*) FROM rows");
    let distinct: i64 = one(&db, "SELECT count(DISTINCT n) FROM rows WHERE n >= 0");
    let end: i64 = one(&db, "SELECT max(n) + 1 FROM rows");
    assert_eq!((count, distinct, end), (position, position, position));
    assert!(position >= least, "{position} rows, expected at least {least}");
    assert_eq!(one::<String>(&db, "PRAGMA integrity_check"), "ok");
    position
}

#[test]
#[ignore = "a child process of other tests"]
fn writer_child() {
    let mut sink = SqliteSink::open(writer_target(), numbered_layout("rows")).unwrap();
    sink = sink.with_positions("job", after_last).unwrap();
    let mut next = next_of(sink.saved_positions());
    loop {
        let end = next + 1 + random(300) as i64;
        sink.write(Numbered::range(next, end)).unwrap();
        println!("committed {end}");
        next = end;
    }
}

/// Writes until the sink says that there is no more room; gives the number of rows that it took.
fn fill(sink: SqliteSink<Numbered>, path: &str) -> i64 {
    let mut sink = sink.with_positions("job", after_last).unwrap();
    let mut next = 0;
    let error = loop {
        match sink.write(Numbered::range(next, next + 100)) {
            Ok(()) => next += 100,
            Err(error) => break error,
        }
    };
    assert!(error.is_full(), "{error}");
    for part in ["table 'rows'", path, "disk is full"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert!(next > 0);
    next
}

#[test]
fn a_full_database_is_a_clear_error_and_leaves_nothing_half_written() {
    let (_directory, path) = directory();
    let sink =
        SqliteSink::open(&path, numbered_layout("rows")).unwrap().with_max_pages(30).unwrap();
    let stored = fill(sink, &path);
    assert_eq!(assert_consistent(&path, stored), stored);
}

#[test]
fn a_full_disk_is_a_clear_error_and_leaves_nothing_half_written() {
    let test = "a_full_disk_is_a_clear_error_and_leaves_nothing_half_written";
    let Some(disk) = or_skip(test, SmallDisk::mount(600)) else { return };
    let path = disk.path("out.db");
    let stored = fill(SqliteSink::open(&path, numbered_layout("rows")).unwrap(), &path);
    assert_eq!(assert_consistent(&path, stored), stored);
}

#[test]
fn rows_that_break_a_rule_of_the_table_are_handed_back_and_all_others_are_stored() {
    let (_directory, path) = directory();
    let db = Connection::open(&path).unwrap();
    db.execute_batch(
        "CREATE TABLE rows (n INTEGER UNIQUE CHECK (n % 7 <> 0), text TEXT, at TEXT, fields TEXT, half REAL)",
    )
    .unwrap();
    let refused = Arc::new(Mutex::new(Vec::new()));
    let sink = SqliteSink::open(&path, numbered_layout("rows")).unwrap().on_refused({
        let refused = Arc::clone(&refused);
        move |r: Refused<Numbered>| refused.lock().unwrap().push((r.row.n, r.reason))
    });
    let mut sink = sink.with_positions("job", after_last).unwrap();
    sink.write(Numbered::range(1, 11)).unwrap();
    sink.write(Numbered::range(10, 16)).unwrap();
    let refused = refused.lock().unwrap();
    let numbers: Vec<i64> = refused.iter().map(|(n, _)| *n).collect();
    assert_eq!(numbers, [7, 10, 14]);
    assert!(refused[0].1.contains("CHECK") && refused[1].1.contains("UNIQUE"), "{refused:?}");
    assert_eq!((sink.counts().rows(), sink.counts().refused()), (13, 3));
    assert_eq!(one::<i64>(&db, "SELECT count(*) FROM rows"), 13);
    assert_eq!(one::<String>(&db, "SELECT value FROM millstream_positions"), "16");
}

#[test]
fn a_database_that_another_program_locks_is_waited_for() {
    let (_directory, path) = directory();
    let mut sink = SqliteSink::open(&path, numbered_layout("rows")).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    #[expect(clippy::disallowed_methods, reason = "the lock must end while the sink waits for it")]
    std::thread::scope(|threads| {
        let writing = threads.spawn(|| sink.write(Numbered::range(0, 10)));
        // Whether the sink waits already or not yet: it must not fail.
        other.execute_batch("INSERT INTO rows (n) VALUES (1000); COMMIT").unwrap();
        writing.join().unwrap().unwrap();
    });
    assert_eq!(one::<i64>(&other, "SELECT count(*) FROM rows"), 11);
}

#[test]
fn a_log_that_is_emptied_beside_the_writer_loses_nothing_and_ends_with_its_context() {
    let (_directory, path) = directory();
    let sink = SqliteSink::open(&path, numbered_layout("rows")).unwrap();
    let mut sink = sink.with_positions("job", after_last).unwrap();
    let checkpointer = sink.checkpointer().unwrap();
    let ctx = Context::new();
    let other = Connection::open(&path).unwrap();
    // Pages in the log, and how many of them are in the database already, without moving any.
    let moved =
        || -> i64 { other.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| row.get(2)).unwrap() };
    #[expect(clippy::disallowed_methods, reason = "a plain thread is all that the test needs")]
    std::thread::scope(|threads| {
        let running = threads.spawn(|| checkpointer.run(&ctx));
        let mut next = 0;
        while next < 20_000 || moved() <= 0 {
            sink.write(Numbered::range(next, next + 500)).unwrap();
            next += 500;
            assert!(next < 1_000_000, "nothing was moved into the database");
        }
        ctx.cancel("the test has seen enough");
        running.join().unwrap().unwrap();
        sink.close().unwrap();
        assert_eq!(assert_consistent(&path, next), next);
    });
}

/// A row of two texts and a time that may be missing.
#[derive(Clone, Debug)]
struct Repeating(Option<String>, String, Option<i64>);

impl Row for Repeating {
    fn write<C: Cells + ?Sized>(&self, cells: &mut C) {
        match &self.0 {
            Some(text) => cells.text(text),
            None => cells.null(),
        }
        cells.json(self.1.as_bytes());
        match self.2 {
            Some(ns) => cells.timestamp_ns(ns),
            None => cells.null(),
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 50, ..Default::default() })]

    #[test]
    fn what_a_row_has_in_common_with_the_row_before_is_stored_in_both(
        picks in proptest::collection::vec((0..4usize, 0..4usize, 0..3usize), 1..40),
    ) {
        let long = "x".repeat(500);
        let texts = [None, Some(""), Some("error"), Some(long.as_str())];
        let json = ["{}", "{\"a\":1}", "[\"\\u0000\"]", "null"];
        let stored = ["{}", "{\"a\":1}", "[\"\\u2400\"]", "null"];
        let rows = |json: [&str; 4]| -> Vec<Repeating> {
            let time = |at: usize| [None, Some(0), Some(1_500_000_000)][at];
            let row = |(a, b, c): &(usize, usize, usize)| {
                Repeating(texts[*a].map(str::to_owned), json[*b].to_owned(), time(*c))
            };
            picks.iter().map(row).collect()
        };
        let (_directory, path) = directory();
        let layout = Layout::new("rows").unwrap().column("a", ColumnType::Text).unwrap();
        let layout = layout.column("b", ColumnType::Json).unwrap().column("c", ColumnType::Timestamp).unwrap();
        let mut sink = SqliteSink::open(&path, layout).unwrap();
        sink.write(rows(json)).unwrap();
        let db = Connection::open(&path).unwrap();
        let mut statement = db.prepare("SELECT a, b, c FROM rows ORDER BY rowid").unwrap();
        let found: Vec<(Option<String>, String, Option<String>)> = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let time = |ns: i64| if ns == 0 { "1970-01-01 00:00:00" } else { "1970-01-01 00:00:01.500" };
        let expected: Vec<_> =
            rows(stored).into_iter().map(|Repeating(a, b, c)| (a, b, c.map(|ns| time(ns).to_owned()))).collect();
        proptest::prop_assert_eq!(found, expected);
    }
}
