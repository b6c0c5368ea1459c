//! When a host that only fails is left alone: for a while, then for a longer one, in the end for good.
//!
//! Closed: requests go through, and failures in a row are counted. Open: none goes through until a moment. Half open:
//! that moment has come, and one request tries whether the host is back. It closes with the first answer.

use std::time::Duration;

use super::timetable::Moment;

/// When a host counts as dead, and for how long it is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BreakerRules {
    /// Failures in a row that open it.
    pub(crate) failures: u8,
    /// The host is given up when it opens so often without one answer in between.
    pub(crate) openings: u8,
    /// How long it stays open the first time; twice as long each time after it.
    pub(crate) first: Duration,
    /// It never stays open longer.
    pub(crate) longest: Duration,
}

impl Default for BreakerRules {
    fn default() -> Self {
        Self { failures: 5, openings: 4, first: Duration::from_secs(15), longest: Duration::from_secs(300) }
    }
}

/// The state for one host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Breaker {
    failures: u8,
    openings: u8,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    Open(Moment),
    Down,
}

impl Breaker {
    /// Before this moment nothing may be asked.
    pub(crate) fn until(&self) -> Option<Moment> {
        match self.state {
            State::Open(until) => Some(until),
            State::Closed | State::Down => None,
        }
    }

    /// Whether only one request may be under way: the one that tries whether the host is back.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// Whether the host was given up.
    pub(crate) fn is_down(&self) -> bool {
        self.state == State::Down
    }

    /// The host answered. One that was given up stays so: its URLs have been told already.
    pub(crate) fn answered(&mut self) {
        if !self.is_down() {
            *self = Self::default();
        }
    }

    /// A request that was started at `started` failed.
    pub(crate) fn failed(&mut self, started: Moment, now: Moment, rules: &BreakerRules) {
        match self.state {
            State::Down => return,
            // It was under way when the breaker opened, and says nothing new.
            State::Open(until) if started < until => return,
            State::Open(_) => {}
            State::Closed => {
                self.failures = self.failures.saturating_add(1);
                if self.failures < rules.failures {
                    return;
                }
            }
        }
        self.openings = self.openings.saturating_add(1);
        if self.openings >= rules.openings {
            return self.give_up();
        }
        let doublings = u32::from(self.openings - 1);
        let open = rules.first.saturating_mul(1u32.checked_shl(doublings).unwrap_or(u32::MAX));
        self.state = State::Open(now.after(open.min(rules.longest)));
    }

    /// The host is not asked any more.
    pub(crate) fn give_up(&mut self) {
        self.state = State::Down;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: BreakerRules = BreakerRules {
        failures: 3,
        openings: 3,
        first: Duration::from_secs(10),
        longest: Duration::from_secs(15),
    };

    fn at(seconds: u64) -> Moment {
        Moment::default().after(Duration::from_secs(seconds))
    }

    #[test]
    fn failures_in_a_row_open_it_and_an_answer_in_between_does_not_let_them_add_up() {
        let mut breaker = Breaker::default();
        for second in 0..10 {
            breaker.failed(at(second), at(second), &RULES);
            breaker.failed(at(second), at(second), &RULES);
            assert_eq!(breaker.until(), None);
            breaker.answered();
        }
        (0..3).for_each(|_| breaker.failed(at(20), at(21), &RULES));
        assert_eq!(breaker.until(), Some(at(31)));
    }

    #[test]
    fn what_was_under_way_when_it_opened_does_not_count_again() {
        let mut breaker = Breaker::default();
        (0..20).for_each(|_| breaker.failed(at(0), at(1), &RULES));
        assert_eq!((breaker.until(), breaker.is_down()), (Some(at(11)), false));
    }

    #[test]
    fn a_host_that_fails_each_trial_is_given_up_and_one_that_answers_begins_anew() {
        let mut dead = Breaker::default();
        (0..3).for_each(|_| dead.failed(at(0), at(0), &RULES));
        let mut back = dead;
        dead.failed(at(10), at(20), &RULES);
        assert_eq!(dead.until(), Some(at(35)), "the second time is longer, up to the longest");
        dead.failed(at(35), at(45), &RULES);
        assert!(dead.is_down());
        dead.answered();
        assert!(dead.is_down(), "it stays given up");
        back.answered();
        assert_eq!(back, Breaker::default());
    }
}
