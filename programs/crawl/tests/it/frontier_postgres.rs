//! The frontier in PostgreSQL: crawlers that share it, die, are too slow, and lose their server.
#![expect(clippy::unwrap_used, reason = "in a test, what cannot be unwrapped is the failure")]

use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use ::postgres::{Client, NoTls};
use connect::testing::{Cluster, or_skip};
use crawl::frontier::{Begin, Done, Frontier, HostState, PostgresFrontier, Settings};
use millstream::Context;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::frontier_model::{Model, Step, steps};
use crate::frontier_support::{Crawler, HOSTS, Web, found, random, stored, target};

const WEB: Web = Web { size: 3_000 };
const SECOND: i64 = 1_000_000;

/// The URL of a new database on a cluster that the tests of this process share.
fn database(test: &str) -> Option<String> {
    static CLUSTER: OnceLock<Result<Mutex<Cluster>, String>> = OnceLock::new();
    let cluster = CLUSTER.get_or_init(|| Cluster::start().map(Mutex::new));
    let cluster = or_skip(test, cluster.as_ref().map_err(Clone::clone))?;
    Some(cluster.lock().unwrap().new_database().unwrap())
}

fn join(url: &str, max_pages: Option<u64>, now_us: i64) -> PostgresFrontier {
    let settings = Settings::new().with("--depth", "3");
    PostgresFrontier::open(&Context::new(), url, &settings, Begin::Resume, max_pages, now_us)
        .unwrap()
}

fn client(url: &str) -> Client {
    Client::connect(url, NoTls).unwrap()
}

