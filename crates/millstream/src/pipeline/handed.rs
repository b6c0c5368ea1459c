//! A chunk's items on their way to what follows, one by one.
//!
//! What is left when it is dropped, because the run stops or a stage unwinds, is counted as cancelled.

use std::sync::atomic::{AtomicU64, Ordering};
use std::vec::Drain;

use super::step::Flow;
use super::terminal::Loan;
use crate::clock::ticks;
use crate::context::Context;

/// The items of one chunk.
pub(crate) struct Handed<'a, T> {
    items: Option<Drain<'a, T>>,
    cancelled: &'a AtomicU64,
}

impl<'a, T> Handed<'a, T> {
    /// All of `chunk`; those that nobody takes are added to `cancelled`.
    pub(crate) fn new(chunk: &'a mut Vec<T>, cancelled: &'a AtomicU64) -> Self {
        Self { items: Some(chunk.drain(..)), cancelled }
    }

    pub(crate) fn len(&self) -> usize {
        self.items.as_ref().map_or(0, Drain::len)
    }

    pub(crate) fn next(&mut self) -> Option<T> {
        self.items.as_mut()?.next()
    }

    /// Hands all on.
    #[inline(always)]
    pub(crate) fn each(&mut self, emit: &mut impl FnMut(T) -> Flow) -> Flow {
        let mut loan = Loan::of(&mut self.items);
        let Some(items) = &mut *loan.value else { return Flow::Continue(()) };
        items.try_for_each(emit)
    }

    /// Hands all on until `ctx` ends, or a while has passed: what follows may take long for each of them.
    #[inline(always)]
    pub(crate) fn each_until(&mut self, ctx: &Context, emit: &mut impl FnMut(T) -> Flow) -> Ended {
        let tick = ticks::now();
        let mut paused = false;
        let flow = self.each(&mut |item| {
            emit(item)?;
            paused = ticks::now() != tick;
            if paused || ctx.is_cancelled() { Flow::Break(()) } else { Flow::Continue(()) }
        });
        match flow {
            Flow::Continue(()) => Ended::Done,
            Flow::Break(()) if paused && !ctx.is_cancelled() => Ended::Paused,
            Flow::Break(()) => Ended::Stopped,
        }
    }

    /// Takes what is left.
    pub(crate) fn rest(&mut self) -> Vec<T> {
        self.items.take().map(Iterator::collect).unwrap_or_default()
    }
}

/// How handing on ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Done,
    /// Some are left, to be handed on later.
    Paused,
    Stopped,
}

impl<T> Drop for Handed<'_, T> {
    fn drop(&mut self) {
        let left = self.len() as u64;
        if left > 0 {
            self.cancelled.fetch_add(left, Ordering::Relaxed);
        }
    }
}
