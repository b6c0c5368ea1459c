//! `millstream crawl` as its users meet it: real webs on this machine, rows, the report, refusals
//! and exit codes.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;
use std::time::Duration;

use crawl::testing::bad_web::{BadWeb, Certificate, Robots};
use crawl::testing::good_web::Plan;
use flate2::read::MultiGzDecoder;
use serde_json::Value;

use crate::crawl_support::{EAGER, command, crawl, good_web, is_whole, pages, shape};
use crate::support::{Directory, Ran};

#[test]
fn a_known_web_is_stored_whole_and_the_table_and_the_report_say_the_same() {
    let directory = Directory::new();
    good_web(shape(3, 100), |web| {
        let args = format!("{} --scope any {EAGER} --report report.json", web.url(0));
        let links = web.graph().all_links().to_string();
        crawl(&directory, &args)
            .ended(0)
            .says(&["done in", "pages/s", "pages", "300", "links", &links, "hosts"]);
        is_whole(web, &pages(&directory, "crawl.db"));
        assert_eq!(web.pages_asked_for(2), 0, "no page is fetched twice");
        let report = directory.report("report.json");
        assert_eq!((&report["program"], &report["status"]), (&"crawl".into(), &"done".into()));
        assert_eq!((&report["balances"], &report["enough"]), (&true.into(), &false.into()));
        let summary = &report["summary"];
        assert_eq!(summary["pages"], 300);
        assert_eq!(summary["links"], web.graph().all_links());
        assert_eq!(
            (&summary["found"], &summary["left"], &summary["hosts"]),
            (&300.into(), &0.into(), &3.into())
        );
        assert_eq!(summary["statuses"]["200"], 300);

        let again = crawl(&directory, &format!("{args} --resume")).ended(0);
        again.says(&["nothing is left to be done"]);
        assert_eq!(directory.report("report.json")["summary"]["pages"], 0);
        assert_eq!(web.pages_asked_for(2), 0);
        crawl(&directory, &args).ended(2).says(&["crawl.db", "--resume"]);
    });
}

#[test]
fn urls_that_fail_are_rows_and_counted_by_kind_with_exit_code_1() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let web = runtime.block_on(BadWeb::start()).unwrap();
    let directory = Directory::new();
    let urls = [
        (web.origin() + "/page", None),
        (web.origin() + "/gzip", None),
        (web.origin() + "/gzip-bomb", Some("too_large")),
        (web.origin() + "/short-body", Some("protocol")),
        (web.origin() + "/redirect-nowhere", Some("redirect")),
        (web.origin() + "/nothing-here", Some("client")),
        (web.origin() + "/silent", Some("timeout")),
        (web.tls_origin(Certificate::SelfSigned) + "/", Some("tls")),
    ];
    let list: String = urls.iter().map(|(url, _)| format!("{url}\n")).collect();
    directory.write("urls.txt", format!("# what is to be visited\n\n{list}"));
    let common =
        format!("--scope page --max-body 1MB --timeout 2s --attempts 1 {EAGER} --report -");
    let ran = crawl(&directory, &format!("--urls urls.txt --ignore-robots {common}")).ended(1);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["status"], "failed items");
    assert_eq!(
        (&report["summary"]["pages"], &report["summary"]["failed"]),
        (&2.into(), &6.into()),
        "{report}"
    );
    ran.says(&[
        "done, with items that failed",
        "too large",
        "columns error and message",
        "sqlite:crawl.db",
    ]);
    let db = rusqlite::Connection::open(directory.path("crawl.db")).unwrap();
    for (url, error) in &urls {
        let stored: Option<String> = db
            .query_one("SELECT error FROM pages WHERE url = ?1", [url], |row| row.get(0))
            .unwrap();
        assert_eq!(stored.as_deref(), *error, "{url}");
        if let Some(error) = error {
            assert_eq!(report["summary"]["failures"][*error], 1, "{report}");
        }
    }

    let rules = web.robots_origin(Robots::Bom);
    let ran =
        crawl(&directory, &format!("{rules}/private {rules}/open --to rules.db {common}")).ended(1);
    ran.says(&["forbidden by robots.txt"]);
    assert_eq!(directory.count("rules.db", "SELECT count(*) FROM pages WHERE error = 'robots'"), 1);
    assert_eq!((web.hits("/private"), web.hits("/open")), (0, 1));
}

