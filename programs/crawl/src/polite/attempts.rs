//! After how long one URL is tried again, if at all. It decides about the URL; the host's pace is
//! kept beside it, and whether the failure may pass has been decided before.

use std::time::Duration;

use super::PATIENCE;

/// How often one URL is asked for in all, and the waits in between: doubling, each shortened by a
/// part of up to a half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attempts {
    /// Requests for one URL in all; 0 is taken as 1.
    pub(crate) most: u32,
    /// The wait after the first.
    pub(crate) first: Duration,
    /// No wait of ours is longer.
    pub(crate) longest: Duration,
    /// A response that asks for a longer wait than this is the last one.
    pub(crate) patience: Duration,
}

impl Default for Attempts {
    fn default() -> Self {
        Self {
            most: 3,
            first: Duration::from_secs(1),
            longest: Duration::from_secs(60),
            patience: PATIENCE,
        }
    }
}

impl Attempts {
    /// How long to wait before the next request, after `made` of them of which the last one failed;
    /// none if this was the last.
    /// `retry_after` is what the response asked for, whatever its status: it is waited for, up to
    /// the patience.
    ///
    /// `seed` decides which part of the wait is left out: two URLs that failed together do not come
    /// back together, and the same run twice is the same.
    pub(crate) fn again(
        &self,
        made: u32,
        retry_after: Option<Duration>,
        seed: u64,
    ) -> Option<Duration> {
        if made >= self.most.max(1) || self.is_too_long(retry_after) {
            return None;
        }
        let doublings = made.saturating_sub(1);
        let whole = self.first.saturating_mul(1u32.checked_shl(doublings).unwrap_or(u32::MAX));
        let whole = whole.min(self.longest.max(self.first));
        // Well mixed, whatever the seed: the last step of splitmix64.
        let mut mixed = seed.wrapping_add(u64::from(made)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let part = (mixed >> 40) as u32;
        let wait = whole - whole / 2 * (part >> 8) / (1 << 16);
        Some(wait.max(retry_after.unwrap_or_default()))
    }

    /// Whether a response asks for more patience than there is.
    pub(crate) fn is_too_long(&self, retry_after: Option<Duration>) -> bool {
        retry_after.is_some_and(|wait| wait > self.patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_tried_so_often_and_no_more() {
        let attempts = Attempts { most: 3, ..Attempts::default() };
        let again = |made| attempts.again(made, None, 7);
        assert!(again(1).is_some() && again(2).is_some());
        assert_eq!((again(3), again(4)), (None, None));
        assert_eq!(Attempts { most: 0, ..attempts }.again(1, None, 7), None);
    }

    #[test]
    fn waits_double_up_to_the_longest_and_at_most_a_half_is_left_out() {
        let (first, longest) = (Duration::from_secs(1), Duration::from_secs(5));
        let attempts = Attempts { most: 100, first, longest, ..Attempts::default() };
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..1_000 {
            for (made, whole) in [(1, 1), (2, 2), (3, 4), (4, 5), (60, 5)] {
                let whole = Duration::from_secs(whole);
                let wait = attempts.again(made, None, seed).expect("one of a hundred");
                assert!((whole / 2..=whole).contains(&wait), "{wait:?} after {made}");
                seen.insert(wait);
            }
        }
        assert!(seen.len() > 4_000, "waits differ: {}", seen.len());
    }

    #[test]
    fn what_a_response_asks_for_is_waited_for_up_to_an_hour_and_a_longer_wait_is_none() {
        let attempts = Attempts::default();
        let again = |seconds| attempts.again(1, Some(Duration::from_secs(seconds)), 0);
        assert_eq!(again(3_600), Some(Duration::from_secs(3_600)));
        assert!(
            again(0).is_some_and(|wait| wait >= Duration::from_millis(500)),
            "never sooner than ours"
        );
        for seconds in [3_601, 7_200, u64::from(u32::MAX), u64::MAX] {
            assert_eq!(again(seconds), None, "{seconds}");
        }
    }
}
