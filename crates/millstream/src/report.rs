//! `Report`: what became of every item of a run, as plain data, and which stage held the others up.
//!
//! The conservation law: for every stage,
//! `in + made = out + filtered + skipped + failed + cancelled + held`, and what leaves a stage
//! enters the next one. Inside a fused loop "in" and "out" follow from what the stages changed;
//! source, boundaries and sink count for themselves. So the law can fail, and [`Report::balances`]
//! checks it.

use std::fmt;
use std::time::Duration;

/// What one stage did.
///
/// # Examples
/// ```
/// use millstream::{Context, Pipeline};
/// let report = Pipeline::from_iter(1..=4).filter(|n| n % 2 == 0).for_each(&Context::new(), |_| ())?;
/// let filter = &report.stages[1];
/// assert_eq!((filter.name.as_str(), filter.entered, filter.filtered, filter.left), ("filter", 4, 2, 2));
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct StageReport {
    /// Its name: the verb, or what [`Pipeline::named`](crate::Pipeline::named) gave it.
    pub name: String,
    /// Threads that worked on it at the same time, at most.
    pub workers: usize,
    /// Items that came in.
    pub entered: u64,
    /// Items that it made beyond those that came in: one item split into five makes four, one split
    /// into none makes -1.
    pub made: i64,
    /// Items that left towards the next stage.
    pub left: u64,
    /// Items left out on purpose.
    pub filtered: u64,
    /// Items passed over after an error.
    pub skipped: u64,
    /// Items lost to an error or a panic, dead letters included.
    pub failed: u64,
    /// Items given up because the run was stopped.
    pub cancelled: u64,
    /// Items still inside; zero when the run has finished.
    pub held: u64,
    /// Time at work, all workers together. Estimated from timed samples for stages in a fused loop.
    pub busy: Duration,
    /// Time that workers waited for items.
    pub wait_in: Duration,
    /// Time that workers waited to hand items on.
    pub wait_out: Duration,
    /// Half of the sampled items took at most this long in this stage.
    pub p50: Option<Duration>,
    /// 99 of 100 sampled items took at most this long in this stage.
    pub p99: Option<Duration>,
}

impl StageReport {
    /// Whether everything that came in, or was made here, is accounted for.
    ///
    /// # Examples
    /// ```
    /// let stage = millstream::report::StageReport::default();
    /// assert!(stage.balances(), "nothing came in, nothing went out");
    /// ```
    #[must_use]
    pub fn balances(&self) -> bool {
        self.entered.wrapping_add_signed(self.made)
            == self.left + self.filtered + self.skipped + self.failed + self.cancelled + self.held
    }
}

/// One kind of error: how often it came, and what the first one said.
///
/// # Examples
/// ```
/// use millstream::{Context, Pipeline, Skip};
/// let numbers = Pipeline::from_iter(["1", "x", "y"]).try_map(str::parse::<u32>).on_error(Skip);
/// let error = &numbers.for_each(&Context::new(), |_| ())?.errors[0];
/// assert_eq!((error.stage.as_str(), error.kind.as_str(), error.count), ("try_map", "ParseIntError", 2));
/// assert_eq!(error.sample, "invalid digit found in string");
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ErrorReport {
    /// The stage that counted it.
    pub stage: String,
    /// Its kind.
    pub kind: String,
    /// How many there were.
    pub count: u64,
    /// The first one's text.
    pub sample: String,
}

/// The items of the whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Totals {
    /// Items read, with those that stages made of them.
    pub entered: u64,
    /// Items that reached the end.
    pub left: u64,
    /// Items left out on purpose.
    pub filtered: u64,
    /// Items passed over after an error.
    pub skipped: u64,
    /// Items lost to an error or a panic, dead letters included.
    pub failed: u64,
    /// Items given up because the run was stopped.
    pub cancelled: u64,
    /// Items still inside; zero when the run has finished.
    pub held: u64,
}

