//! `cargo xtask demo`: a newcomer's first minute. A realistic log, its errors stored, the report, and the first rows.
//!
//! It can be run again: the log is made once, the database anew each time.

use std::fs;
use std::path::Path;

use crate::gen_log::{self, Format};
use crate::needs;
use crate::shell::{self, Result, cargo, context, run as sh, step};

const LINES: usize = 1_000_000;

/// Makes the log, builds the program, runs it.
pub(crate) fn run(args: &[String]) -> Result {
    shell::flags(args, &[])?;
    let folder = shell::target_dir().join("demo");
    context(fs::create_dir_all(&folder), folder.display())?;
    let log = folder.join("app.log");
    let database = folder.join("errors.db");
    needs::c_compiler()?;
    step("a log of a million lines", || {
        let wanted = gen_log::Wanted { lines: LINES, format: Format::Plain };
        println!("{}: {}", log.display(), gen_log::ensure(&wanted, &log)?);
        Ok(())
    })?;
    step("build millstream", || {
        sh(&mut cargo(&["build", "--release", "--package", "millstream-cli", "--locked"]))
    })?;
    for ending in ["", "-wal", "-shm"] {
        // A database of an earlier run would make this one add to it.
        let _ = fs::remove_file(format!("{}{ending}", database.display()));
    }
    // Named as one would type them from here, so that the commands below can be repeated and the rows are short.
    let typed = |path: &Path| path.strip_prefix(shell::root()).unwrap_or(path).display().to_string();
    let (log, database) = (typed(&log), typed(&database));
    logs(
        "store the errors in SQLite, with a report",
        &[&log, "--level", "error", "--to", &database, "--report", "-"],
    )?;
    logs("the first rows", &[&log, "--level", "error", "--limit", "5"])?;
    println!("The errors are in {database}, table `records`.");
    Ok(())
}

/// One run of the program, shown as it is typed.
fn logs(title: &str, args: &[&str]) -> Result {
    let binary =
        shell::target_dir().join("release").join(format!("millstream{}", std::env::consts::EXE_SUFFIX));
    step(title, || {
        let mut command = shell::command(binary);
        command.arg("logs").args(args);
        println!("$ {}", shell::shown(&command));
        sh(&mut command)
    })
}
