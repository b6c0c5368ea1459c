//! What all parts of a pool share: the lock with the state in it, and what is done after it:
//! waking, starting threads, is_check_due whether more of them would help.

use std::io;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};
use std::time::Duration;

use super::about::About;
use super::counters::{CounterSet, Counters};
use super::group_state::GroupState;
use super::here::Working;
use super::injector::Injector;
use super::job::Job;
use super::job_length::{JobLength, LastLength};
use super::job_queue::{Entry, JobQueue, Limits, Occupied, Refusal, Submit};
use super::nested::Nested;
use super::state::{Effects, State, Turn};
use super::worker::Init;
use crate::clock::{Clock, stopwatch};
use crate::context::{Cause, Context};
use crate::growth::{self, Growth, Permit, Threads};
use crate::scope::{Registry, Running, SpawnError};
use crate::sync::thread::{Builder, JoinHandle};
use crate::sync::{Arc, Mutex, MutexGuard, Weak};

/// A job as the queue holds it.
pub(crate) type Shared<S> = Arc<dyn Job<S>>;

pub(crate) struct Core<S> {
    /// Locked by [`lock`](Self::lock), which calls in what the injector has.
    state: CachePadded<Mutex<State<Shared<S>>>>,
    injector: CachePadded<Mutex<Injector<Shared<S>>>>,
    pub(crate) about: Arc<About>,
    /// Makes a worker's state.
    pub(crate) init: Init<S>,
    /// What a new thread does: its worker's loop, which is built on this.
    live: fn(Arc<Self>, usize),
    pub(crate) nested: Nested,
    /// How long a worker above the least stays without work.
    pub(crate) idle_after: Duration,
    pub(crate) counter_set: CounterSet,
    registry: Arc<Registry>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    growth: Mutex<Growth>,
    /// What the system is asked about the workers.
    pub(crate) os_threads: Arc<Threads>,
    /// How long the last job was that was measured.
    pub(crate) length: LastLength,
    /// A worker that searches reads nothing else.
    hints: CachePadded<Hints>,
}

/// Where jobs may be found. Hints about when to look; who looks takes the lock.
#[derive(Default)]
struct Hints {
    queue: AtomicBool,
    /// Changed under the injector's lock.
    injector: AtomicBool,
}

/// On cache lines of its own: what changes all the time must not move what everybody reads.
#[repr(align(128))]
pub(crate) struct CachePadded<T>(T);

impl<T> Deref for CachePadded<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

/// What a pool is made of that its users chose.
pub(crate) struct Plan<S> {
    pub(crate) limits: Limits,
    pub(crate) name: Arc<str>,
    pub(crate) init: Init<S>,
    pub(crate) nested: Nested,
    pub(crate) idle_after: Duration,
    pub(crate) live: fn(Arc<Core<S>>, usize),
}

impl<S: 'static> Core<S> {
    pub(crate) fn new(ctx: &Context, plan: Plan<S>) -> Arc<Self> {
        Arc::new(Self {
            state: CachePadded(Mutex::new(State::new(plan.limits))),
            injector: CachePadded(Mutex::new(Injector::new())),
            about: About::new(ctx, plan.name),
            init: plan.init,
            live: plan.live,
            nested: plan.nested,
            idle_after: plan.idle_after,
            counter_set: CounterSet::default(),
            registry: Registry::below(ctx),
            threads: Mutex::new(Vec::new()),
            growth: Mutex::new(Growth::default()),
            os_threads: Arc::default(),
            length: LastLength::new(),
            hints: CachePadded(Hints::default()),
        })
    }

    /// Does what a locked section has found to be done; to be called without the lock.
    #[inline]
    pub(crate) fn after(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, State<Shared<S>>>,
        effects: Effects,
    ) {
        self.report(&mut state);
        drop(state);
        self.do_after(effects);
    }

    /// Settles the state at the end of a locked section in which a job came or a worker changed
    /// over to another one. The injector is called in if nobody would fetch from it, and given
    /// credit if somebody will.
    #[inline]
    fn after_job(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, State<Shared<S>>>,
        mut effects: Effects,
    ) {
        if state.lends && !state.may_lend() {
            self.call_in(&mut state);
        }
        state.reconcile(&mut effects);
        if !state.lends && state.may_lend() {
            state.lends = true;
            self.injector.lock().set_credit(state.credit());
        }
        self.after(state, effects);
    }

    /// Publishes whether jobs wait, for the worker that looks without the lock.
    #[inline]
    pub(crate) fn report(&self, state: &mut State<Shared<S>>) {
        let has_jobs = !state.queue.is_empty() || state.closed.is_some();
        if has_jobs != state.reported {
            state.reported = has_jobs;
            self.hints.queue.store(has_jobs, Ordering::Relaxed);
        }
    }

    /// Looks for a moment whether jobs come.
    fn search(&self) {
        /// Rounds of doubling pauses, and times that the thread offers its core to others: about a
        /// microsecond.
        const PAUSES: u32 = 7;
        const YIELDS: u32 = 4;
        for round in 0..PAUSES + YIELDS {
            if self.hints.queue.load(Ordering::Relaxed)
                || self.hints.injector.load(Ordering::Relaxed)
            {
                return;
            }
            if round < PAUSES {
                (0..1_u32 << round).for_each(|_| std::hint::spin_loop());
            } else {
                std::thread::yield_now();
            }
        }
    }

    #[inline]
    pub(crate) fn do_after(self: &Arc<Self>, effects: Effects) {
        effects.wakes.wake();
        if effects.start > 0 {
            // A caller that needs to know asks for the error; elsewhere fewer workers are no loss
            // of work.
            let _ = self.start(effects.start);
        }
        if effects.look {
            self.look_in(growth::FIRST_LOOK);
        }
    }
}

