//! Writes points in time as text, without a calendar library on the hot path.

/// Nanoseconds in a second.
const SECOND_NS: i64 = 1_000_000_000;

/// How a time is written; both are UTC, sort as text in the order of time, and carry 0, 3, 6 or 9
/// digits of a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// `2026-01-02 03:04:05.678`: what SQLite's own functions write and compare with.
    Sql,
    /// `2026-01-02T03:04:05.678Z`: RFC 3339.
    Rfc3339,
}

/// Formats times; remembers the last second, because neighbouring rows share it.
#[derive(Debug)]
pub(crate) struct TimeText {
    style: Style,
    second: Option<i64>,
    text: [u8; 30],
}

impl TimeText {
    pub(crate) fn new(style: Style) -> Self {
        Self { style, second: None, text: [b'0'; 30] }
    }

    /// The text of `nanoseconds` since 1970.
    pub(crate) fn format(&mut self, nanoseconds: i64) -> &str {
        let second = nanoseconds.div_euclid(SECOND_NS);
        let fraction = nanoseconds.rem_euclid(SECOND_NS);
        if self.second != Some(second) {
            self.second = Some(second);
            self.write_second(second);
        }
        let mut end = 19;
        if fraction != 0 {
            self.text[19] = b'.';
            digits(&mut self.text[20..29], fraction);
            end = if fraction % 1_000_000 == 0 {
                23
            } else if fraction % 1_000 == 0 {
                26
            } else {
                29
            };
        }
        if self.style == Style::Rfc3339 {
            self.text[end] = b'Z';
            end += 1;
        }
        // Only ASCII is ever written, so the empty text cannot come.
        std::str::from_utf8(&self.text[..end]).unwrap_or_default()
    }

    fn write_second(&mut self, second: i64) {
        let (year, month, day) = civil(second.div_euclid(86_400));
        let of_day = second.rem_euclid(86_400);
        let text = &mut self.text;
        digits(&mut text[0..4], year);
        text[4] = b'-';
        digits(&mut text[5..7], month);
        text[7] = b'-';
        digits(&mut text[8..10], day);
        text[10] = if self.style == Style::Sql { b' ' } else { b'T' };
        digits(&mut text[11..13], of_day / 3_600);
        text[13] = b':';
        digits(&mut text[14..16], of_day / 60 % 60);
        text[16] = b':';
        digits(&mut text[17..19], of_day % 60);
    }
}

/// Fills `out` with the decimal digits of `number`, which is not negative, with leading zeros.
fn digits(out: &mut [u8], mut number: i64) {
    for place in out.iter_mut().rev() {
        *place = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Year, month and day of a day counted from 1970, in the Gregorian calendar.
///
/// Years are counted from March, so that the leap day is a year's last; eras are its 400-year
/// periods.
fn civil(day_of_epoch: i64) -> (i64, i64, i64) {
    let days = day_of_epoch + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_ends_of_the_range_and_the_epoch_are_written_right() {
        let mut sql = TimeText::new(Style::Sql);
        let mut rfc = TimeText::new(Style::Rfc3339);
        assert_eq!(sql.format(0), "1970-01-01 00:00:00");
        assert_eq!(rfc.format(-1), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(rfc.format(1_500_000_000), "1970-01-01T00:00:01.500Z");
        assert_eq!(rfc.format(i64::MIN), "1677-09-21T00:12:43.145224192Z");
        assert_eq!(rfc.format(i64::MAX), "2262-04-11T23:47:16.854775807Z");
    }

    proptest! {
        #[test]
        fn every_time_reads_back_as_itself(first: i64, second: i64) {
            let mut rfc = TimeText::new(Style::Rfc3339);
            for ns in [first, first.saturating_add(5_000), second] {
                let read: jiff::Timestamp = rfc.format(ns).parse().unwrap();
                prop_assert_eq!(read.as_nanosecond(), i128::from(ns));
            }
        }

        #[test]
        fn text_sorts_as_time_does(first in any::<i64>(), apart in -2_000_000_000i64..2_000_000_000) {
            let second = first.saturating_add(apart);
            let mut sql = TimeText::new(Style::Sql);
            let a = sql.format(first).to_owned();
            let b = sql.format(second).to_owned();
            prop_assert_eq!(a.cmp(&b), first.cmp(&second));
        }
    }
}
