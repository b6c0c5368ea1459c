//! A web of known shape beside the binary that crawls it, and what the binary stored.

use std::collections::BTreeSet;
use std::process::{Child, Command};

use crawl::testing::good_web::{GoodWeb, Graph, Plan};
use millstream::Context;

use crate::support::{Directory, Ran};

/// What a crawler of this machine needs, and as fast as the web answers.
pub(crate) const EAGER: &str = "--allow-private --delay 0s --per-host 4 --workers 8";

/// Serves a web of this shape beside `body`.
pub(crate) fn good_web<R>(plan: Plan, body: impl FnOnce(&GoodWeb) -> R) -> R {
    GoodWeb::serve(&Context::new(), plan, body).unwrap()
}

/// `hosts` hosts with `pages` pages each, with ten links.
pub(crate) fn shape(hosts: u32, pages: u32) -> Plan {
    Plan { graph: Graph::new(hosts, pages, 10), ..Plan::default() }
}

/// A run of `millstream crawl` with these arguments, split at spaces.
pub(crate) fn command(directory: &Directory, args: &str) -> Command {
    directory.program("crawl", args.split(' '))
}

pub(crate) fn crawl(directory: &Directory, args: &str) -> Ran {
    Ran::of(command(directory, args).output().unwrap())
}

/// The `pages` of a database: URL and links.
pub(crate) fn pages(directory: &Directory, database: &str) -> Vec<(String, u64)> {
    let db = rusqlite::Connection::open(directory.path(database)).unwrap();
    let mut select = db.prepare("SELECT url, links FROM pages ORDER BY url").unwrap();
    let pages = select
        .query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))
        .unwrap();
    pages.map(Result::unwrap).collect()
}

/// Each page of the web is there, with all of its links, and none is there twice.
#[track_caller]
pub(crate) fn is_whole(web: &GoodWeb, pages: &[(String, u64)]) {
    let graph = web.graph();
    let stored: BTreeSet<&str> = pages.iter().map(|(url, _)| url.as_str()).collect();
    let missing: Vec<String> = (0..graph.pages())
        .map(|page| web.url(page))
        .filter(|url| !stored.contains(url.as_str()))
        .take(5)
        .collect();
    assert!(missing.is_empty(), "lost: {missing:?}");
    assert_eq!(pages.len() as u64, graph.pages(), "each is stored once");
    assert_eq!(pages.iter().map(|(_, links)| links).sum::<u64>(), graph.all_links());
}

/// Waits until the web was asked for this many pages; false if the child has finished before.
pub(crate) fn wait_for_requests(web: &GoodWeb, child: &mut Child, wanted: u64) -> bool {
    while web.all_requests() < wanted {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::yield_now();
    }
    true
}
