//! Hand parsers for the timestamps that log lines begin with: they stand on the path of every line.
//!
//! Times without a zone are taken as UTC. A `*_shape` says whether a text looks like a time, a
//! `*_len` where such a time ends; neither asks the calendar.

use super::{DAY, MINUTE, SECOND, Timestamp, date};

#[inline]
fn two(text: &[u8], at: usize) -> Option<i64> {
    let &[a, b] = text.get(at..at + 2)? else { return None };
    (a.is_ascii_digit() && b.is_ascii_digit())
        .then(|| i64::from(a - b'0') * 10 + i64::from(b - b'0'))
}

/// The month of an English three-letter name.
fn month(text: &[u8]) -> Option<i64> {
    const NAMES: [&[u8; 3]; 12] = [
        b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov",
        b"dec",
    ];
    let name = text.get(..3)?;
    NAMES.iter().position(|month| name.eq_ignore_ascii_case(*month)).map(|at| at as i64 + 1)
}

/// Remembers the minute of the last timestamp: neighbouring lines of a log mostly share it, which
/// saves the calendar.
#[derive(Clone, Debug, Default)]
pub(crate) struct MinuteCache {
    prefix: [u8; 16],
    nanos: i64,
}

impl MinuteCache {
    #[inline]
    fn minute(&mut self, prefix: &[u8; 16]) -> Option<i64> {
        if *prefix != self.prefix {
            let century = two(prefix, 0)?;
            let midnight = date(century * 100 + two(prefix, 2)?, two(prefix, 5)?, two(prefix, 8)?)?;
            let (hour, minute) = (two(prefix, 11)?, two(prefix, 14)?);
            if hour > 23 || minute > 59 {
                return None;
            }
            self.nanos = midnight + (hour * 60 + minute) * MINUTE;
            self.prefix = *prefix;
        }
        Some(self.nanos)
    }
}

/// Whether the text begins with `2024-01-02 03:04`, or with `T`, `_` or `/` in their places. Only
/// the shape counts, and only these sixteen bytes, so that the answer never changes when more of
/// the line becomes known.
#[inline]
pub(crate) fn iso_shape(text: &[u8]) -> bool {
    const EACH: u128 = u128::MAX / 0xff;
    const DIGITS: u128 =
        u128::from_le_bytes(*b"\xff\xff\xff\xff\0\xff\xff\0\xff\xff\0\xff\xff\0\xff\xff");
    let Some(t) = text.first_chunk::<16>() else { return false };
    // All digits at once: a byte above 9 is above 127 once 118 is added, or was before. One that
    // carries into the byte behind it is such a byte itself.
    let values = (u128::from_le_bytes(*t) ^ (EACH * b'0' as u128)) & DIGITS;
    let above = (values.wrapping_add(EACH * 118) | values) & (EACH * 0x80);
    (above == 0)
        & (t[4] == t[7])
        & matches!(t[4], b'-' | b'/')
        & matches!(t[10], b'T' | b' ' | b't' | b'_')
        & (t[13] == b':')
}

/// Reads the RFC 3339 family at the start of a text and says how many bytes it took.
#[inline]
pub(crate) fn iso(text: &[u8], cache: &mut MinuteCache) -> Option<(Timestamp, usize)> {
    if !iso_shape(text) {
        return None;
    }
    let minute = cache.minute(text.first_chunk::<16>()?)?;
    let (rest, at) = if text.get(16) == Some(&b':') { seconds(text, 17)? } else { (0, 16) };
    let (offset, end) = zone(text, at);
    Some((Timestamp(minute.checked_add(rest)?.checked_sub(offset)?), end))
}

/// Where a time that [`iso_shape`] accepts ends, whether or not the calendar has it.
#[inline]
pub(crate) fn iso_len(text: &[u8]) -> Option<usize> {
    if !iso_shape(text) {
        return None;
    }
    let end =
        if text.get(16) == Some(&b':') { seconds(text, 17).map_or(16, |(_, end)| end) } else { 16 };
    Some(zone(text, end).1)
}

/// Reads `05`, `05.678` or `05,678` at a place: nanoseconds, and where they end. 60 is a leap
/// second.
#[inline]
fn seconds(text: &[u8], at: usize) -> Option<(i64, usize)> {
    let whole = two(text, at)?;
    if whole > 60 {
        return None;
    }
    let mut end = at + 2;
    let mut nanos = whole * SECOND;
    if matches!(text.get(end), Some(b'.' | b','))
        && text.get(end + 1).is_some_and(u8::is_ascii_digit)
    {
        end += 1;
        let mut unit = SECOND / 10;
        while let Some(digit) = text.get(end).filter(|digit| digit.is_ascii_digit()) {
            nanos += i64::from(digit - b'0') * unit;
            unit /= 10;
            end += 1;
        }
    }
    Some((nanos, end))
}

