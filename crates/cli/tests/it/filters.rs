//! What is kept: levels, texts, expressions, times, and how many.

use crate::support::{Directory, access_log, app_log, grep, json_log};

#[test]
fn levels_keep_as_many_lines_as_grep_finds() {
    let directory = Directory::with_app_log(5_000);
    let text = app_log(5_000);
    for (levels, starts) in [
        ("error", &["ERROR "][..]),
        ("error,warn", &["ERROR ", "WARN "]),
        ("warn+", &["WARN ", "ERROR ", "FATAL "]),
        ("error+", &["ERROR ", "FATAL "]),
        ("info,debug", &["INFO ", "DEBUG "]),
        ("WARNING", &["WARN "]),
    ] {
        let ran = directory.run(&["app.log", "--level", levels]).ended(0);
        assert_eq!(ran.records().len() as u64, grep(&text, starts), "{levels}");
    }
}

#[test]
fn records_come_in_the_order_of_the_file_with_their_place_in_it() {
    let directory = Directory::with_app_log(5_000);
    let text = app_log(5_000);
    let records = directory.logs("app.log --level error --workers 1").ended(0).records();
    let mut offsets: Vec<usize> =
        records.iter().map(|r| r["offset"].as_u64().unwrap() as usize).collect();
    for (record, &offset) in records.iter().zip(&offsets) {
        let line = text[offset..].lines().next().unwrap();
        assert!(
            line.starts_with("ERROR ") && line.ends_with(record["message"].as_str().unwrap()),
            "{record}"
        );
        assert_eq!((&record["level"], &record["file"]), (&"error".into(), &"app.log".into()));
    }
    let found = offsets.clone();
    offsets.sort_unstable();
    assert_eq!(offsets, found);
}

#[test]
fn a_condition_over_fields_keeps_what_it_is_true_for() {
    let directory = Directory::new();
    directory.write("access.log", access_log(1_000));
    directory.write("jobs.json", json_log(300));
    let of = |file: &str, condition: &str| {
        directory.run(&[file, "--where", condition]).ended(0).records().len()
    };
    assert_eq!(of("access.log", "status == 404"), 200);
    assert_eq!(of("access.log", "status == 404 && path.startsWith('/item/99')"), 2);
    assert_eq!(of("access.log", "remote == '10.0.0.7' && user == 'ann'"), 4);
    assert_eq!(of("jobs.json", "level == 'error' && n >= 150"), 50);
    assert_eq!(of("jobs.json", "message == 'job 7'"), 1);
    // A field that is not there makes no error; the record is not kept.
    assert_eq!(of("jobs.json", "nothing == 1"), 0);
}

#[test]
fn a_condition_that_can_never_be_true_is_reported() {
    let directory = Directory::new();
    directory.write("access.log", access_log(100));
    let said = |condition: &str, part: &str| {
        let ran = directory.run(&["access.log", "--where", condition]).ended(0).says(&[part]);
        assert_eq!(ran.out, "");
    };
    said("stauts == 404", "--where 'stauts == 404' is true for no record, as none has 'stauts'");
    said("status", "'status' could not be decided for 100 of 100 records");
    said("path > 3", "100 of 100 records, which were not kept");
    let ran = directory.run(&["access.log", "--where", "status == 500"]).ended(0);
    assert!(!ran.err.contains("--where"), "{}", ran.err);
}

#[test]
fn options_that_ask_for_what_no_record_has_are_reported_on_the_terminal_and_in_the_report() {
    let directory = Directory::new();
    directory.write("notes.txt", "just a note\nand another\n");
    for (option, value) in
        [("--level", "error"), ("--since", "2h"), ("--until", "2h"), ("--where", "size > 1")]
    {
        let args = ["notes.txt", option, value, "--report", "r.json"];
        let ran = directory.run(&args).ended(0);
        let reported = format!("{option} ");
        assert!(
            ran.err.lines().any(|line| line.trim_start().starts_with(&reported)),
            "{option}: {}",
            ran.err
        );
        let notes = directory.report("r.json")["notes"].as_array().cloned().unwrap_or_default();
        assert!(
            notes.len() == 1 && notes[0].as_str().unwrap().starts_with(&reported),
            "{option}: {notes:?}"
        );
    }
    directory.write("app.log", app_log(10));
    directory.run(&["app.log", "--level", "fatal", "--report", "r.json"]).ended(0);
    assert_eq!(directory.report("r.json")["notes"], serde_json::json!([]));
}

#[test]
fn an_expression_that_is_too_deep_is_wrong_usage() {
    let directory = Directory::with_app_log(10);
    let sums = vec!["1"; 4_843].join("+") + " > 0";
    directory.run(&["app.log", "--where", &sums]).ended(2).says(&["levels deep"]);
}

#[test]
fn texts_and_expressions_have_to_be_found_all_of_them() {
    let directory = Directory::with_app_log(1_000);
    let text = app_log(1_000);
    let both =
        text.lines().filter(|line| line.contains("request 9") && line.contains("took 7")).count();
    assert!(both > 0);
    let ran =
        directory.run(&["app.log", "--contains", "request 9", "--contains", "took 7"]).ended(0);
    assert_eq!(ran.records().len(), both);
    let ran =
        directory.run(&["app.log", "--regex", "request 9\\d* ", "--regex", "took 7"]).ended(0);
    assert_eq!(ran.records().len(), both);
    let ran = directory.run(&["app.log", "--contains", "request 9", "--level", "error"]).ended(0);
    let errors =
        text.lines().filter(|line| line.contains("request 9") && line.starts_with("ERROR")).count();
    assert_eq!(ran.records().len(), errors);
}

#[test]
fn since_is_included_until_is_not() {
    let directory = Directory::with_app_log(600);
    let count = |args: &str| directory.logs(args).ended(0).records().len();
    assert_eq!(count("app.log --since 2024-01-15T10:05:00Z"), 300);
    assert_eq!(count("app.log --until 2024-01-15T10:05:00Z"), 300);
    assert_eq!(
        count("app.log --since 2024-01-15T11:01:00+01:00 --until 2024-01-15T11:02:00+01:00"),
        60
    );
    assert_eq!(count("app.log --since 2024-01-15"), 600);
    assert_eq!(count("app.log --until 2024-01-15"), 0);
    assert_eq!(count("app.log --since 1h"), 0);
    assert_eq!(count("app.log --until -1d"), 600);
}

#[test]
fn a_limit_counts_records_that_are_kept_and_ends_the_run() {
    let directory = Directory::with_app_log(5_000);
    let ran =
        directory.logs("app.log --level error --limit 7 --report r.json --workers 1").ended(0);
    assert_eq!(ran.messages().len(), 7);
    assert!(
        ran.messages()[0].starts_with("request 0 ") && ran.messages()[6].starts_with("request 60 ")
    );
    let report = directory.report("r.json");
    assert_eq!((&report["totals"]["out"], &report["balances"]), (&7.into(), &true.into()));
    assert_eq!(directory.logs("app.log --limit 0").ended(0).out, "");
}

#[test]
fn other_names_of_time_level_and_message_are_taken_from_keys() {
    let directory = Directory::new();
    directory
        .write("odd.json", r#"{"when":"2024-01-15T10:00:00Z","sev":"warn","text":"hello","n":1}"#);
    let records = directory
        .logs("odd.json --level warn --keys time=when,level=sev,message=text")
        .ended(0)
        .records();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["message"], "hello");
    assert_eq!(records[0]["time"], "2024-01-15T10:00:00Z");
    assert_eq!(records[0]["fields"], serde_json::json!({"n": 1}));
}
