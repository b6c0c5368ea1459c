//! Whole crawls of real servers: what is stored is the known graph, each page once, politely; and a
//! run that was stopped goes on to the same end.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use connect::Destination;
use connect::testing::{Cluster, or_skip};
use crawl::address::Scope;
use crawl::config::Place;
use crawl::page::ErrorKind;
use crawl::testing::bad_web::BadWeb;
use crawl::testing::good_web::{GoodWeb, Graph, Plan};
use crawl::{Config, Control, Ended, Outcome, run};
use millstream::Context;

/// The columns of a row that tests look at.
pub(crate) struct Row {
    pub(crate) url: String,
    pub(crate) status: Option<u16>,
    pub(crate) links: u32,
    pub(crate) depth: u32,
    pub(crate) error: Option<String>,
    pub(crate) message: Option<String>,
}

pub(crate) fn rows(path: &Path) -> Vec<Row> {
    let database = rusqlite::Connection::open(path).unwrap();
    let columns = "url, status, links, depth, error, message";
    let mut select =
        database.prepare(&format!("SELECT {columns} FROM pages ORDER BY url")).unwrap();
    let rows = select.query_map([], |row| {
        Ok(Row {
            url: row.get(0)?,
            status: row.get(1)?,
            links: row.get(2)?,
            depth: row.get(3)?,
            error: row.get(4)?,
            message: row.get(5)?,
        })
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// A crawl of servers on this machine, as fast as they are.
pub(crate) fn eager<S: Into<String>>(starts: impl IntoIterator<Item = S>, path: &Path) -> Config {
    let mut config = Config::new(starts, Destination::Sqlite(path.into()));
    config.request.allow_private = true;
    (config.politeness.delay, config.politeness.per_host) = (Duration::ZERO, 8);
    config
}

fn crawl(config: &Config) -> Outcome {
    run(config, &Control::default()).unwrap()
}

/// A crawl that is stopped after a while, if it hangs; the outcome says so.
pub(crate) fn crawl_within(config: &Config, limit: Duration) -> Outcome {
    let control = Control { ctx: Context::new().with_timeout(limit), ..Control::default() };
    run(config, &control).unwrap()
}

/// Crawls until there is enough, and finishes what is under way; something is left.
fn drained_when(config: &Config, enough: impl Fn(&Control) -> bool) {
    let control = Control::default();
    let mut outcome = None;
    millstream::scope::<_, millstream::Cause, _>(&Context::new(), |s| {
        let (place, control) = (&mut outcome, &control);
        s.spawn("crawl", move |_| {
            *place = Some(run(config, control).unwrap());
            Ok(())
        });
        while !enough(control) {
            std::thread::yield_now();
        }
        control.drain.cancel("enough for today");
        Ok(())
    })
    .unwrap();
    let outcome = outcome.unwrap();
    assert!(matches!(outcome.ended, Some(Ended::Cancelled(_))), "{:?}", outcome.ended);
    assert!(outcome.summary.left > 0);
}

fn is_graph(web: &GoodWeb, rows: &[Row], reachable: &[u64]) {
    let expected: BTreeSet<String> = reachable.iter().map(|page| web.url(*page)).collect();
    let stored: BTreeSet<String> = rows.iter().map(|row| row.url.clone()).collect();
    assert_eq!(stored, expected);
    assert_eq!(rows.len(), expected.len(), "each is stored once");
    let links: u64 = reachable
        .iter()
        .map(|page| web.graph().links(*page).into_iter().collect::<BTreeSet<_>>().len() as u64)
        .sum();
    assert_eq!(rows.iter().map(|row| u64::from(row.links)).sum::<u64>(), links);
}

#[test]
fn a_crawl_stores_every_page_and_link_of_a_known_graph_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.db");
    let plan = Plan { graph: Graph::new(3, 400, 10), ..Plan::default() };
    GoodWeb::serve(&Context::new(), plan, |web| {
        let mut config = eager([web.url(0)], &path);
        config.reach.scope = Scope::Any;
        let outcome = crawl(&config);
        assert!(outcome.ended.is_none(), "{:?}", outcome.ended);
        let reachable = web.graph().reachable(0);
        let rows = rows(&path);
        is_graph(web, &rows, &reachable);
        assert!(rows.iter().all(|row| row.status == Some(200) && row.error.is_none()));
        assert_eq!(web.pages_asked_for(2), 0, "no page is fetched twice");
        assert!((0..3).all(|host| web.most_at_once(host) <= 8));
        assert_eq!((outcome.summary.pages, outcome.summary.left), (reachable.len() as u64, 0));
        assert!(outcome.report.balances());
        // A second run has nothing to do.
        config.resume = true;
        let again = crawl(&config);
        assert_eq!((again.summary.pages, again.summary.left), (0, 0));
        assert_eq!(web.pages_asked_for(2), 0);
    })
    .unwrap();
}

#[test]
fn depth_and_scope_bound_a_crawl() {
    let directory = tempfile::tempdir().unwrap();
    let plan = Plan { graph: Graph::new(2, 300, 5), ..Plan::default() };
    GoodWeb::serve(&Context::new(), plan, |web| {
        let path = directory.path().join("depth.db");
        let mut config = eager([web.url(0)], &path);
        (config.reach.scope, config.reach.depth) = (Scope::Any, Some(2));
        crawl(&config);
        is_graph(web, &rows(&path), &web.graph().within(0, 2));

        let path = directory.path().join("scope.db");
        crawl(&eager([web.url(0)], &path));
        assert!(rows(&path).iter().all(|row| row.url.starts_with(&web.origin(0))));

        let path = directory.path().join("page.db");
        let mut config = eager([web.url(0)], &path);
        config.reach.scope = Scope::Page;
        crawl(&config);
        assert_eq!(rows(&path).len(), 1);
    })
    .unwrap();
}

#[test]
fn a_budget_of_pages_is_kept_exactly_and_the_rest_is_left_for_later() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.db");
    GoodWeb::serve(
        &Context::new(),
        Plan { graph: Graph::new(1, 500, 10), ..Plan::default() },
        |web| {
            let mut config = eager([web.url(0)], &path);
            config.reach.max_pages = Some(100);
            let outcome = crawl(&config);
            assert!(matches!(outcome.ended, Some(Ended::Enough)), "{:?}", outcome.ended);
            assert_eq!(rows(&path).len(), 100);
            assert!(outcome.summary.left > 0);
            (config.reach.max_pages, config.resume) = (None, true);
            crawl(&config);
            is_graph(web, &rows(&path), &web.graph().reachable(0));
            assert_eq!(web.pages_asked_for(2), 0);
        },
    )
    .unwrap();
}

#[test]
fn what_robots_txt_forbids_is_not_asked_for_and_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.db");
    let robots = Some("User-agent: *\nDisallow: /p/1\n".to_owned());
    GoodWeb::serve(
        &Context::new(),
        Plan { graph: Graph::new(1, 200, 10), robots, ..Plan::default() },
        |web| {
            let outcome = crawl(&eager([web.url(0)], &path));
            let forbidden = |url: &str| url.contains("/p/1");
            for row in rows(&path) {
                assert_eq!(
                    row.error.as_deref(),
                    forbidden(&row.url).then_some("robots"),
                    "{}",
                    row.url
                );
            }
            let asked = (0..200)
                .filter(|page| forbidden(&web.url(*page)) && web.requests(*page) > 0)
                .count();
            assert_eq!(asked, 0);
            assert!(outcome.summary.failures[&ErrorKind::Robots] > 0);
            assert_eq!(web.robots_requests(0), 1, "rules are read once");
        },
    )
    .unwrap();
}

