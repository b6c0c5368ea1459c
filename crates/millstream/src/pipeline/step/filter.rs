//! `filter` and `filter_map`: what is left out is counted as filtered.

use super::{Flow, Step, one_stage};
use crate::pipeline::{counters::Counts, probe::Probe};

/// See [`Pipeline::filter`](crate::Pipeline::filter).
#[derive(Clone, Copy, Debug)]
pub struct Filter<F>(pub(crate) F);

impl<In: Send, F> Step<In> for Filter<F>
where
    F: Fn(&In) -> bool + Send + Sync,
{
    type Out = In;
    type State = Probe;
    one_stage!("filter");

    fn open(&self, probe: Probe) -> Probe {
        probe
    }

    #[inline(always)]
    fn push<const TIMED: bool>(
        &self,
        probe: &mut Probe,
        counts: &mut Counts,
        item: In,
        emit: &mut impl FnMut(In) -> Flow,
    ) -> Flow {
        if probe.call::<TIMED, _>(counts, || (self.0)(&item)) {
            emit(item)
        } else {
            counts.filtered += 1;
            Flow::Continue(())
        }
    }
}

/// See [`Pipeline::filter_map`](crate::Pipeline::filter_map).
#[derive(Clone, Copy, Debug)]
pub struct FilterMap<F>(pub(crate) F);

impl<In, Out: Send, F> Step<In> for FilterMap<F>
where
    F: Fn(In) -> Option<Out> + Send + Sync,
{
    type Out = Out;
    type State = Probe;
    one_stage!("filter_map");

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
        match probe.call::<TIMED, _>(counts, || (self.0)(item)) {
            Some(out) => emit(out),
            None => {
                counts.filtered += 1;
                Flow::Continue(())
            }
        }
    }
}
