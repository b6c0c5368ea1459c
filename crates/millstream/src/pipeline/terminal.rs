//! The ends of a pipeline: what the last thread does with the items, and the run around it.

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::drive::{Ask, End, Outlet, drive};
use super::flow::{Pulled, Stream};
use super::gather;
use super::run::Run;
use super::step::Flow;
use super::stream_source::RuntimeHeldUp;
use super::units::Units;
use super::{Monitor, Names};
use crate::clock::stopwatch;
use crate::context::Context;
use crate::runtime::is_its_only_thread;
use crate::{Error, Report, Sink};

/// An end that counts what it takes.
pub(crate) trait Terminal<T>: Outlet<T> {
    /// The name of its line in the report.
    const NAME: &'static str;
    /// Ends it well or, if `complete` is false, after an early stop.
    fn end(&mut self, _complete: bool) -> Flow {
        Flow::Continue(())
    }
    /// Items taken, and of those the ones that failed.
    fn taken(&self) -> (u64, u64);
}

/// What a terminal needs of the run once it is there.
pub(crate) trait Attach {
    fn attach(&mut self, run: &Arc<Run>, at: usize);
}

/// Runs a stream into a terminal, on this thread and those that the stream's boundaries ask for.
pub(crate) fn execute<F, T>(
    stream: F,
    names: Names,
    monitor: Option<&Monitor>,
    ctx: &Context,
    terminal: &mut T,
) -> Result<Arc<Run>, Error>
where
    F: Stream,
    T: Terminal<F::Item> + Attach,
{
    let mut all = Vec::with_capacity(F::STAGES + 1);
    stream.names(&mut all);
    all.push(T::NAME);
    // A stream that waits, on whichever thread, has to know that it would wait for a runtime that
    // this call holds up.
    let held_up = is_its_only_thread().then(|| ctx.with_value(RuntimeHeldUp));
    let ctx = held_up.as_ref().unwrap_or(ctx);
    let run = Arc::new(Run::new(ctx, all, names, F::BOUNDARY));
    if let Some(monitor) = monitor {
        monitor.watch(&run);
    }
    run.stages.all[F::STAGES].counts_in.store(true, Ordering::Relaxed);
    terminal.attach(&run, F::STAGES);
    let driven = crate::panics::catch("pipeline", || {
        let mut head = stream.open(&run);
        drive(&mut head, terminal, &run, F::THREADS)
    });
    let mut end = driven.unwrap_or_else(|panic| {
        run.panicked(panic);
        End::Stopped
    });
    if terminal.end(end == End::Complete).is_break() {
        end = End::Stopped;
    }
    let (taken, failed) = terminal.taken();
    let counters = &run.stages.all[F::STAGES];
    counters.entered.store(taken, Ordering::Relaxed);
    counters.failed.store(failed, Ordering::Relaxed);
    match run.outcome(end == End::Stopped) {
        None => Ok(run),
        Some(kind) => Err(Error::new(kind, run.report())),
    }
}

/// `collect`: a vector.
pub(crate) struct Collect<T, U> {
    pub(crate) items: Vec<T>,
    /// How many values were counted, and as how many items.
    counted: (usize, u64),
    at: Option<(Arc<Run>, usize)>,
    units: PhantomData<U>,
}

impl<T, U> Collect<T, U> {
    pub(crate) fn new() -> Self {
        Self { items: Vec::new(), counted: (0, 0), at: None, units: PhantomData }
    }
}

impl<T, U: Units<T>> Outlet<T> for Collect<T, U> {
    #[inline(always)]
    fn take(&mut self, item: T) -> Flow {
        self.items.push(item);
        Flow::Continue(())
    }

    #[inline(always)]
    fn burst<A: Ask<T>>(&mut self, ask: A) -> Pulled {
        let mut items = MoveGuard::of(&mut self.items);
        ask.pull(&mut |item| {
            gather::push(&mut items.value, item);
            Flow::Continue(())
        })
    }

    fn publish(&mut self) {
        let (counted, units) = self.counted;
        let new: u64 = self.items[counted..].iter().map(U::of).sum();
        self.counted = (self.items.len(), units + new);
        count(&self.at, self.counted.1);
    }
}

/// Notes how many items an end has taken so far.
fn count(at: &Option<(Arc<Run>, usize)>, taken: u64) {
    if let Some((run, at)) = at {
        run.stages.all[*at].entered.store(taken, Ordering::Relaxed);
    }
}

/// A value on the stack for the length of a burst; it goes back also when a stage unwinds.
///
/// What its drop does must stay small enough to be inlined where a panic passes as well: if that
/// place calls a function with its address, the value is no longer kept in registers anywhere.
pub(crate) struct MoveGuard<'a, V: Default> {
    /// Empty when the guard ends, so that there is nothing to drop.
    pub(crate) value: ManuallyDrop<V>,
    home: &'a mut V,
}

impl<'a, V: Default> MoveGuard<'a, V> {
    #[inline(always)]
    pub(crate) fn of(home: &'a mut V) -> Self {
        Self { value: ManuallyDrop::new(std::mem::take(home)), home }
    }
}

impl<V: Default> Drop for MoveGuard<'_, V> {
    #[inline(always)]
    fn drop(&mut self) {
        let _stood_in =
            ManuallyDrop::new(std::mem::replace(self.home, std::mem::take(&mut self.value)));
    }
}

impl<T, U> Attach for Collect<T, U> {
    fn attach(&mut self, run: &Arc<Run>, at: usize) {
        self.at = Some((Arc::clone(run), at));
    }
}

impl<T, U: Units<T>> Terminal<T> for Collect<T, U> {
    const NAME: &'static str = "collect";

