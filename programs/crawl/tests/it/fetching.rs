//! One fetch: what comes back when all is well, connections, names and addresses.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crawl::fetch::{Ask, Client, Failure, Resolve, Resolving, Response, Settings};
use crawl::page::ErrorKind;
use crawl::testing::bad_web::{BadWeb, Certificate, Robots};
use millstream::Context;

/// Settings for servers on this machine, with limits that a test can wait for.
pub(crate) fn local() -> Settings {
    Settings {
        allow_private: true,
        timeout: Duration::from_secs(5),
        connect_timeout: Duration::from_secs(3),
        head_timeout: Duration::from_millis(500),
        idle_timeout: Duration::from_millis(300),
        max_body: 1_000_000,
        ..Settings::default()
    }
}

pub(crate) async fn get(client: &Client, url: &str) -> Result<Response, Failure> {
    client.get(&Context::new(), &url.parse().unwrap(), &Ask::default()).await.unwrap()
}

/// Leads every name to addresses that change from question to question.
#[derive(Debug)]
struct Rebinding {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Rebinding {
    fn to(answers: &[&[&str]]) -> Arc<Self> {
        let parse =
            |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        Arc::new(Self { answers: answers.iter().map(parse).collect(), asked: AtomicUsize::new(0) })
    }
}

impl Resolve for Rebinding {
    fn resolve<'a>(&'a self, _name: &'a str) -> Resolving<'a> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = self.answers[asked.min(self.answers.len() - 1)].clone();
        Box::pin(async move { Ok(answer) })
    }
}

#[tokio::test]
async fn a_page_comes_back_with_what_its_head_says() {
    let web = BadWeb::start().await.unwrap();
    let client = Client::new(local()).unwrap();
    let page = get(&client, &format!("{}/page?q=1#fragment", web.origin())).await.unwrap();
    assert_eq!((page.status, page.version), (200, hyper::Version::HTTP_11));
    assert_eq!(page.content_type(), Some("text/html; charset=utf-8"));
    assert!(page.body.starts_with(b"<!doctype html><title>a page</title>"));
    assert!(page.wire_bytes > page.body.len() as u64);
    assert_eq!((page.remote, page.truncated, page.error_kind()), (web.address(), false, None));
    assert!(page.capture.is_none());
}

#[tokio::test]
async fn every_coding_is_undone() {
    let web = BadWeb::start().await.unwrap();
    let client = Client::new(local()).unwrap();
    for path in ["/gzip", "/deflate", "/raw-deflate", "/brotli", "/zstd"] {
        let page = get(&client, &format!("{}{path}", web.origin())).await.unwrap();
        assert_eq!(page.body, "<!doctype html><title>compressed</title>", "{path}");
    }
}

#[tokio::test]
async fn chunks_and_interim_responses_are_understood_and_the_connection_is_kept() {
    let web = BadWeb::start().await.unwrap();
    let client = Client::new(local()).unwrap();
    assert_eq!(
        get(&client, &format!("{}/chunks", web.origin())).await.unwrap().body,
        "hello world"
    );
    let page = get(&client, &format!("{}/interim", web.origin())).await.unwrap();
    assert_eq!(page.status, 200);
    for _ in 0..20 {
        get(&client, &format!("{}/page", web.origin())).await.unwrap();
    }
    assert_eq!(web.connections(), 1);
}

#[tokio::test]
async fn a_redirect_is_returned_and_not_followed() {
    let web = BadWeb::start().await.unwrap();
    let client = Client::new(local()).unwrap();
    let hop = get(&client, &format!("{}/redirect-chain?left=3", web.origin())).await.unwrap();
    assert_eq!(hop.status, 302);
    assert_eq!(hop.location.unwrap().as_str(), format!("{}/redirect-chain?left=2", web.origin()));
    assert_eq!(web.hits("/redirect-chain"), 1);
    let nowhere = get(&client, &format!("{}/redirect-nowhere", web.origin())).await.unwrap();
    assert_eq!(
        (nowhere.location.as_ref(), nowhere.error_kind()),
        (None, Some(ErrorKind::Redirect))
    );
    let inside = get(&client, &format!("{}/redirect-private", web.origin())).await.unwrap();
    assert_eq!(inside.location.unwrap().host_str(), Some("169.254.169.254"));
}

