//! The boundary: what comes before on the dispatcher's thread, each branch on one of its own, the
//! merged results here.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::branch::{Branch, Cursor};
use super::deal::{Deal, FanOut};
use super::dispatcher::{Dealing, Dispatcher};
use super::merge::{Merge, Sequence};
use super::merged::Merged;
use super::order::Merging;
use super::pull::FanPull;
use super::queues::BranchQueues;
use super::worker::{Fan, WorkerSlot, full};
use crate::pipeline::flow::{Stepped, Stream};
use crate::pipeline::run::Run;
use crate::pipeline::step::Leaf;
use crate::pipeline::units::Units;
use crate::pipeline::{Names, Pipeline};

/// Chunks that may wait for each branch where its user said nothing else.
const CHUNKS: usize = 4;
/// Results, in chunks, that may wait for the consumer, for each branch.
pub(super) const ROOM: usize = 4;

/// A branch before it runs.
pub(super) struct Plan<B> {
    pub(super) stream: B,
    pub(super) names: Names,
    pub(super) cursor: Arc<Cursor>,
}

/// See [`Pipeline::fan_out`](crate::Pipeline::fan_out).
pub struct Fanned<F: Stream, B, U, D, M> {
    stream: F,
    how: FanOut<D>,
    queues: Arc<BranchQueues<F::Item>>,
    branches: Vec<Plan<B>>,
    types: PhantomData<fn() -> (U, M)>,
}

impl<F: Stream, B, U, D, M> fmt::Debug for Fanned<F, B, U, D, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fanned").field("branches", &self.branches.len()).finish_non_exhaustive()
    }
}

impl<F, B, U, D, M> Fanned<F, B, U, D, M>
where
    F: Stream,
    B: Stream,
    D: Deal<F::Item>,
{
    pub(super) fn new(
        stream: F,
        how: FanOut<D>,
        mut branch: impl FnMut(Pipeline<Branch<F::Item>>) -> Pipeline<B, U>,
    ) -> Self {
        let room = how.room.unwrap_or(CHUNKS * full::<F::Item>());
        let queues = Arc::new(BranchQueues::new(how.branches, D::SHARED, room));
        let plan = |number| {
            let cursor = Arc::new(Cursor::default());
            let begin = Branch { queues: Arc::clone(&queues), cursor: Arc::clone(&cursor), number };
            let Pipeline { stream, names, .. } = branch(Pipeline::new(begin));
            Plan { stream, names, cursor }
        };
        let branches = (0..how.branches).map(plan).collect();
        Self { stream, how, queues, branches, types: PhantomData }
    }

    /// The same with another order.
    pub(super) fn merging<N>(self) -> Fanned<F, B, U, D, N> {
        let Self { stream, how, queues, branches, .. } = self;
        Fanned { stream, how, queues, branches, types: PhantomData }
    }
}

impl<F, B, U, D, M> Stream for Fanned<F, B, U, D, M>
where
    F: Stream,
    B: Stream,
    U: Units<B::Item>,
    D: Deal<F::Item>,
    M: Merging,
{
    type Item = B::Item;
    type Running = FanPull<Dealing<F::Running, B::Item, D>, B::Running, U>;
    type With<S: Leaf<B::Item>> = Stepped<Self, S>;
    const STAGES: usize = F::STAGES + 1;
    const THREADS: bool = true;
    const BOUNDARY: bool = true;

    fn then<S: Leaf<B::Item>>(self, step: S) -> Stepped<Self, S> {
        Stepped(self, step)
    }

    fn names(&self, names: &mut Vec<&'static str>) {
        self.stream.names(names);
        names.push("fan_out");
    }

    fn open(self, run: &Arc<Run>) -> Self::Running {
        let at = F::STAGES;
        let counters = &run.stages.all[at];
        counters.counts_in.store(true, Ordering::Relaxed);
        counters.counts_out.store(true, Ordering::Relaxed);
        counters.workers.store(self.branches.len(), Ordering::Relaxed);
        let wanted = run.wanted_of(at).filter(|_| D::SHARED);
        if let Some(wanted) = wanted {
            self.queues.want_results(wanted, self.branches.len() as u64);
        }
        // When every branch has all it wants, what is before the fan ends, as before a `take`.
        run.has_take(at, None);
        let branches = self.branches.len();
        let sequence = match (M::IN_ORDER, D::SHARED) {
            (false, _) => Sequence::Arrival,
            (true, true) => Sequence::Input,
            (true, false) => Sequence::Apart,
        };
        let fan = Arc::new(Fan {
            queues: self.queues,
            merge: Merge::new(branches, sequence, ROOM),
            run: Arc::clone(run),
            at,
            in_order: M::IN_ORDER,
            marks: M::IN_ORDER && !D::SHARED,
            drops_failed: self.how.drops_failed,
            deals: true,
            counts: wanted.is_some(),
        });
        let slots =
            (0..).zip(self.branches).map(|(branch, plan)| slot(plan, branch, run, at)).collect();
        let dispatcher = Dispatcher::new(Arc::clone(&fan), self.how.deal, branches, self.how.room);
        let input = Dealing { head: self.stream.open(run), dispatcher };
        FanPull::new(Some(input), slots, Merged::new(fan, branches))
    }
}

/// Opens a branch in a run of its own, below the whole one.
pub(super) fn slot<B: Stream>(
    plan: Plan<B>,
    branch: usize,
    whole: &Arc<Run>,
    at: usize,
) -> WorkerSlot<B::Running> {
    let mut names = Vec::with_capacity(B::STAGES + 1);
    plan.stream.names(&mut names);
    names.push("out");
    let run = Arc::new(Run::new(whole.ctx_at(at), names, plan.names, true));
    run.stages.all[B::STAGES].counts_in.store(true, Ordering::Relaxed);
    whole.has_branch(at, branch, &run);
    let head = plan.stream.open(&run);
    WorkerSlot { head, run, cursor: plan.cursor, branch, threads: B::THREADS }
}
