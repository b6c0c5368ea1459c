//! The threads of a `parallel` stage at work: each takes items from the source, works on them,
//! leaves results in the window.
//!
//! There is no thread that only reads: a worker without items takes the source's lock and pulls
//! some, with their numbers. So numbers are in the order of the input, and work on different items
//! overlaps. What a worker has pulled and not started can be taken by another one, so that nobody
//! is idle while there is an item to start:
//!
//! - A worker waits for the source, or for room, only after it saw that no worker has such an item.
//!   It holds `intake` meanwhile, so that none can come.
//! - A worker that waits for `intake` does so behind one that reads, or waits as above.
//!
//! Lock order: `intake`, then `locals`, then a worker's [`Local`], then the window's own lock.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::chunk_drain::ChunkDrain;
use super::cost::{Cost, LARGEST, nanos};
use super::counters::{Burst, ChainCounts};
use super::flow::{Pull, Pulled, RunScope};
use super::gather;
use super::local::Local;
use super::probe::Probe;
use super::run::Run;
use super::staff::Staff;
use super::step::{Flow, Step};
use super::terminal::MoveGuard;
use super::waits::Side;
use super::window::{Ahead, Piece, Window};
use crate::clock::stopwatch;
use crate::clock::ticks::{Burst as Time, Ticks};
use crate::context::Context;
use crate::panics;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// One item in this number of chunks is timed stage by stage, and counts are published that often.
const SAMPLE_EVERY: u32 = 16;
/// Results leave that often if items are not slow.
const LEAVE_EVERY: Duration = Duration::from_micros(50);
/// Items for each worker that may be ahead of the consumer, where the user said nothing else:
/// enough for the others to go on while one is at an item that takes hundreds of times as long.
const AHEAD: usize = 256;
/// The number of chunks that a worker processes while the consumer, which is woken late, takes
/// nothing.
const SLEEPS: usize = 20;

/// What the workers of one stage share.
pub(crate) struct Team<P: Pull, S: Step<P::Item>> {
    pub(super) intake: Mutex<Intake<P>>,
    /// What each worker has taken and not started. The lock is held while one takes items of
    /// another, so that a thread that holds it sees every item that is not started.
    locals: Mutex<Vec<Arc<Local<P::Item, S::Out>>>>,
    /// How many workers took several items at once and may have some that they did not start: a
    /// hint.
    holders: AtomicUsize,
    /// The input has been read. What is left is in local queues, and each item of it counts.
    is_read: AtomicBool,
    pub(super) staff: Staff,
    pub(crate) window: Window<S::Out>,
    pub(super) step: S,
    pub(super) run: Arc<Run>,
    /// What stops it: the run's context, or that of the part before the next `take`.
    ctx: Context,
    pub(super) cost: Cost,
    bounds: Bounds,
    /// Workers look around at least that often.
    _ticks: Ticks,
    /// The index of the stage's first line in the report, "parallel"; its steps follow, then
    /// "merge".
    pub(super) at: usize,
}

/// How much a stage may have under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Workers that there may be.
    pub(crate) workers: usize,
    /// Whether their number changes.
    pub(crate) grows: bool,
    /// Items that may be ahead of the consumer, if the user said how many.
    pub(crate) buffer: Option<usize>,
}

impl Bounds {
    /// How many items of such chunks may be ahead of the consumer.
    fn room(self, chunk: usize) -> u64 {
        let workers = self.workers as u64;
        let chunks = workers.saturating_mul(2).saturating_add(2);
        match self.buffer {
            Some(buffer) => buffer.max(1) as u64,
            None => {
                let while_it_sleeps = workers.saturating_mul(
                    chunk.saturating_mul(SLEEPS).clamp(AHEAD, LARGEST.max(AHEAD)) as u64,
                );
                while_it_sleeps.max(chunks.saturating_mul(chunk as u64))
            }
        }
    }

    /// The largest chunk that leaves enough for the others.
    fn largest(self) -> usize {
        self.buffer.map_or(LARGEST, |buffer| {
            (buffer / self.workers.saturating_mul(2).max(1)).clamp(1, LARGEST)
        })
    }
}

impl<P: Pull, S: Step<P::Item>> std::fmt::Debug for Team<P, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Team").field("at", &self.at).finish_non_exhaustive()
    }
}

pub(super) struct Intake<P> {
    pub(super) source: P,
    /// Items read.
    pub(super) items: u64,
    reads: u32,
    /// How long an item took to read, of late.
    read_ns: u64,
    ended: bool,
    stopped: bool,
}

