//! What the branches made and the consumer has not taken: in the order of arrival, of the input, or
//! each branch's by itself, to be compared. A plain state machine under one lock.
//!
//! Invariants
//! 1. What a branch made is in one place: with the branch, here, or with the consumer. After
//!    `close`, `put` gives it back.
//! 2. A waiter has left its waker under the lock after it saw that there was nothing; who changes
//!    that takes the waker under the lock and calls it outside.
//! 3. No branch has more than `room` pieces and more than [`AHEAD`] results here, but for those
//!    that are next: so what comes first in the input is never held up by what comes later.
//! 4. A branch that has finished or was dropped is waited for no more; a chunk that it took along
//!    is `lost`.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use super::queues::wake;
use crate::pipeline::sleeper::Sleeper;
use crate::sync::Mutex;

/// The number of what a branch still held when the input had ended: it comes after everything.
pub(super) const TAIL: u64 = u64::MAX;

/// Results of each branch that may wait here, however small the pieces are: enough for the others
/// to go on while one is at an item that takes hundreds of times as long.
pub(super) const AHEAD: usize = if cfg!(loom) { 1 } else { 256 };

/// The number of consecutive results made from the item at that place in the chunk.
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
    /// How many numbers are done with it: none, if more comes of the part.
    pub(super) covers: u64,
}

impl<U> Made<U> {
    /// Whether nothing more comes of the part.
    pub(super) fn is_last(&self) -> bool {
        self.covers > 0
    }
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
struct BranchResults<U> {
    out: VecDeque<Made<U>>,
    waker: Option<Waker>,
    /// Results in it; a piece without any counts as one.
    results: usize,
    over: bool,
}

#[derive(Debug)]
struct State<U> {
    branches: Vec<BranchResults<U>>,
    /// As they came; where the order of the input is wanted, by their numbers, with the branch that
    /// made each.
    arrived: VecDeque<(usize, Made<U>)>,
    /// Results in it.
    results: usize,
    /// The number whose results are handed on next.
    next: u64,
    /// Numbers that nothing more comes of, and how many others with them.
    lost: Vec<(u64, u64)>,
    closed: bool,
    consumer: Sleeper,
}

/// The link between the branches and the consumer.
#[derive(Debug)]
pub(super) struct Merge<U> {
    state: Mutex<State<U>>,
    sequence: Sequence,
    /// Pieces that may wait here, of each branch.
    room: usize,
}

impl<U> Merge<U> {
    pub(super) fn new(branches: usize, sequence: Sequence, room: usize) -> Self {
        let state = State {
            branches: (0..branches)
                .map(|_| BranchResults {
                    out: VecDeque::new(),
                    results: 0,
                    waker: None,
                    over: false,
                })
                .collect(),
            arrived: VecDeque::new(),
            results: 0,
            next: 0,
            lost: Vec::new(),
            closed: false,
            consumer: Sleeper::default(),
        };
        Self { state: Mutex::new(state), sequence, room: room.max(1) }
    }

    /// Ready once `branch` may put something of this number; with false when nobody will take it.
    pub(super) fn poll_room(&self, branch: usize, number: u64, cx: &mut Context<'_>) -> Poll<bool> {
        let mut state = self.state.lock();
        if state.closed || state.branches[branch].over {
            return Poll::Ready(false);
        }
        if state.has_room(self.sequence, self.room, branch, number) {
            return Poll::Ready(true);
        }
        let before = state.branches[branch].waker.replace(cx.waker().clone());
        let consumer = state.consumer.take();
        drop(state);
        drop(before);
        wake(consumer);
        Poll::Pending
    }

    /// Leaves what `branch` made; gives it back when nobody will take it. `more`: the branch has
    /// something to do, so the consumer may be woken late.
    pub(super) fn put(&self, branch: usize, made: Made<U>, more: bool) -> Result<(), Made<U>> {
        let mut state = self.state.lock();
        if state.closed || state.branches[branch].over {
            return Err(made);
        }
        let weight = made.items.len().max(1);
        match self.sequence {
            Sequence::Arrival if made.items.is_empty() => return Ok(()),
            Sequence::Arrival => {
                state.results += weight;
                state.arrived.push_back((branch, made));
            }
            // Where the order of the input is wanted, the end of a part is news.
            Sequence::Apart if made.items.is_empty() && !made.is_last() => return Ok(()),
            // Others took over all of a part before it was started. Its number is that of one of
            // theirs, which may be handed on already: a piece that comes too late would be in front
            // of all others forever.
            Sequence::Input if made.items.is_empty() && !made.is_last() => return Ok(()),
            Sequence::Input if made.number != TAIL => {
                state.branches[branch].results += weight;
                // Nearly always at the end. Pieces of one part stay in the order in which they were
                // made.
                let later =
                    state.arrived.iter().rev().take_while(|(_, other)| other.number > made.number);
                let place = state.arrived.len() - later.count();
                state.arrived.insert(place, (branch, made));
            }
            Sequence::Input | Sequence::Apart => {
                let branch = &mut state.branches[branch];
                branch.results += weight;
                branch.out.push_back(made);
            }
        }
        // Who compares results waits for a certain branch, and does not look by itself.
        let late = more && self.sequence != Sequence::Apart;
        let consumer = if late { state.consumer.take_if_late() } else { state.consumer.take() };
        drop(state);
        wake(consumer);
        Ok(())
    }

