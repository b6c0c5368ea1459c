//! The threads of a `parallel` stage at work: each takes a chunk from the source, works on it, leaves it in the window.
//!
//! There is no thread that only reads: whoever is free takes the source's lock and pulls the next chunk, with its
//! number. So numbers are in the order of the input, and work on different chunks overlaps.
//!
//! Lock order: `intake`, then the window's own lock. A worker waits for room while it holds `intake`: nobody else could
//! begin a chunk either.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::flow::{Crew, Pull, Pulled};
use super::gather;
use super::handed::Handed;
use super::probe::Probe;
use super::run::Run;
use super::step::{Flow, Step};
use super::tally::Tallies;
use super::terminal::Loan;
use super::window::Window;
use crate::clock::stopwatch;
use crate::context::Context;
use crate::panics;
use crate::sync::Mutex;

/// A chunk takes about this long to work on: long against the hand-over, short against a person's patience.
const CHUNK: Duration = Duration::from_micros(100);
const LARGEST: usize = if cfg!(loom) { 1 } else { 4_096 };
/// In a model the size of a chunk is fixed: nothing there may depend on how long something took.
const FIRST: usize = if cfg!(loom) { 1 } else { 16 };
const SAMPLE_EVERY: u32 = 16;

/// What the workers of one stage share.
pub(crate) struct Team<P: Pull, S: Step<P::Item>> {
    pub(super) intake: Mutex<Intake<P>>,
    pub(crate) window: Window<S::Out>,
    pub(super) step: S,
    pub(super) run: Arc<Run>,
    /// The index of the stage's first line in the report, "parallel"; its steps follow, then "merge".
    at: usize,
}

impl<P: Pull, S: Step<P::Item>> std::fmt::Debug for Team<P, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Team").field("at", &self.at).finish_non_exhaustive()
    }
}

pub(super) struct Intake<P> {
    pub(super) source: P,
    pub(super) chunks: u64,
    ended: bool,
    stopped: bool,
}

/// One worker's own things.
pub(crate) struct Worker<In, S, C> {
    pub(super) state: S,
    counts: C,
    chunk: Vec<In>,
    size: usize,
    /// How long the chunk in hand took to read.
    read: Duration,
    /// How long an item of the last chunk took.
    per_item: Duration,
    rounds: u32,
    busy: Duration,
    waited_in: Duration,
    waited_out: Duration,
}

impl<In, S, C> Worker<In, S, C> {
    pub(crate) fn new(state: S, counts: C) -> Self {
        Self {
            state,
            counts,
            chunk: Vec::new(),
            size: FIRST,
            read: Duration::ZERO,
            per_item: Duration::ZERO,
            rounds: 0,
            busy: Duration::ZERO,
            waited_in: Duration::ZERO,
            waited_out: Duration::ZERO,
        }
    }

    pub(super) fn per_item(&self) -> Duration {
        self.per_item
    }
}

impl<P: Pull, S: Step<P::Item>> Team<P, S> {
    pub(crate) fn new(source: P, step: S, run: Arc<Run>, at: usize, room: usize, ordered: bool) -> Self {
        let intake = Intake { source, chunks: 0, ended: false, stopped: false };
        Self { intake: Mutex::new(intake), window: Window::new(room, ordered), step, run, at }
    }

    /// One worker's life: until the input ends or the run stops. Whatever panics in it, the run hears of it.
    pub(crate) fn work<'scope, 'env: 'scope>(&self, crew: &Crew<'scope, 'env>)
    where
        P: 'scope,
    {
        if let Err(panic) = panics::catch("pipeline", || self.rounds(crew)) {
            self.run.panicked(panic);
        }
    }

    fn rounds<'scope, 'env: 'scope>(&self, crew: &Crew<'scope, 'env>)
    where
        P: 'scope,
    {
        let probe = Probe { run: Arc::clone(&self.run), at: self.at + 1 };
        let mut worker = Worker::new(self.step.open(probe), S::Counts::default());
        loop {
            let mut out = Vec::new();
            let caught = panics::catch("pipeline", || self.round(crew, &mut worker, &mut out));
            self.settle(&mut worker, &out);
            match caught {
                Ok(true) => {}
                Ok(false) => break,
                Err(panic) => {
                    self.run.panicked(panic);
                    break;
                }
            }
        }
        self.step.abandon(&mut worker.state);
        self.publish(&mut worker);
    }

