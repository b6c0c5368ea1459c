//! A followed log: restarts, rotation, filters that keep nothing, what goes beside the rows.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use connect::Destination;
use millstream::Clock;
use millstream_logs::filter::Filter;
use tempfile::{TempDir, tempdir};

use crate::following::{append, config, following, following_by, rows, until};

const MESSAGES: &str = "SELECT message FROM records ORDER BY rowid";
const OFFSETS: &str = "SELECT json_extract(value, '$.offset') || '' FROM millstream_positions";

fn directory() -> (TempDir, PathBuf, PathBuf) {
    let dir = tempdir().unwrap();
    let (log, database) = (dir.path().join("app.log"), dir.path().join("out.db"));
    (dir, log, database)
}

fn info(id: u32) -> String {
    format!("INFO 2024-01-15T10:23:45Z id={id}\n")
}

fn infos(ids: std::ops::Range<u32>) -> String {
    ids.map(info).collect()
}

fn ids(ids: std::ops::Range<u32>) -> Vec<String> {
    ids.map(|id| format!("id={id}")).collect()
}

fn until_stored(database: &Path, count: usize) {
    until("the rows are stored", || rows(database, MESSAGES).len() >= count);
}

fn until_offset(database: &Path, log: &Path) {
    let end = fs::metadata(log).unwrap().len().to_string();
    until("the position is at the end of the log", || rows(database, OFFSETS) == [end.clone()]);
}

#[test]
fn a_restart_after_a_drain_loses_and_doubles_nothing() {
    let (_dir, log, database) = directory();
    let config = config(&log, Destination::Sqlite(database.clone()));
    for round in 0..4 {
        append(&log, &infos(round * 20..round * 20 + 10));
        let outcome = following(&config, || {
            until_stored(&database, round as usize * 20 + 10);
            append(&log, &infos(round * 20 + 10..round * 20 + 20));
            until_stored(&database, round as usize * 20 + 20);
        });
        assert!(outcome.ended.is_none(), "{:?}", outcome.ended);
        assert_eq!(outcome.report.totals().left, 20);
    }
    assert_eq!(rows(&database, MESSAGES), ids(0..80));
}

#[test]
fn the_position_moves_on_while_the_filter_keeps_nothing() {
    let (_dir, log, database) = directory();
    let mut config = config(&log, Destination::Sqlite(database.clone()));
    config.filter = Filter::new().levels("error".parse().unwrap());
    append(&log, &infos(0..100));
    following(&config, || {
        until_offset(&database, &log);
        append(&log, &infos(100..200));
        until_offset(&database, &log);
    });
    let again = following(&config, || {
        append(&log, &infos(200..201));
        until_offset(&database, &log);
    });
    assert_eq!(again.report.totals().filtered, 1, "nothing was read twice");
}

#[test]
fn the_position_moves_on_after_a_truncation_while_the_filter_keeps_nothing() {
    let (_dir, log, database) = directory();
    let mut config = config(&log, Destination::Sqlite(database.clone()));
    config.filter = Filter::new().levels("error".parse().unwrap());
    following(&config, || {
        for length in [50, 30, 20] {
            fs::write(&log, infos(length * 100..length * 100 + length)).unwrap();
            until_offset(&database, &log);
            append(&log, &info(1));
            until_offset(&database, &log);
        }
    });
}

#[test]
fn a_file_that_was_truncated_and_renamed_at_once_is_read_to_its_end() {
    let (dir, log, database) = directory();
    append(&log, &infos(0..50));
    following(&config(&log, Destination::Sqlite(database.clone())), || {
        until_stored(&database, 50);
        fs::write(&log, infos(1050..1060)).unwrap();
        fs::rename(&log, dir.path().join("app.log.1")).unwrap();
        append(&log, &infos(1060..1070));
        until_stored(&database, 70);
    });
    let expected: Vec<_> = ids(0..50).into_iter().chain(ids(1050..1070)).collect();
    // Not in this order: a file's last record waits for what might belong to it, while its
    // successor is read.
    let sorted = "SELECT message FROM records ORDER BY length(message), message";
    assert_eq!(rows(&database, sorted), expected);
}

