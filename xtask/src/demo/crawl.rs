//! `millstream crawl`: a web of known shape, crawled whole; the counts are checked, and a second
//! run has nothing to do.
//!
//! It can be run again: the web is the same each time, the database is made again.

use std::fs;
use std::path::Path;

use super::program::{build, directory, millstream, typed};
use crate::needs;
use crate::shell::{Result, context, step};
use crate::web::{self, Web, number};

/// Five hosts of two thousand pages; the web prints what a crawl of it must find.
const SHAPE: [&str; 6] = ["--hosts", "5", "--pages", "2000", "--links", "10"];
/// The servers are on this machine and nobody else's: they need no pause.
const EAGER: [&str; 7] = ["--scope", "any", "--allow-private", "--delay", "0s", "--per-host", "8"];

/// Starts the web, crawls it, compares, and crawls it again.
pub(super) fn run() -> Result {
    let directory = directory()?;
    needs::to_build()?;
    build("crawl")?;
    web::build(&["good_web"])?;
    let (database, first) = (directory.join("crawl.db"), directory.join("crawl-first.db"));
    let report = directory.join("crawl.json");
    remove(&database)?;
    remove(&first)?;
    let mut web = Web::start(&SHAPE)?;
    println!("The web is at {}: {} pages with {} links.", web.url, web.pages, web.links);
    let (database, first, shown) = (typed(&database), typed(&first), typed(&report));
    let crawl = [&["crawl", web.url.as_str()], &EAGER[..]].concat();
    let stored = [&crawl[..], &["--workers", "40", "--to", &database]].concat();
    millstream(
        "crawl it into SQLite, with a report",
        &[&stored[..], &["--report", &shown]].concat(),
    )?;
    step("what was stored is the web that is known", || counts(&report, web.pages, web.links))?;
    let rows = ["--max-pages", "5", "--to", "table", "--frontier", &first];
    millstream("the first rows", &[&crawl[..], &rows].concat())?;
    let again = [&stored[..], &["--resume", "--report", &shown]].concat();
    millstream("the same again: nothing is left to do", &again)?;
    step("the second run visited nothing", || counts(&report, 0, 0))?;
    let asked = web.end()?;
    // The five that were shown as first rows were asked for by another crawl.
    println!(
        "The web was asked for {} of its pages, {} times in all.",
        asked.pages, asked.requests
    );
    println!(
        "The pages are in {database}, table `pages`; the report of the second run is in {}.",
        typed(&report)
    );
    Ok(())
}

/// A database of an earlier run would be gone on with, or refused.
fn remove(database: &Path) -> Result {
    for ending in ["", "-wal", "-shm", "-crawl"] {
        let file = format!("{}{ending}", database.display());
        if Path::new(&file).exists() {
            context(fs::remove_file(&file), &file)?;
        }
    }
    Ok(())
}

/// Fails unless the report has just these pages and links, and no failure.
fn counts(report: &Path, pages: u64, links: u64) -> Result {
    let text = context(fs::read_to_string(report), report.display())?;
    let summary = text.split_once("\"summary\"").map_or("", |(_, summary)| summary);
    for (name, wanted) in [("pages", pages), ("links", links), ("failed", 0), ("left", 0)] {
        match number(summary, name) {
            Some(found) if found == wanted => println!("{name}: {found}, as it must be"),
            found => {
                return Err(
                    format!("{name}: {found:?} were reported, {wanted} there must be").into()
                );
            }
        }
    }
    Ok(())
}
