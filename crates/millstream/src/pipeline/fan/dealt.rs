//! What was dealt to the branches and not begun: a queue for each, or one for all. A plain state machine under one lock.
//!
//! Invariants
//! 1. A part is in one place: with the dealer, in a queue, or with its branch.
//! 2. Who waits has left its waker under the lock after it saw that there was nothing; who changes that takes the waker
//!    under the lock and calls it outside. So no wake-up is lost.
//! 3. A wake-up that a branch took and does not use, because it ends, goes on to another one.
//! 4. `wanted` is the branch that the merge waits for, while it waits.

use std::collections::VecDeque;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Poll, Waker};

use crate::sync::Mutex;
use crate::waiters::Wakes;

/// Items of one chunk of the input that go to one branch.
#[derive(Debug)]
pub(super) struct Part<T> {
    /// The number of the chunk.
    pub(super) number: u64,
    pub(super) items: Vec<T>,
    /// Where each was in the chunk; empty when they are all of it, or when nobody asks.
    pub(super) places: Vec<u32>,
}

impl<T> Part<T> {
    /// What it takes of the room: an empty one that tells of the end of a chunk is something, too.
    fn weight(&self) -> usize {
        self.items.len().max(1)
    }
}

/// What the dealer finds when it wants to deal to a branch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Room {
    Free,
    /// The branch is behind by as much as may be.
    Full,
    /// It is, and the merge waits for a branch that has nothing to do: waiting would last for ever.
    Stalled(usize),
    /// The branch takes nothing any more; whether because it failed.
    Gone {
        failed: bool,
    },
    /// Nobody takes anything any more.
    Closed,
}

/// What a branch finds.
#[derive(Debug)]
pub(super) enum Take<T> {
    Part(Part<T>),
    /// The input has ended.
    End,
    /// Nothing is dealt any more, because the run stops.
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
    /// The chunk that it worked on.
    pub(super) at: Option<u64>,
    /// It had been dropped before.
    pub(super) was_gone: bool,
}

#[derive(Debug)]
struct Lane<T> {
    queue: VecDeque<Part<T>>,
    /// Items in it.
    items: usize,
    /// The chunk that the branch works on.
    at: Option<u64>,
    waker: Option<Waker>,
    /// It takes nothing any more; whether because it failed.
    gone: Option<bool>,
}

#[derive(Debug)]
struct State<T> {
    lanes: Vec<Lane<T>>,
    /// The queue for all; items in it.
    shared: VecDeque<Part<T>>,
    items: usize,
    ended: bool,
    closed: bool,
    dealer: Option<Waker>,
    wanted: Option<usize>,
    /// Whether results are compared, of branches that have nothing under way when they wait.
    may_stall: bool,
}

/// The queues between the dealer and its branches.
#[derive(Debug)]
pub(super) struct Dealt<T> {
    state: Mutex<State<T>>,
    is_shared: bool,
    /// Items that may wait in one queue.
    room: usize,
    /// How long a branch took for an item of its last part, in nanoseconds. A hint for the size of chunks.
    pub(super) pace: AtomicU64,
}

impl<T> Dealt<T> {
    /// Queues for so many branches, each with room for so many items; shared queues have it for each branch.
    pub(super) fn new(lanes: usize, is_shared: bool, room: usize) -> Self {
        let lane = |_| Lane { queue: VecDeque::new(), items: 0, at: None, waker: None, gone: None };
        let state = State {
            lanes: (0..lanes).map(lane).collect(),
            shared: VecDeque::new(),
            items: 0,
            ended: false,
            closed: false,
            dealer: None,
            wanted: None,
            may_stall: false,
        };
        Self { state: Mutex::new(state), is_shared, room: room.max(1), pace: AtomicU64::new(0) }
    }

    /// Says that [`Room::Stalled`] is to be looked for.
    pub(super) fn compares(&self) {
        self.state.lock().may_stall = true;
    }

    /// Whether a part of so many items may be dealt to `lane`.
    pub(super) fn room(&self, lane: usize, items: usize) -> Room {
        self.state.lock().room(self.is_shared, self.room, lane, items)
    }

