//! `millstream crawl` that is interrupted, killed, or dies beside another one: no URL is lost, and
//! none is stored twice.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

use connect::testing::{Cluster, or_skip};
use crawl::testing::bad_web::BadWeb;
use crawl::testing::good_web::{GoodWeb, Plan};
use rustix::process::Signal;
use serde_json::Value;

use crate::crawl_support::{
    EAGER, command, crawl, good_web, is_whole, pages, shape, wait_for_requests,
};
use crate::support::{Directory, Ran, signal};

#[test]
fn a_first_interrupt_stores_what_is_under_way_and_the_next_run_asks_for_the_rest_only() {
    let directory = Directory::new();
    let plan = Plan { latency: Duration::from_millis(2), ..shape(2, 300) };
    good_web(plan, |web| {
        let args = format!("{} --scope any {EAGER}", web.url(0));
        let mut child = command(&directory, &args).spawn().unwrap();
        assert!(wait_for_requests(web, &mut child, 100));
        signal(&child, Signal::INT);
        let ran = Ran::of(child.wait_with_output().unwrap()).ended(130);
        ran.says(&["stopping", "Ctrl-C again", "interrupted", "URLs left"]);
        assert_eq!(
            pages(&directory, "crawl.db").len() as u64,
            web.all_requests(),
            "all that was started is stored"
        );
        crawl(&directory, &format!("{args} --resume")).ended(0);
        is_whole(web, &pages(&directory, "crawl.db"));
        assert_eq!(web.pages_asked_for(2), 0);
    });
}

#[test]
fn a_second_interrupt_leaves_at_once() {
    let directory = Directory::new();
    // It answers later than anybody waits.
    let plan = Plan { latency: Duration::from_secs(3_600), ..shape(1, 3) };
    good_web(plan, |web| {
        let args = format!("{} {EAGER} --ignore-robots --timeout 1h --grace 1h", web.url(0));
        let mut child = command(&directory, &args).spawn().unwrap();
        while web.most_at_once(0) == 0 {
            assert_eq!(child.try_wait().unwrap(), None);
            std::thread::yield_now();
        }
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        signal(&child, Signal::INT);
        let mut line = String::new();
        while !line.contains("Ctrl-C") {
            line.clear();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended without a word");
        }
        signal(&child, Signal::INT);
        assert_eq!(child.wait().unwrap().code(), Some(130));
    });
}

#[test]
fn a_deadline_ends_a_crawl_and_says_so() {
    let directory = Directory::new();
    let plan = Plan { latency: Duration::from_secs(3_600), ..shape(1, 3) };
    good_web(plan, |web| {
        let ran = crawl(&directory, &format!("{} {EAGER} --deadline 300ms --report -", web.url(0)))
            .ended(4);
        let report: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!((&report["status"], &report["balances"]), (&"deadline".into(), &true.into()));
        assert_eq!(report["summary"]["left"], 1, "{report}");
    });
}

/// Kills runs, each after the web was asked for this many more pages; how many were killed before
/// they ended.
fn kill(web: &GoodWeb, directory: &Directory, args: &str, times: usize, after: u64) -> usize {
    let mut killed = 0;
    for _ in 0..times {
        let mut child =
            command(directory, args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        killed += usize::from(wait_for_requests(web, &mut child, web.all_requests() + after));
        end(child);
    }
    killed
}

/// SIGKILL, also when it has just ended.
fn end(mut child: Child) {
    let _ = child.kill();
    child.wait().unwrap();
}

#[test]
fn a_crawl_killed_twenty_times_and_resumed_loses_no_url_and_stores_none_twice() {
    let directory = Directory::new();
    good_web(shape(3, 500), |web| {
        let args = format!("{} --scope any {EAGER} --resume", web.url(0));
        let killed = kill(web, &directory, &args, 20, 50);
        assert!(killed >= 15, "only {killed} of 20 runs were killed before they ended");
        crawl(&directory, &args).ended(0);
        is_whole(web, &pages(&directory, "crawl.db"));
    });
}

#[test]
fn killed_crawls_leave_json_lines_with_each_page_once_as_well() {
    let directory = Directory::new();
    good_web(shape(2, 300), |web| {
        let args = format!("{} --scope any {EAGER} --to pages.jsonl --resume", web.url(0));
        assert!(kill(web, &directory, &args, 6, 50) >= 4);
        crawl(&directory, &args).ended(0);
        let text = String::from_utf8(directory.read("pages.jsonl")).unwrap();
        let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let stored: Vec<(String, u64)> = rows
            .map(|row| (row["url"].as_str().unwrap().to_owned(), row["links"].as_u64().unwrap()))
            .collect();
        is_whole(web, &stored);
    });
}

#[test]
fn of_two_crawlers_on_one_frontier_one_is_killed_and_the_other_ends_the_crawl() {
    let test = "of_two_crawlers_on_one_frontier_one_is_killed_and_the_other_ends_the_crawl";
    let Some(cluster) = or_skip(test, Cluster::start()) else { return };
    let url = cluster.new_database().unwrap();
    let directory = Directory::new();
    let plan = Plan { latency: Duration::from_millis(2), ..shape(6, 150) };
    good_web(plan, |web| {
        let args = format!("{} --scope any {EAGER} --frontier {url}", web.url(0));
        let mut victim = command(&directory, &args).spawn().unwrap();
        assert!(wait_for_requests(web, &mut victim, 1));
        let survivor =
            command(&directory, &format!("{args} --report report.json")).spawn().unwrap();
        assert!(wait_for_requests(web, &mut victim, web.graph().pages() / 2), "it is half-way");
        end(victim);
        // It takes over what the other one had when its lease has expired.
        Ran::of(survivor.wait_with_output().unwrap()).ended(0);
        assert_eq!(directory.report("report.json")["summary"]["left"], 0);
        let mut db = ::postgres::Client::connect(&url, ::postgres::NoTls).unwrap();
        let rows = db.query("SELECT url, links FROM pages", &[]).unwrap();
        let stored: Vec<(String, u64)> =
            rows.iter().map(|row| (row.get(0), row.get::<_, i64>(1).cast_unsigned())).collect();
        is_whole(web, &stored);
    });
}

#[test]
fn a_host_that_is_left_alone_is_left_alone_by_the_run_after_a_kill_as_well() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let web = runtime.block_on(BadWeb::start()).unwrap();
    let directory = Directory::new();
    let list: String = (0..50).map(|number| format!("{}/close?{number}\n", web.origin())).collect();
    directory.write("urls.txt", list);
    let args = "--urls urls.txt --scope page --allow-private --delay 0s --ignore-robots --attempts 1 --resume";
    let mut child = command(&directory, args).spawn().unwrap();
    // Twenty URLs in a row without a response: the host gets a quarter of a minute, of which two
    // thirds are left at least.
    let noted = || {
        let db = rusqlite::Connection::open(directory.path("crawl.db")).ok()?;
        let sql = "SELECT not_before_us - unixepoch() * 1000000 > 10000000 FROM crawl_hosts";
        db.query_one(sql, [], |row| row.get::<_, bool>(0)).ok()
    };
    while noted() != Some(true) {
        assert_eq!(child.try_wait().unwrap(), None);
        std::thread::yield_now();
    }
    end(child);
    let asked = web.hits("/close");
    let ran = crawl(&directory, &format!("{args} --deadline 1s")).ended(4);
    assert_eq!(web.hits("/close"), asked, "{}", ran.err);
}
