//! Points in time as people write them for `--since` and `--until`.
//!
//! The clock is the caller's: `now` comes in as a value.

use std::fmt;

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Span, SpanRelativeTo};

use crate::time::Timestamp;

/// Reads a point in time: RFC 3339 (`2024-01-15T10:00:00+01:00`), a date with or without a time of
/// day (in UTC), seconds since 1970, `now`, or how long ago (`2h`, `1d 12h`, `90 minutes`, also
/// with `ago` behind it).
///
/// ```
/// use millstream_logs::filter::parse_time;
/// use millstream_logs::time::Timestamp;
/// let now = Timestamp::parse(b"2024-01-15T10:00:00Z").unwrap();
/// assert_eq!(parse_time("2h", now)?.to_string(), "2024-01-15T08:00:00Z");
/// assert_eq!(parse_time("2024-01-01", now)?.to_string(), "2024-01-01T00:00:00Z");
/// # Ok::<(), millstream_logs::filter::ParseTimeError>(())
/// ```
///
/// # Errors
/// If the text is none of these, or too far away.
pub fn parse_time(text: &str, now: Timestamp) -> Result<Timestamp, ParseTimeError> {
    let text = text.trim();
    if text == "now" {
        return Ok(now);
    }
    absolute(text)
        .or_else(|| ago(text, now))
        .or_else(|| Timestamp::parse(text.as_bytes()))
        .ok_or_else(|| ParseTimeError { text: text.into() })
}

fn absolute(text: &str) -> Option<Timestamp> {
    let time = match text.parse::<jiff::Timestamp>() {
        Ok(time) => time,
        Err(_) => {
            let civil = text
                .parse::<DateTime>()
                .or_else(|_| text.parse::<Date>().map(DateTime::from))
                .ok()?;
            jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()?
        }
    };
    i64::try_from(time.as_nanosecond()).ok().map(Timestamp::from_nanos)
}

fn ago(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.strip_prefix('-').unwrap_or(text);
    let span: Span = text.strip_suffix("ago").unwrap_or(text).trim().parse().ok()?;
    // Weeks and days are multiples of 24 hours; months and years are not fixed, so jiff refuses
    // them here.
    let length: SignedDuration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    let nanos = i64::try_from(length.abs().as_nanos()).ok()?;
    now.as_nanos().checked_sub(nanos).map(Timestamp::from_nanos)
}

/// A text that is no point in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseTimeError {
    text: String,
}

impl fmt::Display for ParseTimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\"{}\" is not a time: expected a date such as 2024-01-15, a time such as 2024-01-15T10:00:00Z, or how \
             long ago, such as 2h or 1d 12h",
            self.text
        )
    }
}

impl std::error::Error for ParseTimeError {}
