//! How long after one request of a host the next may start. It grows when the host asks for
//! patience or gets slow, and shrinks back to what was asked for, never below it.
//!
//! The rule, for each answer to a request that was started after the delay last grew (what was
//! under way then says nothing of the new delay):
//! - 429: the delay doubles, from [`LEAST`] on, up to `longest`. With Retry-After, nothing is asked
//!   before it.
//! - 503: the same, up to twice what was asked for or [`OVERLOADED`]. It may be one section that is
//!   out of order, and the rest of the host is not to wait for it a minute a page.
//! - The latency is rising: this one and its moving average (one eighth of each new one) are above
//!   three times the best and 50 ms. The delay grows by a quarter, up to five times that average.
//! - Otherwise it shrinks by a tenth.
//!
//! The best latency is the lowest seen, but moves towards the average by 1/256 an answer: what was
//! true an hour ago of an idle server is not held against it forever.

use std::time::Duration;

use super::PATIENCE;
use super::timetable::Moment;

/// A delay that grows is not below this; so it grows from nothing as well.
const LEAST: Duration = Duration::from_millis(100);
/// A delay that grows by 503 goes up to this, or to twice what was asked for.
const OVERLOADED: Duration = Duration::from_secs(1);
/// So much above three times the best, a latency is not yet called rising: networks waver.
const WAVER: Duration = Duration::from_millis(50);

/// What was asked for, for all hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PaceRules {
    /// Between the starts of two requests of a host, at least.
    pub(crate) delay: Duration,
    /// The delay does not grow beyond this.
    pub(crate) longest: Duration,
    /// A crawl-delay of robots.txt is taken up to this; beyond, the host would hardly be visited at
    /// all.
    pub(crate) longest_crawl_delay: Duration,
    /// Longer waits than this are not waited for: the page that asks for one is given up, and its
    /// host goes on.
    pub(crate) patience: Duration,
}

impl Default for PaceRules {
    fn default() -> Self {
        Self {
            delay: Duration::from_secs(1),
            longest: Duration::from_secs(60),
            longest_crawl_delay: Duration::from_secs(30),
            patience: PATIENCE,
        }
    }
}

/// The state for one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    last_start: Option<Moment>,
    /// Retry-After.
    not_before: Moment,
    grown_at: Moment,
    asked: Micros,
    delay: Micros,
    best: Micros,
    usual: Micros,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Micros(u64);

impl Micros {
    /// Rounded up: a delay is never shorter than it was asked for.
    fn of(duration: Duration) -> Self {
        Self(u64::try_from(duration.as_nanos().div_ceil(1_000)).unwrap_or(u64::MAX))
    }

    fn duration(self) -> Duration {
        Duration::from_micros(self.0)
    }
}

impl Pace {
    pub(crate) fn new(rules: &PaceRules) -> Self {
        let delay = Micros::of(rules.delay);
        Self {
            last_start: None,
            not_before: Moment::default(),
            grown_at: Moment::default(),
            asked: delay,
            delay,
            best: Micros(u64::MAX),
            usual: Micros(0),
        }
    }

    /// When the next request may start.
    pub(crate) fn next_start(&self) -> Moment {
        let spaced = self.last_start.map_or(Moment::default(), |last| last.after(self.delay()));
        spaced.max(self.not_before)
    }

    /// Between the starts of two requests, as things are.
    pub(crate) fn delay(&self) -> Duration {
        self.delay.duration()
    }

    /// Notes a start; what the last one was before it, for [`take_back`](Self::take_back).
    pub(crate) fn start(&mut self, now: Moment) -> Option<Moment> {
        self.last_start.replace(now)
    }

    /// The request of `started` was not made after all; `before` it, the last start was another.
    /// Whether it was the last.
    pub(crate) fn take_back(&mut self, started: Moment, before: Option<Moment>) -> bool {
        let is_last = self.last_start == Some(started);
        if is_last {
            self.last_start = before;
        }
        is_last
    }

    /// The delay that robots.txt asks for; none takes an earlier one back. The shorter one does not
    /// count, and it counts up to a limit.
    pub(crate) fn set_crawl_delay(&mut self, crawl_delay: Option<Duration>, rules: &PaceRules) {
        let crawl_delay = crawl_delay.unwrap_or_default().min(rules.longest_crawl_delay);
        self.asked = Micros::of(rules.delay.max(crawl_delay));
        self.delay = self.delay.max(self.asked);
    }

