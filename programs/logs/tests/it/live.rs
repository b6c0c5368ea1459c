//! Live inputs give the records that the same bytes give at rest, however they arrive.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use connect::Destination;
use millstream::{Clock, Context, scope};
use millstream_logs::filter::Filter;
use millstream_logs::{Config, Control, run};
use tempfile::tempdir;

use crate::following::{append, config, following, following_by, new_pipe, rows, until};

const MESSAGES: &str = "SELECT message FROM records ORDER BY rowid";

fn json(n: usize) -> String {
    format!("{{\"time\":\"2024-01-15T10:23:45Z\",\"level\":\"error\",\"msg\":\"n{n}\"}}\n")
}

fn plain(n: usize) -> String {
    format!("2024-01-15 10:23:45 ERROR n{n}\n")
}

fn lines(make: fn(usize) -> String, count: usize) -> String {
    (0..count).map(make).collect()
}

/// Not followed, into JSON lines.
fn once(input: &Path, out: &Path) -> Config {
    let to = Destination::JsonLines(Some(out.to_owned()));
    Config { follow: false, job: None, hold: Duration::from_secs(3_600), ..config(input, to) }
}

/// What a run writes, without the names of files.
fn written(config: &Config, out: &Path) -> Vec<serde_json::Value> {
    let outcome = run(config, &Control::default(), Arc::new(|_| {})).unwrap();
    assert!(outcome.ended.is_none() && outcome.problems.is_empty(), "{:?}", outcome.problems);
    let text = fs::read_to_string(out).unwrap();
    let parse = |line: &str| {
        let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
        value["file"] = "-".into();
        value
    };
    text.lines().map(parse).collect()
}

#[test]
fn a_pipe_gives_what_the_same_bytes_give_in_a_file_however_they_arrive() {
    let dir = tempdir().unwrap();
    let (pipe, file, out) =
        (dir.path().join("pipe"), dir.path().join("file"), dir.path().join("out.jsonl"));
    let texts = [
        "Starting shop v1.2 on port 8080\n".to_owned() + &lines(json, 100),
        "INFO: writing to app.log\n".to_owned() + &lines(plain, 100),
        "\n".to_owned() + &lines(json, 3),
        "\tat a.b(C.java:1)\n\tat a.b(C.java:2)\n".to_owned() + &lines(plain, 200),
        "level=info\n".to_owned() + &lines(plain, 30),
        "  a line of a banner\n".repeat(60) + &lines(json, 300),
        "x".repeat(100_000) + "\n" + &lines(json, 50),
        lines(json, 2_000),
        lines(plain, 3_000),
        "just text\n".repeat(9_000),
    ];
    for text in texts {
        fs::write(&file, &text).unwrap();
        let expected = written(&once(&file, &out), &out);
        for size in [1, 40, 1_000, 1 << 20] {
            // A byte at a time for the beginning only, as it takes long.
            let (slow, rest) =
                text.split_at(if size == 1 { text.len().min(400) } else { text.len() });
            let mut got = Vec::new();
            let pipe = new_pipe(&pipe);
            scope(&Context::new(), |threads| {
                let chunks = slow.as_bytes().chunks(size).chain([rest.as_bytes()]);
                let pipe = &pipe;
                threads.spawn("writer", move |_| {
                    // It waits for the reader.
                    let mut writer = File::options().write(true).open(pipe)?;
                    for chunk in chunks {
                        writer.write_all(chunk)?;
                    }
                    Ok::<(), std::io::Error>(())
                });
                got = written(&once(pipe, &out), &out);
                Ok(())
            })
            .unwrap();
            assert_eq!(got.len(), expected.len(), "in steps of {size}: {}", &text[..30]);
            assert_eq!(got, expected, "in steps of {size}: {}", &text[..30]);
        }
    }
}

