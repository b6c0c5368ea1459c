//! `inspect`: looks at every item and changes nothing.

use super::{Flow, Step, one_stage};
use crate::pipeline::{counters::Counts, probe::Probe};

/// See [`Pipeline::inspect`](crate::Pipeline::inspect).
#[derive(Clone, Copy, Debug)]
pub struct Inspect<F>(pub(crate) F);

impl<In: Send, F> Step<In> for Inspect<F>
where
    F: Fn(&In) + Send + Sync,
{
    type Out = In;
    type State = Probe;
    one_stage!("inspect");

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
        probe.call::<TIMED, _>(counts, || (self.0)(&item));
        emit(item)
    }
}
