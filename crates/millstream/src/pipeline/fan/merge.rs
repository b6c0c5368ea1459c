//! What the branches made and the consumer has not taken: in the order of arrival, of the input, or each branch's by
//! itself, to be compared. A plain state machine under one lock.
//!
//! Invariants
//! 1. What a branch made is in one place: with the branch, here, or with the consumer. After `close`, `put` gives it back.
//! 2. Who waits has left its waker under the lock after it saw that there was nothing; who changes that takes the waker
//!    under the lock and calls it outside.
//! 3. No branch has more than `room` pieces here. In the order of the input the branch that works on chunk `next` has none
//!    of another chunk here, for it makes its chunks in order: so the oldest chunk is never held up by younger ones.
//! 4. A branch that has ended or was dropped is waited for no more; a chunk that it took along is `lost`.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use super::dealt::wake;
use crate::sync::Mutex;

/// The number of what a branch still held when the input had ended: it comes after everything.
pub(super) const TAIL: u64 = u64::MAX;

/// So many items in a row were made of what was at that place in the chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) place: u32,
    pub(super) count: u32,
}

/// What a branch made of one part, or of the beginning of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Made<U> {
    pub(super) number: u64,
    pub(super) items: Vec<U>,
    /// Only where chunks are split between branches and the order of the input is wanted.
    pub(super) marks: Vec<Mark>,
    /// Whether nothing more comes of the part.
    pub(super) last: bool,
}

/// In which order results are handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sequence {
    Arrival,
    /// By the numbers of chunks, each of which is one branch's.
    Input,
    /// Each branch by itself.
    Apart,
}

/// What the consumer finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<U> {
    Made(Made<U>),
    End,
    Closed,
}

#[derive(Debug)]
struct Lane<U> {
    out: VecDeque<Made<U>>,
    waker: Option<Waker>,
    over: bool,
}

#[derive(Debug)]
struct State<U> {
    lanes: Vec<Lane<U>>,
    arrived: VecDeque<Made<U>>,
    /// The chunk whose results are handed on next.
    next: u64,
    lost: Vec<u64>,
    closed: bool,
    consumer: Option<Waker>,
}

/// The joint between the branches and the consumer.
#[derive(Debug)]
pub(super) struct Merge<U> {
    state: Mutex<State<U>>,
    sequence: Sequence,
    /// Pieces that may wait here, of each branch.
    room: usize,
}

impl<U> Merge<U> {
    pub(super) fn new(lanes: usize, sequence: Sequence, room: usize) -> Self {
        let state = State {
            lanes: (0..lanes).map(|_| Lane { out: VecDeque::new(), waker: None, over: false }).collect(),
            arrived: VecDeque::new(),
            next: 0,
            lost: Vec::new(),
            closed: false,
            consumer: None,
        };
        Self { state: Mutex::new(state), sequence, room: room.max(1) }
    }

    /// Ready once `lane` may put something; with false when nobody will take it.
    pub(super) fn poll_room(&self, lane: usize, cx: &mut Context<'_>) -> Poll<bool> {
        let mut state = self.state.lock();
        if state.closed || state.lanes[lane].over {
            return Poll::Ready(false);
        }
        if state.has_room(self.sequence, self.room, lane) {
            return Poll::Ready(true);
        }
        let before = state.lanes[lane].waker.replace(cx.waker().clone());
        drop(state);
        drop(before);
        Poll::Pending
    }

    /// Leaves what `lane` made; gives it back when nobody will take it.
    pub(super) fn put(&self, lane: usize, made: Made<U>) -> Result<(), Made<U>> {
        let mut state = self.state.lock();
        if state.closed || state.lanes[lane].over {
            return Err(made);
        }
        match self.sequence {
            Sequence::Arrival if made.items.is_empty() => return Ok(()),
            Sequence::Arrival => state.arrived.push_back(made),
            // Where the order of the input is wanted, the end of a part is news.
            Sequence::Apart if made.items.is_empty() && !made.last => return Ok(()),
            Sequence::Input | Sequence::Apart => state.lanes[lane].out.push_back(made),
        }
        let consumer = state.consumer.take();
        drop(state);
        wake(consumer);
        Ok(())
    }

    /// `lane` makes nothing any more, or nothing that is wanted. `lost`: a chunk that it took along.
    pub(super) fn end_lane(&self, lane: usize, lost: Option<u64>) {
        let mut state = self.state.lock();
        state.lanes[lane].over = true;
        state.lost.extend(lost);
        let waiting = [state.consumer.take(), state.lanes[lane].waker.take()];
        drop(state);
        waiting.into_iter().for_each(wake);
    }

