//! One run: what its threads share, and how it ends.

use std::borrow::Cow;
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use super::counters::Stages;
use super::waits::Side;
use crate::BoxError;
use crate::context::{Cause, Context};
use crate::error::Kind;
use crate::panics::Panic;

thread_local! {
    /// The stage whose code is unwinding on this thread: several threads may unwind at once.
    static UNWINDING: Cell<Option<usize>> = const { Cell::new(None) };
    /// How long this thread has waited: see [`Run::waited`].
    static WAITED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// A part of the flow that ends together: all of it, or what is before a `take` once that has all
/// it wants.
#[derive(Debug)]
struct Part {
    ctx: Context,
    /// The last `take` in it, how many items that wants, and what is before it.
    before: OnceLock<(usize, Option<u64>, Box<Part>)>,
}

impl Part {
    fn new(ctx: Context) -> Self {
        Self { ctx, before: OnceLock::new() }
    }
}

/// What every thread of a run sees. The first failure wins, and cancels the run's own context with
/// its cause.
#[derive(Debug)]
pub struct Run {
    /// The whole of it. Its context is cancelled when the run fails, if it has threads to stop;
    /// otherwise it is the caller's own.
    part: Part,
    boundary: bool,
    pub(crate) stages: Stages,
    renamed: Vec<(usize, Cow<'static, str>)>,
    outer: Context,
    pub(crate) started: Instant,
    failure: Mutex<Option<Kind>>,
    pub(super) branches: Mutex<Vec<Branch>>,
}

/// A part of the flow that runs by itself, of a fan.
#[derive(Debug)]
pub(super) struct Branch {
    /// The stage that it belongs to.
    pub(super) at: usize,
    pub(super) number: usize,
    pub(super) run: Arc<Run>,
    pub(super) dropped: Option<String>,
}

impl Run {
    pub(crate) fn new(
        outer: &Context,
        names: Vec<&'static str>,
        renamed: Vec<(usize, Cow<'static, str>)>,
        boundary: bool,
    ) -> Self {
        Self {
            part: Part::new(if boundary { outer.child() } else { outer.clone() }),
            boundary,
            stages: Stages::new(names),
            renamed,
            outer: outer.clone(),
            started: crate::clock::stopwatch(),
            failure: Mutex::new(None),
            branches: Mutex::new(Vec::new()),
        }
    }

    /// The context of the whole run.
    pub(crate) fn ctx(&self) -> &Context {
        &self.part.ctx
    }

    /// What a stage waits with, and is stopped by: the run's context, or that of the part before
    /// the next `take`.
    pub(crate) fn ctx_at(&self, at: usize) -> &Context {
        let mut part = &self.part;
        while let Some((take, _, before)) = part.before.get()
            && at < *take
        {
            part = before;
        }
        &part.ctx
    }

    /// How many items the stage at `at` is to hand on at most, if a `take` comes right after it.
    pub(crate) fn wanted_of(&self, at: usize) -> Option<u64> {
        let mut part = &self.part;
        while let Some((take, wanted, before)) = part.before.get() {
            if *take == at + 1 {
                return *wanted;
            }
            part = before;
        }
        None
    }

    /// Notes a `take`, and how many items it wants if that is known. Pipelines are opened from
    /// their end, so that each is before those that are noted already.
    pub(crate) fn has_take(&self, at: usize, wanted: Option<u64>) {
        let mut part = &self.part;
        while let Some((_, _, before)) = part.before.get() {
            part = before;
        }
        let before = Part::new(part.ctx.child());
        let noted = part.before.set((at, wanted, Box::new(before)));
        debug_assert!(noted.is_ok(), "one thread opens a pipeline");
    }

    /// Ends what is before the `take` at `at`: nobody wants what comes of it any more.
    pub(crate) fn end_before(&self, at: usize) {
        self.ctx_at(at - 1).cancel(Cause::finished());
    }

    /// Ends the run with a stage's error.
    #[cold]
    pub(crate) fn fail(&self, at: usize, error: BoxError) {
        let stage = self.name(at);
        let cause = Cause::failed(format!("stage \"{stage}\" failed: {error:#}"));
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
        // None: the panic began outside of the stages' calls, which is where destructors run.
        let stage = UNWINDING.take().map(|at| {
            self.stages.all[at].error("panic", 1, || panic.to_string());
            self.name(at)
        });
        let cause = Cause::panicked(match &stage {
            Some(stage) => format!("stage \"{stage}\" {}", panic.what()),
            None => format!("a destructor {}", panic.what()),
        });
        self.end(Kind::Panicked { stage, panic }, cause);
    }

    fn end(&self, kind: Kind, cause: Cause) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(kind);
        drop(failure);
        // In a run of one thread the flow itself stops; the context is the caller's then.
        if self.boundary {
            self.ctx().cancel(cause);
        }
    }

    /// Whether the run ends early, also one that has no context of its own to be stopped by.
    #[cold]
    pub(crate) fn is_stopping(&self) -> bool {
        self.ctx().is_cancelled()
            || self.failure.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// How long this thread has waited since it asked last.
    pub(crate) fn waited() -> Duration {
        WAITED.take()
    }

    /// Waits on this thread, for the stage at `at`, until `poll` is ready; `None` when its part of
    /// the run ends first.
    pub(crate) fn wait<R>(
        &self,
        at: usize,
        side: Side,
        poll: impl FnMut(&mut std::task::Context<'_>) -> Poll<R>,
    ) -> Option<R> {
        self.wait_up_to(at, side, None, poll).flatten()
    }

    /// The same, but for no longer than `limit`, after which it is `None`; `Some(None)` is the end
    /// of the run's part.
    pub(crate) fn wait_up_to<R>(
        &self,
        at: usize,
        side: Side,
        limit: Option<Duration>,
        mut poll: impl FnMut(&mut std::task::Context<'_>) -> Poll<R>,
    ) -> Option<Option<R>> {
        let mut waiting = None;
        let future = poll_fn(|cx| {
            if let Poll::Ready(ready) = poll(cx) {
                return Poll::Ready(Some(ready));
            }
            // Only a wait that really waits registers with the context, and looks at the clock.
            let (stop, ..) = waiting.get_or_insert_with(|| {
                let counters = &self.stages.all[at];
                let open = if side == Side::In { &counters.open_in } else { &counters.open_out };
                (self.ctx_at(at).cancelled(), crate::clock::stopwatch(), open.begin())
            });
            Pin::new(stop).poll(cx).map(|_| None)
        });
        let result = match limit {
            Some(limit) => crate::park::block_on_for(future, limit),
            None => Some(crate::park::block_on(future)),
        };
        if let Some((_, since, _)) = waiting {
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
            let why = || self.outer.cause().or_else(|| self.ctx().cause());
            stopped.then(|| {
                Kind::Cancelled(why().unwrap_or_else(|| Cause::cancelled("a stage gave up")))
            })
        })
    }

    /// Notes a branch of the fan at `at`.
    pub(crate) fn has_branch(&self, at: usize, number: usize, run: &Arc<Self>) {
        let branch = Branch { at, number, run: Arc::clone(run), dropped: None };
        self.branches.lock().unwrap_or_else(PoisonError::into_inner).push(branch);
    }

    /// Notes why a branch ended before its input.
    #[cold]
    pub(crate) fn branch_ended(&self, at: usize, number: usize, why: String) {
        let mut branches = self.branches.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(branch) =
            branches.iter_mut().find(|branch| (branch.at, branch.number) == (at, number))
        {
            branch.dropped.get_or_insert(why);
        }
    }

    pub(super) fn name(&self, at: usize) -> Cow<'static, str> {
        let given = |at: usize| self.renamed.iter().rev().find(|(index, _)| *index == at);
        if let Some((_, name)) = given(at) {
            return name.clone();
        }
        let name = self.stages.names[at];
        let same = |before: &usize| self.stages.names[*before] == name && given(*before).is_none();
        match (0..at).filter(same).count() {
            0 => Cow::Borrowed(name),
            before => Cow::Owned(format!("{name} {}", before + 1)),
        }
    }
}
