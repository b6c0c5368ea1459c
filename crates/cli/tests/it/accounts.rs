//! The report for machines, the summary for people.

use serde_json::{Value, json};

use crate::support::{Directory, app_log, grep, json_log};

fn assert_adds_up(report: &Value) {
    let totals = &report["totals"];
    let count = |key: &str| totals[key].as_u64().unwrap();
    let sum: u64 =
        ["out", "filtered", "skipped", "failed", "cancelled"].into_iter().map(count).sum();
    assert_eq!(count("in"), sum, "{totals}");
    assert_eq!(report["balances"], true);
}

#[test]
fn the_report_has_the_agreed_keys_and_adds_up() {
    let directory = Directory::with_app_log(20_000);
    let ran = directory.logs("app.log --level error --to out.db --report -").ended(0);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_adds_up(&report);
    let errors = grep(&app_log(20_000), &["ERROR "]);
    assert_eq!(
        report["totals"],
        json!({"in": 20_000, "out": errors, "filtered": 20_000 - errors, "skipped": 0, "failed": 0, "cancelled": 0})
    );
    assert_eq!((&report["program"], &report["status"]), (&"logs".into(), &"done".into()));
    assert!(report["elapsed_s"].as_f64().unwrap() > 0.0);
    let stages = report["stages"].as_array().unwrap();
    for key in [
        "name",
        "workers",
        "in",
        "out",
        "filtered",
        "skipped",
        "failed",
        "cancelled",
        "busy_s",
        "wait_in_s",
        "wait_out_s",
        "p50_us",
        "p99_us",
    ] {
        assert!(stages.iter().all(|stage| stage.get(key).is_some()), "{key}");
    }
    let bottleneck = report["bottleneck"].as_str().unwrap();
    assert!(stages.iter().any(|stage| stage["name"] == bottleneck), "{bottleneck}");
    assert!(report["relief"].is_string());
    assert_eq!(report["errors"], json!([]));
    // The keys come as they were agreed, for those who read them.
    let places: Vec<usize> =
        ["\"program\"", "\"status\"", "\"totals\"", "\"stages\"", "\"bottleneck\""]
            .map(|key| ran.out.find(key).unwrap())
            .into();
    assert!(places.is_sorted(), "{}", ran.out);
}

#[test]
fn failed_items_give_one_and_are_in_the_report_with_a_sample() {
    let directory = Directory::new();
    directory.write("in.json", format!("{}broken\n{}", json_log(10), json_log(5)));
    directory
        .logs("in.json --report r.json")
        .ended(1)
        .says(&["1 failed", "1 x not JSON: in.json at byte"]);
    let report = directory.report("r.json");
    assert_adds_up(&report);
    assert_eq!((&report["totals"]["failed"], &report["totals"]["out"]), (&1.into(), &15.into()));
    let error = &report["errors"][0];
    assert_eq!((&error["kind"], &error["count"]), (&"not JSON".into(), &1.into()));
    assert!(error["sample"].as_str().unwrap().ends_with("broken"));
}

#[test]
fn a_report_is_also_written_when_the_run_failed_or_could_not_begin() {
    let directory = Directory::with_app_log(10);
    for (args, part) in [
        ("nope.log --report r.json", "nope.log"),
        ("app.log --to no/such/directory/out.jsonl --report r.json", "no/such/directory"),
        ("app.log --to jsonl:/dev/full --report r.json", "No space left"),
    ] {
        directory.logs(args).ended(3);
        let report = directory.report("r.json");
        assert_eq!(report["status"], "unusable", "{args}");
        assert!(report["errors"].to_string().contains(part), "{report}");
        assert_adds_up(&report);
    }
}

#[test]
fn a_report_that_cannot_be_written_is_reported_before_the_run() {
    let directory = Directory::with_app_log(10);
    let ran = directory
        .logs("app.log --report no/such/r.json")
        .ended(3)
        .says(&["--report", "no/such/r.json"]);
    assert_eq!(ran.out, "");
}

#[test]
fn records_and_report_do_not_mix_on_standard_output() {
    let directory = Directory::with_app_log(10);
    for args in
        ["app.log --report -", "app.log --stats --report -", "app.log --to table --report -"]
    {
        let ran = directory.logs(args).ended(2).says(&["--report", "standard output"]);
        assert_eq!(ran.out, "");
    }
}

#[test]
fn the_summary_says_what_was_read_stored_filtered_skipped_and_failed() {
    let directory = Directory::with_app_log(1_000);
    directory.logs("app.log --level error --to out.db").ended(0).says(&[
        "done: 1000 records read",
        "100 stored",
        "900 filtered",
        "0 skipped",
        "0 failed",
    ]);
}

#[test]
fn quiet_leaves_only_errors() {
    let directory = Directory::with_app_log(10);
    assert_eq!(directory.logs("app.log --quiet").ended(0).err, "");
    directory.write("b.gif", b"GIF89a\0\0\0");
    let ran = directory.logs("app.log b.gif -q").ended(3);
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    assert!(ran.err.contains("b.gif"));
}
