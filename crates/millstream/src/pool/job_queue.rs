//! The queue of a pool's jobs: what waits, what may begin, what the running ones occupy. What a
//! pool of threads and one of tasks have in common; it knows nothing of those who do the work.
//!
//! It is a part of what the pool's one lock guards, and runs no code of others.

use std::collections::VecDeque;
use std::task::Waker;
use std::time::Instant;

use super::group_state::{GroupState, Held};
use super::stats::PoolStats;
use crate::context::Cause;
use crate::sync::Arc;
use crate::waiters::{Key, Waiters, Wakes};

/// A job that waits, or runs, and what it occupies.
pub(crate) struct Entry<J> {
    pub(crate) job: J,
    pub(crate) group: Option<Arc<GroupState<J>>>,
    /// How many permits it takes while it runs.
    pub(crate) weight: u32,
    /// When it came; only of those whose wait is measured.
    pub(crate) since: Option<Instant>,
}

impl<J> Entry<J> {
    /// A job that its group held back.
    fn of(held: Held<J>, group: Option<Arc<GroupState<J>>>) -> Self {
        let Held { job, weight, since } = held;
        Self { job, group, weight, since }
    }
}

/// What a job occupied, to be given back when it has finished.
pub(crate) struct Occupied<J> {
    pub(crate) group: Option<Arc<GroupState<J>>>,
    pub(crate) weight: u32,
}

/// Why a job was not taken.
#[derive(Debug)]
pub(crate) enum Refusal {
    Closed(Cause),
    Full,
}

/// How many running jobs, waiting jobs and permits there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Threads that stay; tasks have none.
    pub(crate) least: usize,
    /// Jobs that run at a time; of threads, each runs one.
    pub(crate) most: usize,
    /// Jobs that may wait while as many run as may.
    pub(crate) queue: usize,
    /// Places that running jobs share; `None`: weights do not count.
    pub(crate) permits: Option<u64>,
}

/// Where somebody stands that waits for room: in the pool's line, or in that of a group which is at
/// its limit.
pub(crate) struct Waiter<J> {
    key: Option<Key>,
    group: Option<Arc<GroupState<J>>>,
}

impl<J> Waiter<J> {
    pub(crate) fn nowhere() -> Self {
        Self { key: None, group: None }
    }

    pub(crate) fn is_somewhere(&self) -> bool {
        self.key.is_some()
    }
}

/// A pool whose line can be changed by those who submit and those who wait.
pub(crate) trait Submit<J> {
    /// Changes the line, given how many jobs wait outside of it, and does what follows when the
    /// lock is free again.
    fn with_line<R>(&self, change: impl FnOnce(&mut JobQueue<J>, usize) -> R) -> R;
}

/// What every job changes comes first, so that it shares few cache lines.
#[repr(C)]
pub(crate) struct JobQueue<J> {
    pub(crate) queue: VecDeque<Entry<J>>,
    pub(crate) submitted: u64,
    /// Jobs that run.
    pub(crate) busy: usize,
    /// Jobs that wait in groups until these are below their limits.
    pub(crate) held: usize,
    pub(crate) most_waiting: usize,
    /// Jobs that were taken to be run.
    pub(crate) started: u64,
    pub(crate) closed: Option<Cause>,
    pub(crate) limits: Limits,
    /// Those who wait for room in the queue.
    room: Waiters,
    /// Groups in whose own line somebody waits for room.
    crowded: Vec<Arc<GroupState<J>>>,
    in_use: u64,
    /// Those that must have left before a closed pool is idle. Threads do not count, they are
    /// joined.
    pub(crate) staff: usize,
    /// Those who wait until nothing is left to do.
    quiet: Waiters,
    /// Jobs that were taken out of a queue and never started.
    pub(crate) cancelled: u64,
}

