//! Depth is that of the shortest way, whichever way is found first: frontiers compared with a
//! search in breadth on random webs, with visits that take as long as they like.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use connect::testing::{Cluster, or_skip};
use crawl::frontier::{
    Begin, Done, End, Found, Frontier, HostId, Output, PostgresFrontier, Settings, SqliteFrontier,
    Step, Visit,
};
use crawl::page::ErrorKind;
use millstream::Context;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::frontier_support::{again, number, page};

const HOSTS: u64 = 3;
const SITEMAPS: u32 = 1 << 30;

/// A web, how far it is crawled, and in which order visits end.
#[derive(Clone, Debug)]
struct Plan {
    /// What each page links to; one that redirects leads to the first only.
    links: Vec<Vec<usize>>,
    redirects: Vec<bool>,
    /// URLs that are named as starts, after a number of rounds: the first one is a start of the
    /// crawl.
    starts: Vec<(usize, usize)>,
    depth: Option<u32>,
    most_redirects: u32,
    /// For each round: how many URLs are taken of each host, which visits are left in hand, and
    /// which fail.
    rounds: Vec<(u8, u8, u8)>,
    reopens: BTreeSet<usize>,
}

fn plans() -> impl Strategy<Value = Plan> {
    (2usize..25)
        .prop_flat_map(|size| {
            let links = prop::collection::vec(prop::collection::vec(0..size, 0..4), size);
            let redirects = prop::collection::vec(prop::bool::weighted(0.3), size);
            let later = prop::collection::vec((0..size, 0usize..12), 0..3);
            let rounds = prop::collection::vec((any::<u8>(), any::<u8>(), any::<u8>()), 1..12);
            let reach = (
                prop::option::weighted(0.8, 0u32..5),
                prop_oneof![Just(0u32), Just(1), Just(2), Just(10)],
            );
            let reopens = prop::collection::btree_set(0usize..12, 0..3);
            (links, redirects, later, rounds, reach, reopens)
        })
        .prop_map(|(links, redirects, later, rounds, (depth, most_redirects), reopens)| {
            let starts = std::iter::once((0, 0)).chain(later).collect();
            Plan { links, redirects, starts, depth, most_redirects, rounds, reopens }
        })
}

/// Depth, redirects, and whether the row is a failure.
type Row = (u32, u32, bool);

impl Plan {
    fn settings(&self) -> Settings {
        Settings::new().within(self.depth, self.most_redirects)
    }

    fn found(number: usize, depth: u32, redirects: u32, step: Step) -> Found {
        let host = number as u64 % HOSTS;
        Found {
            url: format!("http://h{host}.test/{number}"),
            origin: format!("http://h{host}.test:80"),
            key: (number as u128) << 64 | 9,
            depth,
            redirects,
            step,
        }
    }

    /// What a visit gives, as a worker reports it that knows only how its URL was reached when it
    /// was taken.
    fn visited(&self, visit: &Visit) -> Done {
        let at = number(&visit.url) as usize;
        let depth = if visit.depth < SITEMAPS { visit.depth } else { 0 };
        let mut row = page(visit);
        row.depth = depth;
        let found = if self.redirects[at] {
            let to = self.links[at].first().filter(|to| **to != at);
            if to.is_some() && visit.redirects >= self.most_redirects {
                (row.error, row.message) = (Some(ErrorKind::Redirect), Some("too many".to_owned()));
            }
            to.map(|to| Self::found(*to, visit.depth, visit.redirects + 1, Step::Redirect))
                .into_iter()
                .collect()
        } else {
            self.links[at].iter().map(|to| Self::found(*to, depth + 1, 0, Step::Link)).collect()
        };
        Done { visit: visit.id, host: visit.host, end: End::Stored { page: row, found } }
    }

