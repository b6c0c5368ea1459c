//! A running fan, as its consumer sees it.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::dispatcher::Input;
use super::merged::Merged;
use super::worker::{WorkerSlot, live};
use crate::pipeline::flow::{Pull, Pulled, RunScope};
use crate::pipeline::step::Flow;
use crate::pipeline::units::Units;

/// Branches and what is before them, until there is a scope to run them; then what comes of them.
pub struct FanPull<A: Input<B::Item>, B: Pull, U> {
    /// None where branches have sources of their own.
    input: Option<A>,
    /// None once they run.
    slots: Option<Vec<WorkerSlot<B>>>,
    merged: Merged<A::Item, B::Item>,
    units: PhantomData<fn() -> U>,
}

impl<A: Input<B::Item>, B: Pull, U> FanPull<A, B, U> {
    pub(super) fn new(
        input: Option<A>,
        slots: Vec<WorkerSlot<B>>,
        merged: Merged<A::Item, B::Item>,
    ) -> Self {
        Self { input, slots: Some(slots), merged, units: PhantomData }
    }
}

impl<A: Input<B::Item>, B: Pull, U> fmt::Debug for FanPull<A, B, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FanPull").field("started", &self.slots.is_none()).finish_non_exhaustive()
    }
}

impl<A, B, U> Pull for FanPull<A, B, U>
where
    A: Input<B::Item>,
    B: Pull,
    U: Units<B::Item>,
{
    type Item = B::Item;

    #[inline(always)]
    fn pull<const TIMED: bool>(
        &mut self,
        max: usize,
        emit: &mut impl FnMut(B::Item) -> Flow,
    ) -> Pulled {
        if self.slots.is_some() {
            return Pulled::NeedThreads;
        }
        self.merged.pull::<U>(max, emit)
    }

    fn chunk(&self) -> Option<usize> {
        Some(self.merged.handed())
    }

    fn ready(&self) -> bool {
        self.merged.ready()
    }

    fn abandon(&mut self) {
        if let Some(input) = &mut self.input {
            input.abandon();
        }
        for slot in self.slots.iter_mut().flatten() {
            slot.head.abandon();
            slot.head.publish();
        }
        self.merged.abandon::<U>();
    }

    fn publish(&mut self) {
        if let Some(input) = &mut self.input {
            input.publish();
        }
    }

    fn spawn_workers<'scope, 'env: 'scope>(&mut self, scope: &RunScope<'scope, 'env>)
    where
        Self: 'scope,
    {
        let Some(slots) = self.slots.take() else { return };
        let fan = self.merged.fan();
        for slot in slots {
            let there = Arc::clone(fan);
            let started = scope.try_spawn(format!("branch {}", slot.branch), move |_| {
                live::<_, _, U>(slot, &there);
                Ok(())
            });
            if let Err(error) = started {
                fan.run.fail(fan.at, error.into());
                return;
            }
        }
        if let Some(input) = self.input.take() {
            input.start(scope, fan);
        }
    }
}