/// One worker's own things.
pub(crate) struct Worker<In, Out, S, C> {
    pub(super) state: S,
    counts: C,
    local: Arc<Local<In, Out>>,
    /// Items on their way from the source to the local queue.
    chunk: Vec<In>,
    /// Items that it is about to start, and what came of those that it started since the last
    /// claim.
    claimed: Vec<In>,
    results: Vec<Out>,
    /// Whether the next item is timed stage by stage.
    samples: bool,
    /// Whether it is counted among the holders.
    holds: bool,
    rounds: u32,
    busy: Duration,
    waited_in: Duration,
    waited_out: Duration,
}

/// A worker of a team.
pub(super) type Member<P, S> = Worker<
    <P as Pull>::Item,
    <S as Step<<P as Pull>::Item>>::Out,
    <S as Step<<P as Pull>::Item>>::State,
    <S as Step<<P as Pull>::Item>>::Counts,
>;

impl<P: Pull, S: Step<P::Item>> Team<P, S> {
    pub(crate) fn new(
        source: P,
        step: S,
        run: Arc<Run>,
        at: usize,
        bounds: Bounds,
        ordered: bool,
    ) -> Self {
        let intake =
            Intake { source, items: 0, reads: 0, read_ns: 0, ended: false, stopped: false };
        let window = Window::late(ordered);
        let merge = at + S::STAGES + 1;
        if let Some(wanted) = run.wanted_of(merge) {
            window.want(wanted, bounds.workers as u64);
        }
        Self {
            intake: Mutex::new(intake),
            locals: Mutex::new(Vec::new()),
            holders: AtomicUsize::new(0),
            is_read: AtomicBool::new(false),
            staff: Staff::new(bounds.grows),
            window,
            step,
            ctx: run.ctx_at(at).clone(),
            run,
            cost: Cost::default(),
            bounds,
            _ticks: Ticks::start(),
            at,
        }
    }

    /// A new worker, known to the others.
    pub(super) fn join(&self, state: S::State, counts: S::Counts) -> Member<P, S> {
        let local = Arc::new(Local::new(self.bounds.workers));
        self.locals.lock().push(Arc::clone(&local));
        Worker {
            state,
            counts,
            local,
            chunk: Vec::new(),
            claimed: Vec::new(),
            results: Vec::new(),
            samples: true,
            holds: false,
            rounds: 0,
            busy: Duration::ZERO,
            waited_in: Duration::ZERO,
            waited_out: Duration::ZERO,
        }
    }

    /// A worker goes. What it has not started counts as cancelled.
    pub(super) fn leave(&self, worker: &mut Member<P, S>) {
        self.window.nudge();
        self.locals.lock().retain(|local| !Arc::ptr_eq(local, &worker.local));
        let counters = &self.run.stages.all[self.at];
        // The source panicked behind these: they came in, and nobody will work on them.
        let unread = std::mem::take(&mut worker.chunk);
        counters.entered.fetch_add(unread.len() as u64, RELAXED);
        let rest = (worker.local.give_up(), std::mem::take(&mut worker.claimed));
        let lost = unread.len() + rest.0.len() + rest.1.len();
        counters.cancelled.fetch_add(lost as u64, RELAXED);
        drop((unread, rest));
        // What is done and nobody took: the run stops.
        let done = std::mem::take(&mut worker.results);
        self.cancel_results(done);
        self.cancel_results(worker.local.take_done(Vec::new()).results);
        self.let_go(worker);
        self.step.abandon(&mut worker.state);
        self.publish(worker);
    }

    /// One worker's life: until the input ends or the run stops. Whatever panics in it, the run
    /// hears of it.
    pub(crate) fn work<'scope, 'env: 'scope>(&self, scope: &RunScope<'scope, 'env>)
    where
        P: 'scope,
    {
        let _present = self.staff.started();
        if let Err(panic) = panics::catch("pipeline", || self.rounds(scope)) {
            self.run.panicked(panic);
        }
        if self.bounds.grows {
            for at in self.at..=self.merge_at() {
                self.run.stages.all[at].workers_now.fetch_sub(1, RELAXED);
            }
        }
    }

    fn rounds<'scope, 'env: 'scope>(&self, scope: &RunScope<'scope, 'env>)
    where
        P: 'scope,
    {
        let probe = Probe { run: Arc::clone(&self.run), at: self.at + 1 };
        let mut worker = self.join(self.step.open(probe), S::Counts::default());
        let caught = panics::catch("pipeline", || {
            while !self.staff.is_surplus() && self.round(scope, &mut worker) {}
        });
        if let Err(panic) = caught {
            self.run.panicked(panic);
        }
        // A destructor of what is left may panic too.
        if let Err(panic) = panics::catch("pipeline", || self.leave(&mut worker)) {
            self.run.panicked(panic);
        }
    }

