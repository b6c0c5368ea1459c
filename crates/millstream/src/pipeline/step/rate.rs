//! `rate_limit`: holds items back so that no more than a rate passes.

use super::{Flow, Step, one_stage};
use crate::RateLimit;
use crate::pipeline::{counters::Counts, probe::Probe};

/// See [`Pipeline::rate_limit`](crate::Pipeline::rate_limit). All workers share the one limit.
#[derive(Debug)]
pub struct RateStep(pub(crate) RateLimit);

impl<In: Send> Step<In> for RateStep {
    type Out = In;
    type State = Probe;
    one_stage!("rate_limit");

    fn open(&self, probe: Probe) -> Probe {
        probe
    }

    fn push<const TIMED: bool>(
        &self,
        probe: &mut Probe,
        _counts: &mut Counts,
        item: In,
        emit: &mut impl FnMut(In) -> Flow,
    ) -> Flow {
        let ctx = probe.run.ctx_at(probe.at);
        if self.0.wait(ctx).is_err() {
            // A turn that comes too late is known before the deadline; what is on its way may still
            // arrive until then.
            ctx.wait();
            probe.counters().cancelled.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            return Flow::Break(());
        }
        emit(item)
    }
}
