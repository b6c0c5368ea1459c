//! How long a line takes from its write to its commit in SQLite while `millstream logs --follow`
//! reads the log.
//!
//! `engine-follow BINARY DIRECTORY RATE SECONDS`. The program is measured as it is: a writer stamps
//! each line with the time of its write; beside it a reader of the database notes, about every
//! millisecond, up to which row it sees. A row's time is the first look that saw it, so the figures
//! hold the reader's own millisecond. A lost or doubled line is an error; no time is.

use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

/// Between two writes of the writer, and between two looks of the reader.
const TICK: Duration = Duration::from_millis(1);
/// How long the last lines may take before they count as lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the reader saw at one time: the last row.
type Look = (Duration, i64);
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let [_, binary, directory, rate, seconds] = args.as_slice() else {
        return Err("usage: engine-follow BINARY DIRECTORY RATE SECONDS".into());
    };
    print!(
        "{}",
        measure(Path::new(binary), Path::new(directory), rate.parse()?, seconds.parse()?)?
    );
    Ok(())
}

fn measure(binary: &Path, directory: &Path, rate: usize, seconds: usize) -> Result<String> {
    let (log, database): (PathBuf, PathBuf) = (directory.join("app.log"), directory.join("out.db"));
    for ending in ["", "-wal", "-shm"] {
        // Missing is what we want.
        let _ = fs::remove_file(format!("{}{ending}", database.display()));
    }
    let file = File::create(&log)?;
    let mut program = Command::new(binary);
    program
        .args(["logs", "--follow", "--quiet", "--job", "bench", "--to"])
        .arg(&database)
        .arg(&log);
    let mut child = program.stdin(Stdio::null()).spawn()?;
    let begin = Instant::now();
    let over = AtomicBool::new(false);
    let (written, looks) = std::thread::scope(|threads| {
        let writer = threads.spawn(|| {
            let written = write(file, begin, rate, seconds);
            over.store(true, Ordering::Release);
            written
        });
        let looks = watch(&database, begin, (rate * seconds) as i64, &over);
        (writer.join(), looks)
    });
    child.kill().and_then(|()| child.wait())?;
    let written = written.map_err(|_| "the writer panicked")??;
    evaluate(&database, &looks?, written)
}

/// Writes lines at the rate, those of a tick at once; those that are late at once too, so that the
/// rate holds.
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
        file.write_all(text.as_bytes())?;
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
    let reader = Connection::open(database)?;
    let ask = |sql: &str| -> rusqlite::Result<i64> { reader.query_row(sql, [], |row| row.get(0)) };
    let rows = ask("SELECT count(*) FROM records")?;
    let distinct = ask(
        "SELECT count(DISTINCT substr(message, 9, instr(substr(message, 9), ' '))) FROM records",
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
            let stamp = message
                .split(" t=")
                .nth(1)
                .and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
            if let (Some((seen, _)), Some(stamp)) = (looks.peek(), stamp) {
                waits.push((seen.as_nanos() as u64).saturating_sub(stamp));
            }
        }
        Ok(())
    };
    read()?;
    waits.sort_unstable();
    let at = |part: f64| {
        let place = ((waits.len() as f64 * part) as usize).min(waits.len().saturating_sub(1));
        waits.get(place).map_or(f64::NAN, |ns| *ns as f64 / 1e6)
    };
    let lost = written as i64 - distinct;
    let table = format!(
        "| lines written | rows | lost | doubled | p50 ms | p90 ms | p99 ms | p99.9 ms | longest ms |\n\
         |---:|---:|---:|---:|---:|---:|---:|---:|---:|\n\
         | {written} | {rows} | {lost} | {} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} |\n",
        rows - distinct,
        at(0.5),
        at(0.9),
        at(0.99),
        at(0.999),
        at(1.0),
    );
    if lost != 0 || rows != distinct {
        return Err(format!("lines were lost or doubled:\n{table}").into());
    }
    Ok(table)
}
