//! Where a branch begins: the source of its items.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::merge::TAIL;
use super::queues::{BranchQueues, Take};
use crate::clock::stopwatch;
use crate::clock::ticks::Burst as Time;
use crate::pipeline::chunk_drain::{ChunkDrain, STRIDE};
use crate::pipeline::cost::Cost;
use crate::pipeline::flow::{Pull, Pulled, Stepped, Stream};
use crate::pipeline::probe::Probe;
use crate::pipeline::run::Run;
use crate::pipeline::step::{Flow, Leaf};
use crate::pipeline::waits::Side;

/// Where in the input the branch is: written by its beginning, read by its end. Both are on one
/// thread where it counts, in a branch without boundaries; so no ordering is needed.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    /// The chunk.
    pub(super) number: AtomicU64,
    /// The place of the item in it.
    pub(super) place: AtomicU32,
    /// Whether all items of the part have been handed on.
    pub(super) done: AtomicBool,
    /// How many numbers the part covers, then.
    pub(super) covers: AtomicU64,
    /// How many results came of it so far.
    pub(super) results: AtomicU64,
}

/// The beginning of a branch: what [`Pipeline::fan_out`](crate::Pipeline::fan_out) deals to it.
pub struct Branch<T> {
    pub(super) queues: Arc<BranchQueues<T>>,
    pub(super) cursor: Arc<Cursor>,
    pub(super) number: usize,
}

impl<T> fmt::Debug for Branch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Branch").field("number", &self.number).finish_non_exhaustive()
    }
}

impl<T: Send> Stream for Branch<T> {
    type Item = T;
    type Running = BranchPull<T>;
    type With<N: Leaf<T>> = Stepped<Self, N>;
    const STAGES: usize = 1;
    const THREADS: bool = false;
    // A branch is stopped by itself, so its run has a context of its own.
    const BOUNDARY: bool = false;

    fn then<N: Leaf<T>>(self, step: N) -> Stepped<Self, N> {
        Stepped(self, step)
    }

    fn names(&self, names: &mut Vec<&'static str>) {
        names.push("branch");
    }

    fn open(self, run: &Arc<Run>) -> BranchPull<T> {
        BranchPull {
            queues: self.queues,
            cursor: self.cursor,
            branch: self.number,
            claimed: Vec::new(),
            places: Vec::new(),
            part: None,
            handed: 0,
            read: 0,
            probe: Probe { run: Arc::clone(run), at: 0 },
        }
    }
}

/// The clock is read after this number of items, where they are not known to be slow.
const LOOK_EVERY: u64 = 64;
/// Results leave that often.
const LEAVE_EVERY: Duration = Duration::from_millis(1);

/// The running beginning of a branch.
pub struct BranchPull<T> {
    queues: Arc<BranchQueues<T>>,
    cursor: Arc<Cursor>,
    branch: usize,
    /// Items that are about to be started.
    claimed: Vec<T>,
    /// Where the items of the part were in their chunk; empty when nobody asks.
    places: Vec<u32>,
    part: Option<Working>,
    /// Items of the last pull.
    handed: usize,
    read: u64,
    probe: Probe,
}

/// The part that is worked on.
struct Working {
    /// How many of its items were started.
    started: usize,
    /// When the time was looked at, and how many items ago.
    looked: Instant,
    items: u64,
}

impl<T> fmt::Debug for BranchPull<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BranchPull").field("branch", &self.branch).finish_non_exhaustive()
    }
}

impl<T: Send> BranchPull<T> {
    /// Waits for the next part.
    fn take(&mut self) -> Pulled {
        match self.probe.run.wait(0, Side::In, |cx| self.queues.poll_take(self.branch, cx)) {
            None | Some(Take::Closed) => Pulled::Stopped,
            Some(Take::End) => {
                self.cursor.number.store(TAIL, Ordering::Relaxed);
                Pulled::End
            }
            Some(Take::Part { number, places }) => {
                self.cursor.number.store(number, Ordering::Relaxed);
                self.cursor.done.store(false, Ordering::Relaxed);
                self.cursor.results.store(0, Ordering::Relaxed);
                self.places = places;
                let looked = stopwatch();
                self.part = Some(Working { started: 0, looked, items: 0 });
                Pulled::More
            }
        }
    }

