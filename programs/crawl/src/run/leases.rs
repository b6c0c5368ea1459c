//! The hosts that this crawler has: claimed from the frontier, state for as long as it works, given
//! back when they cool down and others wait for their place. With them goes what they may expect:
//! how long they are in cooldown.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::shared::Shared;
use crate::frontier::{Frontier, FrontierError, HostId, HostState};
use crate::polite::Cooldown;

/// Hosts that a crawler has in hand, at most, where it has the frontier for itself.
const HOSTS: usize = 10_000;
/// And where it shares it: the number for each worker, so that the others get some as well.
const HOSTS_PER_WORKER: usize = 8;
/// How often this crawler's state is shared with others.
const SHARE: Duration = Duration::from_secs(1);
/// This long after hosts were let go for others, no more are: those who wait look for them once a
/// second.
const SETTLE: Duration = Duration::from_secs(3);
/// How often hosts are state for another while.
const RENEW: Duration = Duration::from_secs(10);
/// How often it is noted which hosts are in cooldown.
const NOTE: Duration = Duration::from_secs(1);
/// And for how long, at least: a shorter cooldown has passed by the time that somebody else has the
/// host, unless it is handed finished in order. So a crawl that is fast notes nothing.
const LONG: Duration = Duration::from_secs(2);

pub(super) struct Leases {
    /// With what the frontier knows of each.
    claimed: HashMap<HostId, HostState>,
    /// URLs of each that were taken and not committed. One that is no longer in the schedule may
    /// still be on its way back.
    held: HashMap<HostId, usize>,
    most: usize,
    /// There may be hosts to claim.
    may_claim: bool,
    next_us: Option<i64>,
    renewed: Instant,
    noted: Instant,
    /// Where others use the frontier as well.
    sharing: Option<Sharing>,
}

/// What is to be known to let hosts go for other crawlers.
struct Sharing {
    workers: usize,
    /// The maximum number of hosts that are claimed at present: it grows while workers find nothing
    /// to do.
    enough: usize,
    /// There were fewer hosts than were wanted.
    wants: bool,
    reported: Instant,
    let_go: Option<Instant>,
}

impl Leases {
    /// None yet. `sharing` is the number of workers, if other crawlers use the frontier as well.
    pub(super) fn new(now: Instant, sharing: Option<usize>) -> Self {
        Self {
            claimed: HashMap::new(),
            held: HashMap::new(),
            most: sharing.map_or(HOSTS, |workers| (workers * HOSTS_PER_WORKER).clamp(64, HOSTS)),
            may_claim: true,
            next_us: None,
            renewed: now,
            noted: now,
            sharing: sharing.map(|workers| Sharing {
                workers,
                enough: workers.max(1),
                wants: true,
                reported: now.checked_sub(SHARE).unwrap_or(now),
                let_go: None,
            }),
        }
    }

    pub(super) fn has(&self, host: HostId) -> bool {
        self.claimed.contains_key(&host)
    }

    /// There may be hosts to claim, that were not there before.
    pub(super) fn look_again(&mut self) {
        self.may_claim = true;
    }