#[test]
fn sitemaps_are_starts_as_well() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.db");
    // A page leads nowhere: only the sitemap knows the others.
    GoodWeb::serve(
        &Context::new(),
        Plan { graph: Graph::new(1, 50, 0), ..Plan::default() },
        |web| {
            let mut config = eager([web.url(0)], &path);
            config.sitemap = true;
            crawl(&config);
            let pages =
                rows(&path).into_iter().filter(|row| !row.url.ends_with("sitemap.xml")).count();
            assert_eq!(pages, 50);
        },
    )
    .unwrap();
}

#[test]
fn a_crawl_that_was_drained_goes_on_to_the_same_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.db");
    let plan = Plan {
        graph: Graph::new(1, 300, 10),
        latency: Duration::from_millis(2),
        ..Plan::default()
    };
    GoodWeb::serve(&Context::new(), plan, |web| {
        let mut config = eager([web.url(0)], &path);
        drained_when(&config, |_| web.pages_asked_for(1) >= 50);
        config.resume = true;
        crawl(&config);
        is_graph(web, &rows(&path), &web.graph().reachable(0));
        assert_eq!(web.pages_asked_for(2), 0, "what was under way was finished");
    })
    .unwrap();
}

#[test]
fn every_nasty_thing_ends_its_url_with_an_error_and_the_crawl_well() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.db");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let web = runtime.block_on(BadWeb::start()).unwrap();
    let nasty =
        ["/redirect/loop", "/page", "/missing"].map(|path| format!("{}{path}", web.origin()));
    let mut config = eager(nasty, &path);
    config.politeness.ignore_robots = true;
    config.reach.depth = Some(3);
    config.request.timeout = Duration::from_secs(2);
    config.politeness.attempts = 1;
    let outcome = crawl(&config);
    assert!(outcome.ended.is_none(), "{:?}", outcome.ended);
    assert!(outcome.report.balances());
    let rows = rows(&path);
    for row in &rows {
        assert_eq!(row.error.is_some(), row.message.is_some(), "{}", row.url);
    }
    assert!(rows.iter().any(|row| row.url.ends_with("/page") && row.error.is_none()));
    drop(web);
}

