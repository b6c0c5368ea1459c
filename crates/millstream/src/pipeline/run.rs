//! One run: what its threads share, and how it ends.

use std::borrow::Cow;
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use super::tally::{Stages, Tally};
use crate::BoxError;
use crate::context::{Cause, Context};
use crate::error::Kind;
use crate::panics::Panic;
use crate::report::{ErrorReport, Report, StageReport};

thread_local! {
    /// The stage whose code is unwinding on this thread: several threads may unwind at once.
    static UNWINDING: Cell<Option<usize>> = const { Cell::new(None) };
    /// How long this thread has waited: see [`Run::waited`].
    static WAITED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// What every thread of a run sees. The first failure wins, and cancels the run's own context with its cause.
#[derive(Debug)]
pub struct Run {
    /// Cancelled when the run fails, if it has threads to stop; otherwise the caller's own.
    pub(crate) ctx: Context,
    boundary: bool,
    pub(crate) stages: Stages,
    renamed: Vec<(usize, Cow<'static, str>)>,
    outer: Context,
    /// Cancelled when nothing more is to be read; made only where a source can wait.
    input: OnceLock<Context>,
    /// The first `take`: stages before it end with the input. 0, which is the source, if there is none.
    first_take: AtomicUsize,
    pub(crate) started: Instant,
    failure: Mutex<Option<Kind>>,
}

impl Run {
    pub(crate) fn new(
        outer: &Context,
        names: Vec<&'static str>,
        renamed: Vec<(usize, Cow<'static, str>)>,
        boundary: bool,
    ) -> Self {
        Self {
            ctx: if boundary { outer.child() } else { outer.clone() },
            boundary,
            stages: Stages::new(names),
            renamed,
            outer: outer.clone(),
            input: OnceLock::new(),
            first_take: AtomicUsize::new(0),
            started: crate::clock::stopwatch(),
            failure: Mutex::new(None),
        }
    }

    /// What sources wait with.
    pub(crate) fn input(&self) -> &Context {
        self.input.get_or_init(|| self.ctx.child())
    }

    /// Notes a `take`. Pipelines are opened from their end, so the last one that is noted is the first of the flow.
    pub(crate) fn has_take(&self, at: usize) {
        self.first_take.store(at, Ordering::Relaxed);
    }

    /// What a stage waits with. Nobody wants what comes of a stage before a `take` that has all it wants.
    // Relaxed: the stages' threads start after the pipeline was opened, and starting them orders that.
    pub(crate) fn ctx_at(&self, at: usize) -> &Context {
        if at < self.first_take.load(Ordering::Relaxed) { self.input() } else { &self.ctx }
    }

    /// Lets sources, and stages before a `take`, end; what was read flows on.
    pub(crate) fn end_input(&self) {
        self.input().cancel(Cause::finished());
    }

    /// Ends the run with a stage's error.
    #[cold]
    pub(crate) fn fail(&self, at: usize, error: BoxError) {
        let stage = self.name(at);
        let cause = Cause::failed(format!("stage \"{stage}\" failed: {error}"));
        self.end(Kind::Stage { stage, error }, cause);
    }

    /// Notes which stage's code is unwinding on this thread; called while it does.
    #[cold]
    pub(crate) fn panicked_at(stage: usize) {
        // The first stage to unwind is the one whose code panicked.
        UNWINDING.set(UNWINDING.get().or(Some(stage)));
    }

    /// Ends the run with a panic that was caught on this thread, one of the run's.
    #[cold]
    pub(crate) fn panicked(&self, panic: Panic) {
        let at = UNWINDING.take();
        let stage = at.map_or(Cow::Borrowed("millstream"), |at| self.name(at));
        if let Some(at) = at {
            self.stages.all[at].error("panic", 1, || panic.to_string());
        }
        let cause = Cause::panicked(format!("stage \"{stage}\" panicked: {panic}"));
        self.end(Kind::Panicked { stage, panic }, cause);
    }

    fn end(&self, kind: Kind, cause: Cause) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(kind);
        drop(failure);
        // In a run of one thread the flow itself stops; the context is the caller's then.
        if self.boundary {
            self.ctx.cancel(cause);
        }
    }

    /// Whether the run ends early, also one that has no context of its own to tell it by.
    #[cold]
    pub(crate) fn is_stopping(&self) -> bool {
        self.ctx.is_cancelled() || self.failure.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// How long this thread has waited since it asked last.
    pub(crate) fn waited() -> Duration {
        WAITED.take()
    }

    /// Waits on this thread until `poll` is ready; `None` when the run stops first.
    pub(crate) fn wait<R>(&self, mut poll: impl FnMut(&mut std::task::Context<'_>) -> Poll<R>) -> Option<R> {
        let mut waiting = None;
        let result = crate::park::block_on(poll_fn(|cx| {
            if let Poll::Ready(ready) = poll(cx) {
                return Poll::Ready(Some(ready));
            }
            // Only a wait that really waits registers with the context, and looks at the clock.
            let (stop, _) = waiting.get_or_insert_with(|| (self.ctx.cancelled(), crate::clock::stopwatch()));
            Pin::new(stop).poll(cx).map(|_| None)
        }));
        if let Some((_, since)) = waiting {
            Self::add_wait(since);
        }
        result
    }

    /// Counts the time since `since` as waited by this thread.
    pub(crate) fn add_wait(since: Instant) {
        WAITED.set(WAITED.get() + since.elapsed());
    }

    /// Why the run did not reach its end; `None` if it did.
    pub(crate) fn outcome(&self, stopped: bool) -> Option<Kind> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.or_else(|| {
            // A run that did not reach its end is never a success, also if nobody says why.
            let why = || self.outer.cause().or_else(|| self.ctx.cause());
            stopped.then(|| Kind::Cancelled(why().unwrap_or_else(|| Cause::cancelled("a stage gave up"))))
        })
    }

    /// The numbers as they are now.
    pub(crate) fn report(&self) -> Report {
        let mut stages: Vec<StageReport> = Vec::with_capacity(self.stages.all.len());
        let mut errors = Vec::new();
        for (at, tally) in self.stages.all.iter().enumerate() {
            let name = self.name(at);
            errors.extend(tally.errors().into_iter().map(|(kind, count, sample)| ErrorReport {
                stage: name.to_string(),
                kind: kind.to_string(),
                count,
                sample,
            }));
            let before = stages.last().map(|stage| stage.left);
            stages.push(stage_report(&name, tally, before));
        }
        Report { elapsed: self.started.elapsed(), stages, errors }
    }

    fn name(&self, at: usize) -> Cow<'static, str> {
        let given = self.renamed.iter().rev().find(|(index, _)| *index == at);
        given.map_or(Cow::Borrowed(self.stages.names[at]), |(_, name)| name.clone())
    }
}

/// A stage that counts for itself says what entered and left; in a fused stage it follows from the stage before.
fn stage_report(name: &str, tally: &Tally, before: Option<u64>) -> StageReport {
    let read = |cell: &std::sync::atomic::AtomicU64| cell.load(Ordering::Relaxed);
    let ns = |cell| Duration::from_nanos(read(cell));
    let workers = tally.workers.load(Ordering::Relaxed);
    let (counts_in, counts_out) =
        (tally.counts_in.load(Ordering::Relaxed), tally.counts_out.load(Ordering::Relaxed));
    let (made, filtered, skipped, failed, cancelled) = (
        read(&tally.made),
        read(&tally.filtered),
        read(&tally.skipped),
        read(&tally.failed),
        read(&tally.cancelled),
    );
    let entered = match before {
        Some(before) if !counts_in => before,
        _ => read(&tally.entered),
    };
    let lost = filtered + skipped + failed + cancelled;
    let left = if counts_out { read(&tally.left) } else { entered.wrapping_add(made).saturating_sub(lost) };
    let times = tally.times();
    let sampled = Duration::from_nanos((times.mean_ns() * entered as f64) as u64);
    let busy = ns(&tally.busy_ns);
    StageReport {
        name: name.to_owned(),
        workers: workers.max(1),
        entered,
        made: made.cast_signed(),
        left,
        filtered,
        skipped,
        failed,
        cancelled,
        held: entered.wrapping_add(made).saturating_sub(left + lost),
        busy: if busy.is_zero() { sampled } else { busy },
        wait_in: ns(&tally.wait_in_ns),
        wait_out: ns(&tally.wait_out_ns),
        p50: times.percentile(0.5),
        p99: times.percentile(0.99),
    }
}