#[test]
fn a_record_that_is_too_long_counts_once_in_a_pipe_as_in_a_file() {
    let dir = tempdir().unwrap();
    let (pipe, file, out) =
        (dir.path().join("pipe"), dir.path().join("file"), dir.path().join("out.jsonl"));
    let text =
        lines(plain, 3) + "  at a\n" + &"x".repeat(100_000) + "\n  at b\n" + &lines(plain, 3);
    fs::write(&file, &text).unwrap();
    let counts = |input: &Path| {
        let config = Config { max_line: 1_000, ..once(input, &out) };
        let totals = run(&config, &Control::default(), Arc::new(|_| {})).unwrap().report.totals();
        (totals.entered, totals.left, totals.failed)
    };
    assert_eq!(counts(&file), (6, 5, 1));
    let pipe = new_pipe(&pipe);
    let mut got = None;
    scope(&Context::new(), |threads| {
        let (pipe, text) = (&pipe, &text);
        threads.spawn("writer", move |_| {
            let mut writer = File::options().write(true).open(pipe)?;
            text.as_bytes().chunks(1_000).try_for_each(|chunk| writer.write_all(chunk))
        });
        got = Some(counts(pipe));
        Ok(())
    })
    .unwrap();
    assert_eq!(got, Some((6, 5, 1)));
}

#[test]
fn a_first_line_that_is_longer_than_any_sample_leaves_the_format_to_the_rest() {
    let dir = tempdir().unwrap();
    let (file, out) = (dir.path().join("file"), dir.path().join("out.jsonl"));
    for len in [70_000, 300_000, 3_000_000] {
        fs::write(&file, "x".repeat(len) + "\n" + &lines(json, 500)).unwrap();
        let mut config = once(&file, &out);
        config.filter = Filter::new().levels("error".parse().unwrap());
        assert_eq!(written(&config, &out).len(), 500, "{len}");
    }
}

#[test]
fn a_banner_that_was_handed_on_already_does_not_decide_what_follows() {
    for make in [json, plain] {
        let dir = tempdir().unwrap();
        let (log, database) = (dir.path().join("app.log"), dir.path().join("out.db"));
        append(&log, "Starting shop v1.2 on port 8080\n");
        following(&config(&log, Destination::Sqlite(database.clone())), || {
            until("the banner is stored", || rows(&database, MESSAGES).len() == 1);
            append(&log, "Listening\n");
            until("the banner is stored", || rows(&database, MESSAGES).len() == 2);
            // One by one, each with a pause, and then all at once.
            for n in 0..5 {
                append(&log, &make(n));
                until("it is stored", || rows(&database, MESSAGES).len() == 3 + n);
            }
            for n in 5..50 {
                append(&log, &make(n));
            }
            until("all is stored", || rows(&database, MESSAGES).len() == 52);
        });
        let errors =
            "SELECT message FROM records WHERE level = 'error' AND time IS NOT NULL ORDER BY rowid";
        let expected: Vec<_> = (0..50).map(|n| format!("n{n}")).collect();
        assert_eq!(rows(&database, errors), expected);
    }
}

#[test]
fn the_successor_of_a_rotated_or_truncated_file_is_of_its_format_unless_it_says_otherwise() {
    let levels = "SELECT level || ' ' || count(*) FROM records GROUP BY level";
    for truncated in [false, true] {
        let dir = tempdir().unwrap();
        let (log, database) = (dir.path().join("app.log"), dir.path().join("out.db"));
        let mut config = config(&log, Destination::Sqlite(database.clone()));
        config.filter = Filter::new().levels("error".parse().unwrap());
        append(&log, &(lines(plain, 50) + "java.lang.IllegalStateException: no\n"));
        let count = |n: usize| until("all is stored", || rows(&database, MESSAGES).len() == n);
        let next = |text: &str| {
            if truncated {
                fs::write(&log, text).unwrap();
            } else {
                let moved = dir.path().join(format!("app.log.{}", rows(&database, MESSAGES).len()));
                fs::rename(&log, moved).unwrap();
                append(&log, text);
            }
        };
        following(&config, || {
            count(50);
            next("\tat a.b(C.java:1)\n");
            for n in 50..80 {
                append(&log, &plain(n));
            }
            count(80);
            next(&json(80));
            for n in 81..90 {
                append(&log, &json(n));
            }
            count(90);
        });
        assert_eq!(rows(&database, levels), ["error 90"], "truncated: {truncated}");
    }
}

