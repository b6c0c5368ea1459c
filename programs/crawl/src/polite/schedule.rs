//! All hosts: which may be asked next, and when.
//!
//! Invariants
//! 1. A host has at most one entry in the timetable that counts (`Host::entry`); others that it
//!    left there are passed over. It has one whenever it may be asked without anything else
//!    happening first.
//! 2. `counts.held` is the number of items in all queues and in `later`. What went in comes out of
//!    `next` once.
//! 3. No more than `per_host` requests of a host are under way, one if its breaker is open, and
//!    none beside a fetch of robots.txt.
//! 4. A host that is behind is in `wanting`, or has been handed out by `want`, or holds more than
//!    `low`.
//! 5. A host that was given up and holds items is in `given_up`, and none of its items is in
//!    `later`.
//!
//! Each step costs the logarithm of the number of hosts that have something to do.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::{Duration, Instant};

use super::answer::Answer;
use super::host::Host;
use super::limits::Limits;
use super::step::{Counts, Step, Ticket};
use super::timetable::{Moment, Timetable};

/// The hosts, named by `K`, with items `T` to visit and what was learnt of each, `R`.
#[derive(Debug)]
pub(crate) struct Schedule<K, T, R> {
    pub(super) start: Instant,
    pub(super) limits: Limits,
    pub(super) hosts: Vec<Host<K, T, R>>,
    by_key: HashMap<K, u32>,
    timetable: Timetable<u32>,
    /// Items that are tried again, and when.
    later: Timetable<(u32, T)>,
    given_up: VecDeque<u32>,
    /// Hosts that want more from disk, in turn.
    pub(super) wanting: VecDeque<u32>,
    /// Hosts that are behind.
    pub(super) behind: usize,
    pub(super) counts: Counts,
}

impl<K: Clone + Eq + Hash, T, R: Clone> Schedule<K, T, R> {
    /// An empty one. Moments before `start` are taken for it.
    pub(crate) fn new(start: Instant, limits: Limits) -> Self {
        Self {
            start,
            limits: limits.sound(),
            hosts: Vec::new(),
            by_key: HashMap::new(),
            timetable: Timetable::new(),
            later: Timetable::new(),
            given_up: VecDeque::new(),
            wanting: VecDeque::new(),
            behind: 0,
            counts: Counts::default(),
        }
    }

    /// How much there is to do.
    pub(crate) fn counts(&self) -> Counts {
        Counts { hosts: self.hosts.len(), ..self.counts }
    }

    /// What is to be done now. Call it again until it gives none of `FetchRobots`, `Visit` and
    /// `Down`.
    pub(crate) fn next(&mut self, now: Instant) -> Step<K, T, R> {
        let now = self.moment(now);
        while let Some((_, (slot, item))) = self.later.take(now) {
            self.change(slot, |host| {
                host.retrying -= 1;
                host.queue.push_front(item);
            });
            self.enter(slot);
        }
        if let Some(item) = self.next_given_up() {
            return Step::Down(item);
        }
        while let Some((number, slot)) = self.timetable.take(now) {
            let host = &mut self.hosts[slot as usize];
            if host.entry.is_none_or(|(entry, _)| entry != number) {
                continue;
            }
            host.entry = None;
            if host.due(&self.limits).is_some_and(|due| due <= now) {
                return self.begin(slot, now);
            }
            // The host has asked for patience, or its breaker has opened, since it was put there.
            self.enter(slot);
        }
        let first = self.timetable.first().into_iter().chain(self.later.first()).min();
        match first {
            Some(due) => Step::Until(self.start + due.since_start()),
            None if self.counts.held + self.counts.in_flight + self.behind > 0 => Step::Wait,
            None => Step::Empty,
        }
    }

    /// A visit has finished, or a fetch of robots.txt from which nothing was learnt: then the host
    /// is robots_fetched again. Whether the host was given up just now.
    pub(crate) fn ended(&mut self, now: Instant, ticket: Ticket, answer: Answer) -> bool {
        let now = self.moment(now);
        let Limits { pace: rules, breaker: breaker_rules, .. } = self.limits;
        let host = &mut self.hosts[ticket.slot as usize];
        let was_down = host.breaker.is_down();
        match answer {
            Answer::Fine(latency) => {
                // A fetch of robots.txt is another kind of request, and often the one that
                // connects.
                if ticket.robots.is_none() {
                    host.pace.fine(latency, ticket.started, now);
                }
                host.breaker.answered();
            }
            Answer::Busy(retry_after) => {
                host.pace.busy(retry_after, ticket.started, now, &rules);
                host.breaker.answered();
            }
            Answer::Overloaded(retry_after) => {
                host.pace.overloaded(retry_after, ticket.started, now, &rules);
                host.breaker.answered();
            }
            Answer::Poor => host.breaker.answered(),
            Answer::Silent { again: false } => {
                host.breaker.silent(ticket.started, now, &breaker_rules)
            }
            Answer::Unreached => host.breaker.unreached(ticket.started, now, &breaker_rules),
            // A URL that was silent before says nothing new of its host.
            Answer::Silent { again: true } | Answer::Unknown => {}
        }
        if ticket.robots.is_some() && answer != Answer::Unknown {
            host.robots_failed = host.robots_failed.saturating_add(1);
        }
        let is_new = host.breaker.is_down() && !was_down;
        self.counts.down += usize::from(is_new);
        let slot = ticket.slot;
        self.land(ticket);
        self.recall(slot);
        if is_new {
            self.ask(slot);
        }
        is_new
    }