    /// Takes some items and works on them. False: there is nothing more to do.
    fn round<'scope, 'env: 'scope>(
        &self,
        scope: &RunScope<'scope, 'env>,
        worker: &mut Member<P, S>,
    ) -> bool
    where
        P: 'scope,
    {
        let idle = self.staff.idle();
        let found = self.take(scope, worker);
        drop(idle);
        found && self.work_off(worker)
    }

    /// Items that a further worker could start at once: all of an input that goes on, or what
    /// workers have not started.
    pub(super) fn startable(&self) -> usize {
        if self.staff.has_idle() {
            return 0;
        }
        match self.intake.try_lock() {
            Some(intake) if !intake.is_finished() => {
                if self.window.room(self.ahead(&intake)) > 0 {
                    usize::MAX
                } else {
                    self.not_started()
                }
            }
            _ => self.not_started(),
        }
    }

    /// Whether nothing is left to be started.
    pub(super) fn is_done(&self) -> bool {
        self.intake.try_lock().is_some_and(|intake| intake.is_finished()) && self.not_started() == 0
    }

    fn not_started(&self) -> usize {
        self.locals.lock().iter().map(|local| local.len()).sum()
    }

    /// Finds items for a worker that has none. False: there are none, and will be none.
    fn take<'scope, 'env: 'scope>(
        &self,
        scope: &RunScope<'scope, 'env>,
        worker: &mut Member<P, S>,
    ) -> bool
    where
        P: 'scope,
    {
        // Where several items are taken at once, those of others are best left to them: they are
        // done with them soon.
        let single = self.cost.is_single();
        if single && self.take_over(worker) {
            return true;
        }
        let start = stopwatch();
        let mut intake = match self.intake.try_lock() {
            Some(intake) => intake,
            None if !single && self.take_over(worker) => return true,
            None => {
                self.window.nudge();
                let _waits = self.run.stages.all[self.at].open_in.begin();
                self.intake.lock()
            }
        };
        worker.waited_in += start.elapsed();
        if intake.is_finished() {
            drop(intake);
            return self.take_over(worker);
        }
        let ahead = self.ahead(&intake);
        let would_wait = self.window.room(ahead) == 0 || !intake.source.ready();
        // Nothing is read while this worker holds the intake: once it has seen that there is
        // nothing, it may wait.
        if (single || would_wait) && self.take_over(worker) {
            return true;
        }
        if would_wait {
            self.window.nudge();
        }
        let start = stopwatch();
        let room =
            self.run.wait(self.at, Side::Out, |cx| self.window.poll_room(ahead, cx)).flatten();
        worker.waited_out += start.elapsed();
        if room.is_some_and(|room| self.read(&mut intake, Some(scope), worker, room)) {
            return true;
        }
        drop(intake);
        // The input has finished, but other workers may have items of it that they have not
        // started.
        self.take_over(worker)
    }

    /// How many items the next chunk should have, and how far ahead of the consumer it may be.
    pub(super) fn ahead(&self, intake: &Intake<P>) -> Ahead {
        let chunk = self.cost.chunk(intake.read_ns).min(self.bounds.largest());
        let room = self.bounds.room(chunk);
        self.run.stages.all[self.merge_at()].bound.store(room, RELAXED);
        Ahead { next: intake.items, count: chunk as u64, room }
    }

    /// Takes over half of what another worker has not started, of the one that has most. False:
    /// nobody has anything.
    pub(super) fn take_over(&self, worker: &mut Member<P, S>) -> bool {
        // Acquire: a worker that put items into its local queue counted itself before, see `give`.
        if self.holders.load(Ordering::Acquire) == 0 {
            return false;
        }
        let locals = self.locals.lock();
        let own = Arc::as_ptr(&worker.local);
        let others = || locals.iter().filter(|local| Arc::as_ptr(local) != own);
        // Before they leave the other: at no moment may items be in sight of nobody.
        self.hold(worker);
        // Its own worker may start the last item of the one that has most, while another one has
        // some, too.
        while let Some((1.., other)) =
            others().map(|local| (local.len(), local)).max_by_key(|(items, _)| *items)
        {
            if let Some((start, items)) = other.split() {
                worker.local.fill(start, items);
                return true;
            }
        }
        self.let_go(worker);
        false
    }

    fn hold(&self, worker: &mut Member<P, S>) {
        if !std::mem::replace(&mut worker.holds, true) {
            // Release: a worker that sees the count looks at the local queues, whose locks order
            // the rest.
            self.holders.fetch_add(1, Ordering::Release);
        }
    }

    fn let_go(&self, worker: &mut Member<P, S>) {
        if std::mem::take(&mut worker.holds) {
            self.holders.fetch_sub(1, Ordering::Release);
        }
    }

    /// Pulls up to `count` items of the source into the worker's local queue. Without a scope, a
    /// source that wants threads gives nothing.
    pub(super) fn read<'scope, 'env: 'scope>(
        &self,
        intake: &mut Intake<P>,
        scope: Option<&RunScope<'scope, 'env>>,
        worker: &mut Member<P, S>,
        count: u64,
    ) -> bool
    where
        P: 'scope,
    {
        Run::waited();
        let start = stopwatch();
        let count = usize::try_from(count).unwrap_or(LARGEST);
        worker.chunk.reserve(count);
        let waits = self.run.stages.all[self.at].open_in.begin();
        let items = intake.pull(scope, &mut worker.chunk, count, &self.ctx);
        drop(waits);
        let read = start.elapsed();
        worker.waited_in += read;
        intake.read_ns = nanos(read.saturating_sub(Run::waited())) / items.max(1);
        let first = intake.items;
        intake.items += items;
        if intake.ended || intake.stopped {
            self.is_read.store(true, RELAXED);
            intake.source.publish();
            // Only an input that was read to its end has one. After a stop the consumer wakes by
            // the run's context, and must not take what there is for everything.
            if !intake.stopped {
                self.window.end(intake.items);
            }
        } else if intake.reads.is_multiple_of(SAMPLE_EVERY) || self.cost.is_slow() {
            // A view of the run sees the stages before this one move on.
            intake.source.publish();
        }
        intake.reads = intake.reads.wrapping_add(1);
        self.run.stages.all[self.at].entered.fetch_add(items, RELAXED);
        if items > 1 {
            self.hold(worker);
        }
        worker.local.fill(first, std::mem::take(&mut worker.chunk));
        items > 0
    }

    /// Works on the items in the worker's local queue until none is left, and leaves the results in
    /// the window. False: the run stops.
    pub(super) fn work_off(&self, worker: &mut Member<P, S>) -> bool {
        let start = stopwatch();
        let mut clock = Clock { read: start, left: start, items: 0, claims: 0 };
        let mut covered = 0;
        let mut due = false;
        let flow = loop {
            let (group, look) = self.cost.steps();
            // From now on workers run out of items: none may be claimed that is not started at
            // once.
            let group = if self.is_read.load(RELAXED) { 1 } else { group };
            worker.local.claim(group, covered, &mut worker.results, &mut worker.claimed);
            let claimed = worker.claimed.len() as u64;
            if due {
                if !self.hand_in(&worker.local) {
                    break false;
                }
                clock.left();
            }
            if claimed == 0 {
                break true;
            }
            if self.ctx.is_cancelled() || self.process(worker).is_break() {
                break false;
            }
            covered = claimed - worker.claimed.len() as u64;
            due = clock.tick(covered, look) && clock.note(&self.cost);
        };
        if clock.items > 0 {
            clock.note(&self.cost);
        }
        worker.busy += start.elapsed();
        worker.rounds = worker.rounds.wrapping_add(1);
        worker.samples = worker.rounds.is_multiple_of(SAMPLE_EVERY);
        let in_time = flow && self.hand_in(&worker.local);
        self.let_go(worker);
        if worker.rounds.is_multiple_of(SAMPLE_EVERY) || self.cost.is_slow() {
            self.publish(worker);
        }
        in_time
    }

    /// Leaves what is done in the window. False: nobody takes it.
    fn hand_in(&self, local: &Local<P::Item, S::Out>) -> bool {
        let piece = local.take_done(self.window.blank());
        piece.covers == 0 || self.put(piece)
    }

    fn put(&self, piece: Piece<S::Out>) -> bool {
        let merge = &self.run.stages.all[self.merge_at()];
        merge.entered.fetch_add(piece.results.len() as u64, RELAXED);
        match self.window.put(piece) {
            Ok(()) => true,
            Err(back) => {
                merge.cancelled.fetch_add(back.results.len() as u64, RELAXED);
                false
            }
        }
    }

    /// Puts what workers have done, and not left because they are still inside of an item, into the
    /// window.
    #[cold]
    pub(crate) fn collect(&self) {
        let locals = self.locals.lock().clone();
        for local in locals {
            if local.done_from().is_some_and(|start| self.window.is_next(start)) {
                self.hand_in(&local);
            }
        }
    }

    /// Works on the claimed items; those that are left after a while stay claimed, to be given
    /// back.
    fn process(&self, worker: &mut Member<P, S>) -> Flow {
        let sampled = std::mem::take(&mut worker.samples) || self.cost.is_slow();
        let Worker { state, counts, claimed, results, .. } = worker;
        let mut burst = Burst::of(counts);
        let mut items = ChunkDrain::new(claimed, &self.run.stages.all[self.at].cancelled);
        let mut results = MoveGuard::of(results);
        let mut emit = |item| {
            gather::push(&mut results.value, item);
            Flow::Continue(())
        };
        if sampled && let Some(item) = items.next() {
            self.step.push::<true>(state, &mut burst.counts, item, &mut emit)?;
        }
        let time = Time::of(items.len());
        items.each_for::<1>(time, &mut |item| {
            self.step.push::<false>(state, &mut burst.counts, item, &mut emit)
        })?;
        // They took long. The others of them are for idle workers.
        let rest = items.rest();
        drop(items);
        *claimed = rest;
        Flow::Continue(())
    }

    fn cancel_results(&self, results: Vec<S::Out>) {
        if !results.is_empty() {
            let merge = &self.run.stages.all[self.merge_at()];
            merge.entered.fetch_add(results.len() as u64, RELAXED);
            merge.cancelled.fetch_add(results.len() as u64, RELAXED);
        }
    }

    pub(super) fn publish(&self, worker: &mut Member<P, S>) {
        let stages = &self.run.stages;
        worker.counts.publish(stages, self.at + S::STAGES);
        let counters = &stages.all[self.at];
        for (cell, time) in [
            (&counters.busy_ns, &mut worker.busy),
            (&counters.wait_in_ns, &mut worker.waited_in),
            (&counters.wait_out_ns, &mut worker.waited_out),
        ] {
            cell.fetch_add(nanos(std::mem::take(time)), RELAXED);
        }
    }

    pub(crate) fn merge_at(&self) -> usize {
        self.at + S::STAGES + 1
    }

    /// After an early stop: what the source and the window still hold is counted as cancelled.
    pub(crate) fn abandon(&self) {
        let left: usize = self.window.close().iter().map(Vec::len).sum();
        let merge = &self.run.stages.all[self.merge_at()];
        merge.cancelled.fetch_add(left as u64, RELAXED);
        let mut intake = self.intake.lock();
        intake.stopped = true;
        intake.source.abandon();
        intake.source.publish();
    }
}