#[test]
fn private_addresses_are_asked_nothing_unless_they_are_allowed() {
    let directory = Directory::new();
    good_web(shape(1, 5), |web| {
        let args = "--delay 0s --ignore-robots --to out.db --report -";
        let ran = crawl(&directory, &format!("{} {args}", web.url(0)))
            .ended(1)
            .says(&["private address"]);
        let report: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(report["summary"]["failures"]["address"], 1);
        crawl(&directory, &format!("{} --delay 0s --to obeying.db", web.url(0))).ended(1);
        assert_eq!((web.all_requests(), web.robots_requests(0)), (0, 0));
    });
}

#[test]
fn pages_go_to_standard_output_and_urls_come_from_standard_input() {
    let directory = Directory::new();
    good_web(shape(1, 40), |web| {
        let args = format!("--urls - --to - {EAGER}");
        let mut child = command(&directory, &args).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(web.url(0).as_bytes()).unwrap();
        let rows = Ran::of(child.wait_with_output().unwrap()).ended(0).records();
        let stored: Vec<(String, u64)> = rows
            .iter()
            .map(|row| (row["url"].as_str().unwrap().to_owned(), row["links"].as_u64().unwrap()))
            .collect();
        is_whole(web, &stored);
        assert!(rows.iter().all(|row| row["status"] == 200 && row["title"].is_string()));
    });
}

#[test]
fn a_reader_that_leaves_ends_a_crawl_well_whatever_it_was_shown() {
    for shown in ["-", "table"] {
        let directory = Directory::new();
        let plan = Plan { latency: Duration::from_millis(2), ..shape(1, 2_000) };
        good_web(plan, |web| {
            let args = format!("{} --to {shown} {EAGER}", web.url(0));
            let mut child = command(&directory, &args).spawn().unwrap();
            let mut line = String::new();
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
            assert!(!line.is_empty());
            let ran = Ran::of(child.wait_with_output().unwrap()).ended(0);
            assert!(
                !ran.err.contains("Broken pipe") && ran.err.contains("URLs left"),
                "{}",
                ran.err
            );
        });
    }
}

#[test]
fn what_came_over_the_wire_is_kept_in_a_warc() {
    let directory = Directory::new();
    good_web(shape(1, 30), |web| {
        crawl(&directory, &format!("{} --warc archive {EAGER}", web.url(0))).ended(0);
        let mut text = Vec::new();
        for entry in fs::read_dir(directory.path("archive")).unwrap().map(Result::unwrap) {
            let path = entry.path();
            assert!(path.to_str().unwrap().ends_with(".warc.gz"), "{}", path.display());
            MultiGzDecoder::new(fs::File::open(path).unwrap()).read_to_end(&mut text).unwrap();
        }
        let text = String::from_utf8_lossy(&text);
        for page in 0..30 {
            assert!(text.contains(&format!("WARC-Target-URI: {}\r\n", web.url(page))), "{page}");
        }
        assert_eq!(text.matches("WARC-Type: response\r\n").count(), 30);
    });
}

#[test]
fn a_budget_of_pages_is_no_failure_and_the_rest_is_left() {
    let directory = Directory::new();
    good_web(shape(1, 200), |web| {
        let args = format!("{} {EAGER} --report report.json", web.url(0));
        let ran = crawl(&directory, &format!("{args} --max-pages 50")).ended(0);
        ran.says(&["as many pages as were asked for", "URLs left", "--resume"]);
        assert_eq!(pages(&directory, "crawl.db").len(), 50);
        assert_eq!(directory.report("report.json")["enough"], true);
        crawl(&directory, &format!("{args} --resume")).ended(0);
        is_whole(web, &pages(&directory, "crawl.db"));
    });
}

