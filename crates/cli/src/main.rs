//! The one binary: the only place that parses arguments, prints and exits.
#![forbid(unsafe_code)]

use std::process::ExitCode;

mod args;
mod crawl_command;
mod crawl_table;
mod exit;
mod figures;
mod images_command;
mod images_table;
mod logs_command;
mod progress;
mod report;
mod screen;
mod stopping;
mod summary;

/// URLs, records and results are made by one thread and freed by another, all the time. glibc's
/// allocator has the two wait for each other, which costs a crawl a quarter of its speed.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // What stands in the arguments is checked before anything is opened.
    let args = match args::parse::args() {
        Ok(args) => args,
        Err(error) => return ExitCode::from(u8::try_from(args::parse::print(&error)).unwrap_or(2)),
    };
    match args.command {
        args::Command::Crawl(flags) => crawl_command::run(*flags),
        args::Command::Images(flags) => images_command::run(&flags),
        args::Command::Logs(flags) => logs_command::run(*flags),
    }
    .into()
}
