//! `cargo xtask bench follow`: how long a line takes from its write to its commit in SQLite while a
//! log grows.
//!
//! The measuring itself is a program of the bench workspace, `bench/engines/follow`, because it
//! reads the database.

use super::machine;
use super::record::{directory, publish};
use crate::shell::{self, Result, cargo, command, output, run as sh, step};

/// Builds, runs, shows and records.
pub(crate) fn run(args: &[String]) -> Result {
    let (mut rate, mut seconds) = (100_000, 60);
    for (name, value) in shell::flags(args, &["rate", "seconds"])? {
        match name {
            "rate" => rate = shell::number(name, value)?.max(1_000),
            _ => seconds = shell::number(name, value)?.max(1),
        }
    }
    step("build millstream", || {
        sh(&mut cargo(&["build", "--release", "--package", "millstream-cli", "--locked"]))
    })?;
    let about = machine::description()?;
    let mut figures = String::new();
    step("follow", || {
        figures = measure(rate, seconds)?;
        Ok(())
    })?;
    let page = format!(
        "# A followed log into SQLite\n\n{about}\n\n{rate} lines/s for {seconds} s; from a line's write to its commit, as a \
         reader sees it that looks every millisecond.\n\n{figures}\nAgain: `cargo xtask bench follow`\n"
    );
    publish("follow", &page, rate == 100_000 && seconds == 60)
}

fn measure(rate: usize, seconds: usize) -> Result<String> {
    let engines = shell::target_dir().join("bench-engines");
    sh(cargo(&[
        "build",
        "--release",
        "--locked",
        "--manifest-path",
        "bench/Cargo.toml",
        "--package",
        "engine-follow",
    ])
    .env("CARGO_TARGET_DIR", &engines))?;
    let mut engine = command(engines.join("release/engine-follow"));
    engine.arg(shell::target_dir().join("release/millstream")).arg(directory("follow")?);
    let figures = output(engine.args([rate.to_string(), seconds.to_string()]))?;
    Ok(format!("{figures}\nLoad of the machine after it: {}.\n", machine::load()))
}
