//! `cargo xtask bench follow`: how long a line takes from its write to its commit in SQLite while a log grows.
//!
//! The program is measured as it is. A writer stamps each line with the time of its write; beside it a reader of the
//! database notes, about every millisecond, up to which row it sees. A row's time is the first look that saw it, so
//! the figures hold the reader's own millisecond. Nothing passes or fails by a time; only a lost or doubled line fails.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::{folder, machine, publish};
use crate::shell::{self, Result, cargo, command, context, run as sh, step};

/// Between two writes of the writer, and between two looks of the reader.
const TICK: Duration = Duration::from_millis(1);
/// How long the last lines may take before they count as lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the reader saw at one time: the last row.
type Look = (Duration, i64);

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
    let folder = folder("follow")?;
    let (log, database) = (folder.join("app.log"), folder.join("out.db"));
    for ending in ["", "-wal", "-shm"] {
        // Missing is what we want.
        let _ = fs::remove_file(format!("{}{ending}", database.display()));
    }
    let file = context(File::create(&log), log.display())?;
    let binary = shell::target_dir().join("release/millstream");
    let mut program = command(binary);
    program.args(["logs", "--follow", "--quiet", "--job", "bench", "--to"]).arg(&database).arg(&log);
    program.stdin(Stdio::null());
    let mut child = context(program.spawn(), shell::shown(&program))?;
    let begin = shell::now();
    let over = AtomicBool::new(false);
    let written = std::sync::Mutex::new(Ok(0));
    #[expect(clippy::disallowed_methods, reason = "xtask knows no library; the thread is joined here")]
    let looks = std::thread::scope(|threads| {
        threads.spawn(|| {
            let result = write(file, begin, rate, seconds);
            if let Ok(mut written) = written.lock() {
                *written = result;
            }
            over.store(true, Ordering::Release);
        });
        watch(&database, begin, (rate * seconds) as i64, &over)
    });
    let ended = context(child.kill().and_then(|()| child.wait()), "millstream");
    let written = written.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())?;
    ended?;
    evaluate(&database, &looks?, written)
}

/// Writes lines at the rate, those of a tick at once; those that are late at once too, so that the rate holds.
fn write(mut file: File, begin: Instant, rate: usize, seconds: usize) -> Result<u64> {
    let (mut id, total) = (0, rate * seconds);
    let mut text = String::new();
    let start = begin.elapsed();
    while id < total {
        let passed = begin.elapsed();
        let due = ((passed - start).as_secs_f64() * rate as f64) as usize;
        text.clear();
        for id in id..due.min(total) {
            let stamp = passed.as_nanos();
            text.push_str(&format!(
                "INFO 2024-01-15T10:23:45.123Z request {id} done t={stamp} path=/api/items status=200\n"
            ));
        }
        id = id.max(due.min(total));
        context(file.write_all(text.as_bytes()), "the log")?;
        #[expect(clippy::disallowed_methods, reason = "the pace is real time; there is nothing to wait for")]
        std::thread::sleep(TICK);
    }
    Ok(total as u64)
}

/// Looks at the last row until all are there, or nothing more comes.
fn watch(database: &Path, begin: Instant, wanted: i64, over: &AtomicBool) -> Result<Vec<Look>> {
    let mut looks: Vec<Look> = Vec::new();
    let mut reader: Option<Connection> = None;
    let mut quiet_since = begin.elapsed();
    loop {
        #[expect(clippy::disallowed_methods, reason = "the pace is real time; there is nothing to wait for")]
        std::thread::sleep(TICK);
        let now = begin.elapsed();
        if reader.is_none() {
            reader = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE).ok();
        }
        let last = |reader: &Connection| -> rusqlite::Result<i64> {
            reader
                .prepare_cached("SELECT coalesce(max(rowid), 0) FROM records")?
                .query_row([], |row| row.get(0))
        };
        // Until the program has made the table there is nothing to see.
        let last = reader.as_ref().and_then(|reader| last(reader).ok()).unwrap_or(0);
        if looks.last().is_none_or(|(_, seen)| last > *seen) {
            looks.push((begin.elapsed(), last));
            quiet_since = now;
        }
        let waited = now.saturating_sub(quiet_since) > PATIENCE;
        if last >= wanted || (over.load(Ordering::Acquire) && waited) {
            return Ok(looks);
        }
    }
}

/// Joins rows and looks; counts every line.
fn evaluate(database: &Path, looks: &[Look], written: u64) -> Result<String> {
    let reader = context(Connection::open(database), database.display())?;
    let ask = |sql: &str| -> rusqlite::Result<i64> { reader.query_row(sql, [], |row| row.get(0)) };
    let rows = context(ask("SELECT count(*) FROM records"), "count")?;
    let distinct = context(
        ask("SELECT count(DISTINCT substr(message, 9, instr(substr(message, 9), ' '))) FROM records"),
        "count",
    )?;
    let mut waits: Vec<u64> = Vec::new();
    let mut read = || -> rusqlite::Result<()> {
        let mut statement = reader.prepare("SELECT rowid, message FROM records ORDER BY rowid")?;
        let mut found = statement.query([])?;
        let mut looks = looks.iter().peekable();
        while let Some(row) = found.next()? {
            let (id, message): (i64, String) = (row.get(0)?, row.get(1)?);
            while looks.peek().is_some_and(|(_, last)| *last < id) {
                looks.next();
            }
            let stamp =
                message.split(" t=").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
            if let (Some((seen, _)), Some(stamp)) = (looks.peek(), stamp) {
                waits.push((seen.as_nanos() as u64).saturating_sub(stamp));
            }
        }
        Ok(())
    };
    context(read(), "read the rows")?;
    waits.sort_unstable();
    let at = |part: f64| {
        let place = ((waits.len() as f64 * part) as usize).min(waits.len().saturating_sub(1));
        waits.get(place).map_or(f64::NAN, |ns| *ns as f64 / 1e6)
    };
    let lost = written as i64 - distinct;
    let table = format!(
        "| lines written | rows | lost | doubled | p50 ms | p90 ms | p99 ms | p99.9 ms | longest ms |\n\
         |---:|---:|---:|---:|---:|---:|---:|---:|---:|\n\
         | {written} | {rows} | {lost} | {} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} |\n\nLoad of the machine after it: {}.\n",
        rows - distinct,
        at(0.5),
        at(0.9),
        at(0.99),
        at(0.999),
        at(1.0),
        machine::load(),
    );
    if lost != 0 || rows != distinct {
        return Err(format!("lines were lost or doubled:\n{table}").into());
    }
    Ok(table)
}