    /// The rows as they must be: all ways are tried until none is shorter.
    fn expected(&self) -> BTreeMap<u64, Row> {
        let limit = self.depth.unwrap_or(u32::MAX);
        let mut ways: BTreeMap<usize, (u32, u32)> =
            self.starts.iter().map(|(start, _)| (*start, (0, 0))).collect();
        loop {
            let before = ways.clone();
            for (at, (depth, redirects)) in &before {
                let next =
                    if self.redirects[*at] { (*depth, redirects + 1) } else { (depth + 1, 0) };
                let to = if self.redirects[*at] {
                    &self.links[*at][..self.links[*at].len().min(1)]
                } else {
                    &self.links[*at]
                };
                for to in to {
                    if (self.redirects[*at] && to == at)
                        || next.0 > limit
                        || next.1 > self.most_redirects
                    {
                        continue;
                    }
                    let way = ways.entry(*to).or_insert(next);
                    *way = (way.0.min(next.0), way.1.min(next.1));
                }
            }
            if before == ways {
                break;
            }
        }
        let failed = |at: usize, redirects: u32| {
            self.redirects[at]
                && self.links[at].first().is_some_and(|to| *to != at)
                && redirects >= self.most_redirects
        };
        ways.into_iter()
            .map(|(at, (depth, redirects))| (at as u64, (depth, redirects, failed(at, redirects))))
            .collect()
    }

    /// Crawls to the end; gives how often each URL was visited to its end, and how many rows were
    /// mended.
    fn crawl(&self, mut open: impl FnMut(bool) -> Box<dyn Frontier>) -> (BTreeMap<u64, u32>, u64) {
        let (mut visits, mut mended) = (BTreeMap::new(), 0);
        let mut frontier = open(true);
        let (mut hosts, mut hand): (Vec<HostId>, Vec<Visit>) = Default::default();
        for round in 0.. {
            let now = round as i64 * 1_000_000;
            let (want, stays, fails) = self.rounds.get(round).copied().unwrap_or((u8::MAX, 0, 0));
            let late = self.starts.iter().filter(|(_, after)| *after == round);
            for (at, (start, _)) in late.enumerate() {
                // Some of them are wanted as sitemaps, which count as starts.
                let depth = if at % 2 == 1 { SITEMAPS } else { 0 };
                mended +=
                    frontier.add(&[Self::found(*start, depth, 0, Step::Start)]).unwrap().mended;
            }
            if self.reopens.contains(&round) {
                frontier.close(now).unwrap();
                drop(frontier);
                frontier = open(false);
                hosts.clear();
                hand.clear();
            }
            hosts.extend(frontier.claim(9, now).unwrap().hosts.iter().map(|host| host.id));
            let wants: Vec<_> = hosts.iter().map(|host| (*host, usize::from(want % 4))).collect();
            hand.extend(frontier.take(&wants, now).unwrap());
            let (mut left, mut done) = (Vec::new(), Vec::new());
            for (at, visit) in std::mem::take(&mut hand).into_iter().enumerate() {
                match () {
                    () if stays >> (at % 8) & 1 == 1 => left.push(visit),
                    () if fails >> (at % 8) & 1 == 1 => done.push(again(&visit, now + 500_000)),
                    () => {
                        *visits.entry(number(&visit.url)).or_default() += 1;
                        done.push(self.visited(&visit));
                    }
                }
            }
            // The one that was taken last ends first.
            done.reverse();
            hand = left;
            let kept = frontier.commit(&done, &[], now).unwrap();
            mended += kept.mended;
            let is_finished = frontier.counts().unwrap().is_finished();
            if is_finished && self.starts.iter().all(|(_, after)| *after <= round) {
                break;
            }
        }
        frontier.close(0).unwrap();
        (visits, mended)
    }
}

fn rows(path: &Path) -> BTreeMap<u64, Row> {
    let database = rusqlite::Connection::open(path).unwrap();
    let mut select = database.prepare("SELECT url, depth, redirects, error FROM pages").unwrap();
    let rows = select.query_map([], |row| {
        let (url, error): (String, Option<String>) = (row.get(0)?, row.get(3)?);
        Ok((number(&url), (row.get(1)?, row.get(2)?, error.is_some())))
    });
    let rows: Vec<_> = rows.unwrap().map(Result::unwrap).collect();
    let count = rows.len();
    let rows = BTreeMap::from_iter(rows);
    assert_eq!(rows.len(), count, "each has one row");
    rows
}