    /// Ready once a part of so many items may be dealt to `lane`, or never will be.
    pub(super) fn poll_room(&self, lane: usize, items: usize, cx: &mut Context<'_>) -> Poll<Room> {
        let mut state = self.state.lock();
        let room = state.room(self.is_shared, self.room, lane, items);
        if room != Room::Full {
            return Poll::Ready(room);
        }
        let before = state.dealer.replace(cx.waker().clone());
        drop(state);
        drop(before);
        Poll::Pending
    }

    /// Deals a part; where there is a queue for all, whoever is free takes it. It comes back when nobody will.
    pub(super) fn deal(&self, lane: usize, part: Part<T>) -> Result<(), Part<T>> {
        let mut state = self.state.lock();
        if state.closed || (!self.is_shared && state.lanes[lane].gone.is_some()) {
            return Err(part);
        }
        let items = part.weight();
        let waiting = if self.is_shared {
            state.items += items;
            state.shared.push_back(part);
            state.wake_one()
        } else {
            let lane = &mut state.lanes[lane];
            lane.items += items;
            lane.queue.push_back(part);
            lane.waker.take()
        };
        drop(state);
        wake(waiting);
        Ok(())
    }

    /// Says that nothing more will be dealt.
    pub(super) fn end(&self) {
        self.finish(|state| state.ended = true);
    }

    /// Ends all waits, and gives back what no branch took.
    pub(super) fn close(&self) -> Vec<Part<T>> {
        self.finish(|state| state.closed = true);
        let mut state = self.state.lock();
        let mut left: Vec<Part<T>> = std::mem::take(&mut state.shared).into();
        for lane in &mut state.lanes {
            left.extend(std::mem::take(&mut lane.queue));
        }
        left
    }

    fn finish(&self, change: impl FnOnce(&mut State<T>)) {
        let mut wakes = Wakes::new();
        let mut state = self.state.lock();
        change(&mut state);
        let wakers = state.lanes.iter_mut().filter_map(|lane| lane.waker.take()).collect::<Vec<_>>();
        let dealer = state.dealer.take();
        drop(state);
        wakers.into_iter().chain(dealer).for_each(|waker| wakes.push(waker));
        wakes.wake();
    }

    /// Ready with the next part for `lane`, or with what there is instead.
    pub(super) fn poll_take(&self, lane: usize, cx: &mut Context<'_>) -> Poll<Take<T>> {
        let mut state = self.state.lock();
        if state.closed {
            return Poll::Ready(Take::Closed);
        }
        if state.lanes[lane].gone.is_some() {
            // Dropped because it was slow: it ends with what it has.
            return Poll::Ready(Take::End);
        }
        state.lanes[lane].at = None;
        if let Some(part) = state.take(self.is_shared, lane) {
            state.lanes[lane].at = Some(part.number);
            // A dealer that is woken for each part would take a core from a branch each time.
            let dealer =
                if state.is_half_free(self.is_shared, self.room, lane) { state.dealer.take() } else { None };
            drop(state);
            wake(dealer);
            return Poll::Ready(Take::Part(part));
        }
        if state.ended {
            return Poll::Ready(Take::End);
        }
        let before = state.lanes[lane].waker.replace(cx.waker().clone());
        // The dealer may wait for room elsewhere, and the merge for this branch.
        let dealer = if state.wanted == Some(lane) { state.dealer.take() } else { None };
        drop(state);
        drop(before);
        wake(dealer);
        Poll::Pending
    }

    /// Whether `lane` would find something, or the end, at once.
    pub(super) fn has_next(&self, lane: usize) -> bool {
        let state = self.state.lock();
        let waits = if self.is_shared { &state.shared } else { &state.lanes[lane].queue };
        !waits.is_empty() || state.ended || state.closed
    }