impl<S: 'static> Core<S> {
    /// Puts a job of no group into the injector, or gives it back if that has no credit.
    #[inline]
    pub(crate) fn put(&self, job: Shared<S>) -> Result<(), Shared<S>> {
        let mut injector = self.injector.lock();
        if injector.put(job, stopwatch)? {
            self.hints.injector.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Offers a job; it stays in the option if it is not taken.
    pub(crate) fn offer(
        self: &Arc<Self>,
        entry: &mut Option<Entry<Shared<S>>>,
    ) -> Result<(), Refusal> {
        let mut state = self.lock_for_job(true);
        if let Some(entry) = entry
            && (state.submitted.is_multiple_of(16) || self.length.get() != JobLength::Short)
        {
            entry.since = Some(stopwatch());
        }
        let taken = state.submit(entry);
        self.after_job(state, Effects::nothing());
        taken
    }

    /// Locks the state, with all in it that was in the injector, which takes nothing until it is
    /// given credit again.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State<Shared<S>>> {
        let mut state = self.state.lock();
        if state.lends {
            self.call_in(&mut state);
        }
        state
    }

    fn call_in(&self, state: &mut State<Shared<S>>) {
        let mut injector = self.injector.lock();
        self.fetch(state, &mut injector);
        injector.set_credit(0);
        state.lends = false;
    }

    #[inline]
    fn fetch(&self, state: &mut State<Shared<S>>, injector: &mut Injector<Shared<S>>) {
        if injector.len() > 0 {
            self.hints.injector.store(false, Ordering::Relaxed);
            state.fetch(injector);
        }
    }

    /// Locks the state for what is ended by [`after_job`](Self::after_job): the injector may go on
    /// taking jobs. A caller that `brings` a job finds all of them in the queue, which it joins;
    /// one that comes for one leaves them in the injector while there are others.
    #[inline]
    fn lock_for_job(&self, brings: bool) -> MutexGuard<'_, State<Shared<S>>> {
        let mut state = self.state.lock();
        if state.lends && (brings || state.wants_more()) {
            let mut injector = self.injector.lock();
            self.fetch(&mut state, &mut injector);
            injector.set_credit(state.credit().saturating_sub(usize::from(brings)));
        }
        state
    }

    /// Gives back what the last job occupied, and says what the worker does next.
    #[inline]
    pub(crate) fn next(
        self: &Arc<Self>,
        worker: usize,
        ended: Option<&Occupied<Shared<S>>>,
    ) -> Turn<Shared<S>> {
        match self.turn(worker, ended, false) {
            Turn::Search => {
                self.search();
                self.turn(worker, None, true)
            }
            turn => turn,
        }
    }

    #[inline]
    fn turn(
        self: &Arc<Self>,
        worker: usize,
        ended: Option<&Occupied<Shared<S>>>,
        searched: bool,
    ) -> Turn<Shared<S>> {
        let mut effects = Effects::nothing();
        let mut state = self.lock_for_job(false);
        if let Some(ended) = ended {
            state.finish(ended, &mut effects.wakes);
        }
        state.length = self.length.get();
        let turn = if !searched && state.can_do_without() {
            Turn::Wait
        } else {
            state.next(worker, searched)
        };
        self.after_job(state, effects);
        turn
    }

    pub(crate) fn finish(self: &Arc<Self>, ended: &Occupied<Shared<S>>) {
        self.change(|state, effects| state.finish(ended, &mut effects.wakes));
    }

    /// Changes the state, settles it, and does what follows.
    pub(crate) fn change<R>(
        self: &Arc<Self>,
        change: impl FnOnce(&mut State<Shared<S>>, &mut Effects) -> R,
    ) -> R {
        let mut effects = Effects::nothing();
        let mut state = self.lock();
        let result = change(&mut state, &mut effects);
        state.reconcile(&mut effects);
        self.after(state, effects);
        result
    }

    /// Lets no job in any more; those that wait are run.
    pub(crate) fn close(self: &Arc<Self>, cause: &Cause) {
        self.change(|state, _| state.close(cause));
    }

    /// Cancels what has not started: of a group, or all.
    pub(crate) fn sweep(
        self: &Arc<Self>,
        which: Option<&Arc<GroupState<Shared<S>>>>,
        cause: &Cause,
    ) {
        let swept = self.change(|state, effects| state.sweep(&mut effects.wakes, which));
        report_swept(&self.about.name, swept, |job| job.cancel(cause));
    }

    /// Starts up to `count` threads, which count as workers already. The first refusal of the
    /// system ends it.
    pub(crate) fn start(self: &Arc<Self>, count: usize) -> Result<(), SpawnError> {
        for left in (0..count).rev() {
            let number = self.counter_set.enter();
            let name: Arc<str> = format!("{} worker {number}", self.about.name).into();
            if let Err(error) = self.start_one(number, &name) {
                self.counter_set.leave(number);
                self.growth.lock().refused(stopwatch());
                self.change(|state, _| state.refuse(left + 1));
                return Err(SpawnError::new(name, error));
            }
        }
        Ok(())
    }

    fn start_one(self: &Arc<Self>, number: usize, name: &Arc<str>) -> io::Result<()> {
        let permit = Permit::new()?;
        let ticket = self.registry.enter(Arc::clone(name), self.about.ctx.clock().now());
        let (core, live) = (Arc::clone(self), self.live);
        let run = move || {
            live(core, number);
            drop((ticket, permit));
        };
        // The system knows no name with a zero in it.
        let builder = Builder::new().name(name.replace('\0', " "));
        #[expect(
            clippy::disallowed_methods,
            reason = "the pool owns its threads and joins them when it is dropped"
        )]
        let thread = builder.spawn(run)?;
        let mut threads = self.threads.lock();
        threads.retain(|thread| !is_finished(thread));
        threads.push(thread);
        Ok(())
    }

    /// Whether the process can have `count` threads at all; to be asked before they are counted as
    /// workers.
    pub(crate) fn check_threads(&self, count: usize) -> Result<(), SpawnError> {
        Permit::check(count).map_err(|error| SpawnError::new(Arc::clone(&self.about.name), error))
    }

    /// Joins all threads; they must have been asked to leave.
    pub(crate) fn join(&self) {
        loop {
            let Some(thread) = self.threads.lock().pop() else { return };
            let _a_panic_was_caught_in_the_loop = thread.join();
        }
    }

    /// Asks for a look at that time.
    fn look_in(self: &Arc<Self>, wait: Duration) {
        if cfg!(loom) {
            // In a model, a thread of the model looks.
            return;
        }
        let look = Waker::from(Arc::new(ScaleCheck(Arc::downgrade(self))));
        // On the real clock in any case: it is about threads, which run on no other.
        let clock = Clock::real();
        clock.call_at(clock.after(wait), look);
    }

    /// Whether more workers would help, and if so starts some.
    pub(crate) fn check_scale(self: &Arc<Self>) {
        let now = stopwatch();
        let view = {
            let mut state = self.lock();
            state.view()
        };
        // Judged without the lock, because it may ask the system. Until it is written back nobody
        // else looks.
        let verdict =
            self.growth.lock().judge(&view, now, |enough| self.os_threads.running(enough));
        self.change(|state, effects| {
            state.help(verdict.start, effects);
            state.let_leave(&verdict);
            state.is_check_due = verdict.again.is_some();
        });
        if let Some(wait) = verdict.again {
            self.look_in(wait);
        }
    }
}