/// A run in numbers: live (see [`Monitor`](crate::Monitor)) or at its end.
///
/// # Examples
/// ```
/// use millstream::{Context, Pipeline, Skip};
/// let parsed = Pipeline::from_iter(["1", "x"]).try_map(str::parse::<u32>).on_error(Skip);
/// let report = parsed.for_each(&Context::new(), |_| ())?;
/// let names: Vec<_> = report.stages.iter().map(|stage| stage.name.as_str()).collect();
/// assert_eq!(names, ["source", "try_map", "sink"]);
/// assert_eq!(report.errors[0].kind, "ParseIntError");
/// assert!(report.to_string().starts_with("2 in, 1 out, 0 filtered, 1 skipped, 0 failed, 0 cancelled"));
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Report {
    /// Since the run began.
    pub elapsed: Duration,
    /// Every stage in the order of the flow; the last one is the sink.
    pub stages: Vec<StageReport>,
    /// Errors by stage and kind.
    pub errors: Vec<ErrorReport>,
    /// The branches of fans, each with its own account. The fan's line among the stages has their
    /// sums.
    pub branches: Vec<BranchReport>,
}

/// One branch of a fan.
///
/// # Examples
/// ```
/// use millstream::{Context, FanOut, Pipeline};
/// let halves = Pipeline::from_iter(0..10).fan_out(FanOut::broadcast(2), |branch| {
///     let number = branch.number();
///     branch.filter(move |n| n % 2 == number)
/// });
/// let report = halves.for_each(&Context::new(), |_| ())?;
/// assert_eq!(report.branches[1].report.totals().filtered, 5);
/// assert_eq!((report.stages[1].made, report.stages[1].filtered, report.stages[1].left), (10, 10, 10));
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct BranchReport {
    /// The fan's line among the stages.
    pub stage: String,
    /// Which of its branches, from 0 on.
    pub number: usize,
    /// Why it was dropped; none if it saw all of its items.
    pub dropped: Option<String>,
    /// Its own account, from the items dealt to it to the results it gave.
    pub report: Report,
}

