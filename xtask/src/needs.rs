//! What the steps need beyond Rust: looks for it, installs what is missing where it may, else says
//! the one line to run.
//!
//! It may install where it is the administrator of a Debian or Ubuntu system; it never asks for a
//! password.

use std::path::{Path, PathBuf};

use crate::shell::{self, Result, command, run, which};

/// A C compiler, for the SQLite and the codecs that are built into the program. Without one nothing
/// can be built, so its lack is an error.
pub(crate) fn c_compiler() -> Result {
    let chosen = std::env::var("CC").ok();
    let found = || {
        chosen
            .iter()
            .map(String::as_str)
            .chain(["cc", "gcc", "clang"])
            .any(|name| which(name).is_some())
    };
    if found() {
        return Ok(());
    }
    install("a C compiler", "it builds SQLite and codecs into the program", "gcc libc6-dev")?;
    if found() {
        Ok(())
    } else {
        Err("a C compiler was installed but `cc` is still not on the search path".into())
    }
}

/// What builds the parts in C and assembler: libjpeg-turbo wants CMake and NASM, rav1e NASM,
/// jemalloc make.
fn build_tools() -> Result {
    const TOOLS: [&str; 3] = ["cmake", "make", "nasm"];
    let missing = || TOOLS.into_iter().filter(|name| which(name).is_none());
    let packages: Vec<&str> = missing().collect();
    if packages.is_empty() {
        return Ok(());
    }
    let what = packages.join(" and ");
    install(&what, "libjpeg-turbo, rav1e and jemalloc are built with them", &packages.join(" "))?;
    match missing().next() {
        None => Ok(()),
        Some(name) => {
            Err(format!("{what} was installed but `{name}` is still not on the search path").into())
        }
    }
}

/// Everything without which the program cannot be built.
pub(crate) fn to_build() -> Result {
    c_compiler()?;
    build_tools()
}

/// PostgreSQL's server programs, from which the tests start a private server. Returns whether they
/// are there; without them those tests are skipped.
pub(crate) fn postgresql() -> Result<bool> {
    if let Some(directory) = postgresql_directory() {
        println!("PostgreSQL for the tests: {}", directory.display());
        return Ok(true);
    }
    if let Err(reason) = install("PostgreSQL", "tests start a private server from it", "postgresql")
    {
        println!("{reason}\nTests that need PostgreSQL will be skipped.");
        return Ok(false);
    }
    match postgresql_directory() {
        Some(_) => Ok(true),
        None => {
            Err("PostgreSQL was installed but neither `initdb` nor /usr/lib/postgresql/*/bin/initdb exists"
                .into())
        }
    }
}

const PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

/// The directory of PostgreSQL's server programs: on the search path, or where Debian keeps them.
pub(crate) fn postgresql_directory() -> Option<PathBuf> {
    let linked = which("initdb").and_then(|path| path.canonicalize().ok());
    let on_path = linked.and_then(|path| path.parent().map(Path::to_owned));
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let packaged = versions.map(|entry| entry.path().join("bin"));
    on_path
        .into_iter()
        .chain(packaged)
        .find(|directory| PROGRAMS.iter().all(|name| directory.join(name).is_file()))
}

/// Installs Debian packages if this is Debian or a relative and we may, else fails with the line to
/// run.
pub(crate) fn install(what: &str, why: &str, packages: &str) -> Result {
    let list: Vec<&str> = packages.split(' ').collect();
    let line = format!("apt-get install -y --no-install-recommends {packages}");
    if which("apt-get").is_none() {
        return Err(
            format!("{what} is missing ({why}); install the like of Debian's {packages}").into()
        );
    }
    if !is_administrator() {
        return Err(format!("{what} is missing ({why}); run: sudo {line}").into());
    }
    println!("{what} is missing ({why}); installing: {line}");
    let apt = |args: &[&str]| {
        run(command("apt-get")
            .args(["-q", "-y"])
            .args(args)
            .env("DEBIAN_FRONTEND", "noninteractive"))
    };
    let get = |_| apt(&[&["install", "--no-install-recommends"], list.as_slice()].concat());
    apt(&["update"])
        .and_then(get)
        .map_err(|error| format!("{what} could not be installed: {error}; run: {line}").into())
}

fn is_administrator() -> bool {
    shell::output(command("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
