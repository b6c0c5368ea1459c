//! The injector: where submitters put jobs without the pool's lock, as long as a worker is at work
//! that fetches them.
//!
//! The pool's state is touched by worker and submitter in turns, and each time its cache lines
//! travel from core to core. The injector travels once for all jobs that have come since a worker
//! was here last. It decides nothing: under the pool's lock (`core.rs`) it is given the number of
//! jobs that it may take, its *credit*, and with none of that a submitter goes to that lock.
//!
//! Its lock is taken alone, or under the pool's.

use std::time::Instant;

/// One job in this number has its times measured.
const SAMPLE_EVERY: u64 = 16;

pub(crate) struct Injector<J> {
    /// How many more jobs it takes.
    credit: usize,
    /// How many it has ever taken.
    taken: u64,
    jobs: Vec<J>,
    /// When some of them came, by their places.
    times: Vec<(usize, Instant)>,
}

impl<J> Injector<J> {
    pub(crate) fn new() -> Self {
        Self { credit: 0, taken: 0, jobs: Vec::new(), times: Vec::new() }
    }

    /// Takes a job, if it has credit; whether it is the first one since the injector was emptied.
    #[inline]
    pub(crate) fn put(&mut self, job: J, now: impl FnOnce() -> Instant) -> Result<bool, J> {
        if self.credit == 0 {
            return Err(job);
        }
        self.credit -= 1;
        if self.taken.is_multiple_of(SAMPLE_EVERY) {
            self.times.push((self.jobs.len(), now()));
        }
        self.taken += 1;
        self.jobs.push(job);
        Ok(self.jobs.len() == 1)
    }

    pub(crate) fn set_credit(&mut self, credit: usize) {
        self.credit = credit;
    }

    pub(crate) fn len(&self) -> usize {
        self.jobs.len()
    }

    /// All its jobs, in the order in which they came.
    pub(crate) fn empty(&mut self) -> impl Iterator<Item = (J, Option<Instant>)> {
        let mut times = self.times.drain(..).peekable();
        let jobs = self.jobs.drain(..).enumerate();
        jobs.map(move |(at, job)| {
            let time = times.next_if(|(of, _)| *of == at);
            (job, time.map(|(_, time)| time))
        })
    }
}
