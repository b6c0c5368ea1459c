//! `cargo xtask demo`: a newcomer's first minute with a program of the repository.

use std::path::{Path, PathBuf};

use crate::shell::{self, Result, cargo, context, run as sh, step};

mod crawl;
mod images;
mod logs;

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

/// Where demos work.
fn directory() -> Result<PathBuf> {
    let directory = shell::target_dir().join("demo");
    context(std::fs::create_dir_all(&directory), directory.display())?;
    Ok(directory)
}

fn build() -> Result {
    step("build millstream", || {
        sh(&mut cargo(&["build", "--release", "--package", "millstream-cli", "--locked"]))
    })
}

/// A path as one would type it from the repository, so that commands can be repeated.
fn typed(path: &Path) -> String {
    path.strip_prefix(shell::root()).unwrap_or(path).display().to_string()
}

/// One run of the program, shown as it is typed.
fn millstream(title: &str, args: &[&str]) -> Result {
    let binary = shell::target_dir()
        .join("release")
        .join(format!("millstream{}", std::env::consts::EXE_SUFFIX));
    step(title, || {
        let mut command = shell::command(binary);
        command.args(args);
        println!("$ {}", shell::shown(&command));
        sh(&mut command)
    })
}
