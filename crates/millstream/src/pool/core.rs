//! What all parts of a pool share: the lock with the state in it, and what is done after it:
//! waking, starting threads, looking whether more of them would help.

use std::io;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};
use std::time::Duration;

use super::Nested;
use super::inbox::Inbox;
use super::job::Job;
use super::line::{Desk, Entry, Limits, Line, Occupied, Refusal};
use super::member::Member;
use super::state::{State, Then, Turn};
use super::tally::{Tallies, Tally};
use super::waits::Working;
use super::worker;
use crate::clock::{Clock, stopwatch};
use crate::context::{Cause, Context};
use crate::growth::{self, Growth, Permit, Threads};
use crate::scope::{Registry, Running, SpawnError};
use crate::sync::thread::{Builder, JoinHandle};
use crate::sync::{Arc, Mutex, MutexGuard, Weak};

/// A job as the queue holds it.
pub(crate) type Shared<S> = Arc<dyn Job<S>>;

/// A job of at least this length has its times measured each time; of shorter ones every sixteenth
/// has.
const WORTH_MEASURING: Duration = Duration::from_micros(10);
/// Jobs of at least this length are worth it that a submitter is woken for each place that becomes
/// free.
const WORTH_WAKING: Duration = Duration::from_micros(100);

pub(crate) struct Core<S> {
    /// Locked by [`lock`](Self::lock), which calls in what the inbox has.
    state: Apart<Mutex<State<Shared<S>>>>,
    inbox: Apart<Mutex<Inbox<Shared<S>>>>,
    /// Cancelled when the pool is aborted.
    pub(crate) ctx: Context,
    pub(crate) name: Arc<str>,
    pub(crate) id: u32,
    pub(crate) init: Box<dyn Fn(usize) -> S + Send + Sync>,
    pub(crate) nested: Nested,
    /// How long a worker above the least stays without work.
    pub(crate) idle_after: Duration,
    pub(crate) tallies: Tallies,
    registry: Arc<Registry>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    growth: Mutex<Growth>,
    /// What the system is asked about the workers.
    pub(crate) os_threads: Arc<Threads>,
    /// Whether the last job that was measured was long.
    pub(crate) long: AtomicBool,
    /// Whether it was worth a wake-up.
    slow: AtomicBool,
    /// A worker that searches reads nothing else.
    hints: Apart<Hints>,
}

/// Where jobs may be found. Hints about when to look; who looks takes the lock.
#[derive(Default)]
struct Hints {
    queue: AtomicBool,
    /// Changed under the inbox's lock.
    inbox: AtomicBool,
}

/// On cache lines of its own: what changes all the time must not take along what everybody reads.
#[repr(align(128))]
pub(crate) struct Apart<T>(T);

impl<T> Deref for Apart<T> {
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
    pub(crate) init: Box<dyn Fn(usize) -> S + Send + Sync>,
    pub(crate) nested: Nested,
    pub(crate) idle_after: Duration,
}

