//! What the pool's one lock guards: who waits for what, and every decision that depends on it. A plain state machine
//! without threads, waiting, or code of others.
//!
//! Invariants, true whenever the lock is free
//! 1. A job is in exactly one place: with its submitter, in `queue`, held back in its group, at a worker's hand (`locals`),
//!    or running. A worker with jobs at hand counts as busy.
//! 2. If jobs could start and workers sleep, as many workers are on their way as there are such jobs, or all are:
//!    [`State::settle`] wakes one or asks for a thread in the same locked section that made a job ready. So a worker that
//!    goes to sleep, one that ends because it was idle, and a job that comes never miss each other. While jobs are short,
//!    one worker on its way, or busy, is enough for a batch of them, and a look has been asked for, which wakes more if that
//!    was wrong.
//! 3. `least <= workers <= most`, except while a resize or a close lets workers go, and when the system refuses threads.
//! 4. A worker that was taken out of `idle` to be woken counts in `waking` until it takes the lock again.
//! 5. `in_use` is the sum of the places of jobs with a worker, where places are counted.
//! 6. A worker falls asleep only when `queue` and all locals are empty, or the head of `queue` may not start. While something
//!    is at hand, a look has been asked for.
//! 7. `searching` counts the worker that looks for a job without the lock; it looks under the lock before it sleeps.
//! 8. Once `closed` is set it never changes, and `queue` and the groups only get shorter.

use std::collections::VecDeque;
use std::task::Waker;
use std::time::Instant;

use super::growth::View;
use super::local::Local;
use super::member::Member;
use crate::context::Cause;
use crate::sync::Arc;
use crate::waiters::{Key, Waiters, Wakes};

/// How many short jobs a worker takes along at most.
const BATCH: usize = 64;

/// A job that waits, or runs, and what it occupies.
pub(crate) struct Entry<J> {
    pub(crate) job: J,
    pub(crate) member: Option<Arc<Member<J>>>,
    /// How many places it takes while it runs.
    pub(crate) weight: u32,
    /// When it came; only of those whose wait is measured.
    pub(crate) since: Option<Instant>,
}

/// What a job occupied, to be given back when it has ended.
pub(crate) struct Occupied<J> {
    pub(crate) member: Option<Arc<Member<J>>>,
    pub(crate) weight: u32,
}

/// Why a job was not taken.
#[derive(Debug)]
pub(crate) enum Refusal {
    Closed(Cause),
    Full,
}

/// How many workers, waiting jobs and places there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) least: usize,
    pub(crate) most: usize,
    /// Jobs that may wait while all workers are busy.
    pub(crate) queue: usize,
    /// Places that running jobs share; `None`: a place for each worker.
    pub(crate) places: Option<u64>,
}

struct Idle {
    worker: usize,
    waker: Waker,
}

/// What must be done after the lock.
#[must_use]
pub(crate) struct Then {
    pub(crate) wakes: Wakes,
    /// Threads to start; they count as workers already.
    pub(crate) start: usize,
    /// Whether somebody must look, soon, if more workers would help.
    pub(crate) look: bool,
}

