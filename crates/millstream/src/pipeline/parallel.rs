//! `parallel`: what follows runs on one to n threads, and the order is kept.
//!
//! With a range it starts on the thread that runs the pipeline, fused with the stages before and
//! after. From time to time it measures one burst in three parts: reading, the parallel work,
//! handing on. Once threads would make the whole faster by a quarter, it asks for one; how many
//! there are from then on is judged as in a pool ([`crate::growth`]). So five items cost no thread
//! at all.

use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{RangeInclusive, RangeToInclusive};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::chunk_drain;
use super::cost::nanos;
use super::counters::{Burst, ChainCounts};
use super::flow::{Pull, Pulled, RunScope, Stream};
use super::helper::{Helped, Helper};
use super::probe::Probe;
use super::run::Run;
use super::sleeper::LOOKS_AGAIN;
use super::staff::Looks;
use super::step::{Chain, Flow, Leaf, Nothing, Step};
use super::team::{Bounds, Team};
use super::waits::Side;
use super::window::Next;
use crate::clock::stopwatch;
use crate::growth::Permit;
use crate::scope::SpawnError;

/// How many threads a stage may have: a number, or a range to grow in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workers {
    pub(crate) least: usize,
    pub(crate) most: usize,
}

impl From<usize> for Workers {
    fn from(count: usize) -> Self {
        Self { least: count.max(1), most: count.max(1) }
    }
}

impl From<RangeInclusive<usize>> for Workers {
    fn from(range: RangeInclusive<usize>) -> Self {
        let least = (*range.start()).max(1);
        Self { least, most: (*range.end()).max(least) }
    }
}

impl From<RangeToInclusive<usize>> for Workers {
    fn from(range: RangeToInclusive<usize>) -> Self {
        Self::from(1..=range.end)
    }
}

/// See [`Pipeline::parallel`](crate::Pipeline::parallel).
#[derive(Debug)]
pub struct Parallel<F, S = Nothing> {
    pub(crate) stream: F,
    pub(crate) step: S,
    pub(crate) workers: Workers,
    pub(crate) ordered: bool,
    /// Items that may be ahead of what follows, if the user said how many.
    pub(crate) buffer: Option<usize>,
}

impl<F: Stream, S: Step<F::Item>> Stream for Parallel<F, S> {
    type Item = S::Out;
    type Running = ParallelPull<F::Running, S>;
    type With<N: Leaf<S::Out>> = Parallel<F, Chain<S, N>>;
    /// Its own two lines, "parallel" and "merge", stand around its steps.
    const STAGES: usize = F::STAGES + 2 + S::STAGES;
    const THREADS: bool = F::THREADS;
    const BOUNDARY: bool = true;
    const NAMED: usize = if S::STAGES == 0 { F::STAGES } else { F::STAGES + S::STAGES };

    fn then<N: Leaf<S::Out>>(self, step: N) -> Parallel<F, Chain<S, N>> {
        let Self { stream, step: before, workers, ordered, buffer } = self;
        Parallel { stream, step: Chain(before, step), workers, ordered, buffer }
    }

    fn names(&self, names: &mut Vec<&'static str>) {
        self.stream.names(names);
        names.push("parallel");
        self.step.names(names);
        names.push("merge");
    }

    fn open(self, run: &Arc<Run>) -> Self::Running {
        let at = F::STAGES;
        for own in [at, at + S::STAGES + 1] {
            run.stages.all[own].counts_in.store(true, Ordering::Relaxed);
        }
        let alone = Alone {
            state: self.step.open(Probe { run: Arc::clone(run), at: at + 1 }),
            source: self.stream.open(run),
            step: self.step,
            counts: S::Counts::default(),
            pulled: 0,
            emitted: 0,
            trials: Trials::new(self.workers, run.started),
            cost_ns: 0,
        };
        let Workers { least, most } = self.workers;
        ParallelPull {
            mode: Mode::Alone(alone),
            workers: self.workers,
            bounds: Bounds { workers: most, grows: least < most, buffer: self.buffer },
            helper: None,
            looks: None,
            started: 0,
            served: 0,
            wanted: if least > 1 { least } else { 0 },
            ordered: self.ordered,
            run: Arc::clone(run),
            at,
            step: PhantomData,
        }
    }
}