#[test]
fn a_stack_trace_that_is_written_line_by_line_is_one_record() {
    let dir = tempdir().unwrap();
    let (log, database) = (dir.path().join("app.log"), dir.path().join("out.db"));
    let mut config = config(&log, Destination::Sqlite(database.clone()));
    config.filter = Filter::new().levels("error".parse().unwrap());
    config.hold = Duration::from_secs(1);
    // The time of this clock passes only when the test advances it: every pause is shorter than the
    // hold.
    let clock = Clock::manual();
    append(&log, "");
    following_by(&clock, &config, || {
        for n in 0..20 {
            append(&log, &plain(n));
            append(&log, "java.lang.IllegalStateException: no\n");
            clock.advance(Duration::from_millis(900));
            append(&log, "\tat a.b(C.java:1)\n");
        }
        until("all is stored", || {
            clock.advance(Duration::from_millis(1));
            rows(&database, MESSAGES).len() == 20
        });
    });
    let whole = |n: usize| format!("n{n}\njava.lang.IllegalStateException: no\n\tat a.b(C.java:1)");
    assert_eq!(rows(&database, MESSAGES), (0..20).map(whole).collect::<Vec<_>>());
}

#[test]
fn one_record_that_the_database_refuses_is_failed_kept_and_ends_nothing() {
    let dir = tempdir().unwrap();
    let (log, database) = (dir.path().join("app.log"), dir.path().join("out.db"));
    let made = rusqlite::Connection::open(&database).unwrap();
    made.execute_batch(
        "CREATE TABLE records (time TEXT, level TEXT, message TEXT CHECK (message <> 'n5'), fields TEXT, file TEXT,
         offset INTEGER)",
    )
    .unwrap();
    drop(made);
    fs::write(&log, lines(json, 10)).unwrap();
    let mut config =
        Config { follow: false, job: None, ..config(&log, Destination::Sqlite(database.clone())) };
    config.dead_letter = Some(dir.path().join("dead"));
    let outcome = run(&config, &Control::default(), Arc::new(|_| {})).unwrap();
    assert!(outcome.ended.is_none(), "{:?}", outcome.ended);
    let all = outcome.report.totals();
    assert_eq!((all.entered, all.left, all.failed), (10, 9, 1));
    assert!(outcome.report.balances());
    let error = outcome.report.errors.last().unwrap();
    assert!(error.kind.contains("refused") && error.sample.contains("CHECK"), "{error:?}");
    assert!(fs::read_to_string(dir.path().join("dead")).unwrap().contains(r#""message":"n5""#));
    assert_eq!(rows(&database, MESSAGES).len(), 9);
}

#[test]
fn a_file_whose_name_is_not_utf8_is_read_and_can_be_reported() {
    let dir = tempdir().unwrap();
    let log = dir.path().join(OsString::from_vec(b"caf\xe9.log".to_vec()));
    let database = dir.path().join("out.db");
    fs::write(&log, lines(plain, 3)).unwrap();
    let config = config(&log, Destination::Sqlite(database.clone()));
    following(&config, || until("all is stored", || rows(&database, MESSAGES).len() == 3));
    let files = rows(&database, "SELECT DISTINCT file FROM records");
    assert_eq!(files, [format!(r"{}/caf\xE9.log", dir.path().display())]);
    // A restart finds it, also under another name.
    fs::rename(&log, dir.path().join("moved")).unwrap();
    append(&dir.path().join("moved"), &plain(3));
    following(&config, || until("the rest is stored", || rows(&database, MESSAGES).len() == 4));
}
