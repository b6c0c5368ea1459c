//! `cargo xtask bench crawl`: `millstream crawl` beside spider, colly and scrapy on one site, on a
//! thousand slow hosts, and with much in its frontier.
//!
//! Every crawl gets a web of its own, and what that web was asked for is the answer that is
//! verified.

mod full;
mod site;
mod slow;

use std::path::{Path, PathBuf};

use super::measure::{self, Answer, Run};
use super::{chosen, directory, machine, peers, publish};
use crate::shell::{self, Result, cargo, context, run as sh, step};
use crate::web::{self, Asked, Web};

/// About two kilobytes a page, ten links on each.
const PAGE: [&str; 4] = ["--links", "10", "--bytes", "2000"];

/// Something that the project has set itself, and what came of it.
struct Promise {
    what: &'static str,
    measured: String,
    kept: bool,
}

/// What one part of the comparison gives to the page.
#[derive(Default)]
struct Part {
    text: String,
    promises: Vec<Promise>,
    versions: Vec<String>,
}

/// Builds, runs, shows and records.
pub(crate) fn run(args: &[String]) -> Result {
    let (mut repeat, mut only) = (5, None);
    for (name, value) in shell::flags(args, &["repeat", "only"])? {
        match name {
            "repeat" => repeat = shell::number(name, value)?.max(1),
            _ => only = Some(value),
        }
    }
    peers::packaged("time", "time", &["--version"])?;
    step("build millstream", || {
        sh(&mut cargo(&["build", "--release", "--package", "millstream-cli", "--locked"]))
    })?;
    web::build(&["good_web", "full_frontier"])?;
    let ours = Ours::find()?;
    let mut page = format!(
        "# The crawler and its peers\n\n{}\n\nRepeat it with `cargo xtask bench crawl`. Crawlers and the web that they crawl share \
         this machine; a crawl has a web of its own, which counts what it is asked for. {repeat} turns, everybody once a turn; \
         medians, and the highest memory.\n",
        machine::description()?
    );
    type Measure = fn(&Ours, usize) -> Result<Part>;
    let parts: [(&str, Measure); 3] = [
        ("One site", site::measure),
        ("Slow hosts", slow::measure),
        ("Full frontier", full::measure),
    ];
    let (mut promises, mut versions) =
        (Vec::new(), vec![machine::one_line(&ours.program, &["--version"])]);
    for (title, measure) in parts.iter().filter(|(title, _)| chosen(only, title)) {
        println!("── {title}");
        let part = measure(&ours, repeat)?;
        page.push_str(&format!("\n## {title}\n\n{}", part.text));
        promises.extend(part.promises);
        versions.extend(part.versions);
    }
    page.push_str(&listed(&promises));
    page.push_str(&format!("\n## Versions\n\n- {}\n", versions.join("\n- ")));
    publish("crawl", &page, only.is_none())
}

/// Promises as a table, kept or missed.
fn listed(promises: &[Promise]) -> String {
    let mut text = String::from(
        "\n## Against what was promised\n\n| promise | measured | |\n|---|---:|---|\n",
    );
    for Promise { what, measured, kept } in promises {
        let verdict = if *kept { "kept" } else { "missed" };
        text.push_str(&format!("| {what} | {measured} | {verdict} |\n"));
    }
    text
}

/// Our own program, and where it leaves what it found.
struct Ours {
    program: String,
    database: PathBuf,
    report: PathBuf,
    scratch: PathBuf,
}

/// One crawl: what it cost, and what its web was asked for.
struct Crawled {
    run: Run,
    asked: Asked,
}

impl Ours {
    fn find() -> Result<Self> {
        let name = format!("millstream{}", std::env::consts::EXE_SUFFIX);
        let scratch = directory("crawl")?;
        Ok(Self {
            program: shell::target_dir().join("release").join(name).display().to_string(),
            database: scratch.join("pages.db"),
            report: scratch.join("report.json"),
            scratch,
        })
    }

    /// The command for servers of this machine, which need no pause.
    fn argv(&self, start: &[&str], workers: &str, more: &[&str]) -> Vec<String> {
        let (database, report) =
            (self.database.display().to_string(), self.report.display().to_string());
        let eager =
            ["--allow-private", "--delay", "0s", "--workers", workers, "--per-host", workers];
        let places = ["--to", &database, "--report", &report, "--quiet"];
        let all =
            [&[self.program.as_str(), "crawl"], start, &eager[..], more, &places[..]].concat();
        all.into_iter().map(str::to_owned).collect()
    }

    /// The rows that it stores.
    fn rows(&self) -> Answer {
        Answer::RowsOf("pages", self.database.clone())
    }

    /// The time that the crawl itself took by its report, without opening and closing.
    fn crawling_s(&self) -> Result<f64> {
        let text = context(std::fs::read_to_string(&self.report), self.report.display())?;
        web::decimal(&text, "elapsed_s").ok_or_else(|| "the report has no elapsed_s".into())
    }
}

/// Lets a crawler loose on a new web. `URL` among its arguments becomes the web's first page.
fn crawl(shape: &[&str], argv: &[String], answer: &Answer, scratch: &Path) -> Result<Crawled> {
    let mut web = Web::start(shape)?;
    let argv: Vec<String> =
        argv.iter().map(|arg| if arg == "URL" { web.url.clone() } else { arg.clone() }).collect();
    let run = measure::once(&argv, answer, scratch)?;
    Ok(Crawled { run, asked: web.end()? })
}

/// The command as one would type it.
fn shown(argv: &[String]) -> String {
    shell::shown(shell::command(&argv[0]).args(&argv[1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_promise_is_listed_like_a_kept_one() {
        let promise = |what, kept| Promise { what, measured: "7".to_owned(), kept };
        let text = listed(&[promise("fast", true), promise("small", false)]);
        assert!(text.ends_with("| fast | 7 | kept |\n| small | 7 | missed |\n"), "{text}");
    }
}
