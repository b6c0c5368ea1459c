//! A group as the pool's lock sees it: how many of its jobs run, which ones it holds back, who waits for its end.
//!
//! Its own lock is only ever taken under the pool's, or alone; so it is always free but for the moment, and the pool's
//! state may change both in one step.

use std::collections::VecDeque;

use super::state::Entry;
use crate::context::{Context, OnCancel};
use crate::sync::Mutex;
use crate::waiters::{Key, Waiters, Wakes};
use std::task::Waker;

pub(crate) struct Member<J> {
    /// Cancelling it cancels the jobs of the group: those that wait are swept, those that run may look.
    pub(crate) ctx: Context,
    inner: Mutex<Inner<J>>,
    /// What cancels it with its pool, and its jobs with it, for as long as anybody has the group or a job of it.
    joints: Mutex<Option<[OnCancel; 2]>>,
}

struct Inner<J> {
    /// How many of its jobs may be in the pool's queue or with a worker.
    limit: usize,
    active: usize,
    /// Jobs beyond the limit, without their reference to this group, which would be a ring.
    held: VecDeque<Entry<J>>,
    ended: Waiters,
}

impl<J> Member<J> {
    pub(crate) fn new(ctx: Context, limit: usize) -> Self {
        let inner = Inner { limit, active: 0, held: VecDeque::new(), ended: Waiters::new() };
        Self { ctx, inner: Mutex::new(inner), joints: Mutex::new(None) }
    }

    pub(crate) fn keep(&self, with_pool: OnCancel, sweeps: OnCancel) {
        *self.joints.lock() = Some([with_pool, sweeps]);
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

    pub(crate) fn hold(&self, entry: Entry<J>) {
        self.inner.lock().held.push_back(Entry { member: None, ..entry });
    }

    /// One that was active has ended. Gives the one that moves up in its place.
    pub(crate) fn leave(&self, had_place: bool, wakes: &mut Wakes) -> Option<Entry<J>> {
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

    /// One that was held back, to be begun beyond the limit.
    pub(crate) fn take_held(&self) -> Option<Entry<J>> {
        let mut inner = self.inner.lock();
        let held = inner.held.pop_front();
        inner.active += usize::from(held.is_some());
        held
    }

    /// Takes all out that were held back.
    pub(crate) fn sweep(&self) -> VecDeque<Entry<J>> {
        std::mem::take(&mut self.inner.lock().held)
    }

    /// Whether none of its jobs waits or runs; else `waker` is kept until then. What is to be dropped after the lock
    /// comes back.
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
}
