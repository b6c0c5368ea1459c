//! What is read: files, globs, pipes, compressed files, and files that are odd.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use crate::support::{Directory, Ran, access_log, app_log, json_log};

#[test]
fn the_format_of_every_file_is_found_out_and_shown() {
    let directory = Directory::with_app_log(50);
    directory.write("access.log", access_log(50));
    directory.write("jobs.json", json_log(50));
    directory.write("pairs.log", "ts=2024-01-15T10:00:00Z level=warn msg=\"disk full\" n=3\n");
    directory.write("notes.txt", "nothing known\n");
    let ran = directory.logs("app.log access.log jobs.json pairs.log notes.txt").ended(0).says(&[
        "app.log: plain (level first)",
        "access.log: combined",
        "jobs.json: json",
        "pairs.log: logfmt",
        "notes.txt: unknown",
    ]);
    assert_eq!(ran.records().len(), 152);
}

#[test]
fn a_format_that_is_asked_for_is_used() {
    let directory = Directory::new();
    directory.write("mixed.log", "{\"msg\":\"one\"}\nnot json\n{\"msg\":\"two\"}\n");
    let ran = directory
        .logs("mixed.log --format json")
        .ended(1)
        .says(&["1 x not JSON: mixed.log at byte 14: not json"]);
    assert_eq!(ran.messages(), ["one", "two"]);
}

#[test]
fn compressed_files_are_read_as_they_are_whatever_their_name() {
    let text = app_log(3_000);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(text.as_bytes(), 1).unwrap();
    let directory = Directory::with_app_log(3_000);
    directory.write("a.log.gz", &gzip);
    directory.write("b.log.zst", &zstd);
    directory.write("c.log", &gzip);
    let plain = directory.logs("app.log --level error").ended(0).messages();
    for name in ["a.log.gz", "b.log.zst", "c.log"] {
        assert_eq!(directory.run(&[name, "--level", "error"]).ended(0).messages(), plain, "{name}");
    }
    assert_eq!(directory.fed("- --level error", &gzip).ended(0).messages(), plain);
}

#[test]
fn a_compressed_file_that_ends_early_is_reported_and_what_it_had_is_kept() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(app_log(3_000).as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let directory = Directory::with_app_log(10);
    directory.write("cut.gz", &gzip[..gzip.len() / 2]);
    let ran = directory.logs("cut.gz app.log").ended(3).says(&["cut.gz", "ends early"]);
    let records = ran.records();
    assert!(records.len() > 100 && records.iter().filter(|r| r["file"] == "app.log").count() == 10);
}

#[test]
fn standard_input_is_read_when_nothing_is_named_and_as_a_dash() {
    let directory = Directory::new();
    for args in ["--level error", "- --level error"] {
        let ran =
            directory.fed(args, app_log(100).as_bytes()).ended(0).says(&["-: plain (level first)"]);
        assert_eq!(ran.records().len(), 10);
        assert_eq!(ran.records()[0]["file"], "-");
    }
}

#[test]
fn globs_and_several_files_are_read_in_order_and_each_once() {
    let directory = Directory::new();
    for name in ["b.log", "a.log", "z.txt"] {
        directory.write(name, format!("INFO 2024-01-15T10:00:00Z from {name}\n"));
    }
    let order = |args: &str| directory.logs(args).ended(0).messages();
    assert_eq!(order("*.log z.txt"), ["from a.log", "from b.log", "from z.txt"]);
    assert_eq!(order("z.txt b.log *.log"), ["from z.txt", "from b.log", "from a.log"]);
}

#[test]
fn of_many_files_only_the_first_are_named_and_the_others_are_counted() {
    let directory = Directory::new();
    for i in 0..40 {
        directory.write(&format!("{i:02}.log"), "INFO 2024-01-15T10:00:00Z hello\n");
    }
    directory.write("99.log", "{\"msg\":\"hello\"}\n");
    let ran = directory
        .logs("*.log")
        .ended(0)
        .says(&["00.log: plain", "and 33 more files: 1 json, 32 plain (level first)"]);
    assert!(ran.err.lines().count() < 15, "{}", ran.err);
    assert_eq!(ran.records().len(), 41);
}

#[test]
fn empty_files_and_a_last_line_without_its_end_are_nothing_special() {
    let directory = Directory::new();
    directory.write("empty.log", "");
    directory.write("cut.log", "INFO 2024-01-15T10:00:00Z one\nINFO 2024-01-15T10:00:01Z two");
    assert_eq!(directory.logs("empty.log").ended(0).out, "");
    assert_eq!(directory.fed("-", b"").ended(0).out, "");
    assert_eq!(directory.logs("empty.log cut.log").ended(0).messages(), ["one", "two"]);
}