impl Report {
    /// The items of the whole run: read or made, and what became of them. They add up if the report
    /// balances.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline};
    /// let odd = Pipeline::from_iter(0..4).flat_map(|n| [n, n]).filter(|n| n % 2 == 1);
    /// let all = odd.for_each(&Context::new(), |_| ())?.totals();
    /// assert_eq!((all.entered, all.filtered, all.left), (8, 4, 4));
    /// # Ok::<(), millstream::Error>(())
    /// ```
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut all = Totals::default();
        for stage in &self.stages {
            all.entered = all.entered.wrapping_add_signed(stage.made);
            all.filtered += stage.filtered;
            all.skipped += stage.skipped;
            all.failed += stage.failed;
            all.cancelled += stage.cancelled;
            all.held += stage.held;
        }
        all.entered =
            all.entered.wrapping_add(self.stages.first().map_or(0, |first| first.entered));
        all.left = self.stages.last().map_or(0, |last| last.left);
        all
    }

    /// Whether nothing was lost: every stage balances, and each took in what the one before let
    /// out.
    ///
    /// True of every run that has finished, well or not. A live report need not balance: its stages
    /// are not of one instant.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline};
    /// let mut report = Pipeline::from_iter(0..4).map(|n| n).for_each(&Context::new(), |_| ())?;
    /// assert!(report.balances());
    /// report.stages[1].entered += 1;
    /// assert!(!report.balances());
    /// # Ok::<(), millstream::Error>(())
    /// ```
    #[must_use]
    pub fn balances(&self) -> bool {
        self.stages.iter().all(StageReport::balances)
            && self.stages.windows(2).all(|pair| pair[0].left == pair[1].entered)
            && self.branches.iter().all(|branch| branch.report.balances())
    }

    /// The stage that the others waited for: the one with the most work for each of its workers.
    ///
    /// None when nothing was timed, as in a run of a few microseconds.
    ///
    /// # Examples
    /// ```
    /// use millstream::{Context, Pipeline};
    /// let slow = |n: u64| (0..n).fold(1, |a, b| std::hint::black_box(a ^ b));
    /// let report = Pipeline::from_iter([1_000_000; 20]).map(|n| n).map(slow).named("slow").for_each(&Context::new(), |_| ())?;
    /// assert_eq!(report.bottleneck().unwrap().name, "slow");
    /// # Ok::<(), millstream::Error>(())
    /// ```
    #[must_use]
    pub fn bottleneck(&self) -> Option<&StageReport> {
        self.stages.iter().filter(|stage| !stage.busy.is_zero()).max_by_key(|stage| {
            stage.busy / u32::try_from(stage.workers.max(1)).unwrap_or(u32::MAX)
        })
    }

    /// What would relieve the [`bottleneck`](Self::bottleneck), derived from its place in the flow.
    ///
    /// # Examples
    /// ```
    /// use millstream::report::Relief;
    /// use millstream::{Context, Pipeline};
    /// let report = Pipeline::from_iter(0..100_000_u64).for_each(&Context::new(), |n| assert!(n < 100_000))?;
    /// assert_ne!(report.relief(), Some(Relief::MoreWorkers), "there is no stage between source and sink");
    /// assert_eq!(report.relief().is_some(), report.bottleneck().is_some());
    /// # Ok::<(), millstream::Error>(())
    /// ```
    #[must_use]
    pub fn relief(&self) -> Option<Relief> {
        let slowest = self.bottleneck()?;
        let is =
            |stage: Option<&StageReport>| stage.is_some_and(|stage| std::ptr::eq(stage, slowest));
        Some(if is(self.stages.first()) {
            Relief::FasterInput
        } else if is(self.stages.last()) {
            Relief::FasterOutput
        } else {
            Relief::MoreWorkers
        })
    }
}

/// What would make a run faster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Relief {
    /// The source was the slowest: the other stages waited for it.
    FasterInput,
    /// A stage in the middle was: its work can be shared by more workers, or made less.
    MoreWorkers,
    /// The sink was: it would have to take more at a time, or to be faster.
    FasterOutput,
}

impl fmt::Display for Relief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::FasterInput => "a faster input",
            Self::MoreWorkers => "more workers",
            Self::FasterOutput => "a faster output, or larger batches",
        })
    }
}

/// A few lines for people: the totals, a line a stage, the bottleneck, the errors.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.totals();
        writeln!(
            f,
            "{} in, {} out, {} filtered, {} skipped, {} failed, {} cancelled in {:.3?}",
            all.entered,
            all.left,
            all.filtered,
            all.skipped,
            all.failed,
            all.cancelled,
            self.elapsed
        )?;
        writeln!(
            f,
            "{:<12} {:>7} {:>12} {:>12} {:>10} {:>10} {:>10}",
            "stage", "workers", "in", "out", "busy", "p50", "p99"
        )?;
        for stage in &self.stages {
            let time = |time: Option<Duration>| {
                time.map_or_else(|| "-".to_owned(), |time| format!("{time:.1?}"))
            };
            writeln!(
                f,
                "{:<12} {:>7} {:>12} {:>12} {:>10} {:>10} {:>10}",
                stage.name,
                stage.workers,
                stage.entered.wrapping_add_signed(stage.made),
                stage.left,
                format!("{:.1?}", stage.busy),
                time(stage.p50),
                time(stage.p99)
            )?;
        }
        if let Some(slowest) = self.bottleneck() {
            let relief = self.relief().map(|relief| format!(", which {relief} would relieve"));
            writeln!(f, "bottleneck: {}{}", slowest.name, relief.unwrap_or_default())?;
        }
        for error in &self.errors {
            writeln!(f, "{} x {} in {}: {}", error.count, error.kind, error.stage, error.sample)?;
        }
        Ok(())
    }
}
