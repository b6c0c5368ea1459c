//! Where a branch begins: the source of its items.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Instant;
use std::vec::IntoIter;

use super::dealt::{Dealt, Take};
use super::merge::TAIL;
use crate::clock::stopwatch;
use crate::pipeline::flow::{Crew, Pull, Pulled, Stepped, Stream};
use crate::pipeline::probe::Probe;
use crate::pipeline::run::Run;
use crate::pipeline::step::{Flow, Leaf};
use crate::pipeline::terminal::Loan;
use crate::pipeline::thread::LOOK_EVERY;

/// Where in the input the branch is: written by its beginning, read by its end. Both are on one thread where it counts, in
/// a branch without boundaries; so no ordering is needed.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    /// The chunk.
    pub(super) number: AtomicU64,
    /// The place of the item in it.
    pub(super) place: AtomicU32,
    /// Whether all items of the part have been handed on.
    pub(super) done: AtomicBool,
}

/// The beginning of a branch: what [`Pipeline::fan_out`](crate::Pipeline::fan_out) deals to it.
pub struct Branch<T> {
    pub(super) dealt: Arc<Dealt<T>>,
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
            dealt: self.dealt,
            cursor: self.cursor,
            lane: self.number,
            items: IntoIter::default(),
            places: Vec::new(),
            begun: None,
            handed: 0,
            read: 0,
            probe: Probe { run: Arc::clone(run), at: 0 },
        }
    }
}

/// The running beginning of a branch.
pub struct BranchPull<T> {
    dealt: Arc<Dealt<T>>,
    cursor: Arc<Cursor>,
    lane: usize,
    /// What is left of the part.
    items: IntoIter<T>,
    places: Vec<u32>,
    /// Since when, and of how many items, the part is worked on.
    begun: Option<(Instant, usize)>,
    /// Items of the last pull.
    handed: usize,
    read: u64,
    probe: Probe,
}

impl<T> fmt::Debug for BranchPull<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BranchPull").field("lane", &self.lane).finish_non_exhaustive()
    }
}

impl<T: Send> BranchPull<T> {
    /// Waits for the next part.
    fn take(&mut self) -> Pulled {
        match self.probe.run.wait(0, |cx| self.dealt.poll_take(self.lane, cx)) {
            None | Some(Take::Closed) => Pulled::Stopped,
            Some(Take::End) => {
                self.cursor.number.store(TAIL, Ordering::Relaxed);
                Pulled::End
            }
            Some(Take::Part(part)) => {
                self.cursor.number.store(part.number, Ordering::Relaxed);
                self.cursor.done.store(false, Ordering::Relaxed);
                self.begun = Some((stopwatch(), part.items.len()));
                self.items = part.items.into_iter();
                self.places = part.places;
                Pulled::More
            }
        }
    }

    /// The place in its chunk of the next item.
    fn place(&self) -> usize {
        let whole = self.begun.map_or(0, |(_, items)| items);
        whole - self.items.len()
    }

    fn part_is_done(&mut self) {
        self.cursor.done.store(true, Ordering::Relaxed);
        if let Some((since, items)) = self.begun.take() {
            let each = since.elapsed().as_nanos() / items.max(1) as u128;
            self.dealt.pace.store(u64::try_from(each).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }
}

impl<T: Send> Pull for BranchPull<T> {
    type Item = T;

    #[inline(always)]
    fn pull<const TIMED: bool>(&mut self, max: usize, emit: &mut impl FnMut(T) -> Flow) -> Pulled {
        if self.begun.is_none() {
            let taken = self.take();
            if taken != Pulled::More {
                return taken;
            }
        }
        // One item is timed by itself; else a part is handed on whole, as all boundaries do.
        let most = if TIMED && max == 1 { 1 } else { usize::MAX };
        let mut place = self.place();
        let Self { items, places, cursor, probe, read, handed, .. } = self;
        *handed = 0;
        let mut items = Loan::of(items);
        let ctx = probe.run.ctx_at(0);
        while *handed < most {
            let Some(item) = items.value.next() else { break };
            let there = places.get(place).copied().unwrap_or(place as u32);
            cursor.place.store(there, Ordering::Relaxed);
            place += 1;
            *read += 1;
            *handed += 1;
            if emit(item).is_break() || (handed.is_multiple_of(LOOK_EVERY) && ctx.is_cancelled()) {
                return Pulled::Stopped;
            }
        }
        let is_done = items.value.len() == 0;
        drop(items);
        if is_done {
            self.part_is_done();
        }
        Pulled::More
    }

    fn chunk(&self) -> Option<usize> {
        Some(self.handed)
    }

    fn ready(&self) -> bool {
        self.begun.is_some() || self.dealt.has_next(self.lane)
    }

    fn finish(&mut self, _emit: &mut impl FnMut(T) -> Flow) -> Flow {
        Flow::Continue(())
    }

    fn abandon(&mut self) {
        let left = std::mem::take(&mut self.items).count() as u64;
        self.read += left;
        self.probe.tally().cancelled.fetch_add(left, Ordering::Relaxed);
    }

    fn publish(&mut self) {
        self.probe.tally().entered.fetch_add(std::mem::take(&mut self.read), Ordering::Relaxed);
    }

    fn hire<'scope, 'env: 'scope>(&mut self, _crew: &Crew<'scope, 'env>)
    where
        Self: 'scope,
    {
    }
}