    /// A response whose head came after `latency`.
    pub(crate) fn fine(&mut self, latency: Duration, started: Moment, now: Moment) {
        let latency = Micros::of(latency).0;
        if self.best.0 == u64::MAX {
            (self.best, self.usual) = (Micros(latency), Micros(latency));
        }
        let usual = self.usual.0 - self.usual.0 / 8 + latency / 8;
        let best = self.best.0 + usual.saturating_sub(self.best.0) / 256;
        (self.usual, self.best) = (Micros(usual), Micros(best.min(latency)));
        if started < self.grown_at {
            return;
        }
        let rising = self.usual.min(Micros(latency)).duration() > self.best.duration() * 3 + WAVER;
        if rising {
            let grown = (self.delay() + self.delay() / 4).max(LEAST);
            // What 429 has made of it is not cut down here.
            self.grow(grown.min(self.usual.duration() * 5), now);
        } else {
            self.delay = Micros(self.delay.0 - self.delay.0 / 10).max(self.asked);
        }
        // A tenth of next to nothing is nothing: the last bit goes at once.
        if !rising && self.asked < self.delay && self.delay() < LEAST {
            self.delay = self.asked;
        }
    }

    /// The host asks for patience, and for how much if it says so. One that asks for more than
    /// there is gets a longer delay only: it may be one page that says so.
    pub(crate) fn busy(
        &mut self,
        retry_after: Option<Duration>,
        started: Moment,
        now: Moment,
        rules: &PaceRules,
    ) {
        self.double(rules.longest, started, now);
        self.wait(retry_after, now, rules);
    }

    /// The same, where it may be one section of the host that says so.
    pub(crate) fn overloaded(
        &mut self,
        retry_after: Option<Duration>,
        started: Moment,
        now: Moment,
        rules: &PaceRules,
    ) {
        self.double(OVERLOADED.max(self.asked.duration() * 2).min(rules.longest), started, now);
        self.wait(retry_after, now, rules);
    }

    fn double(&mut self, most: Duration, started: Moment, now: Moment) {
        if started >= self.grown_at {
            self.grow((self.delay() * 2).max(LEAST).min(most), now);
        }
    }

    fn wait(&mut self, retry_after: Option<Duration>, now: Moment, rules: &PaceRules) {
        if let Some(wait) = retry_after.filter(|wait| *wait <= rules.patience) {
            self.not_before = self.not_before.max(now.after(wait));
        }
    }