    /// `lane` takes nothing any more. What was dealt to it alone comes back.
    pub(super) fn drop_lane(&self, lane: usize, failed: bool) -> Dropped<T> {
        let mut state = self.state.lock();
        let at = state.lanes[lane].at.take();
        let was_gone = state.lanes[lane].gone.is_some();
        state.lanes[lane].gone.get_or_insert(failed);
        let own = state.lanes[lane].waker.take();
        let left = std::mem::take(&mut state.lanes[lane].queue).into();
        state.lanes[lane].items = 0;
        let other = if state.shared.is_empty() { None } else { state.wake_one() };
        let dealer = state.dealer.take();
        drop(state);
        [own, other, dealer].into_iter().for_each(wake);
        Dropped { left, at, was_gone }
    }

    /// How many failed of the branches, when none of them takes anything any more.
    pub(super) fn all_gone(&self) -> Option<Failed> {
        let state = self.state.lock();
        let gone: Option<Vec<bool>> = state.lanes.iter().map(|lane| lane.gone).collect();
        gone.map(|failed| match failed.iter().filter(|failed| **failed).count() {
            0 => Failed::None,
            count if count == failed.len() => Failed::All,
            _ => Failed::Some,
        })
    }

    /// The branch that the merge waits for.
    pub(super) fn wanted(&self) -> Option<usize> {
        self.state.lock().wanted
    }

    /// Notes which branch the merge waits for.
    pub(super) fn want(&self, lane: Option<usize>) {
        let mut state = self.state.lock();
        state.wanted = lane;
        let dealer = if lane.is_some() { state.dealer.take() } else { None };
        drop(state);
        wake(dealer);
    }
}

impl<T> State<T> {
    fn room(&self, is_shared: bool, room: usize, lane: usize, items: usize) -> Room {
        // What is larger than the room goes to who has nothing.
        let fits = |there: usize, room: usize| there == 0 || there + items.max(1) <= room;
        if self.closed {
            return Room::Closed;
        }
        if is_shared {
            let alive = self.lanes.iter().filter(|lane| lane.gone.is_none()).count();
            return match alive {
                0 => Room::Gone { failed: self.lanes.iter().any(|lane| lane.gone == Some(true)) },
                _ if fits(self.items, room.saturating_mul(alive)) => Room::Free,
                _ => Room::Full,
            };
        }
        if let Some(failed) = self.lanes[lane].gone {
            return Room::Gone { failed };
        }
        if fits(self.lanes[lane].items, room) {
            return Room::Free;
        }
        match self.wanted.filter(|_| self.may_stall) {
            Some(wanted) if wanted != lane && self.is_idle(wanted) => Room::Stalled(wanted),
            _ => Room::Full,
        }
    }

    /// Whether there is so much room again that it is worth a wake-up.
    fn is_half_free(&self, is_shared: bool, room: usize, lane: usize) -> bool {
        let alive = self.lanes.iter().filter(|lane| lane.gone.is_none()).count();
        let (items, room) =
            if is_shared { (self.items, room.saturating_mul(alive)) } else { (self.lanes[lane].items, room) };
        items <= room / 2
    }

    /// Whether a branch waits for the dealer.
    fn is_idle(&self, lane: usize) -> bool {
        let lane = &self.lanes[lane];
        lane.waker.is_some() && lane.queue.is_empty()
    }

    fn take(&mut self, is_shared: bool, lane: usize) -> Option<Part<T>> {
        if is_shared {
            let part = self.shared.pop_front()?;
            self.items -= part.weight();
            return Some(part);
        }
        let lane = &mut self.lanes[lane];
        let part = lane.queue.pop_front()?;
        lane.items -= part.weight();
        Some(part)
    }

    fn wake_one(&mut self) -> Option<Waker> {
        self.lanes.iter_mut().find_map(|lane| lane.waker.take())
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
        let dealt = Dealt::new(1, false, 2);
        let part = |items: Vec<u8>| Part { number: 0, items, places: Vec::new() };
        assert_eq!(dealt.room(0, 3), Room::Free, "what is larger than the room goes to who has nothing");
        dealt.deal(0, part(vec![7])).unwrap();
        assert_eq!((dealt.room(0, 1), dealt.room(0, 2)), (Room::Free, Room::Full));
        dealt.deal(0, part(vec![])).unwrap();
        assert_eq!(dealt.room(0, 0), Room::Full);
    }
}