#[tokio::test]
async fn servers_that_want_to_be_left_alone_are_understood_in_both_forms() {
    let web = BadWeb::start().await.unwrap();
    let client = Client::new(local()).unwrap();
    let busy = get(&client, &format!("{}/busy-seconds", web.origin())).await.unwrap();
    assert_eq!((busy.status, busy.retry_after), (429, Some(Duration::from_secs(1))));
    assert_eq!(busy.error_kind(), Some(ErrorKind::Client));
    let busy = get(&client, &format!("{}/busy-date", web.origin())).await.unwrap();
    assert!(
        busy.retry_after.is_some_and(|after| after <= Duration::from_secs(2)),
        "{:?}",
        busy.retry_after
    );
    assert_eq!(get(&client, &format!("{}/busy-date", web.origin())).await.unwrap().status, 200);
    let down = get(&client, &format!("{}/down", web.origin())).await.unwrap();
    assert_eq!((down.status, down.error_kind()), (503, Some(ErrorKind::Server)));
}

#[tokio::test]
async fn a_known_version_is_not_sent_again() {
    let web = BadWeb::start().await.unwrap();
    let client = Client::new(local()).unwrap();
    let url = format!("{}/not-modified", web.origin()).parse().unwrap();
    let ask = Ask { if_none_match: Some("\"one\"".to_owned()), ..Ask::default() };
    let known = client.get(&Context::new(), &url, &ask).await.unwrap().unwrap();
    assert_eq!((known.status, known.body.len()), (304, 0));
}

#[tokio::test]
async fn a_body_is_cut_where_it_was_asked_for() {
    let web = BadWeb::start().await.unwrap();
    let client = Client::new(local()).unwrap();
    let ask = Ask { max_body: Some(500 * 1024), cut: true, ..Ask::default() };
    for url in [
        format!("{}/robots.txt", web.robots_origin(Robots::Long)),
        format!("{}/large", web.origin()),
        format!("{}/endless-body", web.origin()),
        format!("{}/gzip-bomb", web.origin()),
    ] {
        let start =
            client.get(&Context::new(), &url.parse().unwrap(), &ask).await.unwrap().unwrap();
        assert_eq!((start.body.len(), start.truncated), (500 * 1024, true), "{url}");
    }
}

#[tokio::test]
async fn a_connection_that_was_closed_while_it_was_kept_is_replaced() {
    let web = BadWeb::start().await.unwrap();
    let client = Client::new(local()).unwrap();
    for _ in 0..10 {
        assert_eq!(
            get(&client, &format!("{}/close-after", web.origin())).await.unwrap().status,
            200
        );
    }
    assert_eq!(web.hits("/close-after"), 10);
}

#[tokio::test]
async fn what_a_server_adds_to_a_body_is_no_answer_to_the_next_request() {
    let web = BadWeb::start().await.unwrap();
    let client = Client::new(local()).unwrap();
    for _ in 0..5 {
        assert_eq!(
            get(&client, &format!("{}/long-body", web.origin())).await.unwrap().body,
            "hello"
        );
        let page = get(&client, &format!("{}/page", web.origin())).await.unwrap();
        assert!(page.body.starts_with(b"<!doctype html><title>a page"));
    }
}

#[tokio::test]
async fn many_fetches_at_a_time_share_a_client() {
    let web = BadWeb::start().await.unwrap();
    let client = Client::new(local()).unwrap();
    let pool = millstream::TaskPool::new(&Context::new(), 50);
    let url = format!("{}/page", web.origin());
    let mut pages = pool.try_map(&Context::new(), 0..500, move |_| {
        let (client, url) = (client.clone(), url.clone());
        async move { get(&client, &url).await }
    });
    let mut count = 0;
    while let Some(page) = pages.next().await {
        assert_eq!(page.unwrap().status, 200);
        count += 1;
    }
    assert_eq!((count, web.hits("/page")), (500, 500));
    assert!(web.connections() <= 50, "{} connections for 50 at a time", web.connections());
}

#[tokio::test]
async fn a_cancelled_fetch_is_no_failure_of_the_page() {
    let web = BadWeb::start().await.unwrap();
    let client = Client::new(local()).unwrap();
    let ctx = Context::new();
    let url = format!("{}/silent", web.origin()).parse().unwrap();
    let ask = Ask::default();
    let (fetched, ()) = tokio::join!(client.get(&ctx, &url, &ask), async {
        while web.hits("/silent") == 0 {
            tokio::task::yield_now().await;
        }
        ctx.cancel("enough");
    });
    assert_eq!(fetched.unwrap_err().reason(), "enough");
    assert_eq!(client.get(&ctx, &url, &ask).await.unwrap_err().reason(), "enough");
}