impl<S: 'static> Core<S> {
    pub(crate) fn new(ctx: &Context, plan: Plan<S>) -> Arc<Self> {
        Arc::new(Self {
            state: Apart(Mutex::new(State::new(plan.limits))),
            inbox: Apart(Mutex::new(Inbox::new())),
            ctx: ctx.child(),
            name: plan.name,
            id: worker::pool_number(),
            init: plan.init,
            nested: plan.nested,
            idle_after: plan.idle_after,
            tallies: Tallies::default(),
            registry: Registry::below(ctx),
            threads: Mutex::new(Vec::new()),
            growth: Mutex::new(Growth::default()),
            os_threads: Arc::default(),
            long: AtomicBool::new(true),
            slow: AtomicBool::new(true),
            hints: Apart(Hints::default()),
        })
    }

    /// Does what a locked section has found to be done; to be called without the lock.
    #[inline]
    pub(crate) fn after(self: &Arc<Self>, mut state: MutexGuard<'_, State<Shared<S>>>, then: Then) {
        self.tell(&mut state);
        drop(state);
        self.do_after(then);
    }

    /// Settles the state at the end of a locked section in which a job came or a worker changed
    /// over to another one. The inbox is called in if nobody would fetch from it, and given credit
    /// if somebody will.
    #[inline]
    fn after_job(self: &Arc<Self>, mut state: MutexGuard<'_, State<Shared<S>>>, mut then: Then) {
        if state.lends && !state.may_lend() {
            self.call_in(&mut state);
        }
        state.settle(&mut then);
        if !state.lends && state.may_lend() {
            state.lends = true;
            self.inbox.lock().set_credit(state.credit());
        }
        self.after(state, then);
    }

    /// Publishes whether jobs wait, for the worker that looks without the lock.
    #[inline]
    pub(crate) fn tell(&self, state: &mut State<Shared<S>>) {
        let has_jobs = !state.queue.is_empty() || state.closed.is_some();
        if has_jobs != state.told {
            state.told = has_jobs;
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
            if self.hints.queue.load(Ordering::Relaxed) || self.hints.inbox.load(Ordering::Relaxed)
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
    pub(crate) fn do_after(self: &Arc<Self>, then: Then) {
        then.wakes.wake();
        if then.start > 0 {
            // Whoever needs to know asks for the error; elsewhere fewer workers are no loss of
            // work.
            let _ = self.start(then.start);
        }
        if then.look {
            self.look_in(growth::FIRST_LOOK);
        }
    }
}

impl<S: 'static> Core<S> {
    /// Puts a job of no group into the inbox, or gives it back if that has no credit.
    #[inline]
    pub(crate) fn put(&self, job: Shared<S>) -> Result<(), Shared<S>> {
        let mut inbox = self.inbox.lock();
        if inbox.put(job, stopwatch)? {
            self.hints.inbox.store(true, Ordering::Relaxed);
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
            && (state.submitted.is_multiple_of(16) || self.long.load(Ordering::Relaxed))
        {
            entry.since = Some(stopwatch());
        }
        let taken = state.submit(entry);
        self.after_job(state, Then::nothing());
        taken
    }

    /// Locks the state, with all in it that was in the inbox, which takes nothing until it is given
    /// credit again.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State<Shared<S>>> {
        let mut state = self.state.lock();
        if state.lends {
            self.call_in(&mut state);
        }
        state
    }

    fn call_in(&self, state: &mut State<Shared<S>>) {
        let mut inbox = self.inbox.lock();
        self.fetch(state, &mut inbox);
        inbox.set_credit(0);
        state.lends = false;
    }

    #[inline]
    fn fetch(&self, state: &mut State<Shared<S>>, inbox: &mut Inbox<Shared<S>>) {
        if inbox.len() > 0 {
            self.hints.inbox.store(false, Ordering::Relaxed);
            state.fetch(inbox);
        }
    }

    /// Locks the state for what is ended by [`after_job`](Self::after_job): the inbox may go on
    /// taking jobs. Whoever `brings` a job finds all of them in the queue, which it joins; who
    /// comes for one leaves them in the inbox while there are others.
    #[inline]
    fn lock_for_job(&self, brings: bool) -> MutexGuard<'_, State<Shared<S>>> {
        let mut state = self.state.lock();
        if state.lends && (brings || state.wants_more()) {
            let mut inbox = self.inbox.lock();
            self.fetch(&mut state, &mut inbox);
            inbox.set_credit(state.credit().saturating_sub(usize::from(brings)));
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
        let mut then = Then::nothing();
        let mut state = self.lock_for_job(false);
        if let Some(ended) = ended {
            state.finish(ended, &mut then.wakes);
        }
        state.brisk = !self.long.load(Ordering::Relaxed);
        state.quick = !self.slow.load(Ordering::Relaxed);
        let turn = if !searched && state.can_do_without() {
            Turn::Wait
        } else {
            state.next(worker, searched)
        };
        self.after_job(state, then);
        turn
    }

    pub(crate) fn finish(self: &Arc<Self>, ended: &Occupied<Shared<S>>) {
        self.change(|state, then| state.finish(ended, &mut then.wakes));
    }

    /// Changes the state, settles it, and does what follows.
    pub(crate) fn change<R>(
        self: &Arc<Self>,
        change: impl FnOnce(&mut State<Shared<S>>, &mut Then) -> R,
    ) -> R {
        let mut then = Then::nothing();
        let mut state = self.lock();
        let result = change(&mut state, &mut then);
        state.settle(&mut then);
        self.after(state, then);
        result
    }

    /// Lets no job in any more; those that wait are run.
    pub(crate) fn close(self: &Arc<Self>, cause: &Cause) {
        self.change(|state, _| state.close(cause));
    }

    /// Cancels what has not started: of a group, or all.
    pub(crate) fn sweep(self: &Arc<Self>, which: Option<&Arc<Member<Shared<S>>>>, cause: &Cause) {
        let swept = self.change(|state, then| state.sweep(&mut then.wakes, which));
        tell_swept(&self.name, swept, |job| job.cancel(cause));
    }

    /// Starts up to `count` threads, which count as workers already. The first refusal of the
    /// system ends it.
    pub(crate) fn start(self: &Arc<Self>, count: usize) -> Result<(), SpawnError> {
        for left in (0..count).rev() {
            let number = self.tallies.enter();
            let name: Arc<str> = format!("{} worker {number}", self.name).into();
            if let Err(error) = self.start_one(number, &name) {
                self.tallies.leave(number);
                self.growth.lock().refused(stopwatch());
                self.change(|state, _| state.refuse(left + 1));
                return Err(SpawnError::new(name, error));
            }
        }
        Ok(())
    }

    fn start_one(self: &Arc<Self>, number: usize, name: &Arc<str>) -> io::Result<()> {
        let permit = Permit::new()?;
        let ticket = self.registry.enter(Arc::clone(name), self.ctx.clock().now());
        let core = Arc::clone(self);
        let run = move || {
            worker::live(core, number);
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
        threads.retain(|thread| !is_over(thread));
        threads.push(thread);
        Ok(())
    }

    /// Whether the process can have so many threads at all; to be asked before they are counted as
    /// workers.
    pub(crate) fn check_threads(&self, count: usize) -> Result<(), SpawnError> {
        Permit::check(count).map_err(|error| SpawnError::new(Arc::clone(&self.name), error))
    }

    /// Joins all threads; they must have been told to leave.
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
        let look = Waker::from(Arc::new(Look(Arc::downgrade(self))));
        // On the real clock in any case: it is about threads, which run on no other.
        let clock = Clock::real();
        clock.call_at(clock.after(wait), look);
    }

    /// Whether more workers would help, and if so starts some.
    pub(crate) fn look(self: &Arc<Self>) {
        let now = stopwatch();
        let view = {
            let mut state = self.lock();
            state.view()
        };
        // Judged without the lock, because it may ask the system. Until it is written back nobody
        // else looks.
        let verdict =
            self.growth.lock().judge(&view, now, |enough| self.os_threads.running(enough));
        self.change(|state, then| {
            state.help(verdict.start, then);
            state.let_leave(&verdict);
            state.looking = verdict.again.is_some();
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

    pub(crate) fn time(&self, tally: &Tally, waited: Duration, ran: Duration) {
        // A hint: whichever job was measured last decides how many are.
        for (flag, limit) in [(&self.long, WORTH_MEASURING), (&self.slow, WORTH_WAKING)] {
            let is_longer = ran >= limit;
            // How long something took would make a model another one each time: there, the model
            // says what is long.
            if cfg!(not(loom)) && flag.load(Ordering::Relaxed) != is_longer {
                // Written only when it changes: everybody reads it, and a write takes it away from
                // them.
                flag.store(is_longer, Ordering::Relaxed);
            }
        }
        tally.time(waited, ran);
    }
}

/// Cancels jobs that were swept. The destructor of a job is its user's: a panic of it must not keep
/// the others from hearing.
pub(crate) fn tell_swept<J>(name: &str, swept: Vec<Entry<J>>, cancel: impl Fn(&J) -> bool) {
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

impl<S: 'static> Desk<Shared<S>> for Arc<Core<S>> {
    fn with_line<R>(&self, change: impl FnOnce(&mut Line<Shared<S>>, usize) -> R) -> R {
        self.change(|state, _| {
            let at_hand = state.at_hand_that_counts();
            change(state, at_hand)
        })
    }
}

#[cfg(not(loom))]
fn is_over(thread: &JoinHandle<()>) -> bool {
    thread.is_finished()
}

#[cfg(loom)]
fn is_over(_: &JoinHandle<()>) -> bool {
    false
}

/// The clock's call.
struct Look<S>(Weak<Core<S>>);

impl<S: 'static> Wake for Look<S> {
    fn wake(self: Arc<Self>) {
        if let Some(core) = self.0.upgrade() {
            core.look();
        }
    }
}
