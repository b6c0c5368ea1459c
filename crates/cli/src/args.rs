//! The command line: one file a program, and what all programs share.

use clap::{Parser, Subcommand};

pub(crate) mod common;
#[cfg(feature = "crawl")]
pub(crate) mod crawl;
#[cfg(feature = "images")]
pub(crate) mod images;
#[cfg(feature = "logs")]
pub(crate) mod logs;
pub(crate) mod parse;
#[cfg(any(feature = "images", feature = "logs"))]
pub(crate) mod threads;
#[cfg(any(feature = "crawl", feature = "logs"))]
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
    #[cfg(feature = "crawl")]
    /// Visit pages and what they link to: politely, fast, and through a kill
    Crawl(Box<crawl::Flags>),

    #[cfg(feature = "images")]
    /// Compress and resize a tree of images; never writes a damaged or a larger file
    Images(Box<images::Flags>),

    #[cfg(feature = "logs")]
    /// Parse, filter and store log files, or a growing log
    Logs(Box<logs::Flags>),

    /// Print completions for a shell
    Completions {
        /// The shell that reads them
        shell: clap_complete::Shell,
    },

    /// Print the manual page of millstream, or of one of its programs
    Man {
        /// The program, such as logs
        program: Option<String>,
    },
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