/// Of the counters, which are statistics.
const RELAXED: std::sync::atomic::Ordering = std::sync::atomic::Ordering::Relaxed;

/// When a worker looked at the time, and what it did since.
struct Clock {
    read: Instant,
    /// When results left last.
    left: Instant,
    items: u64,
    claims: u64,
}

impl Clock {
    /// Counts items that were worked on. Whether the time should be looked at.
    fn tick(&mut self, items: u64, look: u64) -> bool {
        self.items += items;
        self.claims += 1;
        self.claims >= look
    }

    /// Looks at the time. Whether results should leave now.
    fn note(&mut self, cost: &Cost) -> bool {
        let now = stopwatch();
        cost.note(self.items, now.duration_since(self.read));
        (self.read, self.items, self.claims) = (now, 0, 0);
        cfg!(loom) || now.duration_since(self.left) >= LEAVE_EVERY
    }

    /// Results have left. That wakes a thread, which may take this one's core: no part of what an
    /// item costs.
    fn left(&mut self) {
        self.read = stopwatch();
        self.left = self.read;
    }
}

impl<P: Pull> Intake<P> {
    /// Whether nothing more will come.
    pub(super) fn is_finished(&self) -> bool {
        self.ended || self.stopped
    }

    /// Pulls up to `count` items into `chunk`; how many came. None: the input has finished.
    fn pull<'scope, 'env: 'scope>(
        &mut self,
        scope: Option<&RunScope<'scope, 'env>>,
        chunk: &mut Vec<P::Item>,
        count: usize,
        ctx: &Context,
    ) -> u64
    where
        P: 'scope,
    {
        while !self.ended && !self.stopped && chunk.is_empty() {
            if ctx.is_cancelled() {
                self.stopped = true;
                break;
            }
            let mut chunk = MoveGuard::of(chunk);
            let mut emit = |item| {
                gather::push(&mut chunk.value, item);
                Flow::Continue(())
            };
            // If the source panics, it stays stopped: no other worker may ask it again.
            self.stopped = true;
            let pulled = self.source.pull::<false>(count, &mut emit);
            self.stopped = false;
            match pulled {
                Pulled::More => {}
                Pulled::NeedThreads => match scope {
                    Some(scope) => self.source.spawn_workers(scope),
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
        chunk.len() as u64
    }
}
