//! The command line: one file a program, and what all programs share.

use clap::{Parser, Subcommand};

pub(crate) mod common;
pub(crate) mod crawl;
pub(crate) mod images;
pub(crate) mod logs;
pub(crate) mod parse;
pub(crate) mod value;

/// Structured concurrency that loses nothing, and the programs built on it.
#[derive(Debug, Parser)]
#[command(name = "millstream", version, after_help = crate::exit::HELP, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Visit pages and what they link to: politely, fast, and through a kill
    Crawl(Box<crawl::Flags>),

    /// Compress and resize a tree of images; never writes a damaged or a larger file
    Images(Box<images::Flags>),

    /// Parse, filter and store log files, or a growing log
    Logs(Box<logs::Flags>),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }
}
