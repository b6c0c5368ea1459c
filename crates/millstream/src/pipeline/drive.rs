//! The loop that every thread of a run is in: pull a burst, look whether to stop, pull the next.
//!
//! A burst is as many items as take about 50 microseconds. So a cancellation is seen that fast (or
//! after one item that takes longer), what is gathered for the next thread leaves that often, and
//! looking costs nothing per item.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::flow::{Pull, Pulled, RunScope};
use super::run::Run;
use super::step::Flow;
use crate::clock::stopwatch;
use crate::clock::ticks::Ticks;
use crate::context::Context;
use crate::panics;

const BURST: Duration = Duration::from_nanos(BURST_NS);
const BURST_NS: u64 = 50_000;
const LARGEST: usize = 1 << 16;
/// A burst that takes this many times longer than it should makes the next one a single item.
const LONG: u32 = 16;
/// One item in this number of bursts is timed stage by stage.
const SAMPLE_EVERY: u32 = 16;
/// Items slower than this are all timed: two clock readings are nothing beside them.
const SLOW_ITEM: Duration = Duration::from_micros(5);

/// Where a thread's items go: the sink, or the channel to the next thread.
pub(crate) trait Outlet<T> {
    /// Takes one item.
    fn take(&mut self, item: T) -> Flow;
    /// Takes a burst. An outlet whose state belongs in registers keeps it on the stack meanwhile.
    #[inline(always)]
    fn burst<A: Ask<T>>(&mut self, ask: A) -> Pulled {
        ask.pull(&mut |item| self.take(item))
    }
    /// the burst has finished: nothing may wait here for a full chunk. `ready`: more can be had
    /// without waiting.
    fn pause(&mut self, _ready: bool) -> Flow {
        Flow::Continue(())
    }
    /// Moves what it counts to the shared counters.
    fn publish(&mut self) {}
}

/// One burst, asked of a running pipeline.
pub(crate) trait Ask<T> {
    /// Pulls it into `emit`.
    fn pull(self, emit: &mut impl FnMut(T) -> Flow) -> Pulled;
}

/// A burst of up to `max` items of the source; `TIMED` samples the time of its stages.
struct Burst<'a, P, const TIMED: bool>(&'a mut P, usize);

impl<P: Pull, const TIMED: bool> Ask<P::Item> for Burst<'_, P, TIMED> {
    #[inline(always)]
    fn pull(self, emit: &mut impl FnMut(P::Item) -> Flow) -> Pulled {
        self.0.pull::<TIMED>(self.1, emit)
    }
}

/// How a thread's part of the run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// All items went through.
    Complete,
    /// Stopped early; why is in the run.
    Stopped,
}

/// How many items the next burst has, and whether it is a sample.
#[derive(Debug)]
pub(crate) struct Pace {
    pub(crate) size: usize,
    bursts: u32,
    slow: bool,
    since: Instant,
    /// Ends bursts that take much longer than they should: held as soon as there are bursts of
    /// several items.
    ticks: Option<Ticks>,
}

impl Pace {
    pub(crate) fn new() -> Self {
        Self::since(stopwatch())
    }

    /// The first burst begins at `since`.
    pub(crate) fn since(since: Instant) -> Self {
        Self { size: 1, bursts: 0, slow: false, since, ticks: None }
    }

    pub(crate) fn samples(&self) -> bool {
        self.slow || self.bursts % SAMPLE_EVERY == SAMPLE_EVERY / 2
    }

    /// Sizes the next burst by how long this one took.
    ///
    /// The time that the thread waited, for items or for room, says nothing about the items.
    pub(crate) fn adapt(&mut self, sampled: bool, chunk: Option<usize>) {
        let now = stopwatch();
        let took = now.duration_since(self.since).saturating_sub(Run::waited());
        self.since = now;
        self.bursts = self.bursts.wrapping_add(1);
        if sampled && !self.slow {
            return;
        }
        let items = chunk.unwrap_or(self.size).max(1);
        self.slow = took > SLOW_ITEM * u32::try_from(items).unwrap_or(u32::MAX);
        self.size = if took * 2 < BURST {
            // Half of what would fit, so that one fast burst does not promise too much.
            let fit = BURST_NS / u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).max(1);
            (items * usize::try_from(fit / 2).unwrap_or(usize::MAX).clamp(2, 64))
                .max(self.size)
                .min(LARGEST)
        } else if took > BURST * LONG {
            // The items became expensive, or the system was busy.
            1
        } else if took > BURST * 2 {
            (self.size / 2).max(1)
        } else {
            self.size
        };
        if self.size > 1 && self.ticks.is_none() {
            self.ticks = Some(Ticks::start());
        }
    }
}

