//! Whether one URL is tried again, and after how long. It decides about the URL; the host's pace is kept beside it.

use std::time::Duration;

use crate::page::ErrorKind;

/// How often one URL is asked for in all, and the waits in between: doubling, each shortened by a part of up to a half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attempts {
    /// Requests for one URL in all; 0 is taken as 1.
    pub(crate) most: u32,
    /// The wait after the first.
    pub(crate) first: Duration,
    /// No wait is longer.
    pub(crate) longest: Duration,
}

impl Default for Attempts {
    fn default() -> Self {
        Self { most: 3, first: Duration::from_secs(1), longest: Duration::from_secs(60) }
    }
}

impl Attempts {
    /// How long to wait before the next request, after `made` of them; none if this was the last.
    ///
    /// `seed` decides which part of the wait is left out: two URLs that failed together do not come back together, and
    /// the same run twice is the same.
    pub(crate) fn again(
        &self,
        made: u32,
        status: Option<u16>,
        error: ErrorKind,
        seed: u64,
    ) -> Option<Duration> {
        if made >= self.most.max(1) || !may_pass(status, error) {
            return None;
        }
        let doublings = made.saturating_sub(1);
        let whole = self.first.saturating_mul(1u32.checked_shl(doublings).unwrap_or(u32::MAX));
        let whole = whole.min(self.longest.max(self.first));
        // Well mixed, whatever the seed: the last step of splitmix64.
        let mut mixed = seed.wrapping_add(u64::from(made)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let part = (mixed >> 40) as u32;
        Some(whole - whole / 2 * (part >> 8) / (1 << 16))
    }
}

/// Whether the same request may go well another time.
///
/// What the host sent and cannot be read, what is too long, and what our own rules refuse would be the same again.
fn may_pass(status: Option<u16>, error: ErrorKind) -> bool {
    match error {
        ErrorKind::Dns | ErrorKind::Connect | ErrorKind::Timeout => true,
        ErrorKind::Server => !matches!(status, Some(501 | 505)),
        ErrorKind::Client => matches!(status, Some(408 | 425 | 429)),
        ErrorKind::Robots
        | ErrorKind::Address
        | ErrorKind::Tls
        | ErrorKind::Protocol
        | ErrorKind::TooLarge
        | ErrorKind::Encoding
        | ErrorKind::Redirect
        | ErrorKind::HostDown => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_tried_so_often_and_no_more() {
        let attempts = Attempts { most: 3, ..Attempts::default() };
        let again = |made| attempts.again(made, None, ErrorKind::Timeout, 7);
        assert!(again(1).is_some() && again(2).is_some());
        assert_eq!((again(3), again(4)), (None, None));
        assert_eq!(Attempts { most: 0, ..attempts }.again(1, None, ErrorKind::Timeout, 7), None);
    }

    #[test]
    fn waits_double_up_to_the_longest_and_at_most_a_half_is_left_out() {
        let (first, longest) = (Duration::from_secs(1), Duration::from_secs(5));
        let attempts = Attempts { most: 100, first, longest };
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..1_000 {
            for (made, whole) in [(1, 1), (2, 2), (3, 4), (4, 5), (60, 5)] {
                let whole = Duration::from_secs(whole);
                let wait = attempts.again(made, None, ErrorKind::Connect, seed).expect("one of a hundred");
                assert!((whole / 2..=whole).contains(&wait), "{wait:?} after {made}");
                seen.insert(wait);
            }
        }
        assert!(seen.len() > 4_000, "waits differ: {}", seen.len());
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let attempts = Attempts::default();
        let again = |status, error| attempts.again(1, status, error, 0).is_some();
        assert!(again(Some(503), ErrorKind::Server) && again(Some(429), ErrorKind::Client));
        assert!(again(None, ErrorKind::Dns) && again(Some(200), ErrorKind::Timeout));
        assert!(!again(Some(501), ErrorKind::Server) && !again(Some(404), ErrorKind::Client));
        for error in [ErrorKind::Tls, ErrorKind::Robots, ErrorKind::TooLarge, ErrorKind::Protocol] {
            assert!(!again(None, error), "{error:?}");
        }
    }
}
