//! What the lock of a pool of threads guards: its line of jobs, and every decision about workers. A
//! plain state machine without threads, waiting, or code of others.
//!
//! Invariants, true whenever the lock is free
//! 1. A job is in exactly one place: with its submitter, in the injector, in `queue`, held back in
//!    its group, in a worker's local queue (`locals`), or running. A worker with jobs in the local
//!    queue counts as busy.
//! 2. If jobs could start and workers sleep, as many workers are on their way as there are such
//!    jobs, or all are: [`State::reconcile`] wakes one or asks for a thread in the same locked
//!    section that made a job ready. So a worker that goes to sleep, one that ends because it was
//!    idle, and a job that comes never miss each other. While jobs are short, one worker on its
//!    way, or busy, is enough for a batch of them, and a look has been asked for, which wakes more
//!    if that was wrong.
//! 3. `least <= workers <= most`, except while a resize or a close lets workers go, and when the
//!    system refuses threads.
//! 4. A worker that was taken out of `idle` to be woken counts in `waking` until it takes the lock
//!    again.
//! 5. `in_use` is the sum of the permits of jobs with a worker, where permits are counted.
//! 6. A worker falls asleep only when `queue` and all locals are empty, or the head of `queue` may
//!    not start. While something is in the local queue, a look has been asked for.
//! 7. `searching` counts the worker that looks for a job without the lock; it looks under the lock
//!    before it sleeps.
//! 8. Once `closed` is set it never changes, and `queue` and the groups only get shorter.
//! 9. The injector has credit or jobs only while `lends` is set, and that only while
//!    [`State::may_lend`] holds: a worker is at work that takes the lock afterwards and looks into
//!    the injector, and a look has been asked for, which calls it in. Its credit and its jobs are
//!    never more than there is room for. A thread that takes the lock for more than to bring one
//!    job, or to fetch the next one, calls the injector in first: so a close, an abort, a resize
//!    and the numbers see all jobs, and what they decide holds for those that come later.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::task::Waker;

use super::group_state::GroupState;
use super::injector::Injector;
use super::job_length::JobLength;
use super::job_queue::{Entry, JobQueue, Limits, Refusal};
use super::local_queue::LocalQueue;
use crate::growth::{Verdict, View};
use crate::sync::Arc;
use crate::waiters::Wakes;

/// How many short jobs a worker takes as a batch at most.
const BATCH: usize = if cfg!(loom) { 2 } else { 64 };
/// How many the injector may take between two looks of a worker.
const CREDIT: usize = 16 * BATCH;

struct Idle {
    worker: usize,
    waker: Waker,
}

/// What must be done after the lock.
#[must_use]
pub(crate) struct Effects {
    pub(crate) wakes: Wakes,
    /// Threads to start; they count as workers already.
    pub(crate) start: usize,
    /// Whether somebody must look, soon, if more workers would help.
    pub(crate) look: bool,
}

impl Effects {
    #[inline]
    pub(crate) fn nothing() -> Self {
        Self { wakes: Wakes::new(), start: 0, look: false }
    }
}

/// What a worker does next.
pub(crate) enum Turn<J> {
    Run(Entry<J>),
    /// Nothing to do now, but jobs are short and may come: it looks for a moment before it waits.
    Search,
    /// Nothing to do now: it waits as idle.
    Wait,
    /// It has left the pool.
    Leave,
}

/// What every job changes comes first, beside the lock, on as few cache lines as possible, for they
/// go from core to core with each job; `repr(C)` keeps it there. What is only read stays on every
/// core.
#[repr(C)]
pub(crate) struct State<J> {
    /// Workers taken out of `idle` and not here yet.
    waking: usize,
    searching: u32,
    /// How long jobs are.
    pub(crate) length: JobLength,
    /// Whether a look has been asked for and not been made.
    pub(crate) is_check_due: bool,
    /// What the hint about the queue says.
    pub(crate) reported: bool,
    /// Whether a worker may have something in the local queue.
    local: bool,
    /// Whether the injector may have credit, and jobs.
    pub(crate) lends: bool,
    jobs: JobQueue<J>,
    pub(crate) workers: usize,
    /// Jobs that had started at the last look.
    started_at_check: u64,
    /// What the workers have in the local queue, by their numbers.
    locals: Vec<Option<Arc<LocalQueue<J>>>>,
    /// Workers that sleep, the last one to fall asleep at the end: it is woken first, so the others
    /// can leave.
    idle: Vec<Idle>,
    pub(crate) most_workers: usize,
    /// Workers that are to leave after their job, because more compute than there are cores.
    pub(crate) surplus: usize,
    /// The system has refused a thread; only a look tries again.
    refused: bool,
}

