//! What was dispatched to the branches and not started: a queue for each, or one for all. A plain
//! state machine under one lock.
//!
//! Of the queue for all a branch takes no more than a part that is worth working on, and one item
//! as long as no cost is known. What it took and did not start is in its local queue, where an idle
//! branch finds it.
//!
//! Invariants
//! 1. A part is in one place: with the dispatcher, in a queue, or with its branch.
//! 2. A waiter has left its waker under the lock after it saw that there was nothing; who changes
//!    that takes the waker under the lock and calls it outside. So no wake-up is lost.
//! 3. A wake-up that a branch took and does not use, because it ends, goes on to another one.
//! 4. Items move between local queues under the lock, so a thread that holds it sees all that are
//!    not started.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};
use std::vec::IntoIter;

use crate::pipeline::cost::Cost;
use crate::pipeline::local::Local;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::waiters::Wakes;

/// A part that a branch takes is worth about this much work, in nanoseconds: to hand one over, and
/// what comes of it, costs more than the chunk of a `parallel` stage.
const WORTH_NS: u64 = 1_000_000;

/// Items that are worth less are left to the branch that has them, unless it is held up.
const TAKE_OVER_NS: u64 = 100_000;

/// Items of one chunk of the input that go to one branch.
#[derive(Debug)]
pub(super) struct Part<T> {
    /// The number of the chunk; in the queue for all, of the first item in the input.
    pub(super) number: u64,
    pub(super) items: Vec<T>,
    /// Where each was in the chunk; empty when they are all of it, or when nobody asks.
    pub(super) places: Vec<u32>,
}

impl<T> Part<T> {
    /// What it takes of the room: an empty one that marks the end of a chunk counts, too.
    fn weight(&self) -> usize {
        self.items.len().max(1)
    }
}

/// What the dispatcher finds when it wants to deal to a branch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Room {
    Free,
    /// The branch is behind by as much as may be.
    Full,
    /// The branch takes nothing any more; whether because it failed.
    Gone {
        failed: bool,
    },
    /// Nobody takes anything any more.
    Closed,
}

/// What a branch finds.
#[derive(Debug)]
pub(super) enum Take {
    /// A part, whose items are in the branch's local queue.
    Part {
        /// As in [`Part`].
        number: u64,
        places: Vec<u32>,
    },
    /// The input has finished.
    End,
    /// Nothing is dispatched any more, because the run stops.
    Closed,
}

/// How many branches failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    None,
    Some,
    All,
}

/// What a branch leaves that takes nothing any more.
#[derive(Debug)]
pub(super) struct Dropped<T> {
    /// Parts that it did not begin.
    pub(super) left: Vec<Part<T>>,
    /// What it worked on: the number, and how many numbers it covers.
    pub(super) at: Option<(u64, u64)>,
}

#[derive(Debug)]
struct BranchQueue<T> {
    queue: VecDeque<Part<T>>,
    /// Items in it.
    items: usize,
    /// What the branch works on: the number, and how many numbers it covers.
    at: Option<(u64, u64)>,
    waker: Option<Waker>,
    /// It takes nothing any more; whether because it failed.
    gone: Option<bool>,
}

#[derive(Debug)]
struct Quota {
    /// How many results the consumer wants that are not made.
    results: u64,
    /// How many items may still be started.
    startable: u64,
}

#[derive(Debug)]
struct State<T> {
    branches: Vec<BranchQueue<T>>,
    /// The queue for all, each part with the number of its first item; items in it, and in all that
    /// were.
    shared: VecDeque<(u64, IntoIter<T>)>,
    items: usize,
    sent: u64,
    /// If the consumer wants a limited number of results.
    quota: Option<Quota>,
    ended: bool,
    closed: bool,
    dispatcher: Option<Waker>,
    /// Part of the first chunk in the queue for all was taken.
    is_split: bool,
    /// For a while nothing came of items that a branch has not started, however few they are.
    is_held_up: bool,
}

/// The queues between the dispatcher and its branches.
#[derive(Debug)]
pub(super) struct BranchQueues<T> {
    state: Mutex<State<T>>,
    is_shared: bool,
    /// Items that may wait in one queue.
    room: usize,
    /// What an item costs a branch.
    pub(super) cost: Cost,
    /// The input has been dispatched: each item that is not started counts.
    is_all_sent: AtomicBool,
    /// What each branch took and did not start.
    locals: Vec<Local<T, ()>>,
}

