//! PostgreSQL, on a private server of this test's own.

use connect::testing::{Cluster, or_skip};

use crate::support::{Folder, app_log, grep};

#[test]
fn rows_go_to_postgresql_with_types_that_queries_can_use() {
    let test = "rows_go_to_postgresql_with_types_that_queries_can_use";
    let Some(cluster) = or_skip(test, Cluster::start()) else { return };
    let url = cluster.new_database().unwrap();
    let folder = Folder::with_app_log(5_000);
    let errors = grep(&app_log(5_000), &["ERROR "]);
    folder.run(&["app.log", "--level", "error", "--to", &url]).ended(0).says(&[&format!("{errors} stored")]);
    let mut db = ::postgres::Client::connect(&url, ::postgres::NoTls).unwrap();
    let mut count = |sql: &str| -> i64 { db.query_one(sql, &[]).unwrap().get(0) };
    assert_eq!(count("SELECT count(*) FROM records WHERE level = 'error'") as u64, errors);
    assert_eq!(
        count("SELECT count(*) FROM records WHERE time = '2024-01-15 10:00:07+00' AND fields = '{}'::jsonb"),
        1
    );

    db.batch_execute("CREATE TABLE other (id int)").unwrap();
    folder.run(&["app.log", "--to", &url, "--table", "other"]).ended(3).says(&[
        "\"other\"",
        "'time'",
        "another table name",
    ]);
}
