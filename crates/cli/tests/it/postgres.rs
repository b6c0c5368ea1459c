//! PostgreSQL, on a private server of this test's own.

use connect::testing::{Cluster, or_skip};

use crate::support::{Directory, app_log, grep};

#[test]
fn rows_go_to_postgresql_with_types_that_queries_can_use() {
    let test = "rows_go_to_postgresql_with_types_that_queries_can_use";
    let Some(cluster) = or_skip(test, Cluster::start()) else { return };
    let url = cluster.new_database().unwrap();
    let directory = Directory::with_app_log(5_000);
    let errors = grep(&app_log(5_000), &["ERROR "]);
    directory
        .run(&["app.log", "--level", "error", "--to", &url])
        .ended(0)
        .says(&[&format!("{errors} stored")]);
    let mut db = ::postgres::Client::connect(&url, ::postgres::NoTls).unwrap();
    let mut count = |sql: &str| -> i64 { db.query_one(sql, &[]).unwrap().get(0) };
    assert_eq!(count("SELECT count(*) FROM records WHERE level = 'error'") as u64, errors);
    assert_eq!(
        count(
            "SELECT count(*) FROM records WHERE time = '2024-01-15 10:00:07+00' AND fields = '{}'::jsonb"
        ),
        1
    );

    db.batch_execute("CREATE TABLE other (id int)").unwrap();
    directory.run(&["app.log", "--to", &url, "--table", "other"]).ended(3).says(&[
        "\"other\"",
        "'time'",
        "another table name",
    ]);
}

#[test]
fn records_that_are_no_unicode_or_no_numbers_for_postgresql_end_no_run() {
    let test = "records_that_are_no_unicode_or_no_numbers_for_postgresql_end_no_run";
    let Some(cluster) = or_skip(test, Cluster::start()) else { return };
    let url = cluster.new_database().unwrap();
    let directory = Directory::new();
    let mut lines: Vec<String> =
        (0..3_000).map(|n| format!(r#"{{"level":"error","msg":"good {n}","f":"x"}}"#)).collect();
    lines[1_500] =
        r#"{"level":"error","msg":"cut \ud83d","f":"emoji \ud83d","\udc00":[{"a\u0000":"\ude00\ud83d"}]}"#
            .into();
    lines[1_700] = r#"{"level":"error","msg":"nul \u0000","f":1}"#.into();
    // Valid JSON, but more than PostgreSQL's numbers can hold.
    lines[1_900] = r#"{"level":"error","msg":"huge","f":1e999999}"#.into();
    directory.write("app.json", lines.join("\n") + "\n");
    let args = ["app.json", "--to", &url, "--dead-letter", "dead", "--report", "r.json"];
    directory.run(&args).ended(1).says(&[
        "2999 stored",
        "1 failed",
        "refused by the database",
        "22003",
    ]);
    let mut db = ::postgres::Client::connect(&url, ::postgres::NoTls).unwrap();
    let mut one = |sql: &str| -> String { db.query_one(sql, &[]).unwrap().get(0) };
    assert_eq!(one("SELECT count(*)::text FROM records"), "2999");
    let cut = "FROM records WHERE message LIKE 'cut%'";
    assert_eq!(
        one(&format!("SELECT message || '|' || (fields ->> 'f') {cut}")),
        "cut \u{fffd}|emoji \u{fffd}"
    );
    assert!(String::from_utf8(directory.read("dead")).unwrap().contains("huge"));
    assert_eq!(directory.report("r.json")["totals"]["failed"], 1);
}