fn urls(url: &str) -> Vec<String> {
    let rows = client(url).query("SELECT url FROM pages ORDER BY url COLLATE \"C\"", &[]).unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Ends all other sessions of the database, as a network failure or a restart would.
const END_OTHERS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[test]
fn any_order_of_calls_gives_every_url_exactly_once() {
    let test = "frontier_postgres::any_order_of_calls_gives_every_url_exactly_once";
    let Some(_) = database(test) else { return };
    let budgets = prop_oneof![3 => Just(None), 1 => (0u64..60).prop_map(Some)];
    let config =
        ProptestConfig { cases: 15, failure_persistence: None, ..ProptestConfig::default() };
    let run = |(steps, budget): (Vec<Step>, Option<u64>)| {
        let url = database(test).unwrap();
        // The model's clock begins with 0 at each opening, as the server's hardly moves meanwhile.
        // The lease is longer than everything here: what becomes of expired ones has tests of its
        // own.
        let join = || join(&url, budget, 0).with_lease(Duration::from_secs(1_000_000_000));
        let mut frontier = join();
        let mut model = Model::new(budget, 1_000 * SECOND);
        for step in &steps {
            if matches!(step, Step::Reopen) {
                frontier.close(0).unwrap();
                frontier = join();
            }
            model.step(&mut frontier, step);
        }
        model.finish(&mut frontier);
        assert_eq!(urls(&url), model.pages());
        Ok(())
    };
    TestRunner::new(config).run(&(steps(), budgets), run).unwrap();
}

#[test]
fn of_two_crawlers_one_is_killed_and_together_they_store_every_url_once() {
    let Some(url) =
        database("of_two_crawlers_one_is_killed_and_together_they_store_every_url_once")
    else {
        return;
    };
    for _ in 0..3 {
        let mut one = Crawler::start("frontier_postgres::crawler_child", &url);
        let mut other = Crawler::start("frontier_postgres::crawler_child", &url);
        assert!(one.wait_for_commits(1 + random(20)) && other.wait_for_commits(1));
        one.kill();
        other.wait_for_commits(1 + random(10));
        other.kill();
    }
    let survivor = Crawler::start("frontier_postgres::crawler_child", &url);
    let mut victim = Crawler::start("frontier_postgres::crawler_child", &url);
    victim.wait_for_commits(5);
    victim.kill();
    assert!(survivor.wait(), "the one that is left ends the crawl alone");
    WEB.assert_whole(urls(&url));
    let queued: i64 =
        client(&url).query_one("SELECT count(*) FROM crawl_queue", &[]).unwrap().get(0);
    assert_eq!(queued, 0);
}

#[test]
#[ignore = "a child process of other tests"]
fn crawler_child() {
    // A round of the test's crawler is a second of its own time, so leases of the dead expire after
    // five rounds.
    let mut frontier =
        join(&target(), None, 1_760_000_000_000_000).with_lease(Duration::from_secs(5));
    WEB.crawl(&mut frontier, |_| {
        println!("committed");
        true
    });
    frontier.close(0).unwrap();
}

#[test]
fn a_crawler_that_lost_its_host_can_neither_store_a_page_nor_mark_one_done() {
    let Some(url) =
        database("a_crawler_that_lost_its_host_can_neither_store_a_page_nor_mark_one_done")
    else {
        return;
    };
    let (mut slow, mut other) = (join(&url, Some(10), 0), join(&url, Some(10), 0));
    slow.add(&[found(1), found(1 + HOSTS)]).unwrap();
    let host = slow.claim(5, 0).unwrap().hosts.remove(0);
    let visits = slow.take(&[(host.id, 5)], 0).unwrap();
    assert_eq!(visits.len(), 2);
    assert!(other.claim(5, 59 * SECOND).unwrap().hosts.is_empty(), "its lease lives");
    assert_eq!(slow.renew(50 * SECOND).unwrap(), []);
    assert!(other.claim(5, 100 * SECOND).unwrap().hosts.is_empty(), "it was renewed");
    assert_eq!(other.claim(5, 111 * SECOND).unwrap().hosts[0].id, host.id, "it has expired");
    let late = [stored(&visits[0], [2, 3])];
    let kept = slow
        .commit(&late, &[(host.id, HostState { failures: 9, ..HostState::default() })], 0)
        .unwrap();
    assert_eq!((kept.stored, kept.new_urls(), kept.lost), (0, 0, vec![host.id]));
    assert_eq!(slow.counts().unwrap().done, 0);
    assert!(slow.take(&[(host.id, 5)], 0).unwrap().is_empty());
    assert_eq!(slow.renew(0).unwrap(), []);
    slow.release(&[(host.id, HostState::default())], 0).unwrap();
    let again = other.take(&[(host.id, 5)], 111 * SECOND).unwrap();
    assert_eq!(again.len(), 2, "what the other had in hand counts against the budget no longer");
    let done: Vec<Done> = again.iter().map(|visit| stored(visit, [2])).collect();
    let kept = other.commit(&done, &[], 0).unwrap();
    assert_eq!((kept.stored, kept.new_urls(), kept.lost), (2, 1, vec![]));
    assert_eq!(urls(&url).len(), 2);
}

#[test]
fn a_host_that_was_given_back_is_claimed_by_another_with_what_is_known_of_it() {
    let Some(url) =
        database("a_host_that_was_given_back_is_claimed_by_another_with_what_is_known_of_it")
    else {
        return;
    };
    let (mut one, mut other) = (join(&url, None, 0), join(&url, None, 0));
    one.add(&(0..40).map(found).collect::<Vec<_>>()).unwrap();
    let mine = one.claim(3, 0).unwrap().hosts;
    let theirs = other.claim(100, 0).unwrap().hosts;
    assert_eq!((mine.len(), theirs.len()), (3, HOSTS as usize - 3), "no host is in two hands");
    assert_eq!(one.take(&[(mine[0].id, 2)], 0).unwrap().len(), 2);
    let state =
        HostState { not_before_us: 5 * SECOND, delay: Duration::from_millis(70), failures: 2 };
    one.release(&[(mine[0].id, state)], 0).unwrap();
    assert!(other.claim(100, 0).unwrap().hosts.is_empty(), "not yet");
    let host = other.claim(100, 10 * SECOND).unwrap().hosts.remove(0);
    assert_eq!((host.id, host.pending), (mine[0].id, mine[0].pending));
    assert_eq!((host.state.delay, host.state.failures), (state.delay, state.failures));
}

#[test]
fn a_lost_connection_is_made_again_and_what_was_committed_is_not_done_twice() {
    let Some(url) =
        database("a_lost_connection_is_made_again_and_what_was_committed_is_not_done_twice")
    else {
        return;
    };
    let mut frontier = join(&url, None, 0);
    let mut ender = client(&url);
    WEB.crawl(&mut frontier, |_| {
        if random(10) == 0 {
            ender.query(END_OTHERS, &[]).unwrap();
        }
        true
    });
    WEB.assert_whole(urls(&url));
}

#[test]
fn crawlers_share_only_the_crawl_that_they_were_started_for() {
    let Some(url) = database("crawlers_share_only_the_crawl_that_they_were_started_for") else {
        return;
    };
    let open = |depth: &str, begin, max_pages| {
        let settings = Settings::new().with("--depth", depth);
        PostgresFrontier::open(&Context::new(), &url, &settings, begin, max_pages, 0)
    };
    let mut first = open("3", Begin::New, Some(5)).unwrap();
    for (error, part) in [
        (open("3", Begin::New, Some(5)).unwrap_err(), "--resume goes on with it"),
        (
            open("4", Begin::Resume, Some(5)).unwrap_err(),
            "started with --depth 3 where there is --depth 4",
        ),
    ] {
        assert!(error.is_usage() && error.to_string().contains(part), "{error}");
    }
    first.add(&[found(0)]).unwrap();
    first.claim(1, 0).unwrap();
    let error = open("3", Begin::Resume, None).unwrap_err();
    assert!(error.is_usage() && error.to_string().contains("work in"), "{error}");
    first.close(0).unwrap();
    open("3", Begin::Resume, None).unwrap();
    client(&url).batch_execute("UPDATE crawl_job SET format = 7").unwrap();
    let error = open("3", Begin::Resume, None).unwrap_err();
    assert!(error.is_usage() && error.to_string().contains("has format 7"), "{error}");
}

#[test]
fn a_table_pages_of_somebody_else_is_refused_and_nothing_is_made_beside_it() {
    let Some(url) =
        database("a_table_pages_of_somebody_else_is_refused_and_nothing_is_made_beside_it")
    else {
        return;
    };
    client(&url).batch_execute("CREATE TABLE pages (what text NOT NULL)").unwrap();
    for begin in [Begin::New, Begin::Resume] {
        let opened =
            PostgresFrontier::open(&Context::new(), &url, &Settings::new(), begin, None, 0);
        let error = opened.unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("\"pages\""), "{error}");
    }
    let rows = client(&url)
        .query("SELECT relname::text FROM pg_class WHERE relname LIKE 'crawl%'", &[])
        .unwrap();
    assert_eq!(rows.len(), 0, "nothing stays behind");
}

