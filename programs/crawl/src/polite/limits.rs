//! What a schedule is given once, as plain data.

use std::time::Duration;

use super::breaker::BreakerRules;
use super::pace::PaceRules;

/// What a schedule is given once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Requests of one host at a time; 0 is taken as 1.
    pub(crate) per_host: u32,
    /// How long between them.
    pub(crate) pace: PaceRules,
    /// When a host is dead.
    pub(crate) breaker: BreakerRules,
    /// Whether a host is robots_fetched (robots.txt) before anything else, and again when this has
    /// passed.
    pub(crate) robots_every: Option<Duration>,
    /// Items in memory for all hosts. The second half of it is for hosts that have nothing in
    /// memory yet, so that hosts with much to do leave place for the others.
    pub(crate) held: usize,
    /// Items in memory for one host.
    pub(crate) held_per_host: usize,
    /// When a host has no more than this in memory, it wants more from disk.
    pub(crate) low: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_host: 1,
            pace: PaceRules::default(),
            breaker: BreakerRules::default(),
            robots_every: Some(Duration::from_secs(24 * 3_600)),
            held: 100_000,
            held_per_host: 256,
            low: 64,
        }
    }
}

impl Limits {
    /// The same, with what makes no sense put right.
    pub(super) fn sound(self) -> Self {
        let (held, held_per_host) = (self.held.max(2), self.held_per_host.max(1));
        let low = self.low.min(held_per_host - 1);
        Self { per_host: self.per_host.max(1), held, held_per_host, low, ..self }
    }
}
