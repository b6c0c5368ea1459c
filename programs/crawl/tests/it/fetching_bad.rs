//! Each thing that a server can do wrong ends its fetch with the right kind, soon, and with few
//! bytes.
//!
//! The limits in time are for hangs only: the settings' own are half a second and less, the bound
//! that is asserted is ten seconds.

use std::time::Duration;

use crawl::fetch::{Client, Failure, Settings};
use crawl::page::ErrorKind;
use crawl::testing::bad_web::{BadWeb, PATHS};
use millstream::Context;

use crate::fetching::{get, local};

/// For what can only hang.
const HANG: Duration = Duration::from_secs(10);

/// No fetch of these tests may take in more: the longest body and head, and what one read gives
/// beyond.
const MOST_BYTES: u64 = 2 * 1_000_000 + 64 * 1024 + 512 * 1024;

/// The failure at this path, which came in time and with few bytes.
async fn failure(path: &str) -> Failure {
    failure_with(path, local()).await
}

async fn failure_with(path: &str, settings: Settings) -> Failure {
    let web = BadWeb::start().await.unwrap();
    let client = Client::new(settings).unwrap();
    let failure = get(&client, &format!("{}{path}", web.origin())).await.expect_err(path);
    assert!(failure.elapsed < HANG, "{path} took {:?}", failure.elapsed);
    assert!(failure.wire_bytes < MOST_BYTES, "{path} took {} bytes", failure.wire_bytes);
    assert_eq!(failure.remote, Some(web.address()), "{path}");
    assert!(!failure.message.is_empty());
    // The client is as good as before, and so is the server.
    assert_eq!(get(&client, &format!("{}/page", web.origin())).await.unwrap().status, 200);
    failure
}

#[tokio::test]
async fn what_is_no_http_is_a_failure_of_the_protocol() {
    for path in ["/garbage", "/http09", "/wrong-version"] {
        let failure = failure(path).await;
        assert_eq!(
            (failure.kind, failure.retryable),
            (ErrorKind::Protocol, false),
            "{path}: {failure}"
        );
        assert_eq!(failure.status, None);
    }
}

#[tokio::test]
async fn heads_without_end_are_cut_off_at_their_limit() {
    for path in [
        "/header-bomb",
        "/too-many-headers",
        "/long-status-line",
        "/endless-head",
        "/interim-flood",
    ] {
        let failure = failure(path).await;
        assert_eq!(
            (failure.kind, failure.retryable),
            (ErrorKind::Protocol, false),
            "{path}: {failure}"
        );
        assert!(failure.wire_bytes <= 2 * 64 * 1024, "{path} took {} bytes", failure.wire_bytes);
    }
}

#[tokio::test]
async fn servers_that_say_nothing_or_too_little_run_out_of_time() {
    for path in ["/silent", "/slow-head", "/stalled-body"] {
        let failure = failure(path).await;
        assert_eq!(
            (failure.kind, failure.retryable),
            (ErrorKind::Timeout, true),
            "{path}: {failure}"
        );
    }
    // Never still for long, but never done.
    let slow =
        failure_with("/slow-body", Settings { timeout: Duration::from_secs(1), ..local() }).await;
    assert_eq!((slow.kind, slow.status), (ErrorKind::Timeout, Some(200)), "{slow}");
    assert_eq!(slow.message, "not complete within 1s");
}

#[tokio::test]
async fn connections_that_are_cut_are_reported_as_such() {
    for path in ["/close", "/reset"] {
        let failure = failure(path).await;
        assert_eq!(
            (failure.kind, failure.retryable),
            (ErrorKind::Connect, true),
            "{path}: {failure}"
        );
    }
}

/// Responses that end early, wherever it is and however. One list for a fetch, a page and a
/// robots.txt.
pub(crate) const BROKEN_OFF: [&str; 14] = [
    "/cut-status-line",
    "/cut-head",
    "/cut-after-interim",
    "/reset-head",
    "/short-body",
    "/reset-body",
    "/cut-chunks",
    "/cut-between-chunks",
    "/cut-last-chunk",
    "/cut-chunk-size",
    "/cut-trailers",
    "/reset-chunks",
    "/cut-gzip-chunks",
    "/gzip-cut",
];

#[tokio::test]
async fn a_response_that_ends_early_broke_off_wherever_it_is_and_may_be_whole_the_next_time() {
    for path in BROKEN_OFF {
        let failure = failure(path).await;
        assert_eq!(
            (failure.kind, failure.retryable),
            (ErrorKind::Protocol, true),
            "{path}: {failure}"
        );
    }
}

#[tokio::test]
async fn lengths_and_chunks_that_are_wrong_are_failures_of_the_protocol() {
    for (path, retryable) in [
        ("/two-lengths", false),
        ("/bad-length", false),
        ("/bad-chunks", false),
        ("/chunk-extensions", false),
        ("/endless-trailers", false),
    ] {
        let failure = failure(path).await;
        assert_eq!(
            (failure.kind, failure.retryable),
            (ErrorKind::Protocol, retryable),
            "{path}: {failure}"
        );
    }
}

#[tokio::test]
async fn bodies_that_are_too_long_are_not_read_to_their_end() {
    for path in
        ["/large", "/endless-body", "/endless-until-closed", "/tiny-chunks", "/sitemap-huge.xml"]
    {
        let failure = failure(path).await;
        assert_eq!(
            (failure.kind, failure.retryable),
            (ErrorKind::TooLarge, false),
            "{path}: {failure}"
        );
        assert_eq!(failure.status, Some(200));
    }
    // What is announced is not even started.
    assert!(failure("/large").await.wire_bytes < 512 * 1024);
}

#[tokio::test]
async fn bombs_are_too_large() {
    for path in ["/gzip-bomb", "/deflate-bomb", "/brotli-bomb", "/zstd-bomb"] {
        let failure = failure(path).await;
        assert_eq!(failure.kind, ErrorKind::TooLarge, "{path}: {failure}");
        assert_eq!(failure.message, "the body is longer than 1000000 bytes after decompression");
    }
}

#[tokio::test]
async fn what_cannot_be_decompressed_is_a_failure_of_the_encoding() {
    for path in ["/not-gzip", "/unknown-coding"] {
        let failure = failure(path).await;
        assert_eq!(
            (failure.kind, failure.retryable),
            (ErrorKind::Encoding, false),
            "{path}: {failure}"
        );
    }
}

#[tokio::test]
async fn every_path_of_the_bad_web_ends_and_none_is_unknown_to_it() {
    let web = BadWeb::start().await.unwrap();
    let client = Client::new(Settings { timeout: Duration::from_secs(2), ..local() }).unwrap();
    let pool = millstream::TaskPool::new(&Context::new(), 16);
    let origin = web.origin();
    let fetch = move |path: &'static str| {
        let (client, url) = (client.clone(), format!("{origin}{path}"));
        async move { Ok::<_, ()>((path, get(&client, &url).await)) }
    };
    let mut ended = pool.try_map(&Context::new(), PATHS.iter().copied(), fetch);
    let (mut pages, mut failures) = (0, 0);
    while let Some(fetched) = ended.next().await {
        match fetched.unwrap() {
            (path, Ok(page)) => {
                assert_ne!(page.status, 404, "{path}");
                pages += 1;
            }
            (_, Err(_)) => failures += 1,
        }
    }
    assert_eq!(pages + failures, PATHS.len());
    assert!(failures >= 30, "only {failures} failures");
}