    /// `branch` makes nothing any more, or nothing that is wanted. `lost`: numbers that it took
    /// along.
    pub(super) fn end_branch(&self, branch: usize, lost: Option<(u64, u64)>) {
        let mut state = self.state.lock();
        state.branches[branch].over = true;
        state.lost.extend(lost);
        let waiting = [state.consumer.take(), state.branches[branch].waker.take()];
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

    /// Ready with what `branch` made next.
    pub(super) fn poll_branch(&self, branch: usize, cx: &mut Context<'_>) -> Poll<Next<U>> {
        self.poll(cx, |state, _| match state.branches[branch].pop() {
            Some(made) => Some(Next::Made(made)),
            None if state.branches[branch].over => Some(Next::End),
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
        let first = state.next;
        let Some(next) = find(&mut state, self.sequence) else {
            let before = state.consumer.waits(cx.waker().clone());
            // What was lost is behind us: a branch may have what is next, and wait for room.
            let moved = state.next > first;
            let waiting: Vec<Waker> = state
                .branches
                .iter_mut()
                .filter(|_| moved)
                .filter_map(|branch| branch.waker.take())
                .collect();
            drop(state);
            drop(before);
            waiting.into_iter().for_each(Waker::wake);
            return Poll::Pending;
        };
        // It may have waited until its patience ended: the next time is a new wait.
        let before = state.consumer.take();
        // There is room again for all who wait for it; each looks whether it is for them.
        let waiting: Vec<Waker> =
            state.branches.iter_mut().filter_map(|branch| branch.waker.take()).collect();
        drop(state);
        drop(before);
        waiting.into_iter().for_each(Waker::wake);
        Poll::Ready(next)
    }

    /// Whether the consumer would find something at once; it may say no though it would.
    pub(super) fn has_next(&self) -> bool {
        let state = self.state.lock();
        match self.sequence {
            Sequence::Arrival => !state.arrived.is_empty(),
            Sequence::Input => state.has_next(),
            Sequence::Apart => state.branches.iter().all(BranchResults::may_be_taken),
        }
    }

    /// Whether `branch` has something, or has finished.
    pub(super) fn has_of(&self, branch: usize) -> bool {
        let state = self.state.lock();
        state.closed || state.branches[branch].may_be_taken()
    }

    /// Ends all waits, and gives back what nobody took.
    pub(super) fn close(&self) -> Vec<Made<U>> {
        let mut state = self.state.lock();
        state.closed = true;
        let mut left: Vec<Made<U>> =
            std::mem::take(&mut state.arrived).into_iter().map(|(_, made)| made).collect();
        let mut waiting: Vec<Waker> = state.consumer.take().into_iter().collect();
        for branch in &mut state.branches {
            left.extend(std::mem::take(&mut branch.out));
            waiting.extend(branch.waker.take());
        }
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        left
    }
}

impl<U> BranchResults<U> {
    fn pop(&mut self) -> Option<Made<U>> {
        let made = self.out.pop_front()?;
        self.results -= made.items.len().max(1);
        Some(made)
    }

    fn may_be_taken(&self) -> bool {
        self.over || !self.out.is_empty()
    }

    /// Whether it has nothing of a chunk any more: it has finished, or shows what it held at the
    /// end.
    fn is_behind_chunks(&self) -> bool {
        self.over || self.out.front().is_some_and(|made| made.number == TAIL)
    }
}

impl<U> State<U> {
    fn has_room(&self, sequence: Sequence, room: usize, branch: usize, number: u64) -> bool {
        match sequence {
            Sequence::Arrival => {
                self.arrived.len() < room * self.branches.len()
                    || self.results < AHEAD * self.branches.len()
            }
            Sequence::Input if number == self.next => true,
            Sequence::Input if number != TAIL => {
                let pieces = self.arrived.iter().filter(|(of, _)| *of == branch).take(room).count();
                pieces < room || self.branches[branch].results < AHEAD
            }
            Sequence::Input | Sequence::Apart => {
                self.branches[branch].out.len() < room || self.branches[branch].results < AHEAD
            }
        }
    }

    fn all_over(&self) -> bool {
        self.branches.iter().all(|branch| branch.over)
    }

    fn first_come(&mut self) -> Option<Next<U>> {
        match self.arrived.pop_front() {
            Some((_, made)) => {
                self.results -= made.items.len().max(1);
                Some(Next::Made(made))
            }
            None if self.all_over() => Some(Next::End),
            None => None,
        }
    }

    fn has_next(&self) -> bool {
        self.arrived.front().is_some_and(|(_, made)| made.number == self.next)
    }

    fn of_next(&mut self) -> Option<Next<U>> {
        loop {
            if self.has_next() {
                let (branch, made) = self.arrived.pop_front()?;
                self.branches[branch].results -= made.items.len().max(1);
                self.next += made.covers;
                return Some(Next::Made(made));
            }
            let Some(at) = self.lost.iter().position(|lost| lost.0 == self.next) else { break };
            self.next += self.lost.swap_remove(at).1;
        }
        self.tail()
    }

    /// What the branches held at the end, branch by branch.
    fn tail(&mut self) -> Option<Next<U>> {
        if !self.arrived.is_empty() || !self.branches.iter().all(BranchResults::is_behind_chunks) {
            return None;
        }
        let left = self.branches.iter_mut().find(|branch| !branch.over || !branch.out.is_empty());
        let made = left.and_then(BranchResults::pop);
        Some(made.map_or(Next::End, Next::Made))
    }
}