impl Then {
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

pub(crate) struct State<J> {
    pub(crate) limits: Limits,
    pub(crate) queue: VecDeque<Entry<J>>,
    /// Jobs that wait in groups until these are below their limits.
    pub(crate) held: usize,
    /// What the workers have at hand, by their numbers.
    locals: Vec<Option<Arc<Local<J>>>>,
    /// Whether one of them may have something.
    at_hand: bool,
    /// Workers that sleep, the last one to fall asleep at the end: it is woken first, so the others can leave.
    idle: Vec<Idle>,
    /// Workers taken out of `idle` and not here yet.
    waking: usize,
    searching: usize,
    /// What `Core::has_jobs` was told last.
    pub(crate) told: bool,
    pub(crate) workers: usize,
    pub(crate) busy: usize,
    in_use: u64,
    pub(crate) closed: Option<Cause>,
    /// Those who wait for room in the queue.
    pub(crate) room: Waiters,
    /// Those who wait until nothing is left to do.
    pub(crate) quiet: Waiters,
    /// Whether jobs are short beside a wake-up.
    pub(crate) brisk: bool,
    /// Whether a look has been asked for and not been made.
    pub(crate) looking: bool,
    pub(crate) submitted: u64,
    /// Jobs that were taken out of a queue and never begun.
    pub(crate) cancelled: u64,
    /// Jobs that a worker has taken, now and at the last look.
    begun: u64,
    begun_at_look: u64,
    pub(crate) most_workers: usize,
    pub(crate) most_waiting: usize,
}

impl<J> State<J> {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            queue: VecDeque::new(),
            held: 0,
            locals: Vec::new(),
            at_hand: false,
            idle: Vec::new(),
            waking: 0,
            searching: 0,
            told: false,
            workers: 0,
            busy: 0,
            in_use: 0,
            closed: None,
            room: Waiters::new(),
            quiet: Waiters::new(),
            brisk: false,
            looking: false,
            submitted: 0,
            cancelled: 0,
            begun: 0,
            begun_at_look: 0,
            most_workers: 0,
            most_waiting: 0,
        }
    }

    /// How many more jobs would be taken now. A free worker's next job does not count as waiting.
    fn free_room(&self) -> usize {
        let free = self.limits.most.saturating_sub(self.busy);
        (self.limits.queue + free).saturating_sub(self.queue.len() + self.count_at_hand())
    }

    /// Counts what workers have at hand only when it could matter.
    fn has_no_room(&self) -> bool {
        self.queue.len() + BATCH * self.workers >= self.limits.queue && self.free_room() == 0
    }

    fn count_at_hand(&self) -> usize {
        if !self.at_hand {
            return 0;
        }
        self.locals.iter().flatten().map(|local| local.len()).sum()
    }

    /// How many jobs have not begun.
    pub(crate) fn waiting(&self) -> usize {
        self.queue.len() + self.held + self.count_at_hand()
    }

    /// Takes a job, which stays in the option if it is refused.
    pub(crate) fn submit(&mut self, entry: &mut Option<Entry<J>>) -> Result<(), Refusal> {
        if let Some(cause) = &self.closed {
            return Err(Refusal::Closed(cause.clone()));
        }
        let Some(taken) = entry else { return Ok(()) };
        if let Some(member) = &taken.member {
            // A group is cancelled first and swept under this lock afterwards, so what passes here is swept.
            member.ctx.check().map_err(Refusal::Closed)?;
            if !member.has_place() {
                return self.hold_back(entry);
            }
        }
        if self.has_no_room() {
            return Err(Refusal::Full);
        }
        self.submitted += 1;
        if let Some(member) = &taken.member {
            member.enter();
        }
        self.queue.extend(entry.take());
        self.most_waiting = self.most_waiting.max(self.queue.len() + self.held);
        Ok(())
    }

    /// Puts a job into its group's own line, which is as long as the pool's.
    fn hold_back(&mut self, entry: &mut Option<Entry<J>>) -> Result<(), Refusal> {
        let Some(Entry { member: Some(member), .. }) = entry else { return Ok(()) };
        let member = Arc::clone(member);
        if member.waiting() >= self.limits.queue.max(1) {
            return Err(Refusal::Full);
        }
        self.submitted += 1;
        self.held += 1;
        if let Some(entry) = entry.take() {
            member.hold(entry);
        }
        self.most_waiting = self.most_waiting.max(self.queue.len() + self.held);
        Ok(())
    }

    /// Gives back what a job occupied that has ended.
    pub(crate) fn finish(&mut self, occupied: &Occupied<J>, wakes: &mut Wakes) {
        self.busy -= 1;
        if self.limits.places.is_some() {
            self.in_use -= u64::from(occupied.weight);
        }
        if let Some(member) = &occupied.member {
            self.leave_group(member, true, wakes);
        }
    }

    /// One job of a group has ended, or will never begin; the next one that was held back moves up.
    pub(crate) fn leave_group(&mut self, member: &Arc<Member<J>>, had_place: bool, wakes: &mut Wakes) {
        if let Some(next) = member.leave(had_place, wakes) {
            self.held -= 1;
            self.queue.push_back(Entry { member: Some(Arc::clone(member)), ..next });
        }
    }

    /// What a worker does that is free. It is in no list when this returns, unless it is to wait.
    pub(crate) fn next(&mut self, worker: usize, searched: bool) -> Turn<J> {
        self.searching -= usize::from(searched);
        if self.workers > self.limits.most {
            return self.let_go(worker);
        }
        if self.head_may_start()
            && let Some(entry) = self.queue.pop_front()
        {
            self.begin(&entry);
            if self.brisk {
                self.take_along(worker);
            }
            return Turn::Run(entry);
        }
        if self.at_hand
            && let Some(entry) = self.take_from_another(worker)
        {
            self.busy += 1;
            return Turn::Run(entry);
        }
        if self.closed.is_some() && self.queue.is_empty() && self.held == 0 {
            return self.let_go(worker);
        }
        if self.brisk && !searched && self.searching == 0 {
            self.searching = 1;
            return Turn::Search;
        }
        Turn::Wait
    }

    /// Counts a job that is about to run.
    fn begin(&mut self, entry: &Entry<J>) {
        self.busy += 1;
        self.begun += 1;
        if self.limits.places.is_some() {
            self.in_use += u64::from(entry.weight);
        }
    }

    /// Has a worker take its share of the short jobs that wait along with the one that it runs.
    ///
    /// Not of groups, whose ends are told one by one, and not so many that they would make up much of the queue's bound.
    fn take_along(&mut self, worker: usize) {
        if self.limits.places.is_some() {
            return;
        }
        let bound = self.limits.queue / (4 * self.limits.most);
        let share = self.queue.len().min(BATCH).min(bound);
        let plain = self.queue.iter().take(share).take_while(|entry| entry.member.is_none()).count();
        let Some(Some(local)) = self.locals.get(worker) else { return };
        if plain > 0 {
            local.extend(self.queue.drain(..plain));
            self.begun += plain as u64;
            self.at_hand = true;
        }
    }

    fn take_from_another(&mut self, worker: usize) -> Option<Entry<J>> {
        let mut taken =
            self.locals.iter().flatten().map(|local| local.halve()).find(|taken| !taken.is_empty());
        let first = taken.as_mut().and_then(VecDeque::pop_front);
        match (&first, self.locals.get(worker)) {
            (Some(_), Some(Some(mine))) => mine.extend(taken.into_iter().flatten()),
            _ => self.at_hand = false,
        }
        first
    }

    /// A worker begins its life.
    pub(crate) fn seat(&mut self, worker: usize, local: Arc<Local<J>>) {
        if self.locals.len() <= worker {
            self.locals.resize_with(worker + 1, || None);
        }
        self.locals[worker] = Some(local);
    }

    /// A job of this group for somebody who waits for the group; it counts as if a worker had it.
    pub(crate) fn take_of(&mut self, member: &Arc<Member<J>>) -> Option<Entry<J>> {
        let is_of = |entry: &Entry<J>| entry.member.as_ref().is_some_and(|of| Arc::ptr_eq(of, member));
        if !self.queue.iter().any(is_of) {
            // One that is held back goes over the limit: whoever waits has a job of its own that stands still.
            let held = member.take_held()?;
            self.held -= 1;
            self.queue.push_back(Entry { member: Some(Arc::clone(member)), ..held });
        }
        let at = self.queue.iter().position(is_of)?;
        let entry = self.queue.remove(at)?;
        self.begin(&entry);
        Some(entry)
    }

    /// A worker leaves; it has nothing at hand.
    fn let_go(&mut self, worker: usize) -> Turn<J> {
        self.workers -= 1;
        if let Some(local) = self.locals.get_mut(worker) {
            *local = None;
        }
        Turn::Leave
    }

    /// Whether the first job in line finds the places that it needs. One that needs more than there are runs alone.
    fn head_may_start(&self) -> bool {
        match (self.queue.front(), self.limits.places) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(head), Some(places)) => self.in_use == 0 || self.in_use + u64::from(head.weight) <= places,
        }
    }

    /// Lists a worker as idle, or renews its waker; gives back the one before, to be dropped after the lock.
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

    /// A worker has slept for its whole time: it leaves if it is still idle and not one of the least.
    pub(crate) fn retire(&mut self, worker: usize) -> bool {
        let retires = self.workers > self.limits.least && self.idle.iter().any(|idle| idle.worker == worker);
        if retires {
            let _left = self.let_go(worker);
        }
        retires
    }

    /// What a look sees; the next one sees what changed since.
    pub(crate) fn view(&mut self) -> View {
        let served = self.begun - std::mem::replace(&mut self.begun_at_look, self.begun);
        let most = if self.closed.is_some() && self.waiting() == 0 { 0 } else { self.limits.most };
        let queue = self.queue.len() + self.count_at_hand();
        View { queue, working: self.workers - self.idle.len(), most, served }
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.queue.is_empty() && self.held == 0 && self.busy == 0
    }

    /// Whether nothing is left to do; else `waker` is kept until then. What is to be dropped after the lock comes back.
    pub(crate) fn poll_quiet(&mut self, key: &mut Option<Key>, waker: &Waker) -> (bool, Option<Waker>) {
        if self.is_quiet() {
            return (true, key.take().and_then(|key| self.quiet.remove(key)));
        }
        (false, self.quiet.wait(key, waker))
    }

    /// Restores invariant 2 at the end of a locked section, and tells those who wait what has come true.
    #[inline]
    pub(crate) fn settle(&mut self, then: &mut Then) {
        if self.room.waiting() > 0 {
            self.settle_room(then);
        }
        if self.at_hand && !self.looking {
            // One of those at hand may be long.
            self.ask_for_a_look(then);
        }
        if self.queue.is_empty() {
            self.settle_empty(then);
            return;
        }
        let coming = self.waking + self.searching;
        if coming >= self.queue.len() || !self.head_may_start() {
            return;
        }
        if self.brisk && coming + self.busy > 0 && self.queue.len() <= BATCH {
            if !self.looking {
                self.ask_for_a_look(then);
            }
        } else if !self.idle.is_empty() {
            self.wake_idle(1, then);
        } else if self.workers < self.limits.least {
            self.start(1, then);
        } else if self.workers < self.limits.most && !self.looking && coming == 0 {
            self.ask_for_a_look(then);
        }
    }

    fn ask_for_a_look(&mut self, then: &mut Then) {
        self.looking = true;
        self.begun_at_look = self.begun;
        then.look = true;
    }

    /// Tells those who wait for room. When jobs are short they are told once half of the queue is free: to be woken for
    /// each place costs more than the jobs do.
    fn settle_room(&mut self, then: &mut Then) {
        let room = if self.closed.is_some() { usize::MAX } else { self.free_room() };
        if room == 0 || (self.brisk && self.queue.len() > self.limits.queue / 2) {
            return;
        }
        while let Some(waker) = self.room.notify(room) {
            then.wakes.push(waker);
        }
    }

    /// Nothing waits: whoever waits for that is told, and the workers of a closed pool go.
    fn settle_empty(&mut self, then: &mut Then) {
        if self.is_quiet() {
            while let Some(waker) = self.quiet.notify_first() {
                then.wakes.push(waker);
            }
        }
        if self.closed.is_some() && self.held == 0 {
            self.wake_idle(self.idle.len(), then);
        }
    }

    /// Counts so many threads that are about to be started.
    pub(crate) fn start(&mut self, count: usize, then: &mut Then) {
        self.workers += count;
        self.most_workers = self.most_workers.max(self.workers);
        then.start += count;
    }

    /// So many more workers are to take jobs: those that sleep, then new ones.
    pub(crate) fn help(&mut self, wanted: usize, then: &mut Then) {
        let wanted = wanted.min(self.waiting());
        let sleeping = self.idle.len().min(wanted);
        self.wake_idle(sleeping, then);
        self.start((wanted - sleeping).min(self.limits.most.saturating_sub(self.workers)), then);
    }

    fn wake_idle(&mut self, count: usize, then: &mut Then) {
        for _ in 0..count {
            let Some(idle) = self.idle.pop() else { break };
            self.waking += 1;
            then.wakes.push(idle.waker);
        }
    }

    /// Sets other limits; workers that are too many leave when they are free, missing ones are started.
    pub(crate) fn resize(&mut self, least: usize, most: usize, then: &mut Then) {
        self.limits.least = least;
        self.limits.most = most;
        if self.closed.is_none() && self.workers < least {
            self.start(least - self.workers, then);
        }
        // All look again: some are too many now, others may have become so and begin to count their idle time.
        self.wake_idle(self.idle.len(), then);
    }

    /// Takes out what has not begun, of one group or of all; the caller tells the jobs the cause. What a group holds
    /// back is swept with the group, whose context a pool that is aborted cancels as well.
    pub(crate) fn sweep(&mut self, wakes: &mut Wakes, which: Option<&Arc<Member<J>>>) -> Vec<Entry<J>> {
        let mut swept: Vec<Entry<J>> = which.map(|member| member.sweep().into()).unwrap_or_default();
        self.held -= swept.len();
        let is_swept = |entry: &Entry<J>| match (which, &entry.member) {
            (None, _) => true,
            (Some(wanted), Some(member)) => Arc::ptr_eq(wanted, member),
            (Some(_), None) => false,
        };
        if which.is_none() {
            // Not emptied hands are busy ones: their workers find out by themselves.
            swept.extend(self.locals.iter().flatten().flat_map(|local| local.sweep()));
        }
        for entry in std::mem::take(&mut self.queue) {
            if is_swept(&entry) { swept.push(entry) } else { self.queue.push_back(entry) }
        }
        for member in swept.iter().filter_map(|entry| entry.member.clone()) {
            self.leave_group(&member, true, wakes);
        }
        if let Some(member) = which {
            // Its last job may have been one that was held back.
            self.leave_group(member, false, wakes);
        }
        self.cancelled += swept.len() as u64;
        swept
    }
}