    /// A visit has finished, and its item is to be visited again after `wait`; it comes before
    /// others of its host then. If the host was given up, with this answer or before, it comes out
    /// as the others do, at once.
    pub(crate) fn retry(
        &mut self,
        now: Instant,
        ticket: Ticket,
        answer: Answer,
        item: T,
        wait: Duration,
    ) -> bool {
        let due = self.moment(now).after(wait);
        self.counts.held += 1;
        self.hosts[ticket.slot as usize].retrying += 1;
        self.later.put(due, (ticket.slot, item));
        self.ended(now, ticket, answer)
    }

    /// A visit ended without a request, as for what robots.txt forbids: the host may be asked as if
    /// nothing had been.
    pub(crate) fn unasked(&mut self, ticket: Ticket) {
        let host = &mut self.hosts[ticket.slot as usize];
        host.pace.take_back(ticket.started, ticket.before);
        self.land(ticket);
    }

    /// A fetch of robots.txt has finished: what was learnt holds until it is time to fetch it
    /// again. Whether the host was given up just now.
    pub(crate) fn robots_fetched(
        &mut self,
        now: Instant,
        ticket: Ticket,
        answer: Answer,
        rules: R,
        crawl_delay: Option<Duration>,
    ) -> bool {
        let until = self.moment(now).after(self.limits.robots_every.unwrap_or(Duration::MAX));
        let slot = ticket.slot;
        let host = &mut self.hosts[slot as usize];
        host.rules = Some((rules, until));
        host.pace.set_crawl_delay(crawl_delay, &self.limits.pace);
        let is_down = self.ended(now, ticket, answer);
        self.hosts[slot as usize].robots_failed = 0;
        is_down
    }

    fn moment(&self, now: Instant) -> Moment {
        Moment::at(self.start, now)
    }

    /// The place of a host that was seen before.
    pub(super) fn known(&self, key: &K) -> Option<u32> {
        self.by_key.get(key).copied()
    }

    /// The place of a host, which is made if it is new.
    pub(super) fn slot(&mut self, key: &K) -> u32 {
        if let Some(slot) = self.by_key.get(key) {
            return *slot;
        }
        let slot =
            u32::try_from(self.hosts.len()).expect("four billion hosts do not fit into memory");
        self.hosts.push(Host::new(key.clone(), &self.limits));
        self.by_key.insert(key.clone(), slot);
        slot
    }

    /// Changes what a host has to do or is doing, and keeps the count of active hosts.
    pub(super) fn change<Out>(
        &mut self,
        slot: u32,
        f: impl FnOnce(&mut Host<K, T, R>) -> Out,
    ) -> Out {
        let host = &mut self.hosts[slot as usize];
        let was_active = host.is_active();
        let out = f(host);
        self.counts.active += usize::from(host.is_active());
        self.counts.active -= usize::from(was_active);
        out
    }

    /// Puts a host into the timetable, if it may be asked without anything else happening first.
    pub(super) fn enter(&mut self, slot: u32) {
        let host = &mut self.hosts[slot as usize];
        if host.breaker.is_down() {
            if !host.queue.is_empty() && !std::mem::replace(&mut host.is_draining, true) {
                self.given_up.push_back(slot);
            }
            return;
        }
        let Some(due) = host.due(&self.limits) else { return };
        // An entry that comes too early is put off when it comes; one that comes too late is
        // replaced.
        if host.entry.is_none_or(|(_, entry)| due < entry) {
            host.entry = Some((self.timetable.put(due, slot), due));
        }
    }

    /// Of a host that was given up nothing is tried again: nobody waits for what would only be
    /// reported then.
    fn recall(&mut self, slot: u32) {
        let host = &self.hosts[slot as usize];
        if !host.breaker.is_down() || host.retrying == 0 {
            return;
        }
        let items = self.later.take_all(|(of, _)| *of == slot);
        self.change(slot, |host| {
            host.retrying = 0;
            host.queue.extend(items.into_iter().map(|(_, item)| item));
        });
        self.enter(slot);
    }

    fn begin(&mut self, slot: u32, now: Moment) -> Step<K, T, R> {
        let is_greeted =
            self.limits.robots_every.is_none() || !self.hosts[slot as usize].must_fetch_robots(now);
        let item = self.change(slot, |host| {
            host.in_flight += 1;
            host.is_fetching_robots = !is_greeted;
            if is_greeted { host.pop() } else { None }
        });
        self.counts.in_flight += 1;
        let host = &mut self.hosts[slot as usize];
        let before = host.pace.start(now);
        let robots = host.is_fetching_robots.then_some(host.robots_failed);
        let ticket = Ticket { slot, started: now, before, robots };
        let Some(item) = item else { return Step::FetchRobots(host.key.clone(), ticket) };
        let rules = host.rules.as_ref().map(|(rules, _)| rules.clone());
        self.counts.held -= 1;
        self.ask(slot);
        self.enter(slot);
        Step::Visit(item, rules, ticket)
    }

    /// A request is no longer under way.
    fn land(&mut self, ticket: Ticket) {
        self.counts.in_flight -= 1;
        self.change(ticket.slot, |host| {
            host.in_flight -= 1;
            host.is_fetching_robots &= ticket.robots.is_none();
        });
        self.enter(ticket.slot);
    }

    fn next_given_up(&mut self) -> Option<T> {
        let slot = *self.given_up.front()?;
        let item = self.change(slot, Host::pop);
        let host = &mut self.hosts[slot as usize];
        if host.queue.is_empty() {
            host.is_draining = false;
            self.given_up.pop_front();
        }
        self.counts.held -= usize::from(item.is_some());
        self.ask(slot);
        item
    }
}
