//! The beginnings of a pipeline: an iterator, and anything that implements
//! [`Source`](crate::Source).

use std::collections::VecDeque;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::flow::{Pull, Pulled, Stepped, Stream};
use super::probe::Probe;
use super::run::Run;
use super::step::{Flow, Leaf};
use crate::clock::ticks::Burst;
use crate::context::Context;
use crate::source::{Filled, Source};

/// The parts of [`Stream`] that are the same for every source.
macro_rules! first_stage {
    ($name:literal) => {
        type With<N: Leaf<Self::Item>> = Stepped<Self, N>;
        const STAGES: usize = 1;
        const THREADS: bool = false;
        const BOUNDARY: bool = false;

        fn then<N: Leaf<Self::Item>>(self, step: N) -> Stepped<Self, N> {
            Stepped(self, step)
        }

        fn names(&self, names: &mut Vec<&'static str>) {
            names.push($name);
        }
    };
}

/// See [`Pipeline::from_iter`](crate::Pipeline::from_iter).
pub struct IterStream<I> {
    pub(crate) iter: I,
    /// Whether the iterator may keep the caller waiting between two items.
    pub(crate) waits: bool,
}

impl<I> fmt::Debug for IterStream<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IterStream").field("waits", &self.waits).finish_non_exhaustive()
    }
}

impl<I> Stream for IterStream<I>
where
    I: Iterator<Item: Send> + Send,
{
    type Item = I::Item;
    type Running = IterPull<I>;
    first_stage!("source");

    fn open(self, run: &Arc<Run>) -> IterPull<I> {
        IterPull {
            iter: Some(self.iter),
            waits: self.waits,
            read: 0,
            probe: Probe { run: Arc::clone(run), at: 0 },
        }
    }
}

/// A running iterator.
pub struct IterPull<I> {
    iter: Option<I>,
    waits: bool,
    read: u64,
    probe: Probe,
}

impl<I> fmt::Debug for IterPull<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IterPull").field("read", &self.read).finish_non_exhaustive()
    }
}

/// The iterator and its count on the stack, in registers if they fit, for the length of a burst;
/// they go back to where they live also when a stage unwinds.
struct Read<'a, I> {
    iter: Option<I>,
    burst: Burst,
    /// Whether the iterator's own code runs. The optimiser knows it at every place, so that it is
    /// never stored.
    reading: bool,
    pull: &'a mut IterPull<I>,
}

impl<I> Drop for Read<'_, I> {
    #[inline(always)]
    fn drop(&mut self) {
        self.pull.iter = self.iter.take();
        self.pull.read += self.burst.counted();
        if self.reading {
            self.pull.probe.panicked();
        }
    }
}

/// Notes the source as the stage that panicked, when it did.
struct SourceFuse<'a>(&'a Probe);

impl Drop for SourceFuse<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.panicked();
    }
}

impl<I> Pull for IterPull<I>
where
    I: Iterator<Item: Send> + Send,
{
    type Item = I::Item;

    /// The iterator runs its own loop (`try_fold`), which is faster than asking it item by item
    /// where it has to find out each time where it is: a range that includes its end, a chain, a
    /// flattened one.
    #[inline(always)]
    fn pull<const TIMED: bool>(
        &mut self,
        max: usize,
        emit: &mut impl FnMut(I::Item) -> Flow,
    ) -> Pulled {
        let max = if self.waits { 1 } else { max };
        let Some(iter) = self.iter.take() else { return Pulled::End };
        let mut read = Read { iter: Some(iter), burst: Burst::of(max), reading: false, pull: self };
        let Read { iter: Some(iter), burst, reading, pull } = &mut read else { return Pulled::End };
        if TIMED {
            loop {
                let Some(item) = next(iter, &pull.probe) else { return Pulled::End };
                burst.add();
                if emit(item).is_break() {
                    return Pulled::Stopped;
                }
                if burst.is_finished() {
                    return Pulled::More;
                }
            }
        }
        *reading = true;
        let flow = iter.try_fold((), |(), item| {
            *reading = false;
            burst.add();
            if emit(item).is_break() {
                return ControlFlow::Break(Pulled::Stopped);
            }
            if burst.is_finished() {
                return ControlFlow::Break(Pulled::More);
            }
            *reading = true;
            ControlFlow::Continue(())
        });
        *reading = false;
        flow.break_value().unwrap_or(Pulled::End)
    }

    fn chunk(&self) -> Option<usize> {
        None
    }

    fn ready(&self) -> bool {
        !self.waits
    }

    fn publish(&mut self) {
        self.probe.counters().entered.fetch_add(std::mem::take(&mut self.read), Ordering::Relaxed);
    }
}

