//! Random numbers from a seed: the same seed makes the same input on every machine.
//!
//! SplitMix64, which passes the usual tests of randomness in five lines. Not for secrets.

use std::ops::RangeInclusive;

/// A generator; cases of one seed have generators that are independent of each other.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// The generator of one case, so that a case can be repeated without those before it.
    pub(super) fn of_case(seed: u64, part: &str, case: u64) -> Self {
        let mut random = Self(seed);
        for byte in part.bytes().chain(case.to_le_bytes()) {
            random.0 = random.next() ^ u64::from(byte);
        }
        random
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`, or 0 if there is none. The bias of the remainder is far below what a
    /// test notices.
    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next() % (end.max(1) as u64)) as usize
    }

    pub(super) fn within(&mut self, range: RangeInclusive<usize>) -> usize {
        range.start() + self.below(range.end() - range.start() + 1)
    }

    /// A length up to `max`: short ones are as likely as long ones.
    pub(super) fn length(&mut self, max: usize) -> usize {
        let bits = self.below(max.max(1).ilog2() as usize + 2);
        self.below(max.min((1 << bits) - 1) + 1)
    }

    pub(super) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    pub(super) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }

    /// One of `choices`, which is not empty.
    pub(super) fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_case_make_the_same_numbers_and_others_make_others() {
        let numbers = |seed, part, case| {
            let mut random = Random::of_case(seed, part, case);
            [random.next(), random.next()]
        };
        assert_eq!(numbers(1, "logs", 2), numbers(1, "logs", 2));
        for other in [numbers(2, "logs", 2), numbers(1, "args", 2), numbers(1, "logs", 3)] {
            assert_ne!(numbers(1, "logs", 2), other);
        }
    }

    #[test]
    fn numbers_stay_within_their_bounds() {
        let mut random = Random::of_case(7, "", 0);
        for max in [0, 1, 2, 3, 1000] {
            assert!((0..100).all(|_| random.length(max) <= max));
            assert!((0..100).all(|_| random.below(max) < max.max(1)));
        }
        assert!((0..100).all(|_| (3..=5).contains(&random.within(3..=5))));
        let mut items = [1, 2, 3, 4];
        random.shuffle(&mut items);
        items.sort_unstable();
        assert_eq!(items, [1, 2, 3, 4]);
    }
}
