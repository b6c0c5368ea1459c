//! Sites of which a part is broken: each bad page costs itself, with a row that says how, and
//! nothing else is lost.

use std::path::Path;
use std::time::Duration;

use crawl::{Config, Outcome};

use crate::crawling::{Row, crawl_within, eager, rows};
use crate::site::{Raw, Site, Then, missing, page, text, whole};

/// For what can only hang.
const HANG: Duration = Duration::from_secs(120);

fn links(paths: impl IntoIterator<Item = String>) -> Raw {
    whole(page(
        &paths.into_iter().map(|path| format!("<a href=\"{path}\">x</a>")).collect::<String>(),
    ))
}

fn crawl(starts: &[String], path: &Path, change: impl FnOnce(&mut Config)) -> (Outcome, Vec<Row>) {
    let mut config = eager(starts, path);
    config.politeness.per_host = 1;
    change(&mut config);
    let outcome = crawl_within(&config, HANG);
    assert!(outcome.ended.is_none(), "{:?}", outcome.ended);
    (outcome, rows(path))
}

/// A home page that leads to bad pages before good ones.
fn section(bad: usize, good: usize, answer: fn() -> Raw) -> Site {
    Site::raw(move |_, path, _| match path {
        "/" => links(
            (0..bad).map(|n| format!("/bad/{n}")).chain((0..good).map(|n| format!("/good/{n}"))),
        ),
        "/robots.txt" => whole(missing()),
        path if path.starts_with("/bad/") => answer(),
        _ => whole(page("")),
    })
}

#[test]
fn a_broken_section_costs_its_pages_and_each_row_says_how() {
    let error = || whole(("500 Internal Server Error", String::new(), "down".into()));
    let gateway = || whole(("502 Bad Gateway", String::new(), "down".into()));
    let busy =
        || whole(("503 Service Unavailable", "Retry-After: 7200\r\n".into(), "later".into()));
    let closed = || Raw(Vec::new(), Then::Close);
    let silent = || Raw(Vec::new(), Then::Silence);
    let stalled = || Raw(b"HTTP/1.1 500 Oh\r\nContent-Length: 9\r\n\r\nno".to_vec(), Then::Silence);
    let kinds: [(fn() -> Raw, _, _); 6] = [
        (error, Some(500), "server"),
        (gateway, Some(502), "server"),
        (busy, Some(503), "server"),
        (closed, None, "connect"),
        (silent, None, "timeout"),
        (stalled, Some(500), "timeout"),
    ];
    for (answer, status, kind) in kinds {
        let directory = tempfile::tempdir().unwrap();
        let site = section(7, 6, answer);
        let (outcome, rows) =
            crawl(&[format!("{}/", site.origin())], &directory.path().join("out.db"), |config| {
                config.politeness.attempts = 2;
                config.request.timeout = Duration::from_millis(200);
            });
        let (bad, good): (Vec<&Row>, Vec<&Row>) =
            rows.iter().partition(|row| row.url.contains("/bad/"));
        assert!(good.len() == 7 && good.iter().all(|row| row.error.is_none()), "{kind}");
        assert_eq!(bad.len(), 7);
        for row in bad {
            assert_eq!(
                (row.status, row.error.as_deref()),
                (status, Some(kind)),
                "{:?}",
                row.message
            );
            assert!(row.message.is_some());
        }
        assert_eq!((outcome.summary.hosts_down, outcome.summary.left), (0, 0));
    }
}

#[test]
fn a_wait_of_more_than_an_hour_costs_the_page_that_asks_for_it_whatever_its_status() {
    let directory = tempfile::tempdir().unwrap();
    let site = Site::raw(|_, path, _| {
        let (seconds, body) = path.trim_start_matches('/').split_once('-').unwrap_or(("", ""));
        let (status, wait) = seconds.split_once('/').unwrap_or(("404", ""));
        let stalls = body == "stalls";
        let length = if stalls { 9 } else { 2 };
        let head = format!(
            "HTTP/1.1 {status} Oh\r\nRetry-After: {wait}\r\nContent-Length: {length}\r\n\r\nno"
        );
        Raw(head.into_bytes(), if stalls { Then::Silence } else { Then::Next })
    });
    let mut starts = Vec::new();
    for status in [200, 404, 408, 429, 500, 502, 503, 504] {
        for wait in
            ["3601", "7200", "4294967295", "18446744073709551615", "99999999999999999999999"]
        {
            starts.push(format!("{}/{status}/{wait}-stalls", site.origin()));
            if status >= 408 {
                starts.push(format!("{}/{status}/{wait}-whole", site.origin()));
            }
            // Each of these makes the host's delay longer.
            if matches!(status, 429 | 503) {
                break;
            }
        }
    }
    let (_, rows) = crawl(&starts, &directory.path().join("out.db"), |config| {
        config.request.timeout = Duration::from_millis(200);
        config.politeness.per_host = 8;
    });
    assert_eq!(rows.len(), starts.len());
    for row in rows {
        let status = row.url.split('/').nth(3).unwrap().parse().unwrap();
        assert_eq!(row.status, Some(status), "{}", row.url);
        assert!(
            row.error.is_some() && row.message.unwrap().contains("more than an hour"),
            "{}",
            row.url
        );
        assert_eq!(site.hits(&row.url[site.origin().len()..]), 1, "{}", row.url);
    }
}

