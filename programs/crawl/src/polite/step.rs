//! What a schedule says: what is to be done next, and how much there is to do.

use std::time::Instant;

use super::timetable::Moment;

/// What is to be done next.
#[derive(Debug)]
pub(crate) enum Step<K, T, R> {
    /// Fetch this host's robots.txt, and report what was learnt with
    /// [`Schedule::robots_fetched`](super::Schedule::robots_fetched).
    FetchRobots(K, Ticket),
    /// Visit this, within what was learnt (none if hosts are not robots_fetched).
    Visit(T, Option<R>, Ticket),
    /// Its host was given up; it is not to be visited.
    Down(T),
    /// Nothing before this moment, unless something comes in or ends.
    Until(Instant),
    /// Nothing until something comes in or ends.
    Wait,
    /// Nothing is held, under way, or on disk.
    Empty,
}

/// A request that is under way. It goes back into the schedule when the request has finished,
/// whatever came of it: a ticket that is lost keeps its place at the host forever.
#[derive(Debug)]
#[must_use = "its host waits for it"]
pub(crate) struct Ticket {
    pub(super) slot: u32,
    pub(super) started: Moment,
    /// When the request before it was started.
    pub(super) before: Option<Moment>,
    pub(super) robots: Option<u32>,
}

impl Ticket {
    /// For a fetch of robots.txt, how many before it came to nothing.
    pub(crate) fn robots_failed(&self) -> u32 {
        self.robots.unwrap_or(0)
    }
}

/// How much there is of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Hosts that were ever seen.
    pub(crate) hosts: usize,
    /// Hosts with items in memory or requests under way.
    pub(crate) active: usize,
    /// Hosts that were given up.
    pub(crate) down: usize,
    /// Items in memory.
    pub(crate) held: usize,
    /// Requests under way.
    pub(crate) in_flight: usize,
}
