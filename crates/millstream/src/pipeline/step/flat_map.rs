//! `flat_map`: one item becomes any number of items, in order.

use super::{Flow, Step, one_stage};
use crate::pipeline::{counters::Counts, probe::Probe};

/// See [`Pipeline::flat_map`](crate::Pipeline::flat_map).
#[derive(Clone, Copy, Debug)]
pub struct FlatMap<F>(pub(crate) F);

impl<In, Many, F> Step<In> for FlatMap<F>
where
    Many: IntoIterator<Item: Send>,
    F: Fn(In) -> Many + Send + Sync,
{
    type Out = Many::Item;
    type State = Probe;
    one_stage!("flat_map");

    fn open(&self, probe: Probe) -> Probe {
        probe
    }

    #[inline(always)]
    fn push<const TIMED: bool>(
        &self,
        probe: &mut Probe,
        counts: &mut Counts,
        item: In,
        emit: &mut impl FnMut(Many::Item) -> Flow,
    ) -> Flow {
        let mut many = probe.call::<TIMED, _>(counts, || (self.0)(item).into_iter());
        let mut first = true;
        // The iterator is the user's code too: a panic in it fails the item that it came from.
        loop {
            // The first one out stands for the item itself. Every later one is made, and so is the
            // failure of a later `next`: it is taken back when there was none.
            counts.made += u64::from(!first);
            match probe.call::<TIMED, _>(counts, || many.next()) {
                Some(out) => emit(out)?,
                None => break,
            }
            first = false;
        }
        counts.made -= u64::from(!first);
        counts.filtered += u64::from(first);
        Flow::Continue(())
    }
}