#[test]
fn a_crawler_with_more_than_its_part_of_the_hosts_is_reported_while_another_one_wants_some() {
    let Some(url) = database(
        "a_crawler_with_more_than_its_part_of_the_hosts_is_reported_while_another_one_wants_some",
    ) else {
        return;
    };
    let (mut one, mut other) = (join(&url, None, 0), join(&url, None, 0));
    one.add(&(0..40).map(found).collect::<Vec<_>>()).unwrap();
    let mine = one.claim(100, 0).unwrap().hosts;
    assert_eq!(mine.len(), HOSTS as usize);
    assert_eq!(one.share(true, 0).unwrap(), None, "it is alone");
    assert_eq!(other.share(false, 0).unwrap(), None);
    assert_eq!(one.share(true, 0).unwrap(), None, "the other one wants nothing");
    assert_eq!(other.share(true, 0).unwrap(), None, "it has none to give");
    let part = one.share(true, 0).unwrap().expect("the other one waits");
    assert_eq!(part, (HOSTS as usize).div_ceil(2));
    let gone: Vec<_> = mine[part..].iter().map(|host| (host.id, HostState::default())).collect();
    one.release(&gone, 0).unwrap();
    assert_eq!(other.claim(100, 0).unwrap().hosts.len(), gone.len());
    assert_eq!(
        (other.share(true, 0).unwrap(), one.share(true, 0).unwrap()),
        (None, None),
        "each has its part"
    );
    other.release(&gone, 0).unwrap();
    other.share(true, 0).unwrap();
    assert!(one.share(true, SECOND).unwrap().is_some());
    assert_eq!(
        one.share(true, 60 * SECOND).unwrap(),
        None,
        "the other one has said nothing for long"
    );
    other.share(true, 60 * SECOND).unwrap();
    assert!(one.share(true, 60 * SECOND).unwrap().is_some());
    other.close(0).unwrap();
    assert_eq!(one.share(true, 60 * SECOND).unwrap(), None, "the other one has finished");
}
