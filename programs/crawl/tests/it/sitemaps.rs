//! Crawls that start from sitemaps: what they list is visited, wherever they are and however they
//! come, and nothing has no end.

use std::collections::BTreeSet;
use std::time::Duration;

use crawl::address::Scope;
use crawl::{Config, Control, Ended, Outcome, run};
use millstream::Context;

use crate::crawling::{Row, crawl_within, eager, rows};
use crate::site::{Answer, Site, index, missing, page, redirect, text, urlset, xml};

/// For what can only hang.
const HANG: Duration = Duration::from_secs(60);

fn crawled(config: impl FnOnce(&mut Config), start: &str, site: &Site) -> (Outcome, Vec<Row>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.db");
    let mut eager = eager([format!("{}{start}", site.origin())], &path);
    eager.sitemap = true;
    config(&mut eager);
    let outcome = crawl_within(&eager, HANG);
    assert!(outcome.ended.is_none(), "{:?}", outcome.ended);
    assert!(outcome.report.balances());
    (outcome, rows(&path))
}

/// The paths that have rows, those of other hosts as whole URLs.
fn paths<'a>(rows: &'a [Row], site: &Site) -> BTreeSet<&'a str> {
    rows.iter().map(|row| row.url.strip_prefix(&site.origin()).unwrap_or(&row.url)).collect()
}

fn row<'a>(rows: &'a [Row], path: &str) -> &'a Row {
    rows.iter().find(|row| row.url.ends_with(path)).unwrap()
}

fn at(origin: &str, paths: &[&str]) -> Vec<String> {
    paths.iter().map(|path| format!("{origin}{path}")).collect()
}

/// robots.txt that names this sitemap.
fn naming(origin: &str, path: &str) -> Answer {
    text(&format!("User-agent: *\nDisallow: /no/\nSitemap: {origin}{path}\n"))
}

#[test]
fn a_sitemap_is_read_as_one_whatever_links_come_with_it() {
    let site = Site::start(|origin, path| match path {
        "/robots.txt" => naming(origin, "/all.xml"),
        "/all.xml" => xml(index(&at(origin, &["/head.xml", "/languages.xml"]))),
        "/head.xml" => {
            let (status, fields, body) = xml(urlset(&at(origin, &["/a", "/b"])));
            (status, format!("{fields}Link: </other>; rel=\"alternate\"\r\n"), body)
        }
        "/languages.xml" => xml(format!(
            "<urlset xmlns:xhtml=\"http://www.w3.org/1999/xhtml\"><url><loc>{origin}/c</loc>\
             <xhtml:link rel=\"alternate\" hreflang=\"de\" href=\"{origin}/de/c\"/></url></urlset>"
        )),
        _ => page(""),
    });
    let (_, rows) = crawled(|_| (), "/", &site);
    let wanted = ["/", "/a", "/all.xml", "/b", "/c", "/head.xml", "/languages.xml"];
    assert_eq!(paths(&rows, &site), BTreeSet::from(wanted));
    assert_eq!((row(&rows, "/head.xml").links, row(&rows, "/languages.xml").links), (2, 1));
    assert!(rows.iter().all(|row| row.error.is_none() && row.message.is_none() && row.depth == 0));
    // A start may be one as well.
    let (_, rows) =
        crawled(|config| config.politeness.ignore_robots = true, "/languages.xml", &site);
    assert!(paths(&rows, &site).contains("/c"));
}

#[test]
fn a_sitemap_that_is_guessed_is_an_ordinary_url_that_may_redirect() {
    let site = Site::start(|origin, path| match path {
        "/robots.txt" => text("User-agent: *\n"),
        "/sitemap.xml" => redirect("/sitemap_index.xml"),
        "/sitemap_index.xml" => xml(index(&at(origin, &["/posts.xml"]))),
        "/posts.xml" => xml(urlset(&at(origin, &["/post"]))),
        _ => page(""),
    });
    for ignores in [false, true] {
        let (_, rows) = crawled(|config| config.politeness.ignore_robots = ignores, "/", &site);
        let wanted = ["/", "/post", "/posts.xml", "/sitemap.xml", "/sitemap_index.xml"];
        assert_eq!(paths(&rows, &site), BTreeSet::from(wanted));
        assert_eq!(site.hits("/robots.txt"), 1, "only the first crawl reads the rules");
    }
}

