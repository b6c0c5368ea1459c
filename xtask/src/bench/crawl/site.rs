//! One site, crawled whole by everybody with 64 connections.

use super::ours::{Crawled, Ours, PAGE, Part, Promise, crawl, shown};
use crate::bench::machine;
use crate::bench::measure::Answer;
use crate::bench::peers::{self, Peer};
use crate::bench::record::median;
use crate::shell::{self, Result, command};
use crate::web::Web;

const PAGES: u64 = 20_000;
/// scrapy would take minutes for all of them; its rate does not depend on it.
const FEW_PAGES: u64 = 1_000;
const CONNECTIONS: &str = "64";

const ABOUT: &str = "A host of 20,000 pages of about 2 KB with ten links each, which answers at once; 64 connections, no delay, \
    robots.txt read and obeyed. millstream parses every page and stores it in SQLite; the others parse it and store nothing. \
    `pages/s` counts different pages, over the whole time of the program; who fetches a page twice has worked for nothing. \
    scrapy gets a site of 1,000 pages of the same kind.";

struct Crawler {
    name: &'static str,
    pages: u64,
    argv: Vec<String>,
    answer: Answer,
}

struct Row {
    name: &'static str,
    rate: f64,
    pages: u64,
    twice: u64,
    cpu_s: f64,
    cpu_us: f64,
    peak_mb: f64,
}

pub(super) fn measure(ours: &Ours, repeat: usize) -> Result<Part> {
    let mut part = Part { text: format!("{ABOUT}\n\n"), ..Part::default() };
    let crawlers = crawlers(ours, &mut part);
    let mut runs: Vec<Vec<Crawled>> = crawlers.iter().map(|_| Vec::new()).collect();
    for _ in 0..repeat {
        for (crawler, runs) in crawlers.iter().zip(&mut runs) {
            runs.push(once(crawler, ours)?);
        }
    }
    let rows: Vec<Row> =
        crawlers.iter().zip(&runs).map(|(crawler, runs)| row(crawler, runs)).collect();
    part.text.push_str(&table(&rows));
    part.text.push_str("\nCommands, each with a web of its own:\n\n");
    part.text.push_str(&format!("- the web: `good_web {}`\n", shape(&PAGES.to_string()).join(" ")));
    for crawler in &crawlers {
        part.text.push_str(&format!("- {}: `{}`\n", crawler.name, shown(&crawler.argv)));
    }
    part.text.push_str(&alone()?);
    part.promises = promises(&rows);
    Ok(part)
}

fn shape(pages: &str) -> Vec<&str> {
    [&["--pages", pages], &PAGE[..]].concat()
}

/// Who can run here. Who cannot is named on the page.
fn crawlers(ours: &Ours, part: &mut Part) -> Vec<Crawler> {
    let argv = ours.argv(&["URL"], CONNECTIONS, &[]);
    let mut crawlers =
        vec![Crawler { name: "millstream crawl", pages: PAGES, argv, answer: ours.rows() }];
    let colly = peers::go("go-crawl", "crawl");
    let (spider, scrapy) = (peers::spider(), peers::python("scrapy"));
    let script = shell::root().join("bench/engines/scrapy/crawl.py").display().to_string();
    let mut add = |name, pages, peer: Result<Peer>, before: &[String]| match peer {
        Ok(Peer { program, version }) => {
            let mut argv = [&[program], before].concat();
            argv.extend(["URL", CONNECTIONS].map(str::to_owned));
            crawlers.push(Crawler { name, pages, argv, answer: Answer::Printed });
            part.versions.push(version);
        }
        Err(error) => part.text.push_str(&format!("{name} is skipped: {error}\n\n")),
    };
    add("spider", PAGES, spider, &[]);
    add("colly", PAGES, colly, &[]);
    add("scrapy", FEW_PAGES, scrapy, &[script]);
    crawlers
}

