//! `cargo xtask bench crawl`: `millstream crawl` beside spider, colly and scrapy on one site, on a
//! thousand slow hosts, and with much in its frontier.
//!
//! Every crawl gets a web of its own, and what that web was asked for is the answer that is
//! verified.

mod full;
mod ours;
mod site;
mod slow;

use ours::{Ours, Part, Promise};

use super::record::{chosen, publish};
use super::{machine, peers};
use crate::shell::{self, Result, cargo, run as sh, step};
use crate::web;

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
