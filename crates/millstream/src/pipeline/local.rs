//! A worker's own part of the input: the items that it has not started, and the results that have not left.
//!
//! Both can be taken by others while the worker is inside of an item: what is not started by an idle worker, results
//! by the consumer. So an item that takes long holds up nothing but itself, however many items its worker took at once.
//! When to take is not decided here.

use std::collections::VecDeque;

use super::window::Piece;
use crate::sync::Mutex;

/// Not more than one in so many of the items that are left is claimed in one step.
const LAST: usize = 8;

/// What a worker took and has not finished.
#[derive(Debug)]
pub(crate) struct Local<In, Out> {
    state: Mutex<State<In, Out>>,
}

#[derive(Debug)]
struct State<In, Out> {
    /// Items that are not started, consecutive in the input.
    rest: VecDeque<In>,
    /// The number of the first of them.
    next: u64,
    /// What came of the items before, and is not in the window.
    done: Piece<Out>,
}

impl<In, Out> Local<In, Out> {
    pub(crate) fn new() -> Self {
        let done = Piece { start: 0, covers: 0, results: Vec::new() };
        Self { state: Mutex::new(State { rest: VecDeque::new(), next: 0, done }) }
    }

    /// Gives the worker, which has nothing left, consecutive items of which the first is number `start`. What comes back
    /// is empty, to be used again.
    pub(crate) fn fill(&self, start: u64, items: VecDeque<In>) -> VecDeque<In> {
        let mut state = self.state.lock();
        debug_assert!(state.rest.is_empty() && state.done.covers == 0, "the worker had finished what it had");
        state.next = start;
        state.done.start = start;
        std::mem::replace(&mut state.rest, items)
    }

    /// Leaves what came of the items that were claimed before, and takes up to `max` items to start now.
    ///
    /// Results and items move in one step, so that each of them is always with the worker or here.
    pub(crate) fn claim(&self, max: usize, covered: u64, results: &mut Vec<Out>, claimed: &mut Vec<In>) {
        let mut state = self.state.lock();
        state.done.covers += covered;
        if state.done.results.is_empty() {
            std::mem::swap(&mut state.done.results, results);
        } else {
            state.done.results.append(results);
        }
        // Of the last ones, which another worker may soon ask for, fewer at once.
        let count = max.min(state.rest.len().div_ceil(LAST));
        state.next += count as u64;
        if count == 1 {
            claimed.extend(state.rest.pop_front());
        } else {
            claimed.extend(state.rest.drain(..count));
        }
    }

    /// Takes the results that are there, to put them into the window. They cover no item when there are none.
    pub(crate) fn take_done(&self) -> Piece<Out> {
        let mut state = self.state.lock();
        let start = state.done.start + state.done.covers;
        let empty = Piece { start, covers: 0, results: Vec::new() };
        std::mem::replace(&mut state.done, empty)
    }

    /// The number of the first item that has results here, if there are any.
    pub(crate) fn done_from(&self) -> Option<u64> {
        let state = self.state.lock();
        (state.done.covers > 0).then_some(state.done.start)
    }

    /// How many items are not started.
    pub(crate) fn len(&self) -> usize {
        self.state.lock().rest.len()
    }

    /// Takes the later half of the items that are not started, and the number of the first of them.
    pub(crate) fn split(&self) -> Option<(u64, VecDeque<In>)> {
        let mut state = self.state.lock();
        let keeps = state.rest.len() / 2;
        if state.rest.is_empty() {
            return None;
        }
        let start = state.next + keeps as u64;
        Some((start, state.rest.split_off(keeps)))
    }

    /// Takes all items that are not started: nobody will start them.
    pub(crate) fn give_up(&self) -> VecDeque<In> {
        std::mem::take(&mut self.state.lock().rest)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn each_item_is_started_once_by_the_worker_or_by_who_took_it_and_results_know_their_place() {
        let local = Local::new();
        local.fill(10, (10..16).collect());
        let (mut results, mut claimed) = (Vec::new(), Vec::new());
        local.claim(1, 0, &mut results, &mut claimed);
        assert_eq!(claimed, [10]);
        assert_eq!(local.split(), Some((13, (13..16).collect())));
        results.push('a');
        local.claim(9, 1, &mut results, &mut claimed);
        local.claim(9, 0, &mut results, &mut claimed);
        assert_eq!(claimed, [10, 11, 12]);
        assert_eq!(local.done_from(), Some(10));
        assert_eq!(local.take_done(), Piece { start: 10, covers: 1, results: vec!['a'] });
        assert_eq!((local.len(), local.split()), (0, None));
        local.claim(9, 2, &mut vec!['b'], &mut claimed);
        assert_eq!(local.take_done(), Piece { start: 11, covers: 2, results: vec!['b'] });
    }

    #[test]
    fn the_last_item_can_be_taken_too() {
        let local = Local::<u8, u8>::new();
        local.fill(7, VecDeque::from([1]));
        assert_eq!(local.split(), Some((7, VecDeque::from([1]))));
    }
}
