//! `millstream logs`: a realistic log, its errors stored, the report, and the first rows.
//!
//! It can be run again: the log is made once, the database again each time.

use std::fs;

use super::program::{build, directory, millstream, typed};
use crate::gen_log::{self, Format};
use crate::needs;
use crate::shell::{Result, step};

const LINES: usize = 1_000_000;

/// Makes the log, builds the program, runs it.
pub(super) fn run() -> Result {
    let directory = directory()?;
    let log = directory.join("app.log");
    let database = directory.join("errors.db");
    // `logs` has no part that CMake or NASM builds.
    needs::c_compiler()?;
    step("a log of a million lines", || {
        let wanted = gen_log::Wanted { lines: LINES, format: Format::Plain };
        println!("{}: {}", log.display(), gen_log::ensure(&wanted, &log)?);
        Ok(())
    })?;
    build("logs")?;
    for ending in ["", "-wal", "-shm"] {
        // A database of an earlier run would make this one add to it.
        let _ = fs::remove_file(format!("{}{ending}", database.display()));
    }
    // Named as one would type them from here, so that the rows are short.
    let (log, database) = (typed(&log), typed(&database));
    millstream(
        "store the errors in SQLite, with a report",
        &["logs", &log, "--level", "error", "--to", &database, "--report", "-"],
    )?;
    millstream("the first rows", &["logs", &log, "--level", "error", "--limit", "5"])?;
    println!("The errors are in {database}, table `records`.");
    Ok(())
}