#[test]
fn wrong_usage_is_reported_before_anything_is_made_or_asked_for() {
    let directory = Directory::new();
    for (args, parts) in [
        ("--depth 3", &["<URL>", "--urls FILE", "Usage"][..]),
        ("http://a.test/ --timeout 0s", &["--timeout", "such as 500ms"]),
        ("http://a.test/ --depth x", &["--depth", "\"x\" is not a number of links", "such as 3"]),
        ("http://a.test/ --scope city", &["--scope", "page", "prefix", "host", "domain", "any"]),
        ("http://a.test/ --workers 0", &["--workers", "1 or more"]),
        ("http://a.test/ --per-host none", &["--per-host", "1 or more"]),
        ("http://a.test/ --attempts 0", &["--attempts", "1 or more"]),
        ("http://a.test/ --max-pages 0", &["--max-pages", "1 or more"]),
        ("http://a.test/ --delay 1", &["--delay", "such as 5ms, 30s, 5m or 2h"]),
        ("http://a.test/ --timeout soon", &["--timeout", "such as 5ms, 30s, 5m or 2h"]),
        ("http://a.test/ --max-body large", &["--max-body", "64KB"]),
        ("http://a.test/ --user-agent 7", &["--user-agent", "my-crawler/1.0"]),
        ("http://a.test/ --to pages.csv", &["--to", "jsonl:pages.csv"]),
        ("http://a.test/ --frontier urls.jsonl", &["--frontier", "FILE.db", "postgres://"]),
        (
            "http://a.test/ --frontier postgres://h/d --to a.db",
            &["--to sqlite:a.db", "store each once", "--warc"],
        ),
        (
            "http://a.test/ --frontier postgres://me:secret@h/d --to postgres://h/e",
            &["--to postgres://h/e"],
        ),
        ("http://a.test/ --frontier f.db --to a.db", &["--to sqlite:a.db", "leave --frontier out"]),
        ("http://a.test/ --to - --report -", &["--report", "mix the report with the pages"]),
        ("mailto://somebody", &["mailto://somebody", "http"]),
    ] {
        let ran = crawl(&directory, args).ended(2).says(parts);
        assert!(!ran.err.contains("secret"), "{}", ran.err);
        assert_eq!(fs::read_dir(directory.path(".")).unwrap().count(), 0, "{args}");
    }
    crawl(&directory, "--urls missing.txt").ended(3).says(&["missing.txt"]);
    crawl(&directory, "http://a.test/ --to missing/out.db")
        .ended(3)
        .says(&["missing/out.db", "its directory must exist"]);
    directory.write("urls.txt", "# none\n");
    crawl(&directory, "--urls urls.txt").ended(3).says(&["no URL to start from"]);
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_exit_code_3_and_stays_as_it_is() {
    let directory = Directory::new();
    directory.write("text.db", "this is a log, not a database\n".repeat(1_000));
    crawl(&directory, "http://a.test/ --to text.db")
        .ended(3)
        .says(&["text.db", "not an SQLite database"]);
    assert_eq!(fs::read_dir(directory.path(".")).unwrap().count(), 1);
    directory.write("keep.jsonl", "{\"mine\":1}\n");
    for more in ["", " --resume", " --resume"] {
        let ran = crawl(&directory, &format!("http://a.test/ --to keep.jsonl{more}")).ended(2);
        ran.says(&["keep.jsonl is not empty", "name another file"]);
        assert_eq!(directory.read("keep.jsonl"), b"{\"mine\":1}\n");
    }
    assert_eq!(fs::read_dir(directory.path(".")).unwrap().count(), 2);
}

#[test]
fn bad_lines_of_a_file_of_urls_are_reported_and_the_others_are_crawled() {
    let directory = Directory::new();
    good_web(shape(1, 20), |web| {
        let start = web.url(0);
        let list =
            [b"\xef\xbb\xbf", start.as_bytes(), b"\r\nhttp://a.test/\xff\nmailto://somebody\n"];
        directory.write("urls.txt", list.concat());
        let ran = crawl(&directory, &format!("--urls urls.txt {EAGER}")).ended(1);
        assert!(!ran.err.contains("unusable"), "{}", ran.err);
        ran.says(&[
            "urls.txt:2: the line is not UTF-8",
            "urls.txt:3: 'mailto://somebody'",
            "items that failed",
        ]);
        is_whole(web, &pages(&directory, "crawl.db"));
    });
}
