//! The coordinator: the one thread that reads and writes the frontier. It hands out URLs, commits
//! what came of them, and knows when the crawl has finished.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use millstream::Cause;
use millstream::channel::{Receiver, RecvTimeoutError};

use super::event::Event;
use super::follow;
use super::leases::Leases;
use super::progress::Progress;
use super::shared::Shared;
use super::starts::Starts;
use crate::frontier::{Committed, Counts, End, Found, Frontier, FrontierError, HostId};
use crate::outcome::Summary;
use crate::page::ErrorKind;
use crate::warc::WarcWriter;

/// Results of one transaction, at most.
const BATCH: usize = 512;
/// The number of results that make a transaction that is worth its cost: with fewer, the same pages
/// of the file are written again and again.
const WORTH: usize = 256;
/// How long results wait for others, a few times.
const LINGER: Duration = Duration::from_millis(1);
/// So often they wait, at most.
const LINGERS: usize = 5;
/// Hosts that get more URLs in one go.
const REFILL: usize = 256;
/// How long the coordinator waits for results before it looks around.
const TICK: Duration = Duration::from_millis(500);
/// How often a frontier that others use as well is asked how it stands.
const COUNT: Duration = Duration::from_secs(1);

/// What is known at the end.
#[derive(Default)]
pub(super) struct RunState {
    pub(super) summary: Summary,
    pub(super) problems: Vec<String>,
    /// Why it could not go on.
    pub(super) failed: Option<String>,
    /// The reader of standard output has left.
    pub(super) reader_left: bool,
    /// Nothing was left to do.
    pub(super) is_finished: bool,
    /// As many pages are stored as were asked for.
    pub(super) spent: bool,
    /// The first message of each kind of failure.
    pub(super) samples: BTreeMap<ErrorKind, String>,
    /// URLs that were pending at the beginning.
    pub(super) before: u64,
    pub(super) elapsed: Duration,
}

impl RunState {
    /// Why no more can be stored. An output without a reader says so each time it is used, when it
    /// is closed as well, and that is no failure.
    fn note(&mut self, error: &FrontierError) {
        if error.is_broken_pipe() {
            self.reader_left = true;
        } else {
            self.failed.get_or_insert_with(|| error.to_string());
        }
    }
}

pub(super) struct Coordinator {
    shared: Arc<Shared>,
    frontier: Box<dyn Frontier>,
    warc: Option<WarcWriter>,
    progress: Progress,
    state: RunState,
    leases: Leases,
    /// URLs that were taken and not committed.
    in_flight: u64,
    counts: Counts,
    counted: Instant,
}

impl Coordinator {
    pub(super) fn new(
        shared: Arc<Shared>,
        frontier: Box<dyn Frontier>,
        warc: Option<WarcWriter>,
        progress: Progress,
        sharing: Option<usize>,
    ) -> Self {
        let now = shared.ctx.clock().now();
        Self {
            shared,
            frontier,
            warc,
            progress,
            state: RunState::default(),
            leases: Leases::new(now, sharing),
            in_flight: 0,
            counts: Counts::default(),
            counted: now,
        }
    }