impl<J> State<J> {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            jobs: JobQueue::new(limits),
            locals: Vec::new(),
            local: false,
            lends: false,
            idle: Vec::new(),
            waking: 0,
            searching: 0,
            reported: false,
            workers: 0,
            length: JobLength::Long,
            is_check_due: false,
            started_at_check: 0,
            most_workers: 0,
            surplus: 0,
            refused: false,
        }
    }

    /// What workers have in the local queue, counted only when it could matter for the room in the
    /// queue.
    pub(crate) fn local_that_counts(&self) -> usize {
        if self.queue.len() + BATCH * self.workers < self.limits.queue {
            0
        } else {
            self.count_local()
        }
    }

    pub(crate) fn count_local(&self) -> usize {
        if !self.local {
            return 0;
        }
        self.locals.iter().flatten().map(|local| local.len()).sum()
    }

    /// How many jobs have not started.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.len() + self.held + self.count_local()
    }

    /// Takes a job, which stays in the option if it is refused.
    #[inline]
    pub(crate) fn submit(&mut self, entry: &mut Option<Entry<J>>) -> Result<(), Refusal> {
        let local = self.local_that_counts();
        self.jobs.submit(entry, local)
    }

    /// Whether the injector may take jobs: as long as they are short, a worker is at work that
    /// looks at it afterwards, and a look has been asked for in case that it does not.
    #[inline]
    pub(crate) fn may_lend(&self) -> bool {
        self.length == JobLength::Short
            && self.is_check_due
            && self.busy + self.searching as usize > 0
            && self.closed.is_none()
            && self.limits.permits.is_none()
            && !self.has_too_many()
            && !self.is_awaited()
    }

    /// How many jobs the injector may take; those in the local queue are taken for as many as there
    /// may be.
    #[inline]
    pub(crate) fn credit(&self) -> usize {
        if self.may_lend() { self.free_room(BATCH * self.busy).min(CREDIT) } else { 0 }
    }

    /// Whether a worker that comes is to look into the injector: it takes no more than a batch.
    #[inline]
    pub(crate) fn wants_more(&self) -> bool {
        self.queue.len() <= BATCH
    }

    /// Takes over what the injector has.
    #[inline]
    pub(crate) fn fetch(&mut self, injector: &mut Injector<J>) {
        let count = injector.len();
        let entries =
            injector.empty().map(|(job, since)| Entry { job, group: None, weight: 1, since });
        self.jobs.accept(count, entries);
    }

    /// What a worker does that is free. It is in no list when this returns, unless it is to wait.
    pub(crate) fn next(&mut self, worker: usize, searched: bool) -> Turn<J> {
        self.searching -= u32::from(searched);
        if self.has_too_many() {
            self.surplus = self.surplus.saturating_sub(1);
            return self.let_go(worker);
        }
        if let Some(entry) = self.take_head() {
            if self.length == JobLength::Short {
                self.take_batch(worker);
            }
            return Turn::Run(entry);
        }
        if self.local
            && let Some(entry) = self.take_from_another(worker)
        {
            self.busy += 1;
            return Turn::Run(entry);
        }
        if self.closed.is_some() && self.queue.is_empty() && self.held == 0 {
            return self.let_go(worker);
        }
        if self.length == JobLength::Short && !searched && self.searching == 0 {
            self.searching = 1;
            return Turn::Search;
        }
        Turn::Wait
    }

    /// Whether a worker that is free would only be in the way: jobs are short, few wait, and
    /// another worker is busy, which takes them along. A look has been asked for, so that it is
    /// woken if they turn out to be long.
    pub(crate) fn can_do_without(&self) -> bool {
        self.length == JobLength::Short
            && self.busy > 0
            && self.queue.len() <= BATCH
            && self.closed.is_none()
            && !self.has_too_many()
    }

    /// Whether the next worker that is free is to leave.
    #[inline]
    fn has_too_many(&self) -> bool {
        self.workers > self.limits.most || (self.surplus > 0 && self.workers > self.limits.least)
    }

    /// Has a worker take its share of the short jobs that wait along with the one that it runs.
    ///
    /// Not of groups, whose ends are reported one by one, and not enough of them that they would
    /// make up much of the queue's bound.
    fn take_batch(&mut self, worker: usize) {
        if self.limits.permits.is_some() {
            return;
        }
        let bound = self.limits.queue / self.limits.most.saturating_mul(4);
        let share = self.queue.len().min(BATCH).min(bound);
        let plain = self.queue.iter().take(share).take_while(|entry| entry.group.is_none()).count();
        let Some(Some(local)) = self.locals.get(worker) else { return };
        if plain > 0 {
            local.extend(self.jobs.queue.drain(..plain));
            self.started += plain as u64;
            self.local = true;
        }
    }

    fn take_from_another(&mut self, worker: usize) -> Option<Entry<J>> {
        let mut taken =
            self.locals.iter().flatten().map(|local| local.halve()).find(|taken| !taken.is_empty());
        let first = taken.as_mut().and_then(VecDeque::pop_front);
        match (&first, self.locals.get(worker)) {
            (Some(_), Some(Some(mine))) => mine.extend(taken.into_iter().flatten()),
            _ => self.local = false,
        }
        first
    }

    /// A worker begins its life.
    pub(crate) fn slot(&mut self, worker: usize, local: Arc<LocalQueue<J>>) {
        if self.locals.len() <= worker {
            self.locals.resize_with(worker + 1, || None);
        }
        self.locals[worker] = Some(local);
    }

    /// A worker leaves; it has nothing in the local queue.
    fn let_go(&mut self, worker: usize) -> Turn<J> {
        self.workers -= 1;
        if let Some(local) = self.locals.get_mut(worker) {
            *local = None;
        }
        Turn::Leave
    }

    /// Lists a worker as idle, or renews its waker; gives back the one before, to be dropped after
    /// the lock.
    pub(crate) fn sleep(&mut self, worker: usize, waker: &Waker) -> Option<Waker> {
        match self.idle.iter_mut().find(|idle| idle.worker == worker) {
            Some(idle) if idle.waker.will_wake(waker) => None,
            Some(idle) => Some(std::mem::replace(&mut idle.waker, waker.clone())),
            None => {
                self.idle.push(Idle { worker, waker: waker.clone() });
                None
            }
        }
    }

    /// A worker that slept is here: woken, or by itself. Its waker is to be dropped after the lock.
    pub(crate) fn wake_up(&mut self, worker: usize) -> Option<Waker> {
        match self.idle.iter().position(|idle| idle.worker == worker) {
            Some(at) => Some(self.idle.remove(at).waker),
            None => {
                self.waking -= 1;
                None
            }
        }
    }

    /// A worker has slept for its whole time: it leaves if it is still idle and not one of the
    /// least.
    pub(crate) fn retire(&mut self, worker: usize) -> bool {
        let retires =
            self.workers > self.limits.least && self.idle.iter().any(|idle| idle.worker == worker);
        if retires {
            let _left = self.let_go(worker);
        }
        retires
    }

    /// Workers that do not sleep.
    pub(crate) fn working(&self) -> usize {
        self.workers - self.idle.len()
    }

    /// What a look sees; the next one sees what changed since.
    pub(crate) fn view(&mut self) -> View {
        let served =
            self.jobs.started - std::mem::replace(&mut self.started_at_check, self.jobs.started);
        let waiting = self.queue.len() + self.count_local();
        let working = self.working();
        // A worker that neither sleeps nor has a job is about to look for one.
        let coming = working.saturating_sub(self.busy);
        let Limits { least, most, .. } = self.limits;
        View { waiting, working, coming, least, most, served }
    }

    /// Restores invariant 2 at the end of a locked section, and notifies those who wait of what has
    /// come true.
    #[inline]
    pub(crate) fn reconcile(&mut self, effects: &mut Effects) {
        if self.is_awaited() {
            let local = self.count_local();
            let least = match self.length {
                JobLength::Short => usize::MAX,
                JobLength::Medium => BATCH,
                JobLength::Long => 1,
            };
            self.report_room(local, least, &mut effects.wakes);
        }
        if self.local && !self.is_check_due {
            // One of those in the local queue may be long.
            self.ask_for_a_check(effects);
        }
        if self.queue.is_empty() {
            self.settle_empty(effects);
            return;
        }
        let coming = self.waking + self.searching as usize;
        if coming >= self.queue.len() || !self.head_may_start() {
            return;
        }
        if self.length == JobLength::Short && coming + self.busy > 0 && self.queue.len() <= BATCH {
            if !self.is_check_due {
                self.ask_for_a_check(effects);
            }
        } else if !self.idle.is_empty() {
            self.wake_idle(1, effects);
        } else if self.workers < self.limits.least && !self.refused {
            self.start(1, effects);
        } else if self.workers < self.limits.most && !self.is_check_due && coming == 0 {
            self.ask_for_a_check(effects);
        }
    }

    fn ask_for_a_check(&mut self, effects: &mut Effects) {
        self.is_check_due = true;
        self.started_at_check = self.started;
        effects.look = true;
    }

    /// Nothing waits: those who wait for that are notified, and the workers of a closed pool go.
    fn settle_empty(&mut self, effects: &mut Effects) {
        self.report_idle(&mut effects.wakes);
        if self.closed.is_some() && self.held == 0 {
            self.wake_idle(self.idle.len(), effects);
        }
    }

    /// Takes back the count of threads that the system has refused. To try again at once would end
    /// in the same refusal: the next look does.
    pub(crate) fn refuse(&mut self, count: usize) {
        self.workers -= count;
        self.refused = true;
    }

    /// Counts `count` threads that are about to be started.
    pub(crate) fn start(&mut self, count: usize, effects: &mut Effects) {
        self.workers += count;
        self.most_workers = self.most_workers.max(self.workers);
        effects.start += count;
    }

    /// `wanted` more workers are to take jobs: those that sleep, then new ones.
    pub(crate) fn help(&mut self, wanted: usize, effects: &mut Effects) {
        let wanted = wanted.min(self.waiting());
        self.refused &= wanted == 0;
        let sleeping = self.idle.len().min(wanted);
        self.wake_idle(sleeping, effects);
        self.start((wanted - sleeping).min(self.limits.most.saturating_sub(self.workers)), effects);
    }

    /// Notes how many workers are surplus. They leave after their jobs, which may take longer than
    /// it takes to the next look: so a later look that finds nothing new takes nothing back.
    pub(crate) fn let_leave(&mut self, verdict: &Verdict) {
        let stays = verdict.start == 0 && verdict.again.is_some();
        self.surplus = if stays { self.surplus.max(verdict.leave) } else { 0 };
    }

    fn wake_idle(&mut self, count: usize, effects: &mut Effects) {
        for _ in 0..count {
            let Some(idle) = self.idle.pop() else { break };
            self.waking += 1;
            effects.wakes.push(idle.waker);
        }
    }

    /// Sets other limits; workers that are too many leave when they are free, missing ones are
    /// started.
    pub(crate) fn resize(&mut self, least: usize, most: usize, effects: &mut Effects) {
        self.limits.least = least;
        self.limits.most = most;
        self.surplus = 0;
        if self.closed.is_none() && self.workers < least {
            self.start(least - self.workers, effects);
        }
        // All look again: some are too many now, others may have become so and begin to count their
        // idle time.
        self.wake_idle(self.idle.len(), effects);
    }

    /// Takes out what has not started, of one group or of all.
    pub(crate) fn sweep(
        &mut self,
        wakes: &mut Wakes,
        which: Option<&Arc<GroupState<J>>>,
    ) -> Vec<Entry<J>> {
        let local: Vec<Entry<J>> = match which {
            // What workers have in the local queue has not started either; it is of no group.
            None => self.locals.iter().flatten().flat_map(|local| local.sweep()).collect(),
            Some(_) => Vec::new(),
        };
        self.jobs.sweep(wakes, which, local)
    }
}

impl<J> Deref for State<J> {
    type Target = JobQueue<J>;

    #[inline]
    fn deref(&self) -> &JobQueue<J> {
        &self.jobs
    }
}

impl<J> DerefMut for State<J> {
    #[inline]
    fn deref_mut(&mut self) -> &mut JobQueue<J> {
        &mut self.jobs
    }
}