/// Reads `Z`, `+01:00`, `+0100`, `+01`, ` +0100`, ` UTC`, ` GMT` or another name of [`ZONES`] at a
/// place, or nothing, which means UTC.
fn zone(text: &[u8], at: usize) -> (i64, usize) {
    let spaced = text.get(at) == Some(&b' ');
    let sign_at = at + usize::from(spaced);
    let sign = match text.get(sign_at) {
        Some(b'Z' | b'z') if !spaced => return (0, at + 1),
        Some(b'U' | b'G') => match text.get(sign_at..sign_at + 3) {
            Some(b"UTC" | b"GMT")
                if !text.get(sign_at + 3).is_some_and(u8::is_ascii_alphanumeric) =>
            {
                return (0, sign_at + 3);
            }
            _ => return (0, at),
        },
        Some(b'A'..=b'Z') if spaced => {
            return named_zone(&text[sign_at..], sign_at).unwrap_or((0, at));
        }
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return (0, at),
    };
    let Some(hours) = two(text, sign_at + 1).filter(|hours| *hours <= 18) else { return (0, at) };
    let colon = usize::from(text.get(sign_at + 3) == Some(&b':'));
    match two(text, sign_at + 3 + colon).filter(|minutes| *minutes < 60) {
        Some(minutes) => (sign * (hours * 60 + minutes) * MINUTE, sign_at + 5 + colon),
        // A lone pair of digits after a space is more likely a number of the message than a zone.
        None if spaced => (0, at),
        None => (sign * hours * 60 * MINUTE, sign_at + 3),
    }
}

/// Zones that PostgreSQL and others write by name, in hours east of Greenwich, as PostgreSQL reads
/// them by default. Names that mean several zones and none mostly (IST), and zones of half hours,
/// are left out.
const ZONES: [(&[u8], i64); 23] = [
    (b"CET", 1),
    (b"CEST", 2),
    (b"EET", 2),
    (b"EEST", 3),
    (b"WET", 0),
    (b"WEST", 1),
    (b"BST", 1),
    (b"MSK", 3),
    (b"EST", -5),
    (b"EDT", -4),
    (b"CST", -6),
    (b"CDT", -5),
    (b"MST", -7),
    (b"MDT", -6),
    (b"PST", -8),
    (b"PDT", -7),
    (b"JST", 9),
    (b"KST", 9),
    (b"AEST", 10),
    (b"AEDT", 11),
    (b"AWST", 8),
    (b"NZST", 12),
    (b"NZDT", 13),
];

/// The zone that a text begins with, by its name, and where the name ends; the text is at `at`.
fn named_zone(text: &[u8], at: usize) -> Option<(i64, usize)> {
    let len = text.iter().take(5).take_while(|byte| byte.is_ascii_uppercase()).count();
    if !(3..=4).contains(&len) || text.get(len).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let (_, hours) = ZONES.iter().find(|(name, _)| *name == &text[..len])?;
    Some((hours * 60 * MINUTE, at + len))
}

/// Reads a clock such as `03:04:05.678` without a date: it is taken to be of the day of `now`.
pub(crate) fn clock(text: &[u8], now: Timestamp) -> Option<(Timestamp, usize)> {
    let (nanos, end) = clock_nanos(text)?;
    Some((now.at_day_of(nanos)?, end))
}

/// Whether the text begins with `03:04:05`.
pub(crate) fn clock_shape(text: &[u8]) -> bool {
    text.len() >= 8
        && text[2] == b':'
        && text[5] == b':'
        && [0, 1, 3, 4, 6, 7].iter().all(|at| text[*at].is_ascii_digit())
}

/// Where a time that [`clock_shape`] accepts ends.
pub(crate) fn clock_len(text: &[u8]) -> Option<usize> {
    clock_shape(text).then(|| seconds(text, 6).map_or(8, |(_, end)| end))
}

fn clock_nanos(text: &[u8]) -> Option<(i64, usize)> {
    if !clock_shape(text) {
        return None;
    }
    let (hour, minute) = (two(text, 0)?, two(text, 3)?);
    let (nanos, end) = seconds(text, 6)?;
    (hour < 24 && minute < 60).then_some(((hour * 60 + minute) * MINUTE + nanos, end))
}

/// Reads the access log's `15/Jan/2024:10:23:45 +0000`.
pub(crate) fn access(text: &[u8]) -> Option<(Timestamp, usize)> {
    if text.get(2) != Some(&b'/') || text.get(6) != Some(&b'/') || text.get(11) != Some(&b':') {
        return None;
    }
    let year = two(text, 7)? * 100 + two(text, 9)?;
    let midnight = date(year, month(&text[3..])?, two(text, 0)?)?;
    let (nanos, end) = clock_nanos(&text[12..])?;
    let (offset, end) = zone(text, 12 + end);
    Some((Timestamp(midnight + nanos - offset), end))
}

