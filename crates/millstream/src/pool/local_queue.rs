//! Jobs that a worker took along because they are short: it saves the pool's lock for each of them.
//!
//! They are not its own: a worker that has nothing to do takes of them, and an abort sweeps them.
//! So a job that turns out to be long holds nobody back who could be run beside it.

use std::collections::VecDeque;

use super::job_queue::Entry;
use crate::sync::Mutex;

/// One worker's local queue. Its lock is taken by its worker alone, by others under the pool's.
pub(crate) struct LocalQueue<J> {
    jobs: Mutex<VecDeque<Entry<J>>>,
}

impl<J> LocalQueue<J> {
    pub(crate) fn new() -> Self {
        Self { jobs: Mutex::new(VecDeque::new()) }
    }

    #[inline]
    pub(crate) fn pop(&self) -> Option<Entry<J>> {
        self.jobs.lock().pop_front()
    }

    pub(crate) fn extend(&self, jobs: impl Iterator<Item = Entry<J>>) {
        self.jobs.lock().extend(jobs);
    }

    pub(crate) fn len(&self) -> usize {
        self.jobs.lock().len()
    }

    /// The older half, for another worker; at least one if there is one.
    pub(crate) fn halve(&self) -> VecDeque<Entry<J>> {
        let mut jobs = self.jobs.lock();
        let half = jobs.len().div_ceil(2);
        let rest = jobs.split_off(half);
        std::mem::replace(&mut jobs, rest)
    }

    pub(crate) fn sweep(&self) -> VecDeque<Entry<J>> {
        std::mem::take(&mut self.jobs.lock())
    }
}
