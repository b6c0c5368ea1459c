//! One run of one program: how long it took, what it cost, and whether its answer is right.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::shell::{self, Result, command, context};

/// Where a program leaves its answer: the number of records it found.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// The last number that it prints.
    Printed,
    /// The lines that it prints.
    LinesPrinted,
    /// The lines of a file that it writes.
    LinesOf(PathBuf),
    /// The rows of this table in an SQLite database that it writes.
    RowsOf(&'static str, PathBuf),
    /// The JPEG files that are whole in a directory that it fills.
    ImagesIn(PathBuf),
}

/// What one run was measured to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) wall_s: f64,
    pub(super) cpu_s: f64,
    pub(super) peak_mb: f64,
    pub(super) answer: u64,
}

/// Runs a program once. What it prints goes to a file, as its user would have it, and what an
/// earlier run wrote is removed.
pub(super) fn once(argv: &[String], answer: &Answer, scratch: &Path) -> Result<Run> {
    clear(answer)?;
    kept(argv, answer, scratch)
}

/// Removes an answer that is there: a run that found it might have nothing to do.
fn clear(answer: &Answer) -> Result {
    match answer {
        Answer::Printed | Answer::LinesPrinted => {}
        Answer::LinesOf(path) | Answer::RowsOf(_, path) => remove(path),
        Answer::ImagesIn(directory) => {
            // Missing is what we want; that it can be made is what matters.
            let _ = fs::remove_dir_all(directory);
            context(fs::create_dir_all(directory), directory.display())?;
        }
    }
    Ok(())
}

/// Removes a file and what a database keeps beside it.
pub(super) fn remove(path: &Path) {
    for ending in ["", "-wal", "-shm", "-journal", "-crawl"] {
        // Missing is what we want.
        let _ = fs::remove_file(format!("{}{ending}", path.display()));
    }
}

/// The same, but the program goes on with what is there.
pub(super) fn kept(argv: &[String], answer: &Answer, scratch: &Path) -> Result<Run> {
    let (printed, errors, usage) =
        (scratch.join("printed"), scratch.join("errors"), scratch.join("usage"));
    let mut timed = command("/usr/bin/time");
    timed.args(["-f", "%U %S %M", "-o"]).arg(&usage).args(argv).stdin(Stdio::null());
    timed.stdout(context(File::create(&printed), printed.display())?);
    timed.stderr(context(File::create(&errors), errors.display())?);
    let start = shell::now();
    let status = context(timed.status(), "/usr/bin/time")?;
    let wall_s = start.elapsed().as_secs_f64();
    if !status.success() {
        let said = fs::read_to_string(&errors).unwrap_or_default();
        let tail: Vec<&str> = said.lines().rev().take(5).collect();
        return Err(
            format!("`{}` ended with {status}: {}", argv.join(" "), tail.join(" / ")).into()
        );
    }
    let text = context(fs::read_to_string(&usage), usage.display())?;
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [user, system, peak_kb] = numbers[..] else {
        return Err(format!(
            "/usr/bin/time wrote `{}`; expected three numbers (is it GNU time?)",
            text.trim()
        )
        .into());
    };
    let answer = read_answer(answer, &printed)?;
    Ok(Run { wall_s, cpu_s: user + system, peak_mb: peak_kb / 1024.0, answer })
}

fn read_answer(answer: &Answer, printed: &Path) -> Result<u64> {
    match answer {
        Answer::Printed => {
            let text = context(fs::read_to_string(printed), printed.display())?;
            last_number(&text).ok_or_else(|| format!("printed no number: `{}`", text.trim()).into())
        }
        Answer::LinesPrinted => lines(printed),
        Answer::LinesOf(path) => lines(path),
        Answer::RowsOf(table, path) => rows(table, path),
        Answer::ImagesIn(directory) => images(directory),
    }
}

