//! `cargo xtask gen-log`: logs that look like those of real programs, the same at every call, about
//! a gigabyte in seconds.
//!
//! Lines are formatted by hand into one large buffer; nothing is allocated for a line.

mod clock;
mod lines;

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::str::FromStr;

use crate::shell::{self, Error, Result, context};
use lines::Writer;

/// The shape of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// `LEVEL timestamp message`, with a few stack traces.
    Plain,
    /// One object a line.
    Json,
    /// An access log.
    Combined,
}

/// What a log shall be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// Lines in all, those of stack traces among them.
    pub(crate) lines: usize,
    /// The shape of a line.
    pub(crate) format: Format,
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "plain" => Ok(Format::Plain),
            "json" => Ok(Format::Json),
            "combined" => Ok(Format::Combined),
            _ => Err(format!("--format {name}: expected plain, json or combined").into()),
        }
    }
}

/// Reads the arguments and writes the log.
pub(crate) fn run(args: &[String]) -> Result {
    let mut wanted = Wanted { lines: 1_000_000, format: Format::Plain };
    let mut out = None;
    for (name, value) in shell::flags(args, &["lines", "format", "out"])? {
        match name {
            "lines" => wanted.lines = shell::number(name, value)?,
            "format" => wanted.format = value.parse()?,
            _ => out = Some(value),
        }
    }
    let out = out.ok_or("--out FILE is missing: where shall the log go?")?;
    let start = shell::now();
    let bytes = write(&wanted, Path::new(out))?;
    println!(
        "{out}: {} lines, {} MB, in {}",
        wanted.lines,
        bytes / 1_000_000,
        shell::seconds(start.elapsed())
    );
    Ok(())
}

/// Makes the log unless it is there already; says which. A log that was not finished is not there.
pub(crate) fn ensure(wanted: &Wanted, path: &Path) -> Result<String> {
    if let Ok(found) = fs::metadata(path) {
        return Ok(format!("already there, {} MB", found.len() / 1_000_000));
    }
    let unfinished = path.with_extension("unfinished");
    let bytes = write(wanted, &unfinished)?;
    context(fs::rename(&unfinished, path), path.display())?;
    Ok(format!("{} lines, {} MB", wanted.lines, bytes / 1_000_000))
}

fn write(wanted: &Wanted, path: &Path) -> Result<u64> {
    let mut file = context(File::create(path), path.display())?;
    let mut bytes = 0;
    each_block(wanted, |block| {
        bytes += block.len() as u64;
        context(file.write_all(block), path.display())
    })?;
    Ok(bytes)
}

/// Hands the log over in blocks of about a megabyte that end with a line.
fn each_block(wanted: &Wanted, mut take: impl FnMut(&[u8]) -> Result) -> Result {
    const BLOCK: usize = 1 << 20;
    let mut block = Vec::with_capacity(BLOCK + 4096);
    let mut writer = Writer::new();
    let mut left = wanted.lines;
    while left > 0 {
        left -= match wanted.format {
            Format::Plain => writer.plain(&mut block, left),
            Format::Json => writer.json(&mut block),
            Format::Combined => writer.combined(&mut block),
        };
        if block.len() >= BLOCK {
            take(&block)?;
            block.clear();
        }
    }
    take(&block)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(lines: usize, format: Format) -> String {
        let mut all = Vec::new();
        let wanted = Wanted { lines, format };
        each_block(&wanted, |block| {
            all.extend_from_slice(block);
            Ok(())
        })
        .expect("memory takes every block");
        String::from_utf8(all).expect("a log is text")
    }

    #[test]
    fn a_log_has_the_wanted_number_of_lines_and_is_the_same_each_time() {
        for format in [Format::Plain, Format::Json, Format::Combined] {
            for lines in [0, 1, 2, 777, 30_000] {
                let log = text(lines, format);
                assert_eq!(log.lines().count(), lines, "{format:?}");
                assert!(log.is_empty() || log.ends_with('\n'));
                assert_eq!(log, text(lines, format));
            }
        }
    }

    #[test]
    fn a_plain_log_is_about_a_hundred_bytes_a_line_with_five_errors_in_a_hundred_records() {
        let log = text(100_000, Format::Plain);
        let records: Vec<&str> =
            log.lines().filter(|line| !line.starts_with([' ', 'j', 'C'])).collect();
        let share = |level| {
            records.iter().filter(|line| line.starts_with(level)).count() as f64
                / records.len() as f64
        };
        assert!((0.045..0.055).contains(&share("ERROR ")), "{}", share("ERROR "));
        assert!((0.08..0.12).contains(&share("WARN ")));
        assert!((90..115).contains(&(log.len() / 100_000)), "{} bytes a line", log.len() / 100_000);
        assert!(records.len() < 100_000, "a few lines belong to stack traces");
        assert!(
            records
                .iter()
                .all(|line| line.split(' ').nth(1).is_some_and(|time| time.ends_with('Z')))
        );
    }

    #[test]
    fn json_lines_are_objects_and_access_lines_have_their_two_quoted_ends() {
        assert!(
            text(1000, Format::Json)
                .lines()
                .all(|line| line.starts_with("{\"ts\":\"") && line.ends_with('}'))
        );
        assert!(text(1000, Format::Combined).lines().all(|line| line.matches('"').count() == 6));
    }
}
