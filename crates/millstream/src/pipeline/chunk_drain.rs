//! A chunk's items on their way to what follows, one by one.
//!
//! What is left when the run stops, or when a stage unwinds, is counted as cancelled.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::vec::Drain;

use super::step::Flow;
use super::terminal::MoveGuard;
use crate::clock::ticks::Burst;

/// The number of items handed on between two looks at the tick, which would cost as much as a cheap
/// item.
pub(crate) const STRIDE: usize = 8;

/// Hands on up to `max` items of `chunk`, or as many as take ten milliseconds. The others stay in
/// it, unless the run stops.
///
/// `left` counts those that were handed on.
#[inline(always)]
pub(crate) fn hand_on<T>(
    chunk: &mut VecDeque<T>,
    max: usize,
    cancelled: &AtomicU64,
    left: Option<&AtomicU64>,
    emit: &mut impl FnMut(T) -> Flow,
) -> Flow {
    let burst = Burst::of(max);
    if chunk.len() > max {
        return some(&mut Slowly { chunk, cancelled, left, stops: true }, burst, emit);
    }
    let mut items = Vec::from(std::mem::take(chunk));
    let mut handed =
        HandedOn { came: items.len(), items: ChunkDrain::new(&mut items, cancelled), left };
    handed.items.each_for::<STRIDE>(burst, emit)?;
    let rest = handed.items.rest();
    handed.came -= rest.len();
    drop(handed);
    *chunk = if rest.is_empty() { items.into() } else { rest.into() };
    Flow::Continue(())
}

/// The way of a chunk that is not handed on at once: what follows is slow.
fn some<T>(slowly: &mut Slowly<'_, T>, mut burst: Burst, emit: &mut impl FnMut(T) -> Flow) -> Flow {
    while let Some(item) = slowly.chunk.pop_front() {
        burst.add();
        if let Some(left) = slowly.left {
            left.fetch_add(1, Ordering::Relaxed);
        }
        emit(item)?;
        if burst.is_finished() {
            break;
        }
    }
    slowly.stops = false;
    Flow::Continue(())
}

struct Slowly<'a, T> {
    chunk: &'a mut VecDeque<T>,
    cancelled: &'a AtomicU64,
    left: Option<&'a AtomicU64>,
    stops: bool,
}

impl<T> Drop for Slowly<'_, T> {
    fn drop(&mut self) {
        if self.stops && !self.chunk.is_empty() {
            self.cancelled.fetch_add(self.chunk.len() as u64, Ordering::Relaxed);
            self.chunk.clear();
        }
    }
}

/// Counts the items that were handed on, also when what follows unwinds.
struct HandedOn<'a, T> {
    came: usize,
    items: ChunkDrain<'a, T>,
    left: Option<&'a AtomicU64>,
}

impl<T> Drop for HandedOn<'_, T> {
    fn drop(&mut self) {
        if let Some(left) = self.left {
            left.fetch_add((self.came - self.items.len()) as u64, Ordering::Relaxed);
        }
    }
}

/// The items of one chunk.
pub(crate) struct ChunkDrain<'a, T> {
    items: Option<Drain<'a, T>>,
    cancelled: &'a AtomicU64,
}

impl<'a, T> ChunkDrain<'a, T> {
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

    /// Hands all on, or as many as there is time for, of which it looks in front of every `STRIDE`
    /// items.
    #[inline(always)]
    pub(crate) fn each_for<const STRIDE: usize>(
        &mut self,
        time: Burst,
        emit: &mut impl FnMut(T) -> Flow,
    ) -> Flow {
        let mut guard = MoveGuard::of(&mut self.items);
        let Some(items) = &mut *guard.value else { return Flow::Continue(()) };
        while items.len() > 0 && !time.is_at_end() {
            for _ in 0..STRIDE {
                let Some(item) = items.next() else { break };
                emit(item)?;
            }
        }
        Flow::Continue(())
    }

    /// Takes what is left.
    pub(crate) fn rest(&mut self) -> Vec<T> {
        self.items.take().map(Iterator::collect).unwrap_or_default()
    }
}

impl<T> Drop for ChunkDrain<'_, T> {
    fn drop(&mut self) {
        let left = self.len() as u64;
        if left > 0 {
            self.cancelled.fetch_add(left, Ordering::Relaxed);
        }
    }
}
