//! Automation of this repository: `cargo xtask <command>`. Plain Rust on the standard library, so
//! that it builds anywhere.
//!
//! It holds no logic of the product: it runs cargo and the product's binary, makes inputs, and
//! checks the sources.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line talks to its terminal"
)]

mod bench;
mod ci;
mod demo;
mod dist;
mod fuzz;
mod gen_log;
mod json;
mod needs;
mod shell;
mod test;
mod tidy;
mod web;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <command>

  ci             everything a change must pass: tidy, fmt, clippy, docs, test, fuzz, deny
  test           everything that can be tested: the workspace, the library without tokio, loom models, with services
  tidy           only the checks of the sources and of the prose (they also run as tests of xtask)
  demo           a log of a million lines under target/, its errors stored in SQLite, the report and the first rows
  demo images    two hundred images under target/, compressed, and compressed again, which does nothing
  demo crawl     a web of ten thousand pages on this machine, crawled; counts are checked, and a second run does nothing
  dist           an archive under target/dist/: the stripped binary, manual pages, completions, licences, its checksum
  fuzz           hostile input from a seed, run by the binary and judged: [logs|images|crawl|args] [--seconds N | --cases N]
                 [--seed S] [--binary FILE]; one case again: --seed S --case N
  gen-log        a realistic log: [--lines N] [--format plain|json|combined] --out FILE
  bench logs     `millstream logs` beside its peers: [--lines N] [--repeat N] [--only NAME[,NAME]]
  bench follow   the delay from a line's write to its commit: [--rate N] [--seconds N]
  bench engines  the library beside its peers: [--repeat N] [--only TITLE[,TITLE]]
  bench pools    the pool beside its peers: [--repeat N] [--only TITLE[,TITLE]]
  bench crawl    `millstream crawl` beside its peers: [--repeat N] [--only TITLE[,TITLE]]
  bench images   `millstream images` beside its peers: [--images N] [--repeat N] [--judged N] [--only NAME[,NAME]]
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match args.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", args.as_slice()),
    };
    let done = match command {
        "ci" => ci::run(rest),
        "test" => test::run(rest),
        "tidy" => tidy::run(rest),
        "demo" => demo::run(rest),
        "dist" => dist::run(rest),
        "fuzz" => fuzz::run(rest),
        "gen-log" => gen_log::run(rest),
        "bench" => bench::run(rest),
        "help" | "-h" | "--help" => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(format!("no command `{other}`; `cargo xtask help` lists them").into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {command}: {error}");
            ExitCode::FAILURE
        }
    }
}
