//! Where threads leave finished pieces of the input, and one consumer takes them in the order of
//! the input.
//!
//! It is the link of every boundary. A piece is what came of some consecutive items of the input:
//! it knows the number of its first item and how many items it covers, so a piece may be of any
//! size and may be split between workers. Waiting is by futures, one waker for each side: there is
//! one consumer, and only one producer at a time waits for room (in a team, the one that holds the
//! intake).
//!
//! Invariants
//! 1. A piece is taken before those behind it in the input (unless the window is unordered: then in
//!    the order of arrival).
//! 2. A producer that asks for room never starts an item further ahead of the consumer than the
//!    room it asked for.
//! 3. A piece is in exactly one place: with its producer, in the window, or with the consumer.
//!    After `close`, `put` gives it back, so that its items can be counted.
//! 4. A side that waits has left its waker under the lock after it saw that there was nothing; the
//!    other side changes the state under the lock and takes the waker with it. So no wake-up is
//!    lost, and it is called outside the lock.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use super::sleeper::Sleeper;
use crate::sync::Mutex;

/// What came of consecutive items of the input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Piece<T> {
    /// The number of the first item of the input that it covers.
    pub(crate) start: u64,
    /// How many items of the input it covers.
    pub(crate) covers: u64,
    /// What came of them: any number of results.
    pub(crate) results: Vec<T>,
}

/// A bounded reorder window of pieces.
#[derive(Debug)]
pub(crate) struct Window<T> {
    state: Mutex<State<T>>,
    ordered: bool,
    /// The consumer looks by itself, so it may be woken late.
    late: bool,
}

#[derive(Debug)]
struct State<T> {
    /// How many items of the input the consumer has taken the results of.
    taken: u64,
    /// Ordered: by their first item. Unordered: as they came.
    pieces: VecDeque<Piece<T>>,
    /// What the consumer put back of the piece it took last.
    back: Option<VecDeque<T>>,
    /// How many items the input has in all, once it has finished.
    end: Option<u64>,
    /// If the consumer wants a limited number of results.
    wanted: Option<Wanted>,
    closed: bool,
    /// Emptied vectors, to be filled again.
    spare: Vec<Vec<T>>,
    consumer: Sleeper,
    producer: Option<Waker>,
}

#[derive(Clone, Copy, Debug)]
struct Wanted {
    /// How many results the consumer wants that are not made.
    results: u64,
    /// Items that may be started while each gives one result.
    items: u64,
    /// Items that gave no result: as many more may be started.
    without: u64,
}

/// How far ahead of the consumer a producer may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ahead {
    /// The number of the next item of the input.
    pub(crate) next: u64,
    /// How many items it would like to start.
    pub(crate) count: u64,
    /// How many items may be ahead of the consumer.
    pub(crate) room: u64,
}

/// What the consumer finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<T> {
    Results(VecDeque<T>),
    End,
    Closed,
}

/// Vectors that are kept to be filled again.
const SPARE: usize = 64;

impl<T> Window<T> {
    pub(crate) fn new(ordered: bool) -> Self {
        let state = State {
            taken: 0,
            pieces: VecDeque::new(),
            back: None,
            end: None,
            wanted: None,
            closed: false,
            spare: Vec::new(),
            consumer: Sleeper::default(),
            producer: None,
        };
        Self { state: Mutex::new(state), ordered, late: false }
    }

    /// The same for a consumer that keeps what [`sleeper`](super::sleeper) says.
    pub(crate) fn late(ordered: bool) -> Self {
        Self { late: true, ..Self::new(ordered) }
    }

    /// Lets producers start no more than `results` and `more` items, and one more for each that
    /// gave no result, and none once there are `results` results: the consumer wants no more.
    pub(crate) fn want(&self, results: u64, more: u64) {
        let items = results.saturating_add(more);
        self.state.lock().wanted = Some(Wanted { results, items, without: 0 });
    }

    /// Ready with how many of the items may be started, at least one; with none when the window is
    /// closed.
    pub(crate) fn poll_room(&self, ahead: Ahead, cx: &mut Context<'_>) -> Poll<Option<u64>> {
        let mut state = self.state.lock();
        if state.closed {
            return Poll::Ready(None);
        }
        let room = state.room(ahead);
        if room > 0 {
            return Poll::Ready(Some(room));
        }
        let before = state.producer.replace(cx.waker().clone());
        let consumer = state.wake_for_piece(self.ordered);
        drop(state);
        drop(before);
        wake(consumer);
        Poll::Pending
    }