#[test]
fn a_guess_that_was_wrong_is_no_failure_and_a_named_sitemap_that_is_missing_is_one() {
    let site = Site::start(|_, path| match path {
        "/" => page(""),
        _ => missing(),
    });
    let (outcome, rows) = crawled(|_| (), "/", &site);
    let guess = row(&rows, "/sitemap.xml");
    assert_eq!((guess.status, guess.error.as_deref()), (Some(404), None));
    assert!(guess.message.is_some());
    assert_eq!((outcome.summary.failed, rows.len()), (0, 2));

    let site = Site::start(|origin, path| match path {
        "/robots.txt" => naming(origin, "/gone.xml"),
        "/" => page(""),
        _ => missing(),
    });
    let (outcome, rows) = crawled(|_| (), "/", &site);
    assert_eq!(row(&rows, "/gone.xml").error.as_deref(), Some("client"));
    assert_eq!((outcome.summary.failed, rows.len()), (1, 2), "and none is guessed");
}

#[test]
fn what_is_no_sitemap_is_read_as_the_page_that_it_is() {
    let site = Site::start(|origin, path| match path {
        "/robots.txt" => naming(origin, "/map.html"),
        "/map.html" => page("<a href=/linked>"),
        _ => page(""),
    });
    let (_, rows) = crawled(|_| (), "/", &site);
    assert_eq!(paths(&rows, &site), BTreeSet::from(["/", "/map.html", "/linked"]));
    let message = row(&rows, "/map.html").message.as_deref();
    assert_eq!(message, Some("it was asked for as a sitemap, but the file is no sitemap"));
}

#[test]
fn what_a_sitemap_lists_is_a_start_within_the_sites_of_the_scope() {
    let other = Site::start(|_, _| page(""));
    let elsewhere = format!("{}/elsewhere", other.origin());
    let listed = elsewhere.clone();
    let site = Site::start(move |origin, path| match path {
        "/robots.txt" => naming(origin, "/map.xml"),
        "/map.xml" => xml(urlset(
            &[at(origin, &["/docs/a", "/blog/b", "/no/c"]), vec![listed.clone()]].concat(),
        )),
        "/docs/a" => page("<a href=/docs/linked>"),
        _ => page(""),
    });
    let of = |scope| {
        let (_, rows) = crawled(|config| config.reach.scope = scope, "/docs/", &site);
        rows
    };
    let all = ["/docs/", "/map.xml", "/docs/a", "/blog/b", "/no/c"];
    let rows = of(Scope::Page);
    assert_eq!(paths(&rows, &site), BTreeSet::from(all), "no link is followed");
    assert_eq!(row(&rows, "/no/c").error.as_deref(), Some("robots"));
    let rows = of(Scope::Prefix);
    assert_eq!(
        paths(&rows, &site),
        BTreeSet::from(["/docs/", "/map.xml", "/docs/a", "/docs/linked"])
    );
    let rows = of(Scope::Host);
    assert_eq!(paths(&rows, &site), all.into_iter().chain(["/docs/linked"]).collect());
    // The other one is another port of the same machine, which is the same domain.
    let rows = of(Scope::Domain);
    assert_eq!(paths(&rows, &site), all.into_iter().chain(["/docs/linked", &elsewhere]).collect());
}

#[test]
fn indexes_inside_of_indexes_come_to_an_end_and_stay_within_the_scope() {
    let other = Site::start(|_, _| page(""));
    let elsewhere = format!("{}/map.xml", other.origin());
    let site = Site::start(move |origin, path| match path {
        "/robots.txt" => naming(origin, "/index/0"),
        path => match path.strip_prefix("/index/").and_then(|number| number.parse::<u32>().ok()) {
            Some(number) => {
                xml(index(&[format!("{origin}/index/{}", number + 1), elsewhere.clone()]))
            }
            None => page(""),
        },
    });
    let (_, rows) = crawled(|_| (), "/", &site);
    assert_eq!(
        paths(&rows, &site),
        BTreeSet::from(["/", "/index/0", "/index/1", "/index/2", "/index/3"])
    );
    let message = row(&rows, "/index/3").message.as_deref().unwrap();
    assert!(message.contains("more than 3 indexes"), "{message}");
    assert!(other.asked().is_empty());
}

#[test]
fn a_sitemap_may_be_longer_than_a_page() {
    let entries = 5_000;
    let site = Site::start(move |origin, path| match path {
        "/robots.txt" => naming(origin, "/map.xml"),
        "/map.xml" => xml(urlset(
            &(0..entries).map(|number| format!("{origin}/p/{number}")).collect::<Vec<_>>(),
        )),
        "/long" => page(&"x".repeat(10_000)),
        _ => page(""),
    });
    let (outcome, rows) = crawled(
        |config| (config.request.max_body, config.reach.max_pages) = (1_000, None),
        "/long",
        &site,
    );
    assert_eq!(row(&rows, "/long").error.as_deref(), Some("too_large"));
    assert_eq!(outcome.summary.pages, entries + 1);
}

