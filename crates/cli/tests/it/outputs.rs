//! Where records go, and what is refused there.

use crate::support::{Directory, app_log, grep};

#[test]
fn a_database_gets_the_rows_and_a_second_run_adds_to_them() {
    let directory = Directory::with_app_log(5_000);
    let errors = grep(&app_log(5_000), &["ERROR "]);
    directory.logs("app.log --level error --to out.db").ended(0);
    assert_eq!(
        directory.count("out.db", "SELECT count(*) FROM records WHERE level = 'error'"),
        errors
    );
    let one = "SELECT count(*) FROM records WHERE time = '2024-01-15 10:00:07' AND file = 'app.log' \
               AND message LIKE 'request 7 %' AND fields = '{}' AND offset > 0";
    assert_eq!(
        directory.count("out.db", &one.replace("10:00:07'", "10:00:07' || substr(time, 20)")),
        1
    );
    directory.logs("app.log --level error --to out.db").ended(0);
    assert_eq!(directory.count("out.db", "SELECT count(*) FROM records"), 2 * errors);
    directory.logs("app.log --level warn --to sqlite:out.db --table warnings --batch 1").ended(0);
    assert_eq!(directory.count("out.db", "SELECT count(*) FROM warnings"), 1_000);
}

#[test]
fn a_file_of_json_lines_is_the_same_as_standard_output_and_replaces_what_was_there() {
    let directory = Directory::with_app_log(1_000);
    let out = directory.logs("app.log --workers 1").ended(0).out;
    directory.write("out.jsonl", "old\n");
    assert_eq!(directory.logs("app.log --workers 1 --to out.jsonl").ended(0).out, "");
    assert_eq!(directory.read("out.jsonl"), out.as_bytes());
    assert_eq!(directory.logs("app.log --workers 1 --to jsonl:-").ended(0).out, out);
}

#[test]
fn a_table_has_a_head_and_a_line_a_record_and_no_colours_in_a_pipe() {
    let directory = Directory::with_app_log(20);
    let ran = directory.logs("app.log --level error --to table").ended(0);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), 3, "{}", ran.out);
    let head: Vec<&str> = lines[0].split_whitespace().collect();
    assert_eq!(head, ["time", "level", "message", "fields"]);
    assert!(lines[1].contains("error") && lines[1].contains("request 0 took 0 ms"), "{}", ran.out);
    assert!(!ran.out.contains('\x1b'), "{:?}", ran.out);
}

#[test]
fn statistics_count_by_level_over_time_and_those_without_a_time_too() {
    let directory = Directory::with_app_log(600);
    let ran = directory.logs("app.log --stats").ended(0);
    let head: Vec<&str> = ran.out.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(head, ["time", "(UTC)", "fatal", "error", "warn", "info", "debug"], "{}", ran.out);
    let sum = |column: usize| -> u64 {
        // Date and time are two words.
        ran.out
            .lines()
            .skip(1)
            .map(|line| line.split_whitespace().nth(column + 2).unwrap().parse::<u64>().unwrap())
            .sum()
    };
    assert_eq!([sum(0), sum(1), sum(2), sum(3), sum(4)], [30, 60, 120, 360, 30]);
    assert!(ran.out.contains('█'));

    let ran = directory.fed("- --stats", b"no time\nnone here\n").ended(0);
    assert!(ran.out.contains("without a time") && ran.out.contains(" 2 "), "{}", ran.out);
    let ran = directory.logs("app.log --stats --contains nowhere").ended(0);
    assert_eq!(ran.out, "no records\n");
}

