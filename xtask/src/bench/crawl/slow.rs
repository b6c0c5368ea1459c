//! A thousand hosts that think for 1.8 seconds before they answer, asked all at once.

use super::ours::{Ours, PAGE, Part, Promise, shown};
use crate::bench::measure;
use crate::bench::record::median;
use crate::shell::{Result, context};
use crate::web::Web;

const HOSTS: u64 = 1_000;
const THINK_S: f64 = 1.8;

const ABOUT: &str = "1,000 URLs of 1,000 hosts, which are ports of one address; each answers 1.8 s after it was asked. 1,000 workers, no \
    links followed, robots.txt not read, since it would be a second request of 1.8 s. The time is that of the whole program.";

pub(super) fn measure(ours: &Ours, repeat: usize) -> Result<Part> {
    let urls = ours.scratch.join("urls.txt");
    let file = urls.display().to_string();
    let argv = ours.argv(&["--urls", &file], "1000", &["--ignore-robots", "--scope", "page"]);
    // Ports in a row, so that the first implies the others.
    let hosts = HOSTS.to_string();
    let shape =
        [&["--hosts", &hosts, "--pages", "1", "--latency", "1800", "--port", "21000"], &PAGE[..]]
            .concat();
    let mut runs = Vec::new();
    for _ in 0..repeat {
        let mut web = Web::start(&shape)?;
        let lines: Vec<String> =
            (21_000..21_000 + HOSTS).map(|port| format!("http://127.0.0.1:{port}/\n")).collect();
        context(std::fs::write(&urls, lines.concat()), urls.display())?;
        let run = measure::once(&argv, &ours.rows(), &ours.scratch)?;
        let asked = web.end()?;
        if (run.answer, asked.pages, asked.requests) != (HOSTS, HOSTS, HOSTS) {
            return Err(format!("wrong answer: {} rows, {asked:?}", run.answer).into());
        }
        println!("{:.3} s", run.wall_s);
        runs.push(run);
    }
    let wall_s = median(runs.iter().map(|run| run.wall_s).collect());
    let cpu_s = median(runs.iter().map(|run| run.cpu_s).collect());
    let peak_mb = runs.iter().map(|run| run.peak_mb).fold(0.0, f64::max);
    let text = format!(
        "{ABOUT}\n\n| time | over 1.8 s | processor time | peak memory |\n|---:|---:|---:|---:|\n\
         | {wall_s:.3} s | {:.1}% | {cpu_s:.2} s | {peak_mb:.0} MB |\n\nThe web: `good_web {}`; the crawler: `{}`\n",
        (wall_s / THINK_S - 1.0) * 100.0,
        shape.join(" "),
        shown(&argv)
    );
    let promise = Promise {
        what: "1,000 URLs of 1.8 s, 1,000 workers: within 10% of 1.8 s",
        measured: format!("{wall_s:.3} s"),
        kept: wall_s <= THINK_S * 1.1,
    };
    Ok(Part { text, promises: vec![promise], versions: Vec::new() })
}