#[test]
fn a_sitemap_waits_for_its_turn_and_is_not_asked_for_after_an_interrupt() {
    let site = Site::start(|_, path| match path {
        "/robots.txt" => text("User-agent: *\nCrawl-delay: 30\n"),
        _ => page(""),
    });
    let directory = tempfile::tempdir().unwrap();
    let mut config = eager([format!("{}/", site.origin())], &directory.path().join("out.db"));
    config.sitemap = true;
    let control = Control::default();
    let drain = control.drain.clone();
    millstream::scope::<_, millstream::Cause, _>(&Context::new(), |s| {
        let (config, control) = (&config, &control);
        s.spawn("crawl", move |_| {
            let started = control.ctx.clock().now();
            let outcome = run(config, control).unwrap();
            assert!(matches!(outcome.ended, Some(Ended::Cancelled(_))), "{:?}", outcome.ended);
            let took = control.ctx.clock().now() - started;
            assert!(took < Duration::from_secs(20), "no worker waits for a host: {took:?}");
            assert_eq!(outcome.summary.left, 2, "the start and the sitemap");
            Ok(())
        });
        // From now on the host's delay is waited for.
        while site.asked().is_empty() {
            std::thread::yield_now();
        }
        drain.cancel("enough for today");
        Ok(())
    })
    .unwrap();
    assert_eq!(site.asked(), ["/robots.txt"]);
}

#[test]
fn a_page_that_breaks_where_a_sitemap_would_is_a_page_all_the_same() {
    let site = Site::start(|_, path| match path {
        "/robots.txt" => text(""),
        "/" => (
            "200 OK",
            "Content-Type: text/html\r\n".into(),
            "<!-- a -- b ---><a href=/next>next</a></p>".into(),
        ),
        _ => missing(),
    });
    let (_, rows) = crawled(|_| (), "/", &site);
    assert!(paths(&rows, &site).contains("/next"));
}

#[test]
fn a_run_that_goes_on_knows_which_urls_are_sitemaps() {
    let site = Site::start(|origin, path| match path {
        "/robots.txt" => naming(origin, "/map.xml"),
        "/map.xml" => {
            xml(urlset(&(0..50).map(|page| format!("{origin}/p/{page}")).collect::<Vec<_>>()))
        }
        _ => page(""),
    });
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.db");
    let mut config = eager([format!("{}/", site.origin())], &path);
    (config.sitemap, config.politeness.per_host) = (true, 1);
    (config.request.max_body, config.reach.max_pages) = (1_000, Some(1));
    let outcome = crawl_within(&config, HANG);
    assert!(matches!(outcome.ended, Some(Ended::Enough)), "{:?}", outcome.ended);
    assert_eq!((rows(&path).len(), site.hits("/map.xml")), (1, 0));
    (config.resume, config.reach.max_pages) = (true, None);
    crawl_within(&config, HANG);
    let rows = rows(&path);
    assert_eq!(rows.len(), 52);
    assert!(rows.iter().all(|row| row.error.is_none() && row.depth == 0));
}

#[test]
fn relative_locations_and_several_in_one_entry_are_read_and_what_is_no_url_is_reported() {
    let site = Site::start(|origin, path| match path {
        "/robots.txt" => text("User-agent: *\nAllow: /\nSitemap: /maps/all.xml\n"),
        "/maps/all.xml" => xml(
            "<sitemapindex><sitemap><loc>one.xml</loc><loc>/two.xml</loc></sitemap></sitemapindex>"
                .into(),
        ),
        "/maps/one.xml" => xml(format!(
            "<urlset><url><loc>{origin}/a</loc><lastmod>2026-01-01</lastmod><loc>/b</loc></url><url><loc>c?x=1</loc></url></urlset>"
        )),
        "/two.xml" => {
            xml("<urlset><url><loc>mailto:me@a.test</loc></url><url><loc>/d</loc></url></urlset>"
                .into())
        }
        _ => page(""),
    });
    let (_, rows) = crawled(|_| (), "/", &site);
    let wanted =
        ["/", "/a", "/b", "/d", "/maps/all.xml", "/maps/c?x=1", "/maps/one.xml", "/two.xml"];
    assert_eq!(paths(&rows, &site), BTreeSet::from(wanted));
    assert_eq!((row(&rows, "/maps/one.xml").links, row(&rows, "/maps/all.xml").links), (3, 2));
    assert_eq!(
        row(&rows, "/two.xml").message.as_deref(),
        Some("1 of its entries are no URL to crawl")
    );
    assert_eq!(site.hits("/sitemap.xml"), 0);
}
