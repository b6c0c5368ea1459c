//! The one binary: the only place that parses arguments, prints and exits.
#![forbid(unsafe_code)]

use std::process::ExitCode;

mod args;
mod command;
#[cfg(feature = "crawl")]
mod crawl_command;
#[cfg(feature = "crawl")]
mod crawl_table;
mod exit;
#[cfg(any(feature = "crawl", feature = "images"))]
mod figures;
#[cfg(feature = "images")]
mod images_command;
#[cfg(feature = "images")]
mod images_table;
#[cfg(feature = "logs")]
mod logs_command;
mod pages;
mod progress;
mod report;
mod screen;
mod stopping;
#[cfg(feature = "logs")]
mod summary;

#[cfg(not(any(feature = "crawl", feature = "images", feature = "logs")))]
compile_error!("a binary without a program does nothing: choose of --features crawl,images,logs");

/// URLs, records and results are made by one thread and freed by another, all the time. glibc's
/// allocator has the two wait for each other, which costs a crawl a quarter of its speed.
#[cfg(all(feature = "crawl", not(target_env = "msvc")))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // What stands in the arguments is checked before anything is opened.
    let args = match args::parse::args() {
        Ok(args) => args,
        Err(error) => return ExitCode::from(u8::try_from(args::parse::print(&error)).unwrap_or(2)),
    };
    match args.command {
        #[cfg(feature = "crawl")]
        args::Command::Crawl(flags) => crawl_command::run(*flags),
        #[cfg(feature = "images")]
        args::Command::Images(flags) => images_command::run(&flags),
        #[cfg(feature = "logs")]
        args::Command::Logs(flags) => logs_command::run(*flags),
        args::Command::Completions { shell } => pages::completions(shell),
        args::Command::Man { program } => pages::man(program.as_deref()),
    }
    .into()
}