    /// Ready with what is handed on next.
    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Next<U>> {
        self.poll(cx, |state, sequence| match sequence {
            Sequence::Input => state.of_next(),
            Sequence::Arrival | Sequence::Apart => state.first_come(),
        })
    }

    /// Ready with what `lane` made next.
    pub(super) fn poll_lane(&self, lane: usize, cx: &mut Context<'_>) -> Poll<Next<U>> {
        self.poll(cx, |state, _| match state.lanes[lane].out.pop_front() {
            Some(made) => Some(Next::Made(made)),
            None if state.lanes[lane].over => Some(Next::End),
            None => None,
        })
    }

    fn poll(
        &self,
        cx: &mut Context<'_>,
        find: impl FnOnce(&mut State<U>, Sequence) -> Option<Next<U>>,
    ) -> Poll<Next<U>> {
        let mut state = self.state.lock();
        if state.closed {
            return Poll::Ready(Next::Closed);
        }
        let Some(next) = find(&mut state, self.sequence) else {
            let before = state.consumer.replace(cx.waker().clone());
            drop(state);
            drop(before);
            return Poll::Pending;
        };
        // There is room again for all who wait for it; each looks whether it is for them.
        let waiting: Vec<Waker> = state.lanes.iter_mut().filter_map(|lane| lane.waker.take()).collect();
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        Poll::Ready(next)
    }

    /// Whether the consumer would find something at once; it may say no though it would.
    pub(super) fn has_next(&self) -> bool {
        let state = self.state.lock();
        match self.sequence {
            Sequence::Arrival => !state.arrived.is_empty(),
            Sequence::Input => state.lane_of_next().is_some(),
            Sequence::Apart => state.lanes.iter().all(Lane::may_be_taken),
        }
    }

    /// Whether `lane` has something, or has ended.
    pub(super) fn has_of(&self, lane: usize) -> bool {
        let state = self.state.lock();
        state.closed || state.lanes[lane].may_be_taken()
    }

    /// Whether `lane` waits for the consumer.
    pub(super) fn is_held(&self, lane: usize) -> bool {
        self.state.lock().lanes[lane].waker.is_some()
    }

    /// Ends all waits, and gives back what nobody took.
    pub(super) fn close(&self) -> Vec<Made<U>> {
        let mut state = self.state.lock();
        state.closed = true;
        let mut left: Vec<Made<U>> = std::mem::take(&mut state.arrived).into();
        let mut waiting: Vec<Waker> = state.consumer.take().into_iter().collect();
        for lane in &mut state.lanes {
            left.extend(std::mem::take(&mut lane.out));
            waiting.extend(lane.waker.take());
        }
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        left
    }
}

impl<U> Lane<U> {
    fn may_be_taken(&self) -> bool {
        self.over || !self.out.is_empty()
    }

    /// Whether it has nothing of a chunk any more: it has ended, or shows what it held at the end.
    fn is_behind_chunks(&self) -> bool {
        self.over || self.out.front().is_some_and(|made| made.number == TAIL)
    }
}

impl<U> State<U> {
    fn has_room(&self, sequence: Sequence, room: usize, lane: usize) -> bool {
        match sequence {
            Sequence::Arrival => self.arrived.len() < room * self.lanes.len(),
            Sequence::Input | Sequence::Apart => self.lanes[lane].out.len() < room,
        }
    }

    fn all_over(&self) -> bool {
        self.lanes.iter().all(|lane| lane.over)
    }

    fn first_come(&mut self) -> Option<Next<U>> {
        match self.arrived.pop_front() {
            Some(made) => Some(Next::Made(made)),
            None if self.all_over() => Some(Next::End),
            None => None,
        }
    }

    fn lane_of_next(&self) -> Option<usize> {
        let is_next = |lane: &Lane<U>| lane.out.front().is_some_and(|made| made.number == self.next);
        self.lanes.iter().position(is_next)
    }

    fn of_next(&mut self) -> Option<Next<U>> {
        loop {
            if let Some(lane) = self.lane_of_next() {
                let made = self.lanes[lane].out.pop_front()?;
                self.next += u64::from(made.last);
                return Some(Next::Made(made));
            }
            let Some(at) = self.lost.iter().position(|lost| *lost == self.next) else { break };
            self.lost.swap_remove(at);
            self.next += 1;
        }
        self.tail()
    }

    /// What the branches held at the end, branch by branch.
    fn tail(&mut self) -> Option<Next<U>> {
        if !self.lanes.iter().all(Lane::is_behind_chunks) {
            return None;
        }
        let left = self.lanes.iter_mut().find(|lane| !lane.over || !lane.out.is_empty());
        let made = left.and_then(|lane| lane.out.pop_front());
        Some(made.map_or(Next::End, Next::Made))
    }
}