#[test]
fn windows_line_ends_are_no_part_of_a_message() {
    let directory = Directory::new();
    directory
        .write("crlf.log", "INFO 2024-01-15T10:00:00Z one\r\nERROR 2024-01-15T10:00:01Z two\r\n");
    directory.write("crlf.json", "{\"msg\":\"three\"}\r\n{\"msg\":\"four\"}\r\n");
    assert_eq!(
        directory.logs("crlf.log crlf.json").ended(0).messages(),
        ["one", "two", "three", "four"]
    );
}

#[test]
fn a_stack_trace_stays_in_the_message_of_its_record() {
    let directory = Directory::new();
    directory.write(
        "trace.log",
        "INFO 2024-01-15T10:00:00Z fine\nERROR 2024-01-15T10:00:01Z boom\n  at a()\n  at b()\nINFO 2024-01-15T10:00:02Z on\n",
    );
    let ran = directory.run(&["trace.log", "--contains", "at b()"]).ended(0);
    assert_eq!(ran.messages(), ["boom\n  at a()\n  at b()"]);
}

#[test]
fn a_line_longer_than_the_cap_fails_and_those_beside_it_are_read() {
    let directory = Directory::new();
    let long = "x".repeat(3 << 20);
    let text = format!(
        "INFO 2024-01-15T10:00:00Z one\nINFO 2024-01-15T10:00:01Z {long}\nINFO 2024-01-15T10:00:02Z two\n"
    );
    directory.write("long.log", &text);
    let ran = directory
        .logs("long.log --dead-letter dead --report r.json")
        .ended(1)
        .says(&["longer than --max-line"]);
    assert_eq!(ran.messages(), ["one", "two"]);
    assert_eq!(directory.report("r.json")["totals"]["failed"], 1);
    assert!(directory.read("dead") == text.split_inclusive('\n').nth(1).unwrap().as_bytes());
    let ran = directory.logs("long.log --max-line 4MiB").ended(0);
    assert_eq!(ran.messages()[1].len(), long.len());
}

#[test]
fn a_binary_file_is_refused_and_the_others_are_read() {
    let directory = Directory::with_app_log(10);
    directory.write("image.gif", b"GIF89a\0\0\x01\xff\xfe\0");
    let ran = directory
        .logs("image.gif app.log --report r.json")
        .ended(3)
        .says(&["'image.gif': it is a binary file", "gzip or zstd"]);
    assert_eq!(ran.records().len(), 10);
    let report = directory.report("r.json");
    assert_eq!(report["status"], "unusable");
    let error = &report["errors"][0];
    assert!(error["sample"].as_str().unwrap().contains("image.gif"), "{report}");
}

#[test]
fn what_cannot_be_opened_is_refused_before_anything_is_written() {
    let directory = Directory::with_app_log(10);
    directory.write("out.jsonl", "precious\n");
    fs::create_dir(directory.path("sub")).unwrap();
    for (args, parts) in [
        ("app.log nope.log --to out.jsonl", &["'nope.log' does not exist"][..]),
        ("sub --to out.jsonl", &["'sub' is a directory", "'sub/*.log'"]),
        ("sub/*.log --to out.jsonl", &["no file matches 'sub/*.log'"]),
        ("a[ --to out.jsonl", &["'a[' is not a valid pattern"]),
        ("- - --to out.jsonl", &["standard input", "named twice"]),
    ] {
        let ran = directory.logs(args).ended(3).says(parts);
        assert!(
            ran.err.starts_with("millstream logs: ") && ran.err.lines().count() == 1,
            "{}",
            ran.err
        );
        assert_eq!(directory.read("out.jsonl"), b"precious\n", "{args}");
    }
}

#[test]
fn a_file_that_may_not_be_read_is_named() {
    let directory = Directory::with_app_log(10);
    fs::set_permissions(directory.path("app.log"), fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(directory.path("app.log")).is_ok() {
        return; // The superuser may read everything.
    }
    directory.logs("app.log").ended(3).says(&["cannot open 'app.log'", "ermission denied"]);
}

#[test]
fn a_name_that_is_not_utf8_is_read_and_shown_so_that_it_can_be_reported() {
    use std::os::unix::ffi::OsStringExt;
    let directory = Directory::new();
    let name = std::ffi::OsString::from_vec(b"caf\xe9.log".to_vec());
    fs::write(directory.path(".").join(&name), "ERROR 2024-01-15T10:23:45Z one\n").unwrap();
    let ran = Ran::of(directory.command([name.as_os_str()]).output().unwrap()).ended(0);
    assert_eq!(ran.records()[0]["file"], r"caf\xE9.log");
    assert!(ran.err.contains(r"caf\xE9.log: plain"), "{}", ran.err);
}
