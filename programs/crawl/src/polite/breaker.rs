//! When a host that cannot be reached is in cooldown: for a while, then for a longer one, in
//! the end for good.
//!
//! Closed: requests go through, and failures in a row are counted. Open: none goes through until a
//! moment. Half open: that moment has come, and one request tries whether the host is back. It
//! closes with the first answer, of whatever status: a host that answers is up, though all its
//! pages are bad.
//!
//! Two kinds of failure are counted, each in a row. No connection is the host's, whatever was asked
//! for. Silence after a connection may be the page's, so it takes more of it, and of different
//! URLs.

use std::time::Duration;

use super::timetable::Moment;

/// When a host counts as dead, and for how long it is in cooldown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BreakerRules {
    /// Times in a row without a connection that open it.
    pub(crate) failures: u8,
    /// Different URLs in a row that open it by being met with silence.
    pub(crate) silences: u8,
    /// The host is given up when it opens so often without one answer in between.
    pub(crate) openings: u8,
    /// How long it stays open the first time; twice as long each time after it.
    pub(crate) first: Duration,
    /// It never stays open longer.
    pub(crate) longest: Duration,
}

impl Default for BreakerRules {
    fn default() -> Self {
        Self {
            failures: 5,
            silences: 20,
            openings: 4,
            first: Duration::from_secs(15),
            longest: Duration::from_secs(300),
        }
    }
}

/// The state for one host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Breaker {
    failures: u8,
    silences: u8,
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

    /// The host answered. One that was given up stays so: its URLs have been reported already.
    pub(crate) fn answered(&mut self) {
        if !self.is_down() {
            *self = Self::default();
        }
    }

    /// A request that was started at `started` found no way to the host.
    pub(crate) fn unreached(&mut self, started: Moment, now: Moment, rules: &BreakerRules) {
        self.failures = self.failures.saturating_add(1);
        self.failed(self.failures >= rules.failures, started, now, rules);
    }

    /// A request for a URL that was not asked for before was met with silence.
    pub(crate) fn silent(&mut self, started: Moment, now: Moment, rules: &BreakerRules) {
        self.silences = self.silences.saturating_add(1);
        self.failed(self.silences >= rules.silences, started, now, rules);
    }

    fn failed(&mut self, are_enough: bool, started: Moment, now: Moment, rules: &BreakerRules) {
        match self.state {
            State::Down => return,
            // It was under way when the breaker opened, and says nothing new.
            State::Open(until) if started < until => return,
            State::Closed if !are_enough => return,
            State::Open(_) | State::Closed => {}
        }
        self.openings = self.openings.saturating_add(1);
        if self.openings >= rules.openings {
            self.state = State::Down;
            return;
        }
        let doublings = u32::from(self.openings - 1);
        let open = rules.first.saturating_mul(1u32.checked_shl(doublings).unwrap_or(u32::MAX));
        self.state = State::Open(now.after(open.min(rules.longest)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: BreakerRules = BreakerRules {
        failures: 3,
        silences: 6,
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
            breaker.unreached(at(second), at(second), &RULES);
            breaker.unreached(at(second), at(second), &RULES);
            assert_eq!(breaker.until(), None);
            breaker.answered();
        }
        (0..3).for_each(|_| breaker.unreached(at(20), at(21), &RULES));
        assert_eq!(breaker.until(), Some(at(31)));
    }

    #[test]
    fn what_was_under_way_when_it_opened_does_not_count_again() {
        let mut breaker = Breaker::default();
        (0..20).for_each(|_| breaker.unreached(at(0), at(1), &RULES));
        assert_eq!((breaker.until(), breaker.is_down()), (Some(at(11)), false));
    }

    #[test]
    fn a_host_that_fails_each_trial_is_given_up_and_one_that_answers_begins_again() {
        let mut dead = Breaker::default();
        (0..3).for_each(|_| dead.unreached(at(0), at(0), &RULES));
        let mut back = dead;
        dead.unreached(at(10), at(20), &RULES);
        assert_eq!(dead.until(), Some(at(35)), "the second time is longer, up to the longest");
        dead.unreached(at(35), at(45), &RULES);
        assert!(dead.is_down());
        dead.answered();
        assert!(dead.is_down(), "it stays given up");
        back.answered();
        assert_eq!(back, Breaker::default());
    }

    #[test]
    fn silence_takes_more_to_open_it_and_any_answer_in_between_begins_the_count_again() {
        let mut breaker = Breaker::default();
        for second in 0..10 {
            (0..5).for_each(|_| breaker.silent(at(second), at(second), &RULES));
            assert!(!breaker.is_open());
            breaker.answered();
        }
        (0..6).for_each(|_| breaker.silent(at(20), at(21), &RULES));
        assert_eq!(breaker.until(), Some(at(31)));
    }
}