    /// How long until a host may be claimed that cooldowns.
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
        let most = self.sharing.as_mut().map_or(self.most, |sharing| {
            sharing.grow(shared, self.claimed.len());
            sharing.enough.min(self.most)
        });
        let want = most.saturating_sub(self.claimed.len());
        let claimed = if want > 0 { frontier.claim(want, now)? } else { return Ok(()) };
        if let Some(sharing) = &mut self.sharing {
            sharing.wants = claimed.hosts.len() < want;
        }
        // If there were as many as were wanted, there may be more.
        self.may_claim = self.sharing.is_some() && claimed.hosts.len() >= want;
        self.next_us = claimed.next_us;
        let mut hosts = shared.hosts();
        for host in &claimed.hosts {
            shared.know(host.id, &host.origin);
            self.claimed.insert(host.id, host.state);
            let cooldown = cooldown(&host.state, now);
            if cooldown != Cooldown::default() {
                hosts.cooldown(&host.id, shared.ctx.clock().now(), cooldown);
            }
            hosts.behind(&host.id);
        }
        Ok(())
    }

    /// Makes place for other hosts: gives back those that have nothing to do. Their politeness go
    /// with them.
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
            let is_back = |host: &HostId| self.held.get(host).is_none_or(|held| *held == 0);
            let idle =
                idle.filter(|host| self.has(*host) && is_back(host)).take(self.most.div_ceil(4));
            idle.map(|host| (host, state(hosts.cooldown_of(&host, now), now_us))).collect()
        };
        frontier.release(&idle, now_us)?;
        for (host, _) in &idle {
            self.drop(*host);
        }
        Ok(())
    }

    /// What was taken of a host.
    pub(super) fn taken(&mut self, host: HostId, urls: usize) {
        *self.held.entry(host).or_default() += urls;
    }

    /// What was committed of it.
    pub(super) fn committed(&mut self, host: HostId) {
        if let Some(held) = self.held.get_mut(&host) {
            *held = held.saturating_sub(1);
        }
    }

    fn drop(&mut self, host: HostId) -> bool {
        self.held.remove(&host);
        self.claimed.remove(&host).is_some()
    }

    /// Lets hosts go that wait, if other crawlers wait for some. How many URLs were in memory for
    /// them.
    pub(super) fn share(
        &mut self,
        frontier: &mut dyn Frontier,
        shared: &Shared,
    ) -> Result<u64, FrontierError> {
        let (now, now_us) = (shared.ctx.clock().now(), shared.now_us());
        let Some(sharing) = &mut self.sharing else { return Ok(0) };
        if now.duration_since(sharing.reported) < SHARE {
            return Ok(0);
        }
        sharing.reported = now;
        let wants = sharing.wants && sharing.is_idle(shared);
        let is_settling = sharing.let_go.is_some_and(|at| now.duration_since(at) < SETTLE);
        let Some(part) = frontier.share(wants, now_us)?.filter(|_| !is_settling) else {
            return Ok(0);
        };
        // Those with nothing left to do are no help to anybody.
        self.release_idle(frontier, shared, now_us)?;
        let too_many = self.claimed.len().saturating_sub(part);
        let Some(sharing) = self.sharing.as_mut().filter(|_| too_many > 0) else { return Ok(0) };
        let (gone, states): (Vec<_>, Vec<_>) = {
            let mut hosts = shared.hosts();
            let gone = hosts.let_go(&self.held, now, too_many);
            let state =
                |(host, _): &(HostId, usize)| (*host, state(hosts.cooldown_of(host, now), now_us));
            let states = gone.iter().map(state).collect();
            (gone, states)
        };
        (sharing.let_go, sharing.enough) = (Some(now), part);
        frontier.release(&states, now_us)?;
        for (host, _) in &gone {
            self.drop(*host);
        }
        Ok(gone.iter().map(|(_, urls)| *urls as u64).sum())
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
            if self.drop(*host) {
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

    /// Hosts that are in cooldown for long, as the frontier does not know it yet: now and
    /// then, to be state with what is committed.
    pub(super) fn resting(&mut self, shared: &Shared) -> Vec<(HostId, HostState)> {
        let now = shared.ctx.clock().now();
        if now.duration_since(self.noted) < NOTE {
            return Vec::new();
        }
        self.noted = now;
        let (now_us, hosts) = (shared.now_us(), shared.hosts());
        let mut resting = Vec::new();
        for (host, known) in &mut self.claimed {
            let cooldown = hosts.cooldown_of(host, now);
            let state = state(cooldown, now_us);
            // Two clocks: the same moment is not the same number each time.
            let is_later = state.not_before_us > known.not_before_us.saturating_add(micros(NOTE));
            let is_well = !known.delay.is_zero() && state.delay.is_zero();
            if (cooldown.wait >= LONG && is_later) || is_well {
                *known = state;
                resting.push((*host, state));
            }
        }
        resting
    }

    /// The state of all hosts that are in cooldown, when they are given back.
    pub(super) fn last(&self, shared: &Shared) -> Vec<(HostId, HostState)> {
        let (now, now_us, hosts) = (shared.ctx.clock().now(), shared.now_us(), shared.hosts());
        let cooldowns = self.claimed.keys().map(|host| (*host, hosts.cooldown_of(host, now)));
        let cooldowns = cooldowns.filter(|(_, cooldown)| *cooldown != Cooldown::default());
        cooldowns.map(|(host, cooldown)| (host, state(cooldown, now_us))).collect()
    }
}

impl Sharing {
    /// Whether there are workers that find nothing to do.
    fn is_idle(&self, shared: &Shared) -> bool {
        shared.hosts().counts().in_flight < self.workers
    }

    /// Twice as many hosts may be claimed, if all that are have not given every worker something to
    /// do; and if none was let go just now.
    fn grow(&mut self, shared: &Shared, claimed: usize) {
        let now = shared.ctx.clock().now();
        let is_settling = self.let_go.is_some_and(|at| now.duration_since(at) < SETTLE);
        if claimed >= self.enough && !is_settling && self.is_idle(shared) {
            self.enough = self.enough.saturating_mul(2);
        }
    }
}

/// What the frontier keeps of it.
fn state(cooldown: Cooldown, now_us: i64) -> HostState {
    let not_before_us = now_us.saturating_add(micros(cooldown.wait));
    HostState { not_before_us, delay: cooldown.delay, ..HostState::default() }
}

/// What is left of it.
fn cooldown(state: &HostState, now_us: i64) -> Cooldown {
    let wait = state.not_before_us.saturating_sub(now_us).max(0);
    Cooldown { wait: Duration::from_micros(wait.cast_unsigned()), delay: state.delay }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
