//! `cargo xtask bench`: the program and the library beside their peers, as `bench/METHODOLOGY.md`
//! says.
//!
//! Contenders run in turns, every answer is verified, medians are compared, and the run is written
//! down. Nothing here passes or fails by a time.

mod crawl;
mod engines;
mod follow;
mod images;
mod logs;
mod machine;
mod measure;
mod peers;
mod pools;
mod record;
mod table;

use crate::shell::Result;

/// Chooses the comparison.
pub(crate) fn run(args: &[String]) -> Result {
    match args.split_first() {
        Some((which, rest)) if which == "logs" => logs::run(rest),
        Some((which, rest)) if which == "follow" => follow::run(rest),
        Some((which, rest)) if which == "engines" => engines::run(rest),
        Some((which, rest)) if which == "pools" => pools::run(rest),
        Some((which, rest)) if which == "crawl" => crawl::run(rest),
        Some((which, rest)) if which == "images" => images::run(rest),
        _ => {
            Err("which comparison? `cargo xtask bench` with `logs`, `follow`, `engines`, `pools` or `images`"
                .into())
        }
    }
}