impl<T> BranchQueues<T> {
    /// Queues for `branches` branches, each with room for `room` items; shared queues have it for
    /// each branch.
    pub(super) fn new(branches: usize, is_shared: bool, room: usize) -> Self {
        let branch =
            |_| BranchQueue { queue: VecDeque::new(), items: 0, at: None, waker: None, gone: None };
        let state = State {
            branches: (0..branches).map(branch).collect(),
            shared: VecDeque::new(),
            items: 0,
            sent: 0,
            quota: None,
            ended: false,
            closed: false,
            dispatcher: None,
            is_split: false,
            is_held_up: false,
        };
        let locals =
            (0..branches).map(|_| Local::new(if is_shared { branches } else { 0 })).collect();
        Self {
            state: Mutex::new(state),
            is_shared,
            room: room.max(1),
            cost: Cost::default(),
            is_all_sent: AtomicBool::new(false),
            locals,
        }
    }

    /// Whether there is one queue for all.
    pub(super) fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// How many items a branch claims in one step.
    pub(super) fn group(&self) -> usize {
        match self.is_shared {
            // What a branch was dispatched is for nobody else.
            false => usize::MAX,
            true if self.is_all_sent.load(Ordering::Relaxed) => 1,
            true => self.cost.steps().0,
        }
    }

    /// What `branch` took and did not start.
    pub(super) fn local(&self, branch: usize) -> &Local<T, ()> {
        &self.locals[branch]
    }

    /// Lets branches of one queue start no more than `results` and `more` items, but for those that
    /// give no result, and none once there are `results` results.
    pub(super) fn want_results(&self, results: u64, more: u64) {
        self.state.lock().quota = Some(Quota { results, startable: results.saturating_add(more) });
    }