    /// Wakes the consumer if there is something for it: a producer has nothing to do.
    pub(crate) fn nudge(&self) {
        let consumer = self.state.lock().wake_for_piece(self.ordered);
        wake(consumer);
    }

    /// How many of the items may be started at once.
    pub(crate) fn room(&self, ahead: Ahead) -> u64 {
        let state = self.state.lock();
        if state.closed { 0 } else { state.room(ahead) }
    }

    /// Leaves a finished piece; gives it back when the window is closed.
    pub(crate) fn put(&self, piece: Piece<T>) -> Result<(), Piece<T>> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(piece);
        }
        let results = piece.results.len() as u64;
        let without = piece.covers.saturating_sub(results);
        let is_next = !self.ordered || piece.start == state.taken;
        if self.ordered {
            // Nearly always the last place: pieces come in nearly in order.
            let behind =
                state.pieces.iter().rev().take_while(|other| other.start > piece.start).count();
            let place = state.pieces.len() - behind;
            state.pieces.insert(place, piece);
        } else {
            state.pieces.push_back(piece);
        }
        let consumer = match is_next {
            true if self.late => state.consumer.take_if_late(),
            true => state.consumer.take(),
            false => None,
        };
        let mut producer = None;
        if let Some(wanted) = &mut state.wanted {
            wanted.results = wanted.results.saturating_sub(results);
            wanted.without += without;
            producer = if without > 0 { state.producer.take() } else { None };
        }
        drop(state);
        wake(consumer);
        wake(producer);
        Ok(())
    }

    /// Ends the input: it had `count` items in all.
    pub(crate) fn end(&self, count: u64) {
        let mut state = self.state.lock();
        state.end = Some(count);
        let waiting = state.consumer.take();
        drop(state);
        wake(waiting);
    }

    /// Ready with the next results, or with what there is instead.
    pub(crate) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Next<T>> {
        let mut state = self.state.lock();
        if state.closed {
            return Poll::Ready(Next::Closed);
        }
        if let Some(results) = state.back.take() {
            return Poll::Ready(Next::Results(results));
        }
        let mut found = None;
        let before = state.taken;
        while found.is_none()
            && state.has_piece(self.ordered)
            && let Some(Piece { covers, results, .. }) = state.pieces.pop_front()
        {
            state.taken += covers;
            // Of these items came nothing. The consumer has no use for that, but there is room for
            // more of them.
            if results.is_empty() {
                state.spare.push(results);
            } else {
                found = Some(Next::Results(results.into()));
            }
        }
        if found.is_none() && state.end == Some(state.taken) {
            found = Some(Next::End);
        }
        let producer = if state.taken > before { state.producer.take() } else { None };
        let replaced = match found {
            None => state.consumer.waits(cx.waker().clone()),
            // It may have waited until its patience ended: the next time is a new wait.
            Some(_) => state.consumer.take(),
        };
        drop(state);
        drop(replaced);
        wake(producer);
        found.map_or(Poll::Pending, Poll::Ready)
    }

    /// Whether the consumer would find something at once.
    pub(crate) fn has_next(&self) -> bool {
        let state = self.state.lock();
        state.back.is_some()
            || state.has_piece(self.ordered)
            || state.closed
            || state.end == Some(state.taken)
    }

    /// Whether what starts with item `start` is what the consumer takes next.
    pub(crate) fn is_next(&self, start: u64) -> bool {
        !self.ordered || self.state.lock().taken == start
    }

    /// Takes back what the consumer has not handed on, to be taken next, or the empty vector that
    /// it was in. What comes back is for the caller to count: the window is closed.
    pub(crate) fn put_back(&self, results: VecDeque<T>) -> Option<VecDeque<T>> {
        let mut state = self.state.lock();
        if results.is_empty() {
            if state.spare.len() < SPARE {
                state.spare.push(results.into());
            }
            return None;
        }
        if state.closed {
            return Some(results);
        }
        state.back = Some(results);
        None
    }

    /// An empty vector, used before if there is one.
    pub(crate) fn blank(&self) -> Vec<T> {
        self.state.lock().spare.pop().unwrap_or_default()
    }

    /// Ends all waits, and gives back what nobody took. The caller drops the items, outside the
    /// lock.
    pub(crate) fn close(&self) -> Vec<Vec<T>> {
        let mut state = self.state.lock();
        state.closed = true;
        let pieces = std::mem::take(&mut state.pieces);
        let back = state.back.take();
        let waiting = [state.consumer.take(), state.producer.take()];
        drop(state);
        waiting.into_iter().for_each(wake);
        back.into_iter()
            .map(Vec::from)
            .chain(pieces.into_iter().map(|piece| piece.results))
            .collect()
    }
}