/// Files that begin and end as JPEG files do.
fn images(directory: &Path) -> Result<u64> {
    let mut count = 0;
    for entry in context(fs::read_dir(directory), directory.display())?.flatten() {
        let bytes = context(fs::read(entry.path()), entry.path().display())?;
        count += u64::from(bytes.starts_with(&[0xFF, 0xD8]) && bytes.ends_with(&[0xFF, 0xD9]));
    }
    Ok(count)
}

fn last_number(text: &str) -> Option<u64> {
    text.split(|c: char| !c.is_ascii_digit()).rfind(|word| !word.is_empty())?.parse().ok()
}

fn lines(path: &Path) -> Result<u64> {
    let mut file = BufReader::with_capacity(1 << 20, context(File::open(path), path.display())?);
    let mut count = 0;
    loop {
        let block = context(file.fill_buf(), path.display())?;
        if block.is_empty() {
            return Ok(count);
        }
        count += block.iter().filter(|byte| **byte == b'\n').count() as u64;
        let read = block.len();
        file.consume(read);
    }
}

/// Asks SQLite's own program or Python's SQLite, not ours: an answer is verified by somebody else.
fn rows(table: &str, path: &Path) -> Result<u64> {
    let query = format!("select count(*) from {table}");
    let text = if shell::which("sqlite3").is_some() {
        shell::output(command("sqlite3").arg(path).arg(&query))?
    } else {
        let script = format!(
            "import sqlite3,sys; print(sqlite3.connect(sys.argv[1]).execute('{query}').fetchone()[0])"
        );
        shell::output(command("python3").args(["-c", &script]).arg(path))?
    };
    context(text.trim().parse(), format!("rows of {}: `{}`", path.display(), text.trim()))
}

/// Reads a file through once, so that every run finds it in memory.
pub(super) fn warm(path: &Path) -> Result<u64> {
    lines(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let directory = shell::target_dir().join("xtask-tests").join(name);
        fs::create_dir_all(&directory).expect("target can be written");
        directory
    }

    #[test]
    fn the_answer_is_the_last_number_printed() {
        assert_eq!(last_number("┌──┐\n│ 49743 │\n└──┘"), Some(49_743));
        assert_eq!(last_number("12 found in 3 files: 7\n"), Some(7));
        assert_eq!(last_number("none"), None);
    }

    #[test]
    fn a_image_that_breaks_off_is_not_counted() {
        let directory = scratch("images");
        for (name, bytes) in
            [("a.jpg", &[0xFF, 0xD8, 7, 0xFF, 0xD9][..]), ("b.jpg", &[0xFF, 0xD8, 7])]
        {
            fs::write(directory.join(name), bytes).expect("target can be written");
        }
        assert_eq!(images(&directory).expect("it is there"), 1);
    }

    #[test]
    fn what_an_earlier_run_wrote_is_gone_before_the_next_one() {
        let directory = scratch("cleared");
        let (lines, rows, images) =
            (directory.join("x.jsonl"), directory.join("x.db"), directory.join("out"));
        fs::create_dir_all(&images).expect("target can be written");
        for path in [&lines, &rows, &directory.join("x.db-wal"), &images.join("a.jpg")] {
            fs::write(path, "old").expect("target can be written");
        }
        for answer in
            [Answer::LinesOf(lines), Answer::RowsOf("pages", rows), Answer::ImagesIn(images)]
        {
            clear(&answer).expect("target can be written");
        }
        let left: Vec<_> = fs::read_dir(&directory).expect("it is there").flatten().collect();
        assert_eq!(left.len(), 1, "{left:?}");
        assert_eq!(fs::read_dir(directory.join("out")).expect("it is there").count(), 0);
    }

    #[test]
    fn lines_of_a_file_are_counted_by_their_ends() {
        let path = scratch("lines").join("three");
        fs::write(&path, "a\nb\nc\n").expect("target can be written");
        assert_eq!(lines(&path).expect("it is there"), 3);
        assert!(lines(Path::new("/no/such/file")).is_err());
    }
}