    /// Some items that were started gave this number of results, some others gave none: as many
    /// more may be.
    pub(super) fn gave(&self, results: u64, nothing: u64) {
        let mut state = self.state.lock();
        let Some(quota) = &mut state.quota else { return };
        quota.results = quota.results.saturating_sub(results);
        quota.startable += nothing;
        if nothing == 0 {
            return;
        }
        let wakers: Vec<Waker> =
            state.branches.iter_mut().filter_map(|branch| branch.waker.take()).collect();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// How many items a branch takes at once of the queue for all.
    fn worth(&self) -> usize {
        self.cost.part(WORTH_NS)
    }

    /// Wakes an idle branch if there is something that it could start: a branch may have taken
    /// several items that were thought cheap, and be held up by the first of them.
    #[cold]
    pub(super) fn wake_idle(&self) {
        let mut state = self.state.lock();
        state.is_held_up = self.is_shared && self.locals.iter().any(|local| local.len() > 0);
        let idle = if state.is_held_up { state.wake_one() } else { None };
        drop(state);
        wake(idle);
    }

    /// Whether a part of `items` items may be dispatched to `branch`.
    pub(super) fn room(&self, branch: usize, items: usize) -> Room {
        self.state.lock().room(self.is_shared, self.room, branch, items)
    }

    /// Ready once a part of `items` items may be dispatched to `branch`, or never will be.
    pub(super) fn poll_room(
        &self,
        branch: usize,
        items: usize,
        cx: &mut Context<'_>,
    ) -> Poll<Room> {
        let mut state = self.state.lock();
        let room = state.room(self.is_shared, self.room, branch, items);
        if room != Room::Full {
            return Poll::Ready(room);
        }
        let before = state.dispatcher.replace(cx.waker().clone());
        drop(state);
        drop(before);
        Poll::Pending
    }

    /// Deals a part; where there is a queue for all, a free branch takes it. It comes back when
    /// nobody will.
    pub(super) fn deal(&self, branch: usize, part: Part<T>) -> Result<(), Part<T>> {
        let mut state = self.state.lock();
        if state.closed || (!self.is_shared && state.branches[branch].gone.is_some()) {
            return Err(part);
        }
        let waiting = if self.is_shared {
            let (number, items) = (state.sent, part.items.len());
            state.items += items;
            state.sent += items as u64;
            state.shared.push_back((number, part.items.into_iter()));
            state.wake_one()
        } else {
            let branch = &mut state.branches[branch];
            branch.items += part.weight();
            branch.queue.push_back(part);
            branch.waker.take()
        };
        drop(state);
        wake(waiting);
        Ok(())
    }

    /// Says that nothing more will be dispatched.
    pub(super) fn end(&self) {
        // Relaxed: it decides only how many items are claimed at once.
        self.is_all_sent.store(true, Ordering::Relaxed);
        self.finish(|state| state.ended = true);
    }

    /// Ends all waits, and gives back what no branch took.
    pub(super) fn close(&self) -> Vec<Part<T>> {
        self.finish(|state| state.closed = true);
        let mut state = self.state.lock();
        let shared = std::mem::take(&mut state.shared).into_iter();
        let part = |(number, items): (u64, IntoIter<T>)| Part {
            number,
            items: items.collect(),
            places: Vec::new(),
        };
        let mut left: Vec<Part<T>> = shared.map(part).collect();
        for branch in &mut state.branches {
            left.extend(std::mem::take(&mut branch.queue));
        }
        left
    }

    fn finish(&self, change: impl FnOnce(&mut State<T>)) {
        let mut wakes = Wakes::new();
        let mut state = self.state.lock();
        change(&mut state);
        let wakers =
            state.branches.iter_mut().filter_map(|branch| branch.waker.take()).collect::<Vec<_>>();
        let dispatcher = state.dispatcher.take();
        drop(state);
        wakers.into_iter().chain(dispatcher).for_each(|waker| wakes.push(waker));
        wakes.wake();
    }

    /// Ready with the next part for `branch`, or with what there is instead.
    pub(super) fn poll_take(&self, branch: usize, cx: &mut Context<'_>) -> Poll<Take> {
        let mut state = self.state.lock();
        if state.closed {
            return Poll::Ready(Take::Closed);
        }
        state.branches[branch].at = None;
        if let Some(part) = self.take(&mut state, branch) {
            let covers = if self.is_shared { part.items.len() as u64 } else { 1 };
            state.branches[branch].at = Some((part.number, covers));
            // Under the lock: a branch that sees all local queues empty takes it for the end.
            self.locals[branch].fill(part.number, part.items);
            // A dispatcher that is woken for each part would take a core from a branch each time.
            let dispatcher = if state.is_half_free(self.is_shared, self.room, branch) {
                state.dispatcher.take()
            } else {
                None
            };
            // Each chunk woke a branch when it was dispatched. What is left of this one is for
            // another branch.
            let other = if state.is_split { state.wake_one() } else { None };
            drop(state);
            wake(dispatcher);
            wake(other);
            return Poll::Ready(Take::Part { number: part.number, places: part.places });
        }
        if state.ended && self.locals.iter().all(|local| local.len() == 0) {
            // Those that waited for what others have not started.
            let wakers: Vec<Waker> =
                state.branches.iter_mut().filter_map(|branch| branch.waker.take()).collect();
            drop(state);
            wakers.into_iter().for_each(Waker::wake);
            return Poll::Ready(Take::End);
        }
        let before = state.branches[branch].waker.replace(cx.waker().clone());
        drop(state);
        drop(before);
        Poll::Pending
    }

    /// The next part for `branch`: of its queue or the one for all, or what another branch has not
    /// started.
    fn take(&self, state: &mut State<T>, branch: usize) -> Option<Part<T>> {
        if !self.is_shared {
            let branch = &mut state.branches[branch];
            let part = branch.queue.pop_front()?;
            branch.items -= part.weight();
            return Some(part);
        }
        let startable = match &state.quota {
            Some(quota) if quota.results == 0 => 0,
            Some(quota) => usize::try_from(quota.startable).unwrap_or(usize::MAX),
            None => usize::MAX,
        };
        let taken = state.take_shared(self.worth().min(startable));
        if let (Some((_, items)), Some(quota)) = (&taken, &mut state.quota) {
            quota.startable -= items.len() as u64;
        }
        let (number, items) = taken.or_else(|| self.take_over(state, branch))?;
        Some(Part { number, items, places: Vec::new() })
    }

    /// Half of what the branch that has most has not started.
    fn take_over(&self, state: &mut State<T>, branch: usize) -> Option<(u64, Vec<T>)> {
        let others = self.locals.iter().enumerate().filter(|(other, _)| *other != branch);
        let (_, other) = others.max_by_key(|(_, local)| local.len())?;
        let is_worth_it =
            self.cost.is_slow() || other.len() as u64 * self.cost.get() >= TAKE_OVER_NS;
        if is_worth_it || std::mem::take(&mut state.is_held_up) { other.split() } else { None }
    }

    /// What `branch` works on is shorter than it was taken: others took of it.
    pub(super) fn covers(&self, branch: usize, covers: u64) {
        if let Some(at) = &mut self.state.lock().branches[branch].at {
            at.1 = covers;
        }
    }

    /// Whether `branch` would find something, or the end, at once.
    pub(super) fn has_next(&self, branch: usize) -> bool {
        let state = self.state.lock();
        let waits = if self.is_shared {
            !state.shared.is_empty()
        } else {
            !state.branches[branch].queue.is_empty()
        };
        waits || state.ended || state.closed
    }

    /// Whether `branch` has something to do, or would find it at once.
    pub(super) fn has_more(&self, branch: usize) -> bool {
        self.locals[branch].len() > 0 || self.has_next(branch)
    }

    /// `branch` takes nothing any more. What was dispatched to it alone comes back.
    pub(super) fn drop_branch(&self, branch: usize, failed: bool) -> Dropped<T> {
        let mut state = self.state.lock();
        let at = state.branches[branch].at.take();
        state.branches[branch].gone.get_or_insert(failed);
        let own = state.branches[branch].waker.take();
        let left = std::mem::take(&mut state.branches[branch].queue).into();
        state.branches[branch].items = 0;
        // They wait for what is in the queue, or for what this one had not started.
        let others: Vec<Waker> =
            state.branches.iter_mut().filter_map(|branch| branch.waker.take()).collect();
        let dispatcher = state.dispatcher.take();
        drop(state);
        others.into_iter().for_each(Waker::wake);
        [own, dispatcher].into_iter().for_each(wake);
        Dropped { left, at }
    }

    /// How many failed of the branches, when none of them takes anything any more.
    pub(super) fn all_gone(&self) -> Option<Failed> {
        let state = self.state.lock();
        let gone: Option<Vec<bool>> = state.branches.iter().map(|branch| branch.gone).collect();
        gone.map(|failed| match failed.iter().filter(|failed| **failed).count() {
            0 => Failed::None,
            count if count == failed.len() => Failed::All,
            _ => Failed::Some,
        })
    }
}

impl<T> State<T> {
    fn room(&self, is_shared: bool, room: usize, branch: usize, items: usize) -> Room {
        // What is larger than the room goes to who has nothing.
        let fits = |there: usize, room: usize| there == 0 || there + items.max(1) <= room;
        if self.closed {
            return Room::Closed;
        }
        if is_shared {
            let alive = self.branches.iter().filter(|branch| branch.gone.is_none()).count();
            return match alive {
                0 => Room::Gone {
                    failed: self.branches.iter().any(|branch| branch.gone == Some(true)),
                },
                _ if fits(self.items, room.saturating_mul(alive)) => Room::Free,
                _ => Room::Full,
            };
        }
        if let Some(failed) = self.branches[branch].gone {
            return Room::Gone { failed };
        }
        if fits(self.branches[branch].items, room) { Room::Free } else { Room::Full }
    }

