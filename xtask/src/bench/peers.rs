//! Finds or builds the peers. One that is missing is skipped, and the record says how to get it.

use std::path::PathBuf;

use super::folder;
use super::machine::one_line;
use crate::needs;
use crate::shell::{self, Error, Result, command, output, which};

/// A peer that can run: what to call, and what it says of its version.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) program: String,
    pub(super) version: String,
}

/// A program of the system, installed from its packages if it is missing and may be.
pub(super) fn packaged(name: &str, package: &str, version: &[&str]) -> Result<Peer> {
    if which(name).is_none() {
        needs::install(name, "it is a peer in the comparison", package)?;
    }
    which(name).ok_or_else(|| Error::from(format!("{name} was installed but is not on the search path")))?;
    Ok(Peer { program: name.to_owned(), version: one_line(name, version) })
}

/// Builds the programs of one of our modules in Go, and finds this one of them.
pub(super) fn go(module: &str, program: &str) -> Result<Peer> {
    if which("go").is_none() {
        return Err("Go is not installed (https://go.dev/dl)".into());
    }
    let out = folder("go")?;
    let mut build = command("go");
    build.args(["build", "-o"]).arg(&out).arg("./cmd/...");
    output(build.current_dir(shell::root().join("bench/engines").join(module)))?;
    Ok(Peer { program: out.join(program).display().to_string(), version: one_line("go", &["version"]) })
}

/// A Python of our own with DuckDB in it, made at the first call.
pub(super) fn duckdb() -> Result<Peer> {
    let venv = folder("venv")?;
    let python = venv.join("bin/python");
    let version =
        |python: &PathBuf| output(command(python).args(["-c", "import duckdb; print(duckdb.__version__)"]));
    if version(&python).is_err() {
        output(command("python3").args(["-m", "venv"]).arg(&venv))?;
        output(command(&python).args(["-m", "pip", "install", "--quiet", "duckdb"]))?;
    }
    let version = format!("DuckDB {}", version(&python)?.trim());
    Ok(Peer { program: python.display().to_string(), version })
}

/// angle-grinder takes minutes to build, so it is used if it is there and not installed.
pub(super) fn angle_grinder() -> Result<Peer> {
    let ours = shell::target_dir().join("bench/tools/bin/agrind");
    let found = which("agrind").or_else(|| ours.is_file().then_some(ours));
    let program = found.ok_or("not installed (`cargo install ag --locked --root target/bench/tools`)")?;
    let program = program.display().to_string();
    let version = one_line(&program, &["--version"]);
    Ok(Peer { program, version })
}
