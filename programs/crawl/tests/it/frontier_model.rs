//! Any order of calls, compared with a model that is a few sorted sets.
#![expect(clippy::unwrap_used, reason = "in a test, what cannot be unwrapped is the failure")]

use std::collections::{BTreeMap, BTreeSet};

use crawl::frontier::{
    Begin, Done, Frontier, HostId, HostState, Output, Settings, SqliteFrontier, Visit, VisitId,
};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::frontier_support::{HOSTS, again, found, number, stored};

/// One call; what it is about is picked from what there is.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Add(Vec<u64>),
    Claim(usize),
    Take(Index, usize),
    /// For each visit in hand whether it is left out, tried again, or stored with links.
    Commit(Vec<(u8, Vec<u64>)>),
    /// The same commit twice, as after an answer that did not come.
    CommitTwice,
    Release(Index, i64),
    Reopen,
    Wait(i64),
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let numbers = || proptest::collection::vec(0u64..120, 0..8);
    let step = prop_oneof![
        2 => numbers().prop_map(Step::Add),
        4 => (1usize..4).prop_map(Step::Claim),
        8 => (any::<Index>(), 0usize..6).prop_map(|(host, n)| Step::Take(host, n)),
        6 => proptest::collection::vec((0u8..4, numbers()), 1..6).prop_map(Step::Commit),
        1 => Just(Step::CommitTwice),
        2 => (any::<Index>(), 0i64..50).prop_map(|(host, later)| Step::Release(host, later)),
        1 => Just(Step::Reopen),
        3 => (1i64..40).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 1..60)
}

/// What must be true of a frontier, and the calls to it.
#[derive(Default)]
pub(crate) struct Model {
    seen: BTreeSet<u64>,
    /// In the order of their finding, for each host; numbers of visits are learnt when they are
    /// taken.
    fresh: BTreeMap<u64, Vec<u64>>,
    retries: BTreeMap<u64, (i64, u32)>,
    /// Since when a visit that was tried before may be made again, also while it is in hand.
    due: BTreeMap<u64, i64>,
    ids: BTreeMap<u64, VisitId>,
    pages: Vec<u64>,
    hosts: BTreeMap<u64, HostId>,
    states: BTreeMap<u64, HostState>,
    hand: Vec<Visit>,
    now: i64,
    budget: Option<u64>,
    /// The unit of all times. A frontier that goes by the clock of a server is late by what passes
    /// between two openings.
    unit_us: i64,
}

impl Model {
    pub(crate) fn new(budget: Option<u64>, unit_us: i64) -> Self {
        Self { budget, unit_us, ..Self::default() }
    }

    fn find(&mut self, numbers: &[u64]) -> u64 {
        let mut new = 0;
        for n in numbers {
            if self.seen.insert(*n) {
                self.fresh.entry(n % HOSTS).or_default().push(*n);
                new += 1;
            }
        }
        new
    }

    /// Makes one call and checks its answer.
    pub(crate) fn step(&mut self, frontier: &mut dyn Frontier, step: &Step) {
        match step {
            Step::Add(numbers) => {
                let many: Vec<_> = numbers.iter().map(|n| found(*n)).collect();
                assert_eq!(frontier.add(&many).unwrap().new_urls(), self.find(numbers));
            }
            Step::Claim(want) => self.claim(frontier, *want),
            Step::Take(host, n) => self.take(frontier, *host, *n),
            Step::Commit(ends) => self.commit(frontier, ends, false),
            Step::CommitTwice => self.commit(frontier, &[(2, vec![1, 2, 3])], true),
            Step::Release(host, later) => self.release(frontier, *host, *later),
            Step::Wait(by) => self.now += by * self.unit_us,
            Step::Reopen => self.forget_claims(),
        }
        let counts = frontier.counts().unwrap();
        assert_eq!((counts.seen, counts.done), (self.seen.len() as u64, self.pages.len() as u64));
        assert_eq!(counts.is_finished(), self.is_finished());
    }

