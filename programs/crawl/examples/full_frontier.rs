//! Fills a frontier with pages of a good web that nobody has visited, for benchmarks: it asks for
//! nothing.
//!
//! `full_frontier DATABASE PAGES PORT`: as if a crawl of `http://127.0.0.1:PORT/` of
//! `good_web --pages PAGES --port PORT`, with the scope `any`, had found all of its pages and
//! visited none. `millstream crawl --resume` goes on with it.
#![expect(clippy::print_stdout, reason = "a tool for the command line")]

use std::error::Error;

use crawl::address::{Address, Canonical};
use crawl::frontier::{Begin, Found, Frontier, Output, Settings, SqliteFrontier, Step};
use crawl::testing::good_web::{GoodWeb, Graph, Plan};

/// URLs of a transaction.
const AT_ONCE: u64 = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [database, pages, port] = &args[..] else {
        return Err("expected DATABASE PAGES PORT".into());
    };
    let graph = Graph::new(1, pages.parse()?, 0);
    // Only for its URLs: it is not served, and its port is free again at the end.
    let (web, _listeners) = GoodWeb::bind(Plan { graph, port: port.parse()?, ..Plan::default() })?;
    // What `millstream crawl --scope any` notes of itself; another crawl would be refused.
    let settings = Settings::new()
        .with("--scope", "any")
        .with("--depth", "any")
        .with("--sitemap", "no")
        .with("--drop-tracking", "no")
        .with("URL", &web.url(0));
    let mut frontier =
        SqliteFrontier::open(database.as_ref(), Output::Table, &settings, Begin::New, None)?;
    let (mut from, mut added) = (0, 0);
    while from < web.graph().pages() {
        let until = web.graph().pages().min(from + AT_ONCE);
        let found =
            (from..until).map(|page| found(&web.url(page))).collect::<Result<Vec<_>, _>>()?;
        added += frontier.add(&found)?.new_urls();
        from = until;
    }
    frontier.close(0)?;
    println!("{added}");
    Ok(())
}

fn found(url: &str) -> Result<Found, Box<dyn Error>> {
    let address = Address::parse(url, &Canonical::default())?;
    Ok(Found {
        url: address.as_str().to_owned(),
        origin: address.origin().to_owned(),
        key: address.key(),
        depth: 0,
        redirects: 0,
        step: Step::Start,
    })
}