/// A running `parallel` stage as the thread that consumes it sees it.
pub struct ParallelPull<P: Pull, S: Step<P::Item>> {
    mode: Mode<P, S>,
    workers: Workers,
    bounds: Bounds,
    /// This thread as one of the workers; only in a team that grows by itself.
    helper: Option<Helper<P, S>>,
    /// Decides about more or fewer workers; only in a team of which their number changes.
    looks: Option<Looks>,
    /// How many workers were started so far.
    started: usize,
    /// Items of the last pull.
    served: usize,
    /// How many more workers to start at the next `spawn_workers`.
    wanted: usize,
    ordered: bool,
    run: Arc<Run>,
    at: usize,
    step: PhantomData<S>,
}

enum Mode<P: Pull, S: Step<P::Item>> {
    Alone(Alone<P, S>),
    Team(Arc<Team<P, S>>),
    /// Only while one becomes the other.
    Moving,
}

struct Alone<P: Pull, S: Step<P::Item>> {
    source: P,
    step: S,
    state: S::State,
    counts: S::Counts,
    pulled: u64,
    emitted: u64,
    trials: Trials,
    /// What an item costs, once that is known.
    cost_ns: u64,
}

impl<P: Pull, S: Step<P::Item>> fmt::Debug for ParallelPull<P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParallelPull")
            .field("workers", &self.workers)
            .field("started", &self.started)
            .finish_non_exhaustive()
    }
}

/// Counts that survive an unwinding stage.
struct Passed<'a> {
    pulled: u64,
    emitted: u64,
    totals: (&'a mut u64, &'a mut u64),
}

impl Drop for Passed<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        *self.totals.0 += self.pulled;
        *self.totals.1 += self.emitted;
    }
}

impl<P: Pull, S: Step<P::Item>> Alone<P, S> {
    /// The fused way: source, work and what follows in one loop.
    #[inline(always)]
    fn pull<const TIMED: bool>(
        &mut self,
        max: usize,
        emit: &mut impl FnMut(S::Out) -> Flow,
    ) -> Pulled {
        let Self { source, step, state, counts, pulled, emitted, .. } = self;
        let mut burst = Burst::of(counts);
        let mut passed = Passed { pulled: 0, emitted: 0, totals: (pulled, emitted) };
        source.pull::<TIMED>(max, &mut |item| {
            passed.pulled += 1;
            let emitted = &mut passed.emitted;
            step.push::<TIMED>(state, &mut burst.counts, item, &mut |out| {
                *emitted += 1;
                emit(out)
            })
        })
    }

    /// The first two of three separate parts, each timed: reading and work.
    #[cold]
    #[inline(never)]
    fn trial<'a>(&'a mut self, max: usize, run: &'a Run, at: usize) -> Trial<'a, S::Out> {
        let Self { source, step, state, counts, pulled, emitted, .. } = self;
        // A part of a burst is enough, and costs less than a burst where threads do not pay.
        let max = (max / TRIAL_SHARE).max(1);
        let begin = stopwatch();
        let mut items = Held { items: VecDeque::new(), entered: pulled, run, at };
        let mut out =
            Held { items: VecDeque::new(), entered: emitted, run, at: at + S::STAGES + 1 };
        let read = source.pull::<false>(max, &mut |item| {
            items.items.push_back(item);
            Flow::Continue(())
        });
        let count = items.items.len();
        let middle = stopwatch();
        let mut stopped = false;
        {
            let mut burst = Burst::of(counts);
            while !stopped && let Some(item) = items.next() {
                let flow = step.push::<false>(state, &mut burst.counts, item, &mut |item| {
                    out.items.push_back(item);
                    Flow::Continue(())
                });
                stopped = flow.is_break();
            }
        }
        let end = stopwatch();
        Trial {
            out,
            count,
            pulled: read,
            stopped,
            read: middle - begin,
            work: end - middle,
            since: end,
        }
    }

