//! The program that demos show: built once, run as a user would type it.

use std::path::{Path, PathBuf};

use crate::shell::{self, Result, cargo, context, run as sh, step};

/// Where demos work.
pub(super) fn directory() -> Result<PathBuf> {
    let directory = shell::target_dir().join("demo");
    context(std::fs::create_dir_all(&directory), directory.display())?;
    Ok(directory)
}

/// Builds the binary with one program, which is all that a demo shows, and without the optimisation
/// across crates that takes most of the time.
pub(super) fn build(program: &str) -> Result {
    step("build millstream", || {
        let one = ["--no-default-features", "--features", program];
        let build = ["build", "--profile", "demo", "--package", "millstream-cli", "--locked"];
        sh(&mut cargo(&[&build[..], &one].concat()))
    })
}

/// A path as one would type it from the repository, so that commands can be repeated.
pub(super) fn typed(path: &Path) -> String {
    path.strip_prefix(shell::root()).unwrap_or(path).display().to_string()
}

/// One run of the program, shown as it is typed.
pub(super) fn millstream(title: &str, args: &[&str]) -> Result {
    let binary = shell::target_dir()
        .join("demo")
        .join(format!("millstream{}", std::env::consts::EXE_SUFFIX));
    step(title, || {
        let mut command = shell::command(binary);
        command.args(args);
        println!("$ {}", shell::shown(&command));
        sh(&mut command)
    })
}