/// Asks for one item and keeps how long it took.
#[cold]
fn next<I: Iterator>(iter: &mut I, probe: &Probe) -> Option<I::Item> {
    let start = crate::clock::stopwatch();
    let item = guarded(probe, || iter.next());
    probe.counters().sample(start.elapsed());
    item
}

/// Runs the source's own code; a panic in it is noted as the source's.
#[inline(always)]
#[expect(
    clippy::mem_forget,
    reason = "the fuse holds only a reference; forgetting keeps the path without a panic free"
)]
fn guarded<R>(probe: &Probe, f: impl FnOnce() -> R) -> R {
    let fuse = SourceFuse(probe);
    let result = f();
    std::mem::forget(fuse);
    result
}

/// See [`Pipeline::from`](crate::Pipeline::from).
#[derive(Debug)]
pub struct SourceStream<S> {
    pub(crate) source: S,
    /// Cancelling this ends the input; what was read still flows to the end.
    pub(crate) until: Option<Context>,
}

impl<S: Source> Stream for SourceStream<S> {
    type Item = S::Item;
    type Running = SourcePull<S>;
    first_stage!("source");

    fn open(self, run: &Arc<Run>) -> SourcePull<S> {
        // Waiting inside the source must end both when the run stops and when the input is to end.
        let input = run.ctx_at(0).child();
        let ends_with = self.until.map(|until| {
            let input = input.clone();
            until.on_cancel(move |cause| {
                input.cancel(cause.clone());
            })
        });
        let probe = Probe { run: Arc::clone(run), at: 0 };
        SourcePull {
            source: self.source,
            ready: VecDeque::new(),
            ended: false,
            read: 0,
            handed: 0,
            input,
            _ends_with: ends_with,
            probe,
        }
    }
}

/// A running [`Source`](crate::Source).
pub struct SourcePull<S: Source> {
    source: S,
    ready: VecDeque<S::Item>,
    ended: bool,
    read: u64,
    /// Items of the last pull.
    handed: usize,
    input: Context,
    _ends_with: Option<crate::context::OnCancel>,
    probe: Probe,
}

impl<S: Source> fmt::Debug for SourcePull<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourcePull").field("read", &self.read).finish_non_exhaustive()
    }
}

impl<S: Source> SourcePull<S> {
    /// Asks the source for more. False: the run failed, or was cancelled.
    fn fill(&mut self, max: usize) -> bool {
        if self.input.is_cancelled() {
            return self.end();
        }
        let start = crate::clock::stopwatch();
        let filled = guarded(&self.probe, || self.source.fill(&self.input, &mut self.ready, max));
        let waited = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.probe.counters().busy_ns.fetch_add(waited, Ordering::Relaxed);
        if self.ready.len() < max {
            // It gave all it had: the time went by in waiting. A source that gives as much as it is
            // asked for works.
            Run::add_wait(start);
        }
        match filled {
            Ok(Filled::More) => true,
            Ok(Filled::End) => self.end(),
            Err(error) => {
                self.probe.fail(error.into());
                false
            }
        }
    }

    /// The input has finished: because there is no more, or only because the run was cancelled
    /// while the source waited.
    fn end(&mut self) -> bool {
        self.ended = true;
        !self.probe.run.ctx_at(0).is_cancelled()
    }
}

impl<S: Source> Pull for SourcePull<S> {
    type Item = S::Item;

    fn pull<const TIMED: bool>(
        &mut self,
        max: usize,
        emit: &mut impl FnMut(S::Item) -> Flow,
    ) -> Pulled {
        if self.ready.is_empty() && !self.ended && !self.fill(max) {
            return Pulled::Stopped;
        }
        self.handed = 0;
        let mut burst = Burst::of(max);
        while let Some(item) = self.ready.pop_front() {
            self.read += 1;
            self.handed += 1;
            burst.add();
            if emit(item).is_break() {
                return Pulled::Stopped;
            }
            if burst.is_finished() {
                break;
            }
        }
        if self.ended && self.ready.is_empty() { Pulled::End } else { Pulled::More }
    }

    fn chunk(&self) -> Option<usize> {
        Some(self.handed)
    }

    fn ready(&self) -> bool {
        !self.ready.is_empty()
    }

    fn abandon(&mut self) {
        // Items that the source handed over and nobody took were read, and are lost to the
        // cancellation.
        let left = self.ready.drain(..).count() as u64;
        self.read += left;
        self.probe.counters().cancelled.fetch_add(left, Ordering::Relaxed);
    }

    fn publish(&mut self) {
        self.probe.counters().entered.fetch_add(std::mem::take(&mut self.read), Ordering::Relaxed);
    }
}
