//! Timestamps: what is read, what is written, and how people give them.

use millstream_logs::filter::parse_time;
use millstream_logs::time::Timestamp;
use proptest::prelude::*;

use crate::support::now;

fn read(text: &str) -> Option<String> {
    Timestamp::parse(text.as_bytes()).map(|time| time.to_string())
}

#[test]
fn the_relatives_of_rfc_3339_are_read() {
    for (text, time) in [
        ("2024-01-15T10:23:45Z", "2024-01-15T10:23:45Z"),
        ("2024-01-15 10:23:45", "2024-01-15T10:23:45Z"),
        ("2024-01-15 10:23:45,5", "2024-01-15T10:23:45.500Z"),
        ("2024/01/15 10:23:45.123456", "2024-01-15T10:23:45.123456Z"),
        ("2024-01-15T10:23:45.123456789+01:00", "2024-01-15T09:23:45.123456789Z"),
        ("2024-01-15T10:23:45-0530", "2024-01-15T15:53:45Z"),
        ("2024-01-15T10:23:45 +0100", "2024-01-15T09:23:45Z"),
        ("2024-01-15 10:23:45 UTC", "2024-01-15T10:23:45Z"),
        ("2024-01-15 10:23:45.5 CET", "2024-01-15T09:23:45.500Z"),
        ("2024-01-15 10:23:45 EDT", "2024-01-15T14:23:45Z"),
        ("2024-01-15T10:23", "2024-01-15T10:23:00Z"),
        ("2024-02-29T23:59:60Z", "2024-03-01T00:00:00Z"),
        ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
        ("15/Jan/2024:10:23:45 -0700", "2024-01-15T17:23:45Z"),
        ("1705314225", "2024-01-15T10:23:45Z"),
        ("1705314225.25", "2024-01-15T10:23:45.250Z"),
        ("1705314225250", "2024-01-15T10:23:45.250Z"),
        ("1705314225250001", "2024-01-15T10:23:45.250001Z"),
        ("1705314225250001002", "2024-01-15T10:23:45.250001002Z"),
    ] {
        assert_eq!(read(text).as_deref(), Some(time), "{text}");
    }
}

#[test]
fn what_the_calendar_or_the_clock_does_not_have_is_no_time() {
    for text in [
        "2024-13-01T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2024-01-32T00:00:00Z",
        "2024-01-15T24:00:00Z",
        "2024-01-15T10:60:00Z",
        "2024-01-15T10:00:61Z",
        "2024-00-15T10:00:00Z",
        "2024-01-15",
        "12345",
        "",
        "9999-01-01T00:00:00Z",
        "2024-01-15T10:23:45Z and more",
        "15/Foo/2024:10:23:45 +0000",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
}

#[test]
fn only_a_zone_is_taken_from_behind_a_time() {
    for (line, message) in [
        ("2024-01-15 10:23:45 -12 degrees", "-12 degrees"),
        ("2024-01-15 10:23:45 +0100 up", "up"),
        ("2024-01-15 10:23:45 UTC up", "up"),
        ("2024-01-15 10:23:45 UTCoffset set", "UTCoffset set"),
        ("2024-01-15 10:23:45. up", ". up"),
    ] {
        assert_eq!(
            crate::support::messages(line.as_bytes(), &Default::default()),
            [message],
            "{line}"
        );
    }
}

#[test]
fn people_write_dates_times_and_how_long_ago() {
    for (text, time) in [
        ("2h", "2024-01-31T22:00:00Z"),
        ("1d 12h", "2024-01-30T12:00:00Z"),
        ("90 minutes ago", "2024-01-31T22:30:00Z"),
        ("-30s", "2024-01-31T23:59:30Z"),
        ("1w", "2024-01-25T00:00:00Z"),
        ("now", "2024-02-01T00:00:00Z"),
        ("2024-01-15", "2024-01-15T00:00:00Z"),
        ("2024-01-15 10:30", "2024-01-15T10:30:00Z"),
        ("2024-01-15T10:00:00+01:00", "2024-01-15T09:00:00Z"),
        ("1705314225", "2024-01-15T10:23:45Z"),
    ] {
        assert_eq!(
            parse_time(text, now()).map(|time| time.to_string()).as_deref(),
            Ok(time),
            "{text}"
        );
    }
    for text in ["", "yesterday-ish", "2024-13-01", "h", "1 month"] {
        assert!(parse_time(text, now()).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn a_time_that_was_written_is_read_as_the_same(nanos in -9_000_000_000_000_000_000i64..9_000_000_000_000_000_000) {
        let time = Timestamp::from_nanos(nanos);
        prop_assert_eq!(Timestamp::parse(time.to_string().as_bytes()), Some(time));
    }

    #[test]
    fn the_calendar_agrees_with_jiff(seconds in -9_000_000_000i64..9_000_000_000) {
        let time = Timestamp::from_nanos(seconds * 1_000_000_000);
        prop_assert_eq!(time.to_string(), jiff::Timestamp::from_second(seconds).unwrap().to_string());
    }
}