    fn publish(&mut self, run: &Run, at: usize) {
        self.source.publish();
        self.counts.publish(&run.stages, at + S::STAGES);
        let pulled = std::mem::take(&mut self.pulled);
        let emitted = std::mem::take(&mut self.emitted);
        let (first, last) = (&run.stages.all[at], &run.stages.all[at + S::STAGES + 1]);
        first.entered.fetch_add(pulled, Ordering::Relaxed);
        last.entered.fetch_add(emitted, Ordering::Relaxed);
    }
}

/// A trial before its third part, handing on.
struct Trial<'a, T> {
    out: Held<'a, T>,
    count: usize,
    pulled: Pulled,
    /// The work ended early.
    stopped: bool,
    read: Duration,
    work: Duration,
    since: std::time::Instant,
}

impl<T> Trial<'_, T> {
    /// The third part. Whether threads would pay.
    #[inline(always)]
    fn hand_on(mut self, workers: Workers, emit: &mut impl FnMut(T) -> Flow) -> (Pulled, Verdict) {
        if self.stopped {
            return (Pulled::Stopped, Verdict::Alone);
        }
        while let Some(item) = self.out.next() {
            if emit(item).is_break() {
                return (Pulled::Stopped, Verdict::Alone);
            }
        }
        let parts = Parts { read: self.read, work: self.work, hand_on: self.since.elapsed() };
        let verdict = match parts.threads_pay(self.count, workers) {
            false => Verdict::Alone,
            true if self.count < FEW && parts.alone() < INTERRUPTION => Verdict::Perhaps,
            true => Verdict::Pays,
        };
        (self.pulled, verdict)
    }
}

/// Items between two parts of a trial. Those that are left when it ends early, also by a panic,
/// came so far and are cancelled.
struct Held<'a, T> {
    items: VecDeque<T>,
    entered: &'a mut u64,
    run: &'a Run,
    at: usize,
}

impl<T> Held<'_, T> {
    fn next(&mut self) -> Option<T> {
        let item = self.items.pop_front();
        *self.entered += u64::from(item.is_some());
        item
    }
}

impl<T> Drop for Held<'_, T> {
    fn drop(&mut self) {
        let left = self.items.len() as u64;
        if left > 0 {
            *self.entered += left;
            self.run.stages.all[self.at].cancelled.fetch_add(left, Ordering::Relaxed);
        }
    }
}

/// One burst's time in three parts.
struct Parts {
    read: Duration,
    work: Duration,
    hand_on: Duration,
}

/// One in this number of a burst's items is in a trial.
const TRIAL_SHARE: usize = 8;
/// What one item costs to hand over to a thread and back, with its share of a chunk.
const HAND_OVER: Duration = Duration::from_nanos(5);
/// What a chunk costs to hand over, as a share of the work on it: two microseconds of a hundred.
const CHUNK_OVER: u32 = 50;

/// What a trial says of threads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Alone,
    /// They would pay, if it was not the system that took its time: that of few items is not to be
    /// distinguished from an interruption.
    Perhaps,
    Pays,
}

/// Fewer items than this are few.
const FEW: usize = 8;
/// Longer than this the system seldom lets a thread wait.
const INTERRUPTION: Duration = Duration::from_millis(20);

impl Parts {
    fn alone(&self) -> Duration {
        self.read + self.work + self.hand_on
    }

    /// Whether threads would make the whole faster by a quarter, by the time that each part takes.
    fn threads_pay(&self, items: usize, workers: Workers) -> bool {
        let items = u32::try_from(items).unwrap_or(u32::MAX);
        let alone = self.alone();
        let over = HAND_OVER * items + alone / CHUNK_OVER;
        let shared = (alone + over) / u32::try_from(workers.most).unwrap_or(u32::MAX);
        let team = shared.max(self.read + over).max(self.hand_on + over);
        alone > team + team / 4
    }
}

