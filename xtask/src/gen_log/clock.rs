//! Time stamps for made-up logs: a calendar that is rendered once a second, not once a line.

/// A time that only goes forward, as text in the two spellings that logs use.
#[derive(Debug)]
pub(super) struct Ticking {
    /// Milliseconds since the first day of 1970.
    ms: u64,
    /// The second that the texts below show.
    second: u64,
    /// `2026-03-02T08:00:00`
    pub(super) iso: String,
    /// `02/Mar/2026:08:00:00 +0000`
    pub(super) access: String,
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Ticking {
    /// Starts at a second since the first day of 1970.
    pub(super) fn at(second: u64) -> Self {
        let mut clock =
            Ticking { ms: second * 1000, second, iso: String::new(), access: String::new() };
        clock.render();
        clock
    }

    /// Goes forward.
    pub(super) fn advance(&mut self, ms: u64) {
        self.ms += ms;
        if self.ms / 1000 != self.second {
            self.second = self.ms / 1000;
            self.render();
        }
    }

    /// The three digits behind the second.
    pub(super) fn millis(&self) -> [u8; 3] {
        let ms = (self.ms % 1000) as u16;
        [ms / 100, ms / 10 % 10, ms % 10].map(|digit| b'0' + digit as u8)
    }

    fn render(&mut self) {
        let (year, month, day) = civil(self.second / 86_400);
        let (h, m, s) = (self.second / 3600 % 24, self.second / 60 % 60, self.second % 60);
        self.iso = format!("{year}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}");
        self.access =
            format!("{day:02}/{}/{year}:{h:02}:{m:02}:{s:02} +0000", MONTHS[month as usize - 1]);
    }
}

/// Year, month and day of a day counted from the first of 1970, in the Gregorian calendar. Years
/// are counted from March, so that the day a leap year adds is the last of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates_across_leap_years() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(11_017), (2000, 3, 1));
        assert_eq!(civil(20_513), (2026, 3, 1));
    }

    #[test]
    fn the_text_follows_the_time() {
        let mut clock = Ticking::at(20_513 * 86_400);
        assert_eq!((clock.iso.as_str(), clock.millis()), ("2026-03-01T00:00:00", *b"000"));
        clock.advance(61_007);
        assert_eq!((clock.iso.as_str(), clock.millis()), ("2026-03-01T00:01:01", *b"007"));
        assert_eq!(clock.access, "01/Mar/2026:00:01:01 +0000");
    }
}
