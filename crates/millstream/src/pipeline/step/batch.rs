//! `batch` without a time limit: items gather in the loop itself.

use std::sync::atomic::Ordering;

use super::{Flow, Step, one_stage};
use crate::batch::{Batch, Filling, Weigh};
use crate::pipeline::{counters::Counts, probe::Probe};

/// See [`Pipeline::batch`](crate::Pipeline::batch).
#[derive(Clone, Copy, Debug)]
pub struct BatchStep<W>(pub(crate) Batch<W>);

impl<In: Send, W: Weigh<In>> Step<In> for BatchStep<W> {
    type Out = Vec<In>;
    type State = (Probe, Filling<In>);
    one_stage!("batch");

    fn open(&self, probe: Probe) -> Self::State {
        (probe, Filling::new())
    }

    #[inline]
    fn push<const TIMED: bool>(
        &self,
        (probe, filling): &mut Self::State,
        counts: &mut Counts,
        item: In,
        emit: &mut impl FnMut(Vec<In>) -> Flow,
    ) -> Flow {
        // A count of one with weights can fill twice over: the batch before the item, and the item
        // itself.
        let weight = probe.call::<false, _>(counts, || self.0.weigh.weigh(&item));
        match filling.add(&self.0, weight, item) {
            Some(batch) => emit(batch)?,
            None => return Flow::Continue(()),
        }
        if filling.len() >= self.0.count {
            filling.take().map_or(Flow::Continue(()), emit)
        } else {
            Flow::Continue(())
        }
    }

    fn finish(
        &self,
        (_, filling): &mut Self::State,
        _counts: &mut Counts,
        emit: &mut impl FnMut(Vec<In>) -> Flow,
    ) -> Flow {
        filling.take().map_or(Flow::Continue(()), emit)
    }

    fn abandon(&self, (probe, filling): &mut Self::State) {
        probe.counters().cancelled.fetch_add(filling.len() as u64, Ordering::Relaxed);
    }
}
