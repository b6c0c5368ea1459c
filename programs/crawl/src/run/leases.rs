//! The hosts that this crawler has: claimed from the frontier, kept for as long as it works, given back when they rest and others
//! wait for their place. With them goes what they may expect: how long they are to be left alone.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::shared::Shared;
use crate::frontier::{Frontier, FrontierError, HostId, HostState};
use crate::polite::Rest;

/// Hosts that a crawler has in hand, at most, where it has the frontier for itself.
const HOSTS: usize = 10_000;
/// And where it shares it: so many for each worker, that the others get some as well.
const HOSTS_PER_WORKER: usize = 8;
/// How often hosts are kept for another while.
const RENEW: Duration = Duration::from_secs(10);
/// How often it is noted which hosts are to be left alone.
const NOTE: Duration = Duration::from_secs(1);
/// And for how long, at least: a shorter rest has passed by the time that somebody else has the host, unless it is handed over
/// in order. So a crawl that is fast notes nothing.
const LONG: Duration = Duration::from_secs(2);

pub(super) struct Leases {
    /// With what the frontier knows of each.
    claimed: HashMap<HostId, HostState>,
    most: usize,
    /// There may be hosts to claim.
    may_claim: bool,
    next_us: Option<i64>,
    renewed: Instant,
    noted: Instant,
}

impl Leases {
    /// None yet. `sharing` is the number of workers, if other crawlers use the frontier as well.
    pub(super) fn new(now: Instant, sharing: Option<usize>) -> Self {
        Self {
            claimed: HashMap::new(),
            most: sharing.map_or(HOSTS, |workers| (workers * HOSTS_PER_WORKER).clamp(64, HOSTS)),
            may_claim: true,
            next_us: None,
            renewed: now,
            noted: now,
        }
    }

    pub(super) fn has(&self, host: HostId) -> bool {
        self.claimed.contains_key(&host)
    }

    /// There may be hosts to claim, that were not there before.
    pub(super) fn look_again(&mut self) {
        self.may_claim = true;
    }

    /// How long until a host may be claimed that rests.
    pub(super) fn until_next(&self, shared: &Shared) -> Option<Duration> {
        let until = self.next_us.map(|at| at.saturating_sub(shared.now_us()).max(0));
        until.map(|us| Duration::from_micros(us.cast_unsigned()))
    }

    /// Claims hosts that have something to do, if there is something to claim.
    pub(super) fn claim(
        &mut self,
        frontier: &mut dyn Frontier,
        shared: &Shared,
    ) -> Result<(), FrontierError> {
        let now = shared.now_us();
        let is_due = self.may_claim || self.next_us.is_some_and(|at| at <= now);
        if !is_due {
            return Ok(());
        }
        if self.claimed.len() >= self.most {
            self.release_idle(frontier, shared, now)?;
        }
        let Some(want) = self.most.checked_sub(self.claimed.len()).filter(|want| *want > 0) else {
            return Ok(());
        };
        let claimed = frontier.claim(want, now)?;
        self.may_claim = false;
        self.next_us = claimed.next_us;
        let mut hosts = shared.hosts();
        for host in &claimed.hosts {
            shared.know(host.id, &host.origin);
            self.claimed.insert(host.id, host.state);
            let rest = rest(&host.state, now);
            if rest != Rest::default() {
                hosts.rest(&host.id, shared.ctx.clock().now(), rest);
            }
            hosts.behind(&host.id);
        }
        Ok(())
    }

    /// Makes place for other hosts: gives back those that have nothing to do. Their manners go with them.
    fn release_idle(
        &mut self,
        frontier: &mut dyn Frontier,
        shared: &Shared,
        now_us: i64,
    ) -> Result<(), FrontierError> {
        let now = shared.ctx.clock().now();
        let idle: Vec<(HostId, HostState)> = {
            let hosts = shared.hosts();
            let idle = hosts.idle(now, usize::MAX).into_iter().map(|(host, _)| host);
            let idle = idle.filter(|host| self.has(*host)).take(self.most.div_ceil(4));
            idle.map(|host| (host, state(hosts.rest_of(&host, now), now_us))).collect()
        };
        frontier.release(&idle, now_us)?;
        for (host, _) in &idle {
            self.claimed.remove(host);
        }
        Ok(())
    }

    /// Keeps the hosts for another while, if it is time. Gives those that another crawler has now.
    pub(super) fn renew(
        &mut self,
        frontier: &mut dyn Frontier,
        shared: &Shared,
    ) -> Result<Vec<HostId>, FrontierError> {
        let now = shared.ctx.clock().now();
        if now.duration_since(self.renewed) < RENEW {
            return Ok(Vec::new());
        }
        self.renewed = now;
        frontier.renew(shared.now_us())
    }

    /// Another crawler has these. How many URLs were in memory for them.
    pub(super) fn forget(&mut self, lost: &[HostId], shared: &Shared) -> u64 {
        let mut dropped = 0;
        for host in lost {
            if self.claimed.remove(host).is_some() {
                dropped += shared.hosts().forget(host) as u64;
                self.may_claim = true;
            }
        }
        dropped
    }

    /// Any of the hosts may have something on disk that is not known here.
    pub(super) fn all_behind(&self, shared: &Shared) {
        let mut hosts = shared.hosts();
        for host in self.claimed.keys() {
            hosts.behind(host);
        }
    }

    /// Hosts that are to be left alone for long, as the frontier does not know it yet: now and then, to be kept with what is
    /// committed.
    pub(super) fn resting(&mut self, shared: &Shared) -> Vec<(HostId, HostState)> {
        let now = shared.ctx.clock().now();
        if now.duration_since(self.noted) < NOTE {
            return Vec::new();
        }
        self.noted = now;
        let (now_us, hosts) = (shared.now_us(), shared.hosts());
        let mut resting = Vec::new();
        for (host, known) in &mut self.claimed {
            let rest = hosts.rest_of(host, now);
            let state = state(rest, now_us);
            // Two clocks: the same moment is not the same number each time.
            let is_later = state.not_before_us > known.not_before_us.saturating_add(micros(NOTE));
            let is_well = !known.delay.is_zero() && state.delay.is_zero();
            if (rest.wait >= LONG && is_later) || is_well {
                *known = state;
                resting.push((*host, state));
            }
        }
        resting
    }

    /// The state of all hosts that are to be left alone, when they are given back.
    pub(super) fn last(&self, shared: &Shared) -> Vec<(HostId, HostState)> {
        let (now, now_us, hosts) = (shared.ctx.clock().now(), shared.now_us(), shared.hosts());
        let rests = self.claimed.keys().map(|host| (*host, hosts.rest_of(host, now)));
        let rests = rests.filter(|(_, rest)| *rest != Rest::default());
        rests.map(|(host, rest)| (host, state(rest, now_us))).collect()
    }
}

/// What the frontier keeps of it.
fn state(rest: Rest, now_us: i64) -> HostState {
    let not_before_us = now_us.saturating_add(micros(rest.wait));
    HostState { not_before_us, delay: rest.delay, ..HostState::default() }
}

/// What is left of it.
fn rest(state: &HostState, now_us: i64) -> Rest {
    let wait = state.not_before_us.saturating_sub(now_us).max(0);
    Rest { wait: Duration::from_micros(wait.cast_unsigned()), delay: state.delay }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
