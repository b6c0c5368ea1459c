//! What of a frontier is in memory: keys, hosts, and which URL of a host comes next. Everything
//! here can be made again from the tables.
//!
//! A host's pending URLs are a list through `next`, four bytes a URL for all hosts together; their
//! text stays on disk.
//!
//! 1. A URL is in exactly one place: in its host's list, among its host's retries, taken, or done.
//! 2. A host is in `idle` exactly when it is not claimed and has something in its list or its
//!    retries.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::frontier::seen::Seen;
use crate::frontier::way::Way;
use crate::frontier::{HostId, HostLease, HostState};

/// Numbers of hosts and URLs begin with 1; 0 is none.
pub(super) type Number = u32;

/// One host.
#[derive(Debug, Default)]
pub(super) struct Host {
    pub(super) origin: Arc<str>,
    pub(super) state: HostState,
    /// First and last of the list.
    first: Number,
    last: Number,
    /// How many the list has.
    listed: u64,
    /// What was tried before: by the time before which it is not tried again, with the number of
    /// attempts.
    retries: BTreeMap<(i64, Number), u32>,
    pub(super) claimed: bool,
    /// How many are taken.
    taken: u32,
    /// Its place in `idle`.
    idle: Option<(i64, u64)>,
}

/// A URL in a crawler's hands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    pub(super) host: Number,
    pub(super) attempts: u32,
    /// Since when it may be tried, if it was tried before.
    not_before_us: i64,
}

/// A way in five bytes. Nobody follows more redirects than fit.
#[derive(Debug)]
struct Kept([u8; 5]);

impl Kept {
    fn of(way: Way) -> Self {
        let [a, b, c, d] = way.depth.to_le_bytes();
        Self([a, b, c, d, u8::try_from(way.redirects).unwrap_or(u8::MAX)])
    }

    fn way(&self) -> Way {
        let [a, b, c, d, redirects] = self.0;
        Way { depth: u32::from_le_bytes([a, b, c, d]), redirects: redirects.into() }
    }
}

/// See the top of the file.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) seen: Seen,
    pub(super) hosts: Vec<Host>,
    by_origin: HashMap<Arc<str>, Number>,
    /// For each URL the one that follows it in its host's list.
    next: Vec<Number>,
    /// For each URL how it was reached.
    ways: Vec<Kept>,
    /// Hosts that can be claimed: by the time from which they can, in the order in which they got
    /// here.
    idle: BTreeSet<(i64, u64, Number)>,
    order: u64,
    taken: HashMap<Number, Taken>,
    pub(super) done: u64,
}

impl Memory {
    /// How many URLs there are.
    pub(super) fn urls(&self) -> usize {
        self.next.len()
    }

    pub(super) fn host(&mut self, number: Number) -> &mut Host {
        &mut self.hosts[number as usize - 1]
    }

    /// The host that `id` names, if it is one of this frontier's and claimed.
    pub(super) fn claimed(&mut self, id: HostId) -> Option<Number> {
        let number = Number::try_from(id.0).ok()?;
        let host = self.hosts.get(number.checked_sub(1)? as usize)?;
        host.claimed.then_some(number)
    }

    pub(super) fn host_of(&self, origin: &str) -> Option<Number> {
        self.by_origin.get(origin).copied()
    }

    /// Adds a host; none if there are too many.
    pub(super) fn add_host(&mut self, origin: &str, state: HostState) -> Option<Number> {
        let number = Number::try_from(self.hosts.len() + 1).ok()?;
        let origin: Arc<str> = origin.into();
        self.by_origin.insert(origin.clone(), number);
        self.hosts.push(Host { origin, state, ..Host::default() });
        Some(number)
    }

    /// Takes back the hosts from the `count`-th on, which have no URLs yet.
    pub(super) fn forget_hosts(&mut self, count: usize) {
        for host in self.hosts.drain(count..) {
            self.by_origin.remove(&host.origin);
        }
    }

    /// Adds the next URL, which is done or will be put in its place.
    pub(super) fn add_url(&mut self, way: Way) -> Number {
        self.next.push(0);
        self.ways.push(Kept::of(way));
        Number::try_from(self.next.len())
            .expect("the caller that adds has asked whether there is room")
    }

    /// How a URL was reached that is in.
    pub(super) fn way(&self, url: Number) -> Way {
        self.ways[url as usize - 1].way()
    }

    pub(super) fn set_way(&mut self, url: Number, way: Way) {
        self.ways[url as usize - 1] = Kept::of(way);
    }

