//! Where parallel workers leave finished chunks, and one consumer takes them in the order of the input.
//!
//! Invariants
//! 1. Chunk `n` is taken before chunk `n + 1` (unless the window is unordered: then in the order of arrival).
//! 2. At most `room` chunks are between the consumer and the newest chunk that a worker may begin.
//! 3. A chunk is in exactly one place: with its worker, in a slot, or with the consumer. After `close`, `put` gives
//!    it back, so that its items can be counted.
//! 4. Whoever waits looks under the lock, and everything that ends a wait changes the state under it and then
//!    rings the bell: no wake-up is lost.

use std::collections::VecDeque;

use crate::sync::{Condvar, Mutex};

/// A bounded reorder window of chunks.
#[derive(Debug)]
pub(crate) struct Window<T> {
    state: Mutex<State<T>>,
    bell: Condvar,
    room: u64,
    ordered: bool,
}

#[derive(Debug)]
struct State<T> {
    /// The chunks that the consumer has taken.
    taken: u64,
    /// Ordered: slot `i` is for chunk `taken + i`. Unordered: finished chunks.
    slots: VecDeque<Option<Vec<T>>>,
    /// How many chunks there are in all, once the input has ended.
    end: Option<u64>,
    closed: bool,
    /// Emptied chunks, to be filled again.
    spare: Vec<Vec<T>>,
}

/// What the consumer finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<T> {
    Chunk(Vec<T>),
    End,
    Closed,
}

impl<T> Window<T> {
    pub(crate) fn new(room: usize, ordered: bool) -> Self {
        let state =
            State { taken: 0, slots: VecDeque::new(), end: None, closed: false, spare: Vec::new() };
        Self { state: Mutex::new(state), bell: Condvar::new(), room: room.max(1) as u64, ordered }
    }

    /// Waits until chunk `number` may be begun. False: the window is closed.
    pub(crate) fn wait_for_room(&self, number: u64) -> bool {
        let mut state = self.state.lock();
        while !state.closed && number >= state.taken + self.room {
            state = self.bell.wait(state);
        }
        !state.closed
    }

    /// Leaves finished chunk `number`; gives it back when the window is closed.
    pub(crate) fn put(&self, number: u64, chunk: Vec<T>) -> Result<(), Vec<T>> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(chunk);
        }
        let mut next = true;
        if self.ordered {
            let slot = usize::try_from(number - state.taken).unwrap_or(usize::MAX);
            if state.slots.len() <= slot {
                state.slots.resize_with(slot + 1, || None);
            }
            state.slots[slot] = Some(chunk);
            next = slot == 0;
        } else {
            state.slots.push_back(Some(chunk));
        }
        drop(state);
        if next {
            self.bell.notify_all();
        }
        Ok(())
    }

    /// Says that there are `count` chunks in all.
    pub(crate) fn end(&self, count: u64) {
        self.state.lock().end = Some(count);
        self.bell.notify_all();
    }

    /// Waits for the next chunk.
    pub(crate) fn next(&self) -> Next<T> {
        let mut state = self.state.lock();
        loop {
            if state.closed {
                return Next::Closed;
            }
            if let Some(Some(_)) = state.slots.front() {
                state.taken += 1;
                let chunk = state.slots.pop_front().flatten().unwrap_or_default();
                drop(state);
                self.bell.notify_all();
                return Next::Chunk(chunk);
            }
            if state.end == Some(state.taken) {
                return Next::End;
            }
            state = self.bell.wait(state);
        }
    }

    /// An empty vector, used before if there is one.
    pub(crate) fn blank(&self) -> Vec<T> {
        self.state.lock().spare.pop().unwrap_or_default()
    }

    /// Keeps an emptied vector for `blank`.
    pub(crate) fn recycle(&self, mut chunk: Vec<T>) {
        chunk.clear();
        let mut state = self.state.lock();
        if (state.spare.len() as u64) < self.room {
            state.spare.push(chunk);
        }
    }

    /// Ends all waits, and gives back what nobody took. Items are dropped by the caller, outside the lock.
    pub(crate) fn close(&self) -> Vec<Vec<T>> {
        let mut state = self.state.lock();
        state.closed = true;
        let left = std::mem::take(&mut state.slots);
        drop(state);
        self.bell.notify_all();
        left.into_iter().flatten().collect()
    }

    /// Ends all waits without taking anything out: `close` still gives back what is there.
    pub(crate) fn stop(&self) {
        self.state.lock().closed = true;
        self.bell.notify_all();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn chunks_come_out_in_the_order_of_their_numbers_whatever_order_they_came_in() {
        let window = Window::new(4, true);
        for number in [2, 0, 3, 1] {
            window.put(number, vec![number]).unwrap();
        }
        window.end(4);
        for number in 0..4 {
            assert_eq!(window.next(), Next::Chunk(vec![number]));
        }
        assert_eq!(window.next(), Next::End);
    }

    #[test]
    fn an_unordered_window_hands_out_what_came_first() {
        let window = Window::new(4, false);
        window.put(1, vec!['b']).unwrap();
        window.put(0, vec!['a']).unwrap();
        assert_eq!(window.next(), Next::Chunk(vec!['b']));
        assert_eq!(window.next(), Next::Chunk(vec!['a']));
    }

    #[test]
    fn a_closed_window_gives_back_what_it_held_and_what_comes_later() {
        let window = Window::new(4, true);
        window.put(1, vec![1]).unwrap();
        assert_eq!(window.close(), [vec![1]]);
        assert_eq!(window.put(0, vec![0]), Err(vec![0]));
        assert_eq!(window.next(), Next::Closed);
        assert!(!window.wait_for_room(0));
    }
}
