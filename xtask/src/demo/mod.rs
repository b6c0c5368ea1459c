//! `cargo xtask demo`: a newcomer's first minute with a program of the repository.

use crate::shell::{self, Result};

mod crawl;
mod images;
mod logs;
mod program;

/// Runs the demo that is named, or the one of `logs`.
pub(crate) fn run(args: &[String]) -> Result {
    match args.split_first() {
        None => logs::run(),
        Some((name, rest)) => {
            shell::flags(rest, &[])?;
            match name.as_str() {
                "logs" => logs::run(),
                "images" => images::run(),
                "crawl" => crawl::run(),
                other => Err(format!("no demo `{other}`: logs, images, crawl").into()),
            }
        }
    }
}