impl<S> Core<S> {
    pub(crate) fn workers(&self) -> Vec<Running> {
        self.registry.running()
    }

    pub(crate) fn time(&self, counters: &Counters, waited: Duration, ran: Duration) {
        self.length.measured(ran);
        counters.time(waited, ran);
    }
}

/// Cancels jobs that were swept. The destructor of a job is its user's: a panic of it must not keep
/// the others from hearing.
pub(crate) fn report_swept<J>(name: &str, swept: Vec<Entry<J>>, cancel: impl Fn(&J) -> bool) {
    for entry in swept {
        drop(crate::panics::catch(name, || {
            let _one_that_had_started_goes_on = cancel(&entry.job);
            drop(entry);
        }));
    }
}

impl<S: 'static> Working for Core<S> {
    fn working(&self) -> usize {
        self.lock().working()
    }
}

impl<S: 'static> Submit<Shared<S>> for Arc<Core<S>> {
    fn with_line<R>(&self, change: impl FnOnce(&mut JobQueue<Shared<S>>, usize) -> R) -> R {
        self.change(|state, _| {
            let local = state.local_that_counts();
            change(state, local)
        })
    }
}

#[cfg(not(loom))]
fn is_finished(thread: &JoinHandle<()>) -> bool {
    thread.is_finished()
}

#[cfg(loom)]
fn is_finished(_: &JoinHandle<()>) -> bool {
    false
}

/// The clock's call.
struct ScaleCheck<S>(Weak<Core<S>>);

impl<S: 'static> Wake for ScaleCheck<S> {
    fn wake(self: Arc<Self>) {
        if let Some(core) = self.0.upgrade() {
            core.check_scale();
        }
    }
}