    fn taken(&self) -> (u64, u64) {
        let (counted, units) = self.counted;
        (units + self.items[counted..].iter().map(U::of).sum::<u64>(), 0)
    }
}

/// `fold` and `for_each`: a closure.
pub(crate) struct Fold<F, U> {
    pub(crate) f: F,
    taken: u64,
    failed: u64,
    at: Option<(Arc<Run>, usize)>,
    units: PhantomData<U>,
}

impl<F, U> Fold<F, U> {
    pub(crate) fn new(f: F) -> Self {
        Self { f, taken: 0, failed: 0, at: None, units: PhantomData }
    }
}

impl<F, U> Attach for Fold<F, U> {
    fn attach(&mut self, run: &Arc<Run>, at: usize) {
        self.at = Some((Arc::clone(run), at));
    }
}

/// Counts the item in hand as failed, and notes the stage, when the terminal's code unwinds.
struct Lost<'a> {
    failed: &'a mut u64,
    units: u64,
    at: &'a Option<(Arc<Run>, usize)>,
}

impl Lost<'_> {
    #[inline(always)]
    #[expect(
        clippy::mem_forget,
        reason = "it holds only references; forgetting keeps the path without a panic free"
    )]
    fn defuse(self) {
        std::mem::forget(self);
    }
}

impl Drop for Lost<'_> {
    fn drop(&mut self) {
        *self.failed += self.units;
        if let Some((_, at)) = self.at {
            Run::panicked_at(*at);
        }
    }
}

impl<T, F: FnMut(T), U: Units<T>> Outlet<T> for Fold<F, U> {
    #[inline(always)]
    fn take(&mut self, item: T) -> Flow {
        let units = U::of(&item);
        self.taken += units;
        let fuse = Lost { failed: &mut self.failed, units, at: &self.at };
        (self.f)(item);
        fuse.defuse();
        Flow::Continue(())
    }

    #[inline(always)]
    fn burst<A: Ask<T>>(&mut self, ask: A) -> Pulled {
        let Self { f, taken, failed, at, .. } = self;
        let mut taken = MoveGuard::of(taken);
        ask.pull(&mut |item| {
            let units = U::of(&item);
            *taken.value += units;
            let fuse = Lost { failed, units, at };
            f(item);
            fuse.defuse();
            Flow::Continue(())
        })
    }

    fn publish(&mut self) {
        count(&self.at, self.taken);
    }
}

impl<T, F: FnMut(T), U: Units<T>> Terminal<T> for Fold<F, U> {
    const NAME: &'static str = "sink";

    fn taken(&self) -> (u64, u64) {
        (self.taken, self.failed)
    }
}

/// `run`: a user's [`Sink`].
pub(crate) struct Into<S, U> {
    sink: S,
    taken: u64,
    failed: u64,
    busy: Duration,
    /// Whether something was written since the last flush.
    unflushed: bool,
    at: Option<(Arc<Run>, usize)>,
    units: PhantomData<U>,
}

impl<S, U> Into<S, U> {
    pub(crate) fn new(sink: S) -> Self {
        Self {
            sink,
            taken: 0,
            failed: 0,
            busy: Duration::ZERO,
            unflushed: false,
            at: None,
            units: PhantomData,
        }
    }

    fn outcome<E: std::convert::Into<crate::BoxError>>(&self, result: Result<(), E>) -> Flow {
        match result {
            Ok(()) => Flow::Continue(()),
            Err(error) => {
                if let Some((run, at)) = &self.at {
                    run.fail(*at, error.into());
                }
                Flow::Break(())
            }
        }
    }
}

impl<S, U> Attach for Into<S, U> {
    fn attach(&mut self, run: &Arc<Run>, at: usize) {
        self.at = Some((Arc::clone(run), at));
    }
}

impl<T, S: Sink<T>, U: Units<T>> Outlet<T> for Into<S, U> {
    fn take(&mut self, item: T) -> Flow {
        let units = U::of(&item);
        self.taken += units;
        let start = stopwatch();
        let fuse = Lost { failed: &mut self.failed, units, at: &self.at };
        let result = self.sink.write(item);
        fuse.defuse();
        self.unflushed = true;
        let took = start.elapsed();
        self.busy += took;
        if let Some((run, at)) = &self.at {
            let counters = &run.stages.all[*at];
            counters.sample(took);
            counters
                .busy_ns
                .store(u64::try_from(self.busy.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
            counters.entered.store(self.taken, Ordering::Relaxed);
        }
        if result.is_err() {
            self.failed += units;
        }
        self.outcome(result)
    }

    fn pause(&mut self, ready: bool) -> Flow {
        if ready || !std::mem::take(&mut self.unflushed) {
            return Flow::Continue(());
        }
        let start = stopwatch();
        let fuse = Lost { failed: &mut self.failed, units: 0, at: &self.at };
        let result = self.sink.flush();
        fuse.defuse();
        self.busy += start.elapsed();
        self.outcome(result)
    }
}

impl<T, S: Sink<T>, U: Units<T>> Terminal<T> for Into<S, U> {
    const NAME: &'static str = "sink";

    fn end(&mut self, _complete: bool) -> Flow {
        // Also after an early stop: what was written is kept, and the sink is left whole.
        let start = stopwatch();
        let result = match crate::panics::catch("sink", || self.sink.close()) {
            Ok(result) => result,
            Err(panic) => {
                if let Some((run, at)) = &self.at {
                    Run::panicked_at(*at);
                    run.panicked(panic);
                }
                return Flow::Break(());
            }
        };
        self.busy += start.elapsed();
        self.outcome(result)
    }

    fn taken(&self) -> (u64, u64) {
        (self.taken, self.failed)
    }
}

/// The report of a run that reached its end.
pub(crate) fn report(run: &Arc<Run>) -> Report {
    run.report()
}
