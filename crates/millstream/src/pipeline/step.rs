//! One stage's work on one item, and how stages join into a loop without queues.
//!
//! A step hands what it makes to `emit`, which is the next step's `push`: after inlining, a chain
//! of steps and the source before it are one loop. `TIMED` compiles every chain twice, so that the
//! one item in many whose stages are timed costs the others nothing.

use std::ops::ControlFlow;

use super::counters::{ChainCounts, Counts};
use super::probe::Probe;

mod batch;
mod filter;
mod flat_map;
mod inspect;
mod map;
mod rate;
mod split;
mod try_map;

pub use batch::BatchStep;
pub use filter::{Filter, FilterMap};
pub use flat_map::FlatMap;
pub use inspect::Inspect;
pub use map::{Map, MapWith};
pub use rate::RateStep;
pub use split::{Emit, Split};
pub(crate) use try_map::classify_by_type;
pub use try_map::{DeadLetter, ErrorPolicy, Fail, Skip, TryMap, Verdict};

/// Whether the flow goes on: `Break` means that the run stops, why is kept in the run.
pub type Flow = ControlFlow<()>;

/// What a stage does to one item. One value is shared by all workers; what a worker keeps for
/// itself is in `State`.
pub trait Step<In>: Send + Sync {
    /// What it emits.
    type Out: Send;
    /// What each worker has of its own.
    type State: Send;
    /// The counts of one burst.
    type Counts: ChainCounts;
    /// How many lines it has in a report.
    const STAGES: usize;

    /// Appends the names of its stages.
    fn names(&self, names: &mut Vec<&'static str>);

    /// Makes one worker's state; `probe` belongs to its first stage.
    fn open(&self, probe: Probe) -> Self::State;

    /// Works on one item and hands on what comes of it.
    fn push<const TIMED: bool>(
        &self,
        state: &mut Self::State,
        counts: &mut Self::Counts,
        item: In,
        emit: &mut impl FnMut(Self::Out) -> Flow,
    ) -> Flow;

    /// Hands on what is still held when the input has finished.
    fn finish(
        &self,
        _state: &mut Self::State,
        _counts: &mut Self::Counts,
        _emit: &mut impl FnMut(Self::Out) -> Flow,
    ) -> Flow {
        Flow::Continue(())
    }

    /// Counts what is still held as cancelled when the run stops early.
    fn abandon(&self, _state: &mut Self::State) {}
}

/// A step of exactly one stage.
pub trait Leaf<In>: Step<In, Counts = Counts> {}

impl<In, S: Step<In, Counts = Counts>> Leaf<In> for S {}

/// The chain without a step.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nothing;

impl<In: Send> Step<In> for Nothing {
    type Out = In;
    type State = ();
    type Counts = ();
    const STAGES: usize = 0;

    fn names(&self, _names: &mut Vec<&'static str>) {}

    fn open(&self, _probe: Probe) {}

    #[inline(always)]
    fn push<const TIMED: bool>(
        &self,
        (): &mut (),
        (): &mut (),
        item: In,
        emit: &mut impl FnMut(In) -> Flow,
    ) -> Flow {
        emit(item)
    }
}

/// Two steps as one: what `A` emits goes to `B`.
#[derive(Clone, Copy, Debug)]
pub struct Chain<A, B>(pub(crate) A, pub(crate) B);

impl<In, A, B> Step<In> for Chain<A, B>
where
    A: Step<In>,
    B: Step<A::Out, Counts = Counts>,
{
    type Out = B::Out;
    type State = (A::State, B::State);
    type Counts = (A::Counts, Counts);
    const STAGES: usize = A::STAGES + B::STAGES;

    fn names(&self, names: &mut Vec<&'static str>) {
        self.0.names(names);
        self.1.names(names);
    }

    fn open(&self, probe: Probe) -> Self::State {
        let second = Probe { run: probe.run.clone(), at: probe.at + A::STAGES };
        (self.0.open(probe), self.1.open(second))
    }

    #[inline(always)]
    fn push<const TIMED: bool>(
        &self,
        state: &mut Self::State,
        counts: &mut Self::Counts,
        item: In,
        emit: &mut impl FnMut(Self::Out) -> Flow,
    ) -> Flow {
        let (first, second) = state;
        let (first_counts, second_counts) = counts;
        self.0.push::<TIMED>(first, first_counts, item, &mut |x| {
            self.1.push::<TIMED>(second, second_counts, x, emit)
        })
    }

    fn finish(
        &self,
        state: &mut Self::State,
        counts: &mut Self::Counts,
        emit: &mut impl FnMut(Self::Out) -> Flow,
    ) -> Flow {
        let (first, second) = state;
        let (first_counts, second_counts) = counts;
        self.0.finish(first, first_counts, &mut |x| {
            self.1.push::<false>(second, second_counts, x, emit)
        })?;
        self.1.finish(second, second_counts, emit)
    }

    fn abandon(&self, state: &mut Self::State) {
        self.0.abandon(&mut state.0);
        self.1.abandon(&mut state.1);
    }
}

/// What every step of exactly one stage says of itself.
macro_rules! one_stage {
    ($name:literal) => {
        type Counts = $crate::pipeline::counters::Counts;
        const STAGES: usize = 1;

        fn names(&self, names: &mut Vec<&'static str>) {
            names.push($name);
        }
    };
}
use one_stage;
