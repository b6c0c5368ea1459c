//! Points in time: nanoseconds since 1970 in UTC, with as much of the calendar as log lines need.
//!
//! How they are read from lines is in `read`; durations and what users write are left to `jiff`.

mod read;

use std::fmt;
use std::time::UNIX_EPOCH;

use millstream::Clock;

pub(crate) use read::*;

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const DAY: i64 = 24 * 60 * MINUTE;

/// A point in time, in nanoseconds since 1970-01-01T00:00:00Z; from the year 1678 to 2261.
///
/// ```
/// use millstream_logs::time::Timestamp;
/// let time = Timestamp::parse(b"2024-01-15 10:23:45,250").unwrap();
/// assert_eq!(time.to_string(), "2024-01-15T10:23:45.250Z");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The point this many nanoseconds after 1970.
    pub fn from_nanos(nanos: i64) -> Timestamp {
        Timestamp(nanos)
    }

    /// The point at which a clock stands; one before 1970 is taken as 1970.
    pub fn now(clock: &Clock) -> Timestamp {
        let since = clock.wall().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
    }

    /// Nanoseconds since 1970.
    pub fn as_nanos(self) -> i64 {
        self.0
    }

    /// Reads a whole text as one timestamp: RFC 3339 and its relatives (`T` or a space, `.` or `,`
    /// before the fraction, `/` in the date, zone or none), the access log's
    /// `15/Jan/2024:10:23:45 +0000`, or a number of seconds, milliseconds, microseconds or
    /// nanoseconds since 1970, distinguished by its size. `None` for anything else.
    pub fn parse(text: &[u8]) -> Option<Timestamp> {
        let whole = |(time, len): (Timestamp, usize)| (len == text.len()).then_some(time);
        iso(text, &mut MinuteCache::default())
            .and_then(whole)
            .or_else(|| access(text).and_then(whole))
            .or_else(|| epoch(text))
    }

    /// Appends the time as RFC 3339 in UTC, with no, three, six or nine digits of fraction as it
    /// needs.
    pub fn write_rfc3339(self, out: &mut Vec<u8>) {
        let (days, nanos) = (self.0.div_euclid(DAY), self.0.rem_euclid(DAY));
        let (year, month, day) = civil(days);
        let (minutes, nanos) = (nanos / MINUTE, nanos % MINUTE);
        digits(out, year as u64, 4);
        out.push(b'-');
        digits(out, month as u64, 2);
        out.push(b'-');
        digits(out, day as u64, 2);
        out.push(b'T');
        digits(out, (minutes / 60) as u64, 2);
        out.push(b':');
        digits(out, (minutes % 60) as u64, 2);
        out.push(b':');
        digits(out, (nanos / SECOND) as u64, 2);
        let fraction = (nanos % SECOND) as u64;
        if fraction != 0 {
            out.push(b'.');
            match fraction {
                f if f % 1_000_000 == 0 => digits(out, f / 1_000_000, 3),
                f if f % 1_000 == 0 => digits(out, f / 1_000, 6),
                f => digits(out, f, 9),
            }
        }
        out.push(b'Z');
    }

    /// This point's day and the one this many nanoseconds into it.
    fn at_day_of(self, nanos_of_day: i64) -> Option<Timestamp> {
        Some(Timestamp(self.0.div_euclid(DAY).checked_mul(DAY)?.checked_add(nanos_of_day)?))
    }

    fn year(self) -> i64 {
        civil(self.0.div_euclid(DAY)).0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(30);
        self.write_rfc3339(&mut text);
        f.pad(&String::from_utf8_lossy(&text))
    }
}

fn digits(out: &mut Vec<u8>, mut number: u64, width: usize) {
    let mut text = [b'0'; 9];
    for place in text[..width].iter_mut().rev() {
        *place = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&text[..width]);
}

/// Days since 1970 of a date of the Gregorian calendar (the well-known count of 400-year eras from
/// March).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The date of a number of days since 1970; the inverse of [`days`].
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Midnight of a date in nanoseconds; `None` if the calendar has no such day or it is out of range.
fn date(year: i64, month: i64, day: i64) -> Option<i64> {
    const LENGTHS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = *LENGTHS.get(usize::try_from(month - 1).ok()?)? + i64::from(leap && month == 2);
    if !(1678..=2261).contains(&year) || !(1..=length).contains(&day) {
        return None;
    }
    Some(days(year, month, day) * DAY)
}
