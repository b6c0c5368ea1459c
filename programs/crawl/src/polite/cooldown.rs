//! How long a host is in cooldown, as another process must know it; and the same, as another
//! process has left it.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

use super::schedule::Schedule;
use super::timetable::Moment;

/// What a host may expect of the crawler that has it next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cooldown {
    /// Nothing is asked of it for this long.
    pub(crate) wait: Duration,
    /// The pause between two requests, where it is longer than was asked for for all hosts: what
    /// 429, a rising latency or robots.txt have made of it. Otherwise zero.
    pub(crate) delay: Duration,
}

impl<K: Clone + Eq + Hash, T, R: Clone> Schedule<K, T, R> {
    /// What other crawlers should know of a host; nothing of one that is not known.
    pub(crate) fn cooldown_of(&self, key: &K, now: Instant) -> Cooldown {
        let Some(slot) = self.known(key) else { return Cooldown::default() };
        let host = &self.hosts[slot as usize];
        let next = host.pace.next_start().max(host.breaker.until().unwrap_or_default());
        let delay = host.pace.delay();
        Cooldown {
            wait: next.since_start().saturating_sub(Moment::at(self.start, now).since_start()),
            delay: if delay > self.limits.pace.delay { delay } else { Duration::ZERO },
        }
    }

    /// Backs off from a host as another crawler asked; what is known of it here already holds as
    /// well. The delay comes back rounded up, by less than its double, and shrinks with good
    /// answers as any other.
    pub(crate) fn cooldown(&mut self, key: &K, now: Instant, cooldown: Cooldown) {
        let slot = self.slot(key);
        let (now, rules) = (Moment::at(self.start, now), self.limits.pace);
        let pace = &mut self.hosts[slot as usize].pace;
        while pace.delay() < cooldown.delay.min(rules.longest) {
            let before = pace.delay();
            pace.busy(None, now, now, &rules);
            if pace.delay() <= before {
                break;
            }
        }
        if pace.next_start() < now.after(cooldown.wait) {
            // As if it had been asked one delay before that moment, or now.
            pace.start(now.after(cooldown.wait.saturating_sub(pace.delay())));
        }
    }