#[test]
fn a_reader_that_went_away_is_no_failure_and_nothing_is_said() {
    use std::io::{BufRead, BufReader};
    let directory = Directory::with_app_log(50_000);
    for more in [&[][..], &["--to", "table"], &["--report", "r.json"]] {
        let mut args = vec!["app.log"];
        args.extend_from_slice(more);
        let mut child = directory.command(&args).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert!(!first.is_empty());
        let ran = crate::support::Ran::of(child.wait_with_output().unwrap()).ended(0);
        assert_eq!(
            ran.err.lines().collect::<Vec<_>>(),
            ["app.log: plain (level first)"],
            "{args:?}"
        );
    }
    let report = directory.report("r.json");
    assert_eq!(
        (&report["status"], &report["balances"]),
        (&"done".into(), &true.into()),
        "{report}"
    );
    assert_eq!(
        (&report["totals"]["failed"], &report["errors"]),
        (&0.into(), &serde_json::json!([]))
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_reported_whatever_was_to_be_written() {
    use std::fs::OpenOptions;
    let directory = Directory::with_app_log(100);
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    for args in
        ["app.log", "app.log --to table", "app.log --stats", "app.log --to out.db --report -"]
    {
        let output = directory.command(args.split(' ')).stdout(full()).output().unwrap();
        crate::support::Ran::of(output).ended(3).says(&["standard output", "No space left"]);
    }
    directory.logs("app.log --to jsonl:/dev/full").ended(3).says(&["/dev/full", "No space left"]);
    directory
        .logs("app.log --to out.db --report /dev/full")
        .ended(3)
        .says(&["/dev/full", "No space left"]);
    // Nobody to talk to is no reason to fail.
    let output = directory.command(["app.log"]).stderr(full()).output().unwrap();
    assert_eq!(crate::support::Ran::of(output).ended(0).records().len(), 100);
}

#[test]
fn a_table_with_other_columns_is_refused_and_left_alone() {
    let directory = Directory::with_app_log(10);
    let db = rusqlite::Connection::open(directory.path("out.db")).unwrap();
    db.execute_batch("CREATE TABLE records (id INTEGER, note TEXT)").unwrap();
    drop(db);
    directory.logs("app.log --to out.db").ended(3).says(&[
        "'records'",
        "out.db",
        "'time'",
        "another table name",
    ]);
    assert_eq!(directory.count("out.db", "SELECT count(*) FROM records"), 0);
    directory.logs("app.log --to out.db --table lines").ended(0);
}

#[test]
fn an_output_that_is_an_input_is_refused_before_it_is_emptied() {
    let directory = Directory::with_app_log(10);
    directory.write("lines.jsonl", "{\"msg\":\"precious\"}\n");
    for args in [
        "lines.jsonl --to lines.jsonl",
        "*.jsonl --to ./lines.jsonl",
        "app.log lines.jsonl --to table --dead-letter lines.jsonl",
        "lines.jsonl --follow --to lines.jsonl",
    ] {
        directory.logs(args).ended(2).says(&["lines.jsonl", "would be read and written"]);
        assert_eq!(directory.read("lines.jsonl"), b"{\"msg\":\"precious\"}\n", "{args}");
    }
    directory
        .logs("app.log --to x.jsonl --dead-letter x.jsonl")
        .ended(2)
        .says(&["x.jsonl", "--dead-letter"]);
}

#[test]
fn dead_letters_are_exactly_the_bytes_that_failed() {
    let directory = Directory::new();
    let bad: [&[u8]; 3] = [b"{\"msg\": \xff\xfe\n", b"not json at all\r\n", b"{\"cut\":"];
    let mut text = Vec::new();
    for line in bad {
        text.extend_from_slice(b"{\"msg\":\"good\"}\n");
        text.extend_from_slice(line);
    }
    directory.write("in.json", &text);
    let ran = directory
        .logs("in.json --format json --dead-letter dead --report r.json --workers 1")
        .ended(1);
    assert_eq!(ran.records().len(), 3);
    // Only the line end that the file's last line lacked is added, so that letters stay apart.
    assert_eq!(directory.read("dead"), [&bad.concat()[..], b"\n"].concat());
    assert_eq!(directory.report("r.json")["totals"]["failed"], 3);
}

#[test]
fn what_a_full_disk_did_not_take_is_not_said_to_be_stored() {
    let directory = Directory::with_app_log(30);
    directory
        .logs("app.log --to jsonl:/dev/full --report r.json")
        .ended(3)
        .says(&["No space left", "0 stored"]);
    let report = directory.report("r.json");
    assert_eq!((&report["totals"]["out"], &report["totals"]["failed"]), (&0.into(), &30.into()));
    assert_eq!(report["balances"], true);
}

#[test]
fn a_text_record_that_is_not_utf8_is_stored_and_its_bytes_are_with_the_dead_letters() {
    let directory = Directory::new();
    let odd = b"INFO 2024-01-15T10:23:45Z caf\xe9\n  at \xff\n";
    directory.write("in.log", [odd, &b"ERROR 2024-01-15T10:23:46Z fine\n"[..]].concat());
    for to in ["-", "out.jsonl", "out.db", "table"] {
        let ran = directory.logs(&format!("in.log --dead-letter dead --to {to}")).ended(0);
        ran.says(&[
            " 0 failed",
            "in 1 texts, bytes that are not UTF-8",
            "dead has them as they were",
        ]);
        assert_eq!(directory.read("dead"), odd, "{to}");
    }
    directory.logs("in.log --to out.jsonl").ended(0).says(&["--dead-letter FILE keeps them"]);
    let ran = directory.logs("in.log --level error --dead-letter dead").ended(0);
    assert!(!ran.err.contains("UTF-8") && directory.read("dead").is_empty(), "{}", ran.err);
}

#[test]
fn records_come_out_in_the_order_of_their_lines_however_many_workers_there_are() {
    let directory = Directory::with_app_log(100_000);
    let one = directory.logs("app.log --workers 1 --to one.jsonl").ended(0);
    assert!(one.err.contains("100000 records read"), "{}", one.err);
    directory.logs("app.log --workers 4 --to four.jsonl").ended(0);
    assert!(directory.read("one.jsonl") == directory.read("four.jsonl"));
}