/// Ways in which a response of this body can end early.
fn broken_off(body: &str, at: usize) -> Raw {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n";
    let announced =
        format!("{head}Content-Length: {}\r\n\r\n{}", body.len(), &body[..body.len() - 5]);
    let chunks = format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n", body.len());
    let gzip = format!("{head}Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\n");
    let gzip = [gzip.as_bytes(), b"\x1f\x8b\x08\x00\x00"].concat();
    match at {
        0 => Raw(head.into(), Then::Close),
        1 => Raw(announced.into(), Then::Close),
        2 => Raw(chunks.clone().into(), Then::Close),
        3 => Raw(chunks[..chunks.len() - 5].into(), Then::Close),
        4 => Raw(format!("{chunks}0\r\n").into(), Then::Close),
        5 => Raw(gzip, Then::Close),
        6 => Raw(announced.into(), Then::Reset),
        _ => Raw(chunks.into(), Then::Reset),
    }
}

#[test]
fn a_page_that_broke_off_once_is_asked_for_again_and_one_that_always_does_is_a_failure_of_the_protocol()
 {
    for at in 0..8 {
        let directory = tempfile::tempdir().unwrap();
        let site = Site::raw(move |_, path, before| match path {
            "/" if before == 0 => broken_off(&page("<a href=/next>x</a>").2, at),
            "/" => whole(page("<a href=/next>x</a>")),
            "/always" => broken_off(&page("").2, at),
            "/robots.txt" => whole(missing()),
            _ => whole(page("")),
        });
        let starts = ["/", "/always"].map(|path| format!("{}{path}", site.origin()));
        let (_, rows) = crawl(&starts, &directory.path().join("out.db"), |_| ());
        let reported: Vec<_> = rows.iter().map(|row| row.error.as_deref()).collect();
        // A reset may overtake all that was sent before it: then there was no response.
        let always = if reported[1] == Some("connect") && at > 5 { "connect" } else { "protocol" };
        assert_eq!(reported, [None, Some(always), None], "{at}: {:?}", rows[0].message);
        assert_eq!([site.hits("/"), site.hits("/always"), site.hits("/next")], [2, 3, 1], "{at}");
    }
}

#[test]
fn a_robots_txt_that_broke_off_is_asked_for_again_and_then_holds() {
    let rules = "User-agent: *\nDisallow: /private\n";
    for at in 0..8 {
        let directory = tempfile::tempdir().unwrap();
        let site = Site::raw(move |_, path, before| match path {
            "/robots.txt" if before == 0 => broken_off(rules, at),
            "/robots.txt" => whole(text(rules)),
            _ => whole(page("")),
        });
        let starts = ["/open", "/private"].map(|path| format!("{}{path}", site.origin()));
        let (_, rows) = crawl(&starts, &directory.path().join("out.db"), |_| ());
        let reported: Vec<_> = rows.iter().map(|row| row.error.as_deref()).collect();
        assert_eq!(reported, [None, Some("robots")], "{at}");
        assert_eq!([site.hits("/robots.txt"), site.hits("/private")], [2, 0], "{at}");
    }
}

#[test]
fn a_robots_txt_that_always_breaks_off_forbids_all_after_as_many_attempts_as_a_500() {
    let directory = tempfile::tempdir().unwrap();
    let site = Site::raw(|_, path, _| match path {
        "/robots.txt" => broken_off("User-agent: *\nDisallow: /private\n", 1),
        _ => whole(page("")),
    });
    let (_, rows) =
        crawl(&[format!("{}/open", site.origin())], &directory.path().join("out.db"), |_| ());
    assert_eq!(rows[0].error.as_deref(), Some("robots"));
    assert_eq!([site.hits("/robots.txt"), site.hits("/open")], [3, 0]);
}

