//! PostgreSQL: what is stored, what is refused, and that rows and positions agree whatever happens.
//!
//! The tests share one private cluster; what ends the server has a cluster of its own.
#![expect(clippy::unwrap_used, reason = "in a test, what cannot be unwrapped is the failure")]

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use ::postgres::types::FromSqlOwned;
use ::postgres::{Client, NoTls};
use millstream::{Context, Sink};
use millstream_connect::testing::{Cluster, or_skip};
use millstream_connect::{Cells, ColumnType, Layout, PostgresSink, Refused, Row};

use crate::sink_support::{
    Numbered, Texts, Writer, after_last, next_of, numbered_layout, of_two_keys, random, shown,
    writer_target,
};

/// A new database of the shared cluster, unless there is no PostgreSQL here.
fn database(test: &str) -> Option<String> {
    static SHARED: OnceLock<Result<Cluster, String>> = OnceLock::new();
    let cluster = SHARED.get_or_init(Cluster::start);
    or_skip(test, cluster.as_ref().map_err(Clone::clone))
        .map(|cluster| cluster.new_database().unwrap())
}

fn client(url: &str) -> Client {
    Client::connect(url, NoTls).unwrap()
}

fn one<T: FromSqlOwned>(client: &mut Client, sql: &str) -> T {
    client.query_one(sql, &[]).unwrap().get(0)
}

fn open(url: &str) -> PostgresSink<Numbered> {
    PostgresSink::open(&Context::new(), url, numbered_layout("rows")).unwrap()
}

fn open_job(url: &str) -> PostgresSink<Numbered> {
    open(url).with_positions("job", after_last).unwrap()
}

/// Ends every session but the caller's.
const END_OTHERS: &str = "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// Asserts that the rows are `0..n` exactly once and that the position says `n`.
fn assert_consistent(url: &str) -> i64 {
    let mut db = client(url);
    let position: String = one(&mut db, "SELECT value FROM millstream_positions WHERE job = 'job'");
    let position: i64 = position.parse().unwrap();
    let count: i64 = one(&mut db, "SELECT count(*) FROM rows");
    let distinct: i64 = one(&mut db, "SELECT count(DISTINCT n) FROM rows WHERE n >= 0");
    let end: i64 = one(&mut db, "SELECT coalesce(max(n) + 1, 0) FROM rows");
    assert_eq!((count, distinct, end), (position, position, position));
    position
}

#[test]
fn every_type_of_cell_is_stored_as_its_own_type() {
    let Some(url) = database("every_type_of_cell_is_stored_as_its_own_type") else { return };
    let mut sink = open(&url);
    sink.write(Numbered::range(-3, 3)).unwrap();
    sink.close().unwrap();
    assert_eq!(sink.counts().rows(), 6);
    let mut db = client(&url);
    db.batch_execute("SET timezone = 'UTC'").unwrap();
    let shown = |db: &mut Client, n: i64| -> String {
        db.query_one("SELECT rows::text FROM rows WHERE n = $1", &[&n]).unwrap().get(0)
    };
    assert_eq!(
        shown(&mut db, 2),
        r#"(2,"row number 2","1970-01-01 00:00:00.002+00","{""n"": 2}",1)"#
    );
    assert_eq!(
        shown(&mut db, -3),
        r#"(-3,"row number -3","1969-12-31 23:59:59.997+00","{""n"": -3}",)"#
    );
    let types: String =
        one(&mut db, "SELECT string_agg(DISTINCT jsonb_typeof(fields -> 'n'), ',') FROM rows");
    assert_eq!(types, "number");
}

#[test]
fn a_batch_of_many_megabytes_is_stored_whole() {
    let Some(url) = database("a_batch_of_many_megabytes_is_stored_whole") else { return };
    let mut rows = Numbered::range(0, 3_000);
    for row in &mut rows {
        row.text = "x".repeat(4_000);
    }
    open(&url).write(rows).unwrap();
    assert_eq!(one::<i64>(&mut client(&url), "SELECT sum(length(text)) FROM rows"), 12_000_000);
}