fn once(rows: &BTreeMap<u64, Row>) -> BTreeMap<u64, u32> {
    rows.keys().map(|number| (*number, 1)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]
    #[test]
    fn in_sqlite_all_within_reach_is_visited_once_and_has_the_depth_of_the_shortest_way(plan in plans()) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out.db");
        let (visits, _) = plan.crawl(|is_new| {
            let begin = if is_new { Begin::New } else { Begin::Resume };
            Box::new(SqliteFrontier::open(&path, Output::Table, &plan.settings(), begin, None).unwrap())
        });
        let expected = plan.expected();
        prop_assert_eq!(rows(&path), expected.clone());
        prop_assert_eq!(visits, once(&expected));
    }

    #[test]
    fn in_json_lines_all_within_reach_is_visited_once(plan in plans()) {
        let directory = tempfile::tempdir().unwrap();
        let (path, lines) = (directory.path().join("out.db"), directory.path().join("out.jsonl"));
        let (visits, _) = plan.crawl(|is_new| {
            let begin = if is_new { Begin::New } else { Begin::Resume };
            let output = Output::JsonLines(lines.clone());
            Box::new(SqliteFrontier::open(&path, output, &plan.settings(), begin, None).unwrap())
        });
        let text = std::fs::read_to_string(&lines).unwrap();
        let url = |line: &str| number(serde_json::from_str::<serde_json::Value>(line).unwrap()["url"].as_str().unwrap());
        let stored: Vec<u64> = text.lines().map(url).collect();
        let expected = plan.expected();
        prop_assert_eq!(stored.len(), expected.len());
        prop_assert_eq!(stored.into_iter().collect::<BTreeSet<_>>(), expected.keys().copied().collect());
        prop_assert_eq!(visits, once(&expected));
    }
}

#[test]
fn in_postgres_all_within_reach_is_visited_once_and_has_the_depth_of_the_shortest_way() {
    let test = "in_postgres_all_within_reach_is_visited_once_and_has_the_depth_of_the_shortest_way";
    let Some(cluster) = or_skip(test, Cluster::start()) else { return };
    let config =
        ProptestConfig { cases: 25, failure_persistence: None, ..ProptestConfig::default() };
    let run = |plan: Plan| {
        let url = cluster.new_database().unwrap();
        let (visits, _) = plan.crawl(|_| {
            let settings = plan.settings();
            Box::new(
                PostgresFrontier::open(&Context::new(), &url, &settings, Begin::Resume, None, 0)
                    .unwrap(),
            )
        });
        let sql = "SELECT url, depth, redirects, error IS NOT NULL FROM pages";
        let stored =
            ::postgres::Client::connect(&url, ::postgres::NoTls).unwrap().query(sql, &[]).unwrap();
        let expected = plan.expected();
        assert_eq!(stored.len(), expected.len(), "each has one row");
        let row = |row: &::postgres::Row| {
            let (depth, redirects): (i64, i64) = (row.get(1), row.get(2));
            (
                number(row.get(0)),
                (u32::try_from(depth).unwrap(), u32::try_from(redirects).unwrap(), row.get(3)),
            )
        };
        assert_eq!(BTreeMap::from_iter(stored.iter().map(row)), expected);
        assert_eq!(visits, once(&expected));
        Ok(())
    };
    TestRunner::new(config).run(&plans(), run).unwrap();
}

#[test]
fn a_redirect_that_was_one_too_many_is_followed_when_a_link_to_it_is_found_and_its_row_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.db");
    // 0 redirects to 1, 1 to 2, 2 to 3: the third is one too many, until 4 links to 2.
    let plan = Plan {
        links: vec![vec![1], vec![2], vec![3], vec![], vec![2]],
        redirects: vec![true, true, true, false, false],
        starts: vec![(0, 0), (4, 4)],
        depth: None,
        most_redirects: 2,
        rounds: vec![(3, 0, 0); 4],
        reopens: BTreeSet::new(),
    };
    let (_, mended) = plan.crawl(|_| {
        Box::new(
            SqliteFrontier::open(&path, Output::Table, &plan.settings(), Begin::New, None).unwrap(),
        )
    });
    assert_eq!(mended, 1);
    assert_eq!(rows(&path), plan.expected());
    assert!(rows(&path).contains_key(&3));
}
