//! A group as the pool's lock sees it: how many of its jobs run, which ones it holds back, who
//! waits for its end.
//!
//! Its own lock is only ever taken under the pool's, or alone; so it is always free but for the
//! moment, and the pool's state may change both in one step.

use std::collections::VecDeque;
use std::task::Waker;
use std::time::Instant;

use crate::context::{Cause, Context, OnCancel};
use crate::sync::{Arc, Mutex};
use crate::waiters::{Key, Waiters, Wakes};

/// A job that its group holds back. It does not name the group, which would be a ring.
pub(crate) struct Held<J> {
    pub(crate) job: J,
    pub(crate) weight: u32,
    pub(crate) since: Option<Instant>,
}

pub(crate) struct GroupState<J> {
    /// Cancelling it cancels the jobs of the group: those that wait are swept, those that run may
    /// look.
    pub(crate) ctx: Context,
    inner: Mutex<Inner<J>>,
    /// What cancels it with its pool, and its jobs with it, for as long as anybody has the group or
    /// a job of it.
    joints: Mutex<Option<[OnCancel; 2]>>,
}

struct Inner<J> {
    /// How many of its jobs may be in the pool's queue or with a worker.
    limit: usize,
    active: usize,
    /// Jobs beyond the limit.
    held: VecDeque<Held<J>>,
    ended: Waiters,
    /// Those who wait for room in `held`.
    room: Waiters,
}

impl<J> GroupState<J> {
    fn new(ctx: Context, limit: usize) -> Self {
        let inner = Inner {
            limit,
            active: 0,
            held: VecDeque::new(),
            ended: Waiters::new(),
            room: Waiters::new(),
        };
        Self { ctx, inner: Mutex::new(inner), joints: Mutex::new(None) }
    }

    /// A group below `ctx`, which is cancelled with its pool as well; `sweep` is called when it is
    /// cancelled.
    pub(crate) fn joined(
        pool: &Context,
        ctx: &Context,
        limit: usize,
        sweep: impl FnOnce(&Arc<Self>, &Cause) + Send + 'static,
    ) -> Arc<Self>
    where
        J: Send + 'static,
    {
        let group = Arc::new(Self::new(ctx.child(), limit));
        let theirs = group.ctx.clone();
        let with_pool = pool.on_cancel(move |cause| {
            theirs.cancel(cause.clone());
        });
        let swept = Arc::downgrade(&group);
        let sweeps = group.ctx.on_cancel(move |cause| {
            if let Some(group) = swept.upgrade() {
                sweep(&group, cause);
            }
        });
        *group.joints.lock() = Some([with_pool, sweeps]);
        group
    }

    pub(crate) fn has_place(&self) -> bool {
        let inner = self.inner.lock();
        inner.active < inner.limit && inner.held.is_empty()
    }

    pub(crate) fn waiting(&self) -> usize {
        self.inner.lock().held.len()
    }

    pub(crate) fn enter(&self) {
        self.inner.lock().active += 1;
    }

    pub(crate) fn hold(&self, job: Held<J>) {
        self.inner.lock().held.push_back(job);
    }

    /// One that was active has finished. Gives the one that moves up in its place.
    pub(crate) fn leave(&self, had_place: bool, wakes: &mut Wakes) -> Option<Held<J>> {
        let mut inner = self.inner.lock();
        inner.active -= usize::from(had_place);
        let next = if inner.active < inner.limit { inner.held.pop_front() } else { None };
        inner.active += usize::from(next.is_some());
        if inner.active == 0 {
            while let Some(waker) = inner.ended.notify_first() {
                wakes.push(waker);
            }
        }
        next
    }

    /// One that was held back, to be started beyond the limit.
    pub(crate) fn take_held(&self) -> Option<Held<J>> {
        let mut inner = self.inner.lock();
        let held = inner.held.pop_front();
        inner.active += usize::from(held.is_some());
        held
    }

    /// Takes all out that were held back.
    pub(crate) fn sweep(&self) -> VecDeque<Held<J>> {
        std::mem::take(&mut self.inner.lock().held)
    }

    /// Whether none of its jobs waits or runs; else `waker` is kept until then. What is to be
    /// dropped after the lock comes back.
    pub(crate) fn poll_ended(&self, key: &mut Option<Key>, waker: &Waker) -> (bool, Option<Waker>) {
        let mut inner = self.inner.lock();
        if inner.active == 0 && inner.held.is_empty() {
            return (true, key.take().and_then(|key| inner.ended.remove(key)));
        }
        (false, inner.ended.wait(key, waker))
    }

    /// Ends a wait.
    pub(crate) fn forget(&self, key: Key) -> Option<Waker> {
        self.inner.lock().ended.remove(key)
    }

    /// Stands in line for room among those that are held back; gives back what is to be dropped
    /// after the lock.
    pub(crate) fn wait_for_room(&self, key: &mut Option<Key>, waker: &Waker) -> Option<Waker> {
        self.inner.lock().room.wait(key, waker)
    }

    /// Ends that; true if nobody else stands there.
    pub(crate) fn leave_line(&self, key: Key) -> (Option<Waker>, bool) {
        let mut inner = self.inner.lock();
        let waker = inner.room.remove(key);
        (waker, inner.room.is_empty())
    }

    /// Notifies those who wait there, if fewer than `bound` jobs are held back or none will be any
    /// more.
    pub(crate) fn report_room(&self, bound: usize, wakes: &mut Wakes) {
        let mut inner = self.inner.lock();
        let held = if self.ctx.is_cancelled() { 0 } else { inner.held.len() };
        while let Some(waker) = inner.room.notify(bound.saturating_sub(held)) {
            wakes.push(waker);
        }
    }
}