/// Reads syslog's `Jan  2 03:04:05`, which has no year: the latest year in which it is at most a
/// day after `now`.
pub(crate) fn syslog(text: &[u8], now: Timestamp) -> Option<(Timestamp, usize)> {
    let month = month(text)?;
    if !syslog_shape(text) {
        return None;
    }
    let day = if text[4] == b' ' { two(&[b'0', text[5]], 0)? } else { two(text, 4)? };
    let (nanos, end) = clock_nanos(&text[7..])?;
    Some((in_recent_year(month, day, nanos, now)?, 7 + end))
}

/// Whether the text begins with the shape of `Jan  2 03:04:05`.
pub(crate) fn syslog_shape(text: &[u8]) -> bool {
    text.len() >= 15
        && month(text).is_some()
        && text[3] == b' '
        && (text[4] == b' ' || text[4].is_ascii_digit())
        && text[5].is_ascii_digit()
        && text[6] == b' '
        && clock_shape(&text[7..])
}

/// Reads glog's `0102 03:04:05.678901`, which has no year either.
pub(crate) fn glog(text: &[u8], now: Timestamp) -> Option<(Timestamp, usize)> {
    let (month, day) = (two(text, 0)?, two(text, 2)?);
    if text.get(4) != Some(&b' ') {
        return None;
    }
    let (nanos, end) = clock_nanos(&text[5..])?;
    Some((in_recent_year(month, day, nanos, now)?, 5 + end))
}

/// Whether a text begins like Apache's times. The day of the week is looked at too, so that no line
/// end passes for it.
pub(crate) fn apache_shape(text: &[u8]) -> bool {
    let day = matches!(text, [b'A'..=b'Z', b'a'..=b'z', b'a'..=b'z', b' ', ..]);
    day && syslog_shape(&text[4..])
}

/// Reads Apache's `Wed Oct 11 14:32:52.123456 2000`.
pub(crate) fn apache(text: &[u8]) -> Option<(Timestamp, usize)> {
    if !apache_shape(text) {
        return None;
    }
    let rest = &text[4..];
    let day = if rest[4] == b' ' { two(&[b'0', rest[5]], 0)? } else { two(rest, 4)? };
    let (nanos, end) = clock_nanos(&rest[7..])?;
    let at = 4 + 7 + end + 1;
    let midnight = date(two(text, at)? * 100 + two(text, at + 2)?, month(rest)?, day)?;
    Some((Timestamp(midnight + nanos), at + 4))
}

/// Where a time that begins like Apache's ends.
pub(crate) fn apache_len(text: &[u8]) -> Option<usize> {
    let clock = text.get(11..)?;
    let end = 11 + clock_len(clock)?;
    Some(if two(text, end + 1).is_some() && two(text, end + 3).is_some() { end + 5 } else { end })
}

fn in_recent_year(month: i64, day: i64, nanos: i64, now: Timestamp) -> Option<Timestamp> {
    let year = now.year();
    let latest = now.0.saturating_add(DAY);
    // The 29th of February may be as much as eight years back.
    (year - 8..=year + 1)
        .rev()
        .filter_map(|year| date(year, month, day))
        .map(|midnight| midnight + nanos)
        .find(|time| *time <= latest)
        .map(Timestamp)
}

/// Reads a number of seconds (also with a fraction), milliseconds, microseconds or nanoseconds
/// since 1970.
pub(super) fn epoch(text: &[u8]) -> Option<Timestamp> {
    let point = text.iter().position(|byte| *byte == b'.').unwrap_or(text.len());
    let (whole, fraction) = (&text[..point], text.get(point + 1..));
    if !(9..=19).contains(&whole.len()) || !whole.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let whole: i64 = std::str::from_utf8(whole).ok()?.parse().ok()?;
    let unit = match whole {
        ..100_000_000_000 => SECOND,
        100_000_000_000..100_000_000_000_000 => 1_000_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000,
        _ => 1,
    };
    let mut nanos = whole.checked_mul(unit)?;
    if let Some(fraction) = fraction {
        if fraction.is_empty() || !fraction.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let mut place = unit;
        for digit in fraction {
            place /= 10;
            nanos = nanos.checked_add(i64::from(digit - b'0') * place)?;
        }
    }
    Some(Timestamp(nanos))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_time_has_its_shape_when_each_byte_of_it_has(
            changes in prop::collection::vec((0..16usize, any::<u8>()), 0..3),
        ) {
            let mut text = *b"2024-01-15T10:23:45.678Z";
            for (at, byte) in changes {
                text[at] = byte;
            }
            let each = text[..16].iter().enumerate().all(|(at, byte)| match at {
                4 | 7 => matches!(byte, b'-' | b'/') && text[4] == text[7],
                10 => matches!(byte, b'T' | b't' | b' ' | b'_'),
                13 => *byte == b':',
                _ => byte.is_ascii_digit(),
            });
            prop_assert_eq!(iso_shape(&text), each);
        }
    }
}
