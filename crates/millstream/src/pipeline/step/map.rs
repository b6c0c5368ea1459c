//! `map` and `map_with`: one item in, one item out.

use super::{Flow, Step, one_stage};
use crate::pipeline::{counters::Counts, probe::Probe};

/// See [`Pipeline::map`](crate::Pipeline::map).
#[derive(Clone, Copy, Debug)]
pub struct Map<F>(pub(crate) F);

impl<In, Out: Send, F> Step<In> for Map<F>
where
    F: Fn(In) -> Out + Send + Sync,
{
    type Out = Out;
    type State = Probe;
    one_stage!("map");

    fn open(&self, probe: Probe) -> Probe {
        probe
    }

    #[inline(always)]
    fn push<const TIMED: bool>(
        &self,
        probe: &mut Probe,
        counts: &mut Counts,
        item: In,
        emit: &mut impl FnMut(Out) -> Flow,
    ) -> Flow {
        emit(probe.call::<TIMED, _>(counts, || (self.0)(item)))
    }
}

/// See [`Pipeline::map_with`](crate::Pipeline::map_with).
#[derive(Clone, Copy, Debug)]
pub struct MapWith<I, F>(pub(crate) I, pub(crate) F);

impl<In, Out: Send, S, I, F> Step<In> for MapWith<I, F>
where
    S: Send,
    I: Fn() -> S + Send + Sync,
    F: Fn(&mut S, In) -> Out + Send + Sync,
{
    type Out = Out;
    type State = (Probe, S);
    one_stage!("map_with");

    fn open(&self, probe: Probe) -> (Probe, S) {
        let own = probe.prepare(&self.0);
        (probe, own)
    }

    #[inline(always)]
    fn push<const TIMED: bool>(
        &self,
        (probe, own): &mut (Probe, S),
        counts: &mut Counts,
        item: In,
        emit: &mut impl FnMut(Out) -> Flow,
    ) -> Flow {
        emit(probe.call::<TIMED, _>(counts, || (self.1)(own, item)))
    }
}