#[test]
fn rows_are_added_to_a_table_with_kindred_types_and_more_columns() {
    let Some(url) = database("rows_are_added_to_a_table_with_kindred_types_and_more_columns")
    else {
        return;
    };
    let mut db = client(&url);
    db.batch_execute(
        "CREATE SCHEMA app; CREATE TABLE app.select (id bigserial PRIMARY KEY, half float8, fields json NOT NULL,
         at timestamp, text varchar(100), n bigint NOT NULL, seen boolean NOT NULL DEFAULT false)",
    )
    .unwrap();
    let mut sink: PostgresSink<Numbered> =
        PostgresSink::open(&Context::new(), &url, numbered_layout("app.select")).unwrap();
    sink.write(Numbered::range(0, 5)).unwrap();
    let row: String = one(&mut db, "SELECT t::text FROM app.select t WHERE n = 4");
    assert_eq!(row, r#"(5,2,"{""n"":4}","1970-01-01 00:00:00.004","row number 4",4,f)"#);
}

#[test]
fn a_table_with_other_columns_is_refused_by_name() {
    let Some(url) = database("a_table_with_other_columns_is_refused_by_name") else { return };
    let mut db = client(&url);
    db.batch_execute(
        "CREATE TABLE rows (n integer, text text, at date, half float8, who text NOT NULL)",
    )
    .unwrap();
    let opened = PostgresSink::<Numbered>::open(&Context::new(), &url, numbered_layout("rows"));
    let error = opened.unwrap_err();
    assert!(error.is_usage());
    for part in [
        "table \"rows\"",
        "test_",
        "no column 'fields' (jsonb)",
        "column 'n' is integer where bigint is needed",
        "'at' is date where timestamp with time zone or",
        "'who' must be given",
    ] {
        assert!(error.to_string().contains(part), "{part}: {error}");
    }
}