    /// Hands the claimed items on.
    #[inline(always)]
    fn hand_on(&mut self, emit: &mut impl FnMut(T) -> Flow) -> Flow {
        let Self { claimed, places, part, cursor, probe, read, .. } = self;
        let mut place = part.as_ref().map_or(0, |part| part.started - claimed.len());
        let mut items = ChunkDrain::new(claimed, &probe.counters().cancelled);
        // Those that nobody takes came in as well.
        let came = items.len() as u64;
        *read += came;
        items.each_for::<STRIDE>(Time::of(items.len()), &mut |item| {
            let there = places.get(place).copied().unwrap_or(place as u32);
            cursor.place.store(there, Ordering::Relaxed);
            place += 1;
            emit(item)
        })?;
        let rest = items.rest();
        drop(items);
        *read -= rest.len() as u64;
        *claimed = rest;
        if probe.run.ctx_at(0).is_cancelled() { Flow::Break(()) } else { Flow::Continue(()) }
    }

    /// Claims up to `most` items of the part. False: none is left, so it is done.
    fn claim(&mut self, most: usize) -> bool {
        let group = self.queues.group().min(most);
        let given_back = self.claimed.len();
        self.queues.local(self.branch).claim(group, 0, &mut Vec::new(), &mut self.claimed);
        // Also those that will not be handed on, because one before them panics: the part is theirs
        // as well.
        self.part
            .iter_mut()
            .for_each(|part| part.started = part.started - given_back + self.claimed.len());
        !self.claimed.is_empty()
    }

    /// The part is done, and so are what others have not taken of it.
    fn part_is_done(&mut self) {
        let Some(part) = self.part.take() else { return };
        if part.items > 0 {
            self.queues.cost.note(part.items, part.looked.elapsed());
        }
        let started = part.started as u64;
        let covers = if self.queues.is_shared() { started } else { 1 };
        self.cursor.covers.store(covers, Ordering::Relaxed);
        self.cursor.done.store(true, Ordering::Relaxed);
        if self.queues.is_shared() {
            self.queues.covers(self.branch, covers);
            let results = self.cursor.results.load(Ordering::Relaxed);
            self.queues.gave(results, started.saturating_sub(results));
        }
    }
}

impl Working {
    /// Counts items that were worked on. Whether what came of them should leave now.
    fn is_due(&mut self, items: usize, since: Instant, cost: &Cost) -> bool {
        self.items += items as u64;
        if self.items < LOOK_EVERY && !cost.is_slow() {
            return false;
        }
        let now = stopwatch();
        cost.note(self.items, now.duration_since(self.looked));
        (self.looked, self.items) = (now, 0);
        cost.is_slow() || now.duration_since(since) >= LEAVE_EVERY
    }
}

impl<T: Send> Pull for BranchPull<T> {
    type Item = T;

    /// Hands a part on, or as much of it as takes a while: results leave between two pulls.
    #[inline(always)]
    fn pull<const TIMED: bool>(&mut self, max: usize, emit: &mut impl FnMut(T) -> Flow) -> Pulled {
        if self.part.is_none() {
            let taken = self.take();
            if taken != Pulled::More {
                return taken;
            }
        }
        // One item is timed by itself.
        let most = if TIMED && max == 1 { 1 } else { usize::MAX };
        let since = stopwatch();
        self.handed = 0;
        while self.claim(most) {
            let claimed = self.claimed.len();
            let flow = self.hand_on(emit);
            let count = claimed - self.claimed.len();
            self.handed += count;
            let Some(part) = &mut self.part else { break };
            let due = part.is_due(count, since, &self.queues.cost);
            if flow.is_break() {
                return Pulled::Stopped;
            }
            if due || most == 1 {
                break;
            }
        }
        if self.claimed.is_empty() && self.queues.local(self.branch).len() == 0 {
            self.part_is_done();
        }
        Pulled::More
    }

    fn chunk(&self) -> Option<usize> {
        Some(self.handed)
    }

    fn ready(&self) -> bool {
        self.part.is_some() || self.queues.has_next(self.branch)
    }

    fn abandon(&mut self) {
        let rest = self.queues.local(self.branch).give_up();
        if let Some(part) = self.part.take()
            && self.queues.is_shared()
        {
            self.queues.covers(self.branch, (part.started + rest.len()) as u64);
        }
        let left = (rest.len() + std::mem::take(&mut self.claimed).len()) as u64;
        self.read += left;
        self.probe.counters().cancelled.fetch_add(left, Ordering::Relaxed);
    }

    fn publish(&mut self) {
        self.probe.counters().entered.fetch_add(std::mem::take(&mut self.read), Ordering::Relaxed);
    }
}