    /// Lets go of up to `most` hosts for others: of those that wait, with nothing under way and
    /// nothing to be tried again, and of which `held` items are all in the queue. How many items
    /// were held for each; the ones that wait longest come first.
    pub(crate) fn let_go(
        &mut self,
        held: &HashMap<K, usize>,
        now: Instant,
        most: usize,
    ) -> Vec<(K, usize)> {
        let mut waiting: Vec<(Duration, K)> = Vec::new();
        for (key, held) in held {
            let Some(slot) = self.known(key) else { continue };
            let host = &self.hosts[slot as usize];
            if host.in_flight == 0 && host.retrying == 0 && host.queue.len() == *held {
                waiting.push((self.cooldown_of(key, now).wait, key.clone()));
            }
        }
        waiting.sort_by_key(|(wait, _)| Reverse(*wait));
        let gone = waiting.into_iter().take(most);
        gone.map(|(_, key)| {
            let dropped = self.forget(&key);
            (key, dropped)
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::polite::{Answer, Limits, PaceRules, Step};

    type Hosts = Schedule<u8, u32, ()>;

    fn hosts(start: Instant) -> Hosts {
        let pace = PaceRules { delay: Duration::from_secs(1), ..PaceRules::default() };
        Schedule::new(start, Limits { pace, robots_every: None, ..Limits::default() })
    }

    fn begin(hosts: &mut Hosts, now: Instant) -> crate::polite::Ticket {
        match hosts.next(now) {
            Step::Visit(_, _, ticket) => ticket,
            other => panic!("{other:?}"),
        }
    }

    /// Hands a host over to a schedule of another process; when that asks it.
    fn asked_after(mut cooldown: Cooldown, since: Duration) -> Duration {
        let start = millstream::Clock::manual().now();
        let mut other = hosts(start);
        cooldown.wait = cooldown.wait.saturating_sub(since);
        other.cooldown(&7, start, cooldown);
        other.refill(&7, [1], false);
        match other.next(start) {
            Step::Until(at) => at - start,
            Step::Visit(..) => Duration::ZERO,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_host_that_asked_for_patience_gets_it_from_the_crawler_that_has_it_next() {
        let start = millstream::Clock::manual().now();
        let mut one = hosts(start);
        assert_eq!(one.cooldown_of(&7, start), Cooldown::default(), "nobody knows it");
        one.refill(&7, [1, 2], false);
        let ticket = begin(&mut one, start);
        assert_eq!(one.cooldown_of(&7, start).wait, Duration::from_secs(1));
        one.ended(start, ticket, Answer::Busy(Some(Duration::from_secs(20))));
        let cooldown = one.cooldown_of(&7, start);
        assert_eq!(
            cooldown,
            Cooldown { wait: Duration::from_secs(20), delay: Duration::from_secs(2) }
        );
        assert_eq!(asked_after(cooldown, Duration::from_secs(5)), Duration::from_secs(15));
        assert_eq!(asked_after(cooldown, Duration::from_secs(30)), Duration::ZERO);
        assert_eq!(one.cooldown_of(&7, start + Duration::from_secs(60)).wait, Duration::ZERO);
    }

    #[test]
    fn a_host_whose_breaker_is_open_is_left_alone_by_others_as_well() {
        let start = millstream::Clock::manual().now();
        let mut one = hosts(start);
        one.refill(&7, 0..9, false);
        let mut now = start;
        while one.cooldown_of(&7, now).wait <= Duration::from_secs(2) {
            now += Duration::from_secs(2);
            let ticket = begin(&mut one, now);
            one.ended(now, ticket, Answer::Unreached);
        }
        assert_eq!(one.cooldown_of(&7, now).wait, Duration::from_secs(15));
        assert_eq!(asked_after(one.cooldown_of(&7, now), Duration::ZERO), Duration::from_secs(15));
    }

    #[test]
    fn a_delay_that_has_grown_is_handed_on_and_one_that_was_asked_for_is_not() {
        let start = millstream::Clock::manual().now();
        let mut other = hosts(start);
        other.cooldown(&7, start, Cooldown { wait: Duration::ZERO, delay: Duration::from_secs(7) });
        let delay = other.cooldown_of(&7, start).delay;
        assert!((7..14).contains(&delay.as_secs()), "{delay:?}");
        other.cooldown(&8, start, Cooldown { wait: Duration::from_secs(3), delay: Duration::ZERO });
        assert_eq!(
            other.cooldown_of(&8, start),
            Cooldown { wait: Duration::from_secs(3), delay: Duration::ZERO }
        );
        other.cooldown(&9, start, Cooldown { wait: Duration::ZERO, delay: Duration::MAX });
        assert_eq!(other.cooldown_of(&9, start).delay, PaceRules::default().longest);
    }

    #[test]
    fn only_hosts_that_wait_with_all_that_is_held_of_them_are_let_go() {
        let start = millstream::Clock::manual().now();
        let mut hosts = hosts(start);
        hosts.refill(&1, [10, 11], false);
        let under_way = begin(&mut hosts, start);
        let mut tried_again = hosts_with_a_retry(&mut hosts, start);
        for (key, items) in [(3, vec![30, 31]), (4, vec![40]), (5, vec![50])] {
            hosts.refill(&key, items, false);
        }
        hosts.cooldown(&4, start, Cooldown { wait: Duration::from_secs(9), delay: Duration::ZERO });
        tried_again.extend([(1, 1), (3, 2), (4, 1), (5, 2)]);
        assert_eq!(
            hosts.let_go(&tried_again, start, 9),
            [(4, 1), (3, 2)],
            "of 5 one item is on its way back"
        );
        assert!(matches!(hosts.next(start), Step::Visit(50, ..)), "what was let go is not visited");
        hosts.ended(start, under_way, Answer::Fine(Duration::ZERO));
        assert_eq!(hosts.let_go(&HashMap::from([(1, 1)]), start, 0), []);
        assert_eq!(hosts.let_go(&HashMap::from([(1, 1)]), start, 9), [(1, 1)]);
    }

    fn hosts_with_a_retry(hosts: &mut Hosts, start: Instant) -> HashMap<u8, usize> {
        hosts.refill(&2, [20], false);
        let ticket = begin(hosts, start);
        hosts.retry(start, ticket, Answer::Unreached, 20, Duration::from_secs(5));
        HashMap::from([(2, 0)])
    }
}