#[test]
fn what_a_database_cannot_hold_is_stored_visibly_and_counted() {
    struct Json(&'static [u8]);
    impl Row for Json {
        fn write<C: Cells + ?Sized>(&self, cells: &mut C) {
            cells.json(self.0);
        }
    }
    let Some(url) = database("what_a_database_cannot_hold_is_stored_visibly_and_counted") else {
        return;
    };
    let mut db = client(&url);
    let layout = Layout::new("t").unwrap().column("text", ColumnType::Text).unwrap();
    let mut sink = PostgresSink::open(&Context::new(), &url, layout).unwrap();
    sink.write(vec![Texts(b"fine \xc3\xa9"), Texts(b"nul\0here"), Texts(b"bad \xff byte")])
        .unwrap();
    assert_eq!(sink.counts().lossy(), 2);
    let all: String = one(&mut db, "SELECT string_agg(text, '|') FROM t");
    assert_eq!(all, "fine \u{e9}|nul\u{2400}here|bad \u{fffd} byte");
    let layout = Layout::new("j").unwrap().column("json", ColumnType::Json).unwrap();
    let mut sink = PostgresSink::open(&Context::new(), &url, layout).unwrap();
    sink.write(vec![Json(br#"{"a":"\u0000"}"#), Json(br#"{"a":"\\u0000"}"#), Json(b"\"\xff\"")])
        .unwrap();
    assert_eq!(sink.counts().lossy(), 2);
    let all: String = one(&mut db, "SELECT string_agg(json::text, ' ') FROM j");
    assert_eq!(all, "{\"a\": \"\u{2400}\"} {\"a\": \"\\\\u0000\"} \"\u{fffd}\"");
    let halves = [
        Json(br#"{"\ud83d":{"b":["cut \uD83D",1]}}"#),
        Json(br#"["\ude00\ud83d","\ud83d\ude00"]"#),
        Json(br#"{"a\u0000":"\\ud83d"}"#),
    ];
    sink.write(Vec::from(halves)).unwrap();
    assert_eq!(sink.counts().lossy(), 5);
    let all: String =
        one(&mut db, "SELECT string_agg(json::text, ' ') FROM (SELECT json FROM j OFFSET 3) AS t");
    assert_eq!(
        all,
        "{\"\u{fffd}\": {\"b\": [\"cut \u{fffd}\", 1]}} [\"\u{fffd}\u{fffd}\", \"\u{1f600}\"] \
         {\"a\u{2400}\": \"\\\\ud83d\"}"
    );
}

#[test]
fn positions_are_stored_with_rows_forgotten_on_demand_and_move_on_without_rows() {
    let test = "positions_are_stored_with_rows_forgotten_on_demand_and_move_on_without_rows";
    let Some(url) = database(test) else { return };
    let saved = || shown(&open(&url).load_positions("job").unwrap());
    assert_eq!(saved(), [] as [&str; 0]);
    let mut sink = open(&url).with_positions("job", of_two_keys).unwrap();
    sink.write(Numbered::range(0, 3)).unwrap();
    assert_eq!(saved(), [r#"a {"rows":3,"batch":3}"#, "b 3"]);
    sink.write(Numbered::range(3, 7)).unwrap();
    assert_eq!(saved(), [r#"a {"rows":7,"batch":4}"#]);
    sink.flush().unwrap();
    assert_eq!(saved(), [r#"a {"rows":7,"batch":0}"#]);
    assert!(open(&url).load_positions("another job").unwrap().is_empty());
}

#[test]
fn a_server_that_is_cancelled_for_is_not_waited_for() {
    let Some(cluster) =
        or_skip("a_server_that_is_cancelled_for_is_not_waited_for", Cluster::start())
    else {
        return;
    };
    let ctx = Context::new();
    let url = cluster.new_database().unwrap();
    let opened = PostgresSink::open(&ctx, &url, numbered_layout("rows"));
    let mut sink: PostgresSink<Numbered> = opened.unwrap().patience(Duration::from_secs(3_600));
    drop(cluster);
    ctx.cancel("enough");
    assert!(sink.write(Numbered::range(0, 10)).unwrap_err().is_connection());
}

#[test]
fn rows_that_the_server_refuses_are_handed_back_and_all_others_are_stored() {
    let Some(url) =
        database("rows_that_the_server_refuses_are_handed_back_and_all_others_are_stored")
    else {
        return;
    };
    let mut db = client(&url);
    drop(open(&url));
    db.batch_execute(
        "ALTER TABLE rows ADD CONSTRAINT no_sevens CHECK (n % 7 <> 0);
         ALTER TABLE rows ADD UNIQUE (text) DEFERRABLE INITIALLY DEFERRED",
    )
    .unwrap();
    let refused = Arc::new(Mutex::new(Vec::new()));
    let mut sink = open_job(&url).on_refused({
        let refused = Arc::clone(&refused);
        move |r: Refused<Numbered>| refused.lock().unwrap().push((r.row.n, r.reason))
    });
    let mut rows = Numbered::range(1, 1_001);
    rows[500].text = "row number 1".to_owned();
    sink.write(rows).unwrap();
    let refused: Vec<(i64, String)> = std::mem::take(&mut refused.lock().unwrap());
    let numbers: Vec<i64> = refused.iter().map(|(n, _)| *n).collect();
    let expected: Vec<i64> = (1..=1_000).filter(|n| n % 7 == 0 || *n == 501).collect();
    assert_eq!(numbers, expected);
    assert!(
        refused[0].1.contains("no_sevens") && refused[0].1.contains("23514"),
        "{}",
        refused[0].1
    );
    let twin = refused.iter().find(|(n, _)| *n == 501).unwrap();
    assert!(twin.1.contains("row number 1"), "{}", twin.1);
    assert_eq!(sink.counts().refused(), expected.len() as u64);
    assert_eq!(sink.counts().rows(), 1_000 - expected.len() as u64);
    assert_eq!(one::<i64>(&mut db, "SELECT count(*) FROM rows"), 1_000 - expected.len() as i64);
    assert_eq!(one::<String>(&mut db, "SELECT value FROM millstream_positions"), "1001");
    sink.write(Numbered::range(1_001, 1_002)).unwrap();
}

#[test]
fn without_a_handler_a_refused_row_fails_its_whole_batch_and_its_job() {
    let Some(url) = database("without_a_handler_a_refused_row_fails_its_whole_batch_and_its_job")
    else {
        return;
    };
    let mut db = client(&url);
    let mut sink = open_job(&url);
    sink.write(Numbered::range(0, 10)).unwrap();
    db.batch_execute("ALTER TABLE rows ADD CHECK (n <> 15)").unwrap();
    let error = sink.write(Numbered::range(10, 20)).unwrap_err();
    assert!(
        error.is_refused() && error.to_string().contains("violates check constraint"),
        "{error}"
    );
    assert!(sink.write(Numbered::range(20, 30)).is_err());
    assert!(sink.flush().is_err());
    sink.close().unwrap();
    assert_eq!(assert_consistent(&url), 10);
}

#[test]
fn a_session_that_is_ended_between_batches_is_made_again_and_loses_nothing() {
    let Some(url) =
        database("a_session_that_is_ended_between_batches_is_made_again_and_loses_nothing")
    else {
        return;
    };
    let mut db = client(&url);
    let mut sink = open_job(&url);
    for batch in 0..5 {
        sink.write(Numbered::range(batch * 100, batch * 100 + 100)).unwrap();
        db.query(END_OTHERS, &[]).unwrap();
    }
    sink.close().unwrap();
    assert!(sink.counts().reconnects() >= 4);
    assert_eq!(assert_consistent(&url), 500);
}

/// Ends the session that runs it, but only the first `times` times: a sequence counts on through
/// rollbacks.
fn end_own_session(db: &mut Client, times: u32, when: &str) {
    db.batch_execute(&format!(
        "CREATE SEQUENCE ended;
         CREATE FUNCTION end_session() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF NEW.n = 150 AND nextval('ended') <= {times} THEN
                 PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(10);
             END IF;
             RETURN NEW;
         END $$;
         CREATE CONSTRAINT TRIGGER t AFTER INSERT ON rows {when} FOR EACH ROW EXECUTE FUNCTION end_session()"
    ))
    .unwrap();
}

#[test]
fn a_session_that_dies_inside_a_batch_or_its_commit_stores_the_batch_once() {
    for when in ["", "DEFERRABLE INITIALLY DEFERRED"] {
        for with_job in [true, false] {
            let Some(url) =
                database("a_session_that_dies_inside_a_batch_or_its_commit_stores_the_batch_once")
            else {
                return;
            };
            let mut sink = if with_job { open_job(&url) } else { open(&url) };
            let mut db = client(&url);
            end_own_session(&mut db, 2, when);
            for batch in 0..3 {
                sink.write(Numbered::range(batch * 100, batch * 100 + 100)).unwrap();
            }
            assert_eq!(sink.counts().reconnects(), 2, "{when}");
            assert_eq!(
                one::<i64>(&mut db, "SELECT count(*) * 1000 + count(DISTINCT n) FROM rows"),
                300_300
            );
            if with_job {
                assert_eq!(assert_consistent(&url), 300);
            }
        }
    }
}

#[test]
fn a_commit_whose_answer_was_lost_is_found_to_be_stored_and_not_repeated() {
    let test = "a_commit_whose_answer_was_lost_is_found_to_be_stored_and_not_repeated";
    let Some(cluster) = or_skip(test, Cluster::start()) else { return };
    for with_job in [true, false] {
        let url = cluster.new_database().unwrap();
        let mut sink = if with_job { open_job(&url) } else { open(&url) };
        let mut db = client(&url);
        // With a standby that never answers, a COMMIT is done on the server but waits with its
        // answer.
        let standby = |db: &mut Client, names: &str| {
            db.batch_execute(&format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'"))
                .unwrap();
            db.batch_execute("SELECT pg_reload_conf()").unwrap();
        };
        let counts = sink.counts();
        standby(&mut db, "nobody");
        #[expect(
            clippy::disallowed_methods,
            reason = "the test must act while the sink waits for COMMIT"
        )]
        let end = std::thread::scope(|threads| {
            // The server takes the setting when it gets to it: batches go through until then.
            let writing = threads.spawn(|| {
                let mut next = 0;
                while counts.reconnects() == 0 {
                    sink.write(Numbered::range(next, next + 100)).unwrap();
                    next += 100;
                }
                next
            });
            let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query = 'COMMIT'";
            while one::<i64>(&mut db, waits) == 0 {
                assert!(!writing.is_finished(), "the sink ended before it had to wait");
            }
            db.query(END_OTHERS, &[]).unwrap();
            standby(&mut db, "");
            writing.join().unwrap()
        });
        sink.write(Numbered::range(end, end + 100)).unwrap();
        assert_eq!((counts.reconnects(), counts.rows()), (1, end as u64 + 100));
        let stored = one::<i64>(&mut db, "SELECT count(*) FROM rows");
        assert_eq!(
            (stored, one::<i64>(&mut db, "SELECT count(DISTINCT n) FROM rows")),
            (end + 100, end + 100)
        );
        if with_job {
            assert_eq!(assert_consistent(&url), end + 100);
        }
    }
}

#[test]
fn a_crashed_server_is_waited_for_and_a_missing_one_is_an_error_in_the_end() {
    let test = "a_crashed_server_is_waited_for_and_a_missing_one_is_an_error_in_the_end";
    let Some(mut cluster) = or_skip(test, Cluster::start()) else { return };
    let url = cluster.new_database().unwrap();
    let notices = Arc::new(Mutex::new(Vec::new()));
    let mut sink = open_job(&url).patience(Duration::from_millis(200)).on_wait({
        let notices = Arc::clone(&notices);
        move |text| notices.lock().unwrap().push(text.to_owned())
    });
    sink.write(Numbered::range(0, 100)).unwrap();
    cluster.crash_and_restart().unwrap();
    sink.write(Numbered::range(100, 200)).unwrap();
    let reported = std::mem::take(&mut *notices.lock().unwrap());
    assert!(
        reported[0].contains("is lost (") && reported[0].ends_with("; trying for 200ms"),
        "{reported:?}"
    );
    assert!(reported.len() == 2 && reported[1].ends_with("is back"), "{reported:?}");
    assert_eq!(assert_consistent(&url), 200);
    drop(cluster);
    let error = sink.write(Numbered::range(200, 300)).unwrap_err();
    assert!(error.is_connection(), "{error}");
    assert!(error.to_string().contains("table \"rows\" of the PostgreSQL database"), "{error}");
}

#[test]
fn two_processes_cannot_run_one_job_and_the_second_names_the_first() {
    let Some(url) = database("two_processes_cannot_run_one_job_and_the_second_names_the_first")
    else {
        return;
    };
    let mut writer = Writer::start("postgres::writer_child", &url);
    writer.wait_for_commits(1);
    let error = open(&url).with_positions("job", after_last).unwrap_err();
    assert!(error.is_job_taken(), "{error}");
    let message = error.to_string();
    assert!(
        message.contains("is being run by process") && message.contains("pg_terminate_backend("),
        "{message}"
    );
    drop(open(&url).with_positions("another job", after_last).unwrap());
    writer.wait_for_commits(1);
    writer.kill();
    assert!(next_of(open_job(&url).saved_positions()) > 0);
}

#[test]
fn a_job_that_was_taken_over_while_its_connection_was_lost_stores_nothing_more() {
    let Some(url) =
        database("a_job_that_was_taken_over_while_its_connection_was_lost_stores_nothing_more")
    else {
        return;
    };
    let mut first = open_job(&url);
    first.write(Numbered::range(0, 10)).unwrap();
    client(&url).query(END_OTHERS, &[]).unwrap();
    let mut second = open_job(&url);
    assert_eq!(next_of(second.saved_positions()), 10);
    let error = first.write(Numbered::range(10, 20)).unwrap_err();
    assert!(error.is_job_taken() && error.to_string().contains("taken over by process"), "{error}");
    second.write(Numbered::range(10, 15)).unwrap();
    second.close().unwrap();
    first.close().unwrap();
    assert_eq!(assert_consistent(&url), 15);
    assert_eq!(next_of(open_job(&url).saved_positions()), 15);
}

#[test]
fn a_job_that_was_taken_over_stores_nothing_more_even_while_its_session_lives() {
    let test = "a_job_that_was_taken_over_stores_nothing_more_even_while_its_session_lives";
    let Some(url) = database(test) else { return };
    let mut sink = open_job(&url);
    sink.write(Numbered::range(0, 10)).unwrap();
    // As another process claims it when the server has lost this session's lock.
    let claim = "UPDATE millstream_jobs SET epoch = epoch + 1, owner = 'process 7 on host other'";
    assert_eq!(client(&url).execute(claim, &[]).unwrap(), 1);
    let error = sink.write(Numbered::range(10, 20)).unwrap_err();
    assert!(
        error.is_job_taken() && error.to_string().contains("taken over by process 7 on host other"),
        "{error}"
    );
    sink.close().unwrap();
    assert_eq!(assert_consistent(&url), 10);
    assert_eq!(
        one::<String>(&mut client(&url), "SELECT owner FROM millstream_jobs"),
        "process 7 on host other"
    );
}

#[test]
fn a_writer_killed_again_and_again_loses_and_doubles_nothing() {
    let Some(url) = database("a_writer_killed_again_and_again_loses_and_doubles_nothing") else {
        return;
    };
    let mut stored = 0;
    for _ in 0..6 {
        let mut writer = Writer::start("postgres::writer_child", &url);
        writer.wait_for_commits(1 + random(30) as usize);
        writer.kill();
        // The next claim waits for what the killed writer's session still does.
        drop(open_job(&url));
        let now = assert_consistent(&url);
        assert!(now > stored);
        stored = now;
    }
}

#[test]
#[ignore = "a child process of other tests"]
fn writer_child() {
    let mut sink = open_job(&writer_target());
    let mut next = next_of(sink.saved_positions());
    loop {
        let end = next + 1 + random(300) as i64;
        sink.write(Numbered::range(next, end)).unwrap();
        println!("committed {end}");
        next = end;
    }
}

#[test]
fn a_url_that_cannot_work_is_explained_without_its_password() {
    let opened = |url: &str| {
        PostgresSink::<Numbered>::open(&Context::new(), url, numbered_layout("rows")).unwrap_err()
    };
    let unreachable = opened("postgres://me:secret@127.0.0.1:1/logs");
    assert!(unreachable.is_connection());
    assert!(unreachable.to_string().contains("database logs on 127.0.0.1"), "{unreachable}");
    let tls = opened("postgres://me:secret@127.0.0.1/logs?sslmode=require");
    assert!(tls.is_usage() && tls.to_string().contains("without TLS"), "{tls}");
    let odd = opened("postgres://me:secret@127.0.0.1:port/logs");
    assert!(odd.is_usage() && odd.to_string().contains("cannot be read"), "{odd}");
    for error in [unreachable, tls, odd] {
        assert!(!format!("{error}{error:?}").contains("secret"), "{error}");
    }
}