#[test]
fn files_that_appear_later_are_followed_into_json_lines_which_a_restart_goes_on_with() {
    let (dir, log, _) = directory();
    let out = dir.path().join("out.jsonl");
    let lines = || fs::read_to_string(&out).unwrap_or_default().lines().count();
    let config = config(&log, Destination::JsonLines(Some(out.clone())));
    following(&config, || {
        until("it writes where it was asked to", || out.exists());
        append(&log, &infos(0..3));
        until("the rows are written", || lines() == 3);
    });
    following(&config, || until("the file is read again, there is no position", || lines() == 6));
}

#[test]
fn dead_letters_of_all_runs_are_kept_before_the_position_says_so() {
    let (dir, log, database) = directory();
    let mut config = config(&log, Destination::Sqlite(database.clone()));
    let dead = dir.path().join("dead");
    config.dead_letter = Some(dead.clone());
    append(&log, &"{\"msg\":\"fine\"}\n".repeat(9));
    append(&log, "{\"msg\":\n");
    following(&config, || {
        until_offset(&database, &log);
        assert_eq!(fs::read_to_string(&dead).unwrap(), "{\"msg\":\n");
    });
    append(&log, "{broken\n");
    following(&config, || until_offset(&database, &log));
    assert_eq!(fs::read_to_string(&dead).unwrap(), "{\"msg\":\n{broken\n");
    assert_eq!(rows(&database, MESSAGES), ["fine"; 9]);
}

#[test]
fn a_limit_ends_following_and_a_restart_goes_on_behind_it() {
    let (_dir, log, database) = directory();
    let mut config = config(&log, Destination::Sqlite(database.clone()));
    config.limit = Some(7);
    append(&log, &infos(0..20));
    // It ends by itself: nothing drains it before all is stored.
    following(&config, || until_stored(&database, 7));
    config.limit = None;
    following(&config, || until_stored(&database, 20));
    assert_eq!(rows(&database, MESSAGES), ids(0..20));
}

#[test]
fn a_position_whose_file_is_gone_is_forgotten() {
    let (dir, log, database) = directory();
    let config = config(&log, Destination::Sqlite(database.clone()));
    append(&log, &infos(0..5));
    following(&config, || until_stored(&database, 5));
    // A second file first, so that it cannot get the number of the first.
    append(&dir.path().join("next"), &infos(5..8));
    fs::rename(dir.path().join("next"), &log).unwrap();
    following(&config, || until_stored(&database, 8));
    assert_eq!(rows(&database, OFFSETS).len(), 1);
    assert_eq!(rows(&database, MESSAGES), ids(0..8));
}

#[test]
fn lines_that_come_after_their_record_was_handed_on_are_a_record_of_their_own() {
    let (_dir, log, database) = directory();
    let outcome = following(&config(&log, Destination::Sqlite(database.clone())), || {
        append(&log, "ERROR 2024-01-15T10:23:45Z broken\n");
        until_stored(&database, 1);
        append(&log, "    at Main.java:1\n    at Main.java:2\n");
        until_stored(&database, 2);
        append(&log, &info(3));
        until_stored(&database, 3);
    });
    assert_eq!(
        rows(&database, MESSAGES),
        ["broken", "    at Main.java:1\n    at Main.java:2", "id=3"]
    );
    assert_eq!(outcome.report.totals().left, 3);
}

#[test]
fn a_time_without_a_date_or_a_year_is_completed_by_the_day_on_which_it_was_read() {
    let (_dir, log, database) = directory();
    let config = config(&log, Destination::Sqlite(database.clone()));
    let clock = Clock::manual();
    let times = || rows(&database, "SELECT time FROM records ORDER BY rowid");
    let until_stored = |count: usize| {
        until("the rows are stored", || {
            clock.advance(Duration::from_millis(5));
            times().len() >= count
        });
    };
    append(&log, "10:00:00 INFO one\n");
    following_by(&clock, &config, || {
        until_stored(1);
        clock.advance(Duration::from_secs(24 * 60 * 60));
        append(&log, "10:00:00 INFO two\n");
        until_stored(2);
    });
    assert_eq!(times(), ["2000-01-01 10:00:00", "2000-01-02 10:00:00"]);
}
