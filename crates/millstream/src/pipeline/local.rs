//! A worker's own part of the input: the items that it has not started, and the results that have
//! not left.
//!
//! Both can be taken by others while the worker is inside of an item: what is not started by an
//! idle worker, results by the consumer. So an item that takes long holds up nothing but itself,
//! however many items its worker took at once. When to take is not decided here.

use std::vec::IntoIter;

use super::window::Piece;
use crate::sync::Mutex;

/// Of more workers than this, not all will ever wait for one that has a few items left.
const MOST: usize = 32;

/// What a worker took and has not finished.
#[derive(Debug)]
pub(crate) struct Local<In, Out> {
    workers: usize,
    state: Mutex<State<In, Out>>,
}

#[derive(Debug)]
struct State<In, Out> {
    /// Items that are not started, consecutive in the input.
    rest: IntoIter<In>,
    /// The number of the first of them.
    next: u64,
    /// What came of the items before, and is not in the window.
    done: Piece<Out>,
}

impl<In, Out> Local<In, Out> {
    /// The local queue of one of `workers` workers.
    pub(crate) fn new(workers: usize) -> Self {
        let done = Piece { start: 0, covers: 0, results: Vec::new() };
        Self {
            workers: workers.min(MOST),
            state: Mutex::new(State { rest: IntoIter::default(), next: 0, done }),
        }
    }

    /// Gives the worker, which has nothing left, consecutive items of which the first is number
    /// `start`.
    pub(crate) fn fill(&self, start: u64, items: Vec<In>) {
        let mut state = self.state.lock();
        debug_assert!(
            state.rest.len() == 0 && state.done.covers == 0,
            "the worker had finished what it had"
        );
        state.next = start;
        state.done.start = start;
        state.rest = items.into_iter();
    }

    /// Leaves what came of `covered` items that were claimed before, gives back those in `claimed`,
    /// which were not started after all, and takes up to `max` items to start now. The last ones,
    /// as many as there are workers, are taken one by one: each might be for another worker.
    ///
    /// Results and items move in one step, so that each of them is always with the worker or here.
    pub(crate) fn claim(
        &self,
        max: usize,
        covered: u64,
        results: &mut Vec<Out>,
        claimed: &mut Vec<In>,
    ) {
        let mut state = self.state.lock();
        state.done.covers += covered;
        state.done.results.append(results);
        state.next -= claimed.len() as u64;
        if !claimed.is_empty() {
            claimed.extend(state.rest.by_ref());
            state.rest = std::mem::take(claimed).into_iter();
        }
        let max = max.min(state.rest.len().saturating_sub(self.workers).max(1));
        if max >= state.rest.len() {
            // The vector itself: nothing is copied.
            *claimed = std::mem::take(&mut state.rest).collect();
        } else {
            claimed.extend(state.rest.by_ref().take(max));
        }
        state.next += claimed.len() as u64;
    }

    /// Takes the results that are there, to put them into the window, and leaves an empty vector
    /// for further ones. They cover no item when there are none.
    pub(crate) fn take_done(&self, empty: Vec<Out>) -> Piece<Out> {
        let mut state = self.state.lock();
        let start = state.done.start + state.done.covers;
        std::mem::replace(&mut state.done, Piece { start, covers: 0, results: empty })
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
    pub(crate) fn split(&self) -> Option<(u64, Vec<In>)> {
        let mut state = self.state.lock();
        let keeps = state.rest.len() / 2;
        if state.rest.len() == 0 {
            return None;
        }
        let mut first: Vec<In> = std::mem::take(&mut state.rest).collect();
        let taken = first.split_off(keeps);
        state.rest = first.into_iter();
        Some((state.next + keeps as u64, taken))
    }

    /// Takes all items that are not started: nobody will start them.
    pub(crate) fn give_up(&self) -> Vec<In> {
        std::mem::take(&mut self.state.lock().rest).collect()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn each_item_is_started_once_by_the_worker_or_by_who_took_it_and_results_know_their_place() {
        let local = Local::new(1);
        local.fill(10, (10..16).collect());
        let (mut results, mut claimed) = (Vec::new(), Vec::new());
        local.claim(1, 0, &mut results, &mut claimed);
        assert_eq!(claimed, [10]);
        assert_eq!(local.split(), Some((13, (13..16).collect())));
        results.push('a');
        let mut started = std::mem::take(&mut claimed);
        local.claim(9, 1, &mut results, &mut claimed);
        started.append(&mut claimed);
        local.claim(9, 0, &mut results, &mut claimed);
        started.append(&mut claimed);
        assert_eq!(started, [10, 11, 12]);
        assert_eq!(local.done_from(), Some(10));
        assert_eq!(local.take_done(Vec::new()), Piece { start: 10, covers: 1, results: vec!['a'] });
        assert_eq!((local.len(), local.split()), (0, None));
        local.claim(9, 2, &mut vec!['b'], &mut claimed);
        assert_eq!(local.take_done(Vec::new()), Piece { start: 11, covers: 2, results: vec!['b'] });
    }

    #[test]
    fn items_that_were_claimed_and_not_started_can_be_taken_again_also_by_others() {
        let local = Local::<u8, u8>::new(2);
        local.fill(7, (0..24).collect());
        let mut claimed = Vec::new();
        local.claim(3, 0, &mut Vec::new(), &mut claimed);
        assert_eq!(local.split(), Some((7 + 13, (13..24).collect())));
        claimed.remove(0);
        local.claim(1, 1, &mut vec![0], &mut claimed);
        assert_eq!((claimed, local.len()), (vec![1], 11));
        assert_eq!(local.split(), Some((7 + 7, (7..13).collect())));
        assert_eq!(local.take_done(Vec::new()), Piece { start: 7, covers: 1, results: vec![0] });
    }

    #[test]
    fn the_last_item_can_be_taken_too() {
        let local = Local::<u8, u8>::new(2);
        local.fill(7, vec![1]);
        assert_eq!(local.split(), Some((7, vec![1])));
    }
}