impl<J> JobQueue<J> {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            queue: VecDeque::new(),
            held: 0,
            busy: 0,
            in_use: 0,
            closed: None,
            staff: 0,
            room: Waiters::new(),
            crowded: Vec::new(),
            quiet: Waiters::new(),
            submitted: 0,
            cancelled: 0,
            started: 0,
            most_waiting: 0,
        }
    }

    /// How many more jobs would be taken now. What may begin at once does not count as waiting.
    #[inline]
    pub(crate) fn free_room(&self, elsewhere: usize) -> usize {
        let free = self.limits.most.saturating_sub(self.busy);
        self.limits.queue.saturating_add(free).saturating_sub(self.queue.len() + elsewhere)
    }

    /// Takes a job, which stays in the option if it is refused.
    pub(crate) fn submit(
        &mut self,
        entry: &mut Option<Entry<J>>,
        elsewhere: usize,
    ) -> Result<(), Refusal> {
        if let Some(cause) = &self.closed {
            return Err(Refusal::Closed(cause.clone()));
        }
        let Some(taken) = entry else { return Ok(()) };
        if let Some(group) = &taken.group {
            // A group is cancelled first and swept under this lock afterwards, so what passes here
            // is swept.
            group.ctx.check().map_err(Refusal::Closed)?;
            if !group.has_place() {
                return self.hold_back(entry);
            }
        }
        if self.free_room(elsewhere) == 0 {
            return Err(Refusal::Full);
        }
        self.submitted += 1;
        if let Some(group) = &taken.group {
            group.enter();
        }
        self.queue.extend(entry.take());
        self.most_waiting = self.most_waiting.max(self.queue.len() + self.held);
        Ok(())
    }

    /// Takes over `count` jobs of no group for which there was room.
    #[inline]
    pub(crate) fn accept(&mut self, count: usize, entries: impl Iterator<Item = Entry<J>>) {
        self.submitted += count as u64;
        self.queue.extend(entries);
        self.most_waiting = self.most_waiting.max(self.queue.len() + self.held);
    }

    /// How long a group's own line may be: as long as the pool's.
    fn group_bound(&self) -> usize {
        self.limits.queue.max(1)
    }

    /// Puts a job into its group's own line.
    fn hold_back(&mut self, entry: &mut Option<Entry<J>>) -> Result<(), Refusal> {
        let Some(Entry { group: Some(group), .. }) = entry else { return Ok(()) };
        let group = Arc::clone(group);
        if group.waiting() >= self.group_bound() {
            return Err(Refusal::Full);
        }
        self.submitted += 1;
        self.held += 1;
        if let Some(Entry { job, weight, since, .. }) = entry.take() {
            group.hold(Held { job, weight, since });
        }
        self.most_waiting = self.most_waiting.max(self.queue.len() + self.held);
        Ok(())
    }

    /// Has somebody wait for room for a job that was refused. What is to be dropped after the lock
    /// comes back.
    pub(crate) fn wait_for_room(
        &mut self,
        entry: &Entry<J>,
        waiter: &mut Waiter<J>,
        waker: &Waker,
    ) -> Option<Waker> {
        let group = entry.group.as_ref().filter(|group| !group.has_place());
        let stays = group.map(Arc::as_ptr) == waiter.group.as_ref().map(Arc::as_ptr);
        let left = if stays { None } else { self.leave_line(waiter) };
        let replaced = match group {
            None => self.room.wait(&mut waiter.key, waker),
            Some(group) => {
                if !self.crowded.iter().any(|crowded| Arc::ptr_eq(crowded, group)) {
                    self.crowded.push(Arc::clone(group));
                }
                group.wait_for_room(&mut waiter.key, waker)
            }
        };
        waiter.group = group.cloned();
        left.or(replaced)
    }

    /// Ends a wait for room; the waker is to be dropped after the lock. A notification that was on
    /// its way passes on when the line is [reconciled](Self::report_room).
    pub(crate) fn leave_line(&mut self, waiter: &mut Waiter<J>) -> Option<Waker> {
        let key = waiter.key.take()?;
        let Some(group) = waiter.group.take() else { return self.room.remove(key) };
        let (waker, is_last) = group.leave_line(key);
        if is_last {
            self.crowded.retain(|crowded| !Arc::ptr_eq(crowded, &group));
        }
        waker
    }

    /// Whether somebody waits for room.
    #[inline]
    pub(crate) fn is_awaited(&self) -> bool {
        self.room.waiting() > 0 || !self.crowded.is_empty()
    }

    /// Notifies those who wait for room once there is so much of it, or half of the queue is free:
    /// to be woken for each place would cost more than short jobs do.
    pub(crate) fn report_room(&mut self, elsewhere: usize, least: usize, wakes: &mut Wakes) {
        let bound = self.group_bound();
        for group in &self.crowded {
            group.report_room(if self.closed.is_some() { usize::MAX } else { bound }, wakes);
        }
        let room = if self.closed.is_some() { usize::MAX } else { self.free_room(elsewhere) };
        if room < least.min(self.limits.queue / 2).max(1) {
            return;
        }
        while let Some(waker) = self.room.notify(room) {
            wakes.push(waker);
        }
    }

    /// Whether the first job in line finds the permits that it needs. One that needs more than
    /// there are runs alone.
    #[inline]
    pub(crate) fn head_may_start(&self) -> bool {
        match (self.queue.front(), self.limits.permits) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(head), Some(permits)) => {
                self.in_use == 0 || self.in_use + u64::from(head.weight) <= permits
            }
        }
    }

    /// Takes the first job, to be run, if it may begin.
    #[inline]
    pub(crate) fn take_head(&mut self) -> Option<Entry<J>> {
        if !self.head_may_start() {
            return None;
        }
        let entry = self.queue.pop_front()?;
        self.begin(&entry);
        Some(entry)
    }

    /// Counts a job that is about to run.
    fn begin(&mut self, entry: &Entry<J>) {
        self.busy += 1;
        self.started += 1;
        if self.limits.permits.is_some() {
            self.in_use += u64::from(entry.weight);
        }
    }

    /// Gives back what a job occupied that has finished.
    #[inline]
    pub(crate) fn finish(&mut self, occupied: &Occupied<J>, wakes: &mut Wakes) {
        self.busy -= 1;
        if self.limits.permits.is_some() {
            self.in_use -= u64::from(occupied.weight);
        }
        if let Some(group) = &occupied.group {
            self.leave_group(group, true, wakes);
        }
    }

    /// One job of a group has finished, or will never begin; the next one that was held back moves
    /// up.
    fn leave_group(&mut self, group: &Arc<GroupState<J>>, had_place: bool, wakes: &mut Wakes) {
        if let Some(next) = group.leave(had_place, wakes) {
            self.held -= 1;
            self.queue.push_back(Entry::of(next, Some(Arc::clone(group))));
        }
    }

    /// A job of this group for somebody that waits for the group; it counts as if a worker had it.
    pub(crate) fn take_of(&mut self, group: &Arc<GroupState<J>>) -> Option<Entry<J>> {
        let is_of =
            |entry: &Entry<J>| entry.group.as_ref().is_some_and(|of| Arc::ptr_eq(of, group));
        if !self.queue.iter().any(is_of) {
            // One that is held back goes over the limit: a waiter has a job of its own that
            // stands still.
            let held = group.take_held()?;
            self.held -= 1;
            self.queue.push_back(Entry::of(held, Some(Arc::clone(group))));
        }
        let at = self.queue.iter().position(is_of)?;
        let entry = self.queue.remove(at)?;
        self.begin(&entry);
        Some(entry)
    }

    /// Whether a job of this group has not started.
    pub(crate) fn has_of(&self, group: &Arc<GroupState<J>>) -> bool {
        let is_of =
            |entry: &Entry<J>| entry.group.as_ref().is_some_and(|of| Arc::ptr_eq(of, group));
        group.waiting() > 0 || self.queue.iter().any(is_of)
    }

    /// Lets no job in any more. The first cause stays.
    pub(crate) fn close(&mut self, cause: &Cause) {
        if self.closed.is_none() {
            self.closed = Some(cause.clone());
        }
    }

    /// Whether no job waits or runs.
    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        self.queue.is_empty() && self.held == 0 && self.busy == 0
    }

    fn is_quiet(&self) -> bool {
        self.is_done() && (self.staff == 0 || self.closed.is_none())
    }

    /// Whether nothing is left to do; else `waker` is kept until then. What is to be dropped after
    /// the lock comes back.
    pub(crate) fn poll_idle(
        &mut self,
        key: &mut Option<Key>,
        waker: &Waker,
    ) -> (bool, Option<Waker>) {
        if self.is_quiet() {
            return (true, key.take().and_then(|key| self.quiet.remove(key)));
        }
        (false, self.quiet.wait(key, waker))
    }

    /// Ends a wait for that.
    pub(crate) fn forget_idle(&mut self, key: Key) -> Option<Waker> {
        self.quiet.remove(key)
    }

    /// Notifies those who wait until nothing is left to do, if that is so.
    #[inline]
    pub(crate) fn report_idle(&mut self, wakes: &mut Wakes) {
        if self.is_quiet() {
            while let Some(waker) = self.quiet.notify_first() {
                wakes.push(waker);
            }
        }
    }

    /// What the line knows of the pool's numbers.
    pub(crate) fn stats(&self, elsewhere: usize) -> PoolStats {
        PoolStats {
            submitted: self.submitted,
            waiting: (self.queue.len() + self.held + elsewhere) as u64,
            running: self.busy as u64,
            cancelled: self.cancelled,
            most_waiting: self.most_waiting,
            ..PoolStats::default()
        }
    }

    /// Takes out what has not started, of one group or of all; the caller reports the cause to the
    /// jobs. What a group holds back is swept with the group, whose context a pool that is aborted
    /// cancels as well. `elsewhere` is swept already.
    pub(crate) fn sweep(
        &mut self,
        wakes: &mut Wakes,
        which: Option<&Arc<GroupState<J>>>,
        elsewhere: impl IntoIterator<Item = Entry<J>>,
    ) -> Vec<Entry<J>> {
        let mut swept: Vec<Entry<J>> = which
            .map(|group| group.sweep().into_iter().map(|held| Entry::of(held, None)).collect())
            .unwrap_or_default();
        self.held -= swept.len();
        let is_swept = |entry: &Entry<J>| match (which, &entry.group) {
            (None, _) => true,
            (Some(wanted), Some(group)) => Arc::ptr_eq(wanted, group),
            (Some(_), None) => false,
        };
        swept.extend(elsewhere);
        for entry in std::mem::take(&mut self.queue) {
            if is_swept(&entry) { swept.push(entry) } else { self.queue.push_back(entry) }
        }
        for group in swept.iter().filter_map(|entry| entry.group.clone()) {
            self.leave_group(&group, true, wakes);
        }
        if let Some(group) = which {
            // Its last job may have been one that was held back.
            self.leave_group(group, false, wakes);
        }
        self.cancelled += swept.len() as u64;
        swept
    }
}