#[test]
fn private_addresses_are_refused_unless_they_are_allowed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.db");
    GoodWeb::serve(&Context::new(), Plan::default(), |web| {
        let mut config = eager([web.url(0)], &path);
        config.request.allow_private = false;
        let outcome = crawl(&config);
        assert_eq!(web.all_requests() + u64::from(web.robots_requests(0)), 0);
        assert_eq!(outcome.summary.failed, 1);
    })
    .unwrap();
}

/// A crawler is stopped after its first page; a crawler that goes on within the host's delay asks
/// it for nothing.
fn a_hand_over_is_polite(mut config: Config) {
    let plan = Plan { graph: Graph::new(1, 50, 10), ..Plan::default() };
    GoodWeb::serve(&Context::new(), plan, |web| {
        config.starts = vec![web.url(0)];
        (config.politeness.delay, config.politeness.ignore_robots) =
            (Duration::from_secs(600), true);
        drained_when(&config, |control| control.progress.now().pages > 0);
        config.resume = true;
        let next = Control {
            ctx: Context::new().with_timeout(Duration::from_secs(1)),
            ..Control::default()
        };
        let outcome = run(&config, &next).unwrap();
        assert!(matches!(outcome.ended, Some(Ended::Cancelled(_))), "{:?}", outcome.ended);
        assert_eq!(web.all_requests(), 1, "the host was asked a moment ago");
    })
    .unwrap();
}

#[test]
fn who_goes_on_with_a_crawl_asks_a_host_no_sooner_than_the_last_one_would_have() {
    let directory = tempfile::tempdir().unwrap();
    a_hand_over_is_polite(eager([""; 0], &directory.path().join("out.db")));
    let test = "who_goes_on_with_a_crawl_asks_a_host_no_sooner_than_the_last_one_would_have";
    let Some(cluster) = or_skip(test, Cluster::start()) else { return };
    let url = cluster.new_database().unwrap();
    let mut config = eager([""; 0], &directory.path().join("none.db"));
    (config.to, config.frontier) = (Destination::Postgres(url.clone()), Place::Postgres(url));
    a_hand_over_is_polite(config);
}

#[test]
fn a_crawler_that_comes_later_gets_its_part_of_few_hosts_and_no_page_is_fetched_twice() {
    let test = "a_crawler_that_comes_later_gets_its_part_of_few_hosts_and_no_page_is_fetched_twice";
    let Some(cluster) = or_skip(test, Cluster::start()) else { return };
    let url = cluster.new_database().unwrap();
    let plan = Plan { graph: Graph::new(12, 25, 10), ..Plan::default() };
    GoodWeb::serve(&Context::new(), plan, |web| {
        let mut config = Config::new([web.url(0)], Destination::Postgres(url.clone()));
        config.frontier = Place::Postgres(url.clone());
        (config.request.allow_private, config.reach.scope) = (true, Scope::Any);
        config.politeness.delay = Duration::from_millis(400);
        let (config, control) = (&config, Control::default());
        let (mut first, mut second) = (None, 0);
        millstream::scope::<_, millstream::Cause, _>(&Context::new(), |s| {
            let (place, looked_at) = (&mut first, control.progress.clone());
            s.spawn("first", move |_| {
                *place = Some(run(config, &control).unwrap().summary.pages);
                Ok(())
            });
            // By now it knows all hosts, and has them.
            while looked_at.now().pages < 40 {
                std::thread::yield_now();
            }
            second = run(config, &Control::default()).unwrap().summary.pages;
            Ok(())
        })
        .unwrap();
        let first = first.unwrap();
        assert_eq!(first + second, web.graph().pages());
        assert!(second >= 40, "{first} and {second}");
        assert_eq!(
            web.pages_asked_for(2),
            0,
            "a host changes hands when nothing of it is under way"
        );
        assert!((0..12).all(|host| web.most_at_once(host) == 1));
    })
    .unwrap();
}