    /// Works until no worker is left, and gives everything back.
    pub(super) fn run(mut self, results: &Receiver<Event>, starts: &Starts) -> RunState {
        let started = self.shared.ctx.clock().now();
        if let Err(error) = self.begin(starts) {
            self.fail(&error);
        }
        let mut batch = VecDeque::new();
        loop {
            match results.recv_timeout(&self.shared.finished, self.patience()) {
                Ok(first) => {
                    batch.push_back(first);
                    self.gather(results, &mut batch);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(_no_worker_is_left) => break,
            }
            if self.state.failed.is_some() || self.state.reader_left {
                batch.clear();
            } else if let Err(error) = self.turn(&mut batch) {
                self.fail(&error);
            }
        }
        self.end(started)
    }

    /// Takes what else has come, and waits for more while there is much under way.
    fn gather(&self, results: &Receiver<Event>, batch: &mut VecDeque<Event>) {
        for turn in 0..=LINGERS {
            let _rest = results.try_recv_many(batch, BATCH - batch.len());
            // When half of what is under way has come, what waits for new URLs waits for this
            // transaction.
            let is_due = batch.len() >= WORTH || 2 * batch.len() as u64 >= self.in_flight;
            if turn == LINGERS || is_due || self.shared.accepting.sleep(LINGER).is_err() {
                return;
            }
        }
    }

    fn patience(&self) -> Duration {
        let until = self.leases.until_next(&self.shared);
        if self.in_flight == 0 {
            until.unwrap_or(TICK).clamp(Duration::from_millis(1), TICK)
        } else {
            TICK
        }
    }

    fn begin(&mut self, starts: &Starts) -> Result<(), FrontierError> {
        let before = self.frontier.counts()?;
        self.state.before = before.pending();
        self.state.problems.clone_from(&starts.problems);
        let found: Vec<Found> = starts.addresses.iter().map(follow::start).collect();
        self.add(&found)?;
        self.turn(&mut VecDeque::new())
    }

    /// Commits what came in and hands out more.
    fn turn(&mut self, batch: &mut VecDeque<Event>) -> Result<(), FrontierError> {
        self.commit(batch)?;
        let lost = self.leases.renew(&mut *self.frontier, &self.shared)?;
        self.forget(&lost);
        let dropped = self.leases.share(&mut *self.frontier, &self.shared)?;
        self.in_flight = self.in_flight.saturating_sub(dropped);
        self.leases.claim(&mut *self.frontier, &self.shared)?;
        self.refill()?;
        self.look()
    }

    fn add(&mut self, found: &[Found]) -> Result<(), FrontierError> {
        let committed = self.frontier.add(found)?;
        self.note(&committed);
        Ok(())
    }

    fn commit(&mut self, batch: &mut VecDeque<Event>) -> Result<(), FrontierError> {
        let mut done = Vec::with_capacity(batch.len());
        for reported in batch.drain(..) {
            match reported {
                Event::Found(found) => self.add(&found)?,
                Event::Done(one, capture) => {
                    if let (Some(warc), Some(capture)) = (&mut self.warc, capture) {
                        warc.write(&capture).map_err(|error| self::warc(&error))?;
                    }
                    done.push(*one);
                }
            }
        }
        let resting = self.leases.resting(&self.shared);
        if done.is_empty() && resting.is_empty() {
            return Ok(());
        }
        let committed = self.frontier.commit(&done, &resting, self.shared.now_us())?;
        self.in_flight = self.in_flight.saturating_sub(done.len() as u64);
        for one in &done {
            self.leases.committed(one.host);
            if let End::Stored { page, .. } = &one.end
                && !committed.lost.contains(&one.host)
            {
                self.state.summary.add(page);
                self.progress.add(page);
                if let Some(kind) = page.error {
                    let message = page.message.as_deref().unwrap_or_default();
                    self.state
                        .samples
                        .entry(kind)
                        .or_insert_with(|| format!("{}: {message}", page.url));
                }
            }
        }
        self.forget(&committed.lost);
        self.note(&committed);
        Ok(())
    }

    /// URLs that are new: their hosts want them, or are to be claimed.
    fn note(&mut self, committed: &Committed) {
        self.state.summary.found += committed.new_urls();
        self.state.summary.mend(committed.mended);
        let mut hosts = self.shared.hosts();
        for (host, _) in &committed.new {
            if self.leases.has(*host) {
                hosts.behind(host);
            } else {
                self.leases.look_again();
            }
        }
    }

    /// Gives hosts that want some more URLs.
    fn refill(&mut self) -> Result<(), FrontierError> {
        loop {
            let wants: Vec<(HostId, usize)> = {
                let mut hosts = self.shared.hosts();
                std::iter::from_fn(|| hosts.want()).take(REFILL).collect()
            };
            if wants.is_empty() {
                return Ok(());
            }
            let visits = self.frontier.take(&wants, self.shared.now_us())?;
            self.in_flight += visits.len() as u64;
            let mut of_host: HashMap<HostId, Vec<_>> = HashMap::with_capacity(wants.len());
            for visit in visits {
                of_host.entry(visit.host).or_default().push(visit);
            }
            let mut hosts = self.shared.hosts();
            for (host, room) in wants {
                let visits = of_host.remove(&host).unwrap_or_default();
                self.leases.taken(host, visits.len());
                let more = visits.len() >= room;
                hosts.refill(&host, visits, more);
            }
            drop(hosts);
            self.shared.notify();
        }
    }

    /// Hosts that another crawler has now.
    fn forget(&mut self, lost: &[HostId]) {
        let dropped = self.leases.forget(lost, &self.shared);
        self.in_flight = self.in_flight.saturating_sub(dropped);
    }

    /// Whether the crawl has finished; and where others work as well, whether they left something
    /// to do.
    fn look(&mut self) -> Result<(), FrontierError> {
        let now = self.shared.ctx.clock().now();
        let is_idle = self.in_flight == 0;
        if !is_idle && now.duration_since(self.counted) < COUNT {
            self.show();
            return Ok(());
        }
        self.counted = now;
        self.counts = self.frontier.counts()?;
        self.show();
        if !is_idle {
            return Ok(());
        }
        if self.counts.is_finished() {
            self.state.is_finished = true;
            self.shared.accepting.cancel(Cause::finished());
            return Ok(());
        }
        // Something is pending: of hosts that others have, or of ours, found by others.
        self.leases.look_again();
        self.leases.all_behind(&self.shared);
        self.refill()
    }

    fn show(&self) {
        let counts = self.shared.hosts().counts();
        let left = self.counts.pending();
        self.progress.stand(left, counts.in_flight as u64, self.counts.hosts, counts.active as u64);
    }

    fn fail(&mut self, error: &FrontierError) {
        self.state.note(error);
        let cause = Cause::failed(error.to_string());
        self.shared.accepting.cancel(cause.clone());
        self.shared.ctx.cancel(cause);
    }

    fn end(mut self, started: Instant) -> RunState {
        let counts = self.shared.hosts().counts();
        match self.frontier.counts() {
            Ok(stand) => self.counts = stand,
            Err(error) => self.state.note(&error),
        }
        self.state.spent = self.counts.max_pages.is_some_and(|most| self.counts.done >= most);
        // The crawler that goes on asks no host sooner than this crawler would have.
        if self.counts.pending() > 0
            && self.state.failed.is_none()
            && let Err(error) =
                self.frontier.commit(&[], &self.leases.last(&self.shared), self.shared.now_us())
        {
            self.state.note(&error);
        }
        if let Err(error) = self.frontier.close(self.shared.now_us()) {
            self.state.note(&error);
        }
        if let Some(warc) = self.warc.take()
            && let Err(error) = warc.finish()
        {
            self.state.failed.get_or_insert_with(|| self::warc(&error).to_string());
        }
        let summary = &mut self.state.summary;
        summary.left = self.counts.pending();
        summary.hosts = self.counts.hosts;
        summary.hosts_down = counts.down as u64;
        self.state.elapsed = self.shared.ctx.clock().now() - started;
        self.state
    }
}

fn warc(error: &std::io::Error) -> FrontierError {
    FrontierError::output(format!("the WARC cannot be written: {error}"))
}