#[test]
fn a_wait_of_up_to_an_hour_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let site = Site::raw(|_, path, _| match path {
        "/robots.txt" => whole(missing()),
        _ => whole(("500 Internal Server Error", "Retry-After: 3600\r\n".into(), String::new())),
    });
    let ctx = millstream::Context::new().with_timeout(Duration::from_secs(1));
    let config = eager([format!("{}/", site.origin())], &directory.path().join("out.db"));
    let outcome = crawl::run(&config, &crawl::Control { ctx, ..Default::default() }).unwrap();
    assert!(outcome.ended.is_some() && outcome.summary.left == 1 && site.hits("/") == 1);
}

#[test]
fn what_cannot_be_is_refused_and_nothing_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let lines = directory.path().join("o.jsonl");
    let mut config =
        Config::new(["http://127.0.0.1:9/"], connect::Destination::JsonLines(Some(lines)));
    config.warc = Some(directory.path().join(".").join("o.jsonl"));
    let refused = crawl::run(&config, &crawl::Control::default()).unwrap_err();
    assert!(refused.is_usage(), "{refused}");
    assert!(
        refused.to_string().contains("--warc") && refused.to_string().contains("--to"),
        "{refused}"
    );
    (config.warc, config.workers) = (None, u32::MAX as usize);
    let refused = crawl::run(&config, &crawl::Control::default()).unwrap_err();
    assert!(
        refused.is_usage() && refused.to_string().contains("--workers 4294967295"),
        "{refused}"
    );
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_coding_that_is_none_and_a_status_that_is_none_are_what_browsers_make_of_them() {
    let directory = tempfile::tempdir().unwrap();
    let plain = |kind: &str, body: &str| {
        whole((
            "200 OK",
            format!("Content-Type: {kind}\r\nContent-Encoding: UTF-8\r\n"),
            body.into(),
        ))
    };
    let site = Site::raw(move |_, path, _| match path {
        "/robots.txt" => plain("text/plain", "User-agent: *\nDisallow: /private\n"),
        "/999" => whole(("999 Request denied", String::new(), String::new())),
        _ => plain("text/html", "<title>a page</title>"),
    });
    let starts = ["/999", "/open", "/private"].map(|path| format!("{}{path}", site.origin()));
    let (_, rows) =
        crawl(&starts, &directory.path().join("out.db"), |config| config.politeness.attempts = 1);
    let reported: Vec<_> = rows.iter().map(|row| (row.status, row.error.as_deref())).collect();
    assert_eq!(reported, [(Some(999), Some("server")), (Some(200), None), (None, Some("robots"))]);
    assert!(rows[0].message.as_ref().is_some_and(|message| message.contains("999")));
}

#[test]
fn heads_that_are_not_strict_and_types_that_are_none_are_read_and_links_that_are_left_out_are_reported()
 {
    let directory = tempfile::tempdir().unwrap();
    let body = "<title>read</title><a href=/next>x</a>";
    let head = move |fields: &str| {
        let length = body.len();
        Raw(
            format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: {length}\r\n\r\n{body}").into(),
            Then::Next,
        )
    };
    let site = Site::raw(move |_, path, _| match path {
        "/folded" => head("Content-Type: text/html\r\nX-Note: one\r\n two\r\n"),
        "/space" => head("Content-Type: text/html\r\nX-Note : one\r\n"),
        "/no-field" => head("Content-Type: text/html\r\nno field at all\r\n"),
        "/twice" => head("Content-Type: text/html, text/html; charset=utf-8\r\n"),
        "/last" => head("Content-Type: text/plain, text/html\r\n"),
        "/none" => head(""),
        "/no-type" => head("Content-Type: html\r\n"),
        "/many" => links((0..60_000).map(|n| n.to_string())),
        _ => whole(missing()),
    });
    let paths = ["/folded", "/last", "/many", "/no-field", "/no-type", "/none", "/space", "/twice"];
    let starts = paths.map(|path| format!("{}{path}", site.origin()));
    let (_, rows) =
        crawl(&starts, &directory.path().join("out.db"), |config| config.reach.depth = Some(0));
    for (row, path) in rows.iter().zip(paths) {
        assert!(row.url.ends_with(path) && row.error.is_none(), "{path}: {:?}", row.message);
        assert_eq!(row.links, if path == "/many" { 50_000 } else { 1 }, "{path}");
        assert_eq!(row.message.is_some(), path == "/many", "{path}");
    }
}
