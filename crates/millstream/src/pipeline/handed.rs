//! A chunk's items on their way to what follows, one by one.
//!
//! What is left when it is dropped, because the run stops or a stage unwinds, is counted as cancelled.

use std::sync::atomic::{AtomicU64, Ordering};
use std::vec::Drain;

use super::step::Flow;
use super::terminal::Loan;
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

    /// Hands all on. A chunk is long for a slow stage: the end of `ctx` is looked for after every `LOOK` items.
    #[inline(always)]
    pub(crate) fn each<const LOOK: usize>(
        &mut self,
        ctx: &Context,
        emit: &mut impl FnMut(T) -> Flow,
    ) -> Flow {
        let mut loan = Loan::of(&mut self.items);
        let Some(items) = &mut *loan.value else { return Flow::Continue(()) };
        loop {
            for _ in 0..LOOK {
                let Some(item) = items.next() else { return Flow::Continue(()) };
                emit(item)?;
            }
            if ctx.is_cancelled() {
                return Flow::Break(());
            }
        }
    }
}

impl<T> Drop for Handed<'_, T> {
    fn drop(&mut self) {
        let left = self.len() as u64;
        if left > 0 {
            self.cancelled.fetch_add(left, Ordering::Relaxed);
        }
    }
}