    fn is_finished(&self) -> bool {
        self.seen.len() == self.pages.len()
            || self.budget.is_some_and(|most| self.pages.len() as u64 >= most)
    }

    /// Whether the host has something that can be claimed for now.
    fn ready(&self, host: u64) -> bool {
        let due = self.retries.iter().any(|(n, (at, _))| n % HOSTS == host && *at <= self.now);
        let has = due || self.fresh.get(&host).is_some_and(|list| !list.is_empty());
        has && self.states.get(&host).copied().unwrap_or_default().not_before_us <= self.now
    }

    fn claim(&mut self, frontier: &mut dyn Frontier, want: usize) {
        let ready =
            (0..HOSTS).filter(|host| !self.hosts.contains_key(host) && self.ready(*host)).count();
        let claimed = frontier.claim(want, self.now).unwrap().hosts;
        assert_eq!(claimed.len(), want.min(ready));
        for lease in claimed {
            let host = (0..HOSTS).find(|host| found(*host).origin == lease.origin).unwrap();
            assert!(
                self.ready(host) && self.hosts.insert(host, lease.id).is_none(),
                "claimed twice"
            );
            let state = self.states.get(&host).copied().unwrap_or_default();
            assert!((lease.state.not_before_us - state.not_before_us).abs() * 2 < self.unit_us);
            assert_eq!(HostState { not_before_us: state.not_before_us, ..lease.state }, state);
            let retries = self.retries.keys().filter(|n| **n % HOSTS == host).count();
            let fresh = self.fresh.get(&host).map_or(0, Vec::len);
            assert_eq!(lease.pending, (retries + fresh) as u64);
        }
    }

    fn take(&mut self, frontier: &mut dyn Frontier, host: Index, n: usize) {
        let Some((host, id)) = self.pick(host) else { return };
        let mut due: Vec<(i64, VisitId, u64)> = self
            .retries
            .iter()
            .filter(|(n, (at, _))| **n % HOSTS == host && *at <= self.now)
            .map(|(n, (at, _))| (*at, self.ids[n], *n))
            .collect();
        due.sort_unstable();
        let fresh = self.fresh.entry(host).or_default();
        let expected = due.iter().map(|(_, _, n)| *n).chain(fresh.iter().copied());
        let used = (self.pages.len() + self.hand.len()) as u64;
        let left = self.budget.map_or(usize::MAX, |most| most.saturating_sub(used) as usize);
        let expected: Vec<u64> = expected.take(n.min(left)).collect();
        let visits = frontier.take(&[(id, n)], self.now).unwrap();
        assert_eq!(visits.iter().map(|visit| number(&visit.url)).collect::<Vec<_>>(), expected);
        for visit in visits {
            let n = number(&visit.url);
            let tried = self.retries.remove(&n).map_or(0, |(_, attempts)| attempts);
            assert_eq!((visit.attempts, visit.host), (tried, id));
            assert_eq!(*self.ids.entry(n).or_insert(visit.id), visit.id);
            self.fresh.entry(host).or_default().retain(|other| *other != n);
            self.hand.push(visit);
        }
    }

    fn commit(&mut self, frontier: &mut dyn Frontier, ends: &[(u8, Vec<u64>)], twice: bool) {
        let (mut done, mut left, mut links, mut pages): (Vec<Done>, Vec<Visit>, Vec<u64>, u64) =
            Default::default();
        for (at, visit) in std::mem::take(&mut self.hand).into_iter().enumerate() {
            let (end, numbers) = &ends[at % ends.len()];
            match end {
                0 => left.push(visit),
                1 => {
                    let later = self.now + 5 * self.unit_us;
                    done.push(again(&visit, later));
                    self.retries.insert(number(&visit.url), (later, visit.attempts + 1));
                    self.due.insert(number(&visit.url), later);
                }
                _ => {
                    done.push(stored(&visit, numbers.iter().copied()));
                    links.extend(numbers);
                    self.pages.push(number(&visit.url));
                    pages += 1;
                }
            }
        }
        self.hand = left;
        let new = self.find(&links);
        let kept = frontier.commit(&done, &[], self.now).unwrap();
        assert_eq!((kept.stored, kept.new_urls(), kept.lost), (pages, new, vec![]));
        if twice {
            let kept = frontier.commit(&done, &[], self.now).unwrap();
            assert_eq!((kept.stored, kept.new_urls()), (0, 0), "what is done cannot be done again");
        }
    }