    fn grow(&mut self, delay: Duration, now: Moment) {
        let delay = Micros::of(delay);
        if delay > self.delay {
            (self.delay, self.grown_at) = (delay, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::default().after(ms(millis))
    }

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn pace_of(delay: Duration) -> (Pace, PaceRules) {
        let rules = PaceRules { delay, ..PaceRules::default() };
        (Pace::new(&rules), rules)
    }

    #[test]
    fn the_first_request_may_start_at_once_and_the_next_after_the_delay() {
        let (mut pace, _) = pace_of(ms(1_000));
        assert_eq!(pace.next_start(), at(0));
        pace.start(at(300));
        assert_eq!(pace.next_start(), at(1_300));
    }

    #[test]
    fn a_request_that_was_not_made_leaves_no_trace_unless_another_came_after_it() {
        let (mut pace, _) = pace_of(ms(1_000));
        pace.start(at(0));
        let before = pace.start(at(1_000));
        assert!(pace.take_back(at(1_000), before));
        assert_eq!(pace.next_start(), at(1_000));
        let before = pace.start(at(1_000));
        pace.start(at(2_000));
        assert!(!pace.take_back(at(1_000), before));
        assert_eq!(pace.next_start(), at(3_000));
    }

    #[test]
    fn robots_raise_the_delay_up_to_a_limit_and_never_lower_it() {
        let (mut pace, rules) = pace_of(ms(1_000));
        for (asked, delay) in [(Some(ms(5_000)), ms(5_000)), (Some(ms(86_400_000)), ms(30_000))] {
            pace.set_crawl_delay(asked, &rules);
            assert_eq!(pace.delay(), delay);
        }
        let (mut pace, rules) = pace_of(ms(1_000));
        pace.set_crawl_delay(Some(ms(10)), &rules);
        assert_eq!(pace.delay(), ms(1_000));
    }

    #[test]
    fn who_asks_for_patience_gets_twice_the_delay_each_time_and_what_was_under_way_counts_once() {
        let (mut pace, rules) = pace_of(ms(0));
        for _ in 0..20 {
            pace.busy(None, at(0), at(10), &rules);
        }
        assert_eq!(pace.delay(), LEAST);
        for (time, delay) in [(20, 200), (30, 400), (40, 800)] {
            pace.busy(None, at(time), at(time), &rules);
            assert_eq!(pace.delay(), ms(delay));
        }
        (100..200).for_each(|time| pace.busy(None, at(time), at(time), &rules));
        assert_eq!(pace.delay(), rules.longest);
    }

    #[test]
    fn a_section_that_is_overloaded_slows_its_host_down_and_does_not_bring_it_to_a_halt() {
        for (asked, slowest) in [(0, 1_000), (400, 1_000), (1_000, 2_000), (40_000, 60_000)] {
            let (mut pace, rules) = pace_of(ms(asked));
            (1..100).for_each(|time| pace.overloaded(None, at(time), at(time), &rules));
            assert_eq!(pace.delay(), ms(slowest));
        }
    }

    #[test]
    fn a_host_that_is_well_again_comes_back_to_what_was_asked_for() {
        for asked in [0, 1_000] {
            let (mut pace, rules) = pace_of(ms(asked));
            (1..10).for_each(|time| pace.busy(None, at(time), at(time), &rules));
            assert!(pace.delay() >= ms(20_000));
            let mut last = pace.delay();
            for time in 100..200 {
                pace.fine(ms(20), at(time), at(time));
                assert!(pace.delay() <= last && pace.delay() >= ms(asked));
                last = pace.delay();
            }
            assert_eq!(pace.delay(), ms(asked));
        }
    }

    #[test]
    fn retry_after_is_waited_for_up_to_an_hour_and_a_longer_one_holds_nothing_up() {
        let (mut pace, rules) = pace_of(ms(1_000));
        pace.start(at(0));
        pace.busy(Some(ms(90_000)), at(0), at(100), &rules);
        assert_eq!(pace.next_start(), at(90_100));
        pace.busy(Some(ms(5)), at(0), at(200), &rules);
        assert_eq!(pace.next_start(), at(90_100), "the later one holds");
        for wait in [ms(3_600_001), Duration::MAX] {
            pace.busy(Some(wait), at(0), at(300), &rules);
            assert_eq!(pace.next_start(), at(90_100), "an hour is the most");
        }
        pace.busy(Some(ms(3_600_000)), at(0), at(400), &rules);
        assert_eq!(pace.next_start(), at(3_600_400));
    }

    #[test]
    fn rising_latency_slows_down_and_a_host_that_always_was_slow_is_left_as_it_is() {
        let (mut pace, _) = pace_of(ms(1_000));
        (0..50).for_each(|time| pace.fine(ms(1_800), at(time), at(time)));
        assert_eq!(pace.delay(), ms(1_000));
        let (mut pace, _) = pace_of(ms(1_000));
        (0..50).for_each(|time| pace.fine(ms(20), at(time), at(time)));
        assert_eq!(pace.delay(), ms(1_000));
        (50..100).for_each(|time| pace.fine(ms(900), at(time), at(time)));
        assert!(pace.delay() > ms(3_000), "{:?}", pace.delay());
        assert!(pace.delay() <= ms(5 * 900));
        let mut first_was_slow = pace_of(ms(1_000)).0;
        first_was_slow.fine(ms(2_500), at(0), at(0));
        (1..50).for_each(|time| first_was_slow.fine(ms(20), at(time), at(time)));
        assert_eq!(first_was_slow.delay(), ms(1_000));
        (100..10_000).for_each(|time| pace.fine(ms(900), at(time), at(time)));
        assert_eq!(pace.delay(), ms(1_000), "it is no longer rising: this is how the host is now");
    }
}