impl<T> State<T> {
    /// To wake the consumer if there is a piece for it.
    fn wake_for_piece(&mut self, ordered: bool) -> Option<Waker> {
        if self.has_piece(ordered) { self.consumer.take() } else { None }
    }

    fn has_piece(&self, ordered: bool) -> bool {
        self.pieces.front().is_some_and(|piece| !ordered || piece.start == self.taken)
    }

    fn room(&self, ahead: Ahead) -> u64 {
        let mut end = self.taken.saturating_add(ahead.room.max(1));
        if let Some(Wanted { results, items, without }) = self.wanted {
            end = if results == 0 { 0 } else { end.min(items.saturating_add(without)) };
        }
        end.saturating_sub(ahead.next).min(ahead.count)
    }
}

fn wake(waiting: Option<Waker>) {
    if let Some(waker) = waiting {
        waker.wake();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::future::poll_fn;

    use super::*;
    use crate::park::block_on;

    fn next<T>(window: &Window<T>) -> Next<T> {
        block_on(poll_fn(|cx| window.poll_next(cx)))
    }

    fn piece<T>(start: u64, covers: u64, results: Vec<T>) -> Piece<T> {
        Piece { start, covers, results }
    }

    #[test]
    fn pieces_come_out_in_the_order_of_the_input_whatever_order_they_came_in() {
        let window = Window::new(true);
        for (start, covers) in [(3, 1), (0, 1), (4, 3), (1, 2)] {
            window.put(piece(start, covers, vec![start])).unwrap();
        }
        window.end(7);
        for start in [0, 1, 3, 4] {
            assert_eq!(next(&window), Next::Results([start].into()));
        }
        assert_eq!(next(&window), Next::End);
    }

    #[test]
    fn an_unordered_window_hands_out_what_came_first() {
        let window = Window::new(false);
        window.put(piece(1, 1, vec!['b'])).unwrap();
        window.put(piece(0, 1, vec!['a'])).unwrap();
        assert_eq!(next(&window), Next::Results(['b'].into()));
        assert_eq!(next(&window), Next::Results(['a'].into()));
    }

    #[test]
    fn items_that_gave_nothing_make_room_and_are_not_handed_on() {
        let window = Window::new(true);
        let ahead = Ahead { next: 4, count: 9, room: 4 };
        assert_eq!(window.room(ahead), 0);
        window.put(piece(0, 3, Vec::new())).unwrap();
        window.put(piece(3, 1, vec![3])).unwrap();
        assert_eq!(next(&window), Next::Results([3].into()));
        assert_eq!(window.room(ahead), 4);
    }

    #[test]
    fn no_more_items_are_started_than_results_are_wanted_but_for_those_that_gave_none() {
        let window = Window::new(false);
        window.want(2, 1);
        let ahead = |next| Ahead { next, count: 9, room: 100 };
        assert_eq!((window.room(ahead(0)), window.room(ahead(3))), (3, 0));
        window.put(piece::<u8>(0, 2, Vec::new())).unwrap();
        assert_eq!(window.room(ahead(3)), 2);
    }

    #[test]
    fn a_closed_window_gives_back_what_it_held_and_what_comes_later() {
        let window = Window::new(true);
        window.put(piece(1, 1, vec![1])).unwrap();
        assert_eq!(window.close(), [vec![1]]);
        assert_eq!(window.put(piece(0, 1, vec![0])), Err(piece(0, 1, vec![0])));
        assert_eq!(next(&window), Next::Closed);
        assert_eq!(
            block_on(poll_fn(|cx| window.poll_room(Ahead { next: 0, count: 1, room: 1 }, cx))),
            None
        );
    }
}
