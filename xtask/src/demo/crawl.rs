//! `millstream crawl`: a web of known shape, crawled whole; the counts are checked, and a second run has nothing to do.
//!
//! It can be run again: the web is the same each time, the database is made anew.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Stdio};

use super::{build, folder, millstream, typed};
use crate::needs;
use crate::shell::{self, Result, cargo, context, run as sh, step};

/// Five hosts of two thousand pages; the web prints what a crawl of it must find.
const SHAPE: [&str; 6] = ["--hosts", "5", "--pages", "2000", "--links", "10"];
/// The servers are on this machine and nobody else's: they need no pause.
const EAGER: [&str; 7] = ["--scope", "any", "--allow-private", "--delay", "0s", "--per-host", "8"];

/// Starts the web, crawls it, compares, and crawls it again.
pub(super) fn run() -> Result {
    let folder = folder()?;
    needs::to_build()?;
    build()?;
    step("build the web to crawl", || {
        let make = ["build", "--release", "--package", "millstream-crawl", "--features", "testing"];
        sh(&mut cargo(&[&make[..], &["--example", "good_web", "--locked"]].concat()))
    })?;
    let (database, first) = (folder.join("crawl.db"), folder.join("crawl-first.db"));
    let report = folder.join("crawl.json");
    remove(&database)?;
    remove(&first)?;
    let mut web = Web::start()?;
    println!("The web is at {}: {} pages with {} links.", web.url, web.pages, web.links);
    let (database, first, told) = (typed(&database), typed(&first), typed(&report));
    let crawl = [&["crawl", web.url.as_str()], &EAGER[..]].concat();
    let stored = [&crawl[..], &["--workers", "40", "--to", &database]].concat();
    millstream("crawl it into SQLite, with a report", &[&stored[..], &["--report", &told]].concat())?;
    step("what was stored is the web that is known", || web.compare(&report))?;
    let rows = ["--max-pages", "5", "--to", "table", "--frontier", &first];
    millstream("the first rows", &[&crawl[..], &rows].concat())?;
    let again = [&stored[..], &["--resume", "--report", &told]].concat();
    millstream("the same again: nothing is left to do", &again)?;
    step("the second run visited nothing", || counts(&report, 0, 0))?;
    println!("{}", web.end()?);
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

/// The web, which is served as long as its standard input is open.
struct Web {
    child: Child,
    url: String,
    pages: u64,
    links: u64,
}

impl Web {
    fn start() -> Result<Self> {
        let name = format!("good_web{}", std::env::consts::EXE_SUFFIX);
        let program = shell::target_dir().join("release/examples").join(name);
        let mut command = shell::command(program);
        command.args(SHAPE).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = context(command.spawn(), shell::shown(&command))?;
        let mut line = String::new();
        // The rest comes when the web ends, so nothing of it is read ahead and lost.
        let out = child.stdout.as_mut().ok_or("the web has no standard output")?;
        context(BufReader::new(out).read_line(&mut line), "the web's first line")?;
        let url = text(&line, "url").ok_or_else(|| format!("the web did not say where it is: {line}"))?;
        let number = |name| number(&line, name).ok_or_else(|| format!("the web told no {name}: {line}"));
        let (pages, links) = (number("pages")?, number("links")?);
        Ok(Self { child, url, pages, links })
    }

    fn compare(&self, report: &Path) -> Result {
        counts(report, self.pages, self.links)
    }

    /// What it was asked for, in words.
    fn end(&mut self) -> Result<String> {
        drop(self.child.stdin.take());
        let mut told = String::new();
        let out = self.child.stdout.as_mut().ok_or("the web has no standard output")?;
        context(out.read_to_string(&mut told), "the web's last line")?;
        context(self.child.wait(), "the web")?;
        let number = |name| number(&told, name).ok_or_else(|| format!("the web told no {name}: {told}"));
        // The five that were shown as first rows were asked for by another crawl.
        Ok(format!(
            "The web was asked for {} of its pages, {} times in all.",
            number("pages")?,
            number("requests")?
        ))
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        // Its input is closed with it; a demo that failed must not leave it waiting for its end.
        drop(self.child.stdin.take());
        let _ended = self.child.wait();
    }
}

/// Fails unless the report has just these pages and links, and no failure.
fn counts(report: &Path, pages: u64, links: u64) -> Result {
    let text = context(fs::read_to_string(report), report.display())?;
    let summary = text.split_once("\"summary\"").map_or("", |(_, summary)| summary);
    for (name, wanted) in [("pages", pages), ("links", links), ("failed", 0), ("left", 0)] {
        match number(summary, name) {
            Some(found) if found == wanted => println!("{name}: {found}, as it must be"),
            found => return Err(format!("{name}: {found:?} were reported, {wanted} there must be").into()),
        }
    }
    Ok(())
}

/// A number of a JSON text by its name, the first of this name.
fn number(json: &str, name: &str) -> Option<u64> {
    let rest = value(json, name)?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// The same for a text without escapes.
fn text(json: &str, name: &str) -> Option<String> {
    let (text, _) = value(json, name)?.strip_prefix('"')?.split_once('"')?;
    Some(text.to_owned())
}

fn value<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = json.split_once(&format!("\"{name}\":"))?;
    Some(rest.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_web_and_the_report_say_is_read() {
        let line = r#"{"links":2000,"pages":200,"url":"http://127.0.0.1:4000/"}"#;
        assert_eq!((number(line, "pages"), number(line, "links")), (Some(200), Some(2000)));
        assert_eq!(text(line, "url").as_deref(), Some("http://127.0.0.1:4000/"));
        assert_eq!((number(line, "left"), text(line, "links")), (None, None));
        assert_eq!(number("\"summary\": {\n  \"pages\": 7,\n", "pages"), Some(7));
    }
}
