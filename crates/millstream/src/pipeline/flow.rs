//! What a pipeline is made of before it runs ([`Stream`]) and while it runs ([`Pull`]).
//!
//! Everything runs by pulling: the thread at the end asks for a burst of items, and the ask goes up
//! to the source through the stages, all inlined into one loop. Only a boundary (`thread`,
//! `parallel`, `map_async`, `batch` with a timer) has something on other threads, and it starts
//! them when it is *given a scope to start them in*: not before they are worth it.

use std::fmt;
use std::sync::Arc;

use super::counters::{Burst, ChainCounts, Counts};
use super::probe::Probe;
use super::run::Run;
use super::step::{Flow, Leaf, Step};
use crate::scope::Scope;

/// The scope that a run's threads live in; they report through the run, so they have no error of
/// their own.
pub type RunScope<'scope, 'env> = Scope<'scope, 'env, std::convert::Infallible>;

/// How a burst ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulled {
    /// There may be more.
    More,
    /// The input has finished.
    End,
    /// The run stops early; why is kept in the run.
    Stopped,
    /// There may be more, and more threads would pay: call [`Pull::spawn_workers`] with a scope.
    NeedThreads,
}

/// A pipeline under construction: source and stages, nothing running.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a pipeline under construction",
    label = "not a stage of a pipeline",
    note = "a function takes or returns a pipeline of `T` as `Pipeline<impl Stream<Item = T>>`; its items must be `Send`"
)]
pub trait Stream: Sized {
    /// What it yields.
    type Item: Send;
    /// What it becomes when it runs.
    type Running: Pull<Item = Self::Item>;
    /// What it becomes when a step is added.
    type With<S: Leaf<Self::Item>>: Stream<Item = S::Out>;
    /// How many lines it has in a report.
    const STAGES: usize;
    /// Whether it needs threads from the start.
    const THREADS: bool;
    /// Whether it may ever have threads: then the run needs a context of its own to stop them by.
    const BOUNDARY: bool;

    /// The line that belongs to the verb said last.
    const NAMED: usize = Self::STAGES - 1;

    /// Adds a step.
    fn then<S: Leaf<Self::Item>>(self, step: S) -> Self::With<S>;

    /// Appends the names of its stages.
    fn names(&self, names: &mut Vec<&'static str>);

    /// Makes it ready to be pulled; its stages are the first ones of the run.
    fn open(self, run: &Arc<Run>) -> Self::Running;
}

/// A running pipeline, or the part of it up to some stage.
pub trait Pull: Send {
    /// What it yields.
    type Item: Send;

    /// Hands on what comes of up to `max` items of the source. May wait for the first, never for
    /// further ones (only a source that does not say so beforehand can make it).
    fn pull<const TIMED: bool>(
        &mut self,
        max: usize,
        emit: &mut impl FnMut(Self::Item) -> Flow,
    ) -> Pulled;

    /// How many items the last pull took in, where that is not the number asked for: boundaries
    /// hand on whole chunks.
    fn chunk(&self) -> Option<usize>;

    /// Whether the next pull finds something without waiting; a sink is flushed before a wait.
    fn ready(&self) -> bool;

    /// After the end: hands on what stages still hold.
    fn finish(&mut self, _emit: &mut impl FnMut(Self::Item) -> Flow) -> Flow {
        Flow::Continue(())
    }

    /// After an early stop: counts what is still held as cancelled.
    fn abandon(&mut self) {}

    /// Moves this thread's counts to the shared counters.
    fn publish(&mut self);

    /// Starts the threads that are wanted.
    fn spawn_workers<'scope, 'env: 'scope>(&mut self, _scope: &RunScope<'scope, 'env>)
    where
        Self: 'scope,
    {
    }
}

/// A stream and one more step on the same thread.
#[derive(Debug)]
pub struct Stepped<F, S>(pub(crate) F, pub(crate) S);

impl<F: Stream, S: Leaf<F::Item>> Stream for Stepped<F, S> {
    type Item = S::Out;
    type Running = Stepping<F::Running, S, F::Item>;
    type With<N: Leaf<S::Out>> = Stepped<Self, N>;
    const STAGES: usize = F::STAGES + 1;
    const THREADS: bool = F::THREADS;
    const BOUNDARY: bool = F::BOUNDARY;

    fn then<N: Leaf<S::Out>>(self, step: N) -> Stepped<Self, N> {
        Stepped(self, step)
    }

    fn names(&self, names: &mut Vec<&'static str>) {
        self.0.names(names);
        self.1.names(names);
    }

    fn open(self, run: &Arc<Run>) -> Self::Running {
        let probe = Probe { run: Arc::clone(run), at: F::STAGES };
        let state = self.1.open(probe);
        Stepping {
            up: self.0.open(run),
            step: self.1,
            state,
            total: Counts::default(),
            run: Arc::clone(run),
            at: F::STAGES,
        }
    }
}

/// A running stream and one more step on the same thread.
pub struct Stepping<P, S: Step<In>, In> {
    up: P,
    step: S,
    state: S::State,
    total: Counts,
    run: Arc<Run>,
    at: usize,
}

impl<P, S: Step<In>, In> fmt::Debug for Stepping<P, S, In> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stepping").field("at", &self.at).finish_non_exhaustive()
    }
}

impl<P: Pull, S: Leaf<P::Item>> Pull for Stepping<P, S, P::Item> {
    type Item = S::Out;

    #[inline(always)]
    fn pull<const TIMED: bool>(
        &mut self,
        max: usize,
        emit: &mut impl FnMut(S::Out) -> Flow,
    ) -> Pulled {
        let Self { up, step, state, total, .. } = self;
        let mut burst = Burst::of(total);
        up.pull::<TIMED>(max, &mut |item| step.push::<TIMED>(state, &mut burst.counts, item, emit))
    }

    fn chunk(&self) -> Option<usize> {
        self.up.chunk()
    }

    fn ready(&self) -> bool {
        self.up.ready()
    }

    fn finish(&mut self, emit: &mut impl FnMut(S::Out) -> Flow) -> Flow {
        let Self { up, step, state, total, .. } = self;
        let mut burst = Burst::of(total);
        up.finish(&mut |item| step.push::<false>(state, &mut burst.counts, item, emit))?;
        step.finish(state, &mut burst.counts, emit)
    }

    fn abandon(&mut self) {
        self.up.abandon();
        self.step.abandon(&mut self.state);
    }

    fn publish(&mut self) {
        self.up.publish();
        self.total.publish(&self.run.stages, self.at);
    }

    fn spawn_workers<'scope, 'env: 'scope>(&mut self, scope: &RunScope<'scope, 'env>)
    where
        Self: 'scope,
    {
        self.up.spawn_workers(scope);
    }
}