/// When to try again whether threads would pay.
struct Trials {
    workers: Workers,
    since: std::time::Instant,
    wait: Duration,
    bursts: u32,
    /// How long the trial before, or the beginning of the run, was ago at the last look.
    waited: Duration,
    /// Whether the trial before said "perhaps".
    perhaps: bool,
}

/// Until then nobody asks: starting a thread costs about as much.
const FIRST_TRIAL: Duration = Duration::from_micros(100);
const LAST_WAIT: Duration = Duration::from_millis(20);

impl Trials {
    /// The run began at `since`.
    fn new(workers: Workers, since: std::time::Instant) -> Self {
        Self {
            workers,
            since,
            wait: FIRST_TRIAL,
            bursts: 0,
            waited: Duration::ZERO,
            perhaps: false,
        }
    }

    /// Whether now is the time, before a burst of `max`; cheap enough for every burst.
    fn due(&mut self, max: usize) -> bool {
        if self.workers.most == 1 {
            return false;
        }
        // The first bursts are tiny: a clock reading each would show. One that grew at once comes
        // after a fast one.
        self.bursts = self.bursts.saturating_add(1);
        if self.bursts == 1 || (self.bursts < 4 && max > 8) {
            return false;
        }
        let now = stopwatch();
        self.waited = now.duration_since(self.since);
        if self.waited < self.wait && !self.perhaps {
            return false;
        }
        self.since = now;
        self.wait = (self.wait * 2).min(LAST_WAIT);
        true
    }

    /// Whether the first burst, of one item, was slow enough that no trial is needed.
    fn first_was_slow(&self) -> bool {
        self.bursts == 2 && self.waited > INTERRUPTION
    }

    /// Whether threads pay; a "perhaps" asks for another trial at once, and two of them are enough.
    fn says(&mut self, verdict: Verdict) -> bool {
        let before = std::mem::replace(&mut self.perhaps, verdict == Verdict::Perhaps);
        verdict == Verdict::Pays || (before && verdict == Verdict::Perhaps)
    }
}

impl<P: Pull, S: Step<P::Item>> Pull for ParallelPull<P, S> {
    type Item = S::Out;

    /// All that hands items on is inlined: see `gather.rs` for why.
    #[inline(always)]
    fn pull<const TIMED: bool>(
        &mut self,
        max: usize,
        emit: &mut impl FnMut(S::Out) -> Flow,
    ) -> Pulled {
        if self.wanted > 0 {
            return Pulled::NeedThreads;
        }
        match &mut self.mode {
            Mode::Alone(alone) => {
                if !alone.trials.due(max) {
                    return alone.pull::<TIMED>(max, emit);
                }
                if alone.trials.first_was_slow() && alone.source.ready() {
                    alone.cost_ns = nanos(alone.trials.waited);
                    self.wanted = 1;
                    return Pulled::NeedThreads;
                }
                let trial = alone.trial(max, &self.run, self.at);
                let cost_ns = nanos(trial.work) / trial.count.max(1) as u64;
                let (pulled, verdict) = trial.hand_on(self.workers, emit);
                alone.cost_ns = cost_ns;
                if alone.trials.says(verdict) && pulled == Pulled::More {
                    // This thread is the second.
                    self.wanted = 1;
                    return Pulled::NeedThreads;
                }
                pulled
            }
            Mode::Team(team) => {
                let team = Arc::clone(team);
                self.pull_of(&team, max, emit)
            }
            Mode::Moving => Pulled::Stopped,
        }
    }

    fn chunk(&self) -> Option<usize> {
        match &self.mode {
            Mode::Alone(alone) => alone.source.chunk(),
            _ => Some(self.served),
        }
    }

    fn ready(&self) -> bool {
        match &self.mode {
            Mode::Alone(alone) => alone.source.ready(),
            Mode::Team(team) => team.window.has_next(),
            Mode::Moving => true,
        }
    }

