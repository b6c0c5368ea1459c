//! Fan-in of pipelines that have sources of their own.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::branch::Cursor;
use super::dispatcher::Input;
use super::fanned::{Plan, ROOM, slot};
use super::merge::{Merge, Sequence};
use super::merged::Merged;
use super::pull::FanPull;
use super::queues::BranchQueues;
use super::worker::Fan;
use crate::pipeline::Pipeline;
use crate::pipeline::flow::{RunScope, Stepped, Stream};
use crate::pipeline::run::Run;
use crate::pipeline::step::Leaf;
use crate::pipeline::units::Units;

/// See [`Pipeline::fan_in`](crate::Pipeline::fan_in).
pub struct Joined<B, U> {
    branches: Vec<Plan<B>>,
    units: PhantomData<fn() -> U>,
}

impl<B, U> fmt::Debug for Joined<B, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Joined").field("branches", &self.branches.len()).finish_non_exhaustive()
    }
}

impl<B, U> Joined<B, U> {
    pub(super) fn new(pipelines: impl IntoIterator<Item = Pipeline<B, U>>) -> Self {
        let plan = |Pipeline { stream, names, .. }: Pipeline<B, U>| Plan {
            stream,
            names,
            cursor: Arc::new(Cursor::default()),
        };
        Self { branches: pipelines.into_iter().map(plan).collect(), units: PhantomData }
    }
}

impl<B, U> Stream for Joined<B, U>
where
    B: Stream,
    U: Units<B::Item>,
{
    type Item = B::Item;
    type Running = FanPull<Alone, B::Running, U>;
    type With<S: Leaf<B::Item>> = Stepped<Self, S>;
    const STAGES: usize = 1;
    const THREADS: bool = true;
    const BOUNDARY: bool = true;

    fn then<S: Leaf<B::Item>>(self, step: S) -> Stepped<Self, S> {
        Stepped(self, step)
    }

    fn names(&self, names: &mut Vec<&'static str>) {
        names.push("fan_in");
    }

    fn open(self, run: &Arc<Run>) -> Self::Running {
        let counters = &run.stages.all[0];
        counters.counts_in.store(true, Ordering::Relaxed);
        counters.counts_out.store(true, Ordering::Relaxed);
        counters.workers.store(self.branches.len(), Ordering::Relaxed);
        let branches = self.branches.len();
        let fan = Arc::new(Fan {
            queues: Arc::new(BranchQueues::new(branches, false, 1)),
            merge: Merge::new(branches, Sequence::Arrival, ROOM),
            run: Arc::clone(run),
            at: 0,
            in_order: false,
            marks: false,
            drops_failed: false,
            deals: false,
            counts: false,
        });
        let slots =
            (0..).zip(self.branches).map(|(branch, plan)| slot(plan, branch, run, 0)).collect();
        FanPull::new(None, slots, Merged::new(fan, branches))
    }
}

/// The input of branches that have sources of their own: there is none.
#[derive(Clone, Copy, Debug)]
pub enum Alone {}

impl<U> Input<U> for Alone {
    type Item = ();

    fn start<'scope, 'env: 'scope>(self, _scope: &RunScope<'scope, 'env>, _fan: &Arc<Fan<(), U>>)
    where
        Self: 'scope,
        U: 'scope,
    {
    }

    fn abandon(&mut self) {}

    fn publish(&mut self) {}
}
