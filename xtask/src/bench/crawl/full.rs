//! What a large frontier costs: memory, and speed.

use super::ours::{Ours, PAGE, Part, Promise, crawl, shown};
use crate::bench::measure::{self, Run};
use crate::shell::{self, Result, command, step};
use crate::web::Web;

const FEW: &str = "20000";
const MANY: &str = "100000";
const PENDING: &str = "10000000";
/// The crawl's own time for as many pages is what speeds are compared by.
const VISITED: f64 = 20_000.0;
/// Fixed, because the URLs of the frontier name it before the web is there.
const PORT: &str = "22000";

const ABOUT: &str = "The same kind of site, larger, each crawled once. Of the largest one all URLs are put into the frontier before, as if \
    another run had found them, and `--resume` with `--max-pages` visits 20,000 of them. `pages/s` counts the time of the crawl \
    by its own report; opening the frontier and closing it stand beside it.";

struct Row {
    name: &'static str,
    rate: f64,
    around_s: f64,
    run: Run,
}

pub(super) fn measure(ours: &Ours, _repeat: usize) -> Result<Part> {
    let whole = ours.argv(&["URL"], "64", &["--scope", "any"]);
    let mut rows = Vec::new();
    for (name, pages) in [("20,000 pages, all visited", FEW), ("100,000 pages, all visited", MANY)]
    {
        let crawled =
            crawl(&[&["--pages", pages], &PAGE[..]].concat(), &whole, &ours.rows(), &ours.scratch)?;
        rows.push(row(name, crawled.run, crawled.run.answer as f64, ours)?);
    }
    let url = format!("http://127.0.0.1:{PORT}/");
    let resumed = ours.argv(&[&url], "64", &["--scope", "any", "--resume", "--max-pages", FEW]);
    fill(ours)?;
    let mut web = Web::start(&[&["--pages", PENDING, "--port", PORT], &PAGE[..]].concat())?;
    let run = measure::kept(&resumed, &ours.rows(), &ours.scratch)?;
    let asked = web.end()?;
    if run.answer as f64 != VISITED || asked.twice > 0 {
        return Err(format!("wrong answer: {} rows, {asked:?}", run.answer).into());
    }
    rows.push(row("10,000,000 URLs pending, 20,000 visited", run, VISITED, ours)?);
    measure::remove(&ours.database);
    let text = format!(
        "{ABOUT}\n\n{}\nCommands: `{}`; `full_frontier FILE {PENDING} {PORT}` and `{}`\n",
        table(&rows),
        shown(&whole),
        shown(&resumed)
    );
    Ok(Part { text, promises: promises(&rows), versions: Vec::new() })
}

/// Ten million URLs that nobody has visited.
fn fill(ours: &Ours) -> Result {
    measure::remove(&ours.database);
    let name = format!("full_frontier{}", std::env::consts::EXE_SUFFIX);
    let mut fill = command(shell::target_dir().join("release/examples").join(name));
    fill.arg(&ours.database).args([PENDING, PORT]);
    step("fill a frontier", || {
        let added = shell::output(&mut fill)?;
        if added.trim() == PENDING {
            Ok(())
        } else {
            Err(format!("{added} URLs were added").into())
        }
    })
}

fn row(name: &'static str, run: Run, pages: f64, ours: &Ours) -> Result<Row> {
    let crawling_s = ours.crawling_s()?;
    let row = Row { name, rate: pages / crawling_s, around_s: run.wall_s - crawling_s, run };
    println!("{name:44} {:>8.0} pages/s, {:.0} MB", row.rate, run.peak_mb);
    Ok(row)
}

fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| site | pages/s | opening and closing | processor time | peak memory |\n|---|---:|---:|---:|---:|\n",
    );
    for Row { name, rate, around_s, run } in rows {
        text.push_str(&format!(
            "| {name} | {rate:.0} | {around_s:.2} s | {:.2} s | {:.0} MB |\n",
            run.cpu_s, run.peak_mb
        ));
    }
    text
}

fn promises(rows: &[Row]) -> Vec<Promise> {
    let [few, many, pending] = rows else { return Vec::new() };
    let memory = |what, row: &Row, most: f64| Promise {
        what,
        measured: format!("{:.0} MB", row.run.peak_mb),
        kept: row.run.peak_mb < most,
    };
    let share = pending.rate / few.rate;
    vec![
        memory("100,000 URLs in the frontier: below 200 MB", many, 200.0),
        memory("10,000,000 URLs in the frontier: below 1,000 MB", pending, 1_000.0),
        Promise {
            what: "10,000,000 URLs in the frontier: above half of the speed with 20,000",
            measured: format!("{share:.2}"),
            kept: share > 0.5,
        },
    ]
}
