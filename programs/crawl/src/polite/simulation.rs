//! A crawl without a network, for tests: hosts that answer as they are scripted, a disk, workers,
//! and time that jumps from one event to the next. It checks at each start what a schedule
//! promises.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::{Answer, Limits, Schedule, Step, Ticket};

/// One URL: it is of this host, takes this long, ends so, and leads to others.
#[derive(Clone, Debug)]
pub(super) struct Url {
    pub(super) host: u8,
    pub(super) takes: Duration,
    /// What its visits end with, one after the other; the last one is final.
    pub(super) answers: Vec<Answer>,
    /// URLs that are found on it, by their number.
    pub(super) leads_to: Vec<usize>,
}

/// A whole crawl.
pub(super) struct Simulation {
    pub(super) limits: Limits,
    pub(super) workers: usize,
    pub(super) urls: Vec<Url>,
    pub(super) start: Instant,
    /// What fetch of robots.txt a host gives, and how long it takes.
    pub(super) crawl_delay: Option<Duration>,
    pub(super) robots: Duration,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Story {
    /// When each URL was started, in order.
    pub(super) starts: Vec<(Duration, usize)>,
    /// URLs that came to their end, and those of hosts that were given up.
    pub(super) ended: Vec<usize>,
    pub(super) down: Vec<usize>,
    pub(super) robots: Vec<(Duration, u8)>,
    pub(super) most_held: usize,
    pub(super) most_at_once: BTreeMap<u8, usize>,
}

struct Flight {
    ends: Instant,
    ticket: Ticket,
    /// None for a fetch of robots.txt.
    url: Option<usize>,
    host: u8,
}

struct Running<'a> {
    plan: &'a Simulation,
    schedule: Schedule<u8, usize, ()>,
    disk: HashMap<u8, VecDeque<usize>>,
    flights: Vec<Flight>,
    visits: HashMap<usize, usize>,
    last_start: HashMap<u8, (Instant, bool)>,
    now: Instant,
    story: Story,
}

impl Simulation {
    /// Crawls from the URLs that nothing leads to, until nothing is left.
    pub(super) fn run(&self) -> Story {
        let mut running = Running {
            plan: self,
            schedule: Schedule::new(self.start, self.limits),
            disk: HashMap::new(),
            flights: Vec::new(),
            visits: HashMap::new(),
            last_start: HashMap::new(),
            now: self.start,
            story: Story::default(),
        };
        let found: Vec<usize> =
            self.urls.iter().flat_map(|url| url.leads_to.iter().copied()).collect();
        let starts = (0..self.urls.len()).filter(|url| !found.contains(url));
        starts.for_each(|url| running.found(url));
        while running.step() {}
        let counts = running.schedule.counts();
        assert_eq!((counts.held, counts.in_flight, counts.active), (0, 0, 0));
        assert!(running.disk.values().all(VecDeque::is_empty), "nothing is left on disk");
        running.story
    }
}

impl Running<'_> {
    fn found(&mut self, url: usize) {
        let host = self.plan.urls[url].host;
        if let Err(url) = self.schedule.push(&host, url) {
            self.disk.entry(host).or_default().push_back(url);
        }
        self.note_held();
    }

    fn note_held(&mut self) {
        self.story.most_held = self.story.most_held.max(self.schedule.counts().held);
    }

    fn refill(&mut self) {
        while let Some((host, room)) = self.schedule.want() {
            let disk = self.disk.entry(host).or_default();
            let items: Vec<usize> = disk.drain(..room.min(disk.len())).collect();
            let more = !disk.is_empty();
            self.schedule.refill(&host, items, more);
            self.note_held();
        }
    }

    /// Does what is next; false when nothing is left.
    fn step(&mut self) -> bool {
        self.refill();
        let mut until = None;
        if self.flights.len() < self.plan.workers {
            match self.schedule.next(self.now) {
                Step::FetchRobots(host, ticket) => {
                    self.story.robots.push((self.now - self.plan.start, host));
                    self.begin(host, self.plan.robots, ticket, None);
                    return true;
                }
                Step::Visit(url, rules, ticket) => {
                    assert_eq!(rules.is_some(), self.plan.limits.robots_every.is_some());
                    let Url { host, takes, .. } = self.plan.urls[url];
                    self.story.starts.push((self.now - self.plan.start, url));
                    self.begin(host, takes, ticket, Some(url));
                    return true;
                }
                Step::Down(url) => {
                    self.story.down.push(url);
                    return true;
                }
                Step::Until(moment) => {
                    assert!(moment > self.now, "it waits for what is to come");
                    until = Some(moment);
                }
                Step::Wait => assert!(!self.flights.is_empty(), "it waits for nothing"),
                Step::Empty => {
                    assert!(self.flights.is_empty());
                    return false;
                }
            }
        }
        let landing = self.flights.iter().map(|flight| flight.ends).min();
        let next = landing.into_iter().chain(until).min().expect("something is to come");
        self.now = self.now.max(next);
        if landing == Some(next) {
            let at =
                self.flights.iter().position(|flight| flight.ends == next).expect("it is there");
            let flight = self.flights.swap_remove(at);
            self.end(flight);
        }
        true
    }

    fn begin(&mut self, host: u8, takes: Duration, ticket: Ticket, url: Option<usize>) {
        let Limits { per_host, pace, .. } = self.plan.limits;
        if let Some((last, had_robots)) = self.last_start.get(&host).copied() {
            let crawl_delay = self.plan.crawl_delay.filter(|_| had_robots).unwrap_or_default();
            let apart = pace.delay.max(crawl_delay.min(pace.longest_crawl_delay));
            assert!(
                self.now - last >= apart,
                "two starts of host {host} are {:?} apart",
                self.now - last
            );
        }
        let had_robots = url.is_some() && self.plan.limits.robots_every.is_some();
        self.last_start.insert(host, (self.now, had_robots));
        self.flights.push(Flight { ends: self.now + takes, ticket, url, host });
        let at_once = self.flights.iter().filter(|flight| flight.host == host).count();
        let most = self.story.most_at_once.entry(host).or_default();
        *most = at_once.max(*most);
        assert!(at_once <= per_host as usize, "{at_once} requests of host {host} at once");
    }

    fn end(&mut self, flight: Flight) {
        let Some(number) = flight.url else {
            let fine = Answer::Fine(self.plan.robots);
            self.schedule.robots_fetched(self.now, flight.ticket, fine, (), self.plan.crawl_delay);
            return;
        };
        let url = &self.plan.urls[number];
        let visit = self.visits.entry(number).or_default();
        let answer = url.answers[*visit];
        *visit += 1;
        if *visit < url.answers.len() {
            let wait = Duration::from_millis(number as u64 % 7 * 100);
            self.schedule.retry(self.now, flight.ticket, answer, number, wait);
            self.note_held();
        } else if answer == Answer::Unknown {
            self.schedule.unasked(flight.ticket);
            self.story.ended.push(number);
            // It was no request, so it keeps nobody at a distance.
            self.last_start.remove(&flight.host);
        } else {
            self.schedule.ended(self.now, flight.ticket, answer);
            self.story.ended.push(number);
        }
        if *self.visits.get(&number).unwrap_or(&0) == url.answers.len() {
            url.leads_to.iter().for_each(|url| self.found(*url));
        }
    }
}
