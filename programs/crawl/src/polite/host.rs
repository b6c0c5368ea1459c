//! One host: the URLs of it that are in memory, its pace, its breaker, and what it is doing now.

use std::collections::VecDeque;

use super::breaker::Breaker;
use super::limits::Limits;
use super::pace::Pace;
use super::timetable::Moment;

/// `K` names the host, `T` is what is to be visited, `R` what was learnt when the host was
/// robots_fetched.
#[derive(Debug)]
pub(super) struct Host<K, T, R> {
    pub(super) key: K,
    pub(super) queue: VecDeque<T>,
    pub(super) pace: Pace,
    pub(super) breaker: Breaker,
    /// What was learnt when it was robots_fetched, and until when it holds.
    pub(super) rules: Option<(R, Moment)>,
    /// Greetings since then that came to nothing by the host's fault.
    pub(super) robots_failed: u32,
    /// The number and the moment of the one entry in the timetable that counts.
    pub(super) entry: Option<(u64, Moment)>,
    /// Requests under way.
    pub(super) in_flight: u32,
    /// Items that are tried again later.
    pub(super) retrying: u32,
    /// One of them is the fetch of robots.txt.
    pub(super) is_fetching_robots: bool,
    /// There may be more of it on disk.
    pub(super) is_behind: bool,
    /// It is in the line of those that want more from disk, or what is on disk is being fetched.
    pub(super) is_asking: bool,
    /// It is in the line of those that were given up and hold items.
    pub(super) is_draining: bool,
    /// Something was refused since it was asked what it wants: what is read from disk now may not
    /// be all.
    pub(super) was_refused: bool,
}

impl<K, T, R> Host<K, T, R> {
    pub(super) fn new(key: K, limits: &Limits) -> Self {
        Self {
            key,
            queue: VecDeque::new(),
            pace: Pace::new(&limits.pace),
            breaker: Breaker::default(),
            rules: None,
            robots_failed: 0,
            entry: None,
            in_flight: 0,
            retrying: 0,
            is_fetching_robots: false,
            is_behind: false,
            is_asking: false,
            is_draining: false,
            was_refused: false,
        }
    }

    /// When it may be asked next; none if something must happen first.
    pub(super) fn due(&self, limits: &Limits) -> Option<Moment> {
        // A host whose breaker is open has one request at a time: the trial.
        let most = if self.breaker.is_open() { 1 } else { limits.per_host };
        if self.queue.is_empty()
            || self.is_fetching_robots
            || self.breaker.is_down()
            || self.in_flight >= most
        {
            return None;
        }
        let due = self.pace.next_start();
        Some(self.breaker.until().map_or(due, |until| due.max(until)))
    }

    /// Whether it must be robots_fetched before it is asked for anything else.
    pub(super) fn must_fetch_robots(&self, now: Moment) -> bool {
        self.rules.as_ref().is_none_or(|(_, until)| *until <= now)
    }

    /// Whether there is something to do, or being done.
    pub(super) fn is_active(&self) -> bool {
        !self.queue.is_empty() || self.in_flight > 0
    }

    /// Whether nothing of it is in memory, under way, or known to be on disk.
    pub(super) fn is_idle(&self) -> bool {
        !self.is_active() && self.retrying == 0 && !self.is_behind && !self.is_asking
    }

    /// The next item. The last one gives the queue's memory back: most hosts are idle most of the
    /// time.
    ///
    /// What tries whether a host is back comes from the other end: what failed before stands in
    /// front, and its neighbours, found on the same page, may fail as it did.
    pub(super) fn pop(&mut self) -> Option<T> {
        let item =
            if self.breaker.is_open() { self.queue.pop_back() } else { self.queue.pop_front() };
        if self.queue.is_empty() {
            self.queue = VecDeque::new();
        }
        item
    }
}
