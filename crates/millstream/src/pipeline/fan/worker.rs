//! A branch's thread: its pipeline from beginning to end, and what its end means for the whole.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::branch::Cursor;
use super::merge::{Made, Mark, Merge, TAIL};
use super::queues::{BranchQueues, Dropped, Failed, Part};
use crate::Report;
use crate::context::Context;
use crate::error::{Error, Kind};
use crate::panics;
use crate::pipeline::counters::Counters;
use crate::pipeline::drive::{Ask, End, Outlet, drive};
use crate::pipeline::flow::{Pull, Pulled};
use crate::pipeline::gather;
use crate::pipeline::run::Run;
use crate::pipeline::step::Flow;
use crate::pipeline::terminal::MoveGuard;
use crate::pipeline::units::Units;
use crate::pipeline::waits::Side;

/// What the threads of a fan have in common.
#[derive(Debug)]
pub struct Fan<T, U> {
    pub(super) queues: Arc<BranchQueues<T>>,
    pub(super) merge: Merge<U>,
    pub(super) run: Arc<Run>,
    /// Its line in the report.
    pub(super) at: usize,
    /// Whether a result must name the part it came from.
    pub(super) in_order: bool,
    pub(super) marks: bool,
    pub(super) drops_failed: bool,
    /// Whether items are dealt to the branches; else they have sources of their own.
    pub(super) deals: bool,
    /// Whether it must be known what came of a part: the consumer wants a limited number of
    /// results.
    pub(super) counts: bool,
}

impl<T, U> Fan<T, U> {
    pub(super) fn counters(&self) -> &Counters {
        &self.run.stages.all[self.at]
    }

    pub(super) fn ctx(&self) -> &Context {
        self.run.ctx_at(self.at)
    }

    /// Counts what was dispatched, or would have been, and nobody takes.
    pub(super) fn refused(&self, items: usize, failed: bool) {
        let counters = self.counters();
        let cell = if failed { &counters.skipped } else { &counters.cancelled };
        cell.fetch_add(items as u64, Ordering::Relaxed);
    }

    /// Counts results that nobody takes; a batch counts as its items.
    pub(super) fn refused_results<'a, N: Units<U>>(&self, results: impl Iterator<Item = &'a U>)
    where
        U: 'a,
    {
        self.counters().cancelled.fetch_add(results.map(N::of).sum(), Ordering::Relaxed);
    }

    pub(super) fn refuse(&self, parts: Vec<Part<T>>, failed: bool) {
        self.refused(parts.iter().map(|part| part.items.len()).sum(), failed);
    }
}

/// One branch, ready to run.
pub(super) struct WorkerSlot<P> {
    pub(super) head: P,
    pub(super) run: Arc<Run>,
    pub(super) cursor: Arc<Cursor>,
    pub(super) branch: usize,
    /// Whether its pipeline wants threads from the start.
    pub(super) threads: bool,
}

/// Runs a branch to its end.
pub(super) fn live<T, P, N>(mut slot: WorkerSlot<P>, fan: &Arc<Fan<T, P::Item>>)
where
    P: Pull,
    N: Units<P::Item>,
{
    let (run, branch) = (Arc::clone(&slot.run), slot.branch);
    let caught = panics::catch("pipeline", || {
        let mut out = Out::<_, _, N>::new(&slot, Arc::clone(fan));
        let end = drive(&mut slot.head, &mut out, &run, slot.threads);
        let at = run.stages.all.len() - 1;
        run.stages.all[at].entered.store(out.taken, Ordering::Relaxed);
        drop(slot);
        end
    });
    let end = caught.unwrap_or_else(|panic| {
        run.panicked(panic);
        End::Stopped
    });
    conclude(&run, branch, end, fan);
}

/// Notifies the others that this branch has finished, and how; its numbers become part of the
/// whole's.
fn conclude<T, U>(run: &Arc<Run>, branch: usize, end: End, fan: &Arc<Fan<T, U>>) {
    let stops = fan.run.is_stopping() || fan.ctx().is_cancelled();
    let failure = run
        .outcome(end == End::Stopped)
        .filter(|kind| !(stops && matches!(kind, Kind::Cancelled(_))));
    let failed = failure.is_some();
    let Dropped { left, at } = fan.queues.drop_branch(branch, failed);
    fan.refuse(left, failed);
    let report = run.report();
    add_up(report, fan);
    if fan.deals && fan.queues.all_gone().is_some_and(|failed| failed != Failed::All) {
        // All have what they want, so what is before the fan has nothing more to do.
        fan.run.end_before(fan.at);
    }
    if let Some(kind) = failure {
        let error = Error::new(kind, run.report());
        let reason = format!("branch {branch}: {error}");
        fan.counters().error("branch", 1, || reason.clone());
        fan.run.branch_ended(fan.at, branch, reason);
        let all_failed = || fan.queues.all_gone() == Some(Failed::All);
        if !fan.drops_failed || all_failed() {
            fan.run.fail(fan.at, Box::new(BranchError { branch, error }));
        }
    }
    // Where the run stops, what comes behind the part is not to be taken for what comes next.
    let stops = fan.run.is_stopping() || fan.ctx().is_cancelled();
    fan.merge.end_branch(branch, at.filter(|_| !stops));
}

