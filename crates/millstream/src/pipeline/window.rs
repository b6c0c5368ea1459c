//! Where threads leave chunks of items, and one consumer takes them in the order of their numbers.
//!
//! It is the joint of every boundary: a `thread` has one producer that numbers its chunks itself, the workers of a
//! `parallel` stage take a number together with a chunk of the input. Waiting is by futures, one waker for each side:
//! there is one consumer, and only one producer at a time waits for room (in a team, the one that holds the intake).
//!
//! Invariants
//! 1. Chunk `n` is taken before chunk `n + 1` (unless the window is unordered: then in the order of arrival).
//! 2. At most `room` chunks are between the consumer and the newest chunk that a producer may begin.
//! 3. A chunk is in exactly one place: with its producer, in a slot, or with the consumer. After `close`, `put` gives
//!    it back, so that its items can be counted.
//! 4. A side that waits has left its waker under the lock after it saw that there was nothing; the other side changes
//!    the state under the lock and takes the waker with it. So no wake-up is lost, and it is called outside the lock.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use crate::sync::Mutex;

/// A bounded reorder window of chunks.
#[derive(Debug)]
pub(crate) struct Window<T> {
    state: Mutex<State<T>>,
    room: u64,
    ordered: bool,
}

#[derive(Debug)]
struct State<T> {
    /// The chunks that the consumer has taken.
    taken: u64,
    /// Ordered: slot `i` is for chunk `taken + i`. Unordered: finished chunks.
    slots: VecDeque<Option<Vec<T>>>,
    /// What the consumer put back of the chunk it took last.
    back: Option<Vec<T>>,
    /// How many chunks there are in all, once the input has ended.
    end: Option<u64>,
    closed: bool,
    /// Emptied chunks, to be filled again.
    spare: Vec<Vec<T>>,
    consumer: Option<Waker>,
    producer: Option<Waker>,
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
        let state = State {
            taken: 0,
            slots: VecDeque::new(),
            back: None,
            end: None,
            closed: false,
            spare: Vec::new(),
            consumer: None,
            producer: None,
        };
        Self { state: Mutex::new(state), room: room.max(1) as u64, ordered }
    }

    /// Ready once chunk `number` may be begun; with false when the window is closed.
    pub(crate) fn poll_room(&self, number: u64, cx: &mut Context<'_>) -> Poll<bool> {
        let mut state = self.state.lock();
        if state.closed {
            return Poll::Ready(false);
        }
        if number < state.taken + self.room {
            return Poll::Ready(true);
        }
        let before = state.producer.replace(cx.waker().clone());
        drop(state);
        drop(before);
        Poll::Pending
    }

    /// Whether chunk `number` may be begun at once.
    pub(crate) fn has_room(&self, number: u64) -> bool {
        let state = self.state.lock();
        !state.closed && number < state.taken + self.room
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
        let waiting = if next { state.consumer.take() } else { None };
        drop(state);
        wake(waiting);
        Ok(())
    }

    /// Says that there are `count` chunks in all.
    pub(crate) fn end(&self, count: u64) {
        let mut state = self.state.lock();
        state.end = Some(count);
        let waiting = state.consumer.take();
        drop(state);
        wake(waiting);
    }

    /// Ready with the next chunk, or with what there is instead.
    pub(crate) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Next<T>> {
        let mut state = self.state.lock();
        if state.closed {
            return Poll::Ready(Next::Closed);
        }
        if let Some(chunk) = state.back.take() {
            return Poll::Ready(Next::Chunk(chunk));
        }
        if let Some(Some(_)) = state.slots.front() {
            state.taken += 1;
            let chunk = state.slots.pop_front().flatten().unwrap_or_default();
            let waiting = state.producer.take();
            drop(state);
            wake(waiting);
            return Poll::Ready(Next::Chunk(chunk));
        }
        if state.end == Some(state.taken) {
            return Poll::Ready(Next::End);
        }
        let before = state.consumer.replace(cx.waker().clone());
        drop(state);
        drop(before);
        Poll::Pending
    }

    /// Whether the consumer would find something at once.
    pub(crate) fn has_next(&self) -> bool {
        let state = self.state.lock();
        state.back.is_some()
            || matches!(state.slots.front(), Some(Some(_)))
            || state.closed
            || state.end == Some(state.taken)
    }

    /// Leaves the first item in `chunk` and puts the others back, to be taken next: how one item of a chunk is timed.
    pub(crate) fn keep_first(&self, chunk: &mut Vec<T>) {
        if chunk.len() > 1 {
            let others = chunk.split_off(1);
            let mut state = self.state.lock();
            // After a close nobody takes them any more, and they stay where they are counted.
            if state.closed {
                drop(state);
                chunk.extend(others);
            } else {
                state.back = Some(others);
            }
        }
    }

    /// An empty vector, used before if there is one.
    pub(crate) fn blank(&self) -> Vec<T> {
        self.state.lock().spare.pop().unwrap_or_default()
    }

    /// Keeps an emptied vector for `blank`.
    pub(crate) fn recycle(&self, chunk: Vec<T>) {
        debug_assert!(chunk.is_empty(), "items are dropped outside the lock");
        let mut state = self.state.lock();
        if (state.spare.len() as u64) < self.room {
            state.spare.push(chunk);
        }
    }

    /// Ends all waits, and gives back what nobody took. The caller drops the items, outside the lock.
    pub(crate) fn close(&self) -> Vec<Vec<T>> {
        let mut state = self.state.lock();
        state.closed = true;
        let mut left = std::mem::take(&mut state.slots);
        left.push_front(state.back.take());
        let waiting = [state.consumer.take(), state.producer.take()];
        drop(state);
        waiting.into_iter().for_each(wake);
        left.into_iter().flatten().collect()
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

    #[test]
    fn chunks_come_out_in_the_order_of_their_numbers_whatever_order_they_came_in() {
        let window = Window::new(4, true);
        for number in [2, 0, 3, 1] {
            window.put(number, vec![number]).unwrap();
        }
        window.end(4);
        for number in 0..4 {
            assert_eq!(next(&window), Next::Chunk(vec![number]));
        }
        assert_eq!(next(&window), Next::End);
    }

    #[test]
    fn an_unordered_window_hands_out_what_came_first() {
        let window = Window::new(4, false);
        window.put(1, vec!['b']).unwrap();
        window.put(0, vec!['a']).unwrap();
        assert_eq!(next(&window), Next::Chunk(vec!['b']));
        assert_eq!(next(&window), Next::Chunk(vec!['a']));
    }

    #[test]
    fn a_closed_window_gives_back_what_it_held_and_what_comes_later() {
        let window = Window::new(4, true);
        window.put(1, vec![1]).unwrap();
        assert_eq!(window.close(), [vec![1]]);
        assert_eq!(window.put(0, vec![0]), Err(vec![0]));
        assert_eq!(next(&window), Next::Closed);
        assert!(!block_on(poll_fn(|cx| window.poll_room(0, cx))));
    }
}
