//! `cargo xtask ci`: everything a change must pass, in the order in which a mistake shows soonest.
//!
//! All steps share one target directory, one profile and one set of features, so that no dependency
//! is compiled twice for the same purpose; only loom's models need flags, and therefore a
//! directory, of their own.

use crate::shell::{self, Result, cargo, run as sh, step};
use crate::{fuzz, needs, test, tidy};

/// Runs all steps; the first that fails ends it.
pub(crate) fn run(args: &[String]) -> Result {
    shell::flags(args, &[])?;
    let start = shell::now();
    step("tidy", || tidy::run(&[]))?;
    step("fmt", fmt)?;
    needs::to_build()?;
    step("clippy", clippy)?;
    step("docs", docs)?;
    test::run(&[])?;
    fuzz::quick()?;
    step("bench", bench)?;
    step("deny", deny)?;
    println!("── ci: all steps passed in {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

fn fmt() -> Result {
    sh(&mut cargo(&["fmt", "--all", "--check"]))?;
    sh(&mut cargo(&["fmt", "--all", "--check", "--manifest-path", "bench/Cargo.toml"]))
}

fn clippy() -> Result {
    let deny = ["--", "-D", "warnings"];
    let all = ["clippy", "--workspace", "--all-targets", "--locked"];
    sh(cargo(&all).args(deny))?;
    let bare = ["clippy", "--package", "millstream", "--no-default-features", "--locked"];
    sh(cargo(&bare).args(deny))
}

/// Only libraries: the binary bears the library's name and would overwrite its pages.
fn docs() -> Result {
    let args = ["doc", "--workspace", "--lib", "--no-deps", "--locked"];
    sh(cargo(&args).env("RUSTDOCFLAGS", "-D warnings"))
}

/// The peers' programs must build, or the next comparison would find out too late.
fn bench() -> Result {
    let directory = shell::target_dir().join("bench-engines");
    let args = [
        "clippy",
        "--manifest-path",
        "bench/Cargo.toml",
        "--workspace",
        "--all-targets",
        "--locked",
    ];
    sh(cargo(&args).args(["--", "-D", "warnings"]).env("CARGO_TARGET_DIR", directory))
}

fn deny() -> Result {
    if shell::which("cargo-deny").is_none() {
        println!("skipped: cargo-deny is not installed (`cargo install cargo-deny --locked`)");
        return Ok(());
    }
    sh(&mut cargo(&["deny", "--workspace", "check", "bans", "licenses", "sources"]))
}