/// What became of items in the branch, in the whole's line.
fn add_up<T, U>(report: Report, fan: &Fan<T, U>) {
    let whole = fan.counters();
    if !fan.deals {
        let read = report.stages.first().map_or(0, |source| source.entered);
        whole.entered.fetch_add(read, Ordering::Relaxed);
    }
    for stage in &report.stages {
        for (cell, count) in [
            (&whole.made, stage.made.cast_unsigned()),
            (&whole.filtered, stage.filtered),
            (&whole.skipped, stage.skipped),
            (&whole.failed, stage.failed),
            (&whole.cancelled, stage.cancelled),
        ] {
            cell.fetch_add(count, Ordering::Relaxed);
        }
        let busy = u64::try_from(stage.busy.as_nanos()).unwrap_or(u64::MAX);
        whole.busy_ns.fetch_add(busy, Ordering::Relaxed);
    }
    for error in report.errors {
        whole.error(&error.kind, error.count, || error.sample);
    }
}

/// The error of a branch, as the source of the run's.
#[derive(Debug)]
struct BranchError {
    branch: usize,
    error: Error,
}

impl std::fmt::Display for BranchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "branch {}: {}", self.branch, self.error)
    }
}

impl std::error::Error for BranchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// A chunk holds about this many bytes of items.
const CHUNK_BYTES: usize = 32 * 1024;

/// How many items make a full chunk.
pub(super) fn full<T>() -> usize {
    (CHUNK_BYTES / size_of::<T>().max(1)).clamp(16, 8_192)
}

/// Where a branch's items go.
struct Out<T, U, N: Units<U>> {
    items: Vec<U>,
    post: Post<T, U>,
    taken: u64,
    units: PhantomData<N>,
}

struct Post<T, U> {
    fan: Arc<Fan<T, U>>,
    run: Arc<Run>,
    cursor: Arc<Cursor>,
    branch: usize,
    marks: Vec<Mark>,
    full: usize,
}

impl<T, U, N: Units<U>> Out<T, U, N> {
    fn new<P>(slot: &WorkerSlot<P>, fan: Arc<Fan<T, U>>) -> Self {
        let post = Post {
            fan,
            run: Arc::clone(&slot.run),
            cursor: Arc::clone(&slot.cursor),
            branch: slot.branch,
            marks: Vec::new(),
            full: full::<U>(),
        };
        Self { items: Vec::new(), post, taken: 0, units: PhantomData }
    }
}

impl<T, U> Post<T, U> {
    #[inline(always)]
    fn mark(&mut self) {
        if self.fan.counts {
            // Written and read by the branch's own thread.
            let results = self.cursor.results.load(Ordering::Relaxed);
            self.cursor.results.store(results + 1, Ordering::Relaxed);
        }
        if !self.fan.marks {
            return;
        }
        let place = self.cursor.place.load(Ordering::Relaxed);
        match self.marks.last_mut() {
            Some(mark) if mark.place == place => mark.count += 1,
            _ => self.marks.push(Mark { place, count: 1 }),
        }
    }

    /// Hands over what was made; `last`: nothing more comes of the part.
    #[cold]
    #[inline(never)]
    fn send<N: Units<U>>(&mut self, items: Vec<U>, last: bool) -> Flow {
        let number = if self.fan.in_order { self.cursor.number.load(Ordering::Relaxed) } else { 0 };
        let covers = if last { self.cursor.covers.load(Ordering::Relaxed) } else { 0 };
        let made = Made { number, items, marks: std::mem::take(&mut self.marks), covers };
        let at = self.run.stages.all.len() - 1;
        let room =
            self.run.wait(at, Side::Out, |cx| self.fan.merge.poll_room(self.branch, number, cx));
        let more = self.fan.queues.has_more(self.branch);
        let refused = if room == Some(true) {
            self.fan.merge.put(self.branch, made, more).err()
        } else {
            Some(made)
        };
        let Some(made) = refused else { return Flow::Continue(()) };
        self.fan.refused_results::<N>(made.items.iter());
        Flow::Break(())
    }
}

impl<T, U, N: Units<U>> Outlet<U> for Out<T, U, N> {
    fn take(&mut self, item: U) -> Flow {
        self.post.mark();
        self.taken += N::of(&item);
        self.items.push(item);
        if self.items.len() < self.post.full {
            return Flow::Continue(());
        }
        self.post.send::<N>(std::mem::take(&mut self.items), false)
    }

    #[inline(always)]
    fn burst<A: Ask<U>>(&mut self, ask: A) -> Pulled {
        let Self { items, post, taken, .. } = self;
        let (mut items, mut taken) = (MoveGuard::of(items), MoveGuard::of(taken));
        ask.pull(&mut |item| {
            post.mark();
            *taken.value += N::of(&item);
            gather::push(&mut items.value, item);
            if items.value.len() < post.full {
                return Flow::Continue(());
            }
            post.send::<N>(std::mem::take(&mut *items.value), false)
        })
    }

    fn pause(&mut self, _ready: bool) -> Flow {
        let is_tail = self.post.cursor.number.load(Ordering::Relaxed) == TAIL;
        let last = self.post.fan.in_order
            && !is_tail
            && self.post.cursor.done.swap(false, Ordering::Relaxed);
        if self.items.is_empty() && !last {
            return Flow::Continue(());
        }
        self.post.send::<N>(std::mem::take(&mut self.items), last)
    }
}

impl<T, U, N: Units<U>> Drop for Out<T, U, N> {
    fn drop(&mut self) {
        // What was made and not handed over, because the branch stops.
        self.post.fan.refused_results::<N>(self.items.iter());
    }
}