    /// Puts a URL at the end of its host's list.
    pub(super) fn append(&mut self, host: Number, url: Number) {
        let (first, last) = (self.host(host).first, self.host(host).last);
        if first == 0 {
            self.host(host).first = url;
        } else {
            self.next[last as usize - 1] = url;
        }
        let host = self.host(host);
        host.last = url;
        host.listed += 1;
    }

    pub(super) fn add_retry(
        &mut self,
        host: Number,
        url: Number,
        not_before_us: i64,
        attempts: u32,
    ) {
        self.host(host).retries.insert((not_before_us, url), attempts);
    }

    /// How many URLs are taken.
    pub(super) fn taken(&self) -> u64 {
        self.taken.len() as u64
    }

    /// Counts a URL as taken no longer; it must be put into another place.
    pub(super) fn finish(&mut self, url: Number) -> Option<Taken> {
        let taken = self.taken.remove(&url)?;
        self.host(taken.host).taken -= 1;
        Some(taken)
    }

    /// Counts a URL as taken.
    pub(super) fn begin(&mut self, url: Number, taken: Taken) {
        self.host(taken.host).taken += 1;
        self.taken.insert(url, taken);
    }

    /// What is taken of a host, the first that was found first.
    pub(super) fn taken_of(&self, host: Number) -> Vec<Number> {
        if self.hosts[host as usize - 1].taken == 0 {
            return Vec::new();
        }
        let of_host = self.taken.iter().filter(|(_, taken)| taken.host == host);
        let mut urls: Vec<Number> = of_host.map(|(url, _)| *url).collect();
        urls.sort_unstable();
        urls
    }

    /// Puts a taken URL back to where it came from.
    pub(super) fn put_back(&mut self, url: Number) {
        let Some(taken) = self.finish(url) else { return };
        if taken.attempts > 0 {
            self.add_retry(taken.host, url, taken.not_before_us, taken.attempts);
            return;
        }
        let first = self.host(taken.host).first;
        self.next[url as usize - 1] = first;
        let host = self.host(taken.host);
        host.first = url;
        host.last = if first == 0 { url } else { host.last };
        host.listed += 1;
    }

    /// Takes one URL of a host: one that is due again, or the next of the list.
    pub(super) fn take(&mut self, number: Number, now_us: i64) -> Option<(Number, u32)> {
        let host = self.host(number);
        let due = host.retries.first_key_value().filter(|((at, _), _)| *at <= now_us);
        let (url, attempts, not_before_us) = match due.map(|(key, attempts)| (*key, *attempts)) {
            Some((key, attempts)) => {
                host.retries.remove(&key);
                (key.1, attempts, key.0)
            }
            None if host.first == 0 => return None,
            None => {
                let url = host.first;
                let next = std::mem::take(&mut self.next[url as usize - 1]);
                let host = self.host(number);
                host.first = next;
                host.listed -= 1;
                (url, 0, 0)
            }
        };
        self.begin(url, Taken { host: number, attempts, not_before_us });
        Some((url, attempts))
    }

    /// Brings a host's place in `idle` up to date.
    pub(super) fn settle(&mut self, number: Number) {
        let host = &mut self.hosts[number as usize - 1];
        let from = host.state.not_before_us;
        let ready = match (host.listed, host.retries.first_key_value()) {
            _ if host.claimed => None,
            (0, None) => None,
            (0, Some(((at, _), _))) => Some(from.max(*at)),
            _ => Some(from),
        };
        if host.idle.map(|(at, _)| at) == ready {
            return;
        }
        if let Some((at, order)) = host.idle.take() {
            self.idle.remove(&(at, order, number));
        }
        if let Some(at) = ready {
            self.order += 1;
            host.idle = Some((at, self.order));
            self.idle.insert((at, self.order, number));
        }
    }

    /// Claims the host that has waited longest, if there is one that may be visited now.
    pub(super) fn claim(&mut self, now_us: i64) -> Option<HostLease> {
        let &(_, _, number) = self.idle.first().filter(|(at, ..)| *at <= now_us)?;
        self.host(number).claimed = true;
        self.settle(number);
        let host = self.host(number);
        Some(HostLease {
            id: HostId(number.into()),
            origin: host.origin.to_string(),
            pending: host.listed + host.retries.len() as u64,
            state: host.state,
        })
    }

    /// When the next host can be claimed.
    pub(super) fn next_idle(&self) -> Option<i64> {
        self.idle.first().map(|(at, ..)| *at)
    }
}
