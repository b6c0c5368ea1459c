//! What dispatcher, workers and coordinator share: the schedule, the client, and the rules.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use millstream::Context;
use millstream::channel::Sender;

use super::failed::Failed;
use super::follow::{Follow, MAX_REDIRECTS};
use super::robots_rules::RobotsRules;
use super::starts::Starts;
use crate::config::Config;
use crate::fetch::Client;
use crate::frontier::{HostId, Visit, VisitId};
use crate::polite::{Answer, Attempts, Limits, PaceRules, Schedule, Step, Ticket};

/// A robots.txt holds for a day.
const ROBOTS_EVERY: Duration = Duration::from_secs(24 * 3_600);
/// Redirects that are remembered, to find circles.
const REDIRECTS: usize = 100_000;

pub(super) type Hosts = Schedule<HostId, Visit, Arc<RobotsRules>>;
/// What is to be done by a worker.
pub(super) type Job = Step<HostId, Visit, Arc<RobotsRules>>;

pub(super) struct Shared {
    /// Cancelled: everything under way is given up.
    pub(super) ctx: Context,
    /// Cancelled: nothing more is started.
    pub(super) accepting: Context,
    /// Cancelled when the run has finished.
    pub(super) finished: Context,
    pub(super) client: Client,
    pub(super) follow: Follow,
    pub(super) attempts: Attempts,
    /// The name by which robots.txt and pages know the crawler.
    pub(super) agent: String,
    /// Whether robots.txt is read.
    pub(super) obeys_robots: bool,
    /// Origins whose sitemaps are read.
    pub(super) sitemaps: HashSet<String>,
    hosts: Mutex<Hosts>,
    origins: Mutex<HashMap<HostId, Arc<str>>>,
    /// How each host failed the last time.
    failures: Mutex<HashMap<HostId, String>>,
    /// How URLs failed that are tried again.
    tried: Mutex<HashMap<VisitId, Failed>>,
    /// Where redirects led, by keys of addresses.
    redirects: Mutex<HashMap<u128, u128>>,
    notify: Sender<()>,
}

impl Shared {
    pub(super) fn new(
        config: &Config,
        ctx: &Context,
        accepting: Context,
        client: Client,
        notify: Sender<()>,
        starts: &Starts,
    ) -> Self {
        let politeness = &config.politeness;
        let limits = Limits {
            per_host: politeness.per_host,
            pace: PaceRules { delay: politeness.delay, ..PaceRules::default() },
            robots_every: (!politeness.ignore_robots).then_some(ROBOTS_EVERY),
            ..Limits::default()
        };
        let agent = &config.request.user_agent;
        let name = agent.split(['/', ' ']).next().unwrap_or(agent);
        let origins = starts.addresses.iter().map(|start| start.origin().to_owned());
        Self {
            ctx: ctx.clone(),
            accepting,
            finished: ctx.detached(),
            client,
            follow: Follow::new(&config.reach, politeness.ignore_robots, starts),
            attempts: Attempts { most: politeness.attempts, ..Attempts::default() },
            agent: name.to_owned(),
            obeys_robots: !politeness.ignore_robots,
            sitemaps: if config.sitemap { origins.collect() } else { HashSet::new() },
            hosts: Mutex::new(Schedule::new(ctx.clock().now(), limits)),
            origins: Mutex::default(),
            failures: Mutex::default(),
            tried: Mutex::default(),
            redirects: Mutex::default(),
            notify,
        }
    }

    pub(super) fn hosts(&self) -> MutexGuard<'_, Hosts> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether sitemaps are read at all.
    pub(super) fn reads_sitemaps(&self) -> bool {
        !self.sitemaps.is_empty()
    }

    /// What is to be done now.
    pub(super) fn next(&self) -> Job {
        self.hosts().next(self.ctx.clock().now())
    }

    /// Has the dispatcher look again.
    pub(super) fn notify(&self) {
        // One notification is enough, and there may be one already.
        let _notified = self.notify.try_send(());
    }

    /// A request has finished, and its host's next one may be due.
    pub(super) fn ended(&self, ticket: Ticket, answer: Answer) {
        self.hosts().ended(self.ctx.clock().now(), ticket, answer);
        self.notify();
    }

    /// Notes how a host failed, if the answer speaks against it: should it be given up, its URLs
    /// are reported this.
    pub(super) fn note(&self, host: HostId, answer: Answer, failure: impl FnOnce() -> String) {
        if matches!(answer, Answer::Silent { .. } | Answer::Unreached) {
            let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
            failures.insert(host, failure());
        }
    }

    pub(super) fn last_failure(&self, host: HostId) -> Option<String> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).get(&host).cloned()
    }

    /// Notes how a URL failed that is tried again.
    pub(super) fn remember(&self, visit: VisitId, failed: Option<Failed>) {
        if let Some(failed) = failed {
            self.tried.lock().unwrap_or_else(PoisonError::into_inner).insert(visit, failed);
        }
    }

    /// How a URL failed the last time; it is forgotten here.
    pub(super) fn recall(&self, visit: VisitId) -> Option<Failed> {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner).remove(&visit)
    }

    pub(super) fn know(&self, host: HostId, origin: &str) {
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        origins.insert(host, origin.into());
    }

    pub(super) fn origin(&self, host: HostId) -> Option<Arc<str>> {
        self.origins.lock().unwrap_or_else(PoisonError::into_inner).get(&host).cloned()
    }

    /// Notes a redirect; whether redirects lead in a circle now.
    pub(super) fn is_circle(&self, from: u128, to: u128) -> bool {
        let mut redirects = self.redirects.lock().unwrap_or_else(PoisonError::into_inner);
        let mut at = to;
        for _ in 0..=MAX_REDIRECTS {
            if at == from {
                return true;
            }
            let Some(next) = redirects.get(&at) else { break };
            at = *next;
        }
        if redirects.len() < REDIRECTS {
            redirects.insert(from, to);
        }
        false
    }

    /// Microseconds since 1970.
    pub(super) fn now_us(&self) -> i64 {
        let since = self.ctx.clock().wall().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }
}
