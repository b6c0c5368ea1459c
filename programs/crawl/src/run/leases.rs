//! The hosts that this crawler has: claimed from the frontier, kept for as long as it works, given back when they rest and others
//! wait for their place.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::shared::Shared;
use crate::frontier::{Frontier, FrontierError, HostId, HostState};

/// Hosts that a crawler has in hand, at most, where it has the frontier for itself.
const HOSTS: usize = 10_000;
/// And where it shares it: so many for each worker, that the others get some as well.
const HOSTS_PER_WORKER: usize = 8;
/// How often hosts are kept for another while.
const RENEW: Duration = Duration::from_secs(10);

pub(super) struct Leases {
    claimed: HashSet<HostId>,
    most: usize,
    /// There may be hosts to claim.
    may_claim: bool,
    next_us: Option<i64>,
    renewed: Instant,
}

impl Leases {
    /// None yet. `sharing` is the number of workers, if other crawlers use the frontier as well.
    pub(super) fn new(now: Instant, sharing: Option<usize>) -> Self {
        Self {
            claimed: HashSet::new(),
            most: sharing.map_or(HOSTS, |workers| (workers * HOSTS_PER_WORKER).clamp(64, HOSTS)),
            may_claim: true,
            next_us: None,
            renewed: now,
        }
    }

    pub(super) fn has(&self, host: HostId) -> bool {
        self.claimed.contains(&host)
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
            self.claimed.insert(host.id);
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
        let idle = shared.hosts().idle(now, usize::MAX);
        let idle = idle.into_iter().filter(|(host, _)| self.has(*host)).take(self.most.div_ceil(4));
        let state = |(host, rest): (HostId, Duration)| {
            let rest = i64::try_from(rest.as_micros()).unwrap_or(i64::MAX);
            (host, HostState { not_before_us: now_us.saturating_add(rest), ..HostState::default() })
        };
        let idle: Vec<(HostId, HostState)> = idle.map(state).collect();
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
            if self.claimed.remove(host) {
                dropped += shared.hosts().forget(host) as u64;
                self.may_claim = true;
            }
        }
        dropped
    }

    /// Any of the hosts may have something on disk that is not known here.
    pub(super) fn all_behind(&self, shared: &Shared) {
        let mut hosts = shared.hosts();
        for host in &self.claimed {
            hosts.behind(host);
        }
    }
}
