//! A crawl of a host that answers by chance, beside a host that answers well and must not suffer
//! from it.
//!
//! All hosts are ports of this machine: no link, redirect or sitemap leads anywhere else.

mod answers;
mod bodies;
mod server;

use std::collections::BTreeSet;

use super::case::Case;
use super::run::{Ran, Run};
use crate::json::Json;
use crate::shell::Result;
use server::Server;

/// The pages of the host that answers well.
const PAGES: usize = 8;

/// One crawl of both hosts.
pub(super) fn case(case: &mut Case) -> Result {
    let hostile = Server::hostile(case.random.next())?;
    let good = Server::good(PAGES)?;
    let random = &mut case.random;
    let mut starts = vec![hostile.url("/"), good.url("/")];
    starts.extend((0..random.within(1..=12)).map(|page| hostile.url(&format!("/{page}"))));
    random.shuffle(&mut starts);
    let mut run = Run::new("crawl").args([
        "--allow-private",
        "--delay=0s",
        "--workers=8",
        "--max-body=100KB",
    ]);
    run = run.args(["--timeout=400ms", "--per-host=4", "--to=rows.jsonl"]).report("r.json");
    run = run.arg(format!("--attempts={}", random.within(1..=3)));
    for option in [
        "--sitemap",
        "--ignore-robots",
        "--warc=warc",
        "--depth=2",
        "--scope=any",
        "--drop-tracking",
    ] {
        if random.one_in(3) {
            run = run.arg(option);
        }
    }
    if random.one_in(4) {
        let listed = starts.split_off(starts.len() / 2).join("\n");
        case.input("urls.txt", listed.as_bytes())?;
        run = run.arg("--urls=urls.txt");
    }
    // A host may ask for a long wait, which is right: then the deadline ends the run.
    let ran = case.run(run.args(starts).deadline(3_000, 500))?;
    if !matches!(ran.code, Some(0 | 1 | 4)) {
        case.found(format!("hosts that answer badly ended the crawl with {:?}", ran.code));
    }
    let urls = rows(case, &ran);
    let missing: Vec<String> =
        good.urls(PAGES).into_iter().filter(|url| !urls.contains(url)).collect();
    if !missing.is_empty() {
        let what = format!(
            "{} pages of the host that answers well have no row: {}",
            missing.len(),
            missing[0]
        );
        // On a busy machine, the deadline may come before them.
        case.found_late(what);
    }
    Ok(())
}

/// The URLs that have a row and did not fail on the good host; each has one row, and the report
/// counts them.
fn rows(case: &mut Case, ran: &Ran) -> BTreeSet<String> {
    let mut urls = BTreeSet::new();
    let text = case.read("rows.jsonl");
    let mut count = 0;
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        count += 1;
        match Json::parse(line) {
            Err(error) => case.found(format!("a row is {error}")),
            Ok(row) => {
                let url = row.text("url").unwrap_or_default().to_owned();
                if urls.contains(&url) {
                    case.found(format!("two rows for {url}"));
                }
                urls.insert(url);
            }
        }
    }
    let summary = ran.report.as_ref().and_then(|report| report.get("summary"));
    let reported =
        summary.and_then(|summary| Some(summary.count("pages")? + summary.count("failed")?));
    if ran.report.is_some() && reported != Some(count) {
        case.found(format!("the report counts {reported:?} URLs, and there are {count} rows"));
    }
    urls
}