    fn finish(&mut self, emit: &mut impl FnMut(S::Out) -> Flow) -> Flow {
        let alone = match &mut self.mode {
            Mode::Alone(alone) => alone,
            Mode::Team(team) => {
                self.helper.take().into_iter().for_each(|helper| team.dismiss(helper));
                return Flow::Continue(());
            }
            Mode::Moving => return Flow::Continue(()),
        };
        let Alone { source, step, state, counts, pulled, emitted, .. } = alone;
        let mut burst = Burst::of(counts);
        source.finish(&mut |item| {
            *pulled += 1;
            step.push::<false>(state, &mut burst.counts, item, &mut |out| {
                *emitted += 1;
                emit(out)
            })
        })
    }

    fn abandon(&mut self) {
        match &mut self.mode {
            Mode::Alone(alone) => {
                alone.source.abandon();
                alone.step.abandon(&mut alone.state);
            }
            Mode::Team(team) => {
                self.helper.take().into_iter().for_each(|helper| team.dismiss(helper));
                team.abandon();
            }
            Mode::Moving => {}
        }
    }

    fn publish(&mut self) {
        if let Mode::Alone(alone) = &mut self.mode {
            alone.publish(&self.run, self.at);
        }
    }

    fn spawn_workers<'scope, 'env: 'scope>(&mut self, scope: &RunScope<'scope, 'env>)
    where
        Self: 'scope,
    {
        if let Mode::Alone(alone) = &mut self.mode {
            alone.source.spawn_workers(scope);
        }
        let wanted = std::mem::take(&mut self.wanted);
        if wanted == 0 {
            return;
        }
        let Some(team) = self.team() else { return };
        if self.started == 0
            && let Err(error) = Permit::check(wanted)
        {
            return self.run.fail(self.at, SpawnError::new("parallel".into(), error).into());
        }
        for _ in 0..wanted {
            // Of very many, not all are needed where all is done before they have started.
            if self.started >= MANY && team.is_done() {
                break;
            }
            if let Err(error) = self.start_worker(&team, scope) {
                // The system has no thread left. A fixed number was asked for, and the first is
                // needed in any case.
                match &mut self.looks {
                    Some(looks) if self.started >= self.workers.least => looks.refused(),
                    _ => return self.run.fail(self.at, error.into()),
                }
                break;
            }
        }
        self.count_workers(&team);
    }
}

impl<P: Pull, S: Step<P::Item>> ParallelPull<P, S> {
    /// The team, made of what worked alone until now.
    fn team(&mut self) -> Option<Arc<Team<P, S>>> {
        if let Mode::Alone(alone) = &mut self.mode {
            alone.publish(&self.run, self.at);
        }
        self.mode = match std::mem::replace(&mut self.mode, Mode::Moving) {
            Mode::Alone(Alone { source, step, mut state, counts, cost_ns, .. }) => {
                let helps = self.workers.least == 1;
                if !helps {
                    // Each worker opens a state of its own; this one may hold nothing back.
                    step.abandon(&mut state);
                }
                let run = Arc::clone(&self.run);
                let team =
                    Arc::new(Team::new(source, step, run, self.at, self.bounds, self.ordered));
                if cost_ns > 0 {
                    team.cost.note(1, Duration::from_nanos(cost_ns));
                }
                if helps {
                    self.helper = Some(team.helper(state, counts));
                }
                self.looks = Looks::new(self.workers.least, self.workers.most);
                Mode::Team(team)
            }
            other => other,
        };
        match &self.mode {
            Mode::Team(team) => Some(Arc::clone(team)),
            _ => None,
        }
    }
}

/// The number of workers that a fixed number always starts.
const MANY: usize = 16;

/// How long the consumer waits at most before it looks for results that workers hold.
const COLLECT_LAST: Duration = Duration::from_millis(64);

