//! Finds or builds the peers. One that is missing is skipped, and the record says how to get it.

use super::machine::one_line;
use super::record::directory;
use crate::needs;
use crate::shell::{self, Error, Result, cargo, command, output, run, step, which};

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
    which(name).ok_or_else(|| {
        Error::from(format!("{name} was installed but is not on the search path"))
    })?;
    Ok(Peer { program: name.to_owned(), version: one_line(name, version) })
}

/// Builds the programs of one of our modules in Go, and finds this one of them.
pub(super) fn go(module: &str, program: &str) -> Result<Peer> {
    if which("go").is_none() {
        return Err("Go is not installed (https://go.dev/dl)".into());
    }
    let out = directory("go")?;
    let mut build = command("go");
    build.args(["build", "-o"]).arg(&out).arg("./cmd/...");
    output(build.current_dir(shell::root().join("bench/engines").join(module)))?;
    Ok(Peer {
        program: out.join(program).display().to_string(),
        version: one_line("go", &["version"]),
    })
}

/// A Python of our own with this package in it, made or fetched at the first call.
pub(super) fn python(package: &str) -> Result<Peer> {
    let venv = directory("venv")?;
    let python = venv.join("bin/python");
    let says = format!("import {package}; print({package}.__version__)");
    let version = || output(command(&python).args(["-c", &says]));
    if version().is_err() {
        if !python.is_file() {
            output(command("python3").args(["-m", "venv"]).arg(&venv))?;
        }
        output(command(&python).args(["-m", "pip", "install", "--quiet", package]))?;
    }
    let version = format!("{package} {}", version()?.trim());
    Ok(Peer { program: python.display().to_string(), version })
}

/// caesiumclt, built from its sources at the first call.
pub(super) fn caesiumclt() -> Result<Peer> {
    const VERSION: &str = "1.5.0";
    let root = directory("tools")?;
    let ours = root.join("bin/caesiumclt");
    if !ours.is_file() {
        step("build caesiumclt (several minutes)", || {
            let install = ["install", "caesiumclt", "--version", VERSION, "--locked", "--root"];
            let target = directory("tools-build")?;
            run(cargo(&install).arg(&root).env("CARGO_TARGET_DIR", target))
        })?;
    }
    let program = ours.display().to_string();
    let version = one_line(&program, &["--version"]);
    Ok(Peer { program, version })
}

/// spider, with the few lines that let it loose on a site; built at the first call.
pub(super) fn spider() -> Result<Peer> {
    let directory = directory("spider")?;
    step("build spider (several minutes)", || {
        let manifest = "bench/engines/spider/Cargo.toml";
        let build = ["build", "--release", "--locked", "--manifest-path", manifest];
        run(cargo(&build).env("CARGO_TARGET_DIR", &directory))
    })?;
    let name = format!("engine-spider{}", std::env::consts::EXE_SUFFIX);
    let program = directory.join("release").join(name).display().to_string();
    let version = locked_in("bench/engines/spider/Cargo.lock", &["spider"])?.concat();
    Ok(Peer { program, version })
}

/// Names and versions of these crates of the bench workspace.
pub(super) fn locked(names: &[&str]) -> Result<Vec<String>> {
    locked_in("bench/Cargo.lock", names)
}

fn locked_in(lock: &str, names: &[&str]) -> Result<Vec<String>> {
    let path = shell::root().join(lock);
    let lock = shell::context(std::fs::read_to_string(&path), path.display())?;
    Ok(versions(&lock, names))
}

fn versions(lock: &str, names: &[&str]) -> Vec<String> {
    let value = |line: &str| line.split('"').nth(1).map(str::to_owned);
    let packages = lock.split("[[package]]").filter_map(move |package| {
        let mut lines = package.trim().lines();
        Some((value(lines.next()?)?, value(lines.next()?)?))
    });
    packages
        .filter(|(name, _)| names.contains(&name.as_str()))
        .map(|(name, version)| format!("{name} {version}"))
        .collect()
}

/// angle-grinder takes minutes to build, so it is used if it is there and not installed.
pub(super) fn angle_grinder() -> Result<Peer> {
    let ours = shell::target_dir().join("bench/tools/bin/agrind");
    let found = which("agrind").or_else(|| ours.is_file().then_some(ours));
    let program =
        found.ok_or("not installed (`cargo install ag --locked --root target/bench/tools`)")?;
    let program = program.display().to_string();
    let version = one_line(&program, &["--version"]);
    Ok(Peer { program, version })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_the_lock_file() {
        let lock = "version = 4\n\n[[package]]\nname = \"rayon\"\nversion = \"1.12.0\"\n\n[[package]]\nname = \"slab\"\nversion = \"0.4.12\"\n";
        assert_eq!(versions(lock, &["rayon"]), ["rayon 1.12.0"]);
    }
}