    /// One chunk from the source into the window. False: there is nothing more to do.
    fn round<'scope, 'env: 'scope>(
        &self,
        crew: &Crew<'scope, 'env>,
        worker: &mut Worker<P::Item, S::State, S::Counts>,
        out: &mut Vec<S::Out>,
    ) -> bool
    where
        P: 'scope,
    {
        let Some(number) = self.take(crew, worker) else { return false };
        self.work_on(number, worker, out)
    }

    /// Works on the chunk in hand and leaves it in the window. False: nobody takes it.
    pub(super) fn work_on(
        &self,
        number: u64,
        worker: &mut Worker<P::Item, S::State, S::Counts>,
        out: &mut Vec<S::Out>,
    ) -> bool {
        *out = self.window.blank();
        let start = stopwatch();
        let items = worker.chunk.len();
        let sampled = worker.rounds % SAMPLE_EVERY == 0;
        worker.rounds = worker.rounds.wrapping_add(1);
        let flow = self.process(worker, out, sampled);
        let took = start.elapsed();
        worker.busy += took;
        worker.per_item = took / u32::try_from(items.max(1)).unwrap_or(u32::MAX);
        worker.size = resize(worker.size, items, took.max(worker.read));
        if worker.rounds % SAMPLE_EVERY == 0 {
            self.publish(worker);
        }
        if flow.is_break() {
            return false;
        }
        let merge = self.merge_at();
        self.run.stages.all[merge].entered.fetch_add(out.len() as u64, Ordering::Relaxed);
        match self.window.put(number, std::mem::take(out)) {
            Ok(()) => true,
            Err(back) => {
                self.run.stages.all[merge].cancelled.fetch_add(back.len() as u64, Ordering::Relaxed);
                false
            }
        }
    }

    /// Pulls the next chunk, and its number.
    fn take<'scope, 'env: 'scope>(
        &self,
        crew: &Crew<'scope, 'env>,
        worker: &mut Worker<P::Item, S::State, S::Counts>,
    ) -> Option<u64>
    where
        P: 'scope,
    {
        let start = stopwatch();
        let mut intake = self.intake.lock();
        worker.waited_in += start.elapsed();
        let start = stopwatch();
        let number = intake.chunks;
        let room = self.run.wait(self.at, |cx| self.window.poll_room(number, cx)).unwrap_or(false);
        worker.waited_out += start.elapsed();
        if !room {
            return None;
        }
        self.read(&mut intake, Some(crew), worker)
    }

    /// The same once there is room. Without a crew, a source that wants threads gives nothing.
    pub(super) fn read<'scope, 'env: 'scope>(
        &self,
        intake: &mut Intake<P>,
        crew: Option<&Crew<'scope, 'env>>,
        worker: &mut Worker<P::Item, S::State, S::Counts>,
    ) -> Option<u64>
    where
        P: 'scope,
    {
        let number = intake.chunks;
        Run::waited();
        let start = stopwatch();
        let found = intake.pull(crew, worker, self.run.ctx_at(self.at));
        let read = start.elapsed();
        worker.waited_in += read;
        worker.read = read.saturating_sub(Run::waited());
        if intake.ended || intake.stopped {
            intake.source.publish();
            // Only an input that was read to its end has one. After a stop the consumer wakes by the run's context, and
            // must not take what there is for everything.
            if !intake.stopped {
                self.window.end(intake.chunks + u64::from(found));
            }
        } else if number.is_multiple_of(u64::from(SAMPLE_EVERY)) {
            // Whoever looks at the run sees the stages before this one move on.
            intake.source.publish();
        }
        if !found {
            return None;
        }
        let entered = worker.chunk.len() as u64;
        self.run.stages.all[self.at].entered.fetch_add(entered, Ordering::Relaxed);
        intake.chunks += 1;
        Some(intake.chunks - 1)
    }

    fn process(
        &self,
        worker: &mut Worker<P::Item, S::State, S::Counts>,
        out: &mut Vec<S::Out>,
        sampled: bool,
    ) -> Flow {
        let Worker { state, counts, chunk, .. } = worker;
        let mut burst = super::tally::Burst::of(counts);
        let mut items = Handed::new(chunk, &self.run.stages.all[self.at].cancelled);
        let mut out = Loan::of(out);
        let mut emit = |item| {
            gather::push(&mut out.value, item);
            Flow::Continue(())
        };
        if sampled && let Some(item) = items.next() {
            self.step.push::<true>(state, &mut burst.counts, item, &mut emit)?;
        }
        // A stage may take long for one item, so that the run's end is looked for within a chunk as well.
        items.each::<64>(self.run.ctx_at(self.at), &mut |item| {
            self.step.push::<false>(state, &mut burst.counts, item, &mut emit)
        })
    }

    /// Counts what is left of a chunk whose work ended early.
    pub(super) fn settle(&self, worker: &mut Worker<P::Item, S::State, S::Counts>, out: &[S::Out]) {
        if !out.is_empty() {
            let merge = &self.run.stages.all[self.merge_at()];
            merge.entered.fetch_add(out.len() as u64, Ordering::Relaxed);
            merge.cancelled.fetch_add(out.len() as u64, Ordering::Relaxed);
        }
        if !worker.chunk.is_empty() {
            // The source panicked behind these: they came in, and nobody will work on them.
            let unread = worker.chunk.len() as u64;
            let tally = &self.run.stages.all[self.at];
            tally.entered.fetch_add(unread, Ordering::Relaxed);
            tally.cancelled.fetch_add(unread, Ordering::Relaxed);
            worker.chunk.clear();
        }
    }

    pub(super) fn publish(&self, worker: &mut Worker<P::Item, S::State, S::Counts>) {
        let stages = &self.run.stages;
        worker.counts.publish(stages, self.at + S::STAGES);
        let tally = &stages.all[self.at];
        for (cell, time) in [
            (&tally.busy_ns, &mut worker.busy),
            (&tally.wait_in_ns, &mut worker.waited_in),
            (&tally.wait_out_ns, &mut worker.waited_out),
        ] {
            let time = std::mem::take(time);
            cell.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    pub(crate) fn merge_at(&self) -> usize {
        self.at + S::STAGES + 1
    }

    /// After an early stop: what the source and the window still hold is counted as cancelled.
    pub(crate) fn abandon(&self) {
        let left: usize = self.window.close().iter().map(Vec::len).sum();
        let merge = &self.run.stages.all[self.merge_at()];
        merge.cancelled.fetch_add(left as u64, Ordering::Relaxed);
        let mut intake = self.intake.lock();
        intake.stopped = true;
        intake.source.abandon();
        intake.source.publish();
    }
}

impl<P: Pull> Intake<P> {
    /// Whether nothing more will come.
    pub(super) fn is_over(&self) -> bool {
        self.ended || self.stopped
    }

    /// Fills the worker's chunk. False: nothing came.
    fn pull<'scope, 'env: 'scope, S, C>(
        &mut self,
        crew: Option<&Crew<'scope, 'env>>,
        worker: &mut Worker<P::Item, S, C>,
        ctx: &Context,
    ) -> bool
    where
        P: 'scope,
    {
        let chunk = &mut worker.chunk;
        while !self.ended && !self.stopped && chunk.is_empty() {
            if ctx.is_cancelled() {
                self.stopped = true;
                break;
            }
            let mut chunk = Loan::of(chunk);
            let mut emit = |item| {
                gather::push(&mut chunk.value, item);
                Flow::Continue(())
            };
            // If the source panics, it stays stopped: no other worker may ask it again.
            self.stopped = true;
            let pulled = self.source.pull::<false>(worker.size, &mut emit);
            self.stopped = false;
            match pulled {
                Pulled::More => {}
                Pulled::Help => match crew {
                    Some(crew) => self.source.hire(crew),
                    // It asks the next one again.
                    None => break,
                },
                Pulled::Stopped => self.stopped = true,
                Pulled::End => {
                    self.ended = true;
                    self.stopped = self.source.finish(&mut emit).is_break();
                }
            }
        }
        !chunk.is_empty()
    }
}

