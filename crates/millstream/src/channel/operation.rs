//! What can be done to a channel, each once: an attempt on the state under the lock.

use std::collections::VecDeque;

use super::shared::Operation;
use super::state::{Refusal, Side, State};
use crate::context::Cause;

/// Sends one item, which stays in the option until it is queued. Afterwards the option holds what
/// was dropped for it.
pub(super) struct Push<'i, T>(pub(super) &'i mut Option<T>);

impl<T> Operation<T> for Push<'_, T> {
    type Output = Result<(), Refusal>;
    const SIDE: Side = Side::Sender;

    fn want(&self) -> usize {
        1
    }

    #[inline]
    fn attempt(&mut self, state: &mut State<T>) -> Option<Self::Output> {
        state.push(self.0)
    }
}

/// Sends a whole chunk; what is not yet queued stays in the deque.
pub(super) struct PushMany<'i, T> {
    chunk: &'i mut VecDeque<T>,
    /// What was dropped to make room, kept until the lock is released.
    evicted: VecDeque<T>,
}

impl<'i, T> PushMany<'i, T> {
    pub(super) fn new(chunk: &'i mut VecDeque<T>) -> Self {
        Self { chunk, evicted: VecDeque::new() }
    }
}

impl<T> Operation<T> for PushMany<'_, T> {
    type Output = Result<(), Refusal>;
    const SIDE: Side = Side::Sender;

    fn want(&self) -> usize {
        self.chunk.len()
    }

    fn attempt(&mut self, state: &mut State<T>) -> Option<Self::Output> {
        state.push_many(self.chunk, &mut self.evicted)
    }
}

/// Sets one place aside.
pub(super) struct Reserve;

impl<T> Operation<T> for Reserve {
    type Output = Result<(), Refusal>;
    const SIDE: Side = Side::Sender;

    fn want(&self) -> usize {
        1
    }

    fn attempt(&mut self, state: &mut State<T>) -> Option<Self::Output> {
        state.reserve()
    }
}

/// Receives one item.
pub(super) struct Pop;

impl<T> Operation<T> for Pop {
    type Output = Result<T, Cause>;
    const SIDE: Side = Side::Receiver;

    fn want(&self) -> usize {
        1
    }

    #[inline]
    fn attempt(&mut self, state: &mut State<T>) -> Option<Self::Output> {
        state.pop()
    }
}

/// Receives what is ready, at most `max` items, at the end of the buffer.
pub(super) struct PopMany<'i, T> {
    pub(super) buffer: &'i mut VecDeque<T>,
    pub(super) max: usize,
}

impl<T> Operation<T> for PopMany<'_, T> {
    type Output = Result<usize, Cause>;
    const SIDE: Side = Side::Receiver;

    fn want(&self) -> usize {
        self.max
    }

    fn attempt(&mut self, state: &mut State<T>) -> Option<Self::Output> {
        state.pop_many(self.buffer, self.max)
    }
}