/// One crawl of the whole site; one that leaves a page out ends the comparison.
fn once(crawler: &Crawler, ours: &Ours) -> Result<Crawled> {
    let pages = crawler.pages.to_string();
    let crawled = crawl(&shape(&pages), &crawler.argv, &crawler.answer, &ours.scratch)?;
    let (name, found, asked) = (crawler.name, crawled.run.answer, crawled.asked);
    // A crawler that keeps a row a page has just these; the others count what they were given,
    // twice if it came twice.
    let stores = matches!(crawler.answer, Answer::RowsOf(..));
    if asked.pages != crawler.pages || found < asked.pages || (stores && found != asked.pages) {
        return Err(format!(
            "wrong answer: {name} found {found} pages and asked for {} of {pages}",
            asked.pages
        )
        .into());
    }
    println!(
        "{name:20} {:>8.0} pages/s, {} twice",
        crawler.pages as f64 / crawled.run.wall_s,
        asked.twice
    );
    Ok(crawled)
}

fn row(crawler: &Crawler, runs: &[Crawled]) -> Row {
    let of = |get: fn(&Crawled) -> f64| median(runs.iter().map(get).collect());
    let cpu_s = of(|crawled| crawled.run.cpu_s);
    Row {
        name: crawler.name,
        rate: crawler.pages as f64 / of(|crawled| crawled.run.wall_s),
        pages: crawler.pages,
        twice: runs.iter().map(|crawled| crawled.asked.twice).max().unwrap_or(0),
        cpu_s,
        cpu_us: cpu_s * 1e6 / crawler.pages as f64,
        peak_mb: runs.iter().map(|crawled| crawled.run.peak_mb).fold(0.0, f64::max),
    }
}

fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| crawler | pages/s | factor | pages | fetched twice, at most | processor time | of it a page | peak memory |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    let base = rows.first().map_or(f64::NAN, |row| row.rate);
    for Row { name, rate, pages, twice, cpu_s, cpu_us, peak_mb } in rows {
        text.push_str(&format!(
            "| {name} | {rate:.0} | {:.3} | {pages} | {twice} | {cpu_s:.2} s | {cpu_us:.0} µs | {peak_mb:.0} MB |\n",
            rate / base
        ));
    }
    text
}

/// What the web gives to a client that reads nothing of what it gets.
fn alone() -> Result<String> {
    if shell::which("wrk").is_none() {
        return Ok("\nThe web alone was not measured: wrk is not installed.\n".to_owned());
    }
    let pages = PAGES.to_string();
    let mut web = Web::start(&shape(&pages))?;
    let said = shell::output(command("wrk").args(["-t1", "-c64", "-d3s", &web.url]))?;
    web.end()?;
    let rate = said.lines().find_map(|line| line.strip_prefix("Requests/sec:"));
    let rate: f64 = shell::context(rate.unwrap_or_default().trim().parse(), "wrk's rate")?;
    let version = machine::one_line("dpkg-query", &["-W", "-f", "${Version}", "wrk"]);
    Ok(format!(
        "\nThe web alone: {rate:.0} responses/s to `wrk -t1 -c64 -d3s URL` (wrk {version}), all of one page.\n"
    ))
}

fn promises(rows: &[Row]) -> Vec<Promise> {
    let [ours, peers @ ..] = rows else { return Vec::new() };
    let mut promises = vec![
        Promise {
            what: "one site: at least 10,000 pages/s",
            measured: format!("{:.0}", ours.rate),
            kept: ours.rate >= 10_000.0,
        },
        Promise {
            what: "one site: no page fetched twice",
            measured: ours.twice.to_string(),
            kept: ours.twice == 0,
        },
    ];
    if let Some(best) = peers.iter().map(|row| row.rate).reduce(f64::max) {
        promises.push(Promise {
            what: "one site: at least 5 times the best of the peers measured",
            measured: format!("{:.1}", ours.rate / best),
            kept: ours.rate >= 5.0 * best,
        });
    }
    promises
}