    fn release(&mut self, frontier: &mut dyn Frontier, host: Index, later: i64) {
        let Some((host, id)) = self.pick(host) else { return };
        let state = HostState {
            not_before_us: self.now + later * self.unit_us,
            failures: 3,
            ..HostState::default()
        };
        frontier.release(&[(id, state)], self.now).unwrap();
        self.hosts.remove(&host);
        self.states.insert(host, state);
        self.back(|visit| visit.host == id);
    }

    /// As after a kill: nothing is claimed, and what was in hand is pending.
    fn forget_claims(&mut self) {
        self.hosts.clear();
        self.back(|_| true);
    }

    fn back(&mut self, which: impl Fn(&Visit) -> bool) {
        let (back, kept) = std::mem::take(&mut self.hand).into_iter().partition(which);
        self.hand = kept;
        let back: Vec<Visit> = back;
        for visit in back {
            let n = number(&visit.url);
            if visit.attempts > 0 {
                self.retries.insert(n, (self.due[&n], visit.attempts));
            } else {
                let list = self.fresh.entry(n % HOSTS).or_default();
                list.push(n);
                list.sort_by_key(|n| self.ids.get(n).copied().unwrap_or(VisitId(u64::MAX)));
            }
        }
    }

    fn pick(&self, index: Index) -> Option<(u64, HostId)> {
        let all: Vec<_> = self.hosts.iter().collect();
        (!all.is_empty()).then(|| *index.get(&all)).map(|(host, id)| (*host, *id))
    }

    /// Visits all that is left; every URL that was found must then have exactly one page, or the
    /// budget is spent.
    pub(crate) fn finish(&mut self, frontier: &mut dyn Frontier) {
        while !self.is_finished() {
            self.now += 1_000 * self.unit_us;
            self.claim(frontier, HOSTS as usize);
            for host in self.hosts.keys().copied().collect::<Vec<_>>() {
                let id = self.hosts[&host];
                self.take_all(frontier, host, id);
            }
            self.commit(frontier, &[(2, vec![])], false);
        }
        assert!(frontier.counts().unwrap().is_finished());
    }

    fn take_all(&mut self, frontier: &mut dyn Frontier, host: u64, id: HostId) {
        for visit in frontier.take(&[(id, 1_000)], self.now).unwrap() {
            let n = number(&visit.url);
            self.retries.remove(&n);
            self.fresh.entry(host).or_default().retain(|other| *other != n);
            self.hand.push(visit);
        }
    }

    /// The URLs of the pages that must be stored, sorted.
    pub(crate) fn pages(&self) -> Vec<String> {
        let mut urls: Vec<String> = self.pages.iter().map(|n| found(*n).url).collect();
        urls.sort();
        urls
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]
    #[test]
    fn in_sqlite_any_order_of_calls_gives_every_url_exactly_once(
        steps in steps(),
        budget in prop_oneof![3 => Just(None), 1 => (0u64..60).prop_map(Some)],
    ) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out.db");
        let open = |begin| SqliteFrontier::open(&path, Output::Table, &Settings::new(), begin, budget).unwrap();
        let mut frontier = Some(open(Begin::New));
        let mut model = Model::new(budget, 1);
        for step in &steps {
            if matches!(step, Step::Reopen) {
                drop(frontier.take());
                frontier = Some(open(Begin::Resume));
            }
            model.step(frontier.as_mut().unwrap(), step);
        }
        model.finish(frontier.as_mut().unwrap());
        let db = rusqlite::Connection::open(&path).unwrap();
        let mut select = db.prepare("SELECT url FROM pages ORDER BY url").unwrap();
        let urls: Vec<String> = select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(urls, model.pages());
    }
}