/// The next chunk's size, so that it takes about [`CHUNK`] to read or to work on, whichever is longer: while one is read,
/// nobody sees a cancellation, and nothing reaches the consumer.
fn resize(size: usize, items: usize, took: Duration) -> usize {
    // A chunk that came smaller than asked tells less about the size than about the source.
    if items * 2 < size && took < CHUNK {
        return size;
    }
    if took < CHUNK / 2 {
        (size * 2).min(LARGEST)
    } else if took > CHUNK * 2 {
        (size / 2).max(1)
    } else {
        size
    }
}

/// How fast the consumer is served; decides whether more workers pay.
#[derive(Debug)]
pub(crate) struct Growth {
    since: Instant,
    served: u64,
    rate: f64,
    settled: bool,
}

/// A rate is measured over at least this long before the next decision.
const PERIOD: Duration = Duration::from_millis(2);

impl Growth {
    pub(crate) fn new() -> Self {
        Self { since: stopwatch(), served: 0, rate: 0.0, settled: false }
    }

    /// Counts items served; true when the team should grow: the last growth paid by a tenth at least.
    pub(crate) fn pays(&mut self, items: usize) -> bool {
        self.served += items as u64;
        if self.settled {
            return false;
        }
        let now = stopwatch();
        let period = now.duration_since(self.since);
        if period < PERIOD {
            return false;
        }
        let rate = self.served as f64 / period.as_secs_f64();
        (self.since, self.served) = (now, 0);
        let better = rate > self.rate * 1.1;
        self.settled = !better;
        self.rate = rate;
        better
    }
}
