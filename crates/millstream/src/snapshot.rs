//! `Snapshot`: what goes on at one moment, as plain data with the shape of the graph: stages, and
//! the queues between.
//!
//! A [`Monitor`](crate::Monitor) makes one of a pipeline, pools make one of themselves, and a
//! program that counts its stages itself makes one of a [`Report`].

use std::time::Duration;

use crate::report::{ErrorReport, Report, StageReport};

/// A run, or a pool, as it is now.
///
/// # Examples
/// ```
/// use millstream::{Context, Monitor, Pipeline};
/// let monitor = Monitor::new();
/// let (mut seen, looks) = (None, monitor.clone());
/// let squares = Pipeline::from_iter(0..8).parallel(2).map(|n| n * n);
/// squares.monitor(&monitor).for_each(&Context::new(), |_| seen = looks.snapshot())?;
/// let seen = seen.expect("the run was on its way");
/// let names: Vec<_> = seen.stages.iter().map(|stage| stage.account.name.as_str()).collect();
/// assert_eq!(names, ["source", "parallel", "map", "merge", "sink"]);
/// assert_eq!((seen.edges[0].from, seen.edges[0].to), (0, 1));
/// let ahead = seen.edges[2].queue.expect("results wait between the workers and the end");
/// assert!(ahead.length <= 8 && ahead.bound >= Some(8));
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Snapshot {
    /// Since the run began; zero for pools.
    pub elapsed: Duration,
    /// The stages in the order of the flow, and behind them those of the branches of fans.
    pub stages: Vec<StageSnapshot>,
    /// How items go from stage to stage.
    pub edges: Vec<Edge>,
    /// Errors by stage and kind.
    pub errors: Vec<ErrorReport>,
}

/// One stage now.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct StageSnapshot {
    /// What it did so far. Waits that have not ended are counted; percentiles are of the whole
    /// time.
    pub account: StageReport,
    /// The branch of a fan that it belongs to.
    pub branch: Option<BranchOf>,
    /// Workers now.
    pub workers: usize,
    /// Of them, how many wait for items now.
    pub waiting_in: usize,
    /// How many wait for room behind them now.
    pub waiting_out: usize,
    /// Sampled items of the last 10 seconds, and up to 5 before.
    pub last_10s: Percentiles,
    /// Sampled items of the last minute, and up to 5 seconds before.
    pub last_minute: Percentiles,
}

/// Which branch of which fan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct BranchOf {
    /// The fan's place among the stages.
    pub stage: usize,
    /// Which of its branches, from 0 on.
    pub number: usize,
    /// Why it was dropped, if it was.
    pub dropped: Option<String>,
}

/// How long items took in a stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Percentiles {
    /// How many items were timed.
    pub samples: u64,
    /// Half of them took at most this long.
    pub p50: Option<Duration>,
    /// 99 of 100 took at most this long.
    pub p99: Option<Duration>,
}

/// Items go from one stage to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Edge {
    /// The place of the one that they leave.
    pub from: usize,
    /// The place of the one that they enter.
    pub to: usize,
    /// What waits in between; none between stages of one loop, where nothing can.
    pub queue: Option<Queue>,
}

/// Items between two stages: they have left the first one, or are at work in it, and have not left
/// the second one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Queue {
    /// How many there are.
    pub length: u64,
    /// How many there may be, if that is bounded in items.
    pub bound: Option<u64>,
}

impl Snapshot {
    /// Adds a stage behind the last one, with what waits in front of it.
    pub(crate) fn push(&mut self, stage: StageSnapshot, queue: Option<Queue>) {
        let to = self.stages.len();
        if let Some(from) = to.checked_sub(1) {
            self.edges.push(Edge { from, to, queue });
        }
        self.stages.push(stage);
    }

    /// Adds a branch of the fan at `fan`, between the stage before that and itself.
    pub(crate) fn push_branch(&mut self, of: &BranchOf, branch: Self) {
        let first = self.stages.len();
        let queue =
            branch.stages.first().map(|stage| Queue { length: stage.account.held, bound: None });
        self.edges.extend(of.stage.checked_sub(1).map(|from| Edge { from, to: first, queue }));
        self.edges.extend(branch.edges.into_iter().map(|edge| Edge {
            from: edge.from + first,
            to: edge.to + first,
            queue: edge.queue,
        }));
        self.stages.extend(branch.stages.into_iter().map(|stage| {
            let own = stage.branch.map(|inner| BranchOf { stage: inner.stage + first, ..inner });
            StageSnapshot { branch: own.or_else(|| Some(of.clone())), ..stage }
        }));
        if let Some(from) = self.stages.len().checked_sub(1).filter(|last| *last >= first) {
            self.edges.push(Edge { from, to: of.stage, queue: None });
        }
        self.errors.extend(branch.errors);
    }
}

/// Of a program that counts its stages itself: each stage's workers are those of its account, and
/// what it holds waits in front of it.
impl From<Report> for Snapshot {
    /// # Examples
    /// ```
    /// use millstream::report::StageReport;
    /// use millstream::snapshot::Snapshot;
    /// use millstream::Report;
    ///
    /// let mut fetch = StageReport::default();
    /// (fetch.name, fetch.workers, fetch.entered, fetch.held) = ("fetch".into(), 8, 20, 12);
    /// let mut report = Report::default();
    /// report.stages = vec![StageReport::default(), fetch];
    /// let now = Snapshot::from(report);
    /// assert_eq!((now.stages[1].workers, now.edges[0].queue.unwrap().length), (8, 12));
    /// ```
    fn from(report: Report) -> Self {
        let mut all = Self { elapsed: report.elapsed, errors: report.errors, ..Self::default() };
        for account in report.stages {
            let queue = (account.held > 0).then_some(Queue { length: account.held, bound: None });
            all.push(
                StageSnapshot { workers: account.workers, account, ..StageSnapshot::default() },
                queue,
            );
        }
        for branch in report.branches {
            let place = all.stages.iter().position(|stage| stage.account.name == branch.stage);
            let of = BranchOf {
                stage: place.unwrap_or(0),
                number: branch.number,
                dropped: branch.dropped,
            };
            all.push_branch(&of, branch.report.into());
        }
        all
    }
}