#[tokio::test]
async fn certificates_are_verified() {
    let web = BadWeb::start().await.unwrap();
    let client = Client::new(Settings { roots: Some(vec![web.root()]), ..local() }).unwrap();
    let url = |kind| format!("{}/page", web.tls_origin(kind));
    let page = get(&client, &url(Certificate::Valid)).await.unwrap();
    assert_eq!(page.status, 200);
    for kind in [Certificate::Expired, Certificate::SelfSigned, Certificate::WrongHost] {
        let failure = get(&client, &url(kind)).await.unwrap_err();
        assert_eq!(
            (failure.kind, failure.retryable),
            (ErrorKind::Tls, false),
            "{kind:?}: {failure}"
        );
    }
    let plain = get(&client, &web.origin().replace("http:", "https:")).await.unwrap_err();
    assert_eq!(plain.kind, ErrorKind::Tls, "{plain}");
    let stranger = Client::new(Settings { roots: Some(Vec::new()), ..local() }).unwrap();
    assert_eq!(get(&stranger, &url(Certificate::Valid)).await.unwrap_err().kind, ErrorKind::Tls);
}

#[tokio::test]
async fn addresses_that_are_not_public_are_refused_in_every_spelling() {
    let web = BadWeb::start().await.unwrap();
    let client = Client::new(Settings { allow_private: false, ..local() }).unwrap();
    let port = web.address().port();
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0x7f.1",
        "\u{ff11}27.0.0.1",
        "127\u{3002}0.0.1",
        "%31%32%37.0.0.1",
        "0.0.0.0",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "169.254.169.254",
        "10.0.0.1",
        "100.64.0.1",
        "192.0.2.1",
        "224.0.0.1",
        "localhost",
        "user:secret@127.0.0.1",
    ] {
        let failure = get(&client, &format!("http://{host}:{port}/page")).await.unwrap_err();
        assert_eq!(
            (failure.kind, failure.retryable),
            (ErrorKind::Address, false),
            "{host}: {failure}"
        );
    }
    assert_eq!(web.connections(), 0);
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_whenever_it_does() {
    let web = BadWeb::start().await.unwrap();
    let url = format!("http://rebinding.test:{}/page", web.address().port());
    // Every connection looks again: with no memory of names, the second question gets the second
    // answer.
    let resolver = Rebinding::to(&[&["127.0.0.1"], &["127.0.0.1", "::1", "169.254.169.254"]]);
    let settings = Settings { allow_private: false, name_ttl: Duration::ZERO, ..local() };
    let client = Client::with_resolver(settings, resolver.clone()).unwrap();
    for _ in 0..3 {
        assert_eq!(get(&client, &url).await.unwrap_err().kind, ErrorKind::Address);
    }
    assert_eq!((web.connections(), resolver.asked.load(Ordering::Relaxed)), (0, 3));
}

#[tokio::test]
async fn the_address_that_was_looked_at_is_the_one_that_is_connected_to() {
    let web = BadWeb::start().await.unwrap();
    // One question a connection, and nobody else asks: a second answer would lead elsewhere.
    let resolver = Rebinding::to(&[&["127.0.0.1"], &["192.0.2.1"]]);
    let client = Client::with_resolver(local(), resolver.clone()).unwrap();
    let url = format!("http://rebinding.test:{}/page", web.address().port());
    for _ in 0..3 {
        assert_eq!(get(&client, &url).await.unwrap().remote, web.address());
    }
    assert_eq!(resolver.asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_does_not_answer() {
    let web = BadWeb::start().await.unwrap();
    // On this machine nobody listens at the other addresses of the loopback network.
    let resolver = Rebinding::to(&[&["127.0.0.2", "127.0.0.3", "127.0.0.1"]]);
    let client = Client::with_resolver(local(), resolver).unwrap();
    let url = format!("http://several.test:{}/page", web.address().port());
    assert_eq!(get(&client, &url).await.unwrap().remote, web.address());
}

#[tokio::test]
async fn a_name_without_an_address_and_a_port_without_a_listener_are_distinguished() {
    let web = BadWeb::start().await.unwrap();
    let port = web.address().port();
    let client = Client::with_resolver(local(), Rebinding::to(&[&[]])).unwrap();
    let failure = get(&client, "http://nowhere.test/").await.unwrap_err();
    assert_eq!((failure.kind, failure.retryable), (ErrorKind::Dns, true), "{failure}");
    drop(web);
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let failure = get(&client, &format!("http://127.0.0.1:{port}/")).await.unwrap_err();
    assert_eq!((failure.kind, failure.retryable), (ErrorKind::Connect, true), "{failure}");
}

#[tokio::test]
async fn what_no_request_can_be_made_of_is_a_failure() {
    let client = Client::new(local()).unwrap();
    for url in ["ftp://127.0.0.1/", "data:text/html,hello", "mailto:a@b.example"] {
        assert_eq!(get(&client, url).await.unwrap_err().kind, ErrorKind::Protocol, "{url}");
    }
    assert!(Client::new(Settings { user_agent: "two\nlines".to_owned(), ..local() }).is_err());
}
