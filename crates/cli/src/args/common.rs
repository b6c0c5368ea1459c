//! What all programs understand, and how a value of a kind is read: a time, a size, a number.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args as ClapArgs;

/// What every program understands.
#[derive(Clone, Debug, ClapArgs)]
#[command(next_help_heading = "Run")]
pub(crate) struct Common {
    /// Write the run's report as JSON to FILE (`-` is standard output)
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,

    /// Print only errors on standard error
    #[arg(long, short)]
    pub(crate) quiet: bool,

    /// End the run after this time, with exit code 4
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) deadline: Option<Duration>,

    /// After a first Ctrl-C, how long what was started may take to end
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30s")]
    pub(crate) grace: Duration,
}

/// A hundred years: what is added to the time of day must still be one.
const LONGEST: Duration = Duration::from_secs(36_500 * 86_400);

/// `5ms`, `30s`, `5m`, `2h`, `1d`; units add up (`1m30s`).
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let expected = || {
        format!(
            "\"{text}\" is not a time: expected a number with a unit, such as 5ms, 30s, 5m or 2h"
        )
    };
    let mut rest = text.trim();
    let mut sum = Duration::ZERO;
    if rest.is_empty() {
        return Err(expected());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(expected)?;
        let (number, after) = rest.split_at(digits);
        let unit_end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let number: f64 = number.parse().map_err(|_| expected())?;
        let seconds = match unit {
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return Err(expected()),
        };
        let part = Duration::try_from_secs_f64(number * seconds).ok();
        let longer = part.and_then(|part| sum.checked_add(part)).filter(|sum| *sum <= LONGEST);
        sum = longer.ok_or_else(|| format!("\"{text}\" is too long: expected at most 36500d"))?;
        rest = after;
    }
    Ok(sum)
}

/// The same within a range.
pub(crate) fn bytes_in(
    text: &str,
    range: RangeInclusive<usize>,
    most: &str,
) -> Result<usize, String> {
    let size = bytes(text)?;
    let expected = || {
        format!("\"{text}\" is too small or too large: expected {} bytes to {most}", range.start())
    };
    if range.contains(&size) { Ok(size) } else { Err(expected()) }
}

/// `1000`, `64KB`, `1MiB`, `2GB`.
fn bytes(text: &str) -> Result<usize, String> {
    let expected = || {
        format!(
            "\"{text}\" is not a size: expected a number of bytes, or one such as 64KB, 1MiB or 2GB"
        )
    };
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: usize = number.parse().map_err(|_| expected())?;
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "kib" => 1 << 10,
        "m" | "mb" => 1_000_000,
        "mib" => 1 << 20,
        "g" | "gb" => 1_000_000_000,
        "gib" => 1 << 30,
        _ => return Err(expected()),
    };
    number.checked_mul(factor).ok_or_else(expected)
}

/// A number within a range; `what` says in an error what it should have been.
pub(crate) fn number<T>(text: &str, range: RangeInclusive<T>, what: &str) -> Result<T, String>
where
    T: FromStr + PartialOrd + Display,
{
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| {
        format!(
            "\"{text}\" is not {what}: expected {} or more, at most {}",
            range.start(),
            range.end()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units_and_nothing_else_is_a_time() {
        assert_eq!(duration("5ms"), Ok(Duration::from_millis(5)));
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1.5h"), Ok(Duration::from_secs(5_400)));
        assert_eq!(duration("36500d"), Ok(LONGEST));
        let long = "18446744073709549568s";
        for wrong in
            ["", "5", "ms", "5 parsecs", "-1s", "1e999s", ".s", long, &long.repeat(2), "36500d1us"]
        {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_know_their_units() {
        assert_eq!((bytes("10"), bytes("1MiB"), bytes("2kb")), (Ok(10), Ok(1 << 20), Ok(2_000)));
        assert!(bytes("much").is_err() && bytes("1PB").is_err());
    }
}