    /// Whether there is so much room again that it is worth a wake-up.
    fn is_half_free(&self, is_shared: bool, room: usize, branch: usize) -> bool {
        let alive = self.branches.iter().filter(|branch| branch.gone.is_none()).count();
        let (items, room) = if is_shared {
            (self.items, room.saturating_mul(alive))
        } else {
            (self.branches[branch].items, room)
        };
        items <= room / 2
    }

    /// Up to `most` items of the queue for all, and the number of the first.
    fn take_shared(&mut self, most: usize) -> Option<(u64, Vec<T>)> {
        let (number, items) = self.shared.front_mut()?;
        if most == 0 {
            return None;
        }
        let first = *number;
        self.is_split = items.len() > most;
        let taken: Vec<T> = if self.is_split {
            *number += most as u64;
            items.by_ref().take(most).collect()
        } else {
            // The vector itself: nothing is copied.
            self.shared.pop_front()?.1.collect()
        };
        self.items -= taken.len();
        Some((first, taken))
    }

    fn wake_one(&mut self) -> Option<Waker> {
        self.branches.iter_mut().find_map(|branch| branch.waker.take())
    }
}

pub(super) fn wake(waiting: Option<Waker>) {
    if let Some(waker) = waiting {
        waker.wake();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn no_more_items_wait_than_there_is_room_for_and_an_empty_part_is_something() {
        let queues = BranchQueues::new(1, false, 2);
        let part = |items: Vec<u8>| Part { number: 0, items, places: Vec::new() };
        assert_eq!(
            queues.room(0, 3),
            Room::Free,
            "what is larger than the room goes to who has nothing"
        );
        queues.deal(0, part(vec![7])).unwrap();
        assert_eq!((queues.room(0, 1), queues.room(0, 2)), (Room::Free, Room::Full));
        queues.deal(0, part(vec![])).unwrap();
        assert_eq!(queues.room(0, 0), Room::Full);
    }
}
