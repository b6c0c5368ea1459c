//! The one binary: the only place that parses arguments, prints and exits.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is the place that prints")]

use std::process::ExitCode;

use clap::Parser;

mod args;
mod exit;
mod logs_command;
mod progress;
mod report;

fn main() -> ExitCode {
    // What stands in the arguments is checked before anything is opened; clap prints what is wrong and exits with 2.
    let args = args::Args::parse();
    match args.command {
        args::Command::Logs(flags) => logs_command::run(*flags),
    }
    .into()
}
