//! The good web that others are tested with is what it says it is.

use std::io::{Read, Write};
use std::net::TcpStream;

use crawl::testing::good_web::{GoodWeb, Graph, Naming, Plan};
use millstream::Context;

/// What comes back for these bytes on one connection, which the last request closes.
fn answers(web: &GoodWeb, host: u64, requests: &str) -> String {
    let mut stream = TcpStream::connect(web.address(host)).expect("the web listens");
    stream.write_all(requests.as_bytes()).expect("it reads");
    let mut answers = String::new();
    stream.read_to_string(&mut answers).expect("it answers in text");
    answers
}

fn get(path: &str, host: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
}

#[test]
fn requests_that_come_together_are_answered_in_order_and_counted() {
    let plan = Plan { graph: Graph::new(2, 50, 5), ..Plan::default() };
    GoodWeb::serve(&Context::new(), plan, |web| {
        let many: String =
            (0..40).map(|n| format!("GET /p/{} HTTP/1.1\r\n\r\n", n % 8 + 1)).collect();
        let answers = answers(web, 1, &(many + &get("/", "any")));
        let titles: Vec<&str> = answers
            .split("<title>Page ")
            .skip(1)
            .map(|rest| rest.split(" of host 1<").next().unwrap())
            .collect();
        let expected: Vec<String> =
            (0..40).map(|n| (n % 8 + 1).to_string()).chain(["0".to_owned()]).collect();
        assert_eq!(titles, expected);
        assert_eq!((web.requests(50), web.requests(53), web.requests(3)), (1, 5, 0));
        assert_eq!(
            (web.all_requests(), web.pages_asked_for(1), web.pages_asked_for(2)),
            (41, 9, 8)
        );
        assert_eq!(web.most_at_once(1), 1);
    })
    .unwrap();
}

#[test]
fn hosts_are_distinguished_by_name_and_what_does_not_exist_is_not_found() {
    let naming = Naming::Names("good.test".to_owned());
    let plan = Plan { graph: Graph::new(3, 20, 4), naming, ..Plan::default() };
    GoodWeb::serve(&Context::new(), plan, |web| {
        let port = web.address(2).port();
        assert_eq!(web.url(45), format!("http://h2.good.test:{port}/p/5"));
        assert!(
            answers(web, 2, &get("/p/5", &format!("h2.good.test:{port}")))
                .contains("Page 5 of host 2")
        );
        assert_eq!(web.requests(45), 1);
        let robots = answers(web, 0, &get("/robots.txt", "h1.good.test"));
        assert!(
            robots.contains(&format!("Sitemap: http://h1.good.test:{port}/sitemap.xml")),
            "{robots}"
        );
        assert_eq!(web.robots_requests(1), 1);
        for (path, host) in
            [("/p/20", "h0.good.test"), ("/p/01", "h0.good.test"), ("/", "h3.good.test")]
        {
            assert!(answers(web, 0, &get(path, host)).starts_with("HTTP/1.1 404"), "{host}{path}");
        }
        assert_eq!(web.not_found(), 3);
        let sitemap = answers(web, 0, &get("/sitemap.xml", "h2.good.test"));
        assert_eq!(sitemap.matches("<loc>http://h2.good.test").count(), 20);
    })
    .unwrap();
}