impl<P: Pull, S: Step<P::Item>> ParallelPull<P, S> {
    /// Serves from the team, or works as one of it.
    #[inline(always)]
    fn pull_of(
        &mut self,
        team: &Arc<Team<P, S>>,
        max: usize,
        emit: &mut impl FnMut(S::Out) -> Flow,
    ) -> Pulled {
        self.served = 0;
        match self.helper.as_mut().map_or(Helped::NotNow, |helper| team.helped(helper)) {
            Helped::Yes => return Pulled::More,
            Helped::NotNow => {}
            Helped::Never => {
                self.helper.take().into_iter().for_each(|helper| team.dismiss(helper));
                self.wanted = 1;
                return Pulled::NeedThreads;
            }
        }
        let Some(next) = self.next(team) else { return Pulled::NeedThreads };
        let pulled = match next {
            Next::End => Pulled::End,
            Next::Closed => Pulled::Stopped,
            Next::Results(mut results) => {
                let (came, merge) = (results.len(), team.merge_at());
                let cancelled = &self.run.stages.all[merge].cancelled;
                let flow = chunk_drain::hand_on(&mut results, max, cancelled, None, emit);
                self.served = came - results.len();
                if let Some(left) = team.window.put_back(results) {
                    cancelled.fetch_add(left.len() as u64, Ordering::Relaxed);
                }
                if flow.is_continue() { Pulled::More } else { Pulled::Stopped }
            }
        };
        self.helper.iter_mut().for_each(Helper::served);
        pulled
    }

    /// Waits for the next results. Meanwhile it sees to it that the team has as many workers as it
    /// should, and that what is done leaves also if its worker is at an item that takes long. None:
    /// more workers are wanted.
    fn next(&mut self, team: &Team<P, S>) -> Option<Next<S::Out>> {
        let mut patience = LOOKS_AGAIN;
        // Looks at the workers end waits, too; however often, finished results are collected.
        let mut waited_for = Duration::ZERO;
        loop {
            if self.looks_for_more(team) {
                return None;
            }
            let limit = self.looks.as_ref().map_or(patience, |looks| looks.due_in().min(patience));
            let waited = self
                .run
                .wait_up_to(team.merge_at(), Side::In, Some(limit), |cx| team.window.poll_next(cx));
            match waited {
                Some(next) => return Some(next.unwrap_or(Next::Closed)),
                None => {
                    waited_for += limit;
                    if waited_for >= patience {
                        team.collect();
                        waited_for = Duration::ZERO;
                        patience = (patience * 2).min(COLLECT_LAST);
                    }
                }
            }
        }
    }

    /// Whether more workers should be started.
    fn looks_for_more(&mut self, team: &Team<P, S>) -> bool {
        let Some(looks) = &mut self.looks else { return false };
        let served = self.run.stages.all[self.at].entered.load(Ordering::Relaxed);
        self.wanted = looks.look(
            &team.staff,
            usize::from(self.helper.is_some()),
            || team.startable(),
            served,
        );
        self.wanted > 0
    }

    fn start_worker<'scope, 'env: 'scope>(
        &mut self,
        team: &Arc<Team<P, S>>,
        scope: &RunScope<'scope, 'env>,
    ) -> Result<(), SpawnError>
    where
        Self: 'scope,
    {
        let (there, inside) = (Arc::clone(team), scope.clone());
        team.staff.starts();
        let started = scope.try_spawn(format!("worker {}", self.started + 1), move |_| {
            there.work(&inside);
            Ok(())
        });
        match started {
            Ok(()) => self.started += 1,
            Err(_) => team.staff.refused(),
        }
        started
    }

    /// Notes how many are at work, and at most were.
    fn count_workers(&self, team: &Team<P, S>) {
        let present = if self.looks.is_some() { team.staff.present() } else { self.started };
        let working = present + usize::from(self.helper.is_some());
        for at in self.at..=team.merge_at() {
            let counters = &self.run.stages.all[at];
            counters.workers.fetch_max(working, Ordering::Relaxed);
            counters.workers_now.store(working, Ordering::Relaxed);
        }
    }
}
