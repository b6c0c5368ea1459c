//! The boundary: what comes before on the dealer's thread, each branch on one of its own, the merged results here.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::branch::{Branch, Cursor};
use super::deal::{Deal, FanOut};
use super::dealer::{Dealer, Dealing};
use super::dealt::Dealt;
use super::lane::{Fan, Seat, full};
use super::merge::Merge;
use super::merged::Merged;
use super::order::{Kind, Merging};
use super::pull::FanPull;
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
    dealt: Arc<Dealt<F::Item>>,
    branches: Vec<Plan<B>>,
    pub(super) merging: M,
    units: PhantomData<fn() -> U>,
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
        merging: M,
        mut branch: impl FnMut(Pipeline<Branch<F::Item>>) -> Pipeline<B, U>,
    ) -> Self {
        let room = how.room.unwrap_or(CHUNKS * full::<F::Item>());
        let dealt = Arc::new(Dealt::new(how.branches, D::SHARED, room));
        let plan = |number| {
            let cursor = Arc::new(Cursor::default());
            let begin = Branch { dealt: Arc::clone(&dealt), cursor: Arc::clone(&cursor), number };
            let Pipeline { stream, names, .. } = branch(Pipeline::new(begin));
            Plan { stream, names, cursor }
        };
        let branches = (0..how.branches).map(plan).collect();
        Self { stream, how, dealt, branches, merging, units: PhantomData }
    }

    /// The same with another order.
    pub(super) fn merging<N>(self, merging: N) -> Fanned<F, B, U, D, N> {
        let Self { stream, how, dealt, branches, .. } = self;
        Fanned { stream, how, dealt, branches, merging, units: PhantomData }
    }
}

impl<F, B, U, D, M> Stream for Fanned<F, B, U, D, M>
where
    F: Stream,
    B: Stream,
    U: Units<B::Item>,
    D: Deal<F::Item>,
    M: Merging<B::Item>,
{
    type Item = B::Item;
    type Running = FanPull<Dealing<F::Running, B::Item, D>, B::Running, U, M>;
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
        let tally = &run.stages.all[at];
        tally.counts_in.store(true, Ordering::Relaxed);
        tally.counts_out.store(true, Ordering::Relaxed);
        tally.workers.store(self.branches.len(), Ordering::Relaxed);
        let wanted = run.wanted_of(at).filter(|_| D::SHARED);
        if let Some(wanted) = wanted {
            self.dealt.want_results(wanted, self.branches.len() as u64);
        }
        // When every branch has all it wants, what is before the fan ends, as before a `take`.
        run.has_take(at, None);
        let kind = self.merging.kind();
        let lanes = self.branches.len();
        let fan = Arc::new(Fan {
            dealt: self.dealt,
            merge: Merge::new(lanes, kind.sequence(!D::SHARED), ROOM),
            run: Arc::clone(run),
            at,
            in_order: kind == Kind::Input,
            marks: kind == Kind::Input && !D::SHARED,
            drops_failed: self.how.drops_failed,
            deals: true,
            counts: wanted.is_some(),
        });
        if kind == Kind::Sorted {
            fan.dealt.compares(!B::BOUNDARY);
        }
        let seats = (0..).zip(self.branches).map(|(lane, plan)| seat(plan, lane, run, at)).collect();
        let dealer = Dealer::new(Arc::clone(&fan), self.how.deal, self.how.slow, lanes, self.how.room);
        let input = Dealing { head: self.stream.open(run), dealer };
        FanPull::new(Some(input), seats, Merged::new(fan, self.merging, lanes))
    }
}

/// Opens a branch in a run of its own, below the whole one.
pub(super) fn seat<B: Stream>(plan: Plan<B>, lane: usize, whole: &Arc<Run>, at: usize) -> Seat<B::Running> {
    let mut names = Vec::with_capacity(B::STAGES + 1);
    plan.stream.names(&mut names);
    names.push("out");
    let run = Arc::new(Run::new(whole.ctx_at(at), names, plan.names, true));
    run.stages.all[B::STAGES].counts_in.store(true, Ordering::Relaxed);
    whole.has_branch(at, lane, &run);
    let head = plan.stream.open(&run);
    Seat { head, run, cursor: plan.cursor, lane, threads: B::THREADS }
}