/// Runs one thread's part to its end: alone first, in a scope once that pays.
pub(crate) fn drive<P: Pull, O: Outlet<P::Item>>(
    head: &mut P,
    outlet: &mut O,
    run: &Arc<Run>,
    threads: bool,
) -> End {
    let mut pace = Pace::since(run.started);
    let pulled =
        if threads { Pulled::NeedThreads } else { pump(head, outlet, run, run.ctx(), &mut pace) };
    if pulled != Pulled::NeedThreads {
        return conclude(pulled, head, outlet, run);
    }
    let joined = crate::scope::scope(run.ctx(), |scope| {
        // The threads listen to the run. So it must hear of a panic outside of the stages (the drop
        // of an item that is given up, say) before the scope waits for them.
        let caught =
            panics::catch("pipeline", || drive_in(scope, head, outlet, run, run.ctx(), pace));
        Ok::<_, Infallible>(caught.unwrap_or_else(|panic| {
            run.panicked(panic);
            End::Stopped
        }))
    });
    match joined {
        Ok(end) => end,
        // Every thread of the scope catches its own panics and reports errors to the run; what is
        // left is a cancellation from outside, which the run knows about.
        Err(_) => End::Stopped,
    }
}

/// The same on a thread that already has a scope around it, until `ctx` ends.
pub(crate) fn drive_in<'scope, 'env: 'scope, P: Pull + 'scope, O: Outlet<P::Item>>(
    scope: &RunScope<'scope, 'env>,
    head: &mut P,
    outlet: &mut O,
    run: &Arc<Run>,
    ctx: &Context,
    mut pace: Pace,
) -> End {
    loop {
        head.spawn_workers(scope);
        let pulled = pump(head, outlet, run, ctx, &mut pace);
        if pulled != Pulled::NeedThreads {
            return conclude(pulled, head, outlet, run);
        }
    }
}

/// Pulls until something other than "more" happens. A panic on the way ends the run.
fn pump<P: Pull, O: Outlet<P::Item>>(
    head: &mut P,
    outlet: &mut O,
    run: &Arc<Run>,
    ctx: &Context,
    pace: &mut Pace,
) -> Pulled {
    let caught = panics::catch("pipeline", || {
        loop {
            if ctx.is_cancelled() {
                return Pulled::Stopped;
            }
            let sampled = pace.samples();
            let pulled = if sampled {
                outlet.burst(Burst::<_, true>(head, if pace.slow { pace.size } else { 1 }))
            } else {
                outlet.burst(Burst::<_, false>(head, pace.size))
            };
            // Also when threads are wanted: what was handed on before must not wait for what comes
            // after.
            if matches!(pulled, Pulled::More | Pulled::NeedThreads)
                && outlet.pause(head.ready()).is_break()
            {
                return Pulled::Stopped;
            }
            if pulled != Pulled::More {
                return pulled;
            }
            pace.adapt(sampled, head.chunk());
            if pace.samples() {
                head.publish();
                outlet.publish();
            }
        }
    });
    caught.unwrap_or_else(|panic| {
        run.panicked(panic);
        Pulled::Stopped
    })
}

fn conclude<P: Pull, O: Outlet<P::Item>>(
    pulled: Pulled,
    head: &mut P,
    outlet: &mut O,
    run: &Arc<Run>,
) -> End {
    let complete = pulled == Pulled::End && finish(head, outlet, run);
    if !complete {
        head.abandon();
    }
    head.publish();
    if complete { End::Complete } else { End::Stopped }
}

/// Lets every stage hand on what it holds, then the outlet. A panic in it ends the run too.
fn finish<P: Pull, O: Outlet<P::Item>>(head: &mut P, outlet: &mut O, run: &Arc<Run>) -> bool {
    let caught = panics::catch("pipeline", || {
        head.finish(&mut |item| outlet.take(item))?;
        outlet.pause(false)
    });
    match caught {
        Ok(flow) => flow.is_continue(),
        Err(panic) => {
            run.panicked(panic);
            false
        }
    }
}
