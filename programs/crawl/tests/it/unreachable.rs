//! Hosts that cannot be visited: their URLs say why, and that they are reported does not take
//! forever.

use std::net::TcpListener;
use std::time::Duration;

use crawl::Config;
use crawl::testing::bad_web::{BadWeb, Certificate, Robots};

use crate::crawling::{Row, crawl_within, eager, rows};
use crate::site::{Site, page, text};

/// For what can only hang.
const HANG: Duration = Duration::from_secs(30);

fn only(starts: &[String], change: impl FnOnce(&mut Config)) -> Row {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.db");
    let mut config = eager(starts, &path);
    config.request.timeout = Duration::from_millis(200);
    change(&mut config);
    let outcome = crawl_within(&config, HANG);
    assert!(outcome.ended.is_none(), "{:?}", outcome.ended);
    let mut rows = rows(&path);
    assert_eq!(rows.len(), starts.len());
    rows.remove(0)
}

fn reported(row: &Row) -> (&str, &str) {
    (row.error.as_deref().unwrap(), row.message.as_deref().unwrap())
}

#[test]
fn a_host_to_which_there_is_no_way_is_reported_as_such_and_not_as_one_that_forbids() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let web = runtime.block_on(BadWeb::start()).unwrap();

    let private =
        only(&[format!("{}/page", web.origin())], |config| config.request.allow_private = false);
    let why = "robots.txt could not be had: 127.0.0.1 is loopback: expected a public address; --allow-private allows it";
    assert_eq!(reported(&private), ("address", why));

    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let row = only(&[format!("http://{closed}/")], |_| ());
    let (kind, why) = reported(&row);
    assert_eq!(kind, "connect");
    assert!(
        why.starts_with(&format!("robots.txt could not be had: expected a connection to {closed}")),
        "{why}"
    );

    // No name server is asked for a name that cannot be one.
    let row = only(&[format!("http://{}.test/", "x".repeat(64))], |config| {
        config.request.timeout = Duration::from_secs(10);
    });
    assert_eq!(reported(&row).0, "dns", "{:?}", row.message);

    let tls = format!("{}/", web.tls_origin(Certificate::SelfSigned));
    let row = only(&[tls], |config| config.request.timeout = Duration::from_secs(10));
    assert_eq!(reported(&row).0, "tls", "{:?}", row.message);

    let row = only(&[format!("{}/", web.robots_origin(Robots::Silent))], |_| ());
    assert_eq!(reported(&row).0, "timeout", "{:?}", row.message);

    let row = only(&[format!("{}/", web.robots_origin(Robots::Error))], |_| ());
    assert_eq!(
        reported(&row),
        ("robots", "robots.txt could not be had: the server answered with status 503")
    );
    assert_eq!((web.hits("/"), web.hits("/page")), (0, 0), "nothing of them was asked for");
}

#[test]
fn a_page_that_asks_for_more_than_an_hour_is_given_up_at_once_and_its_host_is_not() {
    let site = Site::start(|_, path| match path {
        "/robots.txt" => text(""),
        "/busy" => ("429 Too Many Requests", "Retry-After: 7200\r\n".into(), "later".into()),
        _ => page(""),
    });
    let row = only(&["/busy", "/other"].map(|path| format!("{}{path}", site.origin())), |config| {
        config.politeness.per_host = 1;
    });
    let (kind, why) = reported(&row);
    assert_eq!((kind, row.status), ("client", Some(429)));
    assert!(why.contains("status 429") && why.contains("7200") && why.contains("an hour"), "{why}");
    assert_eq!((site.hits("/busy"), site.hits("/other")), (1, 1));
}
